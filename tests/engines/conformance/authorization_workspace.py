"""What the part `authorization` runs: an authorization server, servers of the official SDK, a workspace in which some
calls need scopes that a client has to ask for, and the gateways that are compiled from it. Clients have no
certificate."""

import contextlib
import threading
import time

import uvicorn
from ports import free_ports

from live import gateway
from mcp.server.mcpserver import MCPServer
from starlette.applications import Starlette
from starlette.routing import Mount

from . import workspace
from .authorization_server import AuthorizationServer, Refusal
from .stack import Stack

READY_SECONDS = 20
# Whether tokens have to be for the one server that a client asked for, and for nothing besides.
PER_SERVER = True
AUDIENCE = "mcp-gateway"
SECOND_FACTOR, WRITE, BASIC = "mcp.mfa", "notes:write", "mcp.use"
# The agent of clients that registered, the document that names a client which did not, and a client that was registered
# by hand. A document has to be at a URL with https; the authorization server knows this one without fetching it.
SUBJECT, DOCUMENT, KNOWN = workspace.subject("desk"), "https://desk.example.org/client.json", "desk-1"
# The servers: how many gateways are before each, and what its tools need.
TOOLS = {
    "plain": [],
    "guarded": ["mfa"],
    "writing": ["can_write"],
    "double": ["mfa", "can_write"],
    # No scope shows this.
    "approved": ["approval_workflow"],
}
SERVERS = {
    "near": (1, TOOLS),
    "far": (2, TOOLS),
    # Here every call needs a scope.
    "based": (1, {"plain": ["basic"], "guarded": ["basic", "mfa"]}),
}
REQUIREMENTS = {
    "mfa": {"claim": "amr", "contains": "mfa", "scope": SECOND_FACTOR},
    "can_write": {"claim": "scope", "contains": WRITE, "scope": WRITE},
    "basic": {"claim": "scope", "contains": BASIC, "scope": BASIC},
}


def claims(scopes: list[str]) -> dict:
    """What a token shows that was issued for these scopes, beside the scopes."""
    if unknown := set(scopes) - {SECOND_FACTOR, WRITE, BASIC}:
        raise Refusal("invalid_scope", f"{sorted(unknown)}")
    return {"amr": ["pwd", "mfa"] if SECOND_FACTOR in scopes else ["pwd"]}


def registry(port: int, gateways: dict[str, int], named: dict[str, tuple[int, dict]], agents: dict[str, str]) -> dict:
    """The gateways, the servers, and the agents by their subjects; each may call everything."""
    servers = [
        {
            "name": name,
            "url": f"http://127.0.0.1:{port}/{name}/mcp",
            "location": "cloud",
            "business_unit": "unit" if hops == 2 else "central",
            "tools": [
                workspace.tool(tool, requires=facts) if facts else workspace.tool(tool) for tool, facts in tools.items()
            ],
        }
        for name, (hops, tools) in named.items()
    ]
    grants = {"business_unit": "central", "may_call": [f"{name}/*" for name in named]}
    return {
        "mcp_registry": {
            "central_gateway": f"https://127.0.0.1:{gateways['central']}",
            "business_units": [{"name": "unit", "gateway": f"https://127.0.0.1:{gateways['unit']}"}],
            "servers": servers,
            "agents": [{"name": name, "subject": subject} | grants for name, subject in agents.items()],
        }
    }


def levels(named) -> list[dict]:
    """Who has a token may call."""
    return [
        {"progressive_auth": {"levels": [{"level": 1, "requirements": ["service_account_token"]}]}},
        {"data_routing": {"classifications": [{"level": "public", "mcp_servers": list(named), "min_auth_level": 1}]}},
    ]


def documents(port: int, gateways: dict[str, int], issuer: str) -> list[dict]:
    audience = {"audience": "per_server"} if PER_SERVER else {"audiences": [AUDIENCE]}
    trusted = {"issuer": issuer, "jwks_file": "keys/issuer.json", "caller": "client_id", "speaks_for": ["agents"]}
    agents = {"registered": SUBJECT, "documented": DOCUMENT, "known": KNOWN}
    return [
        registry(port, gateways, SERVERS, agents),
        {
            "identity": {
                "issuers": [trusted | audience],
                "trust_domain": workspace.TRUST_DOMAIN,
                "requirements": REQUIREMENTS,
            }
        },
        *levels(SERVERS),
    ]


class Upstream:
    """The servers, by the official SDK, in a thread. `ran` is what was called there."""

    def __init__(self, port: int, named: dict[str, tuple[int, dict]]):
        self.ran: list[str] = []
        servers = {name: self.server(name, tools) for name, (_, tools) in named.items()}
        apps = {name: one.streamable_http_app(host="0.0.0.0") for name, one in servers.items()}

        @contextlib.asynccontextmanager
        async def lifespan(_):
            async with contextlib.AsyncExitStack() as stack:
                for one in servers.values():
                    await stack.enter_async_context(one.session_manager.run())
                yield

        routes = [Mount(f"/{name}", app=app) for name, app in apps.items()]
        settings = {"log_level": "error", "access_log": False, "timeout_graceful_shutdown": 1}
        config = uvicorn.Config(Starlette(routes=routes, lifespan=lifespan), "127.0.0.1", port, **settings)
        self.uvicorn = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.uvicorn.run, daemon=True)
        self.thread.start()
        until = time.monotonic() + READY_SECONDS
        while not self.uvicorn.started:
            if time.monotonic() > until or not self.thread.is_alive():
                raise SystemExit("authorization: the servers did not start")
            time.sleep(0.02)

    def server(self, name: str, tools: dict) -> MCPServer:
        made = MCPServer(name, log_level="ERROR")
        for tool in tools:
            made.add_tool(self.tool(f"{name}/{tool}"), name=tool)
        return made

    def tool(self, name: str):
        def run() -> str:
            self.ran.append(name)
            return f"ran {name}"

        return run

    def stop(self) -> None:
        self.uvicorn.should_exit = True
        self.thread.join(5)


class Site:
    """A context manager: all of it runs inside of it, with the certificates of the stack."""

    name, servers = "authorization", SERVERS

    def __init__(self, stack: Stack):
        self.stack, self.ending = stack, contextlib.ExitStack()
        self.listen: dict[str, int] = {}
        self.trusted = stack.pki.gateways.file

    def __enter__(self) -> "Site":
        try:
            self.start()
        except BaseException:
            self.ending.close()
            raise
        return self

    def __exit__(self, *_) -> None:
        self.ending.close()

    def start(self) -> None:
        upstream, central, unit, *admin = free_ports(5)
        self.listen, admin = {"central": central, "unit": unit}, dict(zip(("central", "unit"), admin))
        self.log_in({self.url(name) for name in self.servers})
        self.ending.callback(self.login.stop)
        self.upstream = Upstream(upstream, self.servers)
        self.ending.callback(self.upstream.stop)
        folder = self.stack.work / self.name
        written = self.documents(upstream)
        workspace.write_documents(folder, self.login.signer.jwks(), written, self.listen, admin, self.stack.pki.folder)
        bundle = workspace.compiled(self.stack.mcpctl, folder)
        self.stack.spoil(bundle)
        envoy = next((self.stack.engines / "sdk2/lib").glob("python3*/site-packages/envoy/_bin/envoy"))
        for name in self.listen:
            running = gateway.Envoy(envoy, bundle / name, admin[name]).start()
            self.ending.callback(running.stop)

    def log_in(self, resources: set[str]) -> None:
        """Starts what issues tokens."""
        also = () if PER_SERVER else (AUDIENCE,)
        self.login = AuthorizationServer(claims, SUBJECT, {DOCUMENT, KNOWN}, resources, also)

    def documents(self, port: int) -> list[dict]:
        return documents(port, self.listen, self.login.url)

    def url(self, server: str) -> str:
        return f"https://127.0.0.1:{self.listen['central']}/{server}/mcp"
