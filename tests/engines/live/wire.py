"""HTTP/1.1 on sockets: kept connections, and bodies that no HTTP library would send."""

import json
import socket
import ssl

TIMEOUT = 10


class Refused(Exception):
    """The connection was refused, or ended before an answer."""


class Answer:
    def __init__(self, status: int, headers: dict[str, str], body: bytes):
        self.status, self.headers, self.body = status, headers, body

    def __repr__(self):
        return f"{self.status} {self.headers.get('content-type')} {self.text()[:200]!r}"

    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    def message(self) -> dict | None:
        """The JSON-RPC message, the last one where it is a stream of events."""
        text = self.text()
        if "text/event-stream" in self.headers.get("content-type", ""):
            data = [line[5:].strip() for line in text.splitlines() if line.startswith("data:") and line[5:].strip()]
            text = data[-1] if data else ""
        try:
            return json.loads(text)
        except ValueError:
            return None

    def reason(self) -> str:
        """The reason of a denial, as the gateway gives it."""
        error = (self.message() or {}).get("error")
        data = error.get("data") if isinstance(error, dict) else None
        return str(data.get("reason", "")) if isinstance(data, dict) else ""


class Connection:
    """A connection that is kept, and made again where the other side ended it between two requests."""

    # The host that is asked for.
    named = "localhost"

    def __init__(self, port: int, context: ssl.SSLContext | None, host: str = "127.0.0.1"):
        self.port, self.context, self.host = port, context, host
        self.socket = self.file = None
        self.made = 0

    def _open(self):
        try:
            plain = socket.create_connection((self.host, self.port), TIMEOUT)
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.socket = self.context.wrap_socket(plain, server_hostname="localhost") if self.context else plain
        except (OSError, ssl.SSLError) as error:
            raise Refused(str(error)) from error
        self.file = self.socket.makefile("rb")
        self.made += 1

    def close(self):
        if self.socket:
            for end in (self.file, self.socket):
                try:
                    end.close()
                except OSError:
                    pass
        self.socket = self.file = None

    def ask(self, method: str, path: str, headers: dict[str, str], body: bytes = b"", head_only: bool = False,
            chunks: list[bytes] | None = None) -> Answer:
        lines = [f"{method} {path} HTTP/1.1", f"host: {self.named}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        if chunks is not None:
            lines.append("transfer-encoding: chunked")
            body = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"
        elif body or method in ("POST", "PUT", "PATCH"):
            lines.append(f"content-length: {len(body)}")
        raw = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body
        return self.send(raw, head_only)

    def send(self, raw: bytes, head_only: bool = False) -> Answer:
        for attempt in (1, 2):
            fresh = self.socket is None
            if fresh:
                self._open()
            try:
                self.socket.sendall(raw)
                return self._read(head_only)
            except (OSError, ssl.SSLError, EOFError, ValueError) as error:
                self.close()
                # A kept connection may have been ended while it was idle; a fresh one that ends is a refusal.
                if fresh or attempt == 2:
                    raise Refused(str(error) or type(error).__name__) from error
        raise Refused("unreachable")

    def _read(self, head_only: bool) -> Answer:
        first = self.file.readline(65536)
        if not first:
            raise EOFError("ended without an answer")
        status = int(first.split()[1])
        headers = {}
        for _ in range(200):
            line = self.file.readline(65536).strip()
            if not line:
                break
            name, _, value = line.decode("latin-1").partition(":")
            headers[name.lower()] = value.strip()
        if head_only:
            self.close()
            return Answer(status, headers, b"")
        if headers.get("transfer-encoding") == "chunked":
            body = b""
            for _ in range(100_000):
                size = int(self.file.readline(100).split(b";")[0], 16)
                body += self.file.read(size)
                self.file.readline(10)
                if size == 0:
                    break
        else:
            body = self.file.read(int(headers.get("content-length", 0)))
        if headers.get("connection") == "close":
            self.close()
        return Answer(status, headers, body)


class Stream:
    """An answer that is read as it comes."""

    def __init__(self, connection: Connection, method: str, path: str, headers: dict[str, str], body: bytes = b""):
        connection.close()
        connection._open()
        self.connection = connection
        lines = [f"{method} {path} HTTP/1.1", "host: localhost"] + [f"{n}: {v}" for n, v in headers.items()]
        if body:
            lines.append(f"content-length: {len(body)}")
        connection.socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body)
        self.status = int(connection.file.readline(65536).split()[1])
        self.headers = {}
        while line := connection.file.readline(65536).strip():
            name, _, value = line.decode("latin-1").partition(":")
            self.headers[name.lower()] = value.strip()

    def lines(self, most: int = 1000):
        for _ in range(most):
            line = self.connection.file.readline(65536)
            # The last chunk is an empty one.
            if not line or line.strip() == b"0":
                return
            yield line.decode("utf-8", "replace").strip()

    def close(self):
        self.connection.close()
