"""Runs of flows in an environment: with inputs that are made up, and with calls that meet what a scenario breaks."""

import asyncio
import contextlib
import json
import logging
import ssl
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import cache
import checked
import httpx2
import run
from calls import Calls, failed
from flow import Run
from inputs import NoInput, made_up
from mcp import Client as Server
from mcp.client.streamable_http import streamable_http_client
from temporalio import activity
from temporalio.client import Client, WorkflowFailureError
from temporalio.exceptions import ApplicationError
from temporalio.worker import Worker
from tokens import NoToken, Tokens

# What the worker's calls meet, by the word of `inject_failure`. What undoes a step reaches its server.
LATE, NEVER, GONE, LOST, FAILS, MANY = "late", "never", "gone", "lost", "fails", "many"
FAULTS = {
    "delay": LATE, "latency": LATE, "slow": LATE, "timeout": NEVER, "crash": GONE, "down": GONE, "outage": GONE, "partition": GONE, "refused": GONE,
    "restart": GONE, "unavailable": GONE, "disconnect": LOST, "reset": LOST, "error": FAILS, "failure": FAILS, "overload": MANY,
}  # fmt: skip
AT_ONCE = 50  # runs, for an overload
SECONDS = 30  # for the list of a server's tools


def one_server(call: dict) -> str:
    """A server that shows the tool: the one of the call, or the first that it may go to."""
    return call["server"] if "server" in call else next(iter(call["routes"]["servers"].values()))


class Injected(Calls):
    """The worker's calls, which meet what is broken; and what became of each attempt that failed."""

    broken: dict | None = None
    seen: list[str] = []

    @activity.defn(name="call_tool")
    async def call_tool(self, given: dict) -> None:
        try:
            await super().call_tool(given)
        except ApplicationError as error:
            self.seen.append(f"{given['call']['key']}: {error.type}")
            raise

    async def _attempt(self, given: dict, url: str, token: str | None, seconds: float) -> str:
        broken = self.broken and self.broken["server"] == given["call"]["server"] and not given["undoes"]
        how = FAULTS[self.broken["fault"]] if broken else None
        if how == NEVER:
            await anyio.sleep(seconds)
            raise failed("Unanswered", "no answer came in time")
        if how == GONE:
            raise failed("Unreachable", "the server cannot be reached")
        if how == FAILS:
            raise failed("ToolError", "the tool answers that it failed")
        if how == LATE:
            await anyio.sleep(seconds / 2)
        result = await super()._attempt(given, url, token, seconds)
        if how == LOST:
            raise failed("Unanswered", "the answer was lost")
        return result


class Trials:
    def __init__(self, calls: Injected, plans: Path, environment: dict, arguments: dict, verify: ssl.SSLContext):
        self.calls, self.plans, self.verify = calls, plans, verify
        self.is_copied, self.arguments = environment.get("data") == "sanitized_production", arguments
        self.client: Client | None = None
        self.queue = ""

    @classmethod
    @contextlib.asynccontextmanager
    async def begun(cls, settings: dict, plans: Path, environment: dict, arguments: dict) -> AsyncIterator["Trials"]:
        """With a worker of their own."""
        # Attempts fail on purpose here, and the list of them is in what is said of a scenario.
        logging.getLogger("temporalio").setLevel(logging.CRITICAL)
        context, temporal = run.tls(settings.get("tls", {})), settings["temporal"]
        tokens = Tokens(settings.get("tokens", {}), context)
        # What a cache answers shows nothing, so there is none.
        calls = Injected(settings.get("servers", {}), run.addresses(plans), tokens, cache.cache([]), context)
        trials = cls(calls, plans, environment, arguments, context)
        trials.queue = f"{temporal['task_queue']}-scenarios-{uuid.uuid4()}"
        trials.client = await Client.connect(temporal["address"], namespace=temporal["namespace"])
        async with Worker(trials.client, task_queue=trials.queue, workflows=[Run], activities=[calls.call_tool]):
            yield trials

    def plan(self, file: str) -> dict:
        return json.loads((self.plans / file).read_text("utf-8"))

    async def tried(self, plan: dict, scenario: dict) -> tuple[list[dict], list[str], bool]:
        """What became of the runs of a flow, of attempts that failed, and whether the breaker of what is broken opened."""
        self.calls.broken, self.calls.seen = None, []
        self.calls.breakers.clear()
        inputs = await self._inputs(plan)
        if fault := checked.fault(plan) or checked.fault_of_arguments(inputs):
            raise ValueError(fault)
        broken = self.calls.broken = scenario.get("failure")
        at_once = AT_ONCE if broken and FAULTS[broken["fault"]] == MANY else 1
        outcomes = await asyncio.gather(*(self._outcome(plan, scenario["name"], inputs) for _ in range(at_once)))
        of_broken = [one for (server, *_), one in self.calls.breakers.items() if broken is None or server == broken["server"]]
        return outcomes, self.calls.seen, any(one.phase for one in of_broken)

    async def _outcome(self, plan: dict, name: str, inputs: dict) -> dict:
        given = {"plan": plan, "arguments": inputs}
        try:
            return await self.client.execute_workflow("mcpctl", given, id=f"{name}-{uuid.uuid4()}", task_queue=self.queue)
        except WorkflowFailureError as error:
            details = getattr(error.cause, "details", ())
            return {"trace": [], **(details[0] if details else {}), "outcome": "failure", "cause": str(error.cause)}

    async def _inputs(self, plan: dict) -> dict:
        """Arguments by step and tool."""
        told, made = self.arguments.get(plan["flow"], {}), {}
        wanted = [(step["id"], call) for step in plan["steps"] for call in step["calls"]]
        missing = [call for step, call in wanted if call["tool"] not in told.get(step, {})]
        if missing and self.is_copied:
            raise ValueError(f"--arguments has none for {plan['flow']}, {missing[0]['tool']}")
        schemas = await self._schemas(plan, {one_server(call) for call in missing})
        for step, call in wanted:
            of_step, tool = made.setdefault(step, {}), call["tool"]
            if tool in told.get(step, {}):
                of_step[tool] = told[step][tool]
            elif (one_server(call), tool) not in schemas:
                raise ValueError(f"{one_server(call)} shows no tool {tool}")
            else:
                try:
                    of_step[tool] = made_up(schemas[one_server(call), tool])
                except NoInput as fault:
                    raise ValueError(f"no input can be made up for {tool}, so give one with --arguments: {fault}") from None
        return made

    async def _schemas(self, plan: dict, servers: set[str]) -> dict[tuple[str, str], dict]:
        """The input schema of each tool of servers, as they tell it to the flow."""
        found = {}
        for name in sorted(servers):
            url = self.calls.servers.get(name) or plan["servers"][name]["url"]
            try:
                token = await self.calls.tokens.token(plan, name, url)
                headers = {"Authorization": f"Bearer {token}"} if token else {}
                async with httpx2.AsyncClient(headers=headers, verify=self.verify, timeout=SECONDS) as http:
                    async with Server(streamable_http_client(url, http_client=http), cache=None) as client:
                        found |= {(name, tool.name): tool.input_schema for tool in (await client.list_tools()).tools}
            except NoToken as missing:
                raise ValueError(str(missing)) from None
            except Exception as fault:  # noqa: BLE001 # Whatever a server makes of the question.
                raise ValueError(f"{name} does not list its tools: {type(fault).__name__}") from None
        return found
