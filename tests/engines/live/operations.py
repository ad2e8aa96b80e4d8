"""Operation: records, the bulkhead, the breaker and health checks, on gateways that run a variant of the workspace in which
everything goes faster."""

import json
import threading
import time

from . import changes, request, revisions, tokens
from .caller import Caller, log_lines
from .fleet import GATEWAYS, Fleet
from .tally import Tally
from .wire import Stream

FAST = (
    ("    timeout: 30s\n    half_open_timeout: 60s", "    timeout: 3s\n    half_open_timeout: 2s\n  cascading_protection: {fallback_strategies: [degraded_mode]}"),
    ("interval: 10s, timeout: 3s", "interval: 1s, timeout: 500ms"),
    ("resources: {connections: 40}", "resources: {connections: 3}"),
    ("resources: {connections: 60}", "resources: {connections: 3}"),
    ("rate: 0.05", "rate: 1.0"),
    ("{name: mcp_active_sessions, type: gauge", "{name: mcp_active_requests, type: gauge"),
    ("{name: mcp_requests_total, type: counter, labels: [mcp_server, method, status_code]}",
     "{name: mcp_requests_total, type: counter, labels: [mcp_server, method, tool_name, status_code]}\n    - {name: mcp_denied_calls_total, type: counter, labels: [mcp_server, tool]}"),
)


def run(fleet: Fleet):
    fleet.stop_gateways()
    fleet.seen()
    bundle = fleet.compile(fleet.workspace("fast", FAST))
    fleet.start_gateways(bundle, file="envoy.static.yaml")
    for part in (records, correlation, labels, bulkhead, breaker, health):
        yield counted(part, fleet)
    fleet.stop_gateways()
    fleet.start_gateways(fleet.compile(fleet.workspace("swap")))
    yield counted(changes.swap, fleet)
    yield counted(changes.versions, fleet)
    yield counted(changes.endings, fleet)
    yield counted(changes.rotation, fleet)
    fleet.stop_gateways()
    yield counted(changes.keys, fleet)
    fleet.stop_gateways()
    yield counted(changes.status, fleet)
    fleet.stop_gateways()
    yield counted(revisions.revisions, fleet)
    fleet.stop_gateways()
    yield counted(changes.emitted, fleet)


def counted(part, fleet: Fleet) -> Tally:
    tally = Tally(part.__name__)
    try:
        part(fleet, tally)
    except (OSError, KeyError, StopIteration) as error:
        tally.fault(f"{part.__name__} broke off: {type(error).__name__}: {error}")
    return tally.end()


def together(caller: Caller, count: int, arguments: str) -> list:
    """So many calls at once, each over a connection of its own."""
    answers = [None] * count

    def one(index):
        connection = caller.fleet.connect("central", caller.fleet.caller(caller.principal))
        answers[index] = caller.call(arguments, connection)
        connection.close()

    threads = [threading.Thread(target=one, args=(index,)) for index in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return answers


def bulkhead(fleet: Fleet, tally: Tally) -> None:
    slow, other = Caller(fleet, "audit_agent", "payment_server", "refund_charge"), Caller(fleet, "operations_agent", "notice_server", "list_notices")
    fleet.seen()
    meanwhile = []
    watcher = threading.Thread(target=lambda: (time.sleep(0.4), meanwhile.append(other.status())))
    watcher.start()
    answers = together(slow, 8, '{"amount":5,"seconds":1}')
    watcher.join(10)
    statuses = sorted(getattr(answer, "status", 0) for answer in answers)
    arrived = fleet.seen()
    # As many again may wait for their turn.
    served = statuses.count(200)
    tally.check(3 <= served <= 6 and statuses.count(503) == 8 - served, f"three of eight calls are served and at most three wait, the others are refused: {statuses}")
    tally.check(arrived["most"]["payment_server"] == 3, f"never more than three at the server: {arrived['most']}")
    tally.check(any(answer.headers.get("x-envoy-overloaded") for answer in answers if getattr(answer, "status", 0) == 503), "a refusal says that it is overload")
    tally.check(meanwhile == [200], f"another server is called meanwhile: {meanwhile}")
    after = slow.call()
    tally.check(getattr(after, "status", 0) == 200, f"and afterwards calls go on: {after}")
    # Streams that stay open are counted with the calls: what is set aside is for both together.
    reader = Caller(fleet, "audit_agent", "billing_server", "get_invoices")
    begin = request.message("initialize", {"protocolVersion": request.LEGACY, "capabilities": {}, "clientInfo": {"name": "x", "version": "1"}}, 1, False)
    open_ = []
    for index in range(3):
        connection = fleet.connect("central", fleet.caller(reader.principal))
        headers = request.headers(reader.token, f"q{index}")
        begun = connection.ask("POST", request.path("billing_server"), headers, begin)
        session = {"mcp-session-id": begun.headers.get("mcp-session-id", ""), "mcp-protocol-version": request.LEGACY, "accept": "text/event-stream"}
        open_.append(Stream(connection, "GET", request.path("billing_server"), headers | session))
        room = reader.status()
        tally.check(room == (200 if index < 2 else 503), f"with {index + 1} streams open of three places, a call is answered {room}")
    tally.check([stream.status for stream in open_] == [200] * 3, f"three streams are open: {[stream.status for stream in open_]}")
    open_.pop().close()
    tally.check(reader.until(200, 5)[0], "a call finds room where a stream has ended")
    for stream in open_:
        stream.close()


def breaker(fleet: Fleet, tally: Tally) -> None:
    caller, neighbour = Caller(fleet, "audit_agent", "payment_server", "refund_charge"), Caller(fleet, "audit_agent", "billing_server", "get_invoices")
    tally.check(caller.status() == 200, "the server answers")
    fleet.set(modes={"payment_server": "fail"})
    fleet.seen()
    statuses = [caller.status() for _ in range(20)]
    arrived = fleet.seen()["requests"]["payment_server"]
    tally.check(statuses[:5] == [500] * 5, f"its failures are told to the caller: {statuses}")
    tally.check(statuses[-10:] == [503] * 10, f"then nobody is sent to it: {statuses}")
    tally.check(arrived == 5, f"it saw five requests and no more: {arrived}")
    tally.check(neighbour.status() == 200, "its neighbour behind the same gateway is called all the while")
    told = caller.call()
    error = (told.message() or {}).get("error") or {}
    tally.check(told.headers.get("retry-after") == "2" and error.get("code") == -32005 and error["data"]["retryAfter"] == 2, f"the caller is told when to come back: {told}")
    fleet.set(modes={"payment_server": "ok"})
    again, seconds = caller.until(200, 20)
    tally.check(again, "once it works, it is called again")
    tally.notes.append(f"open after 5 failures, closed {seconds:.1f} s after the server worked")


def health(fleet: Fleet, tally: Tally) -> None:
    caller, other = Caller(fleet, "operations_agent", "notice_server", "list_notices"), Caller(fleet, "audit_agent", "billing_server", "get_invoices")
    tally.check((caller.status(), other.status()) == (200, 200), "both servers answer")
    fleet.set(health={"notice_server": 500})
    down, seconds = caller.until(503, 15)
    tally.check(down, "a server that says it is ill gets no calls")
    fleet.seen()
    tally.check(caller.status() == 503 and not fleet.seen()["requests"]["notice_server"], "and sees none")
    tally.check(other.status() == 200, "the other one does")
    fleet.set(health={"notice_server": 200})
    up, after = caller.until(200, 15)
    tally.check(up, "it is called again when it is well")
    tally.notes.append(f"out after {seconds:.1f} s, back after {after:.1f} s")


def correlation(fleet: Fleet, tally: Tally) -> None:
    """Who calls is told to servers by the token, whatever the caller says; and each request keeps one number through both gateways."""
    fleet.seen()
    care = Caller(fleet, "care_agent", "crm_server", "update_customer")
    anyone = Caller(fleet, "any_agent@retail", "search_server", "search_products")
    claimed = {"x-user-id": "somebody-else", "X-Tenant-Id": "finance"}
    sent, number = {}, "number-of-the-caller"
    for one, more in ((care, claimed), (care, {"x-request-id": number}), (anyone, claimed)):
        id_ = request.number()
        headers = request.headers(one.token, f"who{id_}", ("tools/call", one.tool)) | more
        answer = one.connection.ask("POST", request.path(one.server), headers, request.call(one.tool, '{"amount":5}', id_, True))
        tally.check(answer.status == 200, f"the call is answered: {answer}")
        sent[f"who{id_}"] = (one, more)
    seen = fleet.seen()["seen"]
    for id_, (one, more) in sent.items():
        told = seen.get(id_, {}).get("told", {})
        claims = tokens.claims(one.token)
        tally.check(told.get("x-user-id") == claims["sub"], f"the server is told the user of the token: {told}")
        tally.check(told.get("x-tenant-id") == claims.get("bu"), f"and its unit, or none where the token has none: {told}")
        numbered = told.get("x-request-id", "")
        tally.check(numbered == more["x-request-id"] if "x-request-id" in more else len(numbered) == 36, f"and the number of the request: {told}")
    # A denied call has its caller in the record as well, and none of what it says of itself.
    weak = fleet.presenter.token(care.principal, {"user_delegation"}, care.object, 1)
    id_ = request.number()
    headers = request.headers(weak, f"who{id_}", ("tools/call", care.tool)) | claimed
    answer = care.connection.ask("POST", request.path(care.server), headers, request.call(care.tool, "{}", id_, True))
    tally.check(answer.status == 403, f"the weak call is denied: {answer}")
    for name in GATEWAYS:
        fleet.running[name].ask("/reopen_logs", "POST")
        written = "".join(path.read_text(errors="replace") for path in fleet.running[name].folder.glob("*.log"))
        tally.check("somebody-else" not in written, f"the caller's own words stand in the record of {name}")
    lines = log_lines(fleet, "central")
    tally.check(any(line.get("request_id") == number for line in lines), "the record has the number that the caller gave")
    tally.check(any(line.get("status") == 403 and line.get("user_id") == tokens.claims(weak)["sub"] for line in lines), "the record of the denial has the user")


def labels(fleet: Fleet, tally: Tally) -> None:
    """Metrics say what they are named for, and what callers make up never becomes a name in the gateway's memory."""
    care = Caller(fleet, "care_agent", "crm_server", "update_customer")
    for index in range(30):
        id_ = request.number()
        name = f"made-up-{index}"
        headers = request.headers(care.token, f"l{id_}", ("tools/call", name))
        answer = care.connection.ask("POST", request.path(care.server), headers, request.call(name, "{}", id_, True))
        tally.check(answer.status == 403, f"a tool that does not exist is denied: {answer}")
        method = f"invented/{index}"
        headers = request.headers(care.token, f"l{id_}", (method, None))
        care.connection.ask("POST", request.path(care.server), headers, request.message(method, {}, id_, True))
    slow = Caller(fleet, "audit_agent", "payment_server", "refund_charge")
    tally.check(slow.status(arguments='{"amount":5,"seconds":1}') == 200, "a call of a second is answered")
    tally.check(care.status() == 200, "a declared tool is called")
    text = ""

    def value(metric: str, *parts: str) -> float:
        lines = [line for line in text.splitlines() if line.startswith(f"envoy_mcpctl_{metric}{{") and all(part in line for part in parts)]
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines)

    paid = 'mcp_server="payment_server"'
    # Histograms are joined every five seconds.
    until = time.monotonic() + 12
    while time.monotonic() < until and value("mcp_tool_duration_seconds_count", paid) == 0:
        _, text = fleet.running["central"].ask("/stats/prometheus?filter=mcp_")
        time.sleep(0.2)
    tally.check("made-up" not in text and "invented" not in text, "names that callers make up are in the statistics")
    _, everything = fleet.running["central"].ask("/stats?filter=mcpctl")
    tally.check("made-up" not in everything and "invented" not in everything, "names that callers make up are in the gateway's memory")

    crm = 'mcp_server="crm_server"'
    tally.check(value("mcp_requests_total", crm, 'tool_name="other"', 'method="tools/call"') == 30, "calls of tools that do not exist are counted as other")
    tally.check(value("mcp_requests_total", crm, 'method="other"') == 30, "methods that do not exist are counted as other")
    tally.check(value("mcp_requests_total", crm, 'tool_name="update_customer"', 'status_code="200"') > 0, "declared tools have their names")
    tally.check(value("mcp_denied_calls_total", crm, 'tool="other"') == 30, f"denied calls are counted alone: {text[:400]}")
    tally.check(value("mcp_denied_calls_total", 'mcp_server="payment_server"') == 0, "an allowed call is not a denied one")
    count, seconds = value("mcp_tool_duration_seconds_count", paid), value("mcp_tool_duration_seconds_sum", paid)
    tally.check(count >= 1 and 0.9 < seconds < 3, f"a call of a second is a second: {count} calls, {seconds}")
    between = value("mcp_tool_duration_seconds_bucket", paid, 'le="2.5"') - value("mcp_tool_duration_seconds_bucket", paid, 'le="0.5"')
    tally.check(between >= 1, "the buckets are in seconds")
    # What OpenTelemetry's conventions name, and the workspace does not.
    operation = "mcp_server_operation_duration_seconds"
    refunds = (paid, 'mcp_method_name="tools/call"', 'gen_ai_tool_name="refund_charge"')
    tally.check(0.9 < value(f"{operation}_sum", *refunds) < 3, f"an operation of a second takes {value(f'{operation}_sum', *refunds)} seconds")
    well = [line for line in text.splitlines() if f"{operation}_count{{" in line and all(part in line for part in refunds) and "error_type" not in line]
    tally.check(len(well) == 1, f"an operation without an error has a type of error: {well}")
    denied = [line for line in text.splitlines() if f"{operation}_count{{" in line and crm in line and 'error_type="-32001"' in line and "gen_ai_tool_name" not in line]
    tally.check(len(denied) == 1 and denied[0].endswith(" 30") and 'mcp_method_name="tools/call"' in denied[0], f"denied calls of tools that do not exist: {denied}")
    unknown = value(f"{operation}_count", crm, 'mcp_method_name="other"', 'error_type="-32601"')
    tally.check(unknown == 30, f"{unknown} operations are of methods that do not exist")
    gauge = [line for line in text.splitlines() if line.startswith("envoy_mcpctl_mcp_active_requests{")]
    tally.check(any(crm in line for line in gauge) and all(line.endswith(" 0") for line in gauge), f"nothing is in hand, by server: {gauge}")


def records(fleet: Fleet, tally: Tally) -> None:
    """What is written down of a call that was allowed and of one that was denied: who, what, why; and never a token."""
    care = Caller(fleet, "care_agent", "crm_server", "update_customer")
    weak = fleet.presenter.token(care.principal, {"user_delegation"}, care.object, 1)
    tally.check((care.status(), care.status(token=weak)) == (200, 403), "one call is allowed and one denied")
    until = time.monotonic() + 12
    lines = []
    while time.monotonic() < until and len(lines) < 2:
        lines = [line for line in log_lines(fleet, "central") if line.get("tool_name") == "update_customer"]
        time.sleep(0.2)
    subject = care.principal["subject"]
    tally.check([line.get("status") for line in lines[:2]] == [200, 403], f"both are in the record: {lines}")
    for line in lines[:2]:
        tally.check(subject in json.dumps(line) and line.get("mcp_server") == "crm_server" and line.get("mcp_method") == "tools/call", f"the record says who and what: {line}")
        tally.check(bool(line.get("request_id")), f"the record has the number of the request: {line}")
    tally.check("deny:missing_" in json.dumps(lines[1:2]), f"the record says what was missing: {lines[1:2]}")
    for name in GATEWAYS:
        written = "".join(path.read_text(errors="replace") for path in fleet.running[name].folder.glob("*.log"))
        tally.check(care.token not in written and weak not in written, f"a token stands in the record of {name}")
    _, metrics = fleet.running["central"].ask("/stats/prometheus?filter=mcp_")
    tally.check('mcp_requests_total{' in metrics and 'mcp_server="crm_server"' in metrics, f"calls are counted by server: {metrics[:500]}")
    denials = {name: value for name, value in fleet.running["central"].stats("deny:missing").items() if value}
    tally.check(bool(denials), f"denials are counted by what was missing: {denials}")
    while time.monotonic() < until + 5 and not fleet.control("/seen")["spans"]:
        time.sleep(0.2)
    tally.check(fleet.control("/seen")["spans"] > 0, "spans arrive at the collector")
    spans(fleet, tally)


def spans(fleet: Fleet, tally: Tally) -> None:
    """Spans have the names of OpenTelemetry's conventions for MCP, and no name that a caller makes up."""

    def of_tool() -> list[dict]:
        return [one for one in fleet.control("/spans") if one["tags"].get("gen_ai.tool.name") == "update_customer"]

    until = time.monotonic() + 8
    while time.monotonic() < until and len(of_tool()) < 2:
        time.sleep(0.2)
    tally.check(len(of_tool()) >= 2, "the calls have no spans")
    for one in of_tool():
        tags = one["tags"]
        tally.check(one["name"] == tags.get("mcp.method.name") == "tools/call" and tags.get("gen_ai.operation.name") == "execute_tool", f"the span of a call is {one}")
        tally.check(tags.get("mcp.server") == "crm_server", f"the span of a call is {one}")
    tally.check(any(one["tags"].get("mcp.protocol.version") for one in of_tool()), "no span says the revision that a client names")
    for one in fleet.control("/spans"):
        method = one["tags"].get("mcp.method.name", "")
        tally.check("invented" not in one["name"], f"a name that a caller made up is the name of a span: {one['name']}")
        tally.check(method == "tools/call" or not {"gen_ai.tool.name", "gen_ai.operation.name"} & one["tags"].keys(), f"{method} is the call of a tool: {one}")
