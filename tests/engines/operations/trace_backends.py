"""What stands behind a collector: a receiver of Zipkin's JSON and of OTLP's, and a relay that turns OTLP of either kind into the latter."""

import contextlib
import gzip
import http.server
import json
import sys
import threading
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from ports import free_ports

from .programs import Programs

ERROR = 2


@dataclass
class Span:
    """A span as a backend was told of it. `attributes` are those of the span alone, `text` is all of it."""

    trace: str
    error: bool
    attributes: dict[str, str]
    text: str


@dataclass
class Received:
    """What came to one backend."""

    spans: list[Span] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    encodings: set[str] = field(default_factory=set)

    def traces(self) -> dict[str, list[Span]]:
        found: dict[str, list[Span]] = {}
        for span in self.spans:
            found.setdefault(span.trace, []).append(span)
        return found


def of_otlp(body: dict) -> list[Span]:
    found = []
    for resource in body.get("resourceSpans", []):
        for scope in resource.get("scopeSpans", []):
            around = json.dumps([resource.get("resource"), scope.get("scope")])
            for span in scope.get("spans", []):
                attributes = {one["key"]: str(next(iter(one["value"].values()), "")) for one in span.get("attributes", [])}
                found.append(Span(span["traceId"], span.get("status", {}).get("code") == ERROR, attributes, json.dumps(span) + around))
    return found


def of_zipkin(body: list) -> list[Span]:
    return [Span(one["traceId"], "error" in one.get("tags", {}), one.get("tags", {}), json.dumps(one)) for one in body]


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        # A collector that is ended drops its connections.
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class Backends:
    """Listens on one port of the loopback address, and keeps what comes in by the name of the backend."""

    def __init__(self):
        self.received: dict[str, Received] = {}
        self.lock = threading.Lock()
        self.faults: list[str] = []
        backends = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                known = self.path == "/api/v2/spans" or self.path.endswith("/v1/traces")
                try:
                    if known:
                        backends.take(self.path, self.headers, body)
                except (ValueError, KeyError, TypeError, AttributeError) as fault:
                    backends.faults.append(f"{self.path}: {fault!r}")
                self.send_response(200 if known else 404)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_):
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def take(self, path: str, headers, body: bytes) -> None:
        encoding = headers.get("content-encoding", "none")
        parsed = json.loads(gzip.decompress(body) if encoding == "gzip" else body)
        if path == "/api/v2/spans":
            name, spans = "zipkin", of_zipkin(parsed)
        else:
            name, spans = path.split("/")[1], of_otlp(parsed)
        with self.lock:
            found = self.received.setdefault(name, Received())
            found.spans += spans
            found.sizes.append(len(spans))
            found.encodings.add(encoding)

    def count(self) -> int:
        with self.lock:
            return sum(len(one.spans) for one in self.received.values())

    def clear(self) -> None:
        with self.lock:
            self.received = {}


@dataclass
class Stack:
    """The backends, and the ports at which they take OTLP."""

    backends: Backends
    grpc: int
    http: int


def answers(port: int) -> bool:
    """Whether a collector takes OTLP over HTTP at a port."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}/v1/traces", b"{}", {"content-type": "application/json"})
    with contextlib.suppress(OSError), urllib.request.urlopen(request, timeout=5) as answer:
        return answer.status == 200
    return False


@contextlib.contextmanager
def stack(programs: Programs, host: str = "127.0.0.1", grpc: int | None = None) -> Iterator[Stack]:
    """The backends, with the relay in front of them that speaks gRPC at such a host and port."""
    backends, (free, http_port) = Backends(), free_ports(2)
    grpc, folder = grpc or free, programs.folder("relay")
    to = {name: {"traces_endpoint": f"http://127.0.0.1:{backends.port}/{name}/v1/traces", "encoding": "json"} for name in ("grpc", "http")}
    config = {
        "receivers": {
            "otlp/grpc": {"protocols": {"grpc": {"endpoint": f"{host}:{grpc}"}}},
            "otlp/http": {"protocols": {"http": {"endpoint": f"127.0.0.1:{http_port}"}}},
        },
        "exporters": {f"otlp_http/{name}": one for name, one in to.items()},
        "service": {
            "telemetry": {"metrics": {"level": "none"}},
            "pipelines": {f"traces/{name}": {"receivers": [f"otlp/{name}"], "exporters": [f"otlp_http/{name}"]} for name in to},
        },
    }
    (folder / "relay.yaml").write_text(yaml.safe_dump(config))
    command = [programs.engine / "collector", "--config", folder / "relay.yaml"]
    with programs.running(command, folder, lambda: answers(http_port)) as said:
        if said is not None:
            raise SystemExit(f"the relay did not start: {said[-2000:]}")
        yield Stack(backends, grpc, http_port)
    backends.server.shutdown()
    backends.server.server_close()


def endpoints(text: str, around: Stack) -> str:
    """The workspace of `traces.yaml` with the ports of a stack."""
    for old, new in (("24317", around.grpc), ("24318", around.http), ("29411", around.backends.port)):
        assert old in text, old
        text = text.replace(old, str(new))
    return text


def workspace(programs: Programs, name: str, text: str) -> Path:
    folder = programs.work / f"workspace-{name}"
    folder.mkdir()
    (folder / "all.yaml").write_text(text)
    return folder
