"""Requests to the sidecars of servers: for each cell of the access relation at its edges, through the certificate of the gateway in
front and through another's; with odd tokens; and in other forms than the rules speak of.
"""

import dataclasses
import time
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from live.tally import Tally
from live.tokens import Issuer, audience
from live.wire import Connection, Refused

from .evidence import Identity, Request
from .facts import Masks
from .istio_judge import IstioJudge
from .istio_mesh import client_context
from .istio_pods import Pods
from .network_pods import GATEWAYS
from .requests import Drawing

BODY = b'{"jsonrpc":"2.0","id":1,"method":"ping"}'
# What a server answers; there is nothing to get from it, but it was asked.
ANSWERED = (200, 405, 501)
ASKED = {"tool": "tools/call", "prompt": "prompts/get", "resource": "resources/read"}


@dataclass
class Ask:
    """`caller` is whom the token names as the one who acts."""

    what: str
    server: str
    identity: str | None
    wanted: bool
    caller: str | None = None
    method: str = "POST"
    path: str | None = None
    headers: dict = field(default_factory=dict)
    body: bytes = BODY


class Showing(Drawing):
    """Its odd requests show one sufficient set of facts, so that no other one hides what is wrong with them. Istio sees texts alone:
    what only has to be there is one, but for odd values."""

    present = ("something", ["a"])
    sufficient: frozenset[str] | None = None

    def everything(self, principal: dict | None, object_: dict) -> Request:
        return super().everything(principal, object_) if self.sufficient is None else self.request(principal, object_, set(self.sufficient))


class Asker:
    def __init__(self, workspace, identity: Identity, pods: Pods, certificates: Path, issuers: dict[str, Issuer]):
        self.workspace, self.identity, self.pods, self.certificates, self.issuers = workspace, identity, pods, certificates, issuers
        self.relation = workspace.relation
        self.judge = IstioJudge(workspace, identity)
        self.drawing = Showing(identity, self.relation, f"istio {workspace.name}")
        self.masks: Masks = self.drawing.cells.masks
        self.turn, self.kinds = 0, set()

    # What is sent.

    def gateway(self, server: str) -> str:
        return f"{GATEWAYS}.{self.pods.gateways[self.pods.site.behind[server]].name.removeprefix('gateway-')}"

    def others(self, server: str) -> list[str]:
        """Certificates of the mesh that are not those of the gateway in front."""
        return sorted(file.stem for file in self.certificates.glob("*.*.pem") if file.stem != self.gateway(server))

    def token(self, request: Request, **more) -> str:
        claims, self.turn = dict(request.claims), self.turn + 1
        issuer = self.issuers.get(claims["iss"]) or next(iter(self.issuers.values()))
        claims["exp"] = int(time.time()) + 3600
        if issuer.audience is None:
            claims["aud"] = audience(self.relation.servers[request.server]["audiences"], self.turn)
        nulls = [name for name, value in claims.items() if value is None]
        return issuer.token(claims | more, nulls=[name for name in nulls if name not in more])

    def headers(self, request: Request, **more) -> dict:
        found = {"authorization": f"Bearer {self.token(request, **more)}", "content-type": "application/json"}
        if request.kind in ASKED:
            found |= {"mcp-method": ASKED[request.kind], "mcp-name": request.name}
        elif request.kind == "protocol":
            found |= {"mcp-method": "tools/list"}
        return found

    def of(self, what: str, request: Request, identity: str | None = None) -> Ask:
        wanted = identity is None and self.judge.allows(request)
        shown = f"{what}: {request.server} {request.kind} {request.name} {request.claims}"
        caller = self.identity.caller(request.claims)
        return Ask(shown, request.server, identity or self.gateway(request.server), wanted, caller, headers=self.headers(request))

    # What is asked.

    def objects(self) -> list[dict]:
        """Each object where Istio can tell them apart, else one of each server."""
        if self.judge.verified:
            return self.relation.objects
        first = {}
        for one in self.relation.tools():
            first.setdefault(one["server"], one)
        return list(first.values())

    def cells(self, object_: dict) -> list[dict]:
        """What has to be allowed for the object to be: everything on the server, where Istio cannot tell it apart."""
        return [object_] if self.judge.verified else [one for one in self.relation.objects if one["server"] == object_["server"]]

    def minimal(self, principal: dict, object_: dict) -> list[int]:
        return sorted({self.masks.mask(facts) for one in self.cells(object_) for facts in self.relation.sets(principal, one)})

    def all(self) -> Iterator[Ask]:
        for object_ in self.objects():
            for principal in [*self.relation.principals, None]:
                minimal = self.minimal(principal, object_) if principal else []
                asked = [self.drawing.request(principal, object_, set(self.masks.named(mask))) for mask in sorted(self.masks.edges(minimal))]
                for request in asked if minimal else asked[-1:]:
                    yield self.of("edge", request)
                granted = next((one for one in asked if self.judge.allows(one)), None)
                if granted:
                    others = self.others(object_["server"])
                    yield self.of("another's certificate", granted, identity=others[self.turn % len(others)])
        for server in self.pods.servers:
            yield from self.of_server(server)

    def of_server(self, server: str) -> Iterator[Ask]:
        """Odd tokens and odd forms of one request that is allowed, for each principal that may use the server."""
        objects = [one for one in self.objects() if one["server"] == server]
        first = True
        for principal in self.relation.principals:
            good = self.good(principal, objects)
            if not good:
                continue
            request = good[-1][-1]
            for issuer in self.issuers:
                if principal["name"] not in self.identity.speaks_for[issuer]:
                    yield self.of("another's issuer", dataclasses.replace(request, claims=request.claims | {"iss": issuer}))
            if first:
                yield from self.forms(server, request)
            # Odd tokens of one caller of each kind are enough; what is told apart is told of all alike.
            if first or principal["kind"] not in self.kinds:
                self.kinds.add(principal["kind"])
                yield from self.odd(*good[-1][:2], principal, self.drawing.odd_callers, self.drawing.odd_values)
                if len(good) > 1:
                    yield from self.odd(*good[0][:2], principal, self.drawing.odd_callers)
            first = False

    def odd(self, facts: frozenset[str], object_: dict, principal: dict, *ways) -> Iterator[Ask]:
        self.drawing.sufficient = facts
        for request in (request for way in ways for request in way(principal, object_)):
            # What is allowed would be allowed by chance, and Istio may be stricter about it.
            if not self.judge.vague(request) and not self.judge.allows(request):
                yield self.of("odd token", request)
        self.drawing.sufficient = None

    def good(self, principal: dict, objects: list[dict]) -> list[tuple[frozenset[str], dict, Request]]:
        """Sufficient facts, the object and a request that is allowed; the last is one for which most has to be shown."""
        found = []
        for one in objects:
            request = self.drawing.everything(principal, one)
            if self.judge.allows(request):
                facts = [self.most(request, cell) for cell in self.cells(one)]
                found.append((frozenset().union(*facts), one, request))
        return sorted(found, key=lambda one: ("user_delegation" in one[0], len(one[0])))

    def most(self, request: Request, object_: dict) -> frozenset[str]:
        """Of the sets of facts that are sufficient one with the most, and one that says that somebody acts for another one."""
        return max(self.judge.sets(request, object_), key=lambda facts: ("user_delegation" in facts, len(facts), sorted(facts)))

    def forms(self, server: str, good: Request) -> Iterator[Ask]:
        gateway, headers = self.gateway(server), self.headers(good)

        def one(what: str, wanted: bool = False, **more) -> Ask:
            return Ask(f"{what}: {server}", server, **({"identity": gateway, "headers": headers} | more), wanted=wanted)

        yield one("control", True)
        yield one("no certificate", identity=None)
        for method in ("PUT", "PATCH", "OPTIONS", "HEAD"):
            yield one(f"by {method}", method=method)
        for path in ("/", "/mcp/x", "/mcp/", "//mcp", "/MCP", "/metrics"):
            yield one(f"at {path}", path=path)
        yield one("no token", headers={name: value for name, value in headers.items() if name != "authorization"})
        yield one("expired", headers=self.headers(good, exp=int(time.time()) - 3600))
        yield one("for another audience", headers=self.headers(good, aud="https://elsewhere.example/mcp"))
        yield one("of another issuer", headers=self.headers(good, iss="https://elsewhere.example"))
        forger = Issuer(good.claims["iss"], "mcp-gateway", next(iter(self.issuers.values())).kid)
        yield one("signed with another key", headers=headers | {"authorization": f"Bearer {forger.token(good.claims)}"})
        yield one("token in the query", path=f"/mcp?access_token={headers['authorization'][7:]}", headers={})
        if self.judge.verified:
            yield one("no method told", headers={name: value for name, value in headers.items() if name != "mcp-method"})
            for method in ("tools/call", "tasks/get", "completion/complete", "x/of_nobody"):
                yield one(f"{method} of what nobody declared", headers=headers | {"mcp-method": method, "mcp-name": "x_of_nobody"})

    # Asking.

    def send(self, connections: dict, ask: Ask) -> int:
        """The status, or 0 where there was no answer."""
        key = ask.server, ask.identity
        if key not in connections:
            port, address = self.pods.at(ask.server)
            connections[key] = Connection(port, client_context(self.certificates, ask.identity), address)
        try:
            body = ask.body if ask.method in ("POST", "PUT", "PATCH") else b""
            path = ask.path or self.pods.path(ask.server)
            return connections[key].ask(ask.method, path, ask.headers, body, head_only=ask.method == "HEAD").status
        except Refused:
            return 0

    def answers_plainly(self, server: str) -> bool:
        """Whether a sidecar says anything over a connection without TLS."""
        port, address = self.pods.at(server)
        connection = Connection(port, None, address)
        try:
            return bool(connection.ask("POST", self.pods.path(server), {"content-type": "application/json"}, BODY).status)
        except Refused:
            return False
        finally:
            connection.close()

    def differs(self, status: int, ask: Ask) -> str | None:
        """What is wrong with an answer."""
        if ask.identity is None:
            return None if status == 0 else f"{status} over a connection without a certificate"
        if ask.wanted:
            return None if status in ANSWERED else f"{status} for what is allowed"
        return None if status in (401, 403) else f"{status} for what is denied"

    def judge_all(self, asks: list[Ask], tally: Tally) -> list[tuple[Ask, int]]:
        """Sends everything, the servers in two threads."""
        by_server = defaultdict(list)
        for ask in asks:
            by_server[ask.server].append(ask)

        def one(some: list[Ask]) -> list[tuple[Ask, int]]:
            connections: dict = {}
            found = [(ask, self.send(connections, ask)) for ask in some]
            for connection in connections.values():
                connection.close()
            return found

        with ThreadPoolExecutor(2) as pool:
            answers = [pair for found in pool.map(one, by_server.values()) for pair in found]
        for ask, status in answers:
            tally.count(allowed=status in ANSWERED)
            wrong = self.differs(status, ask)
            if wrong:
                tally.fault(f"{wrong}: {ask.what}", bypass=status in ANSWERED)
        return answers
