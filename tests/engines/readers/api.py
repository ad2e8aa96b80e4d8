"""The part of GitHub's and GitLab's API that writes comments, on loopback: what is asked of it is remembered."""

import json
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# Who may write, and whose comments may be replaced.
TOKEN = "a-token-of-the-test"
BOT = "the bot"


class Api:
    """Comments of one pull request or merge request."""

    def __init__(self):
        self.comments: list[dict] = []
        self.asked: list[str] = []
        # Where a token may read alone, as that of a pull request from a fork.
        self.read_only = False
        api = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_GET(self):
                api.answer(self)

            do_POST = do_PATCH = do_PUT = do_GET

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def begin(self, comments: list[dict], read_only=False):
        """Begins anew with these comments."""
        self.comments, self.asked, self.read_only = comments, [], read_only

    def answer(self, request):
        address = urllib.parse.urlsplit(request.path)
        query = dict(urllib.parse.parse_qsl(address.query))
        text = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        if request.headers.get("Content-Type") == "application/x-www-form-urlencoded" and text[:1] != b"{":
            sent = dict(urllib.parse.parse_qsl(text.decode()))
        else:
            sent = json.loads(text) if text else {}
        github, gitlab = "/repos/fleet/config/issues/", "/api/v4/projects/5/merge_requests/3/notes"
        status, found = 404, {"message": "not found"}
        if request.headers.get("Authorization", request.headers.get("PRIVATE-TOKEN")) not in (f"Bearer {TOKEN}", TOKEN):
            status, found = 401, {"message": "bad credentials"}
        elif request.command != "GET" and self.read_only:
            status, found = 403, {"message": "resource not accessible by integration"}
        elif address.path in (f"{github}7/comments", gitlab):
            status, found = self.all(request.command, query, sent)
        elif (one := address.path.removeprefix(f"{github}comments/").removeprefix(f"{gitlab}/")).isdigit():
            status, found = self.replaced(request.command, int(one), sent)
        self.asked.append(f"{request.command} {status}")
        body = json.dumps(found).encode()
        request.send_response(status)
        request.send_header("Content-Type", "application/json")
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    def all(self, method: str, query: dict, sent: dict):
        if method == "POST" and set(sent) == {"body"}:
            self.comments.append({"id": len(self.comments), "body": sent["body"], "by": BOT})
            return 201, self.comments[-1]
        if method != "GET":
            return 405, {}
        size, page = int(query.get("per_page", 30)), int(query.get("page", 1))
        return 200, self.comments[(page - 1) * size : page * size]

    def replaced(self, method: str, which: int, sent: dict):
        if which >= len(self.comments) or method not in ("PATCH", "PUT") or set(sent) != {"body"}:
            return 404, {}
        if self.comments[which]["by"] != BOT:
            return 403, {"message": "must have admin rights"}
        self.comments[which]["body"] = sent["body"]
        return 200, self.comments[which]
