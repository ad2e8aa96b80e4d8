"""Calls through the gateways' own sidecars: who gets through, the limits and the ejection that the bundle asks for, as the running Envoy
has them and as they show with servers that fail, and mutual TLS."""

import http.server
import json
import threading
import time
from pathlib import Path

from live.tally import Tally
from live.wire import Connection, Refused

from .istio_ask import ANSWERED, BODY, Ask, Asker
from .network_pods import GATEWAYS, documents, label, port_of

RULES = f"/apis/networking.istio.io/v1/namespaces/{GATEWAYS}/destinationrules"
# How much later than declared an ejection may end: one sweep, and a slow machine.
LATE = 4.0
BOUND = 20.0
FORGED = "forged"


class Failing:
    """A server that fails on demand: with 500, or by answering only when it is released."""

    def __init__(self):
        self.mode, self.arrived, self.released = "ok", 0, threading.Event()
        # How many requests came, and how many of them with a token or what a caller wrote in the name of the proxy.
        self.seen = self.leaked = 0
        failing = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1

            def do_POST(self):
                self.rfile.read(int(self.headers.get("content-length", 0)))
                failing.arrived, failing.seen = failing.arrived + 1, failing.seen + 1
                failing.leaked += "authorization" in self.headers or self.headers.get("x-mcpctl-act") == FORGED
                if failing.mode == "hang":
                    failing.released.wait(15)
                self.send_response(500 if failing.mode == "500" else 200)
                self.send_header("content-length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def set(self, mode: str) -> None:
        self.mode, self.arrived = mode, 0

    def stop(self) -> None:
        self.released.set()
        self.server.shutdown()
        self.server.server_close()


class Declared:
    """What a workspace says of the traffic to a server; in these workspaces all of it is central."""

    def __init__(self, source: Path, name: str):
        whole = list(documents(source))
        breaker = next(one["circuit_breaker_config"]["per_mcp_server"] for one in whole if "circuit_breaker_config" in one)
        self.failures, self.ejected = breaker["failure_threshold"], breaker["half_open_timeout"]
        pools = [pool for one in whole for pool in (one.get("bulkhead_config") or {}).get("resource_pools", []) if name in pool["mcp_servers"]]
        share = [pool["resources"]["connections"] // len(pool["mcp_servers"]) for pool in pools]
        kept = [pool for one in whole for pool in (one.get("connection_pooling") or {}).get("http_pools", []) if pool["mcp_server"] == name]
        sizes = [pool["pool_size"] for pool in kept]
        self.connections, self.requests = min(share + sizes), (share or sizes)[0]
        self.idle = kept[0]["keep_alive"] if kept else None

    def differs(self, cluster: dict) -> list[str]:
        """What the running Envoy has otherwise."""
        limits, outliers = cluster["circuit_breakers"]["thresholds"][0], cluster.get("outlier_detection", {})
        protocol = next(iter(cluster.get("typed_extension_protocol_options", {}).values()), {})
        found = {
            "connections": (limits["max_connections"], self.connections), "requests": (limits["max_requests"], self.requests),
            "failures": (outliers.get("consecutive_5xx"), self.failures), "ejected": (outliers.get("base_ejection_time"), self.ejected),
            "share": (outliers.get("max_ejection_percent"), 100), "idle": (protocol.get("common_http_protocol_options", {}).get("idle_timeout"), self.idle),
        }  # fmt: skip
        return [f"{what} {running} for {declared}" for what, (running, declared) in found.items() if running != declared]


class Traffic:
    def __init__(self, asker: Asker, good: dict[str, Ask], tally: Tally):
        self.asker, self.good, self.tally, self.pods = asker, good, tally, asker.pods
        self.server = self.pods.server

    def connection(self, gateway: str, name: str) -> Connection:
        """To a gateway's own sidecar, which finds the server by the host that is asked for."""
        port = port_of(self.pods.site.servers[name]["url"])
        connection = Connection(port, None, self.pods.addresses[self.pods.gateways[gateway].name])
        connection.named = f"{self.pods.host(name)}:{port}"
        return connection

    def call(self, gateway: str, name: str) -> int:
        connection, ask = self.connection(gateway, name), self.good[name]
        try:
            return connection.ask("POST", self.pods.path(name), ask.headers | {"x-mcpctl-act": FORGED}, BODY).status
        except Refused:
            return 0
        finally:
            connection.close()

    def own(self, name: str) -> int:
        return self.call(self.pods.site.behind[name], name)

    def everyone(self) -> None:
        """Each server through the sidecar of each gateway; the one in front alone gets through."""
        for name in self.good:
            for gateway in self.pods.gateways:
                status, front = self.call(gateway, name), gateway == self.pods.site.behind[name]
                self.tally.count(allowed=status in ANSWERED)
                if front and status not in ANSWERED:
                    self.tally.fault(f"{name} through the sidecar of {gateway}: {status}")
                if not front and status not in (401, 403):
                    self.tally.fault(f"{name} through the sidecar of {gateway}: {status}", bypass=status in ANSWERED)

    def cluster(self, name: str) -> dict:
        """What the sidecar of the gateway in front has for a server."""
        envoy = self.pods.of_gateway(self.pods.site.behind[name])
        wanted = f"outbound|{port_of(self.pods.site.servers[name]['url'])}||{self.pods.host(name)}"
        found = json.loads(envoy.ask("/config_dump?resource=dynamic_active_clusters")[1]).get("configs", [])
        return next((one["cluster"] for one in found if one["cluster"]["name"] == wanted), {})

    def running(self, source: Path) -> None:
        for name in self.good:
            cluster = self.cluster(name)
            if not self.tally.check(bool(cluster), f"the sidecar of the gateway knows {name}"):
                continue
            differs = Declared(source, name).differs(cluster)
            self.tally.check(not differs, f"{name} in the running Envoy: {', '.join(differs)}")
            peer = f"spiffe://{self.asker.relation.trust_domain}/ns/{self.pods.servers[name].namespace}/sa/default"
            secured = json.dumps(cluster.get("transport_socket", {}))
            self.tally.check(peer in secured, f"{name}: its certificate is asked for: {secured[:300]}")

    def faults(self, name: str, failing: Failing, declared: Declared) -> str:
        """A server that fails is left out after so many failures, for so long."""
        failing.set("500")
        first = [self.own(name) for _ in range(declared.failures)]
        began = time.monotonic()
        self.tally.check(first == [500] * declared.failures, f"{name} fails, and its callers are told: {first}")
        after = [self.own(name) for _ in range(3)]
        self.tally.check(after == [503] * 3, f"{name} is left out after {declared.failures} failures: {after}")
        self.tally.check(failing.arrived == declared.failures, f"{name}, left out, is not asked: {failing.arrived}")
        failing.set("ok")
        lasts = float(declared.ejected.removesuffix("s"))
        while self.own(name) != 200 and time.monotonic() < began + lasts + LATE:
            time.sleep(0.05)
        took = time.monotonic() - began
        self.tally.check(lasts - 0.3 <= took < lasts + LATE, f"{name} is left out for {declared.ejected}: {took:.1f} s")
        return f"ejected after {declared.failures} failures for {took:.1f} s"

    def overload(self, name: str, failing: Failing, most: int) -> tuple[int, list[int]]:
        """One call more than `most`, all of which the server holds: how many reach it at once, and the answers in the end."""
        failing.set("hang")
        failing.released.clear()
        found: list[int] = []
        calls = [threading.Thread(target=lambda: found.append(self.own(name))) for _ in range(most + 1)]
        for call in calls:
            call.start()
        until = time.monotonic() + BOUND
        while failing.arrived < most and time.monotonic() < until:
            time.sleep(0.02)
        # Time enough for the one that is too much.
        time.sleep(0.5)
        reached = failing.arrived
        failing.released.set()
        for call in calls:
            call.join(BOUND)
        failing.set("ok")
        return reached, found

    def limit(self, name: str, failing: Failing, declared: Declared) -> None:
        """What is too much waits in the gateway."""
        most = declared.connections
        reached, found = self.overload(name, failing, most)
        self.tally.check(reached == most, f"{name}: {reached} of {most + 1} calls reach it at once, for {most} connections")
        self.tally.check(found == [200] * (most + 1), f"{name}: all are answered once there is room: {found}")

    def spoiled(self, ejected: tuple[str, Failing], limited: tuple[str, Failing], source: Path) -> int:
        """Each part of a rule is dropped, and what it did is seen no more."""
        def still_asked() -> bool:
            ejected[1].set("500")
            return [self.own(ejected[0]) for _ in range(Declared(source, ejected[0]).failures + 1)][-1] == 500

        def all_reach() -> bool:
            most = Declared(source, limited[0]).connections
            return self.overload(*limited, most)[0] == most + 1

        def closed() -> bool:
            return self.own(limited[0]) not in ANSWERED

        noticed = 0
        for what, name, change, seen in (
            ("no ejection", ejected[0], lambda policy: policy.pop("outlierDetection"), still_asked),
            ("no limits", limited[0], lambda policy: policy.pop("connectionPool"), all_reach),
            ("no TLS", limited[0], lambda policy: policy["tls"].update(mode="DISABLE"), closed),
        ):
            path, before = f"{RULES}/{label(name)}", self.cluster(name)
            whole, changed = self.server.ask("GET", path), self.server.ask("GET", path)
            change(changed["spec"]["trafficPolicy"])
            self.server.ask("PUT", path, changed)
            self.tally.check(self.changed(name, before), f"{name}: a rule with {what} reaches the gateway")
            noticed += self.tally.check(seen(), f"{name}: {what}, and nobody notices")
            before, again = self.cluster(name), self.server.ask("GET", path)
            again["spec"] = whole["spec"]
            self.server.ask("PUT", path, again)
            self.tally.check(self.changed(name, before), f"{name}: the whole rule reaches the gateway")
        return noticed

    def changed(self, name: str, before: dict) -> bool:
        until = time.monotonic() + BOUND
        while time.monotonic() < until:
            if self.cluster(name) not in ({}, before):
                return True
            time.sleep(0.05)
        return False


def run(asker: Asker, answers: list[tuple[Ask, int]], source: Path, failing: dict[str, Failing], tally: Tally) -> tuple[int, str]:
    """`failing` are the servers that can fail: one that is left out then, and one of which too much is asked."""
    good: dict[str, Ask] = {}
    for ask, status in answers:
        if ask.wanted and ask.method == "POST" and status == 200:
            good.setdefault(ask.server, ask)
    traffic = Traffic(asker, good, tally)
    traffic.everyone()
    traffic.running(source)
    if not failing:
        return 0, ""
    ejected, limited = failing.items()
    note = traffic.faults(*ejected, Declared(source, ejected[0]))
    traffic.limit(*limited, Declared(source, limited[0]))
    noticed = traffic.spoiled(ejected, limited, source)
    for name, one in failing.items():
        tally.check(one.seen > 0 and not one.leaked, f"{name}: {one.leaked} of {one.seen} requests came with a token, or a forged header")
    return noticed, note
