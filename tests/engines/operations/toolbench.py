"""MCP servers of the official SDK, all in one thread, that keep a ledger of what was called and do what a test tells them.

What they do is told by run and tool: the run is the first part of the idempotency key that the worker sends with each call.
"""

import asyncio
import base64
import contextlib
import json
import logging
import threading
import time
from dataclasses import dataclass, field

import uvicorn
from mcp.server.mcpserver import Context, MCPServer
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route

KEY, UNDOES = "mcpctl.io/idempotency-key", "mcpctl.io/undoes"


@dataclass
class Made:
    """A call, as a server got it."""

    server: str
    tool: str
    key: str
    undoes: list[str]
    arguments: dict
    token: str
    at: float = field(default_factory=time.monotonic)
    ended: float | None = None

    @property
    def run(self) -> str:
        return self.key.split("/")[0]


class Bench:
    """`told` has what a tool does in a run, call by call; the last word counts for all further calls. Words: `ok`, `fail`, a number of
    seconds that it takes, `late` for an answer a second after the call is undone, an object that is the result, and `status N` and `denied 200` for what a gateway
    before it answers."""

    def __init__(self, port: int, servers: dict[str, list[str]]):
        self.port, self.servers = port, servers
        self.told: dict[tuple[str, str], list] = {}
        self.made: list[Made] = []
        self.next: dict[str, object] = {}
        self.undone: set[str] = set()
        self.effects: list[str] = []
        self.void: list[str] = []
        self.tokens: list[dict] = []
        self.stale: set[str] = set()
        self.refused: list[str] = []

    def url(self, server: str) -> str:
        return f"http://127.0.0.1:{self.port}/{server}/mcp"

    def tell(self, run: str, tool: str, *words) -> None:
        self.told[(run, tool)] = list(words)

    def of(self, run: str) -> list[Made]:
        return [made for made in self.made if made.run == run]

    def tools(self, run: str) -> list[str]:
        return [made.tool for made in self.of(run)]

    def word(self, run: str, tool: str):
        words = self.told.get((run, tool), ["ok"])
        return words.pop(0) if len(words) > 1 else words[0]

    def effect(self, made: Made) -> None:
        """What a call does to the world: nothing, where it was undone before."""
        (self.void if made.key in self.undone else self.effects).append(made.key)

    async def later(self, made: Made, word: float | str) -> None:
        """The effect after a number of seconds, or a second after the call is undone."""
        until = time.monotonic() + 30
        while word == "late" and made.key not in self.undone and time.monotonic() < until:
            await asyncio.sleep(0.05)
        await asyncio.sleep(1 if word == "late" else word)
        self.effect(made)

    def tool(self, server: str, name: str):
        async def call(ctx: Context) -> dict:
            made, word = self.next[ctx.request_context.meta[KEY]]
            if word == "fail":
                raise RuntimeError("it was told to fail")
            self.undone.update(made.undoes)
            if word != "late" and not isinstance(word, float):
                self.effect(made)
                return word if isinstance(word, dict) else {}
            # The effect comes in any case, whether or not the caller still waits for the answer.
            effect = asyncio.create_task(self.later(made, word))
            try:
                await asyncio.shield(effect)
            finally:
                made.ended = time.monotonic()
            return {}

        call.__name__ = name
        return call

    async def gateway(self, scope, receive, send) -> None:
        """Notes each call of a tool, and answers it itself where it is told so."""
        if scope["type"] != "http" or scope["path"] == "/token":
            return await self.app(scope, receive, send)
        request = Request(scope, receive)
        body = await request.body()
        message = json.loads(body) if body else {}
        if message.get("method") == "tools/call":
            given, meta = message["params"], message["params"]["_meta"]
            token = request.headers.get("authorization", "").removeprefix("Bearer ")
            if token in self.stale:
                self.refused.append(meta[KEY].split("/")[0])
                return await JSONResponse({}, status_code=401)(scope, receive, send)
            made = Made(scope["path"].split("/")[1], given["name"], meta[KEY], meta.get(UNDOES, []), given.get("arguments") or {}, token)
            word = self.word(made.run, made.tool)
            self.made.append(made)
            self.next[made.key] = (made, word)
            status = int(word.split()[1]) if isinstance(word, str) and " " in word else None
            if status is not None:
                error = {"jsonrpc": "2.0", "id": message["id"], "error": {"code": -32001, "message": "the policy denies it"}}
                answer = error if status in (200, 403) else {"error": "no"}
                return await JSONResponse(answer, status_code=status)(scope, receive, send)
        again = [{"type": "http.request", "body": body, "more_body": False}]

        async def replayed() -> dict:
            return again.pop() if again else await receive()

        await self.app(scope, replayed, send)

    async def token(self, request: Request) -> JSONResponse:
        """A token endpoint. Tokens of the client `short` last four seconds, so the worker uses them for two; all others last an hour."""
        form = dict(item.split("=") for item in (await request.body()).decode().split("&"))
        client = base64.b64decode(request.headers.get("authorization", "").removeprefix("Basic ")).decode()
        self.tokens.append({"token": f"granted-{len(self.tokens)}", "client": client, **form})
        lasts = 4 if client.startswith("short:") else 3600
        return JSONResponse({"access_token": self.tokens[-1]["token"], "token_type": "Bearer", "expires_in": lasts})

    @contextlib.contextmanager
    def running(self):
        logging.getLogger("mcp").setLevel(logging.CRITICAL)
        apps = {}
        for name, tools in self.servers.items():
            server = MCPServer(name)
            for tool in tools:
                server.add_tool(self.tool(name, tool), name=tool)
            apps[name] = (server, server.streamable_http_app())

        @contextlib.asynccontextmanager
        async def lifespan(_):
            async with contextlib.AsyncExitStack() as stack:
                for server, _app in apps.values():
                    await stack.enter_async_context(server.session_manager.run())
                yield

        routes = [Mount(f"/{name}", app) for name, (_, app) in apps.items()]
        self.app = Starlette(routes=[Route("/token", self.token, methods=["POST"]), *routes], lifespan=lifespan)
        config = uvicorn.Config(self.gateway, host="127.0.0.1", port=self.port, log_level="critical", lifespan="on", interface="asgi3")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        until = time.monotonic() + 30
        while not server.started and thread.is_alive() and time.monotonic() < until:
            time.sleep(0.02)
        if not server.started:
            raise SystemExit("the MCP servers did not get ready")
        try:
            yield
        finally:
            server.should_exit = True
            thread.join(5)
