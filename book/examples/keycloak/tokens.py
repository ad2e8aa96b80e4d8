"""Gets one token from Keycloak and prints it: `python tokens.py KIND`. KEYCLOAK is the URL of another Keycloak.

What a browser does for a person, this does by itself: it follows the pages of the sign-in, and computes the one-time code.
"""

import base64
import hashlib
import hmac
import html
import http.cookiejar
import json
import os
import re
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

KEYCLOAK = os.environ.get("KEYCLOAK", "http://127.0.0.1:18180")
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
REDIRECT = "http://127.0.0.1/signed-in"
SEED = b"alice-one-time-codes"


def realm(name: str = "mcp") -> str:
    return f"{KEYCLOAK}/realms/{name}/protocol/openid-connect"


def answer(opener, url: str, form: dict | None = None):
    """Where a browser ends up, and the page there."""
    data = urllib.parse.urlencode(form).encode() if form else None
    try:
        with opener.open(url, data, timeout=30) as page:
            return page.headers, page.read().decode()
    except urllib.error.HTTPError as other:
        with other:
            text = other.read().decode()
        if other.code not in (302, 303):
            raise SystemExit(f"{url}: {other.code} {text[:500]}") from None
        return other.headers, text


def token(client: str, grant: str, of: str = "mcp", kind: str = "access_token", **more: str) -> str:
    """What the token endpoint gives a client."""
    form = {"grant_type": grant, "client_id": client, "client_secret": f"{client}-secret", **more}
    _, text = answer(urllib.request.build_opener(), f"{realm(of)}/token", form)
    return json.loads(text)[kind]


def code(step: int) -> str:
    """The one-time code of alice (RFC 6238)."""
    digest = hmac.new(SEED, step.to_bytes(8, "big"), hashlib.sha1).digest()
    at = digest[-1] & 15
    return str((int.from_bytes(digest[at : at + 4], "big") & 0x7FFFFFFF) % 10**6).zfill(6)


def codes():
    """A code is good once; those of the half minutes before and after are taken as well."""
    while True:
        step = int(time.time()) // 30
        yield from (code(near) for near in (step, step + 1, step - 1))
        time.sleep(max(0, 30 * (step + 1) - time.time()) + 1)


class OnePage(urllib.request.HTTPRedirectHandler):
    """Redirections are looked at, not followed."""

    def redirect_request(self, *_):
        return None


def signed_in(client: str, user: str = "alice", scope: str = "", kind: str = "access_token") -> str:
    """A person signs in at a client, on the pages of the realm."""
    # Keycloak marks its cookies as secure, and browsers send those to this machine without TLS, too.
    policy = http.cookiejar.DefaultCookiePolicy(secure_protocols=("http", "https"))
    opener = urllib.request.build_opener(OnePage, urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar(policy)))
    asked = {"client_id": client, "response_type": "code", "scope": f"openid {scope}".strip(), "redirect_uri": REDIRECT}
    headers, page = answer(opener, f"{realm()}/auth?{urllib.parse.urlencode(asked)}")
    unused = codes()
    for _ in range(10):
        form = re.search(r'<form[^>]*action="([^"]+)"', page)
        if not form:
            raise SystemExit(f"no page to sign in: {re.sub('<[^>]*>', ' ', page)[-500:]}")
        filled = {"username": user, "password": f"{user}-password"}
        if 'name="otp"' in page:
            filled = {"otp": next(unused)}
        headers, page = answer(opener, html.unescape(form[1]), filled)
        where = headers.get("location", "")
        if where.startswith(REDIRECT):
            given = urllib.parse.parse_qs(urllib.parse.urlparse(where).query)
            return token(client, "authorization_code", code=given["code"][0], redirect_uri=REDIRECT, kind=kind)
        if where:
            headers, page = answer(opener, where)
    raise SystemExit("the sign-in does not end")


def exchanged(subject: str) -> str:
    """The agent takes the token of a person, and gets one for itself that speaks for the person (RFC 8693)."""
    return token("care-agent", EXCHANGE, subject_token=subject, subject_token_type=ACCESS_TOKEN)


def broken(whole: str) -> str:
    """The same token with another signature."""
    head, body, signature = whole.split(".")
    return f"{head}.{body}.{signature[::-1]}"


KINDS = {
    "service": lambda: token("care-agent", "client_credentials"),
    "user": lambda: signed_in("care-agent"),
    "user-mfa": lambda: signed_in("care-agent", scope="mcp.mfa"),
    "user-notes": lambda: signed_in("care-agent", scope="notes.write"),
    "bob": lambda: signed_in("care-agent", user="bob"),
    "password-grant": lambda: token("care-agent", "password", username="bob", password="bob-password", scope="openid"),
    "exchanged": lambda: exchanged(signed_in("helpdesk")),
    "exchanged-mfa": lambda: exchanged(signed_in("helpdesk", scope="mcp.mfa")),
    "exchanged-service": lambda: exchanged(token("helpdesk", "client_credentials")),
    "scope-only": lambda: token("care-agent", "client_credentials", scope="mcp.mfa notes.write"),
    "storefront": lambda: token("storefront-agent", "client_credentials"),
    "undeclared": lambda: signed_in("portal"),
    "act": lambda: signed_in("care-desk"),
    "act-mfa": lambda: signed_in("care-desk", scope="mcp.mfa"),
    "act-bob": lambda: signed_in("care-desk", user="bob"),
    "act-of-another": lambda: signed_in("night-desk"),
    "act-without-user": lambda: token("care-desk", "client_credentials"),
    "workload-as-user": lambda: signed_in("impostor", scope="mcp.mfa"),
    "other-audience": lambda: signed_in("helpdesk"),
    "id-token": lambda: signed_in("care-agent", kind="id_token"),
    "other-realm": lambda: token("care-agent", "client_credentials", of="other"),
    "broken-signature": lambda: broken(KINDS["service"]()),
}

if __name__ == "__main__":
    print(KINDS[sys.argv[1]]())
