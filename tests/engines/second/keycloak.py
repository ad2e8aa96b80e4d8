"""Real tokens: a running Keycloak as the book's page sets it up, in front of a running gateway of the page's workspace, of ToolHive's
proxies, and of Istio's mesh.

Each kind of token that the page names calls each tool. What the gateway answers is what the page's table says, and what follows from
the claims of the token by the access relation, which is computed without mcpctl's files. The page's own commands are run as well.
"""

import http.client
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from live.gateway import Envoy
from live.request import LEGACY, MODERN, call, headers, number
from live.tally import Tally
from live.tokens import claims

from . import keycloak_istio, keycloak_page, keycloak_spoiled, keycloak_toolhive
from .bundles import Programs, Workspace
from .evidence import Identity, Request
from .judge import Judge
from .keycloak_server import ADMIN, GATEWAY, KEYCLOAK, SERVERS, Keycloak, Ports, Servers, tokens_of

# What each sign-in, grant and exchange is for; no other token of the page is refused as such.
REFUSED = {"other-audience", "id-token", "other-realm", "broken-signature"}


@dataclass
class Answer:
    status: int
    ran: list[str]
    reason: str
    challenge: str


class Bench:
    """The page's fleet, its tokens, and what each call should be answered with."""

    def __init__(self, programs: Programs, tally: Tally):
        self.programs, self.tally, self.ports = programs, tally, Ports()
        self.folder = self.ports.copied(programs.work / "page")
        self.workspace = Workspace(programs, "keycloak", ["envoy"], self.folder / "fleet")
        self.bundle = self.workspace.folder / "envoy/central"
        self.identity = Identity(self.folder / "fleet", self.workspace.relation)
        self.judge = Judge(self.workspace, self.identity, "envoy", lambda piece: False)
        self.tools = {tool["name"]: tool["server"] for tool in self.workspace.relation.tools()}
        self.page = tokens_of(self.folder)
        self.tokens: dict[str, str] = {}
        self.servers: Servers | None = None

    def claims(self, kind: str) -> dict:
        return claims(self.tokens[kind])

    def accepted(self, kind: str) -> bool:
        """Whether it is a token of the issuer, for the gateway."""
        said = self.claims(kind)
        named = said["aud"] if isinstance(said["aud"], list) else [said["aud"]]
        issuers = {one["issuer"]: one["audiences"] for one in self.workspace.relation.issuers}
        return kind != "broken-signature" and bool(set(named) & set(issuers.get(said["iss"], [])))

    def wanted(self, kind: str, tool: str) -> int:
        """By the claims and the access relation."""
        if not self.accepted(kind):
            return 401
        server = self.tools[tool]
        unit = self.workspace.relation.servers[server]["unit"]
        return 200 if self.judge.allows(Request(server, "tool", tool, unit, self.claims(kind))) else 403

    def gateway(self, file: str = "envoy.static.yaml") -> Envoy:
        return Envoy(self.programs.engines["envoy"] / "envoy", self.bundle, self.ports[ADMIN], file).start()

    def ask(self, token: str | None, tool: str, modern: bool = False) -> Answer:
        before = len(self.servers.said())
        sent = headers(token, "keycloak", ("tools/call", tool) if modern else None)
        sent["mcp-protocol-version"] = MODERN if modern else LEGACY
        connection = http.client.HTTPConnection("127.0.0.1", self.ports[GATEWAY], timeout=20)
        try:
            connection.request("POST", f"/{self.tools[tool]}/mcp", call(tool, "{}", number(), modern), sent)
            answer = connection.getresponse()
            text = answer.read().decode("utf-8", "replace")
        finally:
            connection.close()
        found = re.search(r'"reason":\s*"([^"]*)"', text)
        return Answer(answer.status, self.servers.said()[before:], found[1] if found else text[:200], answer.headers.get("www-authenticate", ""))

    def all(self, table: dict[str, dict[str, int]]):
        for kind, row in table.items():
            for tool, status in row.items():
                yield kind, tool, status

    def differs(self, table: dict[str, dict[str, int]]) -> bool:
        """Whether any call is answered with another status than the page says."""
        return any(self.ask(self.tokens[kind], tool).status != status for kind, tool, status in self.all(table))

    def get_tokens(self) -> None:
        """One of each kind. For the second factor a person signs in with the scope that the gateway asks for, as a client of MCP does."""
        self.tokens = {kind: get() for kind, get in self.page.KINDS.items() if kind != "user-mfa"}
        refused = self.ask(self.tokens["user"], "update_customer")
        asked = re.search(r'scope="([^"]*)"', refused.challenge)
        self.tally.check("deny:missing_mfa" in refused.reason and bool(asked), f"no challenge: {refused}")
        self.tokens["user-mfa"] = self.page.signed_in("care-agent", scope=asked[1] if asked else "mcp.mfa")

    def attacks(self) -> None:
        """What the two attacks lack, and what they would have: each is denied for that reason alone."""
        for kind in ("act-without-user", "exchanged-service", "workload-as-user", "scope-only", "service"):
            answer = self.ask(self.tokens[kind], "get_customer")
            self.tally.check("deny:missing_user_delegation" in answer.reason, f"{kind}: {answer}")
        # It has a session (`sid`) without anybody in it, so that claim shows no person.
        one, two, three = (self.claims(kind) for kind in ("act-without-user", "workload-as-user", "scope-only"))
        self.tally.check(one["act"]["sub"] == "care-agent" != one["sub"] and "sid" in one and "signed_in_at" not in one, f"act-without-user: {one}")
        self.tally.check(two["sub"] == "storefront-agent" and two["act"]["sub"] == "care-agent" and "signed_in_at" in two, f"workload-as-user: {two}")
        self.tally.check("mcp.mfa" in three["scope"].split() and not three["amr"], f"scope-only: {three}")

    def matrix(self, table: dict[str, dict[str, int]]) -> None:
        for modern in (False, True):
            for kind, tool, status in self.all(table):
                answer, wanted = self.ask(self.tokens[kind], tool, modern), self.wanted(kind, tool)
                self.tally.count(answer.status == 200)
                what = f"{kind} calls {tool}: {answer.status} {answer.reason}, the page says {status}, the relation {wanted}"
                if not answer.status == status == wanted or answer.ran != ([f"ran {tool}"] if wanted == 200 else []):
                    self.tally.fault(what, bypass=wanted != 200 == answer.status)
        self.tally.check(self.ask(None, "search_products").status == 401, "a call without a token")


def run(programs: Programs) -> Tally:
    tally = Tally("keycloak")
    bench = Bench(programs, tally)
    table = keycloak_page.table()
    tally.check(set(table) == set(bench.page.KINDS), f"the page's table and its program differ: {set(table) ^ set(bench.page.KINDS)}")
    tally.check(all(set(row) == set(bench.tools) for row in table.values()), "the page's table and the registry name other tools")
    refused = {kind for kind, row in table.items() if 401 in row.values()}
    tally.check(refused == REFUSED, f"the page says 401 of {refused}")
    keycloak = Keycloak(programs.engines["keycloak"], programs.work, bench.ports[KEYCLOAK])
    cluster = keycloak_istio.Cluster(bench, tally)
    try:
        with ThreadPoolExecutor(1) as pool:
            # Both wait for much.
            started = pool.submit(cluster.start)
            took = keycloak.start()
            started.result()
        bench.servers = Servers(bench.folder, bench.ports[SERVERS])
        gateway = bench.gateway()
        try:
            bench.get_tokens()
            bench.matrix(table)
            bench.attacks()
        finally:
            gateway.stop()
        tally.check("a server was sent a token" not in bench.servers.said(), "a server was sent a token")
        noticed = keycloak_spoiled.run(bench, table, tally)
        cluster.join()
        tally.notes.append(cluster.run())
        tally.notes.append(keycloak_toolhive.run(bench, tally))
        bench.servers.stop()
        commands = keycloak_page.follow(bench, tally)
        memory = keycloak.resident()
    finally:
        cluster.stop()
        keycloak.stop()
        if bench.servers:
            bench.servers.stop()
    tally.notes.append(f"{len(table)} kinds of token, {noticed} spoiled bundles noticed, {commands} commands of the page")
    tally.notes.append(f"Keycloak ready after {took:.0f} s with {memory} MB")
    return tally.end()
