"""`redis` by Redis: nodes report what the workspace says, evict what its words mean, and forget entries when it says.

What is expected is worked out from the YAML of the workspace, and from no file that is compiled.
"""

import contextlib
import json
import re
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import redis
import yaml
from ports import free_ports

from live.tally import Tally

from .programs import HERE, ROOT, Programs

OWN = HERE / "caches.yaml"
POLICIES = {"lru": "allkeys-lru", "lfu": "allkeys-lfu", "random": "allkeys-random", "ttl_based": "volatile-ttl", "none": "noeviction"}
UNITS = {"kB": 10**3, "MB": 10**6, "GB": 10**9, "Mi": 2**20, "ms": 1, "s": 10**3, "m": 60_000, "h": 3_600_000}
# Together more than a layer of six megabytes holds; those that are set first, less.
FIRST, ENTRIES, VALUE = 1000, 1600, b"x" * 4000
MASTERS = 3


def quantity(text: str) -> int:
    number, unit = re.fullmatch(r"(\d+)(\w+)", text).groups()
    return int(number) * UNITS[unit]


@dataclass
class Layer:
    """A layer as the workspace says it, and its folder in the bundle."""

    written: dict
    folder: Path

    @property
    def cluster(self) -> bool:
        return self.written["location"] == "redis_cluster"

    def expected(self) -> dict[str, str]:
        size = quantity(self.written["size"]) // (MASTERS if self.cluster else 1) if "size" in self.written else 0
        policy = POLICIES[self.written["eviction"]] if "eviction" in self.written else "noeviction"
        return {"maxmemory": str(size), "maxmemory-policy": policy, "save": "", "cluster-enabled": "yes" if self.cluster else "no"}

    def settings(self) -> dict:
        return json.loads((self.folder / "client.json").read_text())


def layers(programs: Programs, source: Path, written: Path) -> dict[str, Layer]:
    folder = programs.compiled(source, "redis") / "central"
    found = yaml.safe_load(written.read_text())["caching_strategy"]["layers"]
    return {one["name"]: Layer(one, folder / re.sub(r"\W|_", "-", one["name"])) for one in found if one["location"].startswith("redis")}


@contextlib.contextmanager
def nodes(programs: Programs, conf: Path, count: int) -> Iterator[list[int] | str]:
    """So many nodes that include a file, each with what is its own; their ports, or what one of them had against it."""
    ports = free_ports(count)
    with contextlib.ExitStack() as stack:
        for port in ports:
            folder = programs.folder("node")
            # The bus of a cluster would listen ten thousand above, which may be no port.
            own = [f"include {conf}", "bind 127.0.0.1", f"port {port}", f"dir {folder}", "daemonize no", "cluster-node-timeout 2000", f"cluster-port {free_ports(1)[0]}"]
            (folder / "node.conf").write_text("\n".join(own) + "\n")
            said = stack.enter_context(programs.running([programs.program("redis-server"), folder / "node.conf"], folder, lambda: answers(port)))
            if said is not None:
                yield said
                return
        yield ports


def answers(port: int) -> bool:
    with contextlib.suppress(redis.RedisError):
        return redis.Redis(port=port).ping()
    return False


def faults(layer: Layer, ports: list[int]) -> list[str]:
    """What nodes report, and what clients are told, where it is not what the workspace says."""
    found = []
    for port in ports:
        client = redis.Redis(port=port, decode_responses=True)
        for name, value in layer.expected().items():
            reported = client.config_get(name)[name]
            if reported != value:
                found.append(f"{layer.written['name']}: a node reports {name} {reported}, and {value} is declared")
    try:
        told, ttl = layer.settings(), layer.written.get("ttl")
        if told != {"cluster": layer.cluster, **({"set": {"px": quantity(ttl)}} if ttl else {})}:
            found.append(f"{layer.written['name']}: clients are told {told}")
    except ValueError as fault:
        found.append(f"{layer.written['name']}: clients are told nothing: {fault}")
    return found


def fill(client: redis.Redis, said: dict, first: int = 0, count: int = ENTRIES) -> int:
    """Sets entries, as the layer's settings say; how many were refused."""
    refused = 0
    # What a client has sent and a node has not read yet counts for its memory, so little is sent at a time.
    for at in range(first, first + count, 50):
        pipeline = client.pipeline(transaction=False)
        for number in range(at, min(at + 50, first + count)):
            pipeline.set(f"entry-{number}", VALUE, **said)
        refused += sum(isinstance(answer, redis.exceptions.ResponseError) for answer in pipeline.execute(raise_on_error=False))
    return refused


def evicted(client: redis.Redis) -> int:
    return client.info("stats")["evicted_keys"]


def words(programs: Programs, own: dict[str, Layer], tally: Tally) -> None:
    """What each word of `eviction` does to a node that is full."""
    for name, layer in own.items():
        with nodes(programs, layer.folder / "redis.conf", 1) as ports:
            if not tally.check(isinstance(ports, list), f"{name}: {ports}"):
                continue
            for fault in faults(layer, ports):
                tally.fault(fault)
            client, said = redis.Redis(port=ports[0]), layer.settings()["set"]
            word = layer.written.get("eviction")
            client.set("often", b"1", **said)
            client.set("forever", b"1")
            for _ in range(500):
                client.get("often")
            refused = fill(client, said, 0, FIRST)
            if word == "lru":
                # The clock that ages are told by has a resolution of a second.
                time.sleep(1.5)
                client.get("often")
            refused += fill(client, said, FIRST, ENTRIES - FIRST)
            gone, left = evicted(client), client.exists("often")
            if word is None:
                tally.check(client.get("often") is None or client.pttl("often") <= 300, f"{name}: an entry lives longer than 300 ms")
                time.sleep(0.4)
                tally.check(client.exists("often") == 0 and client.exists("forever") == 1, f"{name}: an entry outlives its time")
                continue
            tally.check((gone > 0) == (word != "none"), f"{name}: {gone} entries were evicted")
            tally.check((refused > 0) == (word == "none"), f"{name}: {refused} of {ENTRIES} entries were refused")
            limit = int(layer.expected()["maxmemory"])
            tally.check(client.info("memory")["used_memory"] <= limit * 1.05, f"{name}: a node holds more than {limit} bytes")
            if word in ("lru", "lfu"):
                # With `lru` it was used a moment ago; with `lfu` a long time ago, but often.
                tally.check(left == 1, f"{name}: an entry that was used is evicted")
            if word == "ttl_based":
                tally.check(client.exists("forever") == 1, f"{name}: an entry that never expires is evicted")
                # What the page says of clients that do not pass the time on.
                client.flushall()
                tally.check(fill(client, {}) > 0, f"{name}: entries without a time make room")


def cluster(programs: Programs, layer: Layer, tally: Tally) -> None:
    """Three nodes of the document's layer, joined."""
    with nodes(programs, layer.folder / "redis.conf", MASTERS) as ports:
        if not tally.check(isinstance(ports, list), f"the cluster: {ports}"):
            return
        for fault in faults(layer, ports):
            tally.fault(fault)
        command = [programs.program("redis-cli"), "--cluster", "create", *(f"127.0.0.1:{port}" for port in ports), "--cluster-yes"]
        done = subprocess.run(command, env=programs.environment(), capture_output=True, text=True, timeout=60)
        if not tally.check(done.returncode == 0, f"the nodes do not join: {done.stdout[-500:]}"):
            return
        client, said = redis.RedisCluster(host="127.0.0.1", port=ports[0]), layer.settings()["set"]
        for number in range(100):
            client.set(f"entry-{number}", b"1", **said)
        total = sum(quantity(layer.written["size"]) // MASTERS for _ in ports)
        tally.check(total <= quantity(layer.written["size"]), f"the nodes hold {total} bytes together")
        used = {client.get_node_from_key(f"entry-{number}").port for number in range(100)}
        tally.check(used == set(ports), f"keys are on {used}")
        ttl = quantity(layer.written["ttl"])
        times = [client.pttl(f"entry-{number}") for number in range(100)]
        tally.check(all(ttl - 60_000 < one <= ttl for one in times), f"entries live {min(times)} to {max(times)} ms")
        client.close()


SPOILED = [
    ("a word of the document", "allkeys-lru", "lru"), ("a size of the document", "6000000", "6MiB"), ("a directive that is misspelt", "maxmemory-policy", "maxmemory-polcy"),
    ("another eviction", "allkeys-lru", "allkeys-lfu"), ("no eviction", "maxmemory-policy allkeys-lru\n", ""), ("a tenth of the size", "6000000", "600000"),
    ("no limit", "maxmemory 6000000\n", ""), ("gigabytes", "6000000", "6gb"), ("snapshots on disk", 'save ""', "save 60 1"), ("a cluster", 'save ""', 'save ""\ncluster-enabled yes'),
    ("seconds", "3600000", "3600"), ("no time", '"px": 3600000', ""), ("another clock", '"px"', '"ex"'), ("clients of a cluster", "false", "true"),
]  # fmt: skip


def spoiled(programs: Programs, layer: Layer, tally: Tally) -> int:
    """Each spoiled file has to be noticed; otherwise the comparison shows nothing."""
    noticed = 0
    for what, old, new in SPOILED:
        folder = programs.folder("spoiled")
        for file in ("redis.conf", "client.json"):
            text = (layer.folder / file).read_text()
            (folder / file).write_text(text.replace(old, new))
        with nodes(programs, folder / "redis.conf", 1) as ports:
            found = isinstance(ports, str) or faults(Layer(layer.written, folder), ports)
        noticed += tally.check(bool(found), f"{what}, and nobody notices")
    return noticed


def run(programs: Programs) -> Tally:
    tally = Tally("redis")
    own = layers(programs, OWN, OWN)
    seed = layers(programs, ROOT / "fixtures/seed", ROOT / "fixtures/seed/caching.yaml")
    tally.check(list(seed) == ["distributed_cache"], f"the document has {list(seed)} in Redis")
    words(programs, own, tally)
    cluster(programs, seed["distributed_cache"], tally)
    noticed = spoiled(programs, own["recent"], tally)
    tally.check(noticed == len(SPOILED), f"{noticed} of {len(SPOILED)} spoiled files are noticed")
    tally.notes.append(f"{len(own)} layers alone, a cluster of {MASTERS}, {noticed} spoiled files noticed")
    return tally.end()
