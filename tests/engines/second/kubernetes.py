"""Everything for clusters, by a Kubernetes API server: the Kustomization of each cluster is applied strictly to an empty one, a
second time it changes nothing, all of it is removed, and the next bundle takes the place of one in the way that the book describes.

Resources of products need their definitions, in the folders of MCPCTL_CRDS; a target whose definitions are in none of them is
left out, and named.
"""

import json
import os
import time
from pathlib import Path

import yaml
from live.tally import Tally

from . import kubernetes_bounds, kubernetes_next, kubernetes_refused
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
    documents = {one["metadata"]["name"]: one for one in documents}
    lines = "\n---\n".join(json.dumps(one) for one in documents.values())
    done = server.kubectl("apply", "--server-side", "-f", "-", given=lines)
    tally.check(done.returncode == 0, f"definitions: {done.stderr[-2000:]}")
    waited = server.kubectl("wait", "--for=condition=Established", "--timeout=60s", "crd", "--all")
    tally.check(waited.returncode == 0, f"definitions: {waited.stderr[-2000:]}")
    return len(documents)


def clusters(bundle: Path) -> list[Path]:
    """The Kustomization of each cluster. The gateways of one compile are alternatives, but the server takes them all."""
    return sorted((bundle / "clusters").iterdir())


def emptied(server: ApiServer, where: str, bundle: Path, tally: Tally) -> None:
    """Everything goes in the way that the book describes, and nothing else does."""
    own = server.kubectl("apply", "-f", "-", given=json.dumps(kubernetes_next.ELSEWHERE))
    tally.check(own.returncode == 0, f"{where}: an object of somebody else: {own.stderr}")
    label = json.loads((bundle / "bundle.json").read_text())["name"]
    tally.check(bool(kubernetes_next.present(server, label)), f"{where}: nothing has the label of the bundle")
    for cluster in clusters(bundle):
        done = server.kubectl("delete", "--ignore-not-found", "-k", cluster)
        tally.check(done.returncode == 0, f"{where}: {done.stderr[-1000:]}")
    left = kubernetes_next.present(server, label)
    tally.check(not left, f"{where}: {sorted(left, key=str)[:5]} stay")
    other = kubernetes_next.ELSEWHERE
    key = (other["kind"], other["metadata"]["namespace"], other["metadata"]["name"])
    tally.check(key in kubernetes_next.present(server, None), f"{where}: something of somebody else is gone")


def versions(server: ApiServer, folder: Path) -> dict[tuple, str]:
    """The version of each object of a folder, as the server counts them."""
    done = server.kubectl("get", "-k", folder, "-o", "json")
    if done.returncode != 0:
        raise SystemExit(f"{folder}: {done.stderr}")
    found = json.loads(done.stdout)
    return {
        (one["kind"], one["metadata"].get("namespace"), one["metadata"]["name"]): one["metadata"]["resourceVersion"]
        for one in found.get("items", [found])
    }  # fmt: skip


def applied(server: ApiServer, where: str, folder: Path, tally: Tally) -> int:
    """How many objects a folder has; all are taken, and a second time nothing changes."""
    done = server.kubectl(*APPLY, "-k", folder)
    tally.check(done.returncode == 0 and "arning" not in done.stderr, f"{where}: {done.stderr[-2000:]}")
    if done.returncode != 0:
        return 0
    before = versions(server, folder)
    lines = done.stdout.splitlines()
    tally.check(len(lines) == len(before) > 0, f"{where}: {len(lines)} objects were applied, and {len(before)} are there")
    same = server.kubectl("diff", "--server-side", "--field-manager=mcpctl", "-k", folder)
    tally.check(same.returncode == 0, f"{where}: differs from itself: {same.stdout[-1000:]}{same.stderr[-1000:]}")
    again = server.kubectl(*APPLY, "-k", folder)
    tally.check(again.returncode == 0 and versions(server, folder) == before, f"{where}: changes when it is applied again: {again.stderr[-1000:]}")
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
    server = ApiServer(programs.engines["kubernetes"], programs.work / "server")
    try:
        ready = time.monotonic() - began
        defined = define(server, files, tally)
        objects, documents, bundles = 0, [], []
        for name, targets in COMPILED.items():
            workspace = Workspace(programs, name, [target for target in targets if target not in left_out], OWN.get(name))
            for cluster in clusters(workspace.folder):
                count = applied(server, f"{name} {cluster.name}", cluster, tally)
                all_ = len(kubernetes_next.written(workspace.folder, cluster.name))
                tally.check(count == all_, f"{name} {cluster.name}: {count} of {all_} objects are in one Kustomization")
                objects += count
            emptied(server, name, workspace.folder, tally)
            bundles.append(workspace.folder)
            for target in targets:
                folder = workspace.folder / target
                if not folder.is_dir():
                    continue
                # The configuration of a product is not a resource.
                paths = sorted(folder.rglob("*.yaml"))
                written = [one for file in paths for one in yaml.load_all(file.read_text(), yaml.CSafeLoader) if one]
                documents += [one for one in written if one.get("kind", "Kustomization") != "Kustomization"]
        # The faults are planted in objects of all bundles, whose namespaces they need.
        for cluster in (cluster for bundle in bundles for cluster in clusters(bundle)):
            again = server.kubectl(*APPLY, "-k", cluster)
            tally.check(again.returncode == 0, f"{cluster}: {again.stderr[-1000:]}")
        differs(server, workspace.folder / "kubernetes/central", programs.work, tally)
        refused = kubernetes_refused.run(server, documents, left_out, tally)
        bounds = kubernetes_bounds.run(programs, server, tally)
        removed = kubernetes_next.run(programs, server, tally)
        version = server.ask("GET", "/version")["gitVersion"]
    finally:
        server.stop()
    tally.notes.append(f"Kubernetes {version}, ready in {ready:.1f} s; {defined} definitions, {objects} objects applied twice, {refused} faults refused")
    tally.notes.append(f"{removed}; {bounds}")
    for target in sorted(left_out):
        print(f"skipped: {target}, whose definitions are not at hand")
    return tally.end()
