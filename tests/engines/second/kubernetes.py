"""Everything for clusters, by a Kubernetes API server: each bundle is applied strictly, a second time it changes nothing, and
the next bundle takes its place in the way that the book describes.

Resources of products need their definitions, in the folders of MCPCTL_CRDS; a target whose definitions are in none of them is
left out, and named.
"""

import json
import os
import time
from pathlib import Path

import yaml
from live.tally import Tally

from . import kubernetes_next, kubernetes_refused
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
    "second/cluster": ["kubernetes", "istio"],
}
OWN = {"second/cluster": FOLDER / "cluster"}
# The files that hold the definitions of what a target writes, beside those of Istio and of the Gateway API.
NEEDED = {"agentgateway": "agentgateway_policies.yaml", "ai-gateway": "ai-gateway_mcproutes.yaml"}
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


def folders(bundle: Path, targets: list[str]) -> list[tuple[str, list[Path]]]:
    """What is applied together. Of the mesh and one gateway the book says how; the other gateways are alternatives to it."""
    found = []
    for cluster in sorted(folder.name for folder in (bundle / "kubernetes").iterdir()):
        together = [bundle / target / cluster for target in ("kubernetes", "istio", "agentgateway") if target in targets]
        apart = [[bundle / target / cluster] for target in targets if target in ("ai-gateway", "toolhive")]
        for number, some in enumerate([together, *apart]):
            if any(folder.is_dir() for folder in some):
                found.append((f"{cluster}-{number}", some))
    return found


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
        objects, documents = 0, []
        for name, targets in COMPILED.items():
            workspace = Workspace(programs, name, [target for target in targets if target not in left_out], OWN.get(name))
            beside = programs.work / f"beside-{len(documents)}"
            for part, some in folders(workspace.folder, targets):
                objects += applied(server, f"{name} {part}", kubernetes_next.kustomized(beside, part, some), tally)
                # The configuration of a product is not a resource.
                paths = [file for folder in some for file in folder.rglob("*.yaml")]
                written = [one for file in paths for one in yaml.load_all(file.read_text(), yaml.CSafeLoader) if one]
                documents += [one for one in written if one.get("kind", "Kustomization") != "Kustomization"]
        differs(server, workspace.folder / "kubernetes/central", programs.work, tally)
        refused = kubernetes_refused.run(server, documents, left_out, tally)
        removed = kubernetes_next.run(programs, server, tally)
        version = server.ask("GET", "/version")["gitVersion"]
    finally:
        server.stop()
    tally.notes.append(f"Kubernetes {version}, ready in {ready:.1f} s; {defined} definitions, {objects} objects applied twice, {refused} faults refused")
    tally.notes.append(removed)
    for target in sorted(left_out):
        print(f"skipped: {target}, whose definitions are not at hand")
    return tally.end()
