"""A Toxiproxy that runs, experiments that Chaos Toolkit runs with it, and who calls meanwhile."""

import concurrent.futures
import contextlib
import http.server
import json
import os
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ports import free_ports

from .programs import Programs

SECONDS = 60


def asked(url: str, method: str = "GET", body: dict | None = None) -> tuple[int, dict]:
    request = urllib.request.Request(url, None if body is None else json.dumps(body).encode(), {"Content-Type": "application/json"}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return answer.status, json.loads(answer.read() or b"{}")
    except urllib.error.HTTPError as error:
        return error.code, {}


@dataclass
class Toxiproxy:
    api: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.api}"

    def create(self, name: str, listen: int, upstream: int) -> None:
        proxy = {"name": name, "listen": f"127.0.0.1:{listen}", "upstream": f"127.0.0.1:{upstream}", "enabled": True}
        if asked(f"{self.url}/proxies", "POST", proxy)[0] != 201:
            raise SystemExit(f"Toxiproxy does not take {proxy}")

    def toxics(self) -> set[tuple]:
        """What is on: proxy, kind, stream, share."""
        proxies = asked(f"{self.url}/proxies")[1]
        return {(name, one["type"], one["stream"], one["toxicity"]) for name, proxy in proxies.items() for one in proxy["toxics"]}

    def clear(self) -> None:
        asked(f"{self.url}/reset", "POST")


@contextlib.contextmanager
def toxiproxy(programs: Programs) -> Iterator[Toxiproxy]:
    [port] = free_ports(1)

    def ready() -> bool:
        with contextlib.suppress(OSError):
            return asked(f"http://127.0.0.1:{port}/version")[0] == 200
        return False

    command = [programs.more["toxiproxy"], "-host", "127.0.0.1", "-port", port]
    with programs.running(command, programs.folder("toxiproxy"), ready) as fault:
        if fault is not None:
            raise SystemExit(f"Toxiproxy ended: {fault[-1000:]}")
        yield Toxiproxy(port)


@dataclass
class Ended:
    """How a run ended, and which faults were on while it lasted."""

    code: int
    journal: dict
    said: str
    on: set[tuple] = field(default_factory=set)

    @property
    def shown(self) -> bool:
        after = (self.journal.get("steady_states") or {}).get("after") or {}
        return self.code == 0 and self.journal.get("status") == "completed" and after.get("steady_state_met") is True

    @property
    def deviated(self) -> bool:
        return self.code == 1 and self.journal.get("deviated") is True


@dataclass
class Toolkit:
    """Chaos Toolkit, and where what it asks is."""

    programs: Programs
    proxies: Toxiproxy
    prometheus: int
    service: int

    def command(self, *words) -> tuple[list, dict]:
        folder = self.programs.folder("chaos")
        command = [self.programs.more["chaos"], "--no-version-check", "--no-log-file", "--settings", folder / "settings.yaml", *words]
        places = {"TOXIPROXY_URL": self.proxies.url, "PROMETHEUS_URL": f"http://127.0.0.1:{self.prometheus}", "SERVICE_URL": f"http://127.0.0.1:{self.service}/"}
        return [str(word) for word in command], {"cwd": folder, "env": {**os.environ, **places}}

    def valid(self, experiment: Path) -> bool:
        command, where = self.command("validate", experiment)
        return subprocess.run(command, **where, capture_output=True, timeout=SECONDS).returncode == 0

    def run(self, experiment: Path) -> Ended:
        command, where = self.command("run", "--journal-path", "journal.json", experiment)
        on: set[tuple] = set()
        with (where["cwd"] / "log").open("wb") as log:
            process = subprocess.Popen(command, **where, stdout=log, stderr=log)
        try:
            until = time.monotonic() + SECONDS
            while process.poll() is None and time.monotonic() < until:
                on |= self.proxies.toxics()
                time.sleep(0.1)
        finally:
            if process.poll() is None:
                process.kill()
            code = process.wait()
        journal = where["cwd"] / "journal.json"
        said = (where["cwd"] / "log").read_text(errors="replace")
        return Ended(code, json.loads(journal.read_text()) if journal.exists() else {}, said[-1500:], on)


@contextlib.contextmanager
def users(*calls: Callable[[], object], pause: float = 0.02) -> Iterator[None]:
    """Some who call again and again, each without waiting for the others."""
    ended = threading.Event()

    def calling(call: Callable[[], object]) -> None:
        while not ended.is_set():
            call()
            ended.wait(pause)

    threads = [threading.Thread(target=calling, args=(call,), daemon=True) for call in calls]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        ended.set()
        for thread in threads:
            thread.join(SECONDS)


@contextlib.contextmanager
def service(call: Callable[[], int], patience: float = 1) -> Iterator[int]:
    """A service that calls a server through the gateways, and answers from what it knows already where that takes too long; its port."""
    pool = concurrent.futures.ThreadPoolExecutor(16)

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            try:
                well = pool.submit(call).result(patience) == 200
            except concurrent.futures.TimeoutError:
                well = False
            self.send_response(200 if well else 203)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        pool.shutdown(wait=False)


def resets(port: int, connections: int) -> int:
    """How many of so many new connections are reset when something is sent."""
    found = 0
    for _ in range(connections):
        with socket.create_connection(("127.0.0.1", port), 5) as one:
            try:
                one.sendall(b"GET / HTTP/1.0\r\n\r\n")
                found += not one.recv(1)
            except OSError:
                found += 1
    return found
