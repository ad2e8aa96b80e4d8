"""Attacks by identity: whose certificate, whose token, and tokens that are none."""

import base64
import hashlib
import hmac
import json
import time

from . import request
from .tokens import b64
from .wire import Connection, Refused

SERVER, ALLOWED = "crm_server", "get_customer"


def identities(attacker) -> None:
    """Whose certificate, whose token."""
    fleet = attacker.fleet
    relation, presenter, pki = fleet.relation, fleet.presenter, fleet.pki
    who, tool = relation.principal("treasury_agent"), relation.tool("payment_server", "refund_charge")
    name, path = "payment_server/refund_charge", request.path("payment_server")
    everything = set(presenter.varied(tool))
    token = presenter.token(who, everything, tool)
    subject = relation.subject_of(who)
    body = request.call("refund_charge", '{"amount":5}', 1, False)
    headers = request.headers(token, "c")

    def p(what, connection, sent=headers, body=body, path=path):
        answer = attacker.send(what, connection, body, sent, path, forbidden=name)
        connection.close()
        return answer

    for other in relation.principals:
        if other["subject"] and other["name"] != who["name"]:
            p(f"its token over the certificate of {other['name']}", fleet.connect("central", fleet.caller(other)))
    # Where a certificate of the trust domain names no principal, nothing contradicts the token: said, and not judged.
    undeclared = fleet.connect("central", pki.caller(f"spiffe://{relation.trust_domain}/ns/finance/sa/undeclared"))
    answer = undeclared.ask("POST", path, headers, body)
    undeclared.close()
    fleet.seen()
    attacker.tally.notes.append(f"its token over a certificate that names nobody declared: {answer.status}")
    p("its certificate from an unknown authority", fleet.connect("central", pki.stranger(subject)))
    p("its certificate, no longer valid", fleet.connect("central", pki.ended(subject)))
    p("without a certificate", fleet.connect("central", None))
    for claim in ("act", "sub"):
        stolen = fleet.issuers[relation.issuer_of(who)].token({"sub": "user:mallory", "act": {"sub": relation.subject_of(relation.principal("care_agent"))}, claim: {"sub": subject} if claim == "act" else subject})
        p(f"its name in {claim} alone, over another certificate", fleet.connect("central", fleet.caller(relation.principal("care_agent"))), request.headers(stolen, "c"))
    care = relation.principal("care_agent")
    weak = presenter.token(care, everything, tool)
    forged = f'By=spiffe://x;Hash={"0" * 64};URI={subject}'
    for what, more in {
        "a forged XFCC": {"x-forwarded-client-cert": forged}, "XFCC in capitals": {"X-Forwarded-Client-Cert": forged},
        "two forged XFCC": {"x-forwarded-client-cert": f"{forged},{forged}"}, "x-envoy-peer-metadata": {"x-envoy-peer-metadata": "x", "x-envoy-peer-metadata-id": "x"},
        "x-envoy-original-path": {"x-envoy-original-path": "/payment_server/mcp"}, "x-forwarded-for": {"x-forwarded-for": "127.0.0.1", "x-envoy-internal": "true"},
        "x-jwt-payload": {"x-jwt-payload": b64(json.dumps({"sub": subject}).encode())},
        "x_forwarded_client_cert": {"x_forwarded_client_cert": forged},
    }.items():
        p(f"{what}, with the own token", fleet.connect("central", fleet.caller(care)), request.headers(weak, "c") | more)
        p(f"{what}, with a stolen token", fleet.connect("central", fleet.caller(care)), headers | more)
    for gateway in ("finance", "retail"):
        p(f"at the gateway of {gateway}, with its own certificate", fleet.connect(gateway, fleet.caller(who)))
        p(f"at the gateway of {gateway}, without a certificate", fleet.connect(gateway, None))
        p(f"at the gateway of {gateway}, with the certificate of retail's gateway", fleet.connect(gateway, pki.gateway("retail")))
        p(f"at the gateway of {gateway}, with a certificate of an unknown authority", fleet.connect(gateway, pki.stranger(f"spiffe://{relation.trust_domain}/mcp/gateway/central")))
        p(f"at the gateway of {gateway}, XFCC of the centre", fleet.connect(gateway, fleet.caller(who)), headers | {"x-forwarded-client-cert": f"URI=spiffe://{relation.trust_domain}/mcp/gateway/central"})
    p("at the gateway of retail, as the centre", fleet.connect("retail", pki.gateway("central")))
    # Round the gateways: the server takes connections of gateways alone.
    for what, pair in {"no certificate": None, "its certificate": fleet.caller(who), "an unknown authority's": pki.stranger(subject)}.items():
        p(f"at the server itself, with {what}", Connection(fleet.server_port, pki.context(pair)))
    # A token that was made for a gateway of another unit, or that a unit's gateway has seen, is the caller's own: what it
    # can do is what its caller could, and only through the centre, over the caller's certificate.
    p("the token of another's call, replayed by a unit's gateway at the centre", fleet.connect("central", pki.gateway("retail")))
    p("the token of another's call, replayed by a unit's gateway at the other unit", fleet.connect("finance", pki.gateway("retail")))


def tokens(attacker) -> None:
    """Tokens that are none."""
    fleet = attacker.fleet
    relation, presenter = fleet.relation, fleet.presenter
    who, tool = relation.principal("treasury_agent"), relation.tool("payment_server", "refund_charge")
    everything = set(presenter.varied(tool))
    of_server = {name: server["audiences"] for name, server in relation.servers.items()}
    url = f"{fleet.origin}{request.path('payment_server')}"
    claims = presenter.claims(who, everything, tool, 0) | {"aud": url}
    issuer = fleet.issuers[relation.issuer_of(who)]
    other = next(one for name, one in fleet.issuers.items() if name != issuer.issuer)
    good, now = issuer.token(claims), int(time.time())
    head, payload, signature = good.split(".")
    none = b64(json.dumps({"alg": "none", "typ": "JWT"}).encode())
    text = json.loads(base64.urlsafe_b64decode(payload + "=="))
    widened = b64(json.dumps(text | {"amr": ["mfa"], "groups": ["treasury-dealers"]}).encode())
    symmetric = b64(json.dumps({"alg": "HS256", "typ": "JWT", "kid": issuer.kid}).encode())
    mac = b64(hmac.new(issuer.jwks().encode(), f"{symmetric}.{payload}".encode(), hashlib.sha256).digest())
    forms = {
        "no token": None, "empty": "", "garbage": "x", "no signature": f"{head}.{payload}.", "alg none": f"{none}.{payload}.",
        "alg none, signed": f"{none}.{payload}.{signature}", "changed payload": f"{head}.{widened}.{signature}", "HS256 by the public key": f"{symmetric}.{payload}.{mac}",
        "of the other issuer's key": other.token(claims | {"iss": issuer.issuer}), "of the other issuer's key and id": other.token(claims | {"iss": issuer.issuer}, {"kid": other.kid}),
        "of the other issuer": other.token(claims), "of an unknown issuer": issuer.token(claims | {"iss": "https://evil.example"}), "without issuer": issuer.token(claims | {"iss": None}),
        "expired": issuer.token(claims | {"exp": now - 120}), "never expires": issuer.token(claims | {"exp": None}), "expires as text": issuer.token(claims | {"exp": str(now + 600)}),
        "not yet valid": issuer.token(claims | {"nbf": now + 600}), "wrong audience": issuer.token(claims | {"aud": "other"}), "no audience": issuer.token(claims | {"aud": None}),
        "audience of another server": issuer.token(claims | {"aud": of_server["crm_server"]}), "audience of the gateway": issuer.token(claims | {"aud": fleet.origin}),
        "audience with a longer path": issuer.token(claims | {"aud": f"{url}/x"}), "audience without its end": issuer.token(claims | {"aud": url[:-1]}),
        "audience in another case": issuer.token(claims | {"aud": url.replace("payment", "Payment")}), "audience as an object": issuer.token(claims | {"aud": {url: url}}),
        "no audience in the list": issuer.token(claims | {"aud": []}), "unknown key id": issuer.token(claims, {"kid": "x"}), "twice": f"{good}.{good}",
        "embedded key": issuer.token(claims, {"kid": "x", "jwk": json.loads(other.jwks())["keys"][0]}),
    }
    connection = fleet.connect("central", fleet.caller(who))
    body, path = request.call("refund_charge", '{"amount":5}', 1, False), request.path("payment_server")
    challenged = 0
    for what, token in forms.items():
        answer = attacker.send(f"token: {what}", connection, body, request.headers(token, "d"), path, forbidden="payment_server/refund_charge")
        if getattr(answer, "status", 0) == 401 and "resource_metadata=" in answer.headers.get("www-authenticate", ""):
            challenged += 1
        elif what != "of the other issuer":
            attacker.tally.fault(f"token: {what}: no 401 with a challenge: {answer} {getattr(answer, 'headers', '')}")
    attacker.tally.notes.append(f"{challenged} of {len(forms)} bad tokens answered by 401 and where to get a good one")
    sent = {k: v for k, v in request.headers(None, "d").items()}
    for what, more, at in (("in the query", {}, f"{path}?access_token={good}"), ("as a cookie", {"cookie": f"access_token={good}"}, path),
                           ("in another header", {"x-authorization": f"Bearer {good}"}, path), ("by another scheme", {"authorization": f"Basic {good}"}, path),
                           ("in proxy-authorization", {"proxy-authorization": f"Bearer {good}"}, path)):
        attacker.send(f"token: {what}", connection, body, sent | more, at, forbidden="payment_server/refund_charge")
    # Two tokens: the weaker decides at every gateway, or nothing does.
    care = relation.principal("care_agent")
    weak = presenter.token(care, {"user_delegation"}, tool)
    for first, second in ((weak, good), (good, weak)):
        lines = "".join(f"authorization: Bearer {token}\r\n" for token in (first, second))
        raw = f"POST {path} HTTP/1.1\r\nhost: localhost\r\n{lines}content-type: application/json\r\naccept: application/json, text/event-stream\r\nx-test-id: d\r\ncontent-length: {len(body)}\r\n\r\n"
        over = fleet.connect("central", fleet.caller(care))
        try:
            answer = over.send(raw.encode() + body)
        except Refused as error:
            answer = f"refused: {error}"
        over.close()
        attacker.look("two tokens", "payment_server/refund_charge", answer, seen_is_bypass=True)


def detours(attacker) -> None:
    """A token beside the one that counts: no server may see it, wherever the caller put it."""
    fleet = attacker.fleet
    relation, presenter = fleet.relation, fleet.presenter
    who, tool = relation.principal("care_agent"), relation.tool(SERVER, ALLOWED)
    token = presenter.token(who, {"user_delegation"}, tool)
    connection = fleet.connect("central", fleet.caller(who))
    body = request.call(ALLOWED, '{"note":"n"}', 1, True)
    sent = request.headers(token, "e", ("tools/call", ALLOWED))
    answer = attacker.send("an allowed call", connection, body, sent)
    attacker.tally.check(getattr(answer, "status", 0) == 200, f"an allowed call is let through: {answer}")
    for header in ("cookie", "proxy-authorization", "x-forwarded-client-cert"):
        attacker.send(f"an allowed call with a token in {header} too", connection, body, sent | {header: f"Bearer {token}"})
    metadata = connection.ask("GET", f"/.well-known/oauth-protected-resource/{SERVER}/mcp", {"accept": "application/json"})
    said = metadata.message() or {}
    attacker.tally.check(metadata.status == 200 and said.get("resource", "").endswith(f"/{SERVER}/mcp")
                         and sorted(said.get("authorization_servers", [])) == sorted(fleet.issuers), f"the metadata of the resource: {metadata}")
