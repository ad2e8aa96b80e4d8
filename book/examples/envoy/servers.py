"""The two MCP servers of the fleet, on this machine, for an hour."""

import asyncio

import uvicorn
from mcp.server.mcpserver import MCPServer

docs, orders = MCPServer("docs_server"), MCPServer("orders_server")


@docs.tool()
def search(text: str) -> str:
    return f"nothing about {text}"


@orders.tool()
def get_order(order: str) -> str:
    return f"order {order}: one umbrella"


@orders.tool()
def refund_order(order: str, amount: float) -> str:
    return f"order {order}: {amount} refunded"


def served(server: MCPServer, port: int) -> uvicorn.Server:
    app = server.streamable_http_app(stateless_http=True, json_response=True)
    tls = {"ssl_certfile": "tls/servers.crt", "ssl_keyfile": "tls/servers.key"}
    return uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning", **tls))


async def main() -> None:
    await asyncio.wait_for(asyncio.gather(served(docs, 18081).serve(), served(orders, 18082).serve()), 3600)


asyncio.run(main())
