"""The same tokens in Istio's mesh, with the policies that are compiled for Istio: an API server, istiod, which gets the keys from
Keycloak by itself, and Envoy beside each of the page's servers.

Istio reads the caller from `act.sub` or `sub` alone. So the page's workspace is compiled without `caller`, and there are tokens of one
more realm, whose clients have mappers for these claims: texts and objects in `act`, chains of them, and workloads in `sub`.
"""

import dataclasses
import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from live.request import MODERN, call, message, number
from live.tokens import claims

from . import keycloak_realms, kubernetes
from .api_server import ApiServer
from .bundles import Workspace
from .evidence import Identity, Request
from .istio_ask import ANSWERED, Ask, Asker
from .istio_mesh import Mesh
from .istio_pods import Pods
from .istio_spoiled import TWICE, Spoiler, dropped
from .keycloak_server import KEYCLOAK, SERVERS, tokens_of
from .network_pods import Site

TARGETS = ["kubernetes", "istio"]
NEEDED = ["istio.yaml", "spire_clusterspiffeids.yaml"]
REALM = "http://127.0.0.1:{port}/realms/{name}"
# What is changed in the page's workspace: the callers, one issuer more, and servers of the cluster.
CHANGES = [
    ("identity.yaml", r"^  caller: .*\n", ""),
    ("identity.yaml", r"^  issuer: (.*)/mcp\n  audiences: (.*)\n  jwks: (.*)/mcp/(.*)\n", "".join([
        "  trust_domain: mesh.example\n  issuers:\n",
        *(rf"    - {{issuer: \1/{name}, audiences: \2, jwks: \3/{name}/\4, speaks_for: [agents]}}" + "\n" for name in ("mcp", keycloak_realms.NAME)),
    ])),
    ("registry.yaml", r"http://127\.0\.0\.1:\d+/search/mcp", "http://search.tools.svc.cluster.local:8443/mcp"),
    ("registry.yaml", r"http://127\.0\.0\.1:\d+/crm/mcp", "http://crm.tools.svc.cluster.local:8443/mcp"),
    ("mcpctl.yaml", r"(?s)^targets:.*", "targets: {istio: {verified_headers: true}, kubernetes: {}}\n"),
]  # fmt: skip
# What each of these may do, of much that follows from the claims and the access relation.
ALLOWED = {
    ("act", "get_customer"), ("act-mfa", "update_customer"), ("act-without-user", "search_products"), ("mesh-sub", "search_products"),
    ("mesh-notes", "add_note"), ("mesh-all", "add_note"), ("mesh-all", "update_customer"), ("mesh-nested", "get_customer"),
}  # fmt: skip
# Tokens that are refused as such.
REFUSED = {401: {"other-realm", "broken-signature", "mesh-broken"}, 403: {"other-audience", "id-token", "mesh-for-others"}}
# The two attacks, and what of a rule holds each of them off.
ATTACKS = {
    "act-without-user": "request.auth.claims[signed_in_at] values", "mesh-service": "request.auth.claims[signed_in_at] values",
    "workload-as-user": "request.auth.claims[sub] notValues", "mesh-workload": "request.auth.claims[sub] notValues",
}  # fmt: skip
# A token of another issuer is refused before its claims are asked for.
ISSUER = "request.auth.claims[iss] values"
LIST = "tools/list"


def changed(fleet: Path, folder: Path) -> Path:
    shutil.copytree(fleet, folder)
    for name, pattern, by in CHANGES:
        text, count = re.subn(pattern, by, (folder / name).read_text(), flags=re.M)
        if count != 1:
            raise SystemExit(f"{name}: {count} places are {pattern}")
        (folder / name).write_text(text)
    return folder


def kinds(folder: Path) -> dict[str, Callable[[], str]]:
    """The tokens of the realm for the mesh, which the page's program gets when it takes that realm for its own."""
    page = tokens_of(folder)
    realm = page.realm
    page.realm = lambda _="": realm(keycloak_realms.NAME)
    return {
        "mesh-sub": lambda: page.token("by-sub", "client_credentials"),
        "mesh-sub-user": lambda: page.signed_in("by-sub"),
        "mesh-notes": lambda: page.signed_in("by-act", scope="notes.write"),
        "mesh-all": lambda: page.signed_in("by-act", scope="mcp.mfa notes.write"),
        "mesh-service": lambda: page.token("by-act", "client_credentials", scope="mcp.mfa notes.write"),
        "mesh-nested": lambda: page.signed_in("nested"),
        "mesh-inner": lambda: page.signed_in("inner"),
        "mesh-act-text": lambda: page.signed_in("act-is-text"),
        "mesh-act-of-nobody": lambda: page.signed_in("act-of-nobody"),
        "mesh-workload": lambda: page.signed_in("workload"),
        "mesh-for-others": lambda: page.signed_in("for-others"),
        "mesh-broken": lambda: page.broken(page.signed_in("by-act")),
    }


class Cluster:
    """A mesh with the bundle, and what is asked in it. It is started while Keycloak starts; `join` is for when that runs."""

    def __init__(self, bench, tally):
        self.bench, self.tally, self.programs = bench, tally, bench.programs
        self.work = self.programs.work / "mesh"
        self.source = changed(bench.folder / "fleet", bench.folder / "fleet-istio")
        self.workspace = Workspace(self.programs, "keycloak", TARGETS, self.source)
        self.relation = self.workspace.relation
        self.server = self.mesh = self.pods = None
        self.tokens: dict[str, str] = {}

    def start(self) -> None:
        self.work.mkdir()
        self.server = ApiServer(self.programs.engines["kubernetes"], self.work / "server")
        files = kubernetes.definitions()
        kubernetes.define(self.server, {name: files[name] for name in NEEDED}, self.tally)

    def join(self) -> None:
        """istiod asks for keys as soon as there is a bundle, so Keycloak has to run."""
        self.mesh = Mesh(self.server, self.programs.engines["kubernetes"], self.work / "control", self.relation.trust_domain, {})
        for cluster in kubernetes.clusters(self.workspace.folder):
            done = self.server.kubectl(*kubernetes.APPLY, "-k", cluster)
            self.tally.check(done.returncode == 0 and "arning" not in done.stderr, f"{cluster.name}: {done.stderr[-2000:]}")
        site = Site(self.source, self.relation)
        backends = dict.fromkeys(site.servers, self.bench.ports[SERVERS])
        self.pods = Pods(self.server, self.mesh, self.programs.engines["envoy"] / "envoy", self.work / "pods", site, backends)
        certificates = self.mesh.issue(self.pods.accounts())
        self.pods.start()
        self.asker = Asker(self.workspace, Identity(self.source, self.relation), self.pods, certificates, {})
        self.tokens = self.bench.tokens | {kind: get() for kind, get in kinds(self.bench.folder).items()}

    # What is asked.

    def refused(self, kind: str) -> int | None:
        """The status of a token that is none of the issuers', or for somebody else; the latter is 403 in Envoy's own answer."""
        said = claims(self.tokens[kind])
        named = said.get("aud") if isinstance(said.get("aud"), list) else [said.get("aud")]
        issuers = {one["issuer"]: one["audiences"] for one in self.relation.issuers}
        if "broken" in kind or said["iss"] not in issuers:
            return 401
        return None if set(named) & set(issuers[said["iss"]]) else 403

    def wanted(self, kind: str, server: str, tool: str) -> int:
        """By the claims and the access relation."""
        refused = self.refused(kind)
        if refused:
            return refused
        said = claims(self.tokens[kind])
        request = Request(server, "protocol" if tool == LIST else "tool", tool, self.relation.servers[server]["unit"], said)
        self.tally.check(not self.asker.judge.vague(request), f"Istio takes one element for the whole: {kind} {said}")
        return 200 if self.asker.judge.allows(request) else 403

    def ask(self, kind: str, server: str, tool: str, wanted: int, **more) -> Ask:
        sent = {"authorization": f"Bearer {self.tokens[kind]}", "content-type": "application/json", "mcp-protocol-version": MODERN}
        sent |= {"mcp-method": LIST} if tool == LIST else {"mcp-method": "tools/call", "mcp-name": tool}
        body = message(LIST, None, number(), True) if tool == LIST else call(tool, "{}", number(), True)
        shown = f"odd token at an edge: {kind}, {tool} at {server}"
        return Ask(shown, server, **({"identity": self.asker.gateway(server), "headers": sent, "body": body} | more), wanted=wanted == 200)

    def asks(self) -> Iterator[tuple[str, str, Ask, int]]:
        for server in self.pods.servers:
            for tool in [one["name"] for one in self.relation.on(server, "tool")] + [LIST]:
                for kind in self.tokens:
                    status = self.wanted(kind, server, tool)
                    yield kind, tool, self.ask(kind, server, tool, status), status

    def odd(self, ask: Ask) -> Iterator[Ask]:
        """Other forms of what is allowed, none of which is."""
        others = self.asker.others(ask.server)
        changes = [("another's certificate", {"identity": other}) for other in others]
        changes += [("by PUT", {"method": "PUT"}), ("at /mcp/x", {"path": "/mcp/x"})]
        changes.append(("no token", {"headers": {name: text for name, text in ask.headers.items() if name != "authorization"}}))
        # Clients of earlier revisions repeat nothing in headers, so Istio cannot tell what they ask for.
        changes.append(("a client of an earlier revision", {"headers": {name: text for name, text in ask.headers.items() if not name.startswith("mcp-")}}))
        changes.append(("of what nobody declared", {"headers": ask.headers | {"mcp-method": "tools/call", "mcp-name": "x_of_nobody"}}))
        for what, change in changes:
            yield dataclasses.replace(ask, what=f"{what}: {ask.what}", wanted=False, **change)

    def sent(self, asks: list[tuple[str, str, Ask, int]]) -> Iterator[tuple[str, str, Ask, int, int, list[str]]]:
        """Each with its status, and what ran."""
        connections: dict = {}
        said = self.bench.servers.said
        try:
            for kind, tool, ask, status in asks:
                before = len(said())
                answered = self.asker.send(connections, ask)
                yield kind, tool, ask, status, answered, said()[before:]
        finally:
            for connection in connections.values():
                connection.close()

    def differs(self, asks: list[tuple[str, str, Ask, int]]) -> Iterator[tuple[str, bool]]:
        """What is answered differently, and whether more is allowed."""
        for _, tool, ask, status, answered, ran in self.sent(asks):
            wanted = [f"ran {tool}"] if status == 200 and tool != LIST else []
            if answered != status or ran != wanted:
                yield f"{answered} {ran}, it should be {status}: {ask.what}", answered in ANSWERED or bool(ran)

    # What is shown by that.

    def matrix(self) -> list[tuple[str, str, Ask, int]]:
        asks = list(self.asks())
        for fault, bypass in self.differs(asks):
            self.tally.fault(f"Istio: {fault}", bypass)
        allowed = {(kind, tool) for kind, tool, _, status in asks if status == 200}
        self.tally.check(ALLOWED <= allowed, f"Istio should allow {ALLOWED - allowed}")
        refused = {kind: self.refused(kind) for kind in self.tokens}
        for status, wanted in REFUSED.items():
            found = {kind for kind, one in refused.items() if one == status}
            self.tally.check(found == wanted, f"Istio answers {status} to the tokens {found}")
        for _, _, _, status in asks:
            self.tally.count(status == 200)
        return asks

    def forms(self, asks: list[tuple[str, str, Ask, int]]) -> list[Ask]:
        """Of each tool the first that is allowed, in other forms; all of them are denied."""
        first = {}
        for _, tool, ask, status in asks:
            if status == 200:
                first.setdefault((ask.server, tool), ask)
        odd = [form for ask in first.values() for form in self.odd(ask)]
        for _, _, ask, _, answered, ran in self.sent([("", "", form, 0) for form in odd]):
            self.tally.count(False)
            if answered not in (401, 403) or ran:
                self.tally.fault(f"Istio: {answered} {ran}: {ask.what}", answered in ANSWERED)
        return odd

    def attacks(self, spoiler: Spoiler, asks: list[tuple[str, str, Ask, int]]) -> int:
        """Each is refused for one condition alone: without it the same token is let through."""
        server = next(ask.server for _, tool, ask, _ in asks if tool == "get_customer")
        path, policy = self.policy(server)
        for kind, condition in ATTACKS.items():
            attack, status = next((ask, status) for other, tool, ask, status in asks if (other, tool) == (kind, "get_customer"))
            self.tally.check(status == 403, f"{kind} is {status} by the relation")

            def through(_: str, attack=attack) -> bool:
                connections: dict = {}
                found = self.asker.send(connections, attack)
                connections.popitem()[1].close()
                return found == 200

            self.tally.check(not through(server), f"{kind} is let through")
            weaker = dropped(policy, condition)["spec"]
            spoiler.object(f"{kind} without {condition}", path, [server], lambda one, weaker=weaker: one.update(spec=weaker), through)
        return len(ATTACKS)

    def policy(self, server: str) -> tuple[str, dict]:
        path = f"/apis/security.istio.io/v1/namespaces/{self.pods.servers[server].namespace}/authorizationpolicies"
        labels = self.pods.servers[server].labels
        found = next(one for one in self.server.ask("GET", path)["items"] if one["spec"].get("selector", {}).get("matchLabels") == labels)
        return f"{path}/{found['metadata']['name']}", found

    def of_tokens(self, spoiler: Spoiler, asks: list[tuple[str, str, Ask, int]]) -> None:
        """What is asked of every token: an issuer of another name, and keys of the other realm."""
        names = list(self.pods.servers)
        path = f"/apis/security.istio.io/v1/namespaces/{self.pods.servers[names[0]].namespace}/requestauthentications/tokens"

        def another(one: dict) -> None:
            for rule in one["spec"]["jwtRules"]:
                rule["issuer"] += "/"

        def other_keys(one: dict) -> None:
            for rule in one["spec"]["jwtRules"]:
                rule["jwksUri"] = re.sub("/realms/[^/]*/", "/realms/other/", rule["jwksUri"])

        def closed(name: str) -> bool:
            return any(answered == 401 for *_, answered, _ in self.sent([one for one in asks if one[2].server == name and one[3] == 200][:1]))

        for what, change in (("an issuer of another name", another), ("keys of the other realm", other_keys)):
            spoiler.object(what, path, names, change, closed)

    def run(self) -> str:
        before = len(self.bench.servers.said())
        asks = self.matrix()
        odd = self.forms(asks)
        denied: dict[str, list[Ask]] = {name: [] for name in self.pods.servers}
        for ask in [ask for _, _, ask, status in asks if status != 200] + odd:
            denied[ask.server].append(ask)
        spoiler = Spoiler(self.asker, denied, self.tally, frozenset({TWICE, ISSUER}))
        spoiler.policies()
        spoiler.others()
        self.of_tokens(spoiler, asks)
        attacks = self.attacks(spoiler, asks)
        # Tokens end; nothing above was noticed for that reason.
        left = list(self.differs(asks))
        self.tally.check(not left, f"after the spoiled policies the whole ones answer differently: {left[:3]}")
        said = self.bench.servers.said()[before:]
        self.tally.check("a server was sent a token" not in said, "a server of the mesh was sent a token")
        rejected = self.pods.rejected()
        self.tally.check(not rejected, f"refused by the sidecars: {rejected}")
        return f"{len(asks) + len(odd)} requests in Istio's mesh with {len(self.tokens)} kinds of token, {spoiler.noticed} spoiled policies noticed, {attacks} attacks refused for one condition each"

    def stop(self) -> None:
        for one in (self.pods, self.mesh, self.server):
            if one:
                one.stop()
