"""Pods without a cluster: beside each server and each gateway an Envoy that is its sidecar in Istio's mesh.

What a cluster would know of them is told to the API server: where they listen (`WorkloadEntry`), the services that lead to them, and,
since nothing is redirected here, that their sidecars listen by themselves (`Sidecar`). Everything else is what the bundle says.
"""

import json
import urllib.parse
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ports import free_ports

from live import gateway

from .api_server import megabytes
from .network_pods import GATEWAYS, IN_CLUSTER, Pod, Site, port_of

NETWORKING = "/apis/networking.istio.io/v1/namespaces"
ACCOUNT = "default"
# As Istio's agent starts it: connections of a listener that changed are closed with their next answer.
AGENTS_OWN = ["--drain-strategy", "immediate", "--drain-time-s", "45"]
TYPED = "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions"


def static_cluster(name: str, port: int) -> dict:
    address = {"endpoint": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": port}}}}
    return {
        "name": name, "type": "STATIC", "connect_timeout": "1s",
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {"@type": TYPED, "explicit_http_config": {"http2_protocol_options": {}}},
        },
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [address]}]},
    }  # fmt: skip


def bootstrap(pod: Pod, account: str, address: str, admin: int, mesh) -> dict:
    """What Istio's agent would start Envoy with, as far as the control plane asks for it."""
    metadata = {
        "NAMESPACE": pod.namespace, "SERVICE_ACCOUNT": account, "LABELS": pod.labels, "NAME": pod.name, "WORKLOAD_NAME": pod.name,
        "INSTANCE_IPS": address, "ISTIO_VERSION": "1.31.0", "CLUSTER_ID": "Kubernetes", "MESH_ID": "mesh", "INTERCEPTION_MODE": "NONE",
    }  # fmt: skip
    by_ads = {"ads": {}, "resource_api_version": "V3"}
    ads = {
        "api_type": "GRPC", "transport_api_version": "V3", "set_node_on_first_message_only": True,
        "grpc_services": [{"envoy_grpc": {"cluster_name": "xds-grpc"}}],
    }  # fmt: skip
    return {
        "node": {
            "id": f"sidecar~{address}~{pod.name}.{pod.namespace}~{pod.namespace}.svc.cluster.local",
            "cluster": f"{pod.name}.{pod.namespace}", "metadata": metadata,
        },
        "admin": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": admin}}},
        "dynamic_resources": {"lds_config": by_ads, "cds_config": by_ads, "ads_config": ads},
        "static_resources": {"clusters": [static_cluster("xds-grpc", mesh.grpc), static_cluster("sds-grpc", mesh.secrets)]},
    }  # fmt: skip


class Pods:
    """`backends` are the ports that servers themselves listen at."""

    def __init__(self, server, mesh, envoy: Path, work: Path, site: Site, backends: dict[str, int]):
        self.server, self.mesh, self.envoy, self.work, self.site = server, mesh, envoy, work, site
        found = list(site.pods())
        self.servers = {pod.which: pod for pod in found if pod.role == "server"}
        self.gateways = {pod.which: pod for pod in found if pod.role == "gateway"}
        work.mkdir()
        self.ports = dict(zip(self.servers, free_ports(len(self.servers))))
        # Each has an address of its own, by which the control plane tells them apart; all of them are this machine.
        pods = [*self.servers.values(), *self.gateways.values()]
        self.addresses = {pod.name: f"127.0.1.{number}" for number, pod in enumerate(pods, 1)}
        self.running: dict[str, gateway.Envoy] = {}
        for name, pod in self.servers.items():
            self.declare_server(name, pod, backends[name])
        for name, pod in self.gateways.items():
            self.declare_gateway(name, pod)

    def ask(self, namespace: str, plural: str, kind: str, name: str, spec: dict) -> None:
        body = {"apiVersion": "networking.istio.io/v1", "kind": kind, "metadata": {"name": name}, "spec": spec}
        self.server.ask("POST", f"{NETWORKING}/{namespace}/{plural}", body)

    def host(self, name: str) -> str:
        return urllib.parse.urlsplit(self.site.servers[name]["url"]).hostname

    def path(self, name: str) -> str:
        return urllib.parse.urlsplit(self.site.servers[name]["url"]).path or "/"

    def protocol(self, name: str) -> str:
        """What the mesh takes the server to speak: a service of the cluster says it itself, for others an entry of the bundle does."""
        entries = self.server.ask("GET", f"{NETWORKING}/{self.servers[name].namespace}/serviceentries")["items"]
        found = [port["protocol"] for one in entries for port in one["spec"]["ports"] if self.host(name) in one["spec"]["hosts"]]
        return found[0] if found else "HTTP"

    def declare_server(self, name: str, pod: Pod, backend: int) -> None:
        port = port_of(self.site.servers[name]["url"])
        ports = {word: self.ports[name] for word in ("http-mcp", f"http-{port}", f"https-{port}")}
        workload = {"address": self.addresses[pod.name], "labels": pod.labels, "serviceAccount": ACCOUNT, "ports": ports}
        self.ask(pod.namespace, "workloadentries", "WorkloadEntry", pod.name, workload)
        inside = IN_CLUSTER.match(self.host(name))
        if inside:
            service = {"selector": pod.labels, "ports": [{"name": "http-mcp", "port": port, "targetPort": "http-mcp"}]}
            path = f"/api/v1/namespaces/{pod.namespace}/services"
            self.server.ask("POST", path, {"metadata": {"name": self.host(name).split(".")[0]}, "spec": service})
        listener = {
            "port": {"number": self.ports[name], "protocol": self.protocol(name), "name": "mcp"}, "bind": self.addresses[pod.name],
            "captureMode": "NONE", "defaultEndpoint": f"127.0.0.1:{backend}",
        }  # fmt: skip
        # It calls nobody.
        nowhere = {"hosts": ["./*"], "captureMode": "NONE", "bind": f"unix://{self.work / pod.name}.sock", "port": {"number": 0, "protocol": "HTTP", "name": "none"}}
        spec = {"workloadSelector": {"labels": pod.labels}, "ingress": [listener], "egress": [nowhere]}
        self.ask(pod.namespace, "sidecars", "Sidecar", pod.name, spec)

    def declare_gateway(self, name: str, pod: Pod) -> None:
        """Its own address stands for every server, at the servers' ports; the host that is asked for tells which one is meant."""
        ports = sorted({port_of(server["url"]) for server in self.site.servers.values()})
        calls = [
            {"hosts": ["*/*"], "captureMode": "NONE", "bind": self.addresses[pod.name], "port": {"number": port, "protocol": "HTTP", "name": f"calls-{port}"}}
            for port in ports
        ]  # fmt: skip
        self.ask(pod.namespace, "sidecars", "Sidecar", pod.name, {"workloadSelector": {"labels": pod.labels}, "egress": calls})

    def accounts(self) -> list[tuple[str, str]]:
        """The service accounts: those of gateways are the bundle's, servers have what every pod has."""
        found = [(GATEWAYS, pod.name.removeprefix("gateway-")) for pod in self.gateways.values()]
        for namespace in sorted({pod.namespace for pod in self.servers.values()} | {GATEWAYS}):
            self.server.ask("POST", f"/api/v1/namespaces/{namespace}/serviceaccounts", {"metadata": {"name": ACCOUNT}})
            found.append((namespace, ACCOUNT))
        return found

    def start(self) -> None:
        """All of them at once, since each waits for the control plane."""
        pods = [(pod, ACCOUNT) for pod in self.servers.values()]
        pods += [(pod, pod.name.removeprefix("gateway-")) for pod in self.gateways.values()]
        admins = free_ports(len(pods))

        def one(numbered: tuple[tuple[Pod, str], int]) -> None:
            (pod, account), admin = numbered
            folder = self.work / pod.name
            folder.mkdir()
            (folder / "bootstrap.json").write_text(json.dumps(bootstrap(pod, account, self.addresses[pod.name], admin, self.mesh)))
            self.running[pod.name] = gateway.Envoy(self.envoy, folder, admin, "bootstrap.json", AGENTS_OWN)
            self.running[pod.name].start()

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(one, zip(pods, admins)))

    def at(self, name: str) -> tuple[int, str]:
        """Where the sidecar of a server listens."""
        return self.ports[name], self.addresses[self.servers[name].name]

    def of_server(self, name: str) -> gateway.Envoy:
        return self.running[self.servers[name].name]

    def of_gateway(self, name: str) -> gateway.Envoy:
        return self.running[self.gateways[name].name]

    def rejected(self) -> list[str]:
        """The sidecars that refused something that istiod sent."""
        found = []
        for name, envoy in self.running.items():
            found += [f"{name}: {stat} {count}" for stat, count in envoy.stats("update_rejected").items() if count]
        return found

    def resident(self) -> int:
        return sum(megabytes(envoy.process.pid) for envoy in self.running.values())

    def stop(self) -> None:
        for envoy in self.running.values():
            envoy.stop()
        self.running = {}
