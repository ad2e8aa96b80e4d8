"""Servers that fail on demand, each behind TLS at a port of its own: what a gateway sees of them is the fault alone."""

import json
import socket
import ssl
import struct
import threading
import time

# What a server does with a call. Probes of its health are answered well in every mode but `refused`.
MODES = ("ok", "500", "503", "refused", "reset", "hang", "slow", "stall", "trickle", "tool_error")


class Faulty:
    """One server. `pause` is the time that callers are to wait at most, in seconds."""

    def __init__(self, port: int, context: ssl.SSLContext, pause: float):
        self.port, self.context, self.pause = port, context, pause
        self.mode, self.arrived, self.script = "ok", 0, []
        self.ended = threading.Event()
        self.live: set[socket.socket] = set()
        self.lock = threading.Lock()
        self.listener = None
        self._listen()

    def _listen(self) -> None:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        listener.listen(64)
        self.listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def _accept(self, listener: socket.socket) -> None:
        while not self.ended.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def set(self, mode: str, script=()) -> None:
        """`script` are the modes of the next calls, before `mode` holds."""
        assert {mode, *script} <= set(MODES)
        self.mode, self.arrived, self.script = mode, 0, list(script)
        if mode == "refused" and self.listener:
            # Closing alone would leave the thread in accept holding the port.
            self.listener.shutdown(socket.SHUT_RDWR)
            self.listener.close()
            self.listener = None
            self._end_all()
        elif mode != "refused" and self.listener is None:
            self._listen()

    def end(self) -> None:
        self.ended.set()
        if self.listener:
            self.listener.shutdown(socket.SHUT_RDWR)
            self.listener.close()
        self._end_all()

    def _end_all(self) -> None:
        """The thread that serves a connection closes it: a number that is free again could be another's in a moment."""
        with self.lock:
            live, self.live = self.live, set()
        for one in live:
            try:
                socket.socket.shutdown(one, socket.SHUT_RDWR)
            except OSError:
                pass

    def _serve(self, plain: socket.socket) -> None:
        plain.settimeout(60)
        try:
            connection = self.context.wrap_socket(plain, server_side=True)
        except OSError:
            plain.close()
            return
        with self.lock:
            self.live.add(connection)
        try:
            with connection.makefile("rb") as file:
                while not self.ended.is_set() and self._answer(connection, file):
                    pass
        except (OSError, ValueError):
            pass
        finally:
            with self.lock:
                self.live.discard(connection)
            connection.close()

    def _answer(self, connection: ssl.SSLSocket, file) -> bool:
        """Reads one request and does what the mode says; whether the connection goes on."""
        first = file.readline(65536).split()
        if not first:
            return False
        length = 0
        while line := file.readline(65536).strip():
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        body = file.read(length)
        if first[1] == b"/health":
            connection.sendall(whole(200, b"well", "text/plain"))
            return True
        with self.lock:
            self.arrived += 1
            mode = self.script.pop(0) if self.script else self.mode
        id_ = json.loads(body).get("id") if body else None
        result = {"jsonrpc": "2.0", "id": id_, "result": {"content": [{"type": "text", "text": "ran"}], "isError": mode == "tool_error"}}
        done = json.dumps(result).encode()
        if mode in ("500", "503"):
            connection.sendall(whole(int(mode), b"broken on purpose", "text/plain"))
        elif mode in ("reset", "refused"):
            reset(connection)
            return False
        elif mode == "hang":
            self.ended.wait(30)
            return False
        elif mode == "slow":
            self.ended.wait(self.pause + 0.7)
            connection.sendall(whole(200, done, "application/json"))
        elif mode in ("stall", "trickle"):
            connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n" + event(b'{"jsonrpc":"2.0","method":"notifications/progress"}'))
            if mode == "stall":
                self.ended.wait(30)
                return False
            # Longer in all than callers wait for one thing.
            until = time.monotonic() + 2 * self.pause
            while time.monotonic() < until:
                time.sleep(self.pause / 4)
                connection.sendall(event(b'{"jsonrpc":"2.0","method":"notifications/progress"}'))
            connection.sendall(event(done) + b"0\r\n\r\n")
        else:
            connection.sendall(whole(200, done, "application/json"))
        return True


def whole(status: int, body: bytes, kind: str) -> bytes:
    return f"HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body


def event(data: bytes) -> bytes:
    text = b"data: " + data + b"\n\n"
    return b"%x\r\n%s\r\n" % (len(text), text)


def reset(connection: socket.socket) -> None:
    """Ends a connection of this thread so that the other side sees a reset and no end."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    socket.socket(fileno=connection.detach()).close()
