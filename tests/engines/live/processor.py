"""A processor of Envoy's `ext_proc`: it ends calls that hold a secret, takes secrets out of answers, and remembers what it was shown.

The messages are few and small, so they are read and written here by their numbers. Source: `envoy/service/ext_proc/v3/external_processor.proto`.
"""

import threading
from concurrent import futures
from pathlib import Path

import grpc

SECRET, HIDDEN = b"4111-1111-1111-1111", b"****-****-****-****"
# The fields of `ProcessingRequest`, and of `ProcessingResponse`.
REQUEST_HEADERS, RESPONSE_HEADERS, REQUEST_BODY, RESPONSE_BODY = 2, 3, 4, 5
ANSWERS = {REQUEST_HEADERS: 1, RESPONSE_HEADERS: 2, REQUEST_BODY: 3, RESPONSE_BODY: 4}
IMMEDIATE = 7


def varint(number: int) -> bytes:
    found = b""
    while number > 127:
        found, number = found + bytes([number & 127 | 128]), number >> 7
    return found + bytes([number])


def field(number: int, value: bytes | int) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def fields(data: bytes) -> dict[int, bytes | int]:
    """The last value of each field."""

    def number() -> int:
        nonlocal at
        value = shift = 0
        while True:
            value, shift, at = value | (data[at] & 127) << shift, shift + 7, at + 1
            if data[at - 1] < 128:
                return value

    found, at = {}, 0
    while at < len(data):
        key = number()
        match key & 7:
            case 0:
                found[key >> 3] = number()
            case 2:
                size = number()
                found[key >> 3], at = data[at : at + size], at + size
            case kind:
                raise ValueError(f"a field of the kind {kind}")
    return found


class Processor:
    """Listens on loopback, with a certificate for TLS, until it is ended."""

    def __init__(self, port: int, cert: Path, key: Path, ca: Path):
        self.seen: list[tuple[int, bytes]] = []
        # Whether streams end at once, without an error.
        self.ends = False
        self.lock = threading.Lock()
        self.server = grpc.server(futures.ThreadPoolExecutor(32))
        method = grpc.stream_stream_rpc_method_handler(self.process)
        name = "envoy.service.ext_proc.v3.ExternalProcessor"
        self.server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(name, {"Process": method}),))
        pair = (key.read_bytes(), cert.read_bytes())
        credentials = grpc.ssl_server_credentials([pair], ca.read_bytes(), require_client_auth=True)
        if self.server.add_secure_port(f"127.0.0.1:{port}", credentials) != port:
            raise OSError(f"port {port} cannot be had")
        self.server.start()

    def process(self, requests, _):
        if self.ends:
            return
        for request in requests:
            found = fields(request)
            kind = next(kind for kind in ANSWERS if kind in found)
            with self.lock:
                self.seen.append((kind, request))
            body = fields(found[kind]).get(1, b"") if kind in (REQUEST_BODY, RESPONSE_BODY) else b""
            if kind == REQUEST_BODY and SECRET in body:
                yield field(IMMEDIATE, field(1, field(1, 403)) + field(3, b"a secret is in the call"))
                return
            changed = body.replace(SECRET, HIDDEN)
            common = field(3, field(1, changed)) if kind == RESPONSE_BODY and changed != body else b""
            yield field(ANSWERS[kind], field(1, common) if common else b"")

    def taken(self) -> list[tuple[int, bytes]]:
        """What it was shown since the last time."""
        with self.lock:
            found, self.seen = self.seen, []
        return found

    def stop(self) -> None:
        self.server.stop(None).wait(5)
