"""A server that is as lenient as servers can be: it records every message, and answers what a client wants to hear."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from . import workspace

LARGEST_BODY = 4 * 1024 * 1024


def read(body: bytes, folded: bool, last: bool):
    """The message as one kind of parser reads it: keys exactly or in any case, and the first or the last of them."""

    def pairs(found):
        read_, order = {}, found if last else reversed(found)
        for key, value in order:
            read_[key.casefold() if folded else key] = value
        return read_

    return json.loads(body, object_pairs_hook=pairs)


def readings(body: bytes) -> list:
    """What the four kinds of parsers make of it; nothing where it is not JSON."""
    found = []
    for folded in (False, True):
        for last in (False, True):
            try:
                found.append(read(body, folded, last))
            except (ValueError, RecursionError):
                continue
    return found


def effects(body: bytes) -> set[tuple[str, str]]:
    """Everything that some server would run: a method, with what it is about."""
    found = set()
    for reading in readings(body):
        for message in reading if isinstance(reading, list) else [reading]:
            if not isinstance(message, dict) or "method" not in message:
                continue
            params = message.get("params")
            params = params if isinstance(params, dict) else {}
            ref = params.get("ref")
            about = params.get("name", params.get("uri", params.get("taskId", params.get("taskid", ref))))
            found.add((str(message["method"]), "" if about is None else str(about)))
    return found


class Recorder:
    """One server, on a port of its own."""

    def __init__(self):
        self.bodies: list[bytes] = []
        recorder = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 30

            def do_POST(self):
                body = self.whole()
                recorder.bodies.append(body)
                self.answer(*reply(body))

            def do_GET(self):
                self.answer(405, None)

            do_DELETE = do_GET

            def whole(self) -> bytes:
                if self.headers.get("transfer-encoding", "").lower() != "chunked":
                    return self.rfile.read(min(int(self.headers.get("content-length", 0)), LARGEST_BODY))
                body = b""
                while len(body) < LARGEST_BODY:
                    size = int(self.rfile.readline(100).split(b";")[0], 16)
                    body += self.rfile.read(size)
                    self.rfile.readline(10)
                    if size == 0:
                        break
                return body

            def answer(self, status: int, message: dict | None):
                text = b"" if message is None else json.dumps(message).encode()
                self.send_response(status)
                if text:
                    self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def taken(self) -> list[bytes]:
        """What arrived since the last time."""
        found, self.bodies = self.bodies, []
        return found

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()


def reply(body: bytes) -> tuple[int, dict | None]:
    try:
        message = read(body, True, True)
    except (ValueError, RecursionError):
        return 200, {"jsonrpc": "2.0", "id": None, "error": {"code": -32700, "message": "no JSON"}}
    message = message if isinstance(message, dict) else {}
    if "id" not in message or "method" not in message:
        return 202, None
    params = message.get("params")
    result = RESULTS.get(str(message["method"]), lambda _: {})(params if isinstance(params, dict) else {})
    answer = {"jsonrpc": "2.0", "id": message["id"]}
    if result is None:
        return 200, answer | {"error": {"code": -32601, "message": "no such method"}}
    return 200, answer | {"result": result}


def tools(_: dict) -> dict:
    names = (workspace.GRANTED, workspace.FORBIDDEN, workspace.STEP_UP)
    return {"tools": [{"name": name, "inputSchema": {"type": "object"}} for name in names]}


RESULTS = {
    "initialize": lambda params: {
        "protocolVersion": params.get("protocolversion", "2025-11-25"),
        "capabilities": {"tools": {}},
        "serverInfo": {"name": "recorder", "version": "1"},
    },
    "server/discover": lambda _: None,
    "tools/list": tools,
    "tools/call": lambda params: {"content": [{"type": "text", "text": f"ran {params.get('name')}"}]},
}
