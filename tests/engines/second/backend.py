"""An MCP server that answers every request at once, keeps which tools were run, and publishes the keys of tokens."""

import http.server
import json
import threading


class Backend:
    def __init__(self, keys: str):
        self.ran: list[str] = []
        backend = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # Head and body in one piece; else the second waits until the first has been acknowledged.
            wbufsize = -1

            def do_GET(self):
                self.answer(200 if self.path == "/keys.json" else 405, keys if self.path == "/keys.json" else "{}")

            def do_POST(self):
                text = self.rfile.read(int(self.headers.get("content-length", 0)))
                if not text:
                    return self.answer(200, "{}")
                message = json.loads(text)
                if "id" not in message:
                    return self.answer(202, "")
                self.answer(200, json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": backend.result(message)}))

            def answer(self, status: int, body: str):
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body.encode())))
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def result(self, message: dict) -> dict:
        if message["method"] == "tools/call":
            self.ran.append(message["params"]["name"])
            return {"content": [{"type": "text", "text": f"ran {message['params']['name']}"}]}
        if message["method"] == "initialize":
            server = {"name": "backend", "version": "1"}
            return {"protocolVersion": message["params"]["protocolVersion"], "capabilities": {"tools": {}}, "serverInfo": server}
        return {}

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
