"""Traces as gateways and servers send them, always the same. Every place where the id of a user could be has one that is easy to find."""

import hashlib
import http.client
import json
import random
import time
from dataclasses import dataclass

RAW = "raw-user"
# The id of a user that is a number.
NUMBER = 778_899_001
SERVERS = ["site.v1", "crm_server", "vault_server", "stray_server", None]
# One of so many traces has an error, in its first span or in its second.
ERRORS = 20
CHUNK = 100
# Backends look for what is recent.
BEGAN = time.time_ns()


@dataclass
class Trace:
    id: str
    server: str | None
    user: str
    error: bool
    request: str

    def pseudonym(self) -> str:
        return hashlib.sha256(self.user.encode()).hexdigest()


def made(count: int, servers: list[str | None] = SERVERS) -> list[Trace]:
    dice = random.Random(16)
    return [
        Trace(f"{dice.getrandbits(128):032x}", servers[number % len(servers)], f"{RAW}-{number % 97}", number % ERRORS == number // ERRORS % ERRORS, f"req-{number}")
        for number in range(count)
    ]


def attribute(key: str, value: str | int | list[str]) -> dict:
    if isinstance(value, list):
        return {"key": key, "value": {"arrayValue": {"values": [{"stringValue": one} for one in value]}}}
    return {"key": key, "value": {"intValue": str(value)} if isinstance(value, int) else {"stringValue": value}}


def naming(user: str) -> list[dict]:
    """Everything that names a user."""
    found = [attribute(key, user) for key in ("user.id", "user.name", "user.email", "user.full_name", "user.hash", "enduser.id", "enduser.pseudo.id", "user_id")]
    return found + [attribute("http.request.header.x-user-id", [user]), attribute("http.request.header.x_user_id", [user])]


def span(trace: Trace, number: int, dice: random.Random) -> dict:
    """The span of the gateway, whose user the last hash of the header is; or that of the server, whose user is a number and which has an event."""
    first = number == 0
    about = [attribute("mcp.server", trace.server)] if trace.server else []
    ids = naming(trace.user) if first else [attribute("user.id", NUMBER), *naming(trace.user)[1:]]
    start = BEGAN + number * 1_000_000
    made = {
        "traceId": trace.id,
        "spanId": f"{dice.getrandbits(64):016x}",
        "name": ("tools/call", "upstream")[number],
        "kind": 2,
        "startTimeUnixNano": str(start),
        "endTimeUnixNano": str(start + 5_000_000),
        "attributes": [*about, *ids, attribute("request.id", trace.request)],
        "status": {"code": 2 if trace.error and first == (int(trace.id[0], 16) % 2 == 0) else 1},
    }
    return made if first else made | {"events": [{"timeUnixNano": str(start), "name": "called", "attributes": naming(trace.user)}]}


def body(traces: list[Trace], number: int, dice: random.Random) -> bytes:
    spans = [span(trace, number, dice) for trace in traces]
    scope = {"scope": {"name": "gateway", "attributes": naming(f"{RAW}-scope")}, "spans": spans}
    resource = {"attributes": [attribute("service.name", "mcp-gateway"), *naming(f"{RAW}-resource")]}
    return json.dumps({"resourceSpans": [{"resource": resource, "scopeSpans": [scope]}]}).encode()


def send(port: int, traces: list[Trace]) -> list[str]:
    """Sends the two spans of each trace in requests of their own, as two processes would; what was not taken."""
    faults, dice = [], random.Random(61)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    for at in range(0, len(traces), CHUNK):
        for number in (0, 1):
            connection.request("POST", "/v1/traces", body(traces[at : at + CHUNK], number, dice), {"content-type": "application/json"})
            answer = connection.getresponse()
            said = answer.read()
            if answer.status != 200 or b"partialSuccess\":{\"r" in said:
                faults.append(f"spans are refused: {answer.status} {said[:200]!r}")
    connection.close()
    return faults
