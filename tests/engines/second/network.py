"""`kubernetes` by two engines of network policies, network-config-analyzer and the one of a plugin (`network_packets`): the pods that
may connect are those that the workspace implies, and no pair more.

The clusters of a workspace are taken as one, which the book allows. In it there is a pod of every kind that a policy could
select, one without labels in each namespace, and some that only look like others. What may connect is worked out from the
workspace and from what the book says of this target, and from no file that is compiled.
"""

import ipaddress
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import yaml
from live.tally import Tally

from . import network_packets, network_spoiled
from .bundles import PROJECTS, Programs, Workspace
from .evidence import Loader
from .network_packets import Packets, Probe
from .network_pods import Pod, Site

OWN = Path(__file__).with_name("cluster")
SOURCES = {"second/cluster": OWN, "second/fleet.yaml": OWN.with_name("fleet.yaml")}
BY_IDENTITY = "second/cluster by identity"
WORKSPACES = [*SOURCES, *PROJECTS, "targets/one-gateway.yaml", "targets/approvals", "review/base"]
LINE = re.compile(r"^(\S+?)(?:\[Pod\])? => (\S+?)(?:\[Pod\])? : (.*)$")
PART = re.compile(r"\{protocols:([A-Z, ]+),dst_ports:([\d,-]+)\}")
# The ports that are open between two; None are all of them.
Pairs = dict[tuple[str, str], set[tuple[str, int]] | None]


def read_policies(folder: Path, name: str, tally: Tally) -> list[dict]:
    """Those of every cluster; where two have one, it is the same."""
    found = {}
    for file in sorted(folder.glob("*/network-policies.yaml")):
        for policy in yaml.load_all(file.read_text(), Loader):
            key = (policy["metadata"]["namespace"], policy["metadata"]["name"])
            tally.check(found.setdefault(key, policy) == policy, f"{name}: two policies {key} that differ")
    return list(found.values())


def read_namespaces(folder: Path) -> dict[str, dict]:
    files = folder.glob("*/namespaces.yaml")
    return {one["metadata"]["name"]: one["metadata"]["labels"] for file in files for one in yaml.load_all(file.read_text(), Loader)}


class Analyser:
    """`folder` is where its files are put; `labels` are those of the namespaces."""

    def __init__(self, folder: Path, pods: list[Pod], labels: dict[str, dict]):
        self.folder, self.pods = folder, pods
        folder.mkdir(parents=True, exist_ok=True)
        names = sorted({*labels, *(pod.namespace for pod in pods)})
        spaces = [{
            "apiVersion": "v1", "kind": "Namespace",
            "metadata": {"name": name, "labels": labels.get(name, {}) | {"kubernetes.io/metadata.name": name}},
        } for name in names]  # fmt: skip
        self.fleet = [*spaces, *(pod.resource(number) for number, pod in enumerate(pods))]
        self.write("fleet.yaml", self.fleet)

    def write(self, name: str, documents: list[dict]) -> Path:
        # The program passes over files of another ending, and everything is open then.
        assert name.endswith(".yaml")
        path = self.folder / name
        path.write_text("\n---\n".join(json.dumps(document) for document in documents))
        return path

    def pairs(self, policies: list[dict], name: str = "policies.yaml") -> Pairs:
        fleet, written = self.folder / "fleet.yaml", self.write(name, policies)
        command = [Path(sys.executable).with_name("nca"), "--connectivity", written, "-p", fleet, "-n", fleet, "--output_format", "txt_no_fw_rules"]
        done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=120)
        found: Pairs = {}
        # A pair may have several lines, each with some of its ports.
        for at in filter(None, map(LINE.match, done.stdout.splitlines())):
            some, before = ports(at[3]), found.get((at[1], at[2]), set())
            found[at[1], at[2]] = None if some is None or before is None else some | before
        if not found:
            raise SystemExit(f"network-config-analyzer: {done.returncode}\n{done.stdout}{done.stderr}")
        return found


def ports(text: str) -> set[tuple[str, int]] | None:
    if text.lower() == "all connections":
        return None
    found, rest = set(), PART.sub("", text).strip(" ,")
    if rest:
        raise SystemExit(f"network-config-analyzer: connections {text!r} are not understood")
    for protocols, numbers in PART.findall(text):
        for number in numbers.split(","):
            low, _, high = number.partition("-")
            found |= {(protocol, port) for protocol in re.split(", *", protocols) for port in range(int(low), int(high or low) + 1)}
    return found


def wanted(site: Site, pods: list[Pod]) -> Pairs:
    found = {(str(one), str(other)): site.open(one, other) for one in pods for other in pods if one is not other}
    return {pair: ports for pair, ports in found.items() if ports is None or ports}


def faults(site: Site, pods: list[Pod], expected: Pairs, pairs: Pairs) -> Iterator[str]:
    names = {str(pod): pod for pod in pods}
    inner = {pair: ports for pair, ports in pairs.items() if pair[0] in names and pair[1] in names}
    for pair in sorted({*expected, *inner}):
        if expected.get(pair, set()) != inner.get(pair, set()):
            yield f"{pair[0]} to {pair[1]}: should be {expected.get(pair, set())}, is {inner.get(pair, set())}"
    inside = site.inside()
    outward = {address: port for _, address, port in site.needed if address}
    reached = {}
    for (one, other), open_ports in pairs.items():
        for pod, address, way in ((names.get(one), other, "to"), (names.get(other), one, "from")):
            if pod is None or pod.namespace not in inside or address in names:
                continue
            # Addresses outside of the cluster: gateways reach those of the settings, and nothing else does.
            if way == "from" or pod.role != "gateway" or open_ports is None:
                yield f"{pod} may be connected {way} {address} at {open_ports}"
            else:
                reached.setdefault(str(pod), {})[address] = open_ports
    for pod in (pod for pod in pods if pod.role == "gateway"):
        want = {network(address): {("TCP", port)} for address, port in outward.items()}
        got = {network(address): ports for address, ports in reached.get(str(pod), {}).items()}
        if want != got:
            yield f"{pod} reaches the addresses {got}, and should reach {want}"


def around(site: Site) -> list[str]:
    """The bounds of each range of addresses that the settings name, what is beside them, and addresses of nobody."""
    found = set(network_packets.OUTSIDE)
    for text in (address for _, address, _ in site.needed if address):
        one = ipaddress.ip_network(text)
        found |= {str(address) for address in (one[0] - 1, one[0], one[-1], one[-1] + 1)}
    return sorted(found)


def packet_faults(site: Site, pods: list[Pod], expected: Pairs, probes: list[Probe], found: dict) -> Iterator[str]:
    """Where the engine of packets lets through what it should not, or does not let through what it should."""
    names = {str(pod): pod for pod in pods}
    outward = [(ipaddress.ip_network(address), ("TCP", port)) for _, address, port in site.needed if address]
    addresses = around(site)
    want = {pair: network_packets.within(ports, probes) for pair, ports in expected.items()}
    for name, pod in names.items():
        for address in addresses:
            if pod.namespace not in site.inside():
                want[name, address] = want[address, name] = set(probes)
            elif pod.role == "gateway":
                want[name, address] = {port for block, port in outward if ipaddress.ip_address(address) in block}
    for pair in sorted({*want, *found}):
        if want.get(pair, set()) != found.get(pair, set()):
            yield f"{pair[0]} to {pair[1]}: should be {sorted(want.get(pair, set()))}, is {sorted(found.get(pair, set()))} for packets"


def network(text: str) -> tuple[str, str]:
    """A range as its first and last address."""
    if "-" in text:
        first, _, last = text.partition("-")
        return first, last
    found = ipaddress.ip_network(text)
    return str(found[0]), str(found[-1])


def by_identity(folder: Path) -> Path:
    """The same workspace, in which identities alone keep units apart."""
    shutil.copytree(OWN, folder)
    file = folder / "fleet.yaml"
    text = file.read_text()
    assert "isolation_level: network_and_iam" in text
    file.write_text(text.replace("isolation_level: network_and_iam", "isolation_level: iam"))
    return folder


def run(programs: Programs) -> Tally:
    tally = Tally("network policies")
    opened = judged = spoiled = packets = 0
    sources = SOURCES | {BY_IDENTITY: by_identity(programs.work / "by-identity")}
    with ThreadPoolExecutor(2) as pool:
        for name in [BY_IDENTITY, *WORKSPACES]:
            workspace = Workspace(programs, name, ["kubernetes"], sources.get(name))
            folder = workspace.folder / "kubernetes"
            site = Site(workspace.source, workspace.relation)
            pods = list(site.pods())
            policies = read_policies(folder, name, tally)
            analyser = Analyser(programs.work / "network" / name.replace("/", "-"), pods, read_namespaces(folder))
            expected, pairs = wanted(site, pods), analyser.pairs(policies)
            for fault in list(faults(site, pods, expected, pairs))[:5]:
                tally.fault(f"{name}: {fault}")
            probes = sorted({*network_packets.named(policies), *(("TCP", number) for number in network_packets.NEVER)})
            engine = Packets(programs.engines["kubernetes"] / "networks", analyser.folder, analyser.fleet)
            answers = engine.open(policies, probes, around(site))
            both = [*packet_faults(site, pods, expected, probes, answers), *network_packets.differs(pods, pairs, answers, probes)]
            for fault in both[:5]:
                tally.fault(f"{name}: {fault}")
            packets += len(probes) * (len(pods) * (len(pods) - 1) + 2 * len(pods) * len(around(site)))
            judged, opened = judged + len(pods) * (len(pods) - 1), opened + len(expected)
            if workspace.source == OWN:
                spoiled += network_spoiled.run(pool, analyser, policies, lambda pairs: any(faults(site, pods, expected, pairs)), engine, probes, tally)
            engine.stop()
    tally.check(opened > 100, "too little is open")
    tally.notes.append(f"{len(WORKSPACES) + 1} workspaces, {judged} pairs of pods, {opened} open as they should be, {spoiled} spoiled sets of policies noticed")
    tally.notes.append(f"{packets} packets decided alike by the engine of kube-network-policies, also with each spoiled set")
    return tally.end()
