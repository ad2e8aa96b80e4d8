"""Bundles on Istio itself: an API server, istiod with its webhook and its authority, and Envoy beside every server and gateway.

Each bundle is applied as the book says. Then the sidecars are asked: about every cell of the access relation, through the gateway in
front and through others; with each condition dropped; through the gateways' own sidecars, with servers that fail; and after a grant
was revoked.
"""

import shutil
import sys
import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from ports import free_ports

from live.tally import Tally
from live.tokens import Issuer

from . import istio_revoked, istio_spoiled, istio_taken, istio_traffic, kubernetes
from .api_server import ApiServer
from .backend import Backend
from .bundles import ROOT, Programs, Workspace
from .evidence import Identity
from .istio_ask import Asker
from .istio_mesh import Mesh
from .istio_pods import Pods
from .istio_traffic import Failing
from .network_pods import Site, documents

TARGETS = ["kubernetes", "istio"]
# One with rules by header, tokens for one server each, and keys in the bundle; one with rules for whole servers, shared tokens, and keys
# at URLs.
COMPILED = ["projects/bank", "projects/enterprise"]
# Numbers that a test can wait for.
CHANGES = {"projects/bank": [("half_open_timeout: 60s", "half_open_timeout: 2s"), ("memory: 2Gi, connections: 40}", "memory: 2Gi, connections: 2}")]}
# Where all servers listen, for their callers.
PORT = free_ports(1)[0]
# Servers that can fail: one is left out then, of the other too much is asked.
FAILING = {"projects/bank": ["cards_server", "directory_server"]}
NEEDED = ["istio.yaml", "spire_clusterspiffeids.yaml"]


def prepared(programs: Programs, name: str, copy: str) -> tuple[Path, dict[str, Issuer], dict[str, str]]:
    """A copy of a workspace with keys of this run and numbers that a test can wait for: its folder, its issuers, and what is published
    at which URL."""
    source = programs.work / copy / name.replace("/", "-")
    shutil.copytree(ROOT / "fixtures" / name, source)
    for old, new in [(":8443/mcp", f":{PORT}/mcp"), *CHANGES.get(name, [])]:
        files = [file for file in source.rglob("*.yaml") if old in file.read_text()]
        if not files:
            raise SystemExit(f"{name}: nothing to replace: {old}")
        for file in files:
            file.write_text(file.read_text().replace(old, new))
    identity = next(one["identity"] for one in documents(source) if "identity" in one)
    issuers, published = {}, {}
    for number, one in enumerate(identity.get("issuers", [identity])):
        issuer = Issuer(one["issuer"], (one.get("audiences") or [None])[0], f"key-{number}")
        issuers[one["issuer"]] = issuer
        if "jwks_file" in one:
            (source / one["jwks_file"]).write_text(issuer.jwks())
        else:
            published[one["jwks"]] = issuer.jwks()
    return source, issuers, published


class Bench:
    """One bundle in a running mesh. `random` are the random workspaces once they are compiled."""

    def __init__(self, programs: Programs, server: ApiServer, name: str, random: Future, tally: Tally):
        self.programs, self.server, self.name, self.random, self.tally = programs, server, name, random, tally
        self.source, self.issuers, self.published = prepared(programs, name, "workspaces")
        self.workspace = Workspace(programs, f"mesh/{name}", TARGETS, self.source)
        self.work = programs.work / ("mesh-" + name.replace("/", "-"))
        self.work.mkdir()
        self.pods: Pods | None = None
        self.backend = Backend("{}")
        self.failing = {server: Failing() for server in FAILING.get(name, [])}
        self.mesh = Mesh(server, programs.engines["kubernetes"], self.work / "control", self.workspace.relation.trust_domain, self.published)

    def apply(self, bundle: Path, *more: str) -> float:
        """As the book says, cluster by cluster; here all are one. When it was done."""
        for cluster in kubernetes.clusters(bundle):
            done = self.server.kubectl(*kubernetes.APPLY, *more, "-k", cluster)
            self.tally.check(done.returncode == 0 and "arning" not in done.stderr, f"{bundle.name} {cluster.name}: {done.stderr[-2000:]}")
        return time.monotonic()

    def start(self) -> Asker:
        self.apply(self.workspace.folder)
        site = Site(self.source, self.workspace.relation)
        backends = {name: self.backend.server.server_address[1] for name in site.servers}
        backends |= {name: one.port for name, one in self.failing.items()}
        self.pods = Pods(self.server, self.mesh, self.programs.engines["envoy"] / "envoy", self.work / "pods", site, backends)
        certificates = self.mesh.issue(self.pods.accounts())
        self.pods.start()
        return Asker(self.workspace, Identity(self.source, self.workspace.relation), self.pods, certificates, self.issuers)

    def run(self) -> None:
        asker = self.start()
        answers = asker.judge_all(list(asker.all()), self.tally)
        asked = self.mesh.keys.asked
        self.tally.check(set(self.published) <= set(asked), f"istiod asks for the keys of issuers: {asked}")
        spoiler = istio_spoiled.run(asker, answers, self.tally)
        dropped, note = istio_traffic.run(asker, answers, self.source, self.failing, self.tally)
        self.note(f"{len(answers)} requests", f"{spoiler.noticed + dropped} spoiled bundles noticed", note)
        if self.failing:
            self.note(self.revoked(asker, answers), istio_taken.run(self.programs, self.random.result(), self.server, self.workspace.folder, self.tally))
        rejected = self.pods.rejected()
        self.tally.check(not rejected, f"{self.name}: {rejected}")
        memory = self.pods.resident(), self.mesh.resident(), self.server.resident()
        self.note("{} sidecars with {} MB, istiod with {} MB, the API server with {} MB".format(len(self.pods.running), *memory))

    def note(self, *notes: str) -> None:
        self.tally.notes += [f"{self.name}: {note}" for note in notes if note]

    def revoked(self, asker: Asker, answers: list) -> str:
        """The same workspace with the same keys, and fewer grants."""
        copy, _, _ = prepared(self.programs, self.name, "revoked")
        for file in self.source.rglob("*.json"):
            shutil.copy(file, copy / file.relative_to(self.source))
        return istio_revoked.run(self.programs, asker, self.workspace.folder, copy, self.apply, answers, self.tally)

    def stop(self) -> None:
        if self.pods:
            self.pods.stop()
        self.mesh.stop()
        self.backend.stop()
        for one in self.failing.values():
            one.stop()


def run(programs: Programs) -> Tally:
    tally = Tally("Istio")
    files = kubernetes.definitions()
    # Much waits for a thread that answers or asks; by itself Python changes between them too seldom for that.
    sys.setswitchinterval(0.0005)
    pool = ThreadPoolExecutor(1)
    random = pool.submit(istio_taken.compiled, programs)
    server = ApiServer(programs.engines["kubernetes"], programs.work / "server")
    try:
        kubernetes.define(server, {name: files[name] for name in NEEDED}, tally)
        for name in COMPILED:
            bench = Bench(programs, server, name, random, tally)
            try:
                bench.run()
            finally:
                bench.stop()
            server.clear()
    finally:
        pool.shutdown()
        server.stop()
    return tally.end()
