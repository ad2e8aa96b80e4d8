"""Attacks on a server that reads leniently: whatever a server could make of what reaches it, the caller may do it."""

import itertools
import json
from concurrent.futures import ThreadPoolExecutor

from live.wire import Connection, Refused

from . import bodies, disguises, workspace
from .recorder import Recorder, effects, read
from .stack import Stack

PROTOCOL = ("initialize", "server/discover", "ping", "tools/list", "logging/setLevel", "subscriptions/listen")
MODERN, LEGACY = "2026-07-28", "2025-11-25"
ENVELOPE = {
    "io.modelcontextprotocol/protocolVersion": MODERN,
    "io.modelcontextprotocol/clientInfo": {"name": "attacks", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}


def allowed(effect: tuple[str, str]) -> bool:
    method = effect[0]
    return effect == ("tools/call", workspace.GRANTED) or method in PROTOCOL or method.startswith("notifications/")


class Attacker:
    """Sends by one connection to a gateway, and looks at what reached the server."""

    def __init__(self, connection: Connection, recorder: Recorder, path: str, token: str | None):
        self.connection, self.recorder, self.path = connection, recorder, path
        self.plain = {"content-type": "application/json", "accept": "application/json, text/event-stream"}
        if token:
            self.plain["authorization"] = f"Bearer {token}"
        self.sent = self.reached = 0

    def send(self, body: bytes, more: dict[str, str], method: str = "POST", chunk: int = 0) -> tuple[str, list[bytes]]:
        """What was answered, and the bodies that reached the server."""
        chunks = [body[at : at + chunk] for at in range(0, len(body), chunk)] if chunk else None
        try:
            answer = repr(self.connection.ask(method, self.path, self.plain | more, body, chunks=chunks))
        except Refused as error:
            answer = f"refused: {error}"
        arrived = self.recorder.taken()
        self.sent += 1
        self.reached += bool(arrived)
        return answer, arrived


def headers(body: str) -> dict[str, dict[str, str]]:
    """What the headers say beside the message: nothing, a version, what is in it, and what would be harmless."""
    found = {"no version": {}, LEGACY: {"mcp-protocol-version": LEGACY}}
    modern = {"mcp-protocol-version": MODERN}
    found[f"{MODERN}, harmless headers"] = modern | {"mcp-method": "tools/call", "mcp-name": workspace.GRANTED}
    found[f"{MODERN}, no further headers"] = modern
    try:
        message = read(body.encode(), True, True)
        method, params = message.get("method"), message.get("params")
    except (ValueError, RecursionError, AttributeError):
        return found
    if isinstance(method, str) and method.isprintable():
        same = modern | {"mcp-method": method}
        if (
            isinstance(params, dict)
            and isinstance(about := params.get("name", params.get("uri")), str)
            and about.isprintable()
        ):
            same["mcp-name"] = about
        found[f"{MODERN}, the same headers"] = same
    return found


def ways(body: str, far: bool) -> list[tuple[str, dict[str, str], int]]:
    """How a message is sent: with which headers, and in chunks of which size, if at all. The first gateway decides the
    same for both servers, so there are fewer ways to the far one; and large messages are slow."""
    said = list(headers(body).items())
    few = [said[0], said[-1]]
    if far or len(body) > 20_000:
        return [(*one, 0) for one in few]
    return [(*one, 0) for one in said] + [(*few[1], 1 if len(body) < 400 else 97)]


def against(stack: Stack, hops: int, listed: list[tuple[str, str]]) -> tuple[dict[str, str], Attacker]:
    failures: dict[str, str] = {}
    prefix = workspace.HOPS[hops]
    attacker = Attacker(
        stack.connection("narrow"), stack.recorders[hops], f"/{prefix}_recorder/mcp", stack.token("narrow")
    )
    for name, body in listed:
        for said, more, chunk in ways(body, hops > 1):
            answer, arrived = attacker.send(body.encode(), more, chunk=chunk)
            wrong = sorted({effect for got in arrived for effect in effects(got) if not allowed(effect)})
            if wrong:
                family, _, rest = name.partition(": ")
                how = (
                    f"{rest or 'sent'} to the {prefix} server, {said}, {f'in chunks of {chunk}' if chunk else 'whole'}"
                )
                failures.setdefault(family, f"{how}: a server would run {wrong}: {answer[:160]}")
    return failures, attacker


def run(stack: Stack) -> tuple[dict[str, str], list[str]]:
    """What runs and may not, by the name of the message."""
    failures, faults, sent, reached = {}, [], 0, 0
    listed = [*bodies.attacks(), *disguises.attacks()]
    if len({name for name, _ in listed}) != len(listed):
        faults.append("attacks: two messages have the same name")
    with ThreadPoolExecutor(2) as pool:
        for found, attacker in pool.map(lambda hops: against(stack, hops, listed), workspace.HOPS):
            failures, sent, reached = found | failures, sent + attacker.sent, reached + attacker.reached
    for hops in workspace.HOPS:
        faults += strangers(stack, hops)
    print(
        f"attacks    {len(listed)} messages in {sent} requests, {reached} reached a server,"
        f" {len(failures)} kinds of them run what they may not",
        flush=True,
    )
    return failures, faults


def strangers(stack: Stack, hops: int) -> list[str]:
    """Who may use nothing of a server sends it no answers either, and nor does a request without a token."""
    path, faults = f"/{workspace.HOPS[hops]}_recorder/mcp", []
    for who, token in (("a stranger", stack.token("stranger")), ("nobody", None)):
        connection = Connection(stack.listen["central"], stack.pki.context(None))
        attacker = Attacker(connection, stack.recorders[hops], path, token)
        for name, body in (bodies.responses() | {"ping": bodies.message('"method":"ping"')}).items():
            for method in ("POST", "GET", "DELETE"):
                answer, arrived = attacker.send(body.encode(), {}, method)
                if arrived or not answer.startswith(("400", "401", "403", "404", "405")):
                    faults.append(f"attacks: {name} by {method} from {who}: {answer}")
    return faults


def controls(stack: Stack) -> tuple[dict[str, str], list[str]]:
    """What has to reach a server, by the name of the message; without it, attacks prove nothing."""
    failures, total = {}, 0
    for hops, prefix in workspace.HOPS.items():
        attacker = Attacker(
            stack.connection("narrow"), stack.recorders[hops], f"/{prefix}_recorder/mcp", stack.token("narrow")
        )
        attacker.recorder.taken()
        wanted = []
        for name, params in bodies.granted().items():
            legacy = bodies.message(*bodies.called("tools/call", params))
            modern = bodies.message(*bodies.called("tools/call", f'{params[:-1]},"_meta":{json.dumps(ENVELOPE)}}}'))
            same = {"mcp-protocol-version": MODERN, "mcp-method": "tools/call", "mcp-name": workspace.GRANTED}
            wanted += [(name, legacy, {}), (name, legacy, {"mcp-protocol-version": LEGACY}), (name, modern, same)]
        wanted += [(name, body, {"mcp-protocol-version": LEGACY}) for name, body in bodies.responses().items()]
        for (name, body, more), chunk in itertools.product(wanted, (0, 1_001)):
            total += 1
            answer, arrived = attacker.send(body.encode(), more, chunk=chunk)
            if [json.loads(got) for got in arrived] != [json.loads(body)]:
                failures.setdefault(
                    name, f"{prefix} server, {more or 'no version'}: {len(arrived)} messages reached it: {answer[:200]}"
                )
    print(f"controls   {total} messages, {len(failures)} kinds do not reach a server", flush=True)
    return failures, []
