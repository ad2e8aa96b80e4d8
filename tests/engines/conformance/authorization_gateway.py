"""What a gateway says to a client that lacks a token, or scopes: the challenges and the metadata themselves. Clients
read them more leniently than they have to be written, and guess where the metadata is."""

import json
import re
import time

from live.wire import Answer, Connection

from . import ledger
from .attacks import ENVELOPE, MODERN
from .authorization_server import LIFETIME, USER
from .authorization_workspace import BASIC, PER_SERVER, SECOND_FACTOR, SERVERS, SUBJECT, WRITE, Site, claims

PATH = "/.well-known/oauth-protected-resource"
BOTH = {SECOND_FACTOR, WRITE}
# Of the servers with these tools: the tool, the scopes that a token has, those that a challenge has to name (all that
# the call needs: some clients ask for these and for nothing besides), and how the case is called.
CASES = [
    ("guarded", [], {SECOND_FACTOR}, "one scope is missing"),
    ("guarded", [WRITE], {SECOND_FACTOR}, "one scope is missing, another is there"),
    ("double", [], BOTH, "two scopes are missing"),
    ("double", [SECOND_FACTOR], BOTH, "the second of two scopes is missing"),
    ("double", [WRITE], BOTH, "the first of two scopes is missing"),
    ("approved", [SECOND_FACTOR, WRITE], set(), "what no scope gives is missing"),
    ("approved", [], set(), "what no scope gives is missing from the first token"),
]
BASED = [
    ("guarded", [BASIC], {BASIC, SECOND_FACTOR}, "one scope is missing beside that of every call"),
    ("guarded", [SECOND_FACTOR], {BASIC, SECOND_FACTOR}, "that of every call is missing"),
    ("plain", [], {BASIC}, "a token has no scope"),
]


class Checks:
    """The checks of one server."""

    who = "the gateway"

    def __init__(self, site: Site, server: str, failures: dict[str, str]):
        self.site, self.server, self.failures = site, server, failures
        self.hops = SERVERS[server][0]
        self.where = f"https://127.0.0.1:{site.listen['central']}{PATH}/{server}/mcp"

    def check(self, holds: bool, name: str, why) -> None:
        if not holds:
            key = ledger.key("authorization", self.who, self.hops, f"{self.server}: {name}")
            self.failures[key] = f"{why}"[:300]

    def token(self, scopes: list[str], **more) -> str:
        """A token as the authorization server would issue it for this server."""
        login, url = self.site.login, self.site.url(self.server)
        said = {"sub": USER, "act": {"sub": SUBJECT}, "aud": [url, *login.also], "exp": int(time.time()) + LIFETIME}
        return login.signer.token(said | {"scope": " ".join(scopes) or None} | claims(scopes) | more)

    def asked(self, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> Answer:
        connection = Connection(self.site.listen["central"], self.site.stack.pki.context(None))
        try:
            return connection.ask(method, path, headers, body)
        finally:
            connection.close()

    def called(self, tool: str, token: str | None) -> Answer:
        """A call of the current protocol, which needs no session."""
        headers = {"content-type": "application/json", "accept": "application/json, text/event-stream"}
        headers |= {"mcp-protocol-version": MODERN, "mcp-method": "tools/call", "mcp-name": tool}
        headers |= {"authorization": f"Bearer {token}"} if token else {}
        params = {"name": tool, "arguments": {}, "_meta": ENVELOPE}
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
        return self.asked("POST", f"/{self.server}/mcp", headers, json.dumps(message).encode())

    def run(self) -> None:
        based = self.server == "based"
        scopes = [BASIC] if based else []
        self.unknown("no token", None, scopes)
        self.unknown("a token for somebody else", self.token(scopes, aud="somebody-else"), scopes)
        self.unknown("a token that has expired", self.token(scopes, exp=int(time.time()) - 600), scopes)
        if PER_SERVER:
            other = next(name for name in SERVERS if name != self.server)
            self.unknown("a token for another server", self.token(scopes, aud=self.site.url(other)), scopes)
        answer = self.asked("GET", f"{PATH}/{self.server}/mcp", {"accept": "application/json"})
        metadata = answer.message() or {}
        form = answer.headers.get("content-type", "")
        self.check(answer.status == 200 and form.startswith("application/json"), "the metadata", answer)
        self.check(metadata.get("resource") == self.site.url(self.server), "the resource", metadata)
        self.check(metadata.get("authorization_servers") == [self.site.login.url], "who issues tokens", metadata)
        # A list without elements has to be left out. Source: RFC 9728, section 3.2.
        self.check(metadata.get("scopes_supported") == (scopes or None), "the scopes of the metadata", metadata)
        for case in BASED if based else CASES:
            self.denied(*case)
        last, enough = ("guarded", [BASIC, SECOND_FACTOR]) if based else ("double", sorted(BOTH))
        answer = self.called(last, self.token(enough))
        self.check(f"ran {self.server}/{last}" in answer.text(), "nothing is missing", answer)

    def unknown(self, name: str, token: str | None, scopes: list[str]) -> None:
        """Whoever has no token that is good for this server is told where to get one, and for which scopes."""
        answer = self.called("plain", token)
        said = challenge(answer) or {}
        self.check(answer.status == 401, name, answer)
        self.check(said.get("resource_metadata") == self.where, f"{name}, where the metadata is", answer.headers)
        self.check(said.get("scope", "").split() == scopes, f"{name}, the scopes that every call needs", said)
        # Source: RFC 6750, section 3.1.
        self.check(token is not None or "error" not in said, f"{name}, no error", said)

    def denied(self, tool: str, held: list[str], needed: set[str], name: str) -> None:
        answer = self.called(tool, self.token(held))
        self.check(answer.status == 403, name, answer)
        if not needed:
            return self.check("www-authenticate" not in answer.headers, f"{name}, no challenge", answer.headers)
        said = challenge(answer) or {}
        self.check(said.get("error") == "insufficient_scope", f"{name}, the error", answer.headers)
        self.check(set(said.get("scope", "").split()) == needed, f"{name}, all scopes that the call needs", said)
        self.check(said.get("resource_metadata") == self.where, f"{name}, where the metadata is", said)


def challenge(answer: Answer) -> dict[str, str] | None:
    """The parameters of a challenge; None where there is none, or one that is not written as RFC 9110 says."""
    text = answer.headers.get("www-authenticate", "")
    if not re.fullmatch(r'Bearer [a-z_]+="[^"]*"(, [a-z_]+="[^"]*")*', text):
        return None
    pairs = re.findall(r'([a-z_]+)="([^"]*)"', text)
    return dict(pairs) if len(dict(pairs)) == len(pairs) else None


def checks(site: Site) -> dict[str, str]:
    failures: dict[str, str] = {}
    for server in SERVERS:
        Checks(site, server, failures).run()
    print(f"authorization  the gateway itself             {len(failures)} challenges or metadata go wrong", flush=True)
    return failures
