"""Everything that runs: the reference servers, the recording servers, two gateways, and the proxies before them."""

import contextlib
import http.client
import subprocess
import time
from pathlib import Path

from ports import free_ports

from live import gateway
from live.pki import Pki
from live.tokens import Issuer
from live.wire import Connection

from . import workspace
from .proxy import Proxies
from .recorder import Recorder

GATEWAYS = ("central", "unit")
AGENTS = ("suite", "narrow")
STRAIGHT = "straight"
KINDS = ("stateful", "stateless")
READY_SECONDS = 20
# Whatever becomes of the tests, servers end after this.
LONGEST = "900"
# What a fault begins with that is none of a part.
STACK = "stack"


class Stack:
    """A context manager: all of it runs inside of it. `tools` is the folder that install_conformance prints."""

    def __init__(self, work: Path, mcpctl: Path, engines: Path, tools: Path, tampering: list[tuple[str, str]] = ()):
        self.work, self.mcpctl, self.engines, self.tools = work, mcpctl, engines, tools
        # How often each was done, in the files of all parts.
        self.tampering = dict.fromkeys(tampering, 0)
        self.node = tools / "node/bin/node"
        self.pki = Pki(work / "tls", workspace.TRUST_DOMAIN)
        for name in GATEWAYS:
            self.pki.gateway(name)
        # Now, because later several threads ask for them.
        for name in AGENTS:
            self.pki.caller(workspace.subject(name))
        self.issuer = Issuer(workspace.ISSUER, workspace.AUDIENCE, "key-1")
        self.ending = contextlib.ExitStack()
        self.ports: dict[str, int] = {}
        self.recorders: dict[int, Recorder] = {}
        self.listen: dict[str, int] = {}
        self.processes: dict[str, subprocess.Popen] = {}

    def __enter__(self) -> "Stack":
        try:
            self.start()
        except BaseException:
            self.ending.close()
            raise
        return self

    def __exit__(self, *_) -> None:
        self.ending.close()

    def start(self) -> None:
        names = [f"{prefix}_{kind}" for prefix in (STRAIGHT, *workspace.HOPS.values()) for kind in KINDS]
        *ports, central, unit, admin_central, admin_unit = free_ports(len(names) + 4)
        self.ports = dict(zip(names, ports))
        self.listen, admin = {"central": central, "unit": unit}, {"central": admin_central, "unit": admin_unit}
        for hops, prefix in workspace.HOPS.items():
            self.recorders[hops] = Recorder()
            self.ending.callback(self.recorders[hops].stop)
            self.ports[f"{prefix}_recorder"] = self.recorders[hops].port
        self.ports[f"{STRAIGHT}_recorder"] = self.recorders[1].port
        for name in names:
            self.reference(name)
        folder = self.work / "workspace"
        workspace.write(folder, self.issuer.jwks(), self.ports, self.listen, admin, self.pki.folder)
        bundle = workspace.compiled(self.mcpctl, folder)
        self.spoil(bundle)
        envoy = next((self.engines / "sdk2/lib").glob("python3*/site-packages/envoy/_bin/envoy"))
        for name in GATEWAYS:
            running = gateway.Envoy(envoy, bundle / name, admin[name]).start()
            self.ending.callback(running.stop)
            self.processes[name] = running.process
        self.proxies = Proxies()
        self.ending.callback(self.proxies.stop)

    def reference(self, name: str) -> None:
        """One reference server. Each has a process of its own, because some tests change what it has."""
        sessions = "true" if name.endswith("_stateless") else "false"
        command = [
            "timeout",
            LONGEST,
            self.tools / "bin/everything-server",
            f"-stateless={sessions}",
            "-http",
            f"127.0.0.1:{self.ports[name]}",
        ]
        log = self.ending.enter_context(open(self.work / f"{name}.log", "ab"))
        process = subprocess.Popen(command, stdout=log, stderr=log)
        self.ending.callback(end, process)
        self.processes[name] = process
        until = time.monotonic() + READY_SECONDS
        while time.monotonic() < until and process.poll() is None:
            connection = http.client.HTTPConnection("127.0.0.1", self.ports[name], timeout=5)
            try:
                connection.request("GET", "/mcp")
                connection.getresponse().read()
                return
            except OSError:
                time.sleep(0.05)
            finally:
                connection.close()
        raise SystemExit(f"{name} did not start:\n{(self.work / f'{name}.log').read_text()[-2000:]}")

    def spoil(self, bundle: Path) -> None:
        for old, new in self.tampering:
            self.tampering[old, new] += workspace.spoil(bundle, old, new)

    def ended(self) -> list[str]:
        """What runs no longer, though it should."""
        codes = {name: process.poll() for name, process in self.processes.items()}
        return [f"{STACK}: {name} ended by itself: {code}" for name, code in codes.items() if code is not None]

    def token(self, agent: str, **claims) -> str:
        return self.issuer.token({"sub": workspace.subject(agent)} | claims)

    def url(self, kind: str, hops: int, agent: str | None = "suite", **claims) -> str:
        """Where a client finds a server: itself without hops, else a proxy that adds certificate and token of an agent,
        or neither."""
        if hops == 0:
            return f"http://127.0.0.1:{self.ports[f'{STRAIGHT}_{kind}']}/mcp"
        pair = self.pki.caller(workspace.subject(agent)) if agent else None
        token = self.token(agent, **claims) if agent else None
        return self.proxies.add(
            self.listen["central"], self.pki.context(pair), f"/{workspace.HOPS[hops]}_{kind}/mcp", token
        )

    def connection(self, agent: str, gateway_: str = "central") -> Connection:
        return Connection(self.listen[gateway_], self.pki.context(self.pki.caller(workspace.subject(agent))))


def end(process: subprocess.Popen) -> None:
    process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(5)
