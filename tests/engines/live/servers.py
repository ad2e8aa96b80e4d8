"""Every MCP server of a workspace, by the official SDK, in one process. Servers stand behind TLS and take connections of
gateways alone; a second, plain listener on loopback tells the tests what arrived, and breaks servers on demand.

`python servers.py CONFIG`, where CONFIG is a JSON file: {port, control, cert, key, ca, relation, jwks}.
"""

import asyncio
import contextlib
import json
import ssl
import sys
import time
from typing import Annotated, Any

import uvicorn
from mcp.server.mcpserver import Context, MCPServer
from starlette.applications import Starlette
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Mount, Route
from pydantic import WithJsonSchema

# Sessions and event streams need a server that keeps sessions; the others answer each request by itself.
STATEFUL = {"billing_server"}
# An argument that clients repeat in a header. No other part of the suite has it.
Region = Annotated[Any, WithJsonSchema({"type": "string", "x-mcp-header": "Region"})]
# Headers that gateways set for the server.
TOLD = ("x-request-id", "x-user-id", "x-tenant-id", "x-mcp-policy-version")


class State:
    """What arrived, and how each server behaves."""

    def __init__(self, names):
        self.seen: dict[str, dict] = {}
        self.headers: set[tuple[str, str]] = set()
        self.ran: dict[str, int] = {}
        self.tokens: list[str] = []
        self.certificates: list[str] = []
        self.modes = dict.fromkeys(names, "ok")
        self.health = dict.fromkeys(names, 200)
        self.now: dict[str, int] = dict.fromkeys(names, 0)
        self.most: dict[str, int] = dict.fromkeys(names, 0)
        self.requests: dict[str, int] = dict.fromkeys(names, 0)
        self.spans: list[dict] = []
        self.repeated: list[str] = []
        self.jwks_status = 200


def make(name: str, objects: list[dict], state: State) -> MCPServer:
    server = MCPServer(name)
    for object_ in objects:
        if object_["kind"] == "tool":
            server.add_tool(tool(name, object_["name"], state), name=object_["name"])
        elif object_["kind"] == "prompt":
            server.prompt(name=object_["name"])(prompt(name))
        elif object_["kind"] == "resource":
            server.resource(object_["name"].replace("*", "{rest}"))(resource(name, "*" in object_["name"]))
    return server


def tool(server: str, name: str, state: State):
    async def run(context: Context, amount: Any = None, note: Any = None, seconds: float = 0, steps: int = 0, region: Region = None, echo: bool = False) -> str:
        state.ran[f"{server}/{name}"] = state.ran.get(f"{server}/{name}", 0) + 1
        for step in range(min(steps, 20)):
            await context.report_progress(step + 1, steps, f"step {step + 1}")
            await asyncio.sleep(min(seconds, 5) / max(steps, 1))
        if not steps and seconds:
            await asyncio.sleep(min(seconds, 5))
        return f"ran {server}/{name}" + (" 4111-1111-1111-1111" if echo else "")

    return run


def prompt(server: str):
    def write(subject: str = "") -> str:
        return f"ran prompt of {server}"

    return write


def resource(server: str, is_pattern: bool):
    def one() -> str:
        return f"ran resource of {server}"

    def each(rest: str) -> str:
        return one()

    return each if is_pattern else one


def watched(name: str, app, state: State):
    """Notes each request before the server has it, and plays its part where it is to fail."""

    async def call(scope, receive, send):
        if scope["type"] != "http":
            return await app(scope, receive, send)
        headers = [(key.decode("latin-1").lower(), value.decode("latin-1")) for key, value in scope["headers"]]
        given = dict(headers)
        state.requests[name] += 1
        state.headers.update((name, key) for key, _ in headers)
        for key, value in headers:
            # A token is three parts of base64 that begin with the braces of JSON, in whatever header.
            if key == "authorization" or "eyJ" in value or value.lower().startswith("bearer"):
                state.tokens.append(f"{name}: {key}: {value[:60]}")
            if key == "x-forwarded-client-cert":
                state.certificates.append(f"{name}: {value[:300]}")
        state.repeated += [value for key, value in headers if key == "mcp-param-region"]
        if "x-test-id" in given:
            told = {key: value for key, value in given.items() if key in TOLD or key.startswith("mcp-param-")}
            state.seen[given["x-test-id"]] = {"server": name, "method": scope["method"], "path": scope["path"], "told": told}
        mode = state.modes[name]
        if mode == "fail":
            return await PlainTextResponse("broken on purpose", 500)(scope, receive, send)
        state.now[name] += 1
        state.most[name] = max(state.most[name], state.now[name])
        try:
            await app(scope, receive, send)
        finally:
            state.now[name] -= 1

    return call


def health(state: State):
    async def answer(request):
        # One listener is every server, so the host that is asked for has to say which one is meant.
        host = request.headers.get("host", "")
        named = [status for name, status in state.health.items() if name in host]
        return PlainTextResponse("health", max(named or state.health.values()))

    return answer


def control(state: State, jwks: dict[str, str]) -> Starlette:
    async def seen(request):
        answer = {"seen": state.seen, "ran": state.ran, "tokens": state.tokens, "most": state.most,
                  "certificates": state.certificates[-50:], "repeated": state.repeated,
                  "requests": state.requests, "headers": sorted(map(list, state.headers)), "spans": len(state.spans)}
        body = JSONResponse(answer)
        if request.query_params.get("clear"):
            state.seen, state.ran, state.tokens, state.certificates, state.repeated = {}, {}, [], [], []
            state.most = dict.fromkeys(state.most, 0)
            state.requests = dict.fromkeys(state.requests, 0)
        return body

    async def set_(request):
        wanted = await request.json()
        state.modes.update(wanted.get("modes", {}))
        state.health.update(wanted.get("health", {}))
        state.jwks_status = wanted.get("jwks_status", state.jwks_status)
        return JSONResponse({})

    async def spans(request):
        got = await request.json()
        state.spans.extend(got[:100])
        return PlainTextResponse("", 202)

    async def spans_seen(_):
        return JSONResponse(state.spans[-1000:])

    async def keys(request):
        # Read anew each time: keys are changed in tests.
        with open(jwks[request.path_params["name"]]) as file:
            return PlainTextResponse(file.read(), state.jwks_status, media_type="application/json")

    return Starlette(routes=[
        Route("/seen", seen),
        Route("/set", set_, methods=["POST"]),
        Route("/api/v2/spans", spans, methods=["POST"]),
        Route("/spans", spans_seen),
        Route("/jwks/{name}", keys),
        Route("/health", health(state)),
    ])


async def main(config: dict) -> None:
    objects: dict[str, list[dict]] = {}
    for object_ in config["objects"]:
        objects.setdefault(object_["server"], []).append(object_)
    state = State(objects)
    routes, starts = [Route("/health", health(state))], []
    for name, mine in sorted(objects.items()):
        server = make(name, mine, state)
        # Whoever stands in front names the host, so the check against rebinding is not for here.
        app = server.streamable_http_app(stateless_http=name not in STATEFUL, host="0.0.0.0")
        starts.append(server.session_manager)
        routes.append(Mount(f"/{name}", app=watched(name, app, state)))

    @contextlib.asynccontextmanager
    async def lifespan(_):
        async with contextlib.AsyncExitStack() as stack:
            for manager in starts:
                await stack.enter_async_context(manager.run())
            yield

    plain = {"log_level": "warning", "access_log": False, "timeout_graceful_shutdown": 1, "host": "127.0.0.1"}
    tls = {"ssl_certfile": config["cert"], "ssl_keyfile": config["key"], "ssl_ca_certs": config["ca"], "ssl_cert_reqs": ssl.CERT_REQUIRED}
    both = [
        uvicorn.Server(uvicorn.Config(Starlette(routes=routes, lifespan=lifespan), port=config["port"], **tls, **plain)),
        uvicorn.Server(uvicorn.Config(control(state, config["jwks"]), port=config["control"], **plain)),
    ]

    async def end():
        # Nobody may forget this process: it ends by itself after a quarter of an hour.
        until = time.monotonic() + 900
        while time.monotonic() < until and not any(server.should_exit for server in both):
            await asyncio.sleep(0.5)
        for server in both:
            server.should_exit = True

    await asyncio.gather(*(server.serve() for server in both), end())


if __name__ == "__main__":
    with open(sys.argv[1]) as file:
        asyncio.run(main(json.load(file)))
