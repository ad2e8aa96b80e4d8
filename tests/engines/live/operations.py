"""Operation: the breaker, the bulkhead, health checks, policy that changes while calls go on, shadow rules, keys that cannot be
had, tokens that end, records and traces. Each on gateways that run a variant of the workspace."""

import json
import threading
import time

import yaml

from . import gateway, request, sdk
from .fleet import GATEWAYS, Fleet
from .tally import Tally
from .wire import Refused, Stream


def load(text: str) -> dict:
    return yaml.load(text, Loader=yaml.CSafeLoader)


class Caller:
    """One caller of one tool, allowed unless the gateways say otherwise."""

    def __init__(self, fleet: Fleet, name: str, server: str, tool: str, at="central", **more):
        self.fleet, self.server, self.tool = fleet, server, tool
        self.principal, self.object = fleet.relation.principal(name), fleet.relation.tool(server, tool)
        self.everything = set(fleet.presenter.varied(self.object))
        self.token = fleet.presenter.token(self.principal, self.everything, self.object, **more)
        self.connection = fleet.connect(at, fleet.caller(self.principal))

    def call(self, arguments='{"amount":5}', connection=None, token=None):
        id_ = request.number()
        headers = request.headers(token or self.token, f"p{id_}", ("tools/call", self.tool))
        try:
            return (connection or self.connection).ask("POST", request.path(self.server), headers, request.call(self.tool, arguments, id_, True))
        except Refused as error:
            return error

    def status(self, **more) -> int:
        return getattr(self.call(**more), "status", 0)

    def until(self, status: int, seconds: float) -> tuple[bool, float]:
        began = time.monotonic()
        while time.monotonic() - began < seconds:
            if self.status() == status:
                return True, time.monotonic() - began
            time.sleep(0.05)
        return False, seconds


FAST = (
    ("    timeout: 30s\n    half_open_timeout: 60s", "    timeout: 1s\n    half_open_timeout: 2s"),
    ("interval: 10s, timeout: 3s", "interval: 1s, timeout: 1s"),
    ("resources: {connections: 40}", "resources: {connections: 3}"),
    ("resources: {connections: 60}", "resources: {connections: 3}"),
    ("rate: 0.05", "rate: 1.0"),
)


def run(fleet: Fleet):
    fleet.stop_gateways()
    fleet.seen()
    bundle = fleet.compile(fleet.workspace("fast", FAST))
    fleet.start_gateways(bundle, file="envoy.static.yaml")
    for part in (records, bulkhead, breaker, health):
        yield counted(part, fleet)
    fleet.stop_gateways()
    fleet.start_gateways(fleet.compile(fleet.workspace("swap")))
    yield counted(swap, fleet)
    yield counted(endings, fleet)
    fleet.stop_gateways()
    yield counted(keys, fleet)
    fleet.stop_gateways()
    yield counted(status, fleet)
    fleet.stop_gateways()
    yield counted(emitted, fleet)


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
    # Streams that stay open take nothing from the calls' share.
    reader = Caller(fleet, "audit_agent", "billing_server", "get_invoices")
    begin = request.message("initialize", {"protocolVersion": request.LEGACY, "capabilities": {}, "clientInfo": {"name": "x", "version": "1"}}, 1, False)
    open_ = []
    for index in range(3):
        connection = fleet.connect("central", fleet.caller(reader.principal))
        headers = request.headers(reader.token, f"q{index}")
        begun = connection.ask("POST", request.path("billing_server"), headers, begin)
        session = {"mcp-session-id": begun.headers.get("mcp-session-id", ""), "mcp-protocol-version": request.LEGACY, "accept": "text/event-stream"}
        open_.append(Stream(connection, "GET", request.path("billing_server"), headers | session))
    tally.check([stream.status for stream in open_] == [200] * 3, f"three streams are open: {[stream.status for stream in open_]}")
    tally.check(reader.status() == 200, "and a call finds room beside them")
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


def swap(fleet: Fleet, tally: Tally) -> None:
    """The policy is the routes; a file put in their place by renaming is the policy from then on."""
    caller = Caller(fleet, "storefront_agent", "search_server", "find_store")
    tally.check(caller.status() == 200, "an agent calls")
    running = {name: fleet.running[name] for name in ("central", "retail")}
    before = {name: (one.folder / "xds/rds.yaml").read_text() for name, one in running.items()}
    changed = fleet.compile(fleet.workspace("suspended", [("    - name: storefront_agent\n", "    - name: storefront_agent\n      suspended: the kill switch is tested\n")]))
    for name in running:
        text = (changed / name / "xds/rds.yaml").read_text()
        tally.check(text != before[name], f"the policy of {name} is another one")
        gateway.replace(running[name].folder / "xds", "rds.yaml", text)
    denied, seconds = caller.until(403, 5)
    tally.check(denied, "suspended, it is denied")
    tally.check(caller.connection.made == 1, f"over the connection that it has: {caller.connection.made}")
    fleet.seen()
    tally.check(caller.status() == 403 and not fleet.seen()["seen"], "and the server sees nothing of it")
    for broken in ("DENY", "resources", "matcher_list"):
        rejected = {name: refusals(one.stats("rds.mcp.update")) for name, one in running.items()}
        for name, one in running.items():
            gateway.replace(one.folder / "xds", "rds.yaml", before[name].replace(broken, "broken", 1))
        for name, one in running.items():
            after = one.wait("rds.mcp.update", lambda found, name=name: refusals(found) > rejected[name], 5)
            tally.check(refusals(after) > rejected[name], f"{name} refuses a policy with a broken {broken}: {after}")
    tally.check(caller.status() == 403, "and keeps the one that it has")
    for name, one in running.items():
        gateway.replace(one.folder / "xds", "rds.yaml", before[name])
    again, back = caller.until(200, 5)
    tally.check(again, "the policy before is put back")
    tally.notes.append(f"denied {seconds:.2f} s after the file was there, allowed {back:.2f} s after it was back")
    shadow(fleet, tally, caller, before, changed)


def refusals(found: dict[str, int]) -> int:
    return sum(value for name, value in found.items() if name.endswith(("update_rejected", "update_failure")))


def shadow(fleet: Fleet, tally: Tally, caller: Caller, before: dict, changed) -> None:
    """The next policy beside the one in force: it decides nothing, and is counted."""
    running = {name: fleet.running[name] for name in ("central", "retail")}
    for name, one in running.items():
        now, then = load(before[name]), load((changed / name / "xds/rds.yaml").read_text())
        rules = {route["name"]: route for route in routes(then)}
        for route in routes(now):
            own, next_ = per_route(route), per_route(rules.get(route["name"], {}))
            if own and next_:
                own["shadow_matcher"] = next_["matcher"]
                own["shadow_rules_stat_prefix"] = own["rules_stat_prefix"]
        gateway.replace(one.folder / "xds", "rds.yaml", json.dumps(now))
    counted_ = {}
    for _ in range(100):
        tally.requests += 1
        status = caller.status()
        tally.allowed += status == 200
        counted_ = {key: value for key, value in fleet.running["central"].stats("shadow").items() if value}
        if status != 200 or any("shadow_denied" in key for key in counted_):
            break
        time.sleep(0.05)
    tally.denied = tally.requests - tally.allowed
    tally.check(tally.denied == 0, f"what the shadow denies goes on: {caller.status()}")
    tally.check(any("shadow_denied" in key for key in counted_), f"and is counted: {counted_}")
    records_ = [line for line in log_lines(fleet, "central") if "shadow_engine_result" in json.dumps(line)]
    tally.check(any('"denied"' in json.dumps(line.get("decision")) and line.get("status") == 200 for line in records_), f"the record of the call has both: {records_[-1:]}")
    for name, one in running.items():
        gateway.replace(one.folder / "xds", "rds.yaml", before[name])


def routes(document: dict) -> list[dict]:
    return [route for resource in document["resources"] for host in resource["virtual_hosts"] for route in host["routes"]]


def per_route(route: dict) -> dict | None:
    found = route.get("typed_per_filter_config", {}).get("envoy.filters.http.rbac", {})
    return found.get("rbac")


def endings(fleet: Fleet, tally: Tally) -> None:
    """A token ends while its connection goes on."""
    now = int(time.time())
    ending = Caller(fleet, "care_agent", "crm_server", "get_customer", exp=now - 27)
    tally.check(ending.status() == 200, "a token holds for the seconds that clocks may differ")
    ended, seconds = ending.until(401, 8)
    tally.check(ended and ending.connection.made == 1, "and then no more, over the same connection")
    tally.notes.append(f"a token was refused {seconds + now - 27 - now + 27:.1f} s into the check, 30 s after its end")
    for what, more in {"an expired token": {"exp": now - 3600}, "a token for another audience": {"aud": "another"}}.items():
        answer = Caller(fleet, "care_agent", "crm_server", "get_customer", **more).call()
        tally.check(getattr(answer, "status", 0) == 401 and "resource_metadata" in answer.headers.get("www-authenticate", ""), f"{what}: {answer}")


def status(fleet: Fleet, tally: Tally) -> None:
    """Denials under status 200, for clients that end their session at any other."""
    fleet.start_gateways(fleet.compile(fleet.workspace("status", [("deny_status: 403", "deny_status: 200")])))
    fleet.seen()
    for name, answer in {"missing": {"user_delegation"}, "not granted": set()}.items():
        caller = Caller(fleet, "care_agent" if answer else "billing_agent", "crm_server", "update_customer")
        token = fleet.presenter.token(caller.principal, answer, caller.object)
        got = caller.call(token=token)
        error = (got.message() or {}).get("error", {})
        tally.check(got.status == 200 and error.get("code") == -32001 and bool(got.reason()), f"{name}: {got}")
    tally.check(fleet.seen()["seen"] == {}, "and nothing of it reaches a server")
    listed = [job for job in sdk.jobs(fleet, ["legacy"]) if not job[1]][:4]
    older = sdk.answers(fleet.engines / "sdk1/bin/python", listed)
    for (_, _, missing, what), answer in zip(listed, older):
        reason = str(((answer.get("error") or {}).get("data") or {}).get("reason"))
        tally.check(any(fact in reason for fact in missing) and answer.get("survived") is True, f"the older client learns why, and goes on: {what}: {answer}")
    tally.check(len(older) == len(listed) > 0, "the older client answers")


def emitted(fleet: Fleet, tally: Tally) -> None:
    """Every variant of this run is one that Envoy takes."""
    for bundle in fleet.bundles:
        for name in GATEWAYS:
            for file in ("envoy.static.yaml", "bootstrap.yaml"):
                said = gateway.validate(fleet.envoy, bundle / name, file)
                tally.check(said is None, f"{bundle.parent.name}: {name}/{file}: {said}")
    tally.notes.append(f"{len(fleet.bundles)} bundles")


def keys(fleet: Fleet, tally: Tally) -> None:
    """Keys from a URL: while they cannot be had nobody is let in; once they can, callers are."""
    url = f"http://127.0.0.1:{fleet.control_port}/jwks/agents"
    folder = fleet.workspace("keys", [("jwks_file: central/keys/agents.json", f"jwks: {url}")])
    bundle = fleet.compile(folder)
    fleet.set(jwks_status=500)
    fleet.start_gateways(bundle)
    caller = Caller(fleet, "care_agent", "crm_server", "get_customer")
    fleet.seen()
    answer = caller.call()
    tally.check(getattr(answer, "status", 0) in (401, 503) and not fleet.seen()["seen"], f"without keys nobody is let in: {answer}")
    flow = Caller(fleet, "workflow:customer_onboarding", "crm_server", "update_customer")
    tally.check(flow.status() == 200, f"the other issuer's keys are there: {flow.call()}")
    fleet.set(jwks_status=200)
    up, seconds = caller.until(200, 15)
    tally.check(up, f"with keys they are: {caller.call()}")
    tally.notes.append(f"let in {seconds:.1f} s after the keys were there")


def log_lines(fleet: Fleet, name: str) -> list[dict]:
    """The access log, flushed."""
    fleet.running[name].ask("/reopen_logs", "POST")
    time.sleep(0.3)
    found = []
    for line in (fleet.running[name].folder / "stdout.log").read_text(errors="replace").splitlines():
        try:
            found.append(json.loads(line))
        except ValueError:
            continue
    return [line for line in found if isinstance(line, dict)]


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
