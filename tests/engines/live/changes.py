"""What changes while calls go on: the policy, shadow rules beside it, tokens that end, keys that cannot be had."""

import json
import os
import re
import time

from . import gateway, sdk
from .caller import Caller, log_lines
from .fleet import GATEWAYS, Fleet
from .tally import Tally


SUSPENDED = ("    - name: storefront_agent\n", "    - name: storefront_agent\n      suspended: the kill switch is tested\n")


def swap(fleet: Fleet, tally: Tally) -> None:
    """The policy is the routes; a file put in their place by renaming is the policy from then on."""
    caller = Caller(fleet, "storefront_agent", "search_server", "find_store")
    tally.check(caller.status() == 200, "an agent calls")
    running = {name: fleet.running[name] for name in ("central", "retail")}
    before = {name: (one.folder / "xds/rds.yaml").read_text() for name, one in running.items()}
    changed = fleet.compile(fleet.workspace("suspended", [SUSPENDED]))
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
    """The next policy beside the one in force, as `--shadow` compiles it: it decides nothing, and is counted."""
    running = {name: fleet.running[name] for name in ("central", "retail")}
    in_force = running["central"].folder.parent.parent
    both = fleet.compile(fleet.workspace("shadowed", [SUSPENDED]), "--shadow", in_force)
    said = json.loads((both.parent / "bundle.json").read_text())["settings"]["other"]
    old = json.loads((in_force / "bundle.json").read_text())["sources"]
    tally.check(said.get("shadow") == "envoy" and said.get("enforced_sources") == old, f"the bundle says what decides: {said}")
    for name, one in running.items():
        text = (both / name / "xds/rds.yaml").read_text()
        tally.check(text.count("shadow_matcher") > 0 and text != (changed / name / "xds/rds.yaml").read_text(), f"{name} has both policies")
        gateway.replace(one.folder / "xds", "rds.yaml", text)
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


CENTRAL = ("notice_server", "send_notice")
NEXT = ("        - crm_server/get_customer\n        - \"crm_server/resource:crm://customer/vip/*\"\n", "        - \"crm_server/resource:crm://customer/vip/*\"\n")
VERSION, DIFFER = "x-mcp-policy-version", "envoy_mcpctl_mcp_policy_versions_differ"


def versions(fleet: Fleet, tally: Tally) -> None:
    """While only one of two gateways has the next policy, the one behind notices that their versions differ."""
    caller = Caller(fleet, "storefront_agent", "search_server", "find_store")
    differ = lambda: next((line.split()[-1] for line in fleet.running["retail"].ask("/stats/prometheus")[1].splitlines() if line.startswith(DIFFER)), None)
    running = {name: fleet.running[name] for name in ("central", "retail")}
    before = {name: (one.folder / "xds/rds.yaml").read_text() for name, one in running.items()}
    tally.check(caller.status() == 200 and differ() == "0", f"by one policy, the versions are the same: {differ()}")
    changed = fleet.compile(fleet.workspace("next", [NEXT]))
    text = {name: (changed / name / "xds/rds.yaml").read_text() for name in running}
    told = {found for one in (before, text) for found in re.findall(VERSION + r'", "value": "(\w+)"', one["central"])}
    tally.check(len(told) == 2, f"each policy has a version of its own: {told}")

    def until(word: str) -> bool:
        for _ in range(100):
            if caller.status() != 200:
                return False
            if differ() == word:
                return True
            time.sleep(0.05)
        return False

    for name, word in (("central", "1"), ("retail", "0")):
        gateway.replace(running[name].folder / "xds", "rds.yaml", text[name])
        tally.check(until(word), f"with {name} rolled out, calls go on, and the versions differ: {differ()}, which should be {word}")
    # What a caller says there is neither believed nor handed on; no server is told anything.
    fleet.seen()
    caller.more = {VERSION: "of-the-caller"}
    tally.check(caller.status() == 200 and differ() == "0", f"a caller has no say in it: {differ()}")
    known = fleet.seen()["seen"]
    tally.check(known and not any(VERSION in one["told"] for one in known.values()), f"and the server is told nothing: {known}")
    elsewhere = Caller(fleet, "storefront_agent", *CENTRAL)
    elsewhere.more = {VERSION: "of-the-caller"}
    tally.check(elsewhere.status() == 200, "a server behind the central gateway alone is called")
    known = fleet.seen()["seen"]
    tally.check(known and not any(VERSION in one["told"] for one in known.values()), f"and is told nothing either: {known}")
    for name in running:
        gateway.replace(running[name].folder / "xds", "rds.yaml", before[name])
    tally.check(until("0"), "the policy before is put back")


def rotation(fleet: Fleet, tally: Tally) -> None:
    """A certificate is renewed, and an authority withdrawn, while calls go on."""
    caller = Caller(fleet, "care_agent", "crm_server", "get_customer")
    tally.check(caller.status() == 200, "an agent calls")
    pair, before = fleet.pki.gateway("central"), caller.connection.socket.getpeercert(True)

    def shown() -> tuple[int, bytes | None]:
        other = Caller(fleet, "care_agent", "crm_server", "get_customer")
        status = other.status()
        certificate = other.connection.socket.getpeercert(True) if other.connection.socket else None
        other.connection.close()
        return status, certificate

    def until(check, seconds: float = 5) -> tuple[bool, float]:
        began = time.monotonic()
        while time.monotonic() - began < seconds:
            if check(shown()):
                return True, time.monotonic() - began
            time.sleep(0.05)
        return False, seconds

    fresh = fleet.pki.gateways.issue("central-renewed", f"spiffe://{fleet.pki.trust_domain}/mcp/gateway/central", hosts=True)
    os.replace(fresh.key, pair.key)
    os.replace(fresh.cert, pair.cert)
    renewed, seconds = until(lambda found: found[0] == 200 and found[1] != before)
    tally.check(renewed, "whoever connects after the renewal gets the new certificate, and calls")
    tally.check(caller.status() == 200 and caller.connection.made == 1, "the connection before it goes on")
    both = fleet.pki.both.read_bytes()
    gateway.replace(fleet.pki.folder, fleet.pki.both.name, fleet.pki.gateways.file.read_text())
    fleet.seen()
    refused, withdrawn = until(lambda found: found[0] == 0)
    tally.check(refused, "once the callers' authority is withdrawn, none of its certificates connects")
    gateway.replace(fleet.pki.folder, fleet.pki.both.name, both.decode())
    back, _ = until(lambda found: found[0] == 200)
    tally.check(back, "put back, they do")
    tally.notes.append(f"the new certificate was shown after {seconds:.2f} s, the authority withdrawn after {withdrawn:.2f} s")


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
    """Every variant of this run is one that Envoy takes, and so are other words for the same keys."""
    zipkin = "      endpoint: https://zipkin.observability.meridian.example:9411/api/v2/spans"
    collector = "https://collector.observability.meridian.example"
    for name, exporter, strategy in (
        ("http", f"      endpoint: {collector}:4318/v1/traces", "maglev"),
        ("grpc", f"      type: otlp\n      endpoint: {collector}:4317", "ring_hash"),
        ("other", f"      type: zipkin\n      endpoint: {collector}/spans", "random"),
    ):
        fleet.compile(fleet.workspace(f"spans-{name}", (
            (zipkin, exporter),
            ("strategy: round_robin", f"strategy: {strategy}"),
            ("request_id_header: x-request-id", "request_id_header: x-correlation-id"),
            ("type: http, endpoint: /health,", "type: tcp, port: 8080,"),
            ("{connections: 60}", "{connections: 4294967295}"),
        )))
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
