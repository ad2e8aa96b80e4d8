"""`otel-collector` by a collector of the components that its files name: started, with ten thousand traces, and looked at from behind.

What is expected is worked out from the YAML of the workspace, and from no file that is compiled.
"""

import contextlib
import json
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import yaml
from ports import free_ports

from live.tally import Tally

from . import trace_sdk
from .programs import HERE, ROOT, Programs
from .trace_backends import Stack, answers, endpoints, stack, workspace
from .trace_load import NUMBER, RAW, Trace, made, send
from .trace_zipkin import Zipkin, zipkin

OWN = HERE / "traces.yaml"
TRACES, FEW = 10_000, 1_000
# Of a share by chance, so many standard deviations.
DEVIATIONS = 4
SECONDS = 40
# An address of this machine's own, at which a port of Jaeger's is free.
JAEGER = "127.53.1.7"


@contextlib.contextmanager
def collector(programs: Programs, config: str) -> Iterator[tuple[int, Path] | str]:
    """A collector with a configuration, and a file beside it for what belongs to the machine: its port, and where its log is. Or why it ended."""
    folder, (grpc, port) = programs.folder("collector"), free_ports(2)
    (folder / "collector.yaml").write_text(config)
    own = {
        "receivers": {"otlp": {"protocols": {"grpc": {"endpoint": f"127.0.0.1:{grpc}"}, "http": {"endpoint": f"127.0.0.1:{port}"}}}},
        "service": {"telemetry": {"metrics": {"level": "none"}, "logs": {"encoding": "json"}}},
    }
    (folder / "own.yaml").write_text(yaml.safe_dump(own))
    command = [programs.engine / "collector", "--config", folder / "collector.yaml", "--config", folder / "own.yaml"]
    with programs.running(command, folder, lambda: answers(port)) as said:
        yield (port, folder / "log") if said is None else said


def logged(log: Path) -> list[dict]:
    return [json.loads(line) for line in log.read_text(errors="replace").splitlines() if line.startswith("{")]


def settled(around: Stack, wait: float) -> None:
    """Waits until nothing more comes."""
    time.sleep(wait)
    before, until = -1, time.monotonic() + SECONDS
    while time.monotonic() < until and around.backends.count() != before:
        before = around.backends.count()
        time.sleep(1.5)


def hashed(written: dict) -> set[str]:
    """The servers whose users keep a pseudonym: those of the classes up to `internal`."""
    found: set[str] = set()
    for one in written.get("data_routing", {}).get("classifications", []):
        found |= set(one["mcp_servers"])
        if one["level"] == "internal":
            return found
    return set()


def of_users(trace: Trace, spans: list, keeps: set[str], numbers: bool) -> list[str]:
    """What is wrong with what is left of the user of a trace."""
    found = []
    kept = [one.attributes.get("user.id") for one in spans if "user.id" in one.attributes]
    if kept != ([trace.pseudonym()] if trace.server in keeps else []):
        found.append(f"a span about {trace.server} has the users {kept}")
    for one in spans:
        if RAW in one.text or (numbers and str(NUMBER) in one.text):
            found.append(f"a span about {trace.server} has the id of a user: {one.text[:300]}")
        if trace.request not in one.attributes.values():
            found.append(f"a span about {trace.server} lost the id of its request")
    return found


def faults(programs: Programs, config: str, around: Stack, written: dict, names: dict[str, str], count: int, real: Zipkin | None = None) -> list[str]:
    """Sends traces through a collector, and compares what comes out with what the workspace says. `names` has the backend of each exporter; `real` is
    the server that has the place of a backend `zipkin`."""
    around.backends.clear()
    around.backends.faults.clear()
    sampling, batch = written["tracing_config"]["sampling"], written["batch_processing"]
    traces = {one.id: one for one in made(count)}
    with collector(programs, config) as running:
        if isinstance(running, str):
            return [f"it does not start: {running[-300:]}"]
        port, log = running
        found = send(port, list(traces.values()))
        settled(around, quantity(written["circuit_breaker_config"]["per_mcp_server"]["timeout"]) + quantity(batch["flush_interval"]))
        said = logged(log)
    if real is not None:
        around.backends.received["zipkin"] = real.received()
    limited = [one for one in said if one.get("msg") == "Memory limiter configured"]
    if len(limited) != 1:
        found.append(f"no memory limiter is at work: {[one.get('msg') for one in said]}")
    found += [f"the collector says: {one['msg']} {one.get('error', '')}" for one in said if one.get("level") in ("error", "warn")]
    found += around.backends.faults
    errors = {one.id for one in traces.values() if one.error}
    others = len(traces) - len(errors)
    kept_in = []
    for name, backend in names.items():
        received = around.backends.received.get(backend)
        if received is None:
            found.append(f"{name} got nothing")
            continue
        kept = received.traces()
        kept_in.append(kept.keys())
        if not errors <= kept.keys():
            found.append(f"{name}: {len(errors - kept.keys())} of {len(errors)} traces with an error are missing")
        share, rate = len(kept.keys() - errors), sampling["rate"]
        around_rate = DEVIATIONS * (others * rate * (1 - rate)) ** 0.5
        if abs(share - others * rate) > around_rate:
            found.append(f"{name}: {share} of {others} other traces, and {rate} is declared")
        broken = [one for one in kept if len(kept[one]) != 2 or any(span.error for span in kept[one]) != (one in errors)]
        if broken:
            found.append(f"{name}: {len(broken)} traces are not whole")
        keeps = hashed(written)
        found += [f"{name}: {fault}" for one in kept for fault in of_users(traces[one], kept[one], keeps, numbers=True)][:3]
    if any(one != kept_in[0] for one in kept_in):
        found.append(f"backends got different traces: {[len(one) for one in kept_in]}")
    direct = around.backends.received.get("zipkin")
    if direct and direct.sizes and (max(direct.sizes) != batch["batch_size"] or direct.encodings != {batch["compression"]}):
        found.append(f"batches of up to {max(direct.sizes)} spans, as {direct.encodings}")
    return found


def quantity(text: str) -> float:
    """Seconds."""
    number, unit = re.fullmatch(r"(\d+)(ms|s)", text).groups()
    return int(number) / (1_000 if unit == "ms" else 1)


SPOILED = [
    ("no policy for errors", r"    - name: errors\n      type: status_code\n      status_code:\n        status_codes:\n        - ERROR\n", ""),
    ("another status", "- ERROR", "- OK"),
    ("a status of ours", "- ERROR", "- ERRORS"),
    ("no share", r"    - name: share\n      type: probabilistic\n      probabilistic:\n        sampling_percentage: 10.0\n", ""),
    ("a ratio in the place of percent", "sampling_percentage: 10.0", "sampling_percentage: 0.1"),
    ("more than all", "sampling_percentage: 10.0", "sampling_percentage: 110"),
    ("no sampling", "      - tail_sampling\n", ""),
    ("no redaction", "      - transform/user_ids\n", ""),
    ("no limit of memory", "      - memory_limiter\n", ""),
    ("users of a class above", '"site.v1"', '"site.v1", "vault_server"'),
    ("users of no server", r'delete_key\(span.attributes, "user.id"\) where not.*', 'delete_key(span.attributes, "user.id") where false'),
    ("no hash", "SHA256(", "Concat(["),
    ("the header", 'delete_key(span.attributes, "http.request.header.x-user-id")', 'delete_key(span.attributes, "x-user-id")'),
    ("the resource", 'delete_key(resource.attributes, "user.id")', 'delete_key(resource.attributes, "user")'),
    ("the scope", 'delete_key(scope.attributes, "enduser.id")', 'delete_key(scope.attributes, "enduser")'),
    ("events", 'delete_key(spanevent.attributes, "user.id")', 'delete_key(spanevent.attributes, "user")'),
    ("a backend less", r"(?s)(service:.*)      - zipkin/zipkin\n", r"\1"),
    ("another path", "/api/v2/spans", "/api/v1/spans"),
    ("no compression", r"(zipkin/zipkin:\n    endpoint: \S+\n    compression: )gzip", r"\1none"),
    ("larger batches", r"send_batch_size: 100\n    send_batch_max_size: 150", "send_batch_size: 1000"),
    ("a key of ours", "decision_wait", "wait"),
    ("another order", r"      - tail_sampling\n      - batch\n", "      - batch\n      - tail_sampling\n"),
]


def spoiled(programs: Programs, config: str, around: Stack, written: dict, names: dict[str, str], tally: Tally) -> None:
    """Each of these files is noticed, and the one that they are made from is not."""
    for fault in faults(programs, config, around, written, names, FEW):
        tally.fault(f"nothing is spoiled: {fault}")
    for what, old, new in SPOILED:
        literal = old in config
        changed = config.replace(old, new) if literal else re.sub(old, new, config, count=1)
        if what == "no hash":
            changed = re.sub(r'SHA256\((span.attributes\["user.id"\])\)', r"\1", config)
        if not tally.check(changed != config, f"{what}: nothing is changed"):
            continue
        found = faults(programs, changed, around, written, names, FEW)
        tally.check(found != [], f"{what}, and nobody notices")


REFUSED = [
    ("rate: 0.1", "rate: 1.1"),
    ("rate: 0.1", "rate: 110"),
    ("rate: 0.1", "rate: 10%"),
    ("rate: 0.1", "rate: -0.1"),
    ("strategy: tail", "strategy: tali"),
    ("priority_boost: error_spans", "priority_boost: errors"),
    ("type: otlp_grpc", "type: jaegr"),
    ("'http://127.0.0.1:24317'", "'127.0.0.1:24317'"),
    ("type: otlp_grpc, endpoint: 'http://127.0.0.1:24317'", "endpoint: 'http://backend.example'"),
    ("compression: gzip", "compression: gzp"),
    ("flush_interval: 500ms", "flush_interval: 500_ms_"),
    ("batch_size: 100", "batch_size: 0"),
]


def run(programs: Programs) -> Tally:
    tally = Tally("otel")
    names = {"first_backend": "grpc", "second_backend": "http", "zipkin": "zipkin"}
    with stack(programs) as around:
        text = endpoints(OWN.read_text(), around)
        written = yaml.safe_load(text)
        config = (programs.compiled(workspace(programs, "own", text), "otel-collector") / "central/collector.yaml").read_text()
        for fault in faults(programs, config, around, written, names, TRACES):
            tally.fault(fault)
        tally.checks += TRACES
        kept = {name: len(around.backends.received[backend].traces()) for name, backend in names.items() if backend in around.backends.received}
        tally.notes.append(f"{TRACES} traces in, {kept} out")
        with collector(programs, config) as running:
            if tally.check(not isinstance(running, str), f"the collector: {running}"):
                trace_sdk.run(programs, around, running[0], text, tally)
        spoiled(programs, config, around, written, names, tally)
    for old, new in REFUSED:
        changed = OWN.read_text().replace(old, new)
        said = programs.validated(workspace(programs, f"refused-{tally.checks}", changed))
        tally.check(" error" in said and changed != OWN.read_text(), f"`{new}` is not an error of validate")
    document(programs, tally)
    tally.notes.append(f"{len(SPOILED)} spoiled files noticed")
    return tally.end()


def document(programs: Programs, tally: Tally) -> None:
    """The document's own configuration: as it is, a collector takes it; with times that are shorter and backends on this machine, it does what it says."""
    seed = ROOT / "fixtures/seed"
    whole = programs.compiled(seed, "otel-collector") / "central/collector.yaml"
    done = subprocess.run([programs.engine / "collector", "validate", "--config", whole], capture_output=True, text=True, timeout=60)
    tally.check(done.returncode == 0, f"the document: {done.stderr[-500:]}")
    with stack(programs, JAEGER, 4317) as around, zipkin(programs) as real:
        folder = programs.work / "workspace-seed"
        folder.mkdir()
        for file in seed.glob("*.yaml"):
            text = file.read_text().replace("//jaeger:", f"//{JAEGER}:").replace("//zipkin:9411", f"//127.0.0.1:{real.port}")
            (folder / file.name).write_text(text.replace("timeout: 30s", "timeout: 2s").replace("flush_interval: 10s", "flush_interval: 1s"))
        written: dict = {}
        for file in folder.glob("*.yaml"):
            for one in yaml.safe_load_all(file.read_text()):
                written |= one
        config = (programs.compiled(folder, "otel-collector") / "central/collector.yaml").read_text()
        names = {"jaeger": "grpc", "zipkin": "zipkin"}
        for fault in faults(programs, config, around, written, names, FEW, real):
            tally.fault(f"the document: {fault}")
        tally.checks += FEW
        # By the id of its request each trace is found, and no other.
        traces = made(FEW)
        for one in [one for one in traces if one.error][:20]:
            found = real.found(one.request)
            tally.check([{span["traceId"] for span in trace} for trace in found] == [{one.id}], f"Zipkin finds {len(found)} traces of {one.request}")
