"""An authorization server for the tests, on loopback: discovery by RFC 8414 and by OpenID Connect, registration by RFC
7591, Client ID Metadata Documents, and the authorization code grant with PKCE and with a resource (RFC 8707). Its user
consents at once, to exactly the scopes that are asked for: what a client had before and does not ask for again is gone.
It keeps what each session of a client asked for, and refuses what no client of the current specification may leave
out."""

import base64
import collections
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from live.tokens import Issuer

USER = "user:ada"
LIFETIME = 300
LARGEST_BODY = 64 * 1024
WELL_KNOWN = ("/.well-known/oauth-authorization-server", "/.well-known/openid-configuration")
# The address of every client's redirection, up to its port; the rest names the session.
CALLBACK = "/callback/"


class Refusal(Exception):
    """An OAuth error code, and what was wrong."""

    def __init__(self, code: str, why: str):
        super().__init__(f"{code}: {why}")
        self.code = code


class Asked:
    """One authorization request: what a client wanted, and where."""

    def __init__(self, query: dict[str, str]):
        self.client, self.redirect = query["client_id"], query["redirect_uri"]
        self.resource, self.challenge = query["resource"], query["code_challenge"]
        self.scopes = query.get("scope", "").split()
        self.session = urlsplit(self.redirect).path.removeprefix(CALLBACK)


class Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        """A client may end a connection that it no longer needs."""


class Served:
    """A server with an issuer and a key of its own, in a thread. What it does is for the classes below it. It keeps how
    often its metadata were read, and what it refused."""

    def __init__(self, kid: str):
        self.refused: list[str] = []
        self.discovered: collections.Counter[str] = collections.Counter()
        self.lock = threading.Lock()
        self.server = Quiet(("127.0.0.1", 0), handler(self))
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.signer = Issuer(self.url, "", kid)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()


class AuthorizationServer(Served):
    """`claims` says what the scopes of a token show. `subject` is the agent that registered clients
    speak for, and `known` are the clients that need not register: URLs of documents, and names that were agreed on.
    `resources` are the servers that it issues tokens for, and `also` is what a token is for besides."""

    def __init__(
        self,
        claims: Callable[[list[str]], dict],
        subject: str,
        known: set[str],
        resources: set[str],
        also: tuple[str, ...] = (),
    ):
        self.claims, self.subject, self.known = claims, subject, known
        self.resources, self.also = resources, also
        self.asked: list[Asked] = []
        self.redeemed: collections.Counter[str] = collections.Counter()
        self.clients: dict[str, list[str]] = {}
        self.codes: dict[str, Asked] = {}
        super().__init__("authorization-1")

    def of(self, session: str) -> list[Asked]:
        """The authorization requests of a session."""
        with self.lock:
            return [one for one in self.asked if one.session == session]

    def metadata(self) -> dict:
        """It announces no scopes: Python's SDK asks for all of them where the resource names none."""
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "registration_endpoint": f"{self.url}/register",
            "response_types_supported": ["code"],
            "grant_types_supported": ["authorization_code"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["none"],
            "authorization_response_iss_parameter_supported": True,
            "client_id_metadata_document_supported": True,
            # OpenID Connect Discovery requires these three.
            "jwks_uri": f"{self.url}/keys",
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }

    def register(self, wanted: dict) -> dict:
        uris = wanted.get("redirect_uris")
        if not isinstance(uris, list) or not uris or not all(loopback(uri) for uri in uris):
            raise Refusal("invalid_redirect_uri", f"{uris}")
        client = f"client-{secrets.token_hex(8)}"
        with self.lock:
            self.clients[client] = uris
        mine = {"client_id": client, "client_id_issued_at": int(time.time()), "token_endpoint_auth_method": "none"}
        return wanted | mine | {"grant_types": ["authorization_code"]}

    def authorize(self, query: dict[str, str]) -> str:
        """Where the browser goes next."""
        for name in ("client_id", "redirect_uri", "resource", "code_challenge", "state"):
            if not query.get(name):
                raise Refusal("invalid_request", f"an authorization request without {name}")
        asked = Asked(query)
        if query.get("response_type") != "code" or query.get("code_challenge_method") != "S256":
            raise Refusal("invalid_request", f"{query.get('response_type')}, {query.get('code_challenge_method')}")
        if asked.resource not in self.resources:
            raise Refusal("invalid_target", f"no server here is {asked.resource}")
        # Refuses a scope that there is not.
        self.claims(asked.scopes)
        with self.lock:
            registered = asked.redirect in self.clients.get(asked.client, ())
            if not registered and not (asked.client in self.known and loopback(asked.redirect)):
                raise Refusal("invalid_client", f"{asked.client} has not {asked.redirect}")
            code = secrets.token_urlsafe(24)
            self.codes[code] = asked
            self.asked.append(asked)
        return f"{asked.redirect}?{urlencode({'code': code, 'state': query['state'], 'iss': self.url})}"

    def token(self, form: dict[str, str]) -> dict:
        with self.lock:
            asked = self.codes.pop(form.get("code", ""), None)
        if form.get("grant_type") != "authorization_code" or asked is None:
            raise Refusal("invalid_grant", f"{form.get('grant_type')} with a code that is not known")
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != asked.challenge:
            raise Refusal("invalid_grant", "the verifier is not that of the challenge")
        for name, value in (
            ("client_id", asked.client),
            ("redirect_uri", asked.redirect),
            ("resource", asked.resource),
        ):
            if form.get(name) != value:
                raise Refusal("invalid_grant", f"the {name} of the token request is {form.get(name)} and not {value}")
        claims = {"sub": USER, "client_id": asked.client, "scope": " ".join(asked.scopes) or None}
        claims |= {
            "aud": [asked.resource, *self.also] if self.also else asked.resource,
            "exp": int(time.time()) + LIFETIME,
        }
        # The name that a client gets when it registers is nobody's in the workspace.
        claims |= {} if asked.client in self.known else {"act": {"sub": self.subject}}
        with self.lock:
            self.redeemed[asked.session] += 1
        answer = {"token_type": "Bearer", "expires_in": LIFETIME}
        answer |= {"scope": " ".join(asked.scopes)} if asked.scopes else {}
        return answer | {"access_token": self.signer.token(claims | self.claims(asked.scopes), {"typ": "at+jwt"})}


def loopback(uri) -> bool:
    parts = urlsplit(uri) if isinstance(uri, str) else None
    return bool(parts) and (parts.scheme, parts.hostname) == ("http", "127.0.0.1") and parts.path.startswith(CALLBACK)


def handler(server: Served) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 30

        def do_GET(self):
            path, query = urlsplit(self.path).path, urlsplit(self.path).query
            if path in WELL_KNOWN:
                with server.lock:
                    server.discovered[path] += 1
                return self.answer(200, server.metadata())
            if path == "/keys":
                return self.answer(200, json.loads(server.signer.jwks()))
            if path != "/authorize":
                return self.answer(404, {"error": "not_found"})
            self.guarded(lambda: self.answer(302, {}, {"location": server.authorize(single(query))}))

        def do_POST(self):
            body = self.rfile.read(min(int(self.headers.get("content-length", 0)), LARGEST_BODY)).decode()
            if self.path == "/register":
                self.guarded(lambda: self.answer(201, server.register(json.loads(body))))
            elif self.path == "/token":
                self.guarded(lambda: self.answer(200, server.token(single(body) | self.basic())))
            else:
                self.answer(404, {"error": "not_found"})

        def basic(self) -> dict[str, str]:
            """The client's credentials, where they are in the header. RFC 6749, section 2.3.1, has them encoded, but
            the TypeScript SDK does not encode them: this reads both, if a secret has no `%`."""
            kind, _, text = self.headers.get("authorization", "").partition(" ")
            if kind != "Basic":
                return {}
            client, _, secret = base64.b64decode(text).decode().partition(":")
            return {"client_id": unquote(client), "client_secret": unquote(secret)}

        def guarded(self, answer: Callable[[], None]):
            try:
                answer()
            except (Refusal, ValueError) as error:
                with server.lock:
                    server.refused.append(f"{self.command} {urlsplit(self.path).path}: {error}")
                self.answer(400, {"error": getattr(error, "code", "invalid_request"), "error_description": str(error)})

        def answer(self, status: int, body: dict, more: dict[str, str] | None = None):
            text = json.dumps(body).encode()
            self.send_response(status)
            headers = {
                "content-type": "application/json",
                "cache-control": "no-store",
                "content-length": str(len(text)),
            }
            for name, value in (headers | (more or {})).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_):
            pass

    return Handler


def single(text: str) -> dict[str, str]:
    """The fields of a query or a form, each of which may be there once."""
    found = parse_qs(text, keep_blank_values=True)
    if several := [name for name, values in found.items() if len(values) > 1]:
        raise Refusal("invalid_request", f"{several} more than once")
    return {name: value for name, (value,) in found.items()}
