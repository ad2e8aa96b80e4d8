"""A control that the class of a server demands, run by a processor that the gateway asks."""

from ports import free_ports

from . import processor, request
from .caller import Caller
from .fleet import Fleet
from .processor import REQUEST_BODY, REQUEST_HEADERS, RESPONSE_BODY, Processor
from .tally import Tally
from .wire import Refused

SECRET = processor.SECRET.decode()


def run(fleet: Fleet) -> Tally:
    tally = Tally("controls")
    try:
        controls(fleet, tally)
    except (OSError, IndexError, Refused) as error:
        tally.fault(f"controls broke off: {type(error).__name__}: {error}")
    finally:
        fleet.stop_gateways()
    return tally.end()


def controls(fleet: Fleet, tally: Tally) -> None:
    port = free_ports(1)[0]
    changed = (
        ("    deny_status: 403", f"    deny_status: 403\n    controls: {{data_loss_prevention: 'https://127.0.0.1:{port}'}}"),
        ("      controls: [data_loss_prevention]\n", ""),
        # A class whose server the central gateway calls itself: there the control and the denials are at one gateway.
        ("    - level: internal\n", "    - level: internal\n      additional_controls: [data_loss_prevention]\n"),
        ("type: gauge, labels: [mcp_server]}", "type: gauge, labels: [mcp_server]}\n    - {name: mcp_granted_calls_total, type: counter, labels: [mcp_server, principal]}"),
    )  # fmt: skip
    server = fleet.pki.server()
    running = Processor(port, server.cert, server.key, fleet.pki.gateways.file)
    fleet.stop_gateways()
    try:
        fleet.start_gateways(fleet.compile(fleet.workspace("controls", changed)))
        watched(fleet, tally, running)
        denied(fleet, tally, running)
        # By the protocol of `ext_proc`. The page of the target says so, because a processor has to know it.
        running.ends = True
        tally.check(notices(fleet).status() == 200 and not running.taken(), "a stream that ends without an error lets the call pass")
    finally:
        running.stop()
    # Nobody answers for the control any more.
    payer, other = paying(fleet), Caller(fleet, "audit_agent", "billing_server", "get_invoices")
    fleet.seen()
    status = payer.status()
    tally.check(status >= 500 and not fleet.seen()["ran"], f"without its processor a call fails, before the server: {status}")
    tally.check(other.status() == 200, f"calls of other classes go on: {other.call()}")
    for what, (found, status) in denials(fleet).items():
        tally.check(getattr(found, "status", 0) == status, f"without its processor, {what} is answered as ever: {found}")
    tally.check(granted(fleet) == 1, "what is denied counts as granted where the processor is down")
    challenge = denials(fleet)["a call without a token"][0].headers.get("www-authenticate", "")
    tally.check("resource_metadata" in challenge, f"and says where to get a token: {challenge}")
    failed = [notices(fleet).status() for _ in range(6)]
    _, stats = fleet.running["central"].ask("/stats?filter=cluster.notice_server.*ejections_enforced_consecutive_5xx")
    tally.check(set(failed) == {500} and stats.strip().endswith(" 0"), f"failures of a processor open no breaker: {failed}, {stats.strip()}")


def notices(fleet: Fleet) -> Caller:
    return Caller(fleet, "operations_agent", "notice_server", "list_notices")


def denials(fleet: Fleet) -> dict:
    """The answers to what is denied, with the status that each has to have."""
    return {what: (ask(), status) for what, (ask, status) in denied_calls(fleet).items()}


def denied_calls(fleet: Fleet) -> dict:
    """What is denied at the gateway that runs the control, with the status of its answer."""
    caller, stranger = notices(fleet), Caller(fleet, "billing_agent", "notice_server", "list_notices")
    bare = lambda: caller.connection.ask("POST", request.path(caller.server), request.headers(None, "x", ("tools/call", caller.tool)), request.call(caller.tool, "{}", 1, True))
    return {"a call without a token": (bare, 401), "a call with a bad token": (lambda: caller.call(token="no.such.token"), 401), "a call that is not granted": (stranger.call, 403)}


def denied(fleet: Fleet, tally: Tally, running: Processor) -> None:
    allowed = notices(fleet)
    tally.check(allowed.status() == 200 and any(b"list_notices" in body for _, body in running.taken()), f"an allowed call is shown at the same gateway: {allowed.call()}")
    running.taken()
    for what, (ask, status) in denied_calls(fleet).items():
        found = ask()
        tally.check(getattr(found, "status", 0) == status, f"{what}: {found}")
        tally.check(not running.taken(), f"{what} is shown to the processor")
    tally.check(granted(fleet) == 1, "what is denied counts as granted")


def granted(fleet: Fleet) -> int:
    """Of how many principals calls of the server were counted as granted."""
    _, metrics = fleet.running["central"].ask("/stats/prometheus?filter=granted")
    counted = [line for line in metrics.splitlines() if "mcp_granted_calls_total{" in line and 'mcp_server="notice_server"' in line]
    return len(counted) if all('principal="operations_agent"' in line for line in counted) else -1


def paying(fleet: Fleet) -> Caller:
    return Caller(fleet, "audit_agent", "payment_server", "refund_charge")


def watched(fleet: Fleet, tally: Tally, running: Processor) -> None:
    payer, other = paying(fleet), Caller(fleet, "audit_agent", "billing_server", "get_invoices")
    tally.check(payer.status() == 200, f"a call without a secret is answered: {payer.call()}")
    seen = running.taken()
    bodies = [body for kind, body in seen if kind == REQUEST_BODY]
    tally.check(len(bodies) >= 1 and b"refund_charge" in bodies[0], f"the processor is shown the message: {bodies}")
    tally.check(any(b"ran payment_server" in body for kind, body in seen if kind == RESPONSE_BODY), f"and the answer: {seen}")
    heads = b"".join(body for kind, body in seen if kind == REQUEST_HEADERS)
    tally.check(b"payment_server" in heads and b"authorization" not in heads and b"eyJ" not in heads, f"and no token: {heads}")

    fleet.seen()
    answer = payer.call(f'{{"amount":5,"note":"card {SECRET}"}}')
    tally.check(answer.status == 403 and "a secret is in the call" in answer.text(), f"a call with a secret is ended: {answer}")
    tally.check(not fleet.seen()["ran"], "before the server has it")
    running.taken()
    denied = payer.call(token=fleet.presenter.token(payer.principal, set(), payer.object))
    tally.check(denied.status == 403 and not running.taken(), f"what the policy denies is shown to no processor: {denied}")
    tally.check(other.status() == 200 and not running.taken(), "nor are calls of other classes")

    steps = payer.call('{"amount":5,"steps":3,"seconds":1}')
    tally.check(steps.status == 200 and "ran payment_server" in steps.text(), f"a stream of progress goes through: {steps}")
    id_ = request.number()
    headers = request.headers(payer.token, f"c{id_}", ("tools/call", payer.tool))
    answer = payer.connection.ask("POST", request.path(payer.server), headers, request.call(payer.tool, '{"amount":5,"echo":true}', id_, True))
    tally.check(SECRET not in answer.text() and processor.HIDDEN.decode() in answer.text(), f"a secret is taken out of an answer: {answer}")
