"""Every other MCP method, for each principal and server: the protocol's own, resources, prompts, and what nobody may use."""

import itertools
import json
import time

from . import request
from .fleet import Fleet
from .matrix import Judge
from .tally import Tally
from .wire import Refused, Stream

# The protocol's own methods: whether revisions with sessions have them, whether the one without has, and what is sent.
PROTOCOL = {
    "initialize": (True, False, {"protocolVersion": request.LEGACY, "capabilities": {}, "clientInfo": {"name": "live", "version": "1"}}),
    "server/discover": (True, True, {}),
    "ping": (True, False, {}),
    "notifications/initialized": (True, True, {}),
    "notifications/cancelled": (True, True, {"requestId": 0}),
    "notifications/roots/list_changed": (True, True, {}),
    "tools/list": (True, True, {}),
    "logging/setLevel": (True, False, {"level": "debug"}),
    "subscriptions/listen": (False, True, {"notifications": {"toolsListChanged": True, "resourceSubscriptions": []}}),
}
RESOURCE_LISTS = ("resources/list", "resources/templates/list")
# What nobody may use, and whether a revision has it: else there is no such method.
NOBODY = {
    "completion/complete": (True, True, {"argument": {"name": "x", "value": ""}}),
    "sampling/createMessage": (False, False, {"messages": [], "maxTokens": 1}),
    "elicitation/create": (False, False, {"message": "x"}),
    "roots/list": (False, False, {}),
    "tasks/get": (True, True, {"taskId": "1"}),
    "tasks/result": (True, False, {"taskId": "1"}),
    "tasks/update": (False, True, {"taskId": "1"}),
    "Tools/Call": (False, False, {"name": "get_customer", "arguments": {}}),
    "tools/call ": (False, False, {"name": "get_customer", "arguments": {}}),
    "tools/": (False, False, {}),
    "notifications": (False, False, {}),
    "__jsonrpc_response": (True, False, {}),
    "x/y": (False, False, {}),
}


def run(fleet: Fleet) -> Tally:
    tally = Tally("methods")
    tally.of_denied = 0
    judge = Judge(fleet, tally)
    for principal in fleet.relation.principals:
        for server in fleet.relation.servers:
            ways = [("central", fleet.caller(principal))]
            unit = fleet.relation.behind(server)
            if unit:
                ways.append((unit, fleet.pki.gateway("central")))
            for gateway, pair in ways:
                connection = fleet.connect(gateway, pair)
                of_server(fleet, judge, connection, principal, server, gateway)
                connection.close()
        judge.settle()
    tally.check(fleet.relation.denies_methods() == (tally.of_denied > 0), "callers who may do all else tried what is denied")
    tally.notes.append(f"{tally.of_denied} messages of methods that the entry of their server denies, from callers who may otherwise send them")
    return tally.end()


def of_server(fleet, judge, connection, principal, server, gateway) -> None:
    relation, presenter = fleet.relation, fleet.presenter
    protocol = relation.on(server, "protocol")[0]
    resources, prompts = relation.on(server, "resource"), relation.on(server, "prompt")
    given = relation.given(principal)

    def allowed(object_, holding):
        return relation.allows(principal, object_, holding | given)

    for turn, holding in enumerate(relevant(fleet, principal, server)):
        def send(method, params, allow, name=None, missing=None, object_=protocol, http="POST", **more):
            what = f"{principal['name']} sends {method} {params} to {server} through {gateway} with {sorted(holding)} {more or ''}"
            token = presenter.token(principal, holding, object_, turn)
            if method not in relation.servers[server]["denied_methods"]:
                return ask(judge, connection, server, http, method, params, name, token, allow, missing, what, **more)
            answer = ask(judge, connection, server, http, method, params, name, token, False, None, what, **more)
            if allow:
                judge.tally.of_denied += 1
                judge.tally.check(not_there(answer) and answer.reason().endswith(f"[{server}/deny:method]"), f"{what}: the server's entry denies it: {answer}")
            return answer

        may = allowed(protocol, holding)
        lacking = relation.missing(principal, protocol, holding | given)
        for method, (session, stateless, params) in PROTOCOL.items():
            if session:
                send(method, params, may, missing=lacking, modern=False)
            if stateless:
                send(method, params, may, missing=lacking, modern=True)
        for answer in ({"result": {}}, {"error": {"code": 1, "message": "x"}}):
            send("response", answer, may, missing=lacking)
            send("response", answer, False, modern=True)
            # What is two things at once is nothing.
            for more in ({"method": "ping"}, {"params": {}}, {"Result": 1}, {"x": 1}, {"result": 1, "error": 1}):
                send("response", answer | more, False, modern=False)
        for http in ("GET", "DELETE"):
            send(http, None, may, missing=lacking, http=http)
            send(http, None, False, http=http, modern=True)
        for origin in ("https://evil.example.com", "null", ""):
            send("tools/list", {}, False, headers={"origin": origin})
        send("tools/list", {}, may, missing=lacking, headers={"origin": fleet.origin})
        for revision in ("2099-01-01", "", "2026-07-28, 2025-11-25"):
            send("tools/list", {}, False, modern=False, headers={"mcp-protocol-version": revision})
        for revision in ("2024-11-05", "2025-03-26", "2025-06-18", request.LEGACY):
            send("tools/list", {}, may, missing=lacking, modern=False, headers={"mcp-protocol-version": revision})
        for listed, lists in ((resources, RESOURCE_LISTS), (prompts, ("prompts/list",))):
            lacking = set().union(*(relation.missing(principal, object_, holding | given) for object_ in listed))
            for method in lists:
                send(method, {}, any(allowed(object_, holding) for object_ in listed), missing=lacking)
        for object_ in resources:
            uri = object_["name"].replace("*", "42")
            lacking = relation.missing(principal, object_, holding | given)
            may_read = allowed(object_, holding)
            for method in ("resources/read", "resources/subscribe", "resources/unsubscribe"):
                send(method, {"uri": uri}, may_read, uri, lacking, object_)
            send("completion/complete", refers("resource", uri=uri), may_read, None, lacking, object_)
            send("subscriptions/listen", subscribes(uri), may_read, None, lacking, object_)
            # Who subscribes to several resources needs the right to each.
            for other in resources:
                both = subscribes(uri, other["name"].replace("*", "42"))
                lacks = lacking | relation.missing(principal, other, holding | given)
                send("subscriptions/listen", both, may_read and allowed(other, holding), None, lacks, object_)
            send("subscriptions/listen", subscribes(*[uri] * 4), may_read, None, lacking, object_)
            send("subscriptions/listen", subscribes(*[uri] * 5), False, object_=object_)
            # Another prompt's name beside it changes nothing, and neither does a right to one resource help with an unknown one.
            send("completion/complete", refers("prompt", uri=uri), False, object_=object_)
            for uris in ((uri, "file:///etc/passwd"), ("file:///etc/passwd", uri), (*[uri] * 3, "file:///etc/passwd")):
                send("subscriptions/listen", subscribes(*uris), False, object_=object_)
            send("subscriptions/listen", {"notifications": {"ResourceSubscriptions": [uri]}}, False, object_=object_)
            # What another spelling of a URI means is for nobody to guess.
            for other in spellings(uri):
                for method in ("resources/read", "resources/subscribe"):
                    send(method, {"uri": other}, False, other, None, object_)
                send("completion/complete", refers("resource", uri=other), False, None, None, object_)
                send("subscriptions/listen", subscribes(other), False, None, None, object_)
            for near in (uri.upper(), "x" + uri, uri.split("://")[0] + "://", "file:///etc/passwd", "", f"{uri.split('/')[0]}//x/../customer"):
                send("resources/read", {"uri": near}, False, near, None, object_)
        for object_ in prompts:
            lacking = relation.missing(principal, object_, holding | given)
            send("prompts/get", {"name": object_["name"]}, allowed(object_, holding), object_["name"], lacking, object_)
            send("prompts/get", {"name": object_["name"] + "x"}, False, object_["name"] + "x")
            send("completion/complete", refers("prompt", name=object_["name"]), allowed(object_, holding), None, lacking, object_)
            for other in (refers("prompt", name=object_["name"] + "x"), refers("resource", name=object_["name"]), refers("tool", name=object_["name"]),
                          {"ref": {"type": "ref/prompt", "Name": object_["name"]}}, {"Ref": {"type": "ref/prompt", "name": object_["name"]}}):
                send("completion/complete", other, False, None, None, object_)
        if not resources:
            send("resources/read", {"uri": "x://y"}, False, "x://y")
        if not prompts:
            send("prompts/get", {"name": "summarize"}, False, "summarize")
        if turn == 0:
            for method, (session, stateless, params) in NOBODY.items():
                for modern, exists in ((False, session), (True, stateless)):
                    answer = send(method, params, False, params.get("name"), modern=modern)
                    if answer is not None and not exists and method == method.strip():
                        unknown(judge, answer, method)
            for tool in ("", "x", "*", f"{server}/x"):
                send("tools/call", {"name": tool, "arguments": {}}, False, tool)
            send("tools/call", {"arguments": {}}, False)


def refers(kind: str, **to) -> dict:
    return {"ref": {"type": f"ref/{kind}"} | to, "argument": {"name": "x", "value": ""}}


def subscribes(*uris: str) -> dict:
    return {"notifications": {"resourceSubscriptions": list(uris)}}


def unknown(judge, answer, method) -> None:
    """A method that does not exist is that, and nothing that another token would help with."""
    judge.tally.check(not_there(answer) or answer.status == 401, f"{method} is told not to exist: {answer}")


def not_there(answer) -> bool:
    """Whether the answer is that of a method that does not exist."""
    code = ((answer and answer.message() or {}).get("error") or {}).get("code")
    return answer is not None and (answer.status, code) == (404, -32601)


def spellings(uri: str) -> list[str]:
    """Spellings of a URI that are not in normal form: dot segments, and characters that need no encoding."""
    scheme, path = uri.split("://")
    last = f"%{ord(uri[-1]):02x}"
    return [f"{scheme}://x/../{path}", f"{scheme}://./{path}", f"{uri}/.", f"{uri}/..", f"{uri}/./y", f"{uri}/../42", uri[:-1] + last,
            uri[:-1] + last.upper(), f"{scheme}://%{ord(path[0]):02x}{path[1:]}", f"{uri}%2e%2E", f"{uri}%7e"]


def relevant(fleet: Fleet, principal: dict, server: str):
    """The sets of facts that some cell of this principal on this server speaks of, the fullest first."""
    relation, presenter = fleet.relation, fleet.presenter
    kinds = [object_ for kind in ("protocol", "resource", "prompt") for object_ in relation.on(server, kind)]
    named = set().union(*(fact for object_ in kinds for fact in relation.sets(principal, object_)))
    shown = {fact for object_ in kinds for fact in presenter.varied(object_)}
    varied, rest = sorted(named & shown), shown - named
    for size in range(len(varied), -1, -1):
        for chosen in itertools.combinations(varied, size):
            # What no cell speaks of changes nothing, so it is there in every second one.
            yield set(chosen) | (rest if size % 2 == len(varied) % 2 else set())


def ask(judge, connection, server, http, method, params, name, token, allow, missing, what, modern=None, headers=None):
    id_ = request.number()
    test_id = f"o{id_}"
    # Listening and event streams do not end, so the head of the answer has to do.
    endless = method in ("subscriptions/listen", "GET")
    # The two protocols know different methods; each server is asked in the one that it can answer in.
    only_session = ("initialize", "ping", "response", "logging/setLevel", "resources/subscribe", "resources/unsubscribe")
    if modern is None:
        modern = http == "POST" and method not in only_session and not method.startswith("notifications/")
    sent = request.headers(token, test_id, (method, name) if modern else None) | (headers or {})
    if method == "response":
        body = json.dumps({"jsonrpc": "2.0", "id": id_} | params).encode()
    elif http == "POST":
        notification = method.startswith("notifications/")
        body = request.message(method, params, None if notification else id_, modern)
    else:
        sent.pop("content-type")
        # Without a session a DELETE is none of MCP's.
        sent["mcp-session-id"] = "none"
        if http == "GET":
            sent["accept"] = "text/event-stream"
        body = b""
    try:
        answer = connection.ask(http, request.path(server), sent, body, head_only=endless)
    except Refused:
        answer = None
    if allow:
        # Whether the server has use for it is the server's affair; it must get there.
        judge.expected[test_id] = (True, f"{what} ({answer})")
        judge.tally.count(True)
        if answer is None or judge._is_denial(answer):
            judge.tally.fault(f"{what}: should be allowed: {answer}")
        return answer
    # An empty name or one with a space is not a header value, so those are refused as what they are.
    judge.answer(test_id, False, answer, what, missing, None, reason=not endless)
    return answer


def streams(fleet: Fleet) -> Tally:
    """Sessions with events: a call that reports progress, and the stream that a client listens to, through both gateways."""
    tally = Tally("streams")
    relation, presenter = fleet.relation, fleet.presenter
    principal, tool = relation.principal("audit_agent"), relation.tool("billing_server", "get_invoices")
    token = presenter.token(principal, {"user_delegation", "mfa"}, tool)
    connection = fleet.connect("central", fleet.caller(principal))
    opened = connection.ask("POST", request.path("billing_server"), request.headers(token, "s1"),
                            request.message("initialize", PROTOCOL["initialize"][2], 1, False))
    session = opened.headers.get("mcp-session-id")
    tally.check(opened.status == 200 and bool(session), f"a session begins: {opened}")
    in_session = request.headers(token, "s2") | {"mcp-session-id": session or "", "mcp-protocol-version": request.LEGACY}
    begun = connection.ask("POST", request.path("billing_server"), in_session, request.message("notifications/initialized", {}, None, False))
    tally.check(begun.status == 202, f"the session is confirmed: {begun}")

    listening = fleet.connect("central", fleet.caller(principal))
    stream = Stream(listening, "GET", request.path("billing_server"), in_session | {"accept": "text/event-stream"})
    tally.check(stream.status == 200 and "text/event-stream" in stream.headers.get("content-type", ""), f"a stream opens: {stream.status}")

    body = request.message("tools/call", {"name": "get_invoices", "arguments": {"steps": 4, "seconds": 1}, "_meta": {"progressToken": "p"}}, 3, False)
    began = time.monotonic()
    events = Stream(connection, "POST", request.path("billing_server"), in_session, body)
    moments = [(time.monotonic() - began, line) for line in events.lines(40) if line.startswith("data:") and len(line) > 6]
    progress = [moment for moment, line in moments if "notifications/progress" in line]
    tally.check(len(progress) == 4 and moments and "ran billing_server/get_invoices" in moments[-1][1], f"four events and a result: {moments}")
    tally.check(bool(progress) and progress[0] < progress[-1] - 0.5, f"events arrive as they happen, not at the end: {progress}")

    ended = fleet.connect("central", fleet.caller(principal)).ask("DELETE", request.path("billing_server"), {k: v for k, v in in_session.items() if k != "content-type"})
    tally.check(ended.status in (200, 204), f"the session ends: {ended}")
    stream.close()
    fleet.seen()
    return tally.end()
