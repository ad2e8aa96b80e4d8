"""The two servers of Enterprise-Managed Authorization, on loopback: the identity provider of an enterprise, which
exchanges its ID tokens for ID-JAGs (RFC 8693), and the authorization server, which issues an access token for an ID-JAG
(RFC 7523). Both refuse what the specification says they must refuse, and both keep what they issued to whom. Neither
has a page for a browser.

Source: modelcontextprotocol/ext-auth, specification/stable/enterprise-managed-authorization.mdx."""

import base64
import itertools
import json
import time
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from live.tokens import Issuer

from .authorization_server import LIFETIME, Refusal, Served

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
ID_JAG, ID_TOKEN = "urn:ietf:params:oauth:token-type:id-jag", "urn:ietf:params:oauth:token-type:id_token"
PROFILE = "urn:ietf:params:oauth:grant-profile:id-jag"
TYPE = "oauth-id-jag+jwt"
# How long ago users logged in.
SINCE = 60


@dataclass(frozen=True)
class Client:
    """A program, as the identity provider knows it and as the authorization server does."""

    idp: str
    idp_secret: str
    name: str
    secret: str


@dataclass(frozen=True)
class Given:
    """What a server issued to a client: for which resource, which scopes were asked for, and which it has."""

    client: str
    resource: str
    asked: frozenset[str]
    scopes: frozenset[str]


def verified(token: str, signer: Issuer, kind: str) -> dict:
    """The claims of a token that this issuer signed, of this type, and that is valid now."""
    try:
        head, body, signature = (base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in token.split("."))
        header, claims = json.loads(head), json.loads(body)
        signed = token.rpartition(".")[0].encode()
        signer.key.public_key().verify(signature, signed, padding.PKCS1v15(), hashes.SHA256())
    except (ValueError, InvalidSignature) as error:
        raise Refusal("invalid_grant", f"no token of {signer.issuer}: {type(error).__name__}") from error
    now = time.time()
    for name, found, wanted in (
        ("alg", header.get("alg"), "RS256"),
        ("kid", header.get("kid"), signer.kid),
        ("typ", header.get("typ"), kind),
        ("iss", claims.get("iss"), signer.issuer),
    ):
        if found != wanted:
            raise Refusal("invalid_grant", f"{name} is {found} and not {wanted}")
    if not claims["iat"] - 5 <= now < claims["exp"]:
        raise Refusal("invalid_grant", "it is not valid now")
    return claims


class Enterprise(Served):
    """What the two have in common: each client has a secret, and nobody registers or authorizes with a browser."""

    grants: list[str] = []

    def __init__(self, kid: str, clients: dict[str, str], resources: set[str]):
        self.clients, self.resources = clients, resources
        self.given: dict[str, list[Given]] = {}
        # What a browser asked for, and what wanted to be registered.
        self.others: list[str] = []
        super().__init__(kid)

    def metadata(self) -> dict:
        return {
            "issuer": self.url,
            # RFC 8414 does not require it with these grants, but the official clients reject metadata without it.
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "response_types_supported": ["code"],
            "grant_types_supported": self.grants,
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "jwks_uri": f"{self.url}/keys",
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }

    def authorize(self, query: dict[str, str]) -> str:
        self.others.append(f"authorize {query}")
        raise Refusal("invalid_request", "nobody logs in here")

    def register(self, wanted: dict) -> dict:
        self.others.append(f"register {wanted}")
        raise Refusal("invalid_request", "nobody registers here")

    def authenticated(self, form: dict[str, str]) -> str:
        client = form.get("client_id", "")
        if not form.get("client_secret") or self.clients.get(client) != form["client_secret"]:
            raise Refusal("invalid_client", f"{client} is not who it says")
        return client

    def gave(self, user: str, one: Given) -> None:
        with self.lock:
            self.given.setdefault(user, []).append(one)


class IdentityProvider(Enterprise):
    """`audience` is the authorization server of `resources`, and `allowed` are the scopes that users may have there."""

    grants = [EXCHANGE]

    def __init__(self, clients: list[Client], resources: set[str], audience: str, allowed: set[str]):
        self.audience, self.allowed = audience, allowed
        self.names, self.numbers = {one.idp: one.name for one in clients}, itertools.count()
        super().__init__("enterprise-1", {one.idp: one.idp_secret for one in clients}, resources)

    def id_token(self, user: str, client: Client, **more) -> str:
        """What a client has since its user logged in."""
        now = int(time.time())
        said = {"sub": user, "aud": client.idp, "auth_time": now - SINCE, "exp": now + LIFETIME}
        return self.signer.token(said | more)

    def assertion(self, user: str, client: str, resource: str, scopes: set[str], jti: str, **more) -> str:
        """An ID-JAG. `more` replaces claims, or `typ`, for tests of who accepts it."""
        now = int(time.time())
        said = {"jti": jti, "sub": user, "client_id": client, "aud": self.audience, "resource": resource}
        said |= {"scope": " ".join(sorted(scopes)) or None, "iat": now, "exp": now + LIFETIME, "auth_time": now - SINCE}
        typed = {"typ": more.pop("typ", TYPE)}
        return self.signer.token(said | more, typed)

    def token(self, form: dict[str, str]) -> dict:
        client = self.authenticated(form)
        for name, wanted in (
            ("grant_type", EXCHANGE),
            ("requested_token_type", ID_JAG),
            ("subject_token_type", ID_TOKEN),
            ("audience", self.audience),
        ):
            if form.get(name) != wanted:
                raise Refusal("invalid_request", f"{name} is {form.get(name)} and not {wanted}")
        user = verified(form.get("subject_token", ""), self.signer, "JWT")
        if user["aud"] != client:
            raise Refusal("invalid_grant", f"{client} shows an ID token for {user['aud']}")
        resource = form.get("resource", "")
        if resource not in self.resources:
            raise Refusal("invalid_target", f"{resource} is not a server of {self.audience}")
        asked = frozenset(form.get("scope", "").split())
        scopes = asked & self.allowed
        with self.lock:
            jti = f"{next(self.numbers)}"
        login = {"auth_time": user.get("auth_time")}
        grant = self.assertion(user["sub"], self.names[client], resource, scopes, jti, **login)
        self.gave(user["sub"], Given(client, resource, asked, scopes))
        answer = {"issued_token_type": ID_JAG, "token_type": "N_A", "expires_in": LIFETIME, "access_token": grant}
        return answer | ({"scope": " ".join(sorted(scopes))} if scopes else {})


class GrantServer(Enterprise):
    """`trusted` signs the assertions that it accepts. It is set later, because the identity provider needs this URL."""

    grants = [BEARER]
    trusted: Issuer

    def __init__(self, clients: list[Client], resources: set[str]):
        # `jti` of each ID-JAG that it accepted.
        self.used: set[str] = set()
        super().__init__("authorization-2", {one.name: one.secret for one in clients}, resources)

    def metadata(self) -> dict:
        return super().metadata() | {"authorization_grant_profiles_supported": [PROFILE]}

    def token(self, form: dict[str, str]) -> dict:
        client = self.authenticated(form)
        if form.get("grant_type") != BEARER:
            raise Refusal("unsupported_grant_type", f"{form.get('grant_type')}")
        grant = verified(form.get("assertion", ""), self.trusted, TYPE)
        asked, present = frozenset(form.get("scope", "").split()), frozenset((grant.get("scope") or "").split())
        resource = grant.get("resource")
        for holds, why in (
            (grant.get("aud") == self.url, f"aud is {grant.get('aud')}"),
            (grant.get("client_id") == client, f"it is for {grant.get('client_id')} and not for {client}"),
            (resource in self.resources, f"{resource} is not a server"),
            (form.get("resource", resource) == resource, f"it is for {resource} and not for {form.get('resource')}"),
            (isinstance(grant.get("sub"), str) and isinstance(grant.get("jti"), str), "it has no sub or no jti"),
            (present <= asked, f"it has the scopes {sorted(present)}, and {sorted(asked)} were asked for"),
        ):
            if not holds:
                raise Refusal("invalid_grant", why)
        with self.lock:
            if grant["jti"] in self.used:
                raise Refusal("invalid_grant", "it was used before")
            self.used.add(grant["jti"])
        scopes = asked & present
        said = {"sub": grant["sub"], "client_id": client, "aud": resource, "auth_time": grant.get("auth_time")}
        said |= {"scope": " ".join(sorted(scopes)) or None, "exp": int(time.time()) + LIFETIME}
        self.gave(grant["sub"], Given(client, resource, asked, scopes))
        answer = {"token_type": "Bearer", "expires_in": LIFETIME}
        answer |= {"scope": " ".join(sorted(scopes))} if scopes else {}
        return answer | {"access_token": self.signer.token(said, {"typ": "at+jwt"})}
