"""A control that the class of a server demands, run by a processor that the gateway asks."""

from . import processor, request
from .caller import Caller
from .fleet import Fleet, free_ports
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
    )  # fmt: skip
    server = fleet.pki.server()
    running = Processor(port, server.cert, server.key, fleet.pki.gateways.file)
    fleet.stop_gateways()
    try:
        fleet.start_gateways(fleet.compile(fleet.workspace("controls", changed)))
        watched(fleet, tally, running)
    finally:
        running.stop()
    # Nobody answers for the control any more.
    payer, other = paying(fleet), Caller(fleet, "audit_agent", "billing_server", "get_invoices")
    fleet.seen()
    status = payer.status()
    tally.check(status >= 500 and not fleet.seen()["ran"], f"without its processor a call fails, before the server: {status}")
    tally.check(other.status() == 200, f"calls of other classes go on: {other.call()}")


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
