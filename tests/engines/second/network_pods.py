"""What runs in a cluster, and which of it may connect: worked out from a workspace, as the book says it of `kubernetes`."""

import re
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from .evidence import Loader, at

AGENTS, GATEWAYS, PORT = "mcp-agents", "mcp-gateways", 8443
IN_CLUSTER = re.compile(r"^[^.]+(?:\.[^.]+)*?\.(?P<namespace>[^.]+)\.svc(?:\.cluster\.local)?$")
DNS = {("TCP", 53), ("UDP", 53)}


@dataclass
class Pod:
    name: str
    namespace: str
    labels: dict = field(default_factory=dict)
    # `gateway`, `server` or something that nobody selects; and which one.
    role: str = "plain"
    which: str = ""

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"

    def resource(self, number: int) -> dict:
        address = f"10.244.{number // 250}.{number % 250 + 1}"
        return {
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": self.name, "namespace": self.namespace, "labels": self.labels},
            "spec": {"nodeName": "node", "serviceAccountName": "default", "containers": [{"name": "main", "image": "image"}]},
            "status": {"phase": "Running", "podIP": address, "podIPs": [{"ip": address}], "hostIP": "10.0.0.1"},
        }  # fmt: skip


def label(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def documents(source: Path) -> Iterator[dict]:
    files = [source] if source.is_file() else sorted(source.rglob("*.yaml"))
    for file in files:
        if source.is_file() or "env" not in file.relative_to(source).parts:
            yield from (one for one in yaml.load_all(file.read_text(), Loader) if isinstance(one, dict))


def port_of(url: str) -> int:
    parsed = urllib.parse.urlsplit(url)
    return parsed.port or (80 if parsed.scheme == "http" else 443)


class Site:
    def __init__(self, source: Path, relation):
        whole = list(documents(source))
        registries = [one["mcp_registry"] for one in whole if "mcp_registry" in one]
        self.servers = {one["name"]: one for registry in registries for one in registry.get("servers", []) if one.get("url")}
        self.targets = next((one["targets"] for one in whole if isinstance(one.get("targets"), dict)), {})
        meshes = [at(one, ["zero_trust_config", "service_mesh", "provider"]) for one in whole]
        levels = [at(one, ["federation_config", "business_unit_gateways", "isolation_level"]) for one in whole]
        self.isolated = not {"iam", "none"} & set(levels)
        self.mesh = "istio" in meshes or "istio" in self.targets
        self.gateways = ["central", *(name for name, unit in relation.units.items() if unit["gateway"])]
        self.behind = {name: relation.behind(name) or "central" for name in self.servers}
        granted = {key[1] for key, (sets, _) in relation.cells.items() if sets}
        self.used = granted & set(self.servers)
        self.needed = list(self.needs(whole))

    def needs(self, whole: list[dict]) -> Iterator[tuple]:
        """What gateways reach beside servers: a namespace with labels, or a range of addresses; and the port."""
        for identity in (one["identity"] for one in whole if "identity" in one):
            for issuer in identity.get("issuers", [identity]):
                found = IN_CLUSTER.match(urllib.parse.urlsplit(issuer.get("jwks", "")).hostname or "")
                if found:
                    service = found[0].split(".")[0]
                    yield (found["namespace"], {"app.kubernetes.io/name": service}), None, port_of(issuer["jwks"])
        for one in (self.targets.get("kubernetes") or {}).get("egress", []):
            yield (one["namespace"], one["labels"]) if "namespace" in one else None, one.get("cidr"), one["port"]

    def namespace_of(self, server: dict) -> str:
        found = IN_CLUSTER.match(urllib.parse.urlsplit(server["url"]).hostname)
        if found:
            return found["namespace"]
        return label(f"mcp-{server['business_unit']}") if server.get("business_unit") else "mcp"

    def ports_of(self, gateway: str) -> set[int]:
        """Those of the gateways that the settings list, since one of them runs."""
        found = set()
        for target in ("envoy", "agentgateway"):
            if target in self.targets:
                settings = self.targets[target] or {}
                own = settings if gateway == "central" else (settings.get("gateways") or {}).get(gateway) or {}
                found.add(int(str(own.get("listen", PORT)).rpartition(":")[2]))
        return found or {PORT}

    def inside(self) -> set[str]:
        """The namespaces that policies are for."""
        return {AGENTS, GATEWAYS, *(self.namespace_of(server) for server in self.servers.values())}

    def pods(self) -> Iterator[Pod]:
        for namespace in sorted({*self.inside(), "default", "kube-system", "istio-system"}):
            yield Pod("plain", namespace)
        yield Pod("agent", AGENTS, {"app": "agent"})
        yield Pod("dns", "kube-system", {"k8s-app": "kube-dns"}, "dns")
        yield Pod("istiod", "istio-system", {"app": "istiod"})
        for gateway in self.gateways:
            yield Pod(f"gateway-{label(gateway)}", GATEWAYS, {"mcpctl.io/gateway": label(gateway)}, "gateway", gateway)
            # The label alone makes no gateway.
            yield Pod(f"pretender-{label(gateway)}", AGENTS, {"mcpctl.io/gateway": label(gateway)})
            yield Pod(f"pretender-{label(gateway)}", "default", {"mcpctl.io/gateway": label(gateway)})
        for name, server in self.servers.items():
            labels = server.get("labels") or {"app.kubernetes.io/name": label(name)}
            yield Pod(f"server-{label(name)}", self.namespace_of(server), labels, "server", name)
        for number, (pods, _, _) in enumerate(self.needed):
            if pods:
                yield Pod(f"needed-{number}", pods[0], pods[1], "needed", str(number))
                yield Pod(f"beside-{number}", pods[0])

    def open(self, one: Pod, other: Pod) -> set[tuple[str, int]] | None:
        """The ports at which one pod may connect to the other; None is all of them."""
        inside = self.inside()
        if one.namespace not in inside:
            # What no policy is for connects where no policy is for the other side, either.
            return None if other.namespace not in inside else set()
        found = set(DNS) if other.role == "dns" else set()
        if self.mesh and other.namespace == "istio-system":
            found.add(("TCP", 15012))
        if other.role == "gateway" and (one.namespace == AGENTS or (one.which == "central" and one.role == "gateway" and other.which != "central")):
            found |= {("TCP", port) for port in self.ports_of(other.which)}
        if one.role == "gateway":
            if other.role == "server" and other.which in self.used and (self.behind[other.which] == one.which or not self.isolated):
                found.add(("TCP", port_of(self.servers[other.which]["url"])))
            for pods, _, port in self.needed:
                if pods and other.namespace == pods[0] and pods[1].items() <= other.labels.items():
                    found.add(("TCP", port))
        return found
