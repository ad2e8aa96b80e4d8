"""A proxy on loopback that adds what official clients have no option for: the path of a server at the gateway, a token
and a certificate. Where Host and Origin name the proxy, it writes the gateway's address. No connection is kept; nothing
else of a request changes, and nothing of an answer."""

import asyncio
import ssl
import threading
from collections.abc import Callable

LARGEST_HEAD = 64 * 1024
# What a connection is about, once. Without reuse, everything after the head of a request passes as bytes.
DROPPED = (b"connection:", b"keep-alive:")


class Proxies:
    """Any number of proxies, in one thread."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        self.servers: list[asyncio.Server] = []
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()

    def add(self, port: int, context: ssl.SSLContext, path: str, token: str | None) -> str:
        """The URL of a new proxy for the server that is at this path of the gateway."""

        async def serve(reader, writer):
            own = writer.get_extra_info("sockname")[1]
            await handle(reader, writer, port, context, lambda head: rewritten(head, own, port, path.encode(), token))

        async def make():
            return await asyncio.start_server(serve, "127.0.0.1", 0, limit=LARGEST_HEAD)

        server = asyncio.run_coroutine_threadsafe(make(), self.loop).result(10)
        self.servers.append(server)
        return f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/mcp"

    def stop(self) -> None:
        async def end():
            for server in self.servers:
                server.close()
            for task in asyncio.all_tasks() - {asyncio.current_task()}:
                task.cancel()

        asyncio.run_coroutine_threadsafe(end(), self.loop).result(10)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)


def rewritten(head: bytes, own: int, port: int, path: bytes, token: str | None) -> bytes:
    first, *lines = head.removesuffix(b"\r\n\r\n").split(b"\r\n")
    first = first.replace(b" /mcp", b" " + path, 1)
    lines = [line for line in lines if not line.lower().startswith(DROPPED)]
    for name, scheme, other in ((b"host", b"", b""), (b"origin", b"http://", b"https://")):
        said = b"%s: %s127.0.0.1:%d" % (name, scheme, own)
        lines = [b"%s: %s127.0.0.1:%d" % (name, other, port) if line.lower() == said else line for line in lines]
    lines.append(b"connection: close")
    if token:
        lines.append(b"authorization: Bearer " + token.encode())
    return b"\r\n".join([first, *lines]) + b"\r\n\r\n"


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(LARGEST_HEAD):
        writer.write(data)
        await writer.drain()


async def handle(reader, writer, port: int, context: ssl.SSLContext, change: Callable[[bytes], bytes]) -> None:
    """One request. It ends when either side ends it."""
    ends = [writer]
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        up_reader, up_writer = await asyncio.open_connection(
            "127.0.0.1", port, ssl=context, server_hostname="localhost"
        )
        ends.append(up_writer)
        up_writer.write(change(head))
        both = [asyncio.create_task(pump(reader, up_writer)), asyncio.create_task(pump(up_reader, writer))]
        _, pending = await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        await asyncio.gather(*both, return_exceptions=True)
    except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        pass
    finally:
        for end in ends:
            end.close()
