"""The requests of the tests, as both generations of the protocol send them."""

import itertools
import json

MODERN, LEGACY = "2026-07-28", "2025-11-25"
STATEFUL = ("billing_server",)
_numbers = itertools.count(1)


def number() -> int:
    return next(_numbers)


def headers(token: str | None, test_id: str, modern: tuple[str, str | None] | None = None) -> dict[str, str]:
    """`modern` is the method and name that the current protocol repeats in headers."""
    found = {"content-type": "application/json", "accept": "application/json, text/event-stream", "x-test-id": test_id}
    if token is not None:
        found["authorization"] = f"Bearer {token}"
    if modern:
        found["mcp-protocol-version"] = MODERN
        found["mcp-method"] = modern[0]
        if modern[1] is not None:
            found["mcp-name"] = modern[1]
    return found


def envelope() -> str:
    """What the current protocol says in each request instead of once."""
    return json.dumps({
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientInfo": {"name": "live tests", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    })


def call(name: str, arguments: str, id_: int, modern: bool) -> bytes:
    meta = f',"_meta":{envelope()}' if modern else ""
    return (
        f'{{"jsonrpc":"2.0","id":{id_},"method":"tools/call",'
        f'"params":{{"name":{json.dumps(name)},"arguments":{arguments}{meta}}}}}'
    ).encode()


def message(method: str, params: dict | None, id_: int | None, modern: bool) -> bytes:
    params = dict(params or {})
    if modern:
        params["_meta"] = json.loads(envelope())
    body = {"jsonrpc": "2.0", "method": method, "params": params}
    if id_ is not None:
        body["id"] = id_
    return json.dumps(body).encode()


def path(server: str) -> str:
    return f"/{server}/mcp"
