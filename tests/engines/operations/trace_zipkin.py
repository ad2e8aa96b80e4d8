"""Zipkin's own server, which keeps spans in memory, and what it answers when it is asked for them."""

import contextlib
import json
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass

from ports import free_ports

from .programs import Programs
from .trace_backends import Received, of_zipkin

MOST = 50_000
HOUR = 3_600_000
# It takes 8 seconds on a machine that does nothing else.
READY_SECONDS = 180


@dataclass
class Zipkin:
    port: int

    def asked(self, path: str, **query: str | int) -> list | dict:
        url = f"http://127.0.0.1:{self.port}{path}?{urllib.parse.urlencode(query)}"
        with urllib.request.urlopen(url, timeout=60) as answer:
            return json.load(answer)

    def traces(self, **query: str | int) -> list[list[dict]]:
        return self.asked("/api/v2/traces", limit=MOST, lookback=24 * HOUR, endTs=int(time.time() * 1000) + HOUR, **query)

    def received(self) -> Received:
        """Everything that it keeps."""
        return Received(spans=of_zipkin([span for trace in self.traces() for span in trace]))

    def found(self, request: str) -> list[list[dict]]:
        """The traces with the id of a request."""
        return self.traces(annotationQuery=f"request.id={request}")


@contextlib.contextmanager
def zipkin(programs: Programs) -> Iterator[Zipkin]:
    (port,), folder = free_ports(1), programs.folder("zipkin")
    server = Zipkin(port)

    def up() -> bool:
        with contextlib.suppress(OSError, ValueError):
            return server.asked("/health")["status"] == "UP"
        return False

    # By its other options it would listen on every address.
    listen = {"ip": "127.0.0.1", "port": port, "protocols[0]": "http"}
    options = [f"--armeria.ports[0].{name}={value}" for name, value in listen.items()]
    jar = programs.more["zipkin"] / "zipkin.jar"
    with programs.running(["java", "-Xmx512m", "-XX:+UseSerialGC", "-jar", jar, *options], folder, up, seconds=READY_SECONDS) as said:
        if said is not None:
            raise SystemExit(f"Zipkin did not start: {said[-2000:]}")
        yield server
