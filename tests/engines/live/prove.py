"""That the suite sees what is wrong: each of these spoils what was emitted in one way, and some part must fail for it."""

from . import attacks, controls, ends, faults, headers, matrix, messages, methods, operations
from .fleet import Fleet
from .tally import Tally

DENY = r'("name": "[^"]*{}", "action": )"DENY"'
ALLOWED = r'\1"ALLOW"'
# Parts that run on the workspace as it is.
WHOLE = ["matrix", "attacks", "methods", "messages"]
# Parts that compile workspaces of their own.
OWN = {"controls": controls.run, "ends": ends.run, "faults": faults.run, "headers": headers.run}
# What is spoilt, by which replacement, and the parts that must see it.
WAYS = [
    ("a missing second factor is let through", DENY.format("deny:missing_mfa"), ALLOWED, ["matrix"]),
    ("a missing approval of the other unit is let through", DENY.format("deny:missing_cross_unit_approval"), ALLOWED, ["matrix"]),
    ("a caller without a grant is let through", DENY.format("deny:not_granted"), ALLOWED, ["matrix"]),
    ("a denied method is let through", DENY.format("crm_server/deny:method"), ALLOWED, ["methods"]),
    ("a response may have further keys", "and count == 3", "and count >= 3", ["messages"]),
    ("a header that repeats an argument may be there twice", "count == 1 and", "", ["headers"]),
    ("an argument may lack its header", "count == 1 and says", "count == 0 or says", ["headers"]),
    ("a header needs no argument", "return count == 0 end", "return true end", ["headers"]),
    ("base64 is not looked into", r"if header ~= '=\?base64\?'[^\\]*\\n", r"\\n", ["headers"]),
    ("escapes in arguments are not read", "value = meant\\(sub\\(value, 2, -2\\)\\)", "value = sub(value, 2, -2)", ["headers"]),
    ("headers that nothing compares are left", r"and not declared\[name\]", "and false", ["headers"]),
    ("a header that differs is let through", DENY.format("deny:headers"), ALLOWED, ["headers"]),
    ("one argument of a tool is not compared", '"mcp-param-tenant"', '"mcp-param-nobody"', ["headers"]),
    ("strings may hold what JSON does not allow", r"\[%z[^\]]*\]", r'[\\"\\\\\\\\]', ["messages"]),
    ("an allowed call is denied", r'("name": "crm_server/level-2/allow", "action": )"ALLOW"', r'\1"DENY"', ["matrix"]),
    ("the limit of an amount is doubled", r'"end": 10000\.0\d*', '"end": 20000.0', ["matrix", "attacks"]),
    ("two agents are swapped", r"sa/(care|audit)\b", lambda found: "sa/audit" if found[1] == "care" else "sa/care", ["matrix"]),
    ("an issuer speaks for all", r'"exact": "https://workflows\.meridian\.example"', '"prefix": "https://"', ["matrix"]),
    ("a denial does not say why", r"startsWith\(('+)rbac_access_denied", r"startsWith(\1nothing", ["matrix"]),
    ("certificates are optional", '"require_client_certificate": true', '"require_client_certificate": false', ["matrix"]),
    ("a unit's gateway takes every certificate", r'"match_typed_subject_alt_names": \[\s*\{\s*"san_type": "URI",\s*"matcher": \{\s*"exact": "[^"]+/mcp/gateway/central"\s*\}\s*\}\s*\]', '"match_typed_subject_alt_names": []', ["matrix", "attacks"]),
    ("the token goes on to the server", r'("request_headers_to_remove": \[)"authorization", ', r"\1", ["attacks"]),
    ("a certificate of another is let through", DENY.format("deny:certificate_of_another"), ALLOWED, ["attacks"]),
    ("a token for another server is accepted", r'"https://127\.0\.0\.1:(\d+)/payment_server/mcp"', r'"https://127.0.0.1:\1/crm_server/mcp"', ["attacks"]),
    ("tokens need not end", '"require_expiration": true', '"require_expiration": false', ["attacks"]),
    ("other traffic passes", '"traffic_mode": "REJECT_NO_MCP"', '"traffic_mode": "PASS_THROUGH"', ["attacks"]),
    ("keys may stand twice", '"reject_duplicate_keys": true', '"reject_duplicate_keys": false', ["attacks"]),
    ("headers are believed", '"attribute_source": "VERIFY"', '"attribute_source": "HEADERS"', ["attacks"]),
    ("the breaker never opens", '"consecutive_5xx": 5', '"consecutive_5xx": 500', ["breaker"]),
    ("a lone host is never left out", r'"healthy_panic_threshold": \{"value": 0\}', '"healthy_panic_threshold": {"value": 100}', ["breaker"]),
    ("the bulkhead is wide", r'"max_(requests|connections)": 3\b', r'"max_\1": 300', ["bulkhead"]),
    ("nobody asks for health", '"path": "/health"', '"path": "/"', ["health"]),
    ("nothing is recorded of the reason", r"%(RESPONSE_CODE_DETAILS|DYNAMIC_METADATA\(envoy\.filters\.http\.rbac\))%", "%PROTOCOL%", ["records"]),
    ("the caller says of which unit it is", '"remove": "x-tenant-id"', '"remove": "x-nobody"', ["correlation"]),
    ("the caller's name of a tool is a label", r'"update_tag": \{"new_tag_value": "other"\}', '"drop_tag": {}', ["labels"]),
    ("seconds are milliseconds", r"double\(request\.duration\.getMilliseconds\(\)\) / 1000\.0", "1000.0 * double(request.duration.getSeconds())", ["labels"]),
    ("resets and timeouts are counted apart", '"split_external_local_origin_errors": false', '"split_external_local_origin_errors": true', ["faults"]),
    ("good health closes the breaker", '"successful_active_health_check_uneject_host": false', '"successful_active_health_check_uneject_host": true', ["faults"]),
    ("calls may take as long as they like", '"per_try_idle_timeout": "1s"', '"per_try_idle_timeout": "20s"', ["faults"]),
    ("streams outlive their tokens", "'grpc-timeout', string", "'x-nothing', string", ["ends"]),
    ("streams get as old as their tokens", r'"(max_stream_duration|grpc_timeout_header_max)": "4s"', r'"\1": "60s"', ["ends"]),
    ("connections get old", '"max_connection_duration": "4s"', '"max_connection_duration": "60s"', ["ends"]),
    ("a control need not answer", '"failure_mode_allow": false', '"failure_mode_allow": true', ["controls"]),
    ("a processor gets the token", r'"authorization",\s*("cookie", "proxy-authorization")', r"\1", ["controls"]),
    ("a control does not see messages", '"request_body_mode": "BUFFERED"', '"request_body_mode": "NONE"', ["controls"]),
    ("a control does not see answers", '"response_body_mode": "STREAMED"', '"response_body_mode": "NONE"', ["controls"]),
]

def run(fleet: Fleet, fraction: int = 16) -> list[Tally]:
    parts = {"matrix": lambda: matrix.run(fleet, fraction), "attacks": lambda: attacks.run(fleet), "methods": lambda: methods.run(fleet), "messages": lambda: messages.run(fleet)}
    for part in (operations.breaker, operations.bulkhead, operations.health, operations.records, operations.correlation, operations.labels):
        parts[part.__name__] = lambda part=part: operations.counted(part, fleet)
    tally = Tally("prove")
    # What is wrong without any spoiling shows nothing.
    known = {}
    for fast, names in ((False, WHOLE), (True, ["records", "correlation", "labels", "bulkhead", "breaker", "health"])):
        bundle = fleet.compile(fleet.workspace(f"whole-{fast}", operations.FAST if fast else ()))
        fleet.start_gateways(bundle, file="envoy.static.yaml")
        known |= {name: {fault[:60] for fault in parts[name]().faults} for name in names}
        fleet.stop_gateways()
    tally.check(not any(known.values()), f"without spoiling all is well: {known}")
    for number, (what, old, new, must_see) in enumerate(WAYS):
        if must_see[0] in OWN:
            fleet.tampering = [(old, new)]
            found = OWN[must_see[0]](fleet)
            fleet.tampering = []
            tally.check(bool(found.faults), f"{what}: nobody sees it")
            tally.notes.append(f"{what}: {found.name} has {len(found.faults)} faults: {found.faults[:1]}")
            continue
        fast = must_see[0] not in WHOLE
        fleet.tampering = []
        bundle = fleet.compile(fleet.workspace(f"spoilt-{number}", operations.FAST if fast else ()))
        fleet.tampering = [(old, new)]
        places = fleet.tamper(bundle)
        fleet.tampering = []
        tally.check(places > 0, f"{what}: nothing to spoil")
        fleet.set(modes=dict.fromkeys(fleet.relation.servers, "ok"), health=dict.fromkeys(fleet.relation.servers, 200))
        seen = []
        try:
            fleet.start_gateways(bundle, file="envoy.static.yaml")
            seen = [(name, found, new) for name in must_see for found in [parts[name]()] for new in [[fault for fault in found.faults if fault[:60] not in known[name]]] if new]
        except SystemExit as refused:
            tally.fault(f"{what}: the gateway itself refuses it, which shows nothing: {str(refused)[:300]}")
            continue
        finally:
            fleet.stop_gateways()
            fleet.seen()
        tally.check(bool(seen), f"{what} ({places} places): nobody sees it")
        for name, found, new in seen:
            worst = sorted(new, key=lambda fault: not fault.startswith("BYPASS"))[0]
            tally.notes.append(f"{what}: {name} has {len(new)} faults, {sum(fault.startswith('BYPASS') for fault in new)} bypasses: {worst[:140]}")
    return [tally.end()]
