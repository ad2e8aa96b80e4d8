"""A Prometheus that runs with compiled files, and what it answers and sends."""

import contextlib
import http.server
import json
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ports import free_ports

from .programs import Programs


def answered(url: str) -> dict | list | None:
    with contextlib.suppress(OSError, ValueError), urllib.request.urlopen(url, timeout=5) as answer:
        text = answer.read()
        return json.loads(text) if text.startswith((b"{", b"[")) else {"text": text.decode()}
    return None


@dataclass
class Prometheus:
    port: int

    def ask(self, path: str, **parameters) -> dict | list:
        answer = answered(f"http://127.0.0.1:{self.port}/api/v1/{path}?{urllib.parse.urlencode(parameters)}")
        return answer["data"] if answer and answer.get("status") == "success" else {}

    def series(self, name: str) -> list[dict[str, str]]:
        """The labels of each series of a metric."""
        return self.ask("series", **{"match[]": f'{{__name__="{name}"}}'}) or []

    def value(self, query: str) -> float | None:
        result = (self.ask("query", query=query) or {}).get("result", [])
        return float(result[0]["value"][1]) if result else None

    def alerts(self, state: str = "firing") -> list[dict]:
        return [one for one in (self.ask("alerts") or {}).get("alerts", []) if one["state"] == state]

    def firing(self, name: str, state: str = "firing", **labels: str) -> dict | None:
        """An alert of that name and these labels."""
        wanted = {"alertname": name, **labels}.items()
        return next((one for one in self.alerts(state) if wanted <= one["labels"].items()), None)


def until(true: Callable[[], object], seconds: float = 20) -> object:
    """What is true at last; what it is at the end otherwise."""
    end = time.monotonic() + seconds
    while not (found := true()) and time.monotonic() < end:
        time.sleep(0.2)
    return found


@contextlib.contextmanager
def prometheus(programs: Programs, folder: Path) -> Iterator[Prometheus]:
    """Prometheus with the files of a folder, which it reads every second."""
    own = programs.folder("prometheus")
    for file in ("prometheus.yaml", "rules.yaml"):
        text = (folder / file).read_text()
        (own / file).write_text(text.replace("15s", "1s") if file == "prometheus.yaml" else text)
    [port] = free_ports(1)
    command = [programs.program("prometheus"), "--config.file=prometheus.yaml", "--storage.tsdb.path=data", f"--web.listen-address=127.0.0.1:{port}"]
    with programs.running(command, own, lambda: answered(f"http://127.0.0.1:{port}/-/ready") is not None) as fault:
        if fault is not None:
            raise SystemExit(f"Prometheus ended: {fault[-1000:]}")
        yield Prometheus(port)


@contextlib.contextmanager
def alertmanager(port: int) -> Iterator[list[dict[str, str]]]:
    """What takes alerts in the place of Alertmanager, which Debian's package runs only where it is installed; their labels."""
    told: list[dict[str, str]] = []

    class Taken(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            alerts = json.loads(self.rfile.read(int(self.headers["content-length"])))
            if self.path == "/api/v2/alerts":
                told.extend(one["labels"] for one in alerts)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Taken)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield told
    finally:
        server.shutdown()
        server.server_close()
