"""`prometheus` by Prometheus, Alertmanager and running gateways: each declared metric is there, and alerts fire when they should.

What is expected is written here, or worked out from the YAML of the workspaces, and from no file that is compiled.
"""

import http.server
import re
import threading
from pathlib import Path

from ports import free_ports

from live.caller import Caller
from live.fleet import Fleet
from live.operations import together
from live.tally import Tally

from . import rules, scraped
from .programs import HERE, ROOT, Programs

OWN = HERE / "metrics.yaml"
# Changes of the fleet's workspace: everything goes faster, and its metrics are those that a gateway can measure whole.
FAST = (
    ("    timeout: 30s\n    half_open_timeout: 60s", "    timeout: 2s\n    half_open_timeout: 30s"),
    ("interval: 10s, timeout: 3s", "interval: 1s, timeout: 500ms"),
    ("resources: {connections: 40}", "resources: {connections: 3}"),
    ("labels: [mcp_server, tool_name, status]}", "labels: [mcp_server, tool_name]}"),
    ("        - name: void_invoice\n", "        - name: void_invoice\n          suspended: an incident\n"),
    ("{name: mcp_active_sessions, type: gauge, labels: [mcp_server]}", "{name: mcp_active_requests, type: gauge, labels: [mcp_server]}\n    - {name: mcp_granted_calls_total, type: counter, labels: [mcp_server, principal]}"),
)
# What the exporter of `stock_server` says. One metric says by itself whose it is, and another one does not.
EXPORTED = """\
# TYPE mcp_reservations_total counter
mcp_reservations_total{mcp_server="inner_name",outcome="ok"} %d
# TYPE mcp_active_sessions gauge
mcp_active_sessions{mcp_server="inner_name",agent_type="clerk"} 3
# TYPE mcp_wait_seconds histogram
mcp_wait_seconds_bucket{mcp_server="inner_name",le="0.5"} %d
mcp_wait_seconds_bucket{mcp_server="inner_name",le="+Inf"} %d
mcp_wait_seconds_sum{mcp_server="inner_name"} 1
mcp_wait_seconds_count{mcp_server="inner_name"} %d
# TYPE mcp_size_bytes summary
mcp_size_bytes{quantile="0.5"} 7
mcp_size_bytes_sum %d
mcp_size_bytes_count %d
"""
PARTS = {"counter": [""], "gauge": [""], "histogram": ["_bucket", "_sum", "_count"], "summary": ["", "_sum", "_count"]}


def declared(text: str) -> list[tuple[str, str, list[str]]]:
    """Name, kind and labels of the metrics of a workspace."""
    found = re.findall(r"\{name: (\w+), type: (counter|gauge|histogram|summary)(?:, labels: \[([^]]*)\])?\}", text)
    return [(name, kind, [label.strip() for label in labels.split(",") if label]) for name, kind, labels in found]


# What OpenTelemetry's conventions name, where a workspace declares any metric.
OPERATIONS = ("mcp_server_operation_duration_seconds", "histogram", ["mcp_server", "mcp_method_name", "gen_ai_tool_name"])


def missing(prometheus: scraped.Prometheus, metrics: list[tuple[str, str, list[str]]], server: str) -> list[str]:
    """What of the declared metrics is not there under its name, with its labels, for a server."""
    found = []
    for name, kind, labels in metrics:
        for part in PARTS[kind]:
            own = {*labels, *({"le"} if part == "_bucket" else {"quantile"} if (kind, part) == ("summary", "") else set())}
            of_server = [one for one in prometheus.series(name + part) if one.get("mcp_server") == server]
            if not of_server:
                found.append(f"{name}{part} of {server} is not there")
            for one in of_server:
                lacking = own - one.keys()
                foreign = one.keys() - own - {"__name__", "job", "instance", "gateway", "mcp_server"}
                if lacking or foreign:
                    found.append(f"{name}{part} lacks {lacking} and has {foreign}")
    return found


class Exporter(http.server.BaseHTTPRequestHandler):
    asked = 0

    def do_GET(self):
        Exporter.asked += 1
        text = (EXPORTED % ((Exporter.asked * 2,) * 6)).encode() if self.path == "/metrics" else b""
        self.send_response(200 if text else 404)
        self.send_header("content-type", "text/plain; version=0.0.4")
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


def of_servers(programs: Programs, folder: Path, tally: Tally) -> None:
    """Metrics of a server are there as the server says them, and the recorded series are made of them."""
    metrics = declared(OWN.read_text())
    named = [one for one in metrics if "mcp_server" in one[2]]
    with scraped.prometheus(programs, folder) as prometheus:
        scraped.until(lambda: not missing(prometheus, named, "inner_name"))
        for fault in missing(prometheus, named, "inner_name") + missing(prometheus, [one for one in metrics if one not in named], "stock_server"):
            tally.fault(fault)
        renamed = [one for name, kind, _ in metrics for one in prometheus.series(name + PARTS[kind][-1]) if "exported_mcp_server" in one]
        tally.check(not renamed, f"the label of a metric is renamed: {renamed}")
        recorded = re.findall(r"record: (\S+)", (folder / "rules.yaml").read_text())
        operations = [name for name in recorded if OPERATIONS[0] in name]
        tally.check((len(recorded), len(operations)) == (7, 2), f"recorded are {recorded}")
        # The server does not follow the conventions, so two of them have nothing to be computed from.
        for name in sorted({*recorded} - {*operations}):
            tally.check(scraped.until(lambda: prometheus.value(name) not in (None, 0.0)), f"{name} is never computed")
        tally.check(prometheus.value("gateway_mcp_server_agent_type:mcp_active_sessions:sum") == 3, "three sessions are not three")
    # The same with labels of targets that win.
    spoiled = programs.folder("spoiled")
    for file in ("rules.yaml", "prometheus.yaml"):
        (spoiled / file).write_text((folder / file).read_text().replace("honor_labels: true", "honor_labels: false"))
    with scraped.prometheus(programs, spoiled) as prometheus:
        scraped.until(lambda: prometheus.series("mcp_active_sessions"))
        tally.check(bool(missing(prometheus, named, "inner_name")), "labels of targets win, and nobody notices")


def of_gateways(fleet: Fleet, programs: Programs, folder: Path, text: str, port: int, tally: Tally) -> None:
    """Gateways measure what is declared, and their alerts reach those who look after a server."""
    metrics = declared(text)
    tally.check(len(metrics) == 4, f"{len(metrics)} metrics are declared")
    care = Caller(fleet, "care_agent", "crm_server", "update_customer")
    slow = Caller(fleet, "audit_agent", "payment_server", "refund_charge")
    with scraped.alertmanager(port) as told, scraped.prometheus(programs, folder) as prometheus:
        up = 'up{job="mcp-gateways"} == 1'
        tally.check(scraped.until(lambda: len(prometheus.ask("query", query=up).get("result", [])) == 3), "not all gateways are scraped")
        tally.check(care.status() == 200 and slow.status(arguments='{"amount":5,"seconds":1}') == 200, "calls are answered")
        for server in ("crm_server", "payment_server"):
            scraped.until(lambda: not missing(prometheus, [*metrics, OPERATIONS], server))
            for fault in missing(prometheus, [*metrics, OPERATIONS], server):
                tally.fault(fault)

        def counting() -> set[str]:
            return {one.get("gateway") for one in prometheus.series("mcp_requests_total") if one["mcp_server"] == "payment_server"}

        both = scraped.until(lambda: counting() == {"central", "finance"})
        tally.check(bool(both), f"a call that passes two gateways is counted by {counting()}")
        seconds = 'mcp_tool_duration_seconds_sum{mcp_server="payment_server",gateway="finance"}'
        took = scraped.until(lambda: prometheus.value(seconds))
        tally.check(0.9 < (took or 0) < 3, f"a call of a second takes {took} seconds")
        kept = {name for name in prometheus.ask("label/__name__/values") if name.startswith("envoy_")}
        tally.check(len(kept) == 8, f"of Envoy's own statistics these are kept: {kept}")
        rate = 'gateway_mcp_server_method_status_code:mcp_requests:rate5m{mcp_server="crm_server",method="tools/call"}'
        tally.check(scraped.until(lambda: care.status() == 200 and (prometheus.value(rate) or 0) > 0), "calls are not recorded as a rate")
        # Whoever has called just now did so for the first time.
        early = [one for one in prometheus.alerts() if one["labels"]["alertname"] != "McpGrantFirstUsed"]
        tally.check(not early, f"before anything fails, these alerts fire: {early}")
        fires(fleet, prometheus, slow, told, lambda labels: rules.routed(programs, folder, **labels), tally)


def fires(fleet: Fleet, prometheus: scraped.Prometheus, slow: Caller, told: list[dict[str, str]], routed, tally: Tally) -> None:
    """Each alert fires when its cause is made, and tells those who look after the server."""

    def alert(name: str, receiver: str | None, state: str = "firing", **labels: str) -> None:
        found = scraped.until(lambda: prometheus.firing(name, state, **labels))
        if tally.check(bool(found), f"{name} {labels} is not {state}: {prometheus.alerts(state)}") and receiver:
            read_on = found["annotations"]
            tally.check("mcpctl explain " in read_on.get("runbook", "") and "$" not in read_on["summary"], f"{name} says {read_on}")

            def receivers() -> set[str]:
                wanted = {"alertname": name, **labels}.items()
                return {routed(one) for one in told if wanted <= one.items()}

            tally.check(bool(scraped.until(lambda: receivers() == {receiver})), f"{name} {labels} is told to {receivers()}")

    # What is not granted, and a token that is none, over and over. A client's first request without a token counts, too.
    other = Caller(fleet, "care_agent", "payment_server", "refund_charge")
    denied = [other.status() for _ in range(30)]
    refused = [slow.status(token="not.a.token") for _ in range(30)]
    tally.check(set(denied) == {403} and set(refused) == {401}, f"denials have the status {set(denied)} and {set(refused)}")
    alert("McpCallsDenied", "central-ticket", gateway="central")
    alert("McpTokensRefused", "central-ticket", gateway="central")
    tally.check(prometheus.firing("McpStepUpsFailed") is None, "calls that are not granted are called step-ups that fail")
    # A call that is granted, and lacks evidence.
    bare = Caller(fleet, "audit_agent", "payment_server", "refund_charge", holding={"user_delegation"})
    # The series of a rule begins with its first denial, and grows with the next ones.
    first = bare.status()
    begun = scraped.until(lambda: [one for one in prometheus.series("envoy_http_rbac_policy_denied") if "missing" in str(one)])
    tally.check(bool(begun), f"a rule has no series of its denials: {prometheus.series('envoy_http_rbac_policy_denied')}")
    lacking = {first} | {bare.status() for _ in range(30)}
    tally.check(lacking == {403}, f"calls that lack evidence have the status {lacking}")
    alert("McpStepUpsFailed", "central-ticket", gateway="central")
    # One call of what is suspended, by whoever it was granted to.
    tally.check(prometheus.firing("McpSuspendedCalled") is None, "calls are of something suspended before any is")
    gone = Caller(fleet, "billing_agent", "billing_server", "void_invoice").call()
    tally.check(gone.status == 403 and gone.reason().endswith("billing_server/deny:suspended]"), f"what is suspended is denied as such: {gone}")
    alert("McpSuspendedCalled", "central-ticket", gateway="central")
    # Somebody who did not call a server before. Who it is, is told by the token, be it one of a user that an agent acts for or its own.
    tally.check(prometheus.firing("McpGrantFirstUsed", principal="operations_agent") is None, "somebody has called before")
    Caller(fleet, "operations_agent", "notice_server", "list_notices").call()
    alert("McpGrantFirstUsed", "central-ticket", gateway="central", mcp_server="notice_server", principal="operations_agent")
    callers = {one.get("principal") for one in prometheus.series("mcp_granted_calls_total")}
    tally.check("audit_agent" in callers and callers <= {"audit_agent", "care_agent", "operations_agent", "other"}, f"granted calls are of {callers}")
    # A bulkhead of three, and eight calls at once.
    together(slow, 8, '{"amount":5,"seconds":1}')
    alert("McpBulkheadFull", "finance-page", gateway="central", mcp_server="payment_server", pool="payment")
    tally.check(prometheus.firing("McpBreakerOpen") is None, "refused calls open no breaker")
    # A call that takes longer than the breaker waits. Both gateways that it passes wait as long, and either may be the one that ends it.
    slow.call(arguments='{"amount":5,"seconds":4}')
    alert("McpCallsTimeOut", "finance-ticket", mcp_server="payment_server")
    # Probes that fail.
    fleet.set(health={"notice_server": 500})
    alert("McpServerUnhealthy", "central-page", gateway="central", mcp_server="notice_server")
    fleet.set(health={"notice_server": 200})
    gone = scraped.until(lambda: prometheus.firing("McpServerUnhealthy") is None)
    tally.check(bool(gone), "a server that is well again is still called ill")
    # Failures in a row.
    fleet.set(modes={"payment_server": "fail"})
    for _ in range(12):
        slow.status()
    alert("McpBreakerOpen", "finance-page", gateway="central", mcp_server="payment_server")
    tally.check(prometheus.firing("McpServerUnhealthy") is None, "a server that its breaker leaves out is not ill")
    others = {one["labels"]["mcp_server"] for one in prometheus.alerts() if one["labels"]["alertname"] == "McpBreakerOpen"}
    tally.check(others == {"payment_server"}, f"breakers are open for {others}")
    fleet.set(modes={"payment_server": "ok"})
    tally.check(bool(scraped.until(lambda: prometheus.firing("McpBreakerOpen") is None, 60)), "a closed breaker is still called open")
    # A gateway that is gone.
    fleet.running["retail"].stop()
    alert("McpGatewayUnread", None, "pending", gateway="retail")


def routes(programs: Programs, folder: Path, tally: Tally) -> int:
    """Who is told, by amtool."""
    wanted = [
        ({"mcp_server": "payment_server", "severity": "page"}, "finance-page"), ({"mcp_server": "crm_server", "severity": "ticket"}, "retail-ticket"),
        ({"mcp_server": "notice_server", "severity": "page"}, "central-page"), ({"mcp_server": "notice_server", "severity": "ticket"}, "central-ticket"),
        ({"gateway": "retail", "severity": "page"}, "retail-page"), ({"gateway": "central", "severity": "ticket", "pool": "payment"}, "central-ticket"),
    ]  # fmt: skip
    for labels, receiver in wanted:
        found = rules.routed(programs, folder, **labels)
        tally.check(found == receiver, f"{labels} goes to {found}")
    return len(wanted)


def run(programs: Programs) -> Tally:
    tally = Tally("prometheus")
    exporter = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Exporter)
    threading.Thread(target=exporter.serve_forever, daemon=True).start()
    source = programs.folder("own") / OWN.name
    source.write_text(OWN.read_text().replace("4711", str(exporter.server_port)))
    own, seed = programs.compiled(source, "prometheus"), programs.compiled(ROOT / "fixtures/seed", "prometheus")
    tally.check(not (seed / "prometheus.yaml").exists(), "the document has nothing to scrape")
    [port] = free_ports(1)
    fleet = Fleet(programs.folder("fleet"), programs.mcpctl, programs.more["relation"], programs.more["envoy"], programs.more["engines"])
    try:
        alerts = ("  cedar: {}\n", f"  cedar: {{}}\n  prometheus: {{alertmanager: 'http://127.0.0.1:{port}'}}\n")
        workspace = fleet.workspace("watched", (*FAST, alerts))
        watched = programs.compiled(workspace, "prometheus")
        for folder in (own, seed, watched):
            for fault in rules.faults(programs, folder):
                tally.fault(f"{folder.parent.name}: {fault}")
            tally.checks += 5
        tried = routes(programs, watched, tally)
        noticed = rules.spoiled(programs, own, tally)
        of_servers(programs, own, tally)
        bundle = fleet.compile(workspace)
        fleet.start_servers()
        fleet.start_gateways(bundle)
        of_gateways(fleet, programs, watched, (workspace / "operations/telemetry.yaml").read_text(), port, tally)
    finally:
        fleet.stop()
        exporter.shutdown()
    tally.notes.append(f"8 alerts made to fire and one pending, {tried} routes, {noticed} of {len(rules.SPOILED)} spoiled files noticed")
    return tally.end()
