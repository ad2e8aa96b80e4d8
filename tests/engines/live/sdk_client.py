"""Calls by the official SDK, of either generation: jobs on standard input, what came of each on standard output.

A job: {url, token, cert, key, ca, mode, tool, arguments}. Each has a session of its own.
"""

import asyncio
import importlib.metadata
import json
import ssl
import sys

MODERN = int(importlib.metadata.version("mcp").split(".")[0]) >= 2


def context(job: dict) -> ssl.SSLContext:
    made = ssl.create_default_context(cafile=job["ca"])
    made.load_cert_chain(job["cert"], job["key"])
    return made


def flat(error: BaseException) -> list[BaseException]:
    return [one for inner in error.exceptions for one in flat(inner)] if isinstance(error, BaseExceptionGroup) else [error]


def told(error: BaseException) -> dict:
    """What the caller's program is told."""
    for one in flat(error):
        said = getattr(one, "error", None)
        if said is not None and hasattr(said, "code"):
            return {"error": {"code": said.code, "message": said.message, "data": said.data}}
    for one in flat(error):
        response = getattr(one, "response", None)
        if response is not None:
            return {"status": response.status_code, "kind": type(one).__name__}
    return {"kind": ", ".join(f"{type(one).__name__}: {one}" for one in flat(error))[:300]}


async def newer(job: dict) -> dict:
    import httpx2
    from mcp import Client
    from mcp.client.streamable_http import streamable_http_client

    headers = {"authorization": f"Bearer {job['token']}"}
    async with httpx2.AsyncClient(headers=headers, verify=context(job), timeout=20) as http:
        async with Client(streamable_http_client(job["url"], http_client=http), mode=job["mode"]) as client:
            tools = [tool.name for tool in (await client.list_tools()).tools]
            try:
                result = await client.call_tool(job["tool"], job["arguments"])
            except Exception as error:
                # The session must survive a denial.
                again = [tool.name for tool in (await client.list_tools()).tools]
                return told(error) | {"tools": tools, "survived": again == tools}
            return {"text": result.content[0].text, "tools": tools}


async def older(job: dict) -> dict:
    import httpx
    from mcp import ClientSession
    from mcp.client.streamable_http import streamablehttp_client

    def client(headers=None, timeout=None, auth=None):
        return httpx.AsyncClient(headers=headers, timeout=timeout or 20, auth=auth, verify=context(job), follow_redirects=True)

    headers = {"authorization": f"Bearer {job['token']}"}
    async with streamablehttp_client(job["url"], headers=headers, httpx_client_factory=client) as (read, write, _):
        async with ClientSession(read, write) as session:
            await session.initialize()
            tools = [tool.name for tool in (await session.list_tools()).tools]
            try:
                result = await session.call_tool(job["tool"], job["arguments"])
            except Exception as error:
                # A status other than 200 ends the session here, so only then there is nothing to go on with.
                if getattr(error, "error", None) is None or error.error.code != -32001:
                    return told(error) | {"tools": tools}
                again = [tool.name for tool in (await session.list_tools()).tools]
                return told(error) | {"tools": tools, "survived": again == tools}
            return {"text": result.content[0].text, "tools": tools}


async def one(job: dict) -> dict:
    try:
        return await asyncio.wait_for((newer if MODERN else older)(job), 20)
    except BaseException as error:
        return told(error) | {"ended": True}


async def main() -> None:
    for line in sys.stdin:
        print(json.dumps(await one(json.loads(line)), default=str), flush=True)


asyncio.run(main())
