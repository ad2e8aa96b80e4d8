"""A node of OpenSearch, what stands before it, and a rsyslog that ships to it with compiled files."""

import contextlib
import http.client
import http.server
import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ports import free_ports

from .programs import Programs

READY_SECONDS = 60


def asked(port: int, method: str, path: str, body: bytes | dict | None = None) -> tuple[int, dict]:
    """The status and the answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        text = json.dumps(body).encode() if isinstance(body, dict) else body
        connection.request(method, path, text, {"content-type": "application/json"})
        answer = connection.getresponse()
        told = answer.read()
        return answer.status, json.loads(told) if told.startswith(b"{") else {"text": told.decode(errors="replace")}
    finally:
        connection.close()


@dataclass
class Store:
    """OpenSearch at a port, with its data in a folder."""

    port: int
    folder: Path

    def ask(self, method: str, path: str, body: bytes | dict | None = None) -> dict:
        return asked(self.port, method, path, body)[1]

    def records(self, stream: str) -> list[dict]:
        """What is in a stream, with the id of each."""
        self.ask("POST", f"/{stream}/_refresh")
        hits = self.ask("POST", f"/{stream}/_search?size=5000", {"query": {"match_all": {}}}).get("hits", {}).get("hits", [])
        return [{"_id": hit["_id"], **hit["_source"]} for hit in hits]

    def found(self, stream: str, field_name: str, value: str) -> int:
        answer = self.ask("POST", f"/{stream}/_search", {"query": {"term": {field_name: value}}, "track_total_hits": True})
        return answer.get("hits", {}).get("total", {}).get("value", 0)

    def clear(self) -> None:
        self.ask("DELETE", "/_data_stream/logs-mcp.*")
        self.ask("DELETE", "/_index_template/mcp-*")


@contextlib.contextmanager
def store(programs: Programs, before: Store | None = None) -> Iterator[Store]:
    """A node, or one that was there before and ended."""
    port, transport = free_ports(2)
    folder = programs.folder("opensearch")
    if before:
        port, folder = before.port, before.folder
    command = ["java", "-Xmx512m", "-cp", f"{programs.engine}/classes:{programs.engine}/lib/*", "Store", folder / "data", port, transport]

    def ready() -> bool:
        with contextlib.suppress(OSError):
            return asked(port, "GET", "/_cluster/health")[0] == 200
        return False

    with programs.running(command, folder, ready, seconds=READY_SECONDS) as fault:
        if fault is not None:
            raise SystemExit(f"OpenSearch ended: {fault[-2000:]}")
        yield Store(port, folder)


@dataclass
class Given:
    """What was put through the relay: by path, and what was answered to it."""

    bodies: dict[str, bytes] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)


@contextlib.contextmanager
def relay(target: Store) -> Iterator[tuple[int, Given]]:
    """Elasticsearch as far as OpenSearch is like it: lifecycles, which it lacks, are taken as they are, and templates are passed on without
    the name of theirs."""
    given = Given()

    class Passing(http.server.BaseHTTPRequestHandler):
        def do_PUT(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            given.bodies[self.path] = body
            status, told = 200, {"acknowledged": True}
            if self.path.startswith("/_index_template/"):
                with contextlib.suppress(ValueError, KeyError, TypeError, AttributeError):
                    template = json.loads(body)
                    template["template"]["settings"].pop("index.lifecycle.name", None)
                    body = json.dumps(template).encode()
                status, told = asked(target.port, "PUT", self.path, body)
                if status != 200:
                    given.refused.append(f"{self.path}: {told.get('error')}")
            text = json.dumps(told).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Passing)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port, given
    finally:
        server.shutdown()
        server.server_close()


def applied(folder: Path, target: Store) -> tuple[subprocess.CompletedProcess, Given]:
    """`apply.sh` of a folder, and what it gave."""
    with relay(target) as (port, given):
        environment = {"PATH": "/usr/bin:/bin", "MCP_ELASTICSEARCH": f"http://127.0.0.1:{port}/"}
        done = subprocess.run(["sh", folder / "apply.sh"], env=environment, capture_output=True, text=True, timeout=60)
        return done, given


@dataclass
class Shipper:
    """A rsyslog of its own, which reads files in a folder and ships what is in them."""

    programs: Programs
    rsyslog: Path
    bundle: Path
    port: int
    folder: Path

    def configured(self, inputs: dict[str, str]) -> Path:
        """The machine's own file: which file goes to which ruleset."""
        (self.folder / "spool").mkdir(exist_ok=True)
        (self.folder / "refused").mkdir(exist_ok=True)
        folders = sorted(path.parent for path in self.bundle.glob("*/rsyslog.conf"))
        lines = [
            f'global(workDirectory="{self.folder}/spool")', 'module(load="imfile" mode="polling" pollingInterval="1")',
            f'include(file="{self.bundle}/rsyslog.conf")', *(f'include(file="{one}/rsyslog.conf")' for one in folders),
            *(f'input(type="imfile" file="{self.folder}/{file}" tag="mcp" ruleset="{ruleset}")' for file, ruleset in inputs.items()),
        ]  # fmt: skip
        own = self.folder / "own.conf"
        own.write_text("\n".join(lines) + "\n")
        return own

    def command(self, own: Path, *more) -> list:
        [modules] = self.rsyslog.glob("usr/lib/*/rsyslog")
        [program] = self.rsyslog.glob("usr/sbin/rsyslogd")
        libraries = ":".join(sorted({str(file.parent) for file in self.rsyslog.rglob("*.so*")}))
        # The store is of another folder than the libraries, so they are named here.
        return ["env", f"LD_LIBRARY_PATH={libraries}", f"MCP_ELASTICSEARCH=http://127.0.0.1:{self.port}", f"MCP_REFUSED={self.folder}/refused",
                program, "-M", modules, "-f", own, "-i", self.folder / "pid", *more]

    def faults(self, inputs: dict[str, str]) -> str:
        """What rsyslog has against the files."""
        done = subprocess.run([str(part) for part in self.command(self.configured(inputs), "-N1")], capture_output=True, text=True, timeout=30)
        told = [line for line in done.stderr.splitlines() if "version" not in line and "End of config" not in line]
        return "\n".join(told) if done.returncode or told else ""

    @contextlib.contextmanager
    def running(self, inputs: dict[str, str]) -> Iterator[None]:
        with self.programs.running(self.command(self.configured(inputs), "-n"), self.folder, lambda: (self.folder / "pid").exists()) as fault:
            if fault is not None:
                raise SystemExit(f"rsyslog ended: {fault[-2000:]}")
            yield

    def refused(self) -> list[tuple[dict, str]]:
        """The records that the store refused, with the kind of error."""
        file = self.folder / "refused/records.json"
        if not file.exists():
            return []
        reader, at, found = json.JSONDecoder(), 0, []
        text = file.read_text().strip()
        while at < len(text):
            one, at = reader.raw_decode(text, at)
            for item in one["response"]:
                found.append((json.loads(item["request"].splitlines()[1]), json.loads(item["reply"])["error"]["type"]))
            while at < len(text) and text[at].isspace():
                at += 1
        return found


def until(true: Callable[[], object], seconds: float = 30) -> object:
    """What is true at last; what it is at the end otherwise."""
    end = time.monotonic() + seconds
    while not (found := true()) and time.monotonic() < end:
        time.sleep(0.3)
    return found
