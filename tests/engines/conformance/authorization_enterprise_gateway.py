"""Which tokens of Enterprise-Managed Authorization a gateway accepts: an access token for the server that is called,
and neither the assertion nor the ID token that it was issued for. Also checks that the servers of the test refuse what
the specification says they must refuse: with an authorization server that accepts everything, the walks would prove
nothing."""

import time

from . import ledger
from .authorization_enterprise_server import TYPE
from .authorization_enterprise_site import PORTAL, SERVERS, STRANGER, EnterpriseSite
from .authorization_gateway import Checks, challenge
from .authorization_server import USER, Refusal
from .authorization_workspace import WRITE

WHO = "the gateway, enterprise"


class Given(Checks):
    who = WHO

    def token(self, scopes: list[str], **more) -> str:
        """A token as the authorization server issues it for this server, with other claims."""
        now = int(time.time())
        said = {"sub": USER, "client_id": PORTAL.name, "aud": self.site.url(self.server), "exp": now + 300}
        said |= {"scope": " ".join(scopes) or None, "auth_time": now - 60}
        return self.site.login.signer.token(said | more, {"typ": "at+jwt"})

    def run(self) -> None:
        site, url = self.site, self.site.url(self.server)
        other = next(name for name in SERVERS if name != self.server)
        grant = {"jti": "1", "client_id": PORTAL.name, "aud": site.login.url, "resource": url}
        self.unknown("no token", None, [])
        self.unknown("a token for another server", site.issued(PORTAL, other), [])
        self.unknown("a token for the authorization server", self.token([], aud=site.login.url), [])
        central = f"https://127.0.0.1:{site.listen['central']}"
        self.unknown("a token for the gateway as a whole", self.token([], aud=central), [])
        self.unknown("the assertion (ID-JAG)", site.asserted(PORTAL, self.server), [])
        # An identity provider can be the authorization server, too.
        self.unknown("an assertion with the key of the authorization server", self.token([], **grant), [])
        self.unknown("the ID token", site.idp.id_token(USER, PORTAL), [])
        self.unknown("an ID token for this server", site.idp.id_token(USER, PORTAL, aud=url), [])
        self.ran("plain", [], "a token for this server")
        self.ran("delegated", [], "a login")
        self.ran("writing", [WRITE], "a scope")
        self.denied("writing", [], {WRITE}, "a scope is missing")
        # No scope gives these.
        self.forbidden("delegated", self.token([], auth_time=None), "a token without a login")
        self.forbidden("delegated", self.token([], sub=PORTAL.name), "an agent as its own user")
        self.forbidden("plain", site.issued(STRANGER, self.server), "a client that is not an agent")
        # A user is never the caller.
        self.forbidden("plain", self.token([], sub=PORTAL.name, client_id=None), "the user has an agent's name")

    def ran(self, tool: str, scopes: list[str], name: str) -> None:
        answer = self.called(tool, self.site.issued(PORTAL, self.server, " ".join(scopes)))
        self.check(answer.status == 200 and f"ran {self.server}/{tool}" in answer.text(), f"{tool}, {name}", answer)

    def forbidden(self, tool: str, token: str, name: str) -> None:
        answer = self.called(tool, token)
        self.check(answer.status == 403, name, answer)
        self.check(challenge(answer) is None, f"{name}, no challenge", answer.headers)


def refusals(site: EnterpriseSite) -> dict[str, str]:
    """What the servers of the test have to refuse, and why it is refused."""
    idp, login, url = site.idp, site.login, site.url("near")

    def granted(form: dict[str, str] | None = None, **more) -> None:
        said = {"user": USER, "client": PORTAL.name, "resource": url, "scopes": set(), "jti": "other"} | more
        site.issued(PORTAL, "near", **({"assertion": idp.assertion(**said)} | (form or {})))

    def exchanged(**form) -> None:
        site.asserted(PORTAL, "near", **form)

    now = int(time.time())
    # The first is accepted. The second has the same `jti`.
    granted(jti="once")
    cases = {
        "used before": lambda: granted(jti="once"),
        "typ is at+jwt": lambda: granted(typ="at+jwt"),
        "aud is": lambda: granted(aud=url),
        "iss is": lambda: granted(iss="https://idp.example.org"),
        "not valid now": lambda: granted(iat=now - 600, exp=now - 300),
        "is for portal-1 and not for stranger-1": lambda: granted(
            {"client_id": STRANGER.name, "client_secret": STRANGER.secret}
        ),
        "is not who it says": lambda: granted({"client_id": PORTAL.name, "client_secret": "guessed"}),
        "is not a server": lambda: granted(resource="https://elsewhere.example.org/mcp"),
        "and not for https": lambda: granted({"resource": site.url("far")}),
        "were asked for": lambda: granted(scopes={WRITE}),
        "no token of": lambda: granted({"assertion": login.signer.token({"sub": USER}, {"typ": TYPE})}),
        "typ is JWT": lambda: granted({"assertion": idp.id_token(USER, PORTAL)}),
        "shows an ID token": lambda: exchanged(subject_token=idp.id_token(USER, STRANGER)),
        "audience is": lambda: exchanged(audience="https://login.example.org"),
        "is not a server of": lambda: exchanged(resource="https://elsewhere.example.org/mcp"),
        "is not valid": lambda: exchanged(subject_token=idp.id_token(USER, PORTAL, exp=now - 300)),
    }
    found = {}
    for why, ask in cases.items():
        try:
            ask()
            found[why] = "it was not refused"
        except Refusal as refusal:
            if why not in f"{refusal}":
                found[why] = f"{refusal}"
    return found


def checks(site: EnterpriseSite) -> dict[str, str]:
    failures: dict[str, str] = {}
    for why, came in refusals(site).items():
        failures[ledger.key("authorization", "the servers of the enterprise", 0, why)] = came
    for server in SERVERS:
        Given(site, server, failures).run()
    print(f"authorization  {WHO:<29}  {len(failures)} answers go wrong", flush=True)
    return failures
