"""Every form of evidence, on a gateway of its own: tokens and arguments that show it, and those that come close."""

import http.client
import json
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from ports import free_ports

from . import request
from .fleet import Fleet
from .gateway import Envoy
from .tally import Tally
from .tokens import Issuer

LOGIN, CLIENTS = "https://login.example", "https://clients.example"
AGENT, OTHER, CLIENT = "spiffe://example.org/agent", "other-agent", "client-1"
ANY = {"sub": AGENT}
USER = {"sub": "ada", "act": {"sub": AGENT}}

# Fact: its evidence, what shows it, what does not; each a token's claims and the arguments of the call.
FORMS = {
    "text": ("{claim: groups, contains: dealers}",
             [{"groups": "dealers"}, {"groups": ["x", "dealers"]}],
             [{}, {"groups": "dealers2"}, {"groups": ["x dealers"]}, {"groups": [["dealers"]]}, {"groups": None}]),
    "several": ("{claim: groups, one_of: [emea, apac]}",
                [{"groups": "apac"}, {"groups": ["emea"]}], [{"groups": "emea apac"}, {"groups": []}]),
    "scoped": ("{claim: scope, contains: 'notes:write'}",
               [{"scope": "notes:write"}, {"scope": "a notes:write b"}, {"scope": ["notes:write"]}, {"scope": "a notes:write"}],
               [{"scope": "notes:write2"}, {"scope": "xnotes:write"}, {"scope": "a,notes:write"}, {"scope": ""}, {"scope": ["a notes:write"]}]),
    "commas": ("{claim: roles, contains: 'a.b', separator: ','}",
               [{"roles": "x,a.b"}, {"roles": "a.b"}], [{"roles": "axb"}, {"roles": "x a.b"}]),
    "truth": ("{claim: email_verified, contains: true}",
              [{"email_verified": True}, {"email_verified": [True]}],
              [{"email_verified": False}, {"email_verified": "true"}, {"email_verified": 1}]),
    "level": ("{claim: clearance, one_of: [3, 4.5]}",
              [{"clearance": 3}, {"clearance": 3.0}, {"clearance": 4.5}, {"clearance": [4.5]}],
              [{"clearance": "3"}, {"clearance": 3.0001}, {"clearance": 4}, {"clearance": True}]),
    "ticket": ("{claim: ticket, present: true}",
               [{"ticket": "t"}, {"ticket": ["t"]}, {"ticket": 1}], [{"ticket": ""}, {"ticket": []}, {"ticket": None}]),
    "nested": ("{claim: [realm_access, roles], contains: dealer}",
               [{"realm_access": {"roles": ["dealer"]}}], [{"realm_access": "dealer"}, {"roles": ["dealer"]}]),
    "subject": ("{claim: sub, one_of: [ada, bob]}", [USER], [ANY, {"sub": "eve", "act": {"sub": AGENT}}]),
    "user_delegation": (f"{{claim: [act, sub], differs_from: sub, issuer: '{LOGIN}'}}", [USER],
                        [ANY, {"sub": AGENT, "act": {"sub": AGENT}}, {"sub": OTHER, "act": {"sub": AGENT}}, {"sub": AGENT, "act": None}]),
    "both": ("{all: [{claim: groups, contains: dealers}, {claim: auth_time, present: true}]}",
             [{"groups": "dealers", "auth_time": 5}], [{"groups": "dealers"}, {"auth_time": 5}]),
    "amount": ("{argument: amount, at_least: 0, at_most: 9999.99}",
               [{"=": {"amount": 0}}, {"=": {"amount": 9999.99}}, {"=": {"amount": 5.0}}],
               [{"=": {"amount": -0.01}}, {"=": {"amount": 9999.991}}, {"=": {"amount": "5"}}, {"=": {}}, {"=": {"amount": None}}]),
    "region": ("{argument: [filter, region], one_of: [emea, 7, true]}",
               [{"=": {"filter": {"region": "emea"}}}, {"=": {"filter": {"region": 7}}}, {"=": {"filter": {"region": True}}}],
               [{"=": {"region": "emea"}}, {"=": {"filter": {"region": "7"}}}, {"=": {"filter": {"region": ["emea"]}}}]),
    "repo": ("{argument: repo, matches: 'sandbox-*.x'}",
             [{"=": {"repo": "sandbox-a.x"}}, {"=": {"repo": "sandbox-.x"}}, {"=": {"repo": "sandbox-a\nb.x"}}],
             [{"=": {"repo": "sandbox-ayx"}}, {"=": {"repo": "my sandbox-a.x"}}, {"=": {"repo": 5}}]),
    "own": ("{argument: customer, equals_claim: customer_id}",
            [{"customer_id": "c1", "=": {"customer": "c1"}}, {"customer_id": 5, "=": {"customer": 5}}],
            [{"customer_id": "c1", "=": {"customer": "c2"}}, {"customer_id": "5", "=": {"customer": 5}}, {"=": {"customer": "c1"}},
             {"customer_id": "c1", "=": {}}, {"customer_id": "", "=": {"customer": ""}}, {"customer_id": ["c1"], "=": {"customer": ["c1"]}}]),
}
# A call says of which class its data is, by an argument or by a claim of its token. The server is of the class `internal`.
CLASSED = [("classed",
           [{"=": {"data_class": "public"}}, {"=": {"data_class": "internal"}}],
           [{"=": {"data_class": word}} for word in ("restricted", "secret", "", "Internal", "internal ", ["internal"], None)] + [{"=": {}}]),
           ("claimed",
           [{"data": {"class": "public"}}, {"data": {"class": "internal"}}],
           # A list with a class that the server takes may hold another one as well.
           [{"data": {"class": word}} for word in ("restricted", "secret", "", "Internal", "internal ", ["internal"],
                                                   ["internal", "restricted"], "internal restricted", {"internal": 1}, 1, True, None)]
           + [{}, {"data": "internal"}, {"class": "internal"}, {"=": {"data": {"class": "internal"}}}])]


class Echo(BaseHTTPRequestHandler):
    """A server that answers every message."""

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        answer = json.dumps({"jsonrpc": "2.0", "id": body.get("id"), "result": {"content": []}}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


def workspace(fleet: Fleet, ports: list[int], issuers: list[Issuer]):
    folder = fleet.work / "evidence"
    folder.mkdir()
    listen, admin, server = ports
    for number, issuer in enumerate(issuers):
        (folder / f"keys-{number}.json").write_text(issuer.jwks())
    facts = "".join(f"    {fact}: {form}\n" for fact, (form, *_) in FORMS.items())
    tools = ", ".join(f"{{name: {fact}, requires: [{fact}]}}" for fact in FORMS)
    (folder / "mcpctl.yaml").write_text(f"targets: {{envoy: {{listen: '127.0.0.1:{listen}', admin: '127.0.0.1:{admin}'}}}}\n")
    (folder / "all.yaml").write_text(
        f"""identity:
  trust_domain: example.org
  issuers:
    - {{issuer: '{LOGIN}', audiences: [gw], jwks_file: keys-0.json, speaks_for: [agents]}}
    - {{issuer: '{CLIENTS}', audiences: [gw], jwks_file: keys-1.json, speaks_for: [agents], caller: azp}}
  requirements:
{facts}    of_login: {{claim: groups, contains: dealers, issuer: '{LOGIN}'}}
progressive_auth: {{levels: [{{level: 1, requirements: [service_account_token]}}]}}
data_routing: {{classifications: [{{level: public}}, {{level: internal, mcp_servers: [s]}}, {{level: restricted}}]}}
mcp_registry:
  central_gateway: http://127.0.0.1:{listen}
  servers:
    - {{name: s, url: 'http://127.0.0.1:{server}/mcp', tools: [{tools}, {{name: free}}, {{name: bound, requires: [of_login]}},
        {{name: classed, class_from: {{argument: data_class}}}}, {{name: claimed, class_from: {{claim: [data, class]}}}}]}}
  agents:
    - {{name: agent, subject: '{AGENT}', may_call: ['s/*']}}
    - {{name: other, subject: {OTHER}, issuer: '{LOGIN}', may_call: [s/free]}}
    - {{name: client, subject: {CLIENT}, issuer: '{CLIENTS}', may_call: [s/free, s/bound, s/text]}}
"""
    )
    return folder


def run(fleet: Fleet) -> Tally:
    tally = Tally("evidence")
    ports = free_ports(3)
    login, clients = Issuer(LOGIN, "gw", "login"), Issuer(CLIENTS, "gw", "clients")
    folder, out = workspace(fleet, ports, [login, clients]), fleet.work / "evidence-bundle"
    done = subprocess.run([fleet.mcpctl, "compile", folder, "--target", "envoy", "--out", out], capture_output=True, text=True, timeout=60)
    if not tally.check(done.returncode == 0, f"it compiles: {done.stdout[-1500:]}{done.stderr[-1500:]}"):
        return tally.end()
    server = ThreadingHTTPServer(("127.0.0.1", ports[2]), Echo)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    gateway = Envoy(fleet.envoy, out / "envoy" / "central", ports[1]).start()

    def allowed(issuer: Issuer, claims: dict, tool: str, arguments: dict) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", ports[0], timeout=10)
        try:
            body = request.call(tool, json.dumps(arguments), request.number(), False)
            connection.request("POST", request.path("s"), body, request.headers(nulled(issuer, claims), "evidence"))
            status = connection.getresponse().status
            tally.check(status in (200, 403), f"{tool} {claims} {arguments}: {status}")
            tally.count(status == 200)
            return status == 200
        finally:
            connection.close()

    def judge(good: bool, issuer: Issuer, claims: dict, tool: str, arguments: dict | None = None):
        if allowed(issuer, claims, tool, arguments or {}) != good:
            tally.fault(f"{tool} with {claims} and {arguments}: {'denied' if good else 'let through'}", bypass=not good)

    try:
        for fact, shows, lacks in [*CLASSED, *((fact, shows, lacks) for fact, (_, shows, lacks) in FORMS.items())]:
            for good, cases in ((True, shows), (False, lacks)):
                for case in cases:
                    claims = {name: value for name, value in case.items() if name != "="}
                    judge(good, login, ANY | claims, fact, case.get("="))
        # A claim that is null is absent: this is a call of the agent itself.
        judge(True, login, {"sub": AGENT, "act": None}, "free")
        judge(False, login, {"sub": AGENT, "act": {}}, "free")
        # Evidence and agents of one issuer, and callers by another claim.
        judge(True, login, {"sub": AGENT, "groups": "dealers"}, "bound")
        judge(True, clients, {"sub": "x", "azp": CLIENT}, "free")
        judge(True, clients, {"azp": CLIENT, "groups": "dealers"}, "text")
        judge(False, clients, {"azp": CLIENT, "groups": "dealers"}, "bound")
        judge(False, clients, {"sub": CLIENT}, "free")
        judge(False, login, {"sub": CLIENT}, "free")
        judge(False, login, {"sub": "x", "azp": CLIENT}, "free")
        judge(True, login, {"sub": OTHER}, "free")
        judge(False, clients, {"azp": OTHER}, "free")
    finally:
        gateway.stop()
        server.shutdown()
    return tally.end()


def nulled(issuer: Issuer, claims: dict) -> str:
    """A token with these claims, those that are None as null."""
    return issuer.token(claims, nulls=[name for name, value in claims.items() if value is None])
