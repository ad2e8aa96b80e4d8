"""The official Python SDK as a client, of either generation: jobs on standard input, what came of each on standard
output.

A job: {url, mode, step, tool, seconds}. Each has a session of its own, and all run at the same time.
"""

import asyncio
import importlib.metadata
import json
import sys

GENERATION = int(importlib.metadata.version("mcp").split(".")[0])
if GENERATION >= 2:
    import httpx2
    import mcp_types as types
    from mcp import Client
    from mcp.client.streamable_http import streamable_http_client
else:
    from mcp import ClientSession, types
    from mcp.client.streamable_http import streamablehttp_client
ANSWER = "an answer of the client"


async def sample(_context, params):
    return types.CreateMessageResult(
        role="assistant", content=types.TextContent(type="text", text=ANSWER), model="none"
    )


async def elicit(_context, params):
    schema = getattr(params, "requested_schema", None) or getattr(params, "requestedSchema", None)
    return types.ElicitResult(action="accept", content=dict.fromkeys(schema["properties"], ANSWER))


async def newer(job: dict) -> str:
    logged = []

    async def log(params):
        logged.append(params)

    async with httpx2.AsyncClient(timeout=job["seconds"]) as http:
        transport = streamable_http_client(job["url"], http_client=http)
        async with Client(
            transport, mode=job["mode"], sampling_callback=sample, elicitation_callback=elicit, logging_callback=log
        ) as client:
            # Pinned to a revision, the client asks for nothing before its first request.
            return await step(client, job, getattr(client.server_info, "name", ""), logged)


async def older(job: dict) -> str:
    logged = []

    async def log(params):
        logged.append(params)

    async with streamablehttp_client(job["url"], timeout=job["seconds"]) as (read, write, _):
        async with ClientSession(
            read, write, sampling_callback=sample, elicitation_callback=elicit, logging_callback=log
        ) as session:
            begun = await session.initialize()
            return await step(session, job, begun.serverInfo.name, logged)


async def step(client, job: dict, server: str, logged: list) -> str:
    """What there is to compare. A call whose answer the client has a part in says so."""
    name, arguments = job["step"], {}
    if name == "initialize":
        return server
    if name == "tools":
        return ", ".join(
            sorted(tool.name for tool in (await client.list_tools()).tools if not tool.name.startswith("__"))
        )
    if name == "logging":
        await client.set_logging_level("debug")
    tool = job["tool"]
    if name == "sampling":
        arguments = {"prompt": "x"}
    elif name == "elicitation":
        arguments = {"message": "x"}
    elif name == "argument in a header":
        await client.list_tools()
        arguments = {"region": "Zürich ", "level": 1}
    result = await client.call_tool(tool, arguments)
    text = " ".join(getattr(one, "text", "") for one in result.content)
    failed = getattr(result, "is_error", None) or getattr(result, "isError", None)
    if name == "logging":
        return f"{len(logged)} messages logged"
    return f"{'error' if failed else 'result'}: {text}"


def told(error: BaseException) -> str:
    if isinstance(error, BaseExceptionGroup):
        return "; ".join(told(inner) for inner in error.exceptions)
    return f"{type(error).__name__}: {error}"


async def one(job: dict) -> dict:
    try:
        return {"came": await asyncio.wait_for((newer if GENERATION >= 2 else older)(job), job["seconds"])}
    except BaseException as error:
        return {"error": " ".join(told(error).split())[:300]}


async def main() -> None:
    jobs = json.load(sys.stdin)
    print(json.dumps(await asyncio.gather(*(one(job) for job in jobs))))


asyncio.run(main())
