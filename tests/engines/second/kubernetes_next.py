"""The next bundle, in the way that the book describes: apply it, and delete what `mcpctl diff --format prune` says."""

import functools
import json
import re
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import yaml
from live.tally import Tally

from .api_server import NAMES
from .bundles import ROOT, Workspace
from .evidence import Loader

TARGETS = ["kubernetes", "istio"]
REVIEW = ROOT / "fixtures/review"
OWN = Path(__file__).with_name("cluster")
PAGE = ROOT / "book/src/guide/cluster.md"
LABEL = "mcpctl.io/bundle"


def commands() -> list[str]:
    """Those of the page that speak to a cluster; the test plays them, and fails where they are others."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", PAGE.read_text(), re.M | re.S)
    return [line for block in blocks for line in block.splitlines() if "kubectl" in line and "kubectl get" not in line]


EXPECTED = [
    "kubectl apply --server-side -k bundle/clusters/central",
    "kubectl apply --server-side -k new/clusters/central",
    "mcpctl diff old new --format prune --cluster central | kubectl delete --ignore-not-found -f -",
    "kubectl delete --ignore-not-found -k bundle/clusters/central",
]


@functools.cache
def written(bundle: Path, cluster: str) -> set[tuple]:
    """What the targets of a bundle have for a cluster: kind, namespace and name."""
    found = set()
    for folder in bundle.glob(f"*/{cluster}"):
        for file in folder.rglob("*.yaml") if folder.parent.name != "clusters" else []:
            # The configuration of a product is not a resource.
            documents = [one for one in yaml.load_all(file.read_text(), yaml.CSafeLoader) if one]
            objects = [one for one in documents if one.get("kind", "Kustomization") != "Kustomization"]
            found |= {(one["kind"], one["metadata"].get("namespace"), one["metadata"]["name"]) for one in objects}
    return found


# What the server writes by itself, now and then.
BY_ITSELF = {"events", "leases", "apiservices", "flowschemas", "prioritylevelconfigurations", "endpoints", "endpointslices"}


def versions(server, label: str | None, kinds: set[str] | None = None) -> dict[tuple, str]:
    """What the server has with this label of a bundle, or without any, and the version of each object as it counts them. `kinds` are
    those that are asked for; None are all of them."""
    found = {}
    for path, plural, kind, _ in server.kinds():
        if plural in BY_ITSELF or (kinds is not None and kind not in kinds):
            continue
        selector = f"{LABEL}%3D{label}" if label else f"!{LABEL}"
        for one in server.ask("GET", f"{path}/{plural}?labelSelector={selector}", form=NAMES)["items"] or []:
            found[kind, one["metadata"].get("namespace"), one["metadata"]["name"]] = one["metadata"]["resourceVersion"]
    return found


def present(server, label: str | None) -> set[tuple]:
    return set(versions(server, label))


def gone(server, label: str, seconds: float = 60) -> set[tuple]:
    """What is there once nothing goes any more: namespaces take a while. Nothing, unless something stays."""
    until = time.monotonic() + seconds
    while (left := present(server, label)) and time.monotonic() < until:
        time.sleep(0.2)
    return left


def without_tools(fleet: Path) -> None:
    """The servers of one namespace go, and so does the namespace."""
    file = fleet / "fleet.yaml"
    document = yaml.load(file.read_text(), Loader)
    registry = document["mcp_registry"]
    gone = {server["name"] for server in registry["servers"] if ".tools.svc" in server["url"]}
    registry["servers"] = [server for server in registry["servers"] if server["name"] not in gone]
    for agent in registry["agents"]:
        agent["may_call"] = [call for call in agent["may_call"] if call.partition("/")[0] not in gone]
    for level in document["data_routing"]["classifications"]:
        level["mcp_servers"] = [server for server in level["mcp_servers"] if server not in gone]
    file.write_text(json.dumps(document))


# A workspace, and others that it becomes: where their files are, and what is done to these.
SERIES = [
    (REVIEW / "base", [(REVIEW / "server-renamed", None)]),
    (OWN, [(OWN, without_tools)]),
]


class Fleet:
    """A workspace through its changes. Its bundles all have one name: that of its folder, which stays the same."""

    def __init__(self, programs, server, tally: Tally):
        self.programs, self.server, self.tally = programs, server, tally

    def compiled(self, number: str, files: Path, change: Callable[[Path], None] | None) -> Path:
        source = self.programs.work / f"next-{number}" / "harbor"
        shutil.copytree(files, source)
        if change:
            change(source)
        return Workspace(self.programs, f"next/{number}", TARGETS, source).folder

    def clusters(self, bundle: Path) -> list[str]:
        return sorted(folder.name for folder in (bundle / "clusters").iterdir())

    def apply(self, bundle: Path) -> None:
        for cluster in self.clusters(bundle):
            done = self.server.kubectl("apply", "--server-side", "-k", bundle / "clusters" / cluster)
            self.tally.check(done.returncode == 0, f"{bundle.name}, {cluster}: {done.stderr[-1000:]}")

    def prune(self, old: Path, new: Path) -> int:
        """Deletes what `mcpctl` says, cluster by cluster, and counts it."""
        count = 0
        for cluster in self.clusters(old):
            done = self.programs.mcpctl_run("diff", old, new, "--format", "prune", "--cluster", cluster)
            self.tally.check(done.returncode in (0, 1) and bool(done.stdout), f"diff --format prune: {done.returncode} {done.stderr[-1000:]}")
            gone = self.server.kubectl("delete", "--ignore-not-found", "-f", "-", given=done.stdout)
            self.tally.check(gone.returncode == 0, f"{cluster}: {gone.stderr[-1000:]}")
            count += gone.stdout.count(" deleted")
        return count

    def expected(self, bundle: Path) -> set[tuple]:
        return {one for cluster in self.clusters(bundle) for one in written(bundle, cluster)}

    def step(self, old: Path, new: Path, label: str) -> tuple[int, int]:
        """From one bundle to the next; how many objects had to go, and how many were deleted."""
        what, bystanders = f"{old.name} to {new.name}", present(self.server, None)
        self.apply(new)
        # Without the second step what is gone from the bundle stays.
        stays = present(self.server, label) - self.expected(new)
        self.tally.check(stays == self.expected(old) - self.expected(new), f"{what}: {sorted(stays, key=str)} stay where nothing is deleted")
        deleted = self.prune(old, new)
        there, wanted = present(self.server, label), self.expected(new)
        self.tally.check(there == wanted, f"{what}: too many: {sorted(there - wanted, key=str)}, too few: {sorted(wanted - there, key=str)}")
        gone_with = {one for one in bystanders if ("Namespace", None, one[1]) in stays}
        self.tally.check(bystanders - gone_with <= present(self.server, None), f"{what}: something of somebody else is gone")
        return len(stays), deleted


# In a namespace of no bundle.
ELSEWHERE = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "own", "namespace": "default"}}
# In a namespace of every bundle, and of nobody's bundle.
BYSTANDER = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "own", "namespace": "mcp-gateways"}}


def run(programs, server, tally: Tally) -> str:
    tally.check(commands() == EXPECTED, f"the page describes another way: {commands()}")
    fleet, steps, left, deleted = Fleet(programs, server, tally), 0, 0, 0
    for number, (files, changes) in enumerate(SERIES):
        server.clear()
        base = fleet.compiled(f"{number}", files, None)
        label = json.loads((base / "bundle.json").read_text())["name"]
        fleet.apply(base)
        own = server.kubectl("apply", "-f", "-", given=json.dumps(BYSTANDER | {"spec": {"podSelector": {}}}))
        tally.check(own.returncode == 0, f"a policy of somebody else: {own.stderr}")
        for turn, (changed, change) in enumerate(changes):
            new = fleet.compiled(f"{number}-{turn}", changed, change)
            for one, other in ((base, new), (new, base)):
                had_to_go, gone = fleet.step(one, other, label)
                steps, left, deleted = steps + 1, left + had_to_go, deleted + gone
    tally.check(left == deleted, f"{left} objects had to go, and {deleted} did")
    tally.check(left > 4, f"{left} objects had to go, which is too little to show anything")
    return f"{steps} changes of a bundle, {deleted} objects deleted"
