"""Gateways whose settings accept few revisions, and pages of another origin."""

from . import request
from .fleet import Fleet
from .tally import Tally

PAGE = "https://console.meridian.example"
# Each setting, and what becomes of a request: the revision in the header, the method, and the error, or none.
ACCEPTED = {
    "[2025-11-25]": (
        (None, "tools/list", -32022), (None, "initialize", None), (None, "GET", -32022), ("2025-11-25", "tools/list", None), ("2025-11-25", "GET", None),
        ("2025-06-18", "tools/list", -32022), ("2026-07-28", "tools/list", -32022), ("2025-11-25", "server/unknown", -32601),
    ),
    "[2025-03-26]": ((None, "tools/list", None), ("2025-03-26", "tools/list", None), ("2025-11-25", "tools/list", -32022)),
    "[2026-07-28]": (
        (None, "initialize", -32022), (None, "tools/list", -32022), (None, "GET", -32022), ("2025-11-25", "initialize", -32022),
        ("2026-07-28", "tools/list", None), ("2026-07-28", "initialize", -32601), ("2026-07-28", "GET", -32601),
    ),
}


def revisions(fleet: Fleet, tally: Tally) -> None:
    for accepted, rows in ACCEPTED.items():
        changes = [("output: bundle", f"output: bundle\nprotocol: {accepted}"), ("deny_status: 403", f"deny_status: 403\n    origins: ['{PAGE}']")]
        name = "revisions-" + accepted.strip("[]")
        fleet.start_gateways(fleet.compile(fleet.workspace(name, changes)))
        principal = fleet.relation.principal("audit_agent")
        protocol = fleet.relation.on("billing_server", "protocol")[0]
        token = fleet.presenter.token(principal, {"user_delegation", "mfa"}, protocol)
        connection = fleet.connect("central", fleet.caller(principal))
        for revision, method, code in rows:
            for origin in (None, PAGE):
                answer, arrived = send(fleet, connection, token, revision, method, origin)
                what = f"{accepted}: {method} of {revision}, from {origin}: {answer}"
                tally.check(arrived == (code is None), what)
                if code is None or method == "GET":
                    continue
                error = (answer.message() or {}).get("error") or {}
                tally.check(error.get("code") == code, what)
                if code == -32022 and "data" in error:
                    tally.check(error["data"]["supported"] == accepted.strip("[]").split(", "), f"{what}: it names what is accepted")
            answer, arrived = send(fleet, connection, token, revision, method, PAGE + ":8443")
            # Envoy itself knows that the revision without sessions has no GET.
            status = 405 if (method, revision) == ("GET", request.MODERN) else 403
            tally.check(not arrived and answer.status == status, f"{accepted}: {method} of {revision} from another page: {answer}")
        connection.close()
        fleet.stop_gateways()


def send(fleet: Fleet, connection, token: str, revision: str | None, method: str, origin: str | None):
    """The answer, and whether the server got the request."""
    test_id = f"r{request.number()}"
    modern = revision == request.MODERN
    http = "GET" if method == "GET" else "POST"
    headers = request.headers(token, test_id, (method, None) if modern and http == "POST" else None)
    headers |= {key: value for key, value in (("mcp-protocol-version", revision), ("origin", origin)) if value}
    if http == "GET":
        headers |= {"accept": "text/event-stream", "mcp-session-id": "none"}
        headers.pop("content-type")
    params = {"protocolVersion": request.LEGACY, "capabilities": {}, "clientInfo": {"name": "live", "version": "1"}} if method == "initialize" else {}
    body = request.message(method, params, 1, modern) if http == "POST" else b""
    # An event stream does not end, so the head of the answer has to do.
    answer = connection.ask(http, request.path("billing_server"), headers, body, head_only=http == "GET")
    return answer, test_id in fleet.seen()["seen"]
