"""Everything for clusters, by a Kubernetes API server: the Kustomization of each cluster is applied strictly to an empty one, a
second time it changes nothing, all of it is removed, and the next bundle takes the place of one in the way that the book describes.

Resources of products need their definitions, in the folders of MCPCTL_CRDS; a target whose definitions are in none of them is
left out, and named.
"""

import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import yaml
from live.tally import Tally

from . import kubernetes_bounds, kubernetes_next, kubernetes_places, kubernetes_refused
from .api_server import ApiServer
from .bundles import Programs, Workspace
from .evidence import Loader

FOLDER = Path(__file__).parent
# Each with the targets that are compiled for it. Gateways' objects need the namespaces that `kubernetes` writes.
COMPILED = {
    "projects/bank": ["kubernetes", "istio"],
    "projects/enterprise": ["kubernetes", "istio", "agentgateway"],
    "projects/federation": ["kubernetes", "istio"],
    "targets/one-gateway.yaml": ["kubernetes", "istio", "agentgateway", "ai-gateway", "toolhive"],
    "targets/approvals": ["kubernetes", "istio", "agentgateway", "ai-gateway", "toolhive"],
    "targets/agentic-networking": ["kubernetes", "agentic-networking"],
    "second/cluster": ["kubernetes", "istio"],
}
OWN = {"second/cluster": FOLDER / "cluster"}
# The files that hold the definitions of what a target writes, beside those of Istio and of the Gateway API.
NEEDED = {
    "agentgateway": "agentgateway_policies.yaml", "ai-gateway": "ai-gateway_mcproutes.yaml",
    "agentic-networking": "agentic-networking_xaccesspolicies.yaml",
}  # fmt: skip
# The bundle that goes in the very words of the book, and the fewest objects.
WAITED = "second/cluster"
APPLY = ["apply", "--server-side", "--validate=strict", "--field-manager=mcpctl"]


def definitions() -> dict[str, Path]:
    """By the name of the file; the first folder that has one counts."""
    found = {}
    for folder in os.environ.get("MCPCTL_CRDS", "").split(":"):
        for file in sorted(Path(folder).glob("*.yaml")) if folder else []:
            found.setdefault(file.name, file)
    return found


def define(server: ApiServer, files: dict[str, Path], tally: Tally) -> int:
    documents = []
    for file in files.values():
        # Some come as a chart; its conditions are on lines of their own.
        text = "\n".join(line for line in file.read_text().splitlines() if not line.startswith("{{"))
        documents += [one for one in yaml.load_all(text, yaml.CSafeLoader) if one and one["kind"] == "CustomResourceDefinition"]
    # By name, since the same one may be in two files.
    documents, path = {one["metadata"]["name"]: one for one in documents}, "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    for one in documents.values():
        server.ask("POST", path, one)
    waiting, until = set(documents), time.monotonic() + 60
    while waiting and time.monotonic() < until:
        waiting = {name for name in waiting if not established(server.ask("GET", f"{path}/{name}"))}
    tally.check(not waiting, f"definitions: {sorted(waiting)} are not established")
    return len(documents)


def established(definition: dict) -> bool:
    found = definition.get("status", {}).get("conditions") or []
    return any(one["type"] == "Established" and one["status"] == "True" for one in found)


def clusters(bundle: Path) -> list[Path]:
    """The Kustomization of each cluster. The gateways of one compile are alternatives, but the server takes them all."""
    return sorted((bundle / "clusters").iterdir())


def emptied(server: ApiServer, where: str, bundle: Path, tally: Tally, wait: bool) -> None:
    """Everything goes in the way that the book describes, and nothing else does. `kubectl` then waits for each object with five
    questions a second at most, which takes minutes; without `wait` the server is asked itself."""
    own = server.kubectl("apply", "-f", "-", given=json.dumps(kubernetes_next.ELSEWHERE))
    tally.check(own.returncode == 0, f"{where}: an object of somebody else: {own.stderr}")
    label = json.loads((bundle / "bundle.json").read_text())["name"]
    tally.check(bool(kubernetes_next.present(server, label)), f"{where}: nothing has the label of the bundle")
    for cluster in clusters(bundle):
        done = server.kubectl("delete", "--ignore-not-found", *([] if wait else ["--wait=false"]), "-k", cluster)
        tally.check(done.returncode == 0, f"{where}: {done.stderr[-1000:]}")
    left = kubernetes_next.present(server, label) if wait else kubernetes_next.gone(server, label)
    tally.check(not left, f"{where}: {sorted(left, key=str)[:5]} stay")
    other = kubernetes_next.ELSEWHERE
    key = (other["kind"], other["metadata"]["namespace"], other["metadata"]["name"])
    tally.check(key in kubernetes_next.present(server, None), f"{where}: something of somebody else is gone")


def applied(server: ApiServer, bundle: Path, folder: Path, where: str, tally: Tally) -> int:
    """How many objects the folder of a cluster has; all are taken, and a second time nothing changes."""
    label, own = json.loads((bundle / "bundle.json").read_text())["name"], kubernetes_next.written(bundle, folder.name)
    kinds = {kind for kind, _, _ in own}

    def versions() -> dict[tuple, str]:
        return {key: version for key, version in kubernetes_next.versions(server, label, kinds).items() if key in own}

    done = server.kubectl(*APPLY, "-k", folder)
    tally.check(done.returncode == 0 and "arning" not in done.stderr, f"{where}: {done.stderr[-2000:]}")
    if done.returncode != 0:
        return 0
    before = versions()
    lines = done.stdout.splitlines()
    tally.check(len(lines) == len(before) > 0, f"{where}: {len(lines)} objects were applied, and {len(before)} are there")
    same = server.kubectl("diff", "--server-side", "--field-manager=mcpctl", "-k", folder)
    tally.check(same.returncode == 0, f"{where}: differs from itself: {same.stdout[-1000:]}{same.stderr[-1000:]}")
    again = server.kubectl(*APPLY, "-k", folder)
    tally.check(again.returncode == 0 and versions() == before, f"{where}: changes when it is applied again: {again.stderr[-1000:]}")
    return len(before)


def differs(server: ApiServer, folder: Path, work: Path, tally: Tally) -> None:
    """As a control: a folder of which one object was changed is told from what is applied."""
    done = server.kubectl("kustomize", folder)
    documents = list(yaml.load_all(done.stdout, Loader))
    policy = next(one for one in documents if one["kind"] == "NetworkPolicy" and one["spec"].get("egress"))
    del policy["spec"]["egress"][0]["ports"]
    changed = work / "changed.yaml"
    changed.write_text("\n---\n".join(json.dumps(one) for one in documents))
    said = server.kubectl("diff", "--server-side", "--field-manager=mcpctl", "-f", changed)
    tally.check(said.returncode == 1 and policy["metadata"]["name"] in said.stdout, f"a changed policy differs from nothing: {said.stderr[-1000:]}")


def run(programs: Programs) -> Tally:
    tally, began = Tally("API server"), time.monotonic()
    files = definitions()
    left_out = {target for target, file in NEEDED.items() if file not in files}
    # One after the other, while the ones before are applied.
    pool = ThreadPoolExecutor(1)
    compiled = {
        name: pool.submit(Workspace, programs, name, [target for target in targets if target not in left_out], OWN.get(name))
        for name, targets in COMPILED.items()
    }  # fmt: skip
    server = ApiServer(programs.engines["kubernetes"], programs.work / "server")
    try:
        ready = time.monotonic() - began
        defined = define(server, files, tally)
        objects, documents = 0, []
        for name, targets in COMPILED.items():
            workspace = compiled[name].result()
            for cluster in clusters(workspace.folder):
                count = applied(server, workspace.folder, cluster, f"{name} {cluster.name}", tally)
                all_ = len(kubernetes_next.written(workspace.folder, cluster.name))
                tally.check(count == all_, f"{name} {cluster.name}: {count} of {all_} objects are in one Kustomization")
                objects += count
            emptied(server, name, workspace.folder, tally, wait=name == WAITED)
            for target in targets:
                folder = workspace.folder / target
                if not folder.is_dir():
                    continue
                # The configuration of a product is not a resource.
                paths = sorted(folder.rglob("*.yaml"))
                written = [one for file in paths for one in yaml.load_all(file.read_text(), yaml.CSafeLoader) if one]
                documents += [one for one in written if one.get("kind", "Kustomization") != "Kustomization"]
        # What was removed can be applied again.
        for cluster in clusters(workspace.folder):
            again = server.kubectl(*APPLY, "-k", cluster)
            tally.check(again.returncode == 0, f"{cluster}: {again.stderr[-1000:]}")
        # The faults are planted in objects of all bundles, whose namespaces they need.
        namespaces = {one["metadata"]["name"]: one for one in documents if one["kind"] == "Namespace"}
        for one in namespaces.values():
            server.send("POST", "/api/v1/namespaces", json.dumps(one))
        differs(server, workspace.folder / "kubernetes/central", programs.work, tally)
        refused = kubernetes_refused.run(server, documents, left_out, tally)
        bounds = kubernetes_bounds.run(programs, server, tally)
        places = kubernetes_places.run(programs, server, tally)
        removed = kubernetes_next.run(programs, server, tally)
        version = server.ask("GET", "/version")["gitVersion"]
    finally:
        pool.shutdown(cancel_futures=True)
        server.stop()
    tally.notes.append(f"Kubernetes {version}, ready in {ready:.1f} s; {defined} definitions, {objects} objects applied twice, {refused} faults refused")
    tally.notes.append(f"{removed}; {bounds}; {places}")
    for target in sorted(left_out):
        print(f"skipped: {target}, whose definitions are not at hand")
    return tally.end()
