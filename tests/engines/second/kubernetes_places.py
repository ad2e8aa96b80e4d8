"""Where pods may run: the API server itself, with the policies of a bundle, takes and refuses pods as the locations of the workspace say."""

import json
import time

from live.tally import Tally

from . import kubernetes_next
from .istio_taken import Clerk
from .kubernetes_bounds import fleet

PREMISES, ENCLAVE = {"site.example.org/kind": "datacentre", "site.example.org/row": "a"}, {"site.example.org/kind": "enclave"}
CLASS = "confidential-containers"
CRM, LEDGER = {"app": "crm", "tier": "data"}, {"app": "ledger"}
APPLY = ["apply", "--server-side", "--validate=strict", "--force-conflicts", "--field-manager=mcpctl"]


def placed(document: dict, settings: dict) -> None:
    where = {"crm_server": "on_premises", "ledger_server": "secure_enclave"}
    for server in document["mcp_registry"]["servers"]:
        server.update({"location": where[server["name"]]} if server["name"] in where else {})
    open_, held = ["stock_server", "search_server", "archive_server", "idle_server"], list(where)
    document["data_routing"]["classifications"] = [
        {"level": "public", "mcp_servers": open_}, {"level": "confidential", "mcp_servers": held, "location": "on_premises_only", "min_auth_level": 1},
    ]  # fmt: skip
    settings["targets"]["kubernetes"]["locations"] = {
        "on_premises": {"node_labels": PREMISES}, "secure_enclave": {"node_labels": ENCLAVE, "runtime_class": CLASS},
    }  # fmt: skip


def pod(namespace: str, labels: dict, selector: dict | None = None, runtime: str | None = None) -> dict:
    spec = {"containers": [{"name": "one", "image": "example.org/one"}]} | ({"nodeSelector": selector} if selector is not None else {})
    spec |= {"runtimeClassName": runtime} if runtime else {}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "probe", "namespace": namespace, "labels": labels}, "spec": spec}


def cases() -> list[tuple[str, dict, bool]]:
    """What a pod is, the pod, and whether it may be."""
    one = {key: value for key, value in PREMISES.items() if key.endswith("kind")}
    central, retail, of_gateways = {"mcpctl.io/gateway": "central"}, {"mcpctl.io/gateway": "retail"}, "mcp-gateways"
    return [
        ("a server that asks for nothing", pod("shops", CRM), False),
        ("a server that asks for its nodes", pod("shops", CRM, PREMISES), True),
        ("and for more", pod("shops", CRM | {"version": "2"}, PREMISES | {"disk": "ssd"}), True),
        ("a server that asks for nothing, with a label more", pod("shops", CRM | {"version": "2"}), False),
        ("a server that asks for one label of two", pod("shops", CRM, one), False),
        ("a server that asks for other nodes", pod("shops", CRM, ENCLAVE), False),
        ("a server that asks for a class alone", pod("shops", CRM, None, CLASS), False),
        ("another pod of its namespace", pod("shops", {"app": "crm"}), True),
        ("a pod of its labels elsewhere", pod("tools", CRM), True),
        ("a server in an enclave without its class", pod("mcp-finance", LEDGER, ENCLAVE), False),
        ("a server in an enclave without its nodes", pod("mcp-finance", LEDGER, None, CLASS), False),
        ("a server in an enclave", pod("mcp-finance", LEDGER, ENCLAVE, CLASS), True),
        ("a server in an enclave that is elsewhere", pod("mcp-finance", LEDGER, PREMISES), False),
        ("a server without a location", pod("tools", {"app.kubernetes.io/name": "search-server"}), True),
        ("a gateway that passes the data, anywhere", pod(of_gateways, central), False),
        ("a gateway that passes the data, at the one place", pod(of_gateways, central, PREMISES), True),
        ("a gateway that passes the data, at the other", pod(of_gateways, central, ENCLAVE, CLASS), True),
        ("a unit's gateway, anywhere", pod(of_gateways, retail), False),
        ("a unit's gateway, in place", pod(of_gateways, retail, PREMISES), True),
    ]


def run(programs, server, tally: Tally) -> str:
    source, out = programs.work / "places" / "fleet", programs.work / "places" / "out"
    source.mkdir(parents=True)
    for name, text in fleet(placed).items():
        (source / name).write_text(text)
    done = programs.mcpctl_run("compile", source, "--target", "kubernetes", "--out", out, "--quiet")
    tally.check(done.returncode == 0, f"places: {done.stderr[-1000:]}")
    runtime = {"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "metadata": {"name": CLASS}, "handler": "kata"}
    server.ask("POST", "/apis/node.k8s.io/v1/runtimeclasses", runtime)
    for cluster in sorted((out / "clusters").iterdir()):
        applied = server.kubectl(*APPLY, "-k", cluster)
        tally.check(applied.returncode == 0, f"places: {cluster.name}: {applied.stderr[-1000:]}")
    clerk, (_, first, _) = Clerk(server), cases()[0]
    began = time.monotonic()
    while time.monotonic() - began < 20 and clerk.refusal(first) is None:
        time.sleep(0.1)
    seconds = time.monotonic() - began
    found = {what: (clerk.refusal(one), may) for what, one, may in cases()}
    for what, (said, may) in found.items():
        tally.check((said is None) == may, f"places: {what}: {said}")
        tally.check(may or "this pod has to ask for" in said, f"places: {what} is refused for something else: {said}")

    # A pod that runs somewhere does not become the server by its labels.
    stray = pod("shops", {"app": "stray"})
    tally.check(clerk.refusal(stray, dry=False) is None, "places: a pod of nobody")
    renamed = server.kubectl("label", "pod", "probe", "-n", "shops", "--overwrite", *(f"{key}={value}" for key, value in CRM.items()))
    tally.check(renamed.returncode != 0 and "this pod has to ask for" in renamed.stderr, f"places: a pod takes the labels of a server: {renamed.stdout}{renamed.stderr}")
    server.kubectl("delete", "pod", "probe", "-n", "shops", "--grace-period=0", "--force")

    # As a control: without its binding a policy refuses nothing, and with another label it refuses the right pod.
    unbound = server.kubectl("delete", "validatingadmissionpolicybinding", "crm-server.shops.mcp-gateways")
    tally.check(unbound.returncode == 0, f"places: there is no such binding: {unbound.stderr}")
    began = time.monotonic()
    while time.monotonic() - began < 20 and clerk.refusal(first) is not None:
        time.sleep(0.1)
    tally.check(clerk.refusal(first) is None, "places: nothing depends on the binding")
    for cluster in sorted((out / "clusters").iterdir()):
        server.kubectl("delete", "--ignore-not-found", "--wait=false", "-k", cluster)
    left = kubernetes_next.gone(server, json.loads((out / "bundle.json").read_text())["name"])
    tally.check(not left, f"places: {sorted(left, key=str)[:5]} stay")
    return f"{len(found)} pods judged by their places, {seconds:.1f} s after the policies were applied"
