"""Attacks: requests that a caller with some rights sends to run a tool that it may not. What counts is what runs."""

import gzip

from . import identities, request
from .fleet import Fleet
from .tally import Tally
from .wire import Refused

SERVER, ALLOWED, FORBIDDEN = "crm_server", "get_customer", "update_customer"
ARGUMENTS = '"arguments":{"note":"n","amount":5}'
CALL = f'{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"{FORBIDDEN}",{ARGUMENTS}}}}}'
HARMLESS = CALL.replace(FORBIDDEN, ALLOWED)


class Attacker:
    """Sends, and looks at the servers for what ran."""

    def __init__(self, fleet: Fleet, tally: Tally):
        self.fleet, self.tally = fleet, tally
        self.numbers = iter(range(1, 100_000))

    def look(self, what: str, forbidden: str, answer, seen_is_bypass=False) -> None:
        arrived = self.fleet.seen()
        ran = arrived["ran"].get(forbidden, 0)
        self.tally.count(allowed=bool(ran))
        if ran:
            self.tally.fault(f"{what}: {forbidden} ran: {answer}", bypass=True)
        if seen_is_bypass and arrived["seen"]:
            self.tally.fault(f"{what}: it reached the server: {answer}", bypass=True)
        for token in arrived["tokens"]:
            self.tally.fault(f"{what}: a server saw a token: {token}", bypass=True)
        for certificate in arrived["certificates"]:
            self.tally.fault(f"{what}: a server saw a forwarded certificate: {certificate}", bypass=True)

    def send(self, what, connection, body, headers, path=None, method="POST", forbidden=None, **more):
        body = body.encode() if isinstance(body, str) else body
        try:
            answer = connection.ask(method, path or request.path(SERVER), headers, body, **more)
        except Refused as error:
            answer = f"refused: {error}"
        self.look(what, forbidden or f"{SERVER}/{FORBIDDEN}", answer, seen_is_bypass=bool(forbidden))
        return answer


def run(fleet: Fleet) -> Tally:
    tally = Tally("attacks")
    attacker = Attacker(fleet, tally)
    relation, presenter = fleet.relation, fleet.presenter
    care, tool = relation.principal("care_agent"), relation.tool(SERVER, FORBIDDEN)
    token = presenter.token(care, {"user_delegation"}, tool)
    control = fleet.connect("central", fleet.caller(care))
    fleet.seen()
    everything = presenter.token(care, set(presenter.varied(tool)), tool)
    for modern in (False, True):
        # The attacks mean something only where the same bodies run for those who may.
        for name, shown in ((ALLOWED, token), (FORBIDDEN, everything)):
            good = control.ask("POST", request.path(SERVER), request.headers(shown, "a0", ("tools/call", name) if modern else None),
                               request.call(name, '{"note":"n"}', 1, modern))
            tally.check(fleet.seen()["ran"] == {f"{SERVER}/{name}": 1}, f"{name} runs for who may: {good}")
    ways = [("central", fleet.caller(care)), ("retail", fleet.pki.gateway("central"))]
    for gateway, pair in ways:
        connection = fleet.connect(gateway, pair)
        for modern in (False, True):
            messages(attacker, connection, token, gateway, modern)
        connection.close()
    amounts(attacker)
    identities.identities(attacker)
    identities.tokens(attacker)
    identities.detours(attacker)
    return tally.end()


def messages(attacker: Attacker, connection, token: str, gateway: str, modern: bool) -> None:
    """What is written differently and could be read differently: 60 bodies, in both protocols."""
    plain = request.headers(token, "a")
    if modern:
        # The current protocol's headers tell of the harmless call.
        plain |= {"mcp-protocol-version": request.MODERN, "mcp-method": "tools/call", "mcp-name": ALLOWED}

    def meta(body):
        return body[:-2] + f',"_meta":{request.envelope()}}}}}' if modern and isinstance(body, str) and body.endswith("}}") else body

    def p(what, body, **more):
        changed = more.pop("headers", {})
        headers = {k: v for k, v in (plain | changed).items() if v is not None}
        attacker.send(f"{what} ({gateway}, {'current' if modern else 'older'} protocol)", connection, body, headers, **more)

    p("plain", meta(CALL))
    p("batch", f"[{CALL}]")
    p("batch, harmless first", f"[{HARMLESS},{CALL}]")
    for order in ((ALLOWED, FORBIDDEN), (FORBIDDEN, ALLOWED)):
        p(f"name twice, {order[0]} first", meta(CALL.replace(f'"name":"{FORBIDDEN}"', '"name":"%s","name":"%s"' % order)))
    p("params twice, harmless first", CALL.replace('"params"', f'"params":{{"name":"{ALLOWED}"}},"params"'))
    p("params twice, harmless last", CALL[:-1] + f',"params":{{"name":"{ALLOWED}"}}}}')
    p("method twice, harmless first", meta(CALL.replace('"method":"tools/call"', '"method":"tools/list","method":"tools/call"')))
    p("method twice, harmless last", CALL[:-1] + ',"method":"tools/list"}')
    p("method twice, escaped", CALL[:-1] + ',"me\\u0074hod":"tools/list"}')
    p("name twice, escaped", CALL[:-2] + f',"na\\u006de":"{ALLOWED}"}}}}')
    p("name escaped", meta(CALL.replace("update_customer", "update\\u005fcustomer")))
    p("name with a null", meta(CALL.replace('"update_customer"', '"get_customer\\u0000","x":"update_customer"')))
    p("name in capitals", meta(CALL.replace('"name"', '"Name"')))
    p("names in both cases", meta(CALL.replace('"name":', f'"name":"{ALLOWED}","Name":')))
    p("params before method", f'{{"params":{{{ARGUMENTS},"name":"{FORBIDDEN}"}},"method":"tools/call","id":1,"jsonrpc":"2.0"}}')
    p("harmless name in arguments", meta(CALL.replace('"note":"n"', f'"name":"{ALLOWED}"')))
    p("harmless name in _meta", CALL.replace(ARGUMENTS, f'{ARGUMENTS},"_meta":{{"name":"{ALLOWED}"}}'))
    p("name in a list", meta(CALL.replace(f'"{FORBIDDEN}"', f'["{ALLOWED}","{FORBIDDEN}"]')))
    p("name in a map", meta(CALL.replace(f'"{FORBIDDEN}"', f'{{"{ALLOWED}":"{FORBIDDEN}"}}')))
    p("two messages", f"{HARMLESS}\n{CALL}")
    p("two messages, no space", HARMLESS + CALL)
    p("byte order mark", "\ufeff" + meta(CALL))
    p("comment", meta(CALL).replace('{"jsonrpc"', '{/*x*/"jsonrpc"', 1))
    p("single quotes", meta(CALL).replace('"', "'"))
    p("utf-16", CALL.encode("utf-16"))
    p("utf-16 with charset", CALL.encode("utf-16-le"), headers={"content-type": "application/json; charset=utf-16le"})
    p("utf-7 with charset", CALL.encode("utf-7"), headers={"content-type": "application/json; charset=utf-7"})
    p("compressed", gzip.compress(CALL.encode()), headers={"content-encoding": "gzip"})
    for kind in ("text/plain", None, "application/json-rpc", "Application/JSON", "application/json; charset=utf-8",
                 "multipart/form-data; boundary=x", "application/x-www-form-urlencoded"):
        p(f"content type {kind}", meta(CALL), headers={"content-type": kind})
    for accept in ("application/json", "text/event-stream", "*/*", None, "text/html"):
        p(f"accept {accept}", meta(CALL), headers={"accept": accept})
    for method in ("PUT", "PATCH", "OPTIONS", "HEAD", "GET", "DELETE", "post", "TRACE"):
        p(f"by {method}", meta(CALL), method=method, head_only=method in ("HEAD", "GET"))
    p("method override", meta(CALL), headers={"x-http-method-override": "POST"}, method="GET", head_only=True)
    p("not JSON", '{"jsonrpc":"2.0",')
    p("nothing", "")
    p("no JSON-RPC", '{"a":1}')
    p("JSON-RPC 1.0", meta(CALL.replace('"2.0"', '"1.0"')))
    p("no version", meta(CALL.replace('"jsonrpc":"2.0",', "")))
    for answer in ('"result":{}', '"error":{"code":1,"message":"x"}', '"result":null', '"result":{},"error":{}'):
        p(f"a call with {answer}", CALL[:-1] + f",{answer}}}")
        p(f"{answer} before a call", "{" + answer + "," + CALL[1:])
        p(f"{answer} beside a list", '{"jsonrpc":"2.0","id":1,"method":"resources/list",%s}' % answer, forbidden=f"{SERVER} resources/list")
        p(f"{answer} beside a vendor's method", '{"jsonrpc":"2.0","id":1,"method":"x-vendor/run","params":{},%s}' % answer, forbidden="x-vendor/run")
    p("a harmless method, and another in capitals", CALL.replace('"method":"tools/call"', '"method":"ping","Method":"tools/call"'))
    p("a response, and a method in capitals", '{"jsonrpc":"2.0","id":1,"result":{},"METHOD":"tools/call"}', forbidden="METHOD")
    p("two cases of params", CALL.replace('"params"', f'"params":{{"name":"{ALLOWED}"}},"Params"'), forbidden="Params")
    p("params with a long s", CALL.replace('"params"', f'"params":{{"name":"{ALLOWED}"}},"param\u017f"'), forbidden="params with a long s")
    p("a key with an escape", HARMLESS.replace('"method"', '"m\\u0065thod"'), forbidden="a key with an escape")
    for id_ in ('"x"', "null", "1.5", "[1]", "{}"):
        p(f"id {id_}", meta(CALL.replace('"id":1', f'"id":{id_}')))
    p("notification", meta(CALL.replace('"id":1,', "")))
    for size in (9_000, 70_000, 1_100_000):
        pad = "a" * size
        p(f"{size} bytes", meta(CALL.replace('"note":"n"', f'"note":"{pad}"')))
        p(f"{size} bytes, then the name again", meta(CALL.replace(f'"name":"{FORBIDDEN}",', f'"name":"{ALLOWED}","pad":"{pad}","name":"{FORBIDDEN}",')))
        p(f"{size} bytes, then params again", HARMLESS[:-1] + f',"pad":"{pad}","params":{{"name":"{FORBIDDEN}",{ARGUMENTS}}}}}')
        p(f"{size} bytes, then the method again", CALL.replace('"method":"tools/call"', f'"method":"tools/list","pad":"{pad}","method":"tools/call"'))
        p(f"{size} spaces before", " " * size + meta(CALL))
    whole = meta(CALL).encode()
    p("in two chunks", b"", chunks=[whole[:30], whole[30:]])
    p("in chunks of one byte", b"", chunks=[whole[i:i + 1] for i in range(min(len(whole), 900))] if not modern else [whole[i:i + 7] for i in range(0, len(whole), 7)])
    p("harmless in the first chunk", b"", chunks=[HARMLESS.encode(), CALL.encode()])
    deep = "[" * 2000 + "]" * 2000
    p("deep nesting", meta(CALL.replace('"note":"n"', f'"note":{deep}')))
    p("name beyond nesting", CALL.replace('"params":{', f'"x":{deep},"params":{{'))
    for path in ("/notice_server/../crm_server/mcp", "/notice_server/%2e%2e/crm_server/mcp", "//crm_server//mcp", "/notice_server%2f..%2fcrm_server/mcp",
                 "/crm_server/mcp/", "/crm_server/mcp?x=1", "/crm_server/mcp;x", "/CRM_SERVER/mcp", "/crm_server/mcp%00", "/crm_server/mcp#x",
                 "/crm_server/./mcp", "/crm_server/health/../mcp", "/crm_server\\mcp", "/", "/crm_server", "/health",
                 "https://localhost/crm_server/mcp", "/crm_server/mcp%2f", "/.well-known/oauth-protected-resource/../../crm_server/mcp"):
        p(f"path {path}", meta(CALL), path=path)
    for name, value in {"mcp-name": ALLOWED, "Mcp-Name": f"{ALLOWED},{FORBIDDEN}", "mcp-method": "tools/list", "mcp-method ": "tools/list"}.items():
        p(f"forged {name.strip()}: {value}", meta(CALL), headers={"mcp-protocol-version": request.MODERN, name.strip(): value})
    for forged in ({"mcp-name": ALLOWED}, {"mcp-name": ALLOWED, "mcp-method": "tools/call"}, {"mcp-method": "tools/list"}, {"mcp-method": "ping", "mcp-name": ALLOWED}):
        p(f"forged {forged}, no version", meta(CALL), headers={"mcp-protocol-version": None, "mcp-name": None, "mcp-method": None} | forged)
        p(f"forged {forged}, an older version", meta(CALL), headers={"mcp-protocol-version": request.LEGACY, "mcp-name": None, "mcp-method": None} | forged)
    p("another protocol version", meta(CALL), headers={"mcp-protocol-version": "2024-11-05"})
    p("an unknown protocol version", meta(CALL), headers={"mcp-protocol-version": "2099-01-01"})
    p("a session of nobody", meta(CALL), headers={"mcp-session-id": "x"})
    raw = (f"POST {request.path(SERVER)} HTTP/1.1\r\nhost: localhost\r\nauthorization: {plain['authorization']}\r\ncontent-type: application/json\r\n"
           "accept: application/json, text/event-stream\r\n")
    for what, tail in {
        "content-length and chunked": f"content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n{len(CALL):x}\r\n{CALL}\r\n0\r\n\r\n",
        "two content-lengths": f"content-length: 5\r\ncontent-length: {len(CALL)}\r\n\r\n{CALL}",
        "chunked twice": f"transfer-encoding: chunked, chunked\r\n\r\n{len(CALL):x}\r\n{CALL}\r\n0\r\n\r\n",
        "a second request in the body": f"content-length: {len(HARMLESS)}\r\n\r\n{HARMLESS}POST {request.path(SERVER)} HTTP/1.1\r\nhost: x\r\n\r\n",
        "header with a line feed": f"x-a: b\nauthorization: x\r\ncontent-length: {len(CALL)}\r\n\r\n{CALL}",
        "space before the colon": f"content-length : {len(CALL)}\r\n\r\n{CALL}",
    }.items():
        connection.close()
        try:
            answer = connection.send((raw + tail).encode())
        except Refused as error:
            answer = f"refused: {error}"
        connection.close()
        attacker.look(f"{what} ({gateway})", f"{SERVER}/{FORBIDDEN}", answer)


def amounts(attacker: Attacker) -> None:
    """The argument that is limited, in every form but a number within the limit."""
    fleet = attacker.fleet
    relation, presenter = fleet.relation, fleet.presenter
    who, tool = relation.principal("treasury_agent"), relation.tool("payment_server", "transfer_funds")
    everything = set(presenter.varied(tool))
    token = presenter.token(who, everything, tool)
    forms = ['"amount":"5"', '"amount":-1', '"amount":1e309', '"amount":-1e309', '"amount":10001', '"amount":10000.0001', '"amount":1e4001',
             '"amount":20000,"amount":5', '"amount":5,"amount":20000', '"amount":5,"am\\u006funt":20000', '"Amount":5', '"amount":null', '"amount":[5]',
             '"amount":{"value":5}', '"amount":true', '"amount":NaN', '"amount":Infinity', '"amount":0x5', '"amount":05', '"amount":"1e1"',
             '"amount":99999999999999999999', '"amount":18446744073709551621', '"x":1', '"amount.x":5', '"arguments":{"amount":5}', '"amount":""']
    for gateway, pair in (("central", fleet.caller(who)), ("finance", fleet.pki.gateway("central"))):
        connection = fleet.connect(gateway, pair)
        for modern in (False, True):
            headers = request.headers(token, "b", ("tools/call", "transfer_funds") if modern else None)
            for form in forms:
                body = request.call("transfer_funds", "{%s}" % form, 1, modern)
                attacker.send(f"{form} ({gateway})", connection, body, headers, request.path("payment_server"), forbidden="payment_server/transfer_funds")
            for what, body in {
                "no arguments": '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"transfer_funds"}}',
                "amount beside arguments": '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"transfer_funds","amount":5,"arguments":{"amount":50000}}}',
                "arguments twice": '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"transfer_funds","arguments":{"amount":5},"arguments":{"amount":50000}}}',
                "a dotted key": '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"transfer_funds","arguments.amount":5,"arguments":{"amount":50000}}}',
                "arguments as a list": '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"transfer_funds","arguments":[{"amount":5}]}}',
            }.items():
                attacker.send(f"{what} ({gateway})", connection, body, headers, request.path("payment_server"), forbidden="payment_server/transfer_funds")
        connection.close()
    good = fleet.connect("central", fleet.caller(who)).ask("POST", request.path("payment_server"), request.headers(token, "b1"), request.call("transfer_funds", '{"amount":10000}', 1, False))
    attacker.tally.check(fleet.seen()["ran"] == {"payment_server/transfer_funds": 1}, f"the largest amount is let through: {good}")
