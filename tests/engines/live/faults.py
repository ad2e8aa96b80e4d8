"""Real faults, and what the compiled gateways make of each: the table of measured behaviour. Every server has good health all the
while, so that nothing but its calls can tell."""

import ssl
import threading
import time

from ports import free_ports

from .caller import Caller
from .faulty import Faulty
from .fleet import Fleet
from .relation import Relation
from .tally import Tally

# The declared numbers of the variant: a call may take so long, so many failures in a row open the breaker, for so long.
PAUSE, FAILURES, OPEN = 1.0, 5, 3.0
# How much later than declared a breaker may close: two sweeps for each of two gateways, and a slow machine.
LATE = 2.5
VARIANT = (
    ("    timeout: 30s\n    half_open_timeout: 60s", "    timeout: 1s\n    half_open_timeout: 3s"),
    ("interval: 10s, timeout: 3s", "interval: 1s, timeout: 500ms"),
    ("resources: {connections: 60}", "resources: {connections: 3}"),
)
CALLERS = {
    "payment_server": ("audit_agent", "refund_charge"),
    "billing_server": ("audit_agent", "get_invoices"),
    "crm_server": ("audit_agent", "get_customer"),
    "search_server": ("operations_agent", "search_products"),
    "notice_server": ("operations_agent", "list_notices"),
}
# Fault, what each of the first calls is answered with, how many of them reach the server. Then the breaker is open.
OPENS = {
    "500": (500, FAILURES),
    "503": (503, FAILURES),
    "refused": (503, 0),
    "reset": (503, FAILURES),
    "hang": (504, FAILURES),
    "slow": (504, FAILURES),
}
# What never opens it: calls before the one that shows it, and the answer of each.
STAYS = {
    "trickle": (["trickle"] * 2, 200),
    # Envoy takes an answer for good as soon as its head is there. The caller sees that it ends too early, after the pause.
    "stall": (["stall"] * (FAILURES + 1), 0),
    "tool_error": (["tool_error"] * (FAILURES + 2), 200),
    "four_of_five": ((["503"] * (FAILURES - 1) + ["ok"]) * 2, None),
}
ROUNDS = (
    {"payment_server": "hang", "billing_server": "slow", "crm_server": "reset", "search_server": "refused", "notice_server": "503"},
    {"payment_server": "stall", "billing_server": "500", "crm_server": "four_of_five", "search_server": "trickle", "notice_server": "tool_error"},
    {"payment_server": "refused", "crm_server": "tool_error", "search_server": "stall", "notice_server": "hang", "billing_server": "four_of_five"},
)


def run(fleet: Fleet) -> Tally:
    tally = Tally("faults")
    fleet.stop_gateways()
    servers = start(fleet)
    try:
        urls = {name: server["url"] for name, server in Relation(str(fleet.relation_program), str(fleet.fixture)).servers.items()}
        moved = tuple((urls[name], f"https://127.0.0.1:{server.port}/{name}/mcp") for name, server in servers.items())
        fleet.start_gateways(fleet.compile(fleet.workspace("faults", VARIANT + moved)), file="envoy.static.yaml")
        # Their certificates are made one after the other.
        callers = {name: Caller(fleet, principal, name, tool) for name, (principal, tool) in CALLERS.items()}
        for faults in ROUNDS:
            threads = [threading.Thread(target=row, args=(callers[name], tally, servers[name], name, fault)) for name, fault in faults.items()]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(60)
                tally.check(not thread.is_alive(), f"{faults} ends")
        overload(fleet, tally, servers["billing_server"])
    finally:
        fleet.stop_gateways()
        for server in servers.values():
            server.end()
    return tally.end()


def start(fleet: Fleet) -> dict[str, Faulty]:
    own = fleet.pki.server()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(fleet.pki.gateways.file))
    context.load_cert_chain(own.cert, own.key)
    context.verify_mode = ssl.CERT_REQUIRED
    return {name: Faulty(port, context, PAUSE) for name, port in zip(CALLERS, free_ports(len(CALLERS)))}


def row(caller: Caller, tally: Tally, server: Faulty, name: str, fault: str) -> None:
    try:
        def call() -> int:
            """A call over a connection of its own, which is made once."""
            connection = caller.fleet.connect("central", caller.fleet.caller(caller.principal))
            try:
                return caller.status(connection=connection)
            finally:
                connection.close()

        if fault in OPENS:
            opens(tally, server, call, name, fault)
        else:
            stays(tally, server, call, name, fault)
    except (OSError, KeyError, AssertionError) as error:
        tally.fault(f"{fault} at {name} broke off: {type(error).__name__}: {error}")


def opens(tally: Tally, server: Faulty, call, name: str, fault: str) -> None:
    status, reach = OPENS[fault]
    what = f"{fault} at {name}"
    server.set("ok")
    tally.check(call() == 200, f"{what}: the server answers before")
    server.set(fault)
    first = [call() for _ in range(FAILURES)]
    opened = time.monotonic()
    tally.check(first == [status] * FAILURES, f"{what}: each failure is told to the caller as {status}: {first}")
    after = [call() for _ in range(3)]
    tally.check(after == [503] * 3, f"{what}: the breaker is open after {FAILURES} failures: {after}")
    tally.check(time.monotonic() - opened < PAUSE, f"{what}: an open breaker refuses at once")
    tally.check(server.arrived == reach, f"{what}: {reach} calls reach the server: {server.arrived}")
    server.set("ok")
    refused = 0
    while (found := call()) != 200 and time.monotonic() < opened + OPEN + 2 * LATE:
        tally.check(found == 503, f"{what}: an open breaker says 503: {found}")
        refused += 1
        time.sleep(0.05)
    closed = time.monotonic() - opened
    tally.check(OPEN - 0.3 <= closed <= OPEN + LATE, f"{what}: it is open for {OPEN} s although the server is well again: {closed:.1f} s")
    tally.check(server.arrived == 1 and refused > 0, f"{what}: until then no call reaches the server: {server.arrived - 1} of {refused}")
    tally.notes.append(f"{what}: open after {FAILURES} failures ({first[0]}), for {closed:.1f} s")


def stays(tally: Tally, server: Faulty, call, name: str, fault: str) -> None:
    script, status = STAYS[fault]
    what = f"{fault} at {name}"
    server.set("ok", script)
    found = [call() for _ in script]
    wanted = [(200 if mode == "ok" else int(mode)) if status is None else status for mode in script]
    tally.check(found == wanted, f"{what}: {wanted}: {found}")
    tally.check(call() == 200 and server.arrived == len(script) + 1, f"{what}: the breaker stays closed: {server.arrived}")
    tally.notes.append(f"{what}: never opens ({found[0]})")


def overload(fleet: Fleet, tally: Tally, server: Faulty) -> None:
    """Calls that a full bulkhead refuses are no failures of the server, and none waits for a place."""
    name = "billing_server"
    caller = Caller(fleet, CALLERS[name][0], name, CALLERS[name][1])
    server.set("ok", ["trickle"] * 3)
    answers: list[int] = []

    def one():
        connection = fleet.connect("central", fleet.caller(caller.principal))
        answers.append(caller.status(connection=connection))
        connection.close()

    threads = [threading.Thread(target=one) for _ in range(12)]
    for thread in threads:
        thread.start()
        time.sleep(0.02)
    for thread in threads:
        thread.join(30)
    tally.check(sorted(answers) == [200] * 3 + [503] * 9, f"three of twelve calls find a place: {sorted(answers)}")
    tally.check(caller.status() == 200, "nine refused calls open no breaker")
