"""Both MCP servers in one: every call of a tool is answered and printed, and so is a token that should not be here."""

import http.server
import json


class Server(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Head and body in one piece.
    wbufsize = -1

    def do_POST(self):
        message = json.loads(self.rfile.read(int(self.headers.get("content-length", 0))))
        if "authorization" in self.headers:
            print("a server was sent a token", flush=True)
        if "id" not in message:
            return self.answer(202, b"")
        name = message.get("params", {}).get("name")
        if message.get("method") == "tools/call":
            print(f"ran {name}", flush=True)
        answer = {"jsonrpc": "2.0", "id": message.get("id"), "result": {"content": [{"type": "text", "text": f"ran {name}"}]}}
        self.answer(200, json.dumps(answer).encode())

    def do_GET(self):
        self.answer(405, b"")

    def answer(self, status: int, body: bytes):
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", 18544), Server).serve_forever()
