"""A workspace made to run on this machine: compiled, its servers and gateways started, and all of it ended again."""

import http.client
import json
import re
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

from ports import free_ports

from . import gateway
from .pki import Pki
from .relation import Relation
from .tokens import Issuer, Presenter
from .wire import Connection

ROOT = Path(__file__).resolve().parents[3]
FIXTURE = ROOT / "fixtures/projects/federation"
GATEWAYS = ("central", "retail", "finance")


class Fleet:
    """`changes` are further literal replacements in the files of the workspace, for variants of it."""

    def __init__(self, work: Path, mcpctl: Path, relation: Path, envoy: Path, engines: Path, fixture: Path = FIXTURE):
        self.work, self.mcpctl, self.relation_program, self.envoy = work, mcpctl, relation, envoy
        self.engines, self.fixture = engines, fixture
        first = Relation(str(relation), str(fixture))
        ports = free_ports(2 * len(GATEWAYS) + 2)
        self.listen = dict(zip(GATEWAYS, ports))
        self.admin = dict(zip(GATEWAYS, ports[len(GATEWAYS):]))
        self.server_port, self.control_port = ports[-2:]
        self.pki = Pki(work / "tls", first.trust_domain)
        for name in GATEWAYS:
            self.pki.gateway(name)
        self.pki.server()
        self.issuers = {}
        for index, one in enumerate(first.issuers):
            self.issuers[one["issuer"]] = Issuer(one["issuer"], (one["audiences"] or [None])[0], f"key-{index}")
        self.process, self.running = None, {}
        self.tampering: list[tuple[str, str]] = []
        self.bundles: list[Path] = []
        self.base = self.workspace("workspace")
        self.relation = Relation(str(relation), str(self.base))
        self.presenter = Presenter(self.relation, self.issuers)

    def replacements(self) -> list[tuple[str, str]]:
        pairs = [("/etc/mcpctl/tls", str(self.pki.folder))]
        for index, (name, port) in enumerate(self.listen.items()):
            pairs.append((f"0.0.0.0:{8443 + index}", f"127.0.0.1:{port}"))
            pairs.append((f"127.0.0.1:{9901 + index}", f"127.0.0.1:{self.admin[name]}"))
            host = "mcp.meridian.example" if name == "central" else f"gateway.{name}.meridian.example"
            pairs.append((f"https://{host}:{8443 + index}", f"https://127.0.0.1:{port}"))
        first = Relation(str(self.relation_program), str(self.fixture))
        for name, server in first.servers.items():
            pairs.append((server["url"], f"https://127.0.0.1:{self.server_port}/{name}/mcp"))
        pairs.append(("https://zipkin.observability.meridian.example:9411", f"http://127.0.0.1:{self.control_port}"))
        return pairs

    @property
    def origin(self) -> str:
        """The origin of pages that the central gateway itself could serve."""
        return f"https://127.0.0.1:{self.listen['central']}"

    def workspace(self, name: str, changes=()) -> Path:
        """A new copy of the fixture for this machine, with further replacements; each of them has to change something."""
        folder = self.work / name
        if folder.exists():
            shutil.rmtree(folder)
        shutil.copytree(self.fixture, folder)
        open_ = {pair for pair in changes}
        for path in sorted(folder.rglob("*.yaml")):
            text = path.read_text()
            for old, new in changes:
                if old in text:
                    open_.discard((old, new))
                    text = text.replace(old, new)
            for old, new in self.replacements():
                text = text.replace(old, new)
            path.write_text(text)
        if open_:
            raise SystemExit(f"{name}: nothing to replace: {sorted(open_)}")
        for issuer, file in zip(self.issuers.values(), ("agents", "flows")):
            (folder / f"central/keys/{file}.json").write_text(issuer.jwks())
        return folder

    def compile(self, folder: Path, *more) -> Path:
        command = [self.mcpctl, "compile", folder, "--target", "envoy", "--out", folder.with_name(folder.name + "-bundle"), *more]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        if done.returncode != 0:
            raise SystemExit(f"compile of {folder.name}: {done.returncode}\n{done.stdout}{done.stderr}")
        bundle = folder.with_name(folder.name + "-bundle") / "envoy"
        self.bundles.append(bundle)
        self.tamper(bundle)
        return bundle

    def tamper(self, bundle: Path) -> int:
        """Spoils what was emitted, so that the suite can show that it sees it."""
        changed = 0
        for old, new in self.tampering:
            for path in sorted(bundle.rglob("*.yaml")):
                text, count = re.subn(old, new, path.read_text())
                changed += count
                path.write_text(text)
        return changed

    def start_servers(self) -> None:
        keys = {"agents": "agents", "flows": "flows"}
        server = self.pki.server()
        config = {
            "port": self.server_port, "control": self.control_port, "cert": str(server.cert), "key": str(server.key),
            "ca": str(self.pki.gateways.file), "objects": self.relation.objects,
            "jwks": {name: str(self.base / f"central/keys/{name}.json") for name in keys},
        }
        (self.work / "servers.json").write_text(json.dumps(config))
        log = open(self.work / "servers.log", "ab")
        script = Path(__file__).with_name("servers.py")
        self.process = subprocess.Popen([sys.executable, script, self.work / "servers.json"], stdout=log, stderr=log)
        until = time.monotonic() + 20
        while time.monotonic() < until:
            if self.process.poll() is not None:
                break
            try:
                socket.create_connection(("127.0.0.1", self.server_port), 1).close()
                self.control("/seen")
                return
            except OSError:
                time.sleep(0.05)
        raise SystemExit("the servers did not start:\n" + (self.work / "servers.log").read_text()[-3000:])

    def start_gateways(self, bundle: Path, names=GATEWAYS, file: str = "bootstrap.yaml") -> None:
        for name in names:
            self.running[name] = gateway.Envoy(self.envoy, bundle / name, self.admin[name], file)
            self.running[name].start()

    def stop_gateways(self) -> None:
        for one in self.running.values():
            one.stop()
        self.running = {}

    def stop(self) -> None:
        self.stop_gateways()
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()

    def control(self, path: str, body: dict | None = None) -> dict:
        connection = http.client.HTTPConnection("127.0.0.1", self.control_port, timeout=20)
        try:
            text = None if body is None else json.dumps(body)
            connection.request("POST" if text else "GET", path, text, {"content-type": "application/json"})
            return json.loads(connection.getresponse().read())
        finally:
            connection.close()

    def seen(self) -> dict:
        """What arrived at the servers since the last time."""
        return self.control("/seen?clear=1")

    def set(self, **what) -> None:
        self.control("/set", what)

    def connect(self, name: str, pair, alpn=("http/1.1",)) -> Connection:
        """A connection to a gateway with a certificate, or with none."""
        return Connection(self.listen[name], self.pki.context(pair, alpn))

    def caller(self, principal: dict):
        return self.pki.caller(self.relation.subject_of(principal))
