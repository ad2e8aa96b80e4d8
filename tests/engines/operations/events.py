"""`kafka` by a broker of Apache Kafka, by clients of both kinds, by AsyncAPI's own parser and by the schema of Strimzi.

What is expected is worked out from the YAML of the workspace, and from no file that is compiled. What the broker refuses has to be an
error of `mcpctl validate` already.
"""

import contextlib
import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import jsonschema
import yaml
from confluent_kafka import Consumer, KafkaException, Producer
from confluent_kafka.admin import AdminClient, ConfigResource, NewTopic, ResourceType
from ports import free_ports

from live.tally import Tally

from .programs import HERE, ROOT, Programs

OWN, TOOLS = HERE / "events.yaml", HERE.parent / "kafka"
SCHEMA = ROOT.parent / "shared/reference/crds/strimzi_topic.yaml"
SECONDS = 20
UNITS = {"_days": 86_400_000, "s": 1_000, "m": 60_000}
JVM = ["-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", f"-Dlog4j2.configurationFile={TOOLS / 'log4j2.xml'}"]


def quantity(text: str) -> int:
    number, unit = re.fullmatch(r"(\d+)(\w+)", text).groups()
    return int(number) * UNITS[unit]


def sections(*files: Path) -> dict:
    found = {}
    for file in files:
        for document in yaml.safe_load_all(file.read_text()):
            found |= document
    return found


def declared(written: dict) -> dict[str, tuple[int, dict[str, str]]]:
    """The topics of a workspace: how many partitions, and the configuration that is not the broker's own."""
    found = {}
    for topic in written["event_driven_config"]["event_bus"]["topics"]:
        kept = topic.get("retention")
        at_least = isinstance(kept, dict)
        config = {"retention.ms": str(quantity(kept["at_least"] if at_least else kept))} if kept else {}
        found[topic["name"]] = (topic["partitions"], config | ({"retention.bytes": "-1"} if at_least else {}))
    return found


@dataclass
class Broker:
    """A broker that runs, and the file of settings that its clients have."""

    port: int
    client: Path

    def __post_init__(self):
        self.address = {"bootstrap.servers": f"127.0.0.1:{self.port}"}
        self.admin = AdminClient({**self.address, "log_level": 0})
        self.client.write_text(f"# Written by hand, beside the bundle.\nbootstrap.servers = 127.0.0.1:{self.port}\n")

    def create(self, name: str, partitions: int, config: dict, for_real: bool = False) -> str | None:
        """What it has against a topic."""
        try:
            for future in self.admin.create_topics([NewTopic(name, partitions, 1, config=config)], validate_only=not for_real, request_timeout=SECONDS).values():
                future.result(SECONDS)
        except (KafkaException, ValueError) as fault:
            return str(fault)
        return None

    def topics(self) -> dict[str, tuple[int, dict[str, str]]]:
        """Its topics, as `declared` has them."""
        names = {name: len(topic.partitions) for name, topic in self.admin.list_topics(timeout=SECONDS).topics.items() if not name.startswith("__")}
        if not names:
            return {}
        answers = self.admin.describe_configs([ConfigResource(ResourceType.TOPIC, name) for name in names], request_timeout=SECONDS)
        own = {}
        for resource, answer in answers.items():
            # What was set for the topic itself.
            own[resource.name] = {key: entry.value for key, entry in answer.result(SECONDS).items() if not entry.is_default and entry.source == 1}
        return {name: (partitions, own[name]) for name, partitions in names.items()}

    def settled(self, good: Callable[[dict], bool], seconds: float = 5) -> dict:
        """Its topics once they are as asked: a broker tells clients of a change a moment later."""
        until = time.monotonic() + seconds
        while True:
            with contextlib.suppress(KafkaException):
                found = self.topics()
                if good(found) or time.monotonic() > until:
                    return found
            time.sleep(0.05)

    def clear(self) -> None:
        there = [name for name in self.admin.list_topics(timeout=SECONDS).topics if not name.startswith("__")]
        for future in self.admin.delete_topics(there, request_timeout=SECONDS).values() if there else ():
            future.result(SECONDS)
        self.settled(lambda found: not found)

    def apply(self, folder: Path, *more: str) -> subprocess.CompletedProcess:
        command = [sys.executable, folder / "apply_topics.py", self.client, *more]
        return subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=60)


@contextlib.contextmanager
def broker(programs: Programs) -> Iterator[Broker]:
    folder = programs.folder("broker")
    shutil.copytree(programs.engine / "data", folder / "data")
    shutil.copy(TOOLS / "server.properties", folder)
    port, controller = free_ports(2)
    own = {"listeners": f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}", "controller.quorum.voters": f"1@127.0.0.1:{controller}"}
    overrides = [part for key, value in own.items() for part in ("--override", f"{key}={value}")]
    command = ["java", *JVM, "-cp", f"{programs.engine}/lib/*", "kafka.Kafka", "server.properties", *overrides]
    found = Broker(port, folder / "client.properties")

    def ready() -> bool:
        with contextlib.suppress(KafkaException):
            return bool(found.admin.list_topics(timeout=0.5).brokers)
        return False

    with programs.running(command, folder, ready) as said:
        if said is not None:
            raise SystemExit(f"the broker ended: {said[-2000:]}")
        yield found


def with_one_replica(programs: Programs, source: Path, name: str, change: Callable[[str], str] = lambda text: text) -> Path:
    """A workspace with settings for one broker."""
    folder = programs.folder(name)
    for file in sorted(source.glob("*.yaml")) if source.is_dir() else [source]:
        (folder / file.name).write_text(change(file.read_text()))
    (folder / "mcpctl.yaml").write_text("targets: {kafka: {replicas: 1}}\n")
    return folder


def same(broker: Broker, folder: Path, wanted: dict, seconds: float = 5) -> str | None:
    """What is wrong once the topics of a folder were applied."""
    done = broker.apply(folder)
    if done.returncode != 0:
        return f"apply_topics.py: {done.stdout}{done.stderr}"
    found = broker.settled(lambda found: found == wanted, seconds)
    return None if found == wanted else f"the broker has {found}, and {wanted} is declared"


def topics(programs: Programs, broker: Broker, folder: Path, written: dict, what: str, tally: Tally) -> None:
    """Topics are created as declared, once, and only where it is asked for."""
    wanted = declared(written)
    done = broker.apply(folder, "--dry-run")
    tally.check(done.returncode == 0 and broker.topics() == {}, f"{what}: a dry run: {done.stdout}{done.stderr}")
    fault = same(broker, folder, wanted)
    tally.check(fault is None, f"{what}: {fault}")
    again = broker.apply(folder)
    tally.check((again.returncode, again.stdout) == (0, ""), f"{what}: a second time: {again.stdout}{again.stderr}")


def changed(programs: Programs, broker: Broker, tally: Tally) -> None:
    """A bus that grows is followed; one that shrinks is refused, before anything is changed."""
    grown = with_one_replica(programs, OWN, "grown", lambda text: text.replace("partitions: 8, retention: 90_days", "partitions: 9, retention: 30_days"))
    fault = same(broker, programs.compiled(grown, "kafka") / "central", declared(sections(grown / OWN.name)))
    tally.check(fault is None, f"a bus that grows: {fault}")
    before = broker.topics()
    shrunk = with_one_replica(programs, OWN, "shrunk", lambda text: text.replace("partitions: 8, retention: 90_days", "partitions: 2, retention: 1_days"))
    done = broker.apply(programs.compiled(shrunk, "kafka") / "central")
    tally.check(done.returncode == 1 and "has 9 partitions" in done.stderr, f"a topic that shrinks: {done.stdout}{done.stderr}")
    tally.check(broker.topics() == before, "a topic that shrinks has changed")


# A topic that the broker refuses, and the same in a workspace.
REFUSED = [
    (("a b", 1, {}), "name: Audit", 'name: "a b"'),
    (("x" * 250, 1, {}), "name: Audit", f"name: {'x' * 250}"),
    (("..", 1, {}), "name: Audit", 'name: ".."'),
    (("__cluster_metadata", 1, {}), "name: Audit", "name: __cluster_metadata"),
    (("order.events", 1, {}), "name: Audit", "name: order.events"),
    (("zero", 0, {}), "partitions: 3", "partitions: 0"),
    (("less", -3, {}), "partitions: 3", "partitions: -3"),
    (("many", 10_000, {}), "partitions: 3", "partitions: 10000"),
    (("many", 9_998, {"retention.ms": "1", "retention.bytes": "-1"}), "partitions: 1, retention: {at_least: 1_days}", "partitions: 9998, retention: {at_least: 1_days}"),
    (("words", 1, {"retention.ms": "30_days"}), "retention: 90_days", "retention: 90_dayz"),
    (("half", 1, {"retention.ms": "1.5"}), "retention: 90_days", "retention: 1.5_days"),
    (("negative", 1, {"retention.ms": "-2"}), "retention: 90_days", "retention: -2_days"),
    (("huge", 1, {"retention.ms": str(2**63)}), "retention: 90_days", "retention: 300000000000_years"),
    (("misspelt", 1, {"retentionms": "1"}), "retention: 90_days", "retentionms: 90_days"),
    (("gz", 1, {"compression.type": "gz"}), "compression: gzip", "compression: gz"),
]  # fmt: skip


def refusals(programs: Programs, broker: Broker, tally: Tally) -> None:
    tally.check(broker.create("taken", 9_997, {"retention.ms": "1", "retention.bytes": "-1"}) is None, "9997 partitions are refused")
    plain = programs.validated(with_one_replica(programs, OWN, "plain"))
    tally.check(" error" not in plain, f"the workspace itself: {plain[-500:]}")
    for (name, partitions, config), old, new in REFUSED:
        tally.check(broker.create(name, partitions, config) is not None, f"the broker takes {name} {partitions} {config}")
        workspace = with_one_replica(programs, OWN, "refused", lambda text: text.replace(old, new))
        tally.check(" error" in programs.validated(workspace), f"`{new}` is not an error of validate")


def properties(file: Path) -> dict[str, str]:
    return dict(line.split("=", 1) for line in file.read_text().splitlines())


def producers(programs: Programs, files: list[Path]) -> list[str]:
    """What the client for Java says of each of these files."""
    command = ["java", *JVM, "-cp", f"{programs.engine}/classes:{programs.engine}/lib/*", "Producers", *files]
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=60).stdout.splitlines()


def batches(programs: Programs, broker: Broker, folder: Path, written: dict, tally: Tally) -> None:
    batch = written["batch_processing"]
    flush, size = quantity(batch["flush_interval"]), batch["batch_size"]
    java = {"linger.ms": str(flush), "compression.type": batch["compression"]}
    own = properties(folder / "producer.librdkafka.properties")
    tally.check(own == java | {"batch.num.messages": str(size)}, f"librdkafka is told {own}")
    tally.check(properties(folder / "producer.java.properties") == java, "Java is told other values")
    files = {"ok": (folder / "producer.java.properties").read_text()}
    # What one client swallows another refuses; names of one client are unknown to the other.
    files |= {"Not a number of type LONG": "linger.ms=10s\n", "Invalid value gz for configuration compression.type": "compression.type=gz\n", "unknown: [batch.num.messages]": "batch.num.messages=100\n"}
    written_to = []
    for number, text in enumerate(files.values()):
        written_to.append(programs.work / f"producer-{number}.properties")
        written_to[-1].write_text(text)
    for (expected, text), said in zip(files.items(), producers(programs, written_to), strict=True):
        tally.check(expected in said, f"Java says of {text!r}: {said}")
    # The longest that librdkafka takes, and more, which is an error of the workspace.
    longest = with_one_replica(programs, OWN, "longest", lambda text: text.replace("flush_interval: 3s", "flush_interval: 15m"))
    Producer({**broker.address, **properties(programs.compiled(longest, "kafka") / "central/producer.librdkafka.properties")})
    for refused in ({"linger.ms": 900_001}, {"batch.num.messages": 0}):
        with contextlib.suppress(KafkaException):
            Producer(refused)
            tally.fault(f"librdkafka takes {refused}")
    for old, new in (("flush_interval: 3s", "flush_interval: 901s"), ("batch_size: 50", "batch_size: 0")):
        said = programs.validated(with_one_replica(programs, OWN, "refused", lambda text: text.replace(old, new)))
        tally.check(" error" in said, f"`{new}` is not an error of validate")
    # A full batch goes out at once, and a part of one waits.
    for count, waits in ((size, False), (size - 1, True)):
        took, at = [], time.monotonic()
        producer = Producer({**broker.address, **own})
        for _ in range(count):
            producer.produce("Audit", b"x", partition=0, on_delivery=lambda *_: took.append(time.monotonic() - at))
        while len(took) < count and time.monotonic() - at < SECONDS:
            producer.poll(0.02)
        tally.check(len(took) == count and (max(took) * 1000 >= flush) == waits, f"{count} of {size} events took {max(took, default=-1):.2f} s")


def read(broker: Broker, plan: dict, count: int, commit: bool) -> list[str]:
    """The ids of the events that a consumer of a plan gets, at most so many; the events are committed, or it ends before."""
    consumer = Consumer({**broker.address, **plan["consumer"]})
    consumer.subscribe(plan["topics"])
    found, until = [], time.monotonic() + SECONDS
    while len(found) < count and time.monotonic() < until:
        record = consumer.poll(0.1)
        if record is not None and record.error() is None:
            found.append(dict(record.headers() or [])[plan["idempotency_key"]["header"]].decode())
    if commit:
        consumer.commit(asynchronous=False)
    consumer.close()
    return sorted(found)


def processors(broker: Broker, folder: Path, written: dict, tally: Tally) -> None:
    """An event whose calls were not done comes again, under the same key; one that was committed does not."""
    wanted = {one["name"]: one for one in written["event_driven_config"]["event_processors"]}
    plans = json.loads((folder / "processors.json").read_text())
    tally.check(plans.keys() == wanted.keys(), f"there are plans for {list(plans)}")
    for name, plan in plans.items():
        calls = [{"server": wanted[name]["triggers_mcp"], "tool": tool} for tool in wanted[name]["tools"]]
        tally.check((plan["topics"], plan["calls"]) == (wanted[name]["subscribes_to"], calls), f"{name}: {plan}")
        producer = Producer(broker.address)
        ids = [f"event-{number}" for number in range(20)]
        for number, one in enumerate(ids):
            producer.produce("order_events", b"{}", key=one, headers={"ce_id": one}, partition=number % 8)
        producer.flush(SECONDS)
        plan = {**plan, "topics": ["order_events"]}
        first, again = read(broker, plan, 20, commit=False), read(broker, plan, 20, commit=True)
        tally.check(first == again == sorted(ids), f"{name}: {len(first)} events, and {len(again)} of them again")
        producer.produce("order_events", b"{}", headers={"ce_id": "last"}, partition=3)
        producer.flush(SECONDS)
        tally.check(read(broker, plan, 1, commit=True) == ["last"], f"{name}: what was committed comes again")
        groups = {group.group_id for group in broker.admin.list_consumer_groups(request_timeout=SECONDS).result(SECONDS).valid}
        tally.check(name in groups, f"{name}: the consumer groups are {groups}")


def documents(programs: Programs, folders: list[Path], tally: Tally) -> int:
    """AsyncAPI's own parser takes each document, and refuses spoiled ones."""
    good = [folder / "asyncapi.yaml" for folder in folders]
    text, files = good[0].read_text(), [*good]
    for old, new in [("partitions: 8", "partitions: eight"), ("#/channels/order_events", "#/channels/orders"), ("action: receive", "action: read"), ("retention.ms: 7776000000", "retention.ms: 90_days"), ("asyncapi: 3.0.0", "asyncapi: 3.0.0\nchannel: {}")]:
        tally.check(old in text, f"{old} is not in the document")
        files.append(programs.work / f"asyncapi-{len(files)}.yaml")
        files[-1].write_text(text.replace(old, new, 1))
    command = ["node", TOOLS / "parse.mjs", programs.engine / "packages", *files]
    said = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=120)
    answers = said.stdout.splitlines()
    tally.check(len(answers) == len(files), f"the parser ended: {said.stderr[-500:]}")
    for number, (file, answer) in enumerate(zip(files, answers)):
        tally.check((answer == "ok") == (number < len(good)), f"{file.name}: {answer}")
    return len(files) - len(good)


def resources(folders: list[Path], tally: Tally) -> str:
    """Strimzi's own schema takes each resource, with no key that it does not have."""
    if not SCHEMA.exists():
        return "skipped: the schema of Strimzi"
    versions = {one["name"]: one["schema"]["openAPIV3Schema"] for one in yaml.safe_load(SCHEMA.read_text())["spec"]["versions"]}

    def closed(schema: dict) -> dict:
        if schema.get("type") == "object" and "properties" in schema and "x-kubernetes-preserve-unknown-fields" not in schema:
            schema = schema | {"additionalProperties": False, "properties": {key: closed(one) for key, one in schema["properties"].items()}}
        return schema

    def fault(resource: dict) -> str | None:
        schema = closed(versions[resource["apiVersion"].split("/")[1]] | {"x-kubernetes-preserve-unknown-fields": None})
        spec = closed(schema["properties"]["spec"])
        found = [one.message for one in jsonschema.Draft202012Validator(spec).iter_errors(resource["spec"])]
        return found[0] if found else None

    found = [one for folder in folders for one in yaml.safe_load_all((folder / "kafka-topics.yaml").read_text())]
    for one in found:
        tally.check(fault(one) is None, f"{one['metadata']['name']}: {fault(one)}")
    for change in ({"partitions": "eight"}, {"partition": 8}, {"topicName": 1}, {"replicas": "3"}):
        tally.check(fault(found[0] | {"spec": found[0]["spec"] | change}) is not None, f"{change} is taken")
    return f"{len(found)} resources of Strimzi"


SPOILED = [
    ("a word of the document", "7776000000", "90_days"), ("seconds", "7776000000", "7776000"), ("a day less", "7776000000", "7689600000"), ("a name of ours", "retention.ms", "retention"),
    ("no retention", '"retention.ms": "7776000000"', ""), ("a partition less", '"partitions": 8', '"partitions": 7'), ("no partition", '"partitions": 8', '"partitions": 0'),
    ("another name", "order_events", "order_event"), ("a collision", "order-events.v2", "order.events"), ("too many replicas", '"replicationFactor": 1', '"replicationFactor": 3'),
    ("a limit in bytes", '"retention.bytes": "-1"', '"retention.bytes": "1000"'),
]  # fmt: skip


def spoiled(programs: Programs, broker: Broker, folder: Path, written: dict, tally: Tally) -> int:
    noticed = 0
    text = (folder / "topics.json").read_text()
    for what, old, new in SPOILED:
        broker.clear()
        copy = programs.folder("spoiled")
        shutil.copy(folder / "apply_topics.py", copy)
        tally.check(old in text, f"{old} is not in the list of topics")
        (copy / "topics.json").write_text(text.replace(old, new))
        noticed += tally.check(same(broker, copy, declared(written), 0.5) is not None, f"{what}, and nobody notices")
    return noticed


def run(programs: Programs) -> Tally:
    tally = Tally("kafka")
    seed, own = ROOT / "fixtures/seed", with_one_replica(programs, OWN, "own")
    of_seed = programs.compiled(with_one_replica(programs, seed, "seed"), "kafka") / "central"
    of_own = programs.compiled(own, "kafka") / "central"
    written = sections(OWN)
    with broker(programs) as running:
        topics(programs, running, of_seed, sections(seed / "event-driven.yaml"), "the document", tally)
        running.clear()
        topics(programs, running, of_own, written, "events.yaml", tally)
        processors(running, of_own, written, tally)
        batches(programs, running, of_own, written, tally)
        refusals(programs, running, tally)
        changed(programs, running, tally)
        noticed = spoiled(programs, running, of_own, written, tally)
    noticed += documents(programs, [of_own, of_seed], tally)
    tally.notes.append(f"{len(REFUSED)} topics refused by the broker and by validate, {noticed} spoiled files noticed, {resources([of_own, of_seed], tally)}")
    return tally.end()
