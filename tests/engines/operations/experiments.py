"""`chaos` by Chaos Toolkit, Toxiproxy, Prometheus and running gateways: faults are on while an experiment runs, its outcome is seen, and
afterwards the faults are gone.

What is expected is written here, or worked out from the YAML of the workspaces, and from no file that is compiled. The fleet is behind
Toxiproxy: its gateways call `crm_server` and `payment_server` through a proxy each.
"""

import contextlib
import json
import math
import random
import re
from pathlib import Path

import jsonschema
import yaml
from ports import free_ports

from live.caller import Caller
from live.fleet import Fleet
from live.relation import Relation
from live.tally import Tally

from . import scraped
from .injected import Toolkit, Toxiproxy, asked, resets, service, toxiproxy, users
from .programs import HERE, ROOT, Programs

OWN, CLUSTER = HERE / "experiments.yaml", HERE / "experiments_cluster.yaml"
CRDS = ROOT.parent / "shared/reference/crds"
SERVERS = ("crm_server", "payment_server")
# Changes of the fleet's workspace: everything goes faster.
FAST = (
    ("    timeout: 30s\n    half_open_timeout: 60s", "    timeout: 2s\n    half_open_timeout: 2s"),
    ("interval: 10s, timeout: 3s", "interval: 2s, timeout: 1s"),
    ("resources: {connections: 40}", "resources: {connections: 3}"),
)
CUT, SLOW, FAIL = "network-partition-crm-server", "resource-exhaustion-payment-server", "dependency-failure-payment-server"
SHARE = "dependency-failure-database-connection"
# What each experiment switches on: proxy, kind, stream and share.
FAULTS = {
    CUT: {("crm-server", "timeout", "upstream", 1), ("crm-server", "timeout", "downstream", 1)},
    SLOW: {("payment-server", "latency", "downstream", 1)},
    FAIL: {("payment-server", "reset_peer", "upstream", 1)},
}


class Experiments:
    def __init__(self, toolkit: Toolkit, care: Caller, clerk: Caller, tally: Tally):
        self.toolkit, self.care, self.clerk, self.tally = toolkit, care, clerk, tally

    @property
    def proxies(self) -> Toxiproxy:
        return self.toolkit.proxies

    def calls(self, name: str):
        """Those who call while an experiment runs."""
        # Where eight share three connections, some are refused all the time: Prometheus sees what grows between two of its visits.
        return users(*[self.refund] * 8) if name == SLOW else users(self.clerk.status)

    def refund(self) -> None:
        """A call over a connection of its own."""
        with contextlib.closing(self.clerk.fleet.connect("central", self.clerk.fleet.caller(self.clerk.principal))) as connection:
            self.clerk.call(connection=connection)

    def well(self) -> bool:
        """Whether calls to both servers are answered again."""
        return bool(scraped.until(lambda: self.care.status() == 200 and self.clerk.status() == 200, 40))

    def holds(self, folder: Path, name: str) -> None:
        """The fault is on, what is expected is seen, and all is well afterwards."""
        check = self.tally.check
        check(self.well(), f"{name}: the fleet is not well before it")
        with self.calls(name):
            ended = self.toolkit.run(folder / name / "experiment.json")
        check(ended.shown, f"{name}: the run ended with {ended.code}: {ended.said}")
        check(ended.on == FAULTS[name], f"{name}: these faults were on: {ended.on}")
        check(not self.proxies.toxics(), f"{name}: afterwards these faults are on: {self.proxies.toxics()}")
        check(self.well(), f"{name}: the fleet is not well after it")

    def deviates(self, what: str, experiment: Path, calls: str | None = None) -> None:
        """A run that does not show what is expected, and that removes its fault all the same."""
        if calls:
            with self.calls(calls):
                ended = self.toolkit.run(experiment)
        else:
            ended = self.toolkit.run(experiment)
        self.tally.check(ended.deviated, f"{what}, and the run ended with {ended.code}: {ended.said}")
        self.tally.check(not self.proxies.toxics(), f"{what}: afterwards these faults are on: {self.proxies.toxics()}")


# Changes of the experiment that cuts `crm_server` off, each by the first place of the text, and how each shows.
SPOILED = [
    ("a header that Chaos Toolkit does not know", '"Content-Type"', '"content-type"', "deviates"),
    ("a proxy that is not there", "/proxies/crm-server/toxics\"", "/proxies/crm_server/toxics\"", "deviates"),
    ("half of the fault", '"toxicity": 1', '"toxicity": 0.5', "deviates"),
    ("a hypothesis that is judged before the fault", "after-method-only", "before-method-only", "deviates"),
    ("an outcome that does not come", "203", "204", "deviates"),
    ("no way back", '"strategy": "always"', '"strategy": "never"', "stays"),
    ("a rollback of another fault", '"method": "DELETE"', '"method": "GET"', "stays"),
    ("a provider that is not there", '"type": "http"', '"type": "htttp"', "invalid"),
    ("a probe without a tolerance", '"tolerance"', '"toleranse"', "invalid"),
]  # fmt: skip


def spoiled(experiments: Experiments, folder: Path) -> int:
    """Each spoiled experiment has to be noticed; otherwise a run shows nothing."""
    text = (folder / CUT / "experiment.json").read_text().replace('"after": 2', '"after": 0.5')
    proxies, noticed = experiments.proxies, 0
    for what, old, new, how in SPOILED:
        if old not in text:
            raise SystemExit(f"there is nothing to spoil for {what}")
        file = experiments.toolkit.programs.folder("spoiled") / "experiment.json"
        file.write_text(text.replace(old, new, 1))
        if how == "invalid":
            noticed += experiments.tally.check(not experiments.toolkit.valid(file), f"{what}, and it is valid")
            continue
        ended = experiments.toolkit.run(file)
        seen = bool(proxies.toxics()) if how == "stays" else not ended.shown
        noticed += experiments.tally.check(seen, f"{what}, and nobody notices: {ended.said}")
        proxies.clear()
    return noticed


def share(folder: Path, proxies: Toxiproxy, upstream: int, tally: Tally) -> str:
    """The declared share of new connections is reset, and all calls of a connection alike."""
    [port] = free_ports(1)
    proxies.create("database-connection", port, upstream)
    action = json.loads((folder / SHARE / "experiment.json").read_text())["method"][0]["provider"]["arguments"]
    tally.check(resets(port, 20) == 0, "connections are reset without a fault")
    asked(f"{proxies.url}/proxies/database-connection/toxics", "POST", action)
    tried = 400
    found, wanted = resets(port, tried), 0.3 * tried
    proxies.clear()
    tally.check(abs(found - wanted) < 5 * math.sqrt(wanted * 0.7), f"{found} of {tried} connections are reset")
    return f"{found} of {tried} connections reset at 30%"


def by_luck(programs: Programs, tally: Tally) -> None:
    """What `validate` says of a share of failures that opens a breaker by luck, against calls that are drawn."""
    said = re.search(r"`failure_rate: 50%` opens a breaker of 5 failures in a row after (\d+) calls on average", programs.validated(CLUSTER))
    if not tally.check(bool(said), f"nothing is said of luck: {programs.validated(CLUSTER)}"):
        return
    dice, total, times = random.Random(5), 0, 20_000
    for _ in range(times):
        row = 0
        while row < 5:
            row = row + 1 if dice.random() < 0.5 else 0
            total += 1
    tally.check(abs(total / times - int(said[1])) < 0.03 * int(said[1]), f"{said[1]} calls are said, and {total / times:.1f} are drawn")


def mesh(programs: Programs, tally: Tally) -> str:
    """Objects of Chaos Mesh by the product's own definitions, strictly; these are in no registry."""
    folder = programs.compiled(CLUSTER, "chaos")
    found = [one for file in sorted(folder.rglob("chaos-mesh.yaml")) for one in yaml.safe_load_all(file.read_text())]
    kinds = sorted(one["kind"] for one in found)
    tally.check(kinds == ["NetworkChaos", "NetworkChaos", "PodChaos", "StressChaos", "StressChaos"], f"the objects are {kinds}")
    files = [CRDS / f"cm_{kind.lower()}.yaml" for kind in {"NetworkChaos", "PodChaos", "StressChaos"}]
    if not all(file.is_file() for file in files):
        return "the definitions of Chaos Mesh are not at hand"
    specs = {}
    for file in files:
        definition = yaml.safe_load(file.read_text())["spec"]
        specs[definition["names"]["kind"]] = closed(definition["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"])

    def refused(one: dict) -> bool:
        return bool(list(jsonschema.Draft202012Validator(specs[one["kind"]]).iter_errors(one["spec"])))

    for one in found:
        tally.check(not refused(one), f"Chaos Mesh refuses {one}")
        for change in ({"mode": "most"}, {"action": "cut"}, {"durations": "1s"}, {"duration": 5}, {"selector": None}, {"stressors": {"memory": {"workers": 1, "size": 90}}}):
            tally.check(refused(one | {"spec": one["spec"] | change}), f"{one['kind']}: {change} is taken")
    return f"{len(found)} objects of Chaos Mesh"


def closed(schema: dict) -> dict:
    """The schema without room for a key that it does not name, as the API server prunes them."""
    schema = {key: closed(value) if isinstance(value, dict) else value for key, value in schema.items()}
    if isinstance(schema.get("properties"), dict) and schema.get("type") == "object":
        schema.setdefault("additionalProperties", False)
    return schema


def workspace(fleet: Fleet, name: str, ports: dict[str, int], changes=()) -> Path:
    """The fleet's workspace with its experiments, whose gateways call the servers at these ports."""
    written = Relation(str(fleet.relation_program), str(fleet.fixture)).servers
    urls = [(written[server]["url"], f"https://127.0.0.1:{port}/{server}/mcp") for server, port in ports.items()]
    folder = fleet.workspace(name, (*FAST, *urls))
    text = OWN.read_text()
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    (folder / "operations/chaos.yaml").write_text(text)
    return folder


def run(programs: Programs) -> Tally:
    tally = Tally("chaos")
    fleet = Fleet(programs.folder("fleet"), programs.mcpctl, programs.more["relation"], programs.more["envoy"], programs.more["engines"])
    ports = dict(zip(SERVERS, free_ports(len(SERVERS))))
    try:
        own = workspace(fleet, "own", ports)
        wrong = workspace(fleet, "wrong", ports, [("2s, expected: graceful_degradation", "1s, expected: success"), ("5s, expected: circuit_breaker_activation", "2s, expected: load_shedding")])
        folder, other = programs.compiled(own, "chaos") / "central", programs.compiled(wrong, "chaos") / "central"
        seed = programs.compiled(ROOT / "fixtures/seed", "chaos")
        watched = programs.compiled(own, "prometheus")
        bundle = fleet.compile(own)
        fleet.start_servers()
        with toxiproxy(programs) as proxies:
            for server, port in ports.items():
                proxies.create(server.replace("_", "-"), port, fleet.server_port)
            fleet.start_gateways(bundle)
            care = Caller(fleet, "care_agent", "crm_server", "update_customer")
            clerk = Caller(fleet, "audit_agent", "payment_server", "refund_charge")

            def asks() -> int:
                return care.status(connection=fleet.connect("central", fleet.caller(care.principal)))

            with scraped.prometheus(programs, watched) as prometheus, service(asks) as page:
                experiments = Experiments(Toolkit(programs, proxies, prometheus.port, page), care, clerk, tally)
                files = [file for one in (folder, other, seed) for file in sorted(one.rglob("experiment.json"))]
                tally.check(len(files) == 11, f"{len(files)} experiments are compiled")
                for file in files[:4] + files[8:]:
                    tally.check(experiments.toolkit.valid(file), f"{file} is not valid")
                for name in (SLOW, CUT, FAIL):
                    experiments.holds(folder, name)
                experiments.deviates("a service that falls back is expected not to", other / CUT / "experiment.json")
                experiments.deviates("a breaker that opens is expected to be a full bulkhead", other / FAIL / "experiment.json", FAIL)
                tally.check(experiments.well(), "the fleet is not well")
                # What the run before has opened is still in what Prometheus remembers of the last seconds.
                query = "sum(max_over_time(envoy_cluster_outlier_detection_ejections_active[5s]))"
                tally.check(bool(scraped.until(lambda: prometheus.value(query) == 0, 30)), "a breaker stays open")
                experiments.deviates("nobody calls", folder / FAIL / "experiment.json")
                noticed = spoiled(experiments, folder)
                tally.notes.append(share(folder, proxies, fleet.control_port, tally))
        by_luck(programs, tally)
        tally.notes.append(mesh(programs, tally))
    finally:
        fleet.stop()
    tally.notes.append(f"3 experiments hold, 3 deviate, {noticed} of {len(SPOILED)} spoiled ones noticed")
    return tally.end()
