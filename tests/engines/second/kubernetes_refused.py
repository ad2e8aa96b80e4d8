"""Planted faults: the API server must refuse each, and name what is wrong."""

import copy
import json
from collections.abc import Callable

from live.tally import Tally


def first(documents: list[dict], kind: str, fits: Callable[[dict], bool] = lambda _: True) -> dict:
    found = next((one for one in documents if one["kind"] == kind and fits(one)), None)
    if found is None:
        raise SystemExit(f"no {kind} was written")
    return copy.deepcopy(found)


def faults(documents: list[dict], left_out: set[str]):
    """What is spoiled, the object, and what the refusal has to speak of."""

    def one(kind: str, change: Callable[[dict], None], says: str, fits=lambda _: True):
        document = first(documents, kind, fits)
        change(document)
        return f"{kind}: {says}", document, says

    def at(*path):
        """Sets the value at a path, whose last two parts are the key and the value."""
        *path, key, value = path

        def change(document: dict) -> None:
            for part in path:
                document = document[part]
            document[key] = value

        return change

    def has(*path):
        def fits(document: dict) -> bool:
            for part in path:
                if not isinstance(document, (dict, list)) or (isinstance(document, dict) and part not in document):
                    return False
                document = document[part]
            return True

        return fits

    yield one("NetworkPolicy", at("spec", "podSelecter", {}), ".spec.podSelecter: field not declared in schema")
    yield one("NetworkPolicy", at("spec", "policyTypes", ["Ingres"]), "spec.policyTypes")
    yield one("NetworkPolicy", at("spec", "egress", 0, "ports", [{"port": 70000, "protocol": "TCP"}]), "port", has("spec", "egress"))
    yield one("NetworkPolicy", at("metadata", "namespace", "nowhere"), 'namespaces "nowhere" not found')
    yield one("NetworkPolicy", at("metadata", "name", "Server_Cards"), "metadata.name")
    yield one("ResourceQuota", at("spec", "hard", "limits.cpu", "8 cores"), "quantities must match")
    yield one("ResourceQuota", at("spec", "hard", "limits.cpus", "8"), "limits.cpus")
    yield one("ServiceAccount", at("metadata", "labelz", {}), ".metadata.labelz: field not declared in schema")
    yield one("Namespace", at("metadata", "labels", "mcpctl.io/segment", "two words"), "metadata.labels")
    yield one("AuthorizationPolicy", at("spec", "actionn", "ALLOW"), ".spec.actionn: field not declared in schema")
    yield one("AuthorizationPolicy", at("spec", "action", "ALOW"), "spec.action")
    yield one("AuthorizationPolicy", at("spec", "selector", {"matchLabels": {"app": "a*"}}), "wildcard")
    yield one("PeerAuthentication", at("spec", "mtls", {"mode": "strict"}), "spec.mtls.mode")
    yield one("RequestAuthentication", at("spec", "jwtRules", 0, "issuer", ""), "spec.jwtRules[0].issuer")
    yield one("RequestAuthentication", at("spec", "jwtRules", 0, "jwksUri", "ftp://keys.example"), "http:// or https://")
    slow = at("spec", "trafficPolicy", "outlierDetection", {"baseEjectionTime": "60_seconds"})
    yield one("DestinationRule", slow, "baseEjectionTime", has("spec", "trafficPolicy"))
    yield one("MCPAuthzConfig", at("spec", "typee", "cedarv1"), ".spec.typee: field not declared in schema")
    if "agentic-networking" not in left_out:
        yield one("XAccessPolicy", lambda document: document["spec"]["rules"].append(document["spec"]["rules"][0]), "must be unique")
        yield one("XAccessPolicy", at("spec", "rules", 0, "source", "spiffe", "spiffe://A/b"), "spec.rules[0].source.spiffe")
    if "agentgateway" not in left_out:
        both = {"targetSelectors": [{"group": "gateway.networking.k8s.io", "kind": "Gateway", "matchLabels": {"a": "b"}}]}
        yield one("AgentgatewayPolicy", lambda document: document["spec"].update(both), "spec")
    if "ai-gateway" not in left_out:
        yield one("MCPRoute", lambda document: document["spec"]["backendRefs"].append(document["spec"]["backendRefs"][0]), "backendRefs")
        yield one("Backend", at("spec", "endpoints", 0, "ip", {"address": "10.0.0.1", "port": 443}), "endpoint")


def run(server, documents: list[dict], left_out: set[str], tally: Tally) -> int:
    """How many faults were refused. The same object without the fault has to be taken."""
    refused, whole = 0, {}
    for what, document, says in faults(documents, left_out):
        command = ["apply", "--server-side", "--force-conflicts", "--validate=strict", "--field-manager=mcpctl", "--dry-run=server", "-f", "-"]
        done = server.kubectl(*command, given=json.dumps(document))
        refused += tally.check(done.returncode != 0 and says in done.stderr, f"{what}: {done.returncode} {done.stdout}{done.stderr[-600:]}")
        whole[document["kind"]] = first(documents, document["kind"])
    for kind, document in whole.items():
        done = server.kubectl(*command, given=json.dumps(document))
        tally.check(done.returncode == 0, f"a {kind} without any fault is refused: {done.stderr[-600:]}")
    return refused
