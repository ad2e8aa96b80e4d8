"""That an answer ends: with the token of its request, and at the greatest age; and that ending one harms nobody else."""

import threading
import time

from . import request
from .caller import Caller
from .fleet import Fleet
from .tally import Tally
from .wire import Refused, Stream

OLDEST = 4
AGED = (("    deny_status: 403", f"    deny_status: 403\n    max_stream_age: {OLDEST}s"),)


def stream(caller: Caller, **more) -> Stream:
    """An event stream of a server that keeps sessions, open until somebody ends it."""
    begin = request.message("initialize", {"protocolVersion": request.LEGACY, "capabilities": {}, "clientInfo": {"name": "x", "version": "1"}}, 1, False)
    connection = caller.fleet.connect("central", caller.fleet.caller(caller.principal))
    headers = request.headers(caller.token, f"e{request.number()}")
    begun = connection.ask("POST", request.path(caller.server), headers, begin)
    session = {"mcp-session-id": begun.headers.get("mcp-session-id", ""), "mcp-protocol-version": request.LEGACY, "accept": "text/event-stream"}
    return Stream(connection, "GET", request.path(caller.server), headers | session | more)


def lasts(open_: Stream) -> float:
    """How long a stream goes on, at most ten seconds."""
    began = time.monotonic()
    try:
        for _ in open_.lines():
            pass
    except OSError:
        pass
    open_.close()
    return time.monotonic() - began


def run(fleet: Fleet) -> Tally:
    tally = Tally("ends")
    try:
        ends(fleet, tally)
    except (OSError, IndexError, Refused) as error:
        tally.fault(f"ends broke off: {type(error).__name__}: {error}")
    finally:
        fleet.stop_gateways()
    return tally.end()


def ends(fleet: Fleet, tally: Tally) -> None:
    fleet.stop_gateways()
    fleet.start_gateways(fleet.compile(fleet.workspace("ends", AGED)))
    whole = Caller(fleet, "audit_agent", "billing_server", "get_invoices")
    fleet.seen()
    found = lasts(stream(whole))
    tally.check(OLDEST - 1 < found < OLDEST + 2, f"a stream with a good token ends at the greatest age: {found:.1f} s of {OLDEST}")
    # The filter that verifies tokens takes them for 30 seconds longer than they say.
    for what, more in {"": {}, " whatever its caller asks for": {"grpc-timeout": "1H", "x-envoy-upstream-rq-timeout-ms": "3600000"}}.items():
        brief = Caller(fleet, "audit_agent", "billing_server", "get_invoices", exp=int(time.time()) - 28)
        found = lasts(stream(brief, **more))
        # After two seconds; Envoy may take one more to close the connection.
        tally.check(found < OLDEST - 0.5, f"a stream ends with its token{what}: {found:.1f} s")
    tally.check(not [key for name, key in fleet.seen()["headers"] if key == "grpc-timeout"], "no server is told the time")

    slow, care = (Caller(fleet, "audit_agent", "payment_server", "refund_charge") for _ in range(2))
    began = time.monotonic()
    answer = slow.call('{"amount":5,"seconds":5}')
    tally.check(getattr(answer, "status", 0) != 200 and time.monotonic() - began < OLDEST + 1, f"a call ends at the greatest age: {answer}")
    # A breaker opens after five failures. Calls that end with their tokens are none.
    ending = [Caller(fleet, "audit_agent", "payment_server", "refund_charge", exp=int(time.time()) - 28) for _ in range(8)]
    calls = [threading.Thread(target=one.call, args=('{"amount":5,"seconds":4}',)) for one in ending]
    began = time.monotonic()
    for one in calls:
        one.start()
    for one in calls:
        one.join(20)
    tally.check(time.monotonic() - began < 4, "calls end with their tokens")
    tally.check(care.status() == 200, f"callers whose tokens end open no breaker for others: {care.call()}")

    caller = Caller(fleet, "care_agent", "crm_server", "get_customer")
    until = time.monotonic() + 2 * OLDEST + 1
    statuses = set()
    while time.monotonic() < until:
        statuses.add(caller.status())
        time.sleep(0.2)
    tally.check(statuses == {200}, f"a caller that keeps its connection is answered all the while: {statuses}")
    tally.check(caller.connection.made >= 2, f"and connects again when the connection is old: {caller.connection.made}")
