"""One activity: one attempt of one call of a tool.

MCP gives errors of a tool as results, so they are raised here, or nothing would try them again. Each error has a type:

    ToolError     the tool answered that it failed                       tried again
    Unreachable   the call was not sent                                  tried again
    Unanswered    it was sent, and nobody knows what became of it        tried again, unless the plan says otherwise
    Overloaded    the server takes no more calls at the moment (429)     tried again
    NoToken       there is no token for the flow at the moment           tried again
    BreakerOpen   the circuit breaker of this worker holds it back       tried again, when the breaker lets it through,
                                                                         unless the plan says otherwise
    Denied, Unauthorized, UnknownTool, Refused, NoAddress, TooLarge      not tried again
"""

import asyncio
import contextlib
import json
import ssl
from datetime import timedelta

import anyio
import httpx2
from breaker import Breaker, Open
from cache import Cache
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client
from temporalio import activity
from temporalio.exceptions import ApplicationError
from tokens import NoToken, Tokens

KEY, UNDOES = "mcpctl.io/idempotency-key", "mcpctl.io/undoes"
# The context of a trace. Baggage is for applications, and goes no further.
CONTEXT = ("traceparent", "tracestate")
# The error of JSON-RPC with which compiled gateways deny a call, also where its status is 200.
DENIED = -32001
# Errors of JSON-RPC that another attempt meets again: not a request, no such method, no such tool or arguments.
FINAL = (-32600, -32601, -32602)
# What an error says about the server. The others come from a gateway, or from this worker.
HEALTHY = {"ToolError": True, "UnknownTool": True, "Unreachable": False, "Unanswered": False}
HEARTBEAT_SECONDS = 1
MOST = 300
# Most bytes of the fields of one result that a history keeps. Temporal takes 2 MiB at most.
MOST_HANDED_ON = 100_000


def failed(kind: str, message: str, final: bool = False, after: float | None = None) -> ApplicationError:
    delay = timedelta(seconds=after) if after is not None else None
    return ApplicationError(message[:MOST], type=kind, non_retryable=final, next_retry_delay=delay)


def leaf(error: BaseException) -> BaseException:
    """The first error of a group of them."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


class Attempt:
    """What is known about an attempt: whether the call was sent, and the status of the last answer to a request of its own."""

    sent = False
    status = 0

    async def answered(self, response: httpx2.Response) -> None:
        # A stream that the client opens beside its requests, a notification, and the end of a session say nothing about the call.
        request = response.request
        if request.method == "POST" and "id" in json.loads(request.content):
            self.status = response.status_code

    def failure(self, error: BaseException) -> ApplicationError:
        # What a server says may belong into no history, and the text of other errors may hold what was sent.
        code = error.code if isinstance(error, MCPError) else 0
        said = f"error {code}" if code else type(error).__name__
        if self.status == 401:
            return failed("Unauthorized", said, final=True)
        if self.status == 403 or code == DENIED:
            # The gateway says what the call lacks.
            return failed("Denied", str(error) if code else said, final=True)
        if self.status == 404:
            return failed("Unreachable", f"status 404: {said}")
        if self.status < 500 and self.status != 429 and code in FINAL:
            return failed("UnknownTool" if "tool" in str(error).lower() else "Refused", said, final=True)
        if 400 <= self.status < 500 and self.status not in (408, 429):
            return failed("Refused", f"status {self.status}: {said}", final=True)
        if self.status == 429:
            return failed("Overloaded", said)
        if not self.sent:
            return failed("Unreachable", f"status {self.status}: {said}" if self.status else said)
        return failed("Unanswered", f"status {self.status}: {said}" if self.status >= 500 else said)


async def traced(request: httpx2.Request) -> None:
    """Gateways read the context of a trace from headers, and the SDK writes it into `_meta` (SEP-414), so headers repeat it."""
    if request.method == "POST":
        params = json.loads(request.content).get("params")
        meta = params.get("_meta") if isinstance(params, dict) else None
        for key in CONTEXT:
            if isinstance(meta, dict) and key in meta:
                request.headers[key] = meta[key]


def handed_on(result: str, call: dict) -> dict | None:
    """The fields of a result that the plan hands on: of its structured content, else of the text of its one part, if that is an
    object of JSON."""
    if not call.get("results"):
        return None
    answer = json.loads(result)
    fields, content = answer.get("structured_content"), answer.get("content", [])
    if fields is None and len(content) == 1:
        try:
            fields = json.loads(content[0].get("text") or "null")
        except ValueError:
            fields = None
    found = {name: fields[name] for name in call["results"] if name in fields} if isinstance(fields, dict) else {}
    if len(json.dumps(found)) > MOST_HANDED_ON:
        raise failed("TooLarge", f"the fields that are handed on are larger than {MOST_HANDED_ON} bytes", final=True)
    return found


def origin(url: str) -> tuple[str, str, int | None]:
    parts = httpx2.URL(url)
    return parts.scheme, parts.host, parts.port


class Calls:
    """`known` are servers with the URLs that the plans of the bundle name. Whoever starts a run gives its plan, so that plan alone
    cannot say where the tokens of a flow are sent, nor what is kept under the name of a server."""

    def __init__(
        self,
        servers: dict[str, str],
        known: set[tuple[str, str]],
        tokens: Tokens,
        cache: Cache,
        tls: ssl.SSLContext | bool = True,
    ):
        self.servers, self.tokens, self.cache, self.tls = servers, tokens, cache, tls
        self.known = known | set(servers.items())
        self.origins = {origin(url) for _, url in self.known}
        self.breakers: dict[tuple[str, str, str], Breaker] = {}

    @activity.defn(name="call_tool")
    async def call_tool(self, given: dict) -> dict | None:
        """Makes one attempt, unless a cache has the result. Of an answer, a history has only the fields that the plan hands on: what else it
        holds may not belong there."""
        plan, call = given["plan"], given["call"]
        server = plan["servers"][call["server"]]
        url = self.servers.get(call["server"]) or server.get("url")
        if not url or origin(url) not in self.origins:
            raise failed("NoAddress", f"settings and bundle name no such address of {call['server']}", final=True)
        if (call["server"], url) in self.known and (kept := self.cache.get(given)) is not None:
            return handed_on(kept, call)
        limits = server.get("breaker") or {}
        whose = plan["flow"] if limits.get("per") == "flow" else ""
        breaker = self.breakers.setdefault((call["server"], whose, str(limits)), Breaker(limits or None))
        try:
            trial = breaker.enter()
        except Open as held:
            final = limits.get("whenOpen") == "fail"
            raise failed("BreakerOpen", f"{call['server']}: {held}", final, None if final else held.after) from None
        healthy = None
        try:
            async with beating():
                result = await self._call(plan, given, url, server["callTimeoutMs"] / 1000)
            healthy = True
            if (call["server"], url) in self.known:
                self.cache.put(given, result)
            return handed_on(result, call)
        except ApplicationError as error:
            healthy = HEALTHY.get(error.type)
            raise
        finally:
            breaker.leave(trial, healthy)

    async def _call(self, plan: dict, given: dict, url: str, seconds: float) -> str:
        for renew in (False, True):
            try:
                token = await self.tokens.token(plan, given["call"]["server"], url, renew)
            except NoToken as missing:
                raise failed("NoToken", str(missing)) from None
            try:
                return await self._attempt(given, url, token, seconds)
            except ApplicationError as error:
                # A token that was taken back is noticed here, and once.
                if error.type != "Unauthorized" or token is None or renew:
                    raise

    async def _attempt(self, given: dict, url: str, token: str | None, seconds: float) -> str:
        """The result of the tool, as JSON."""
        attempt, result = Attempt(), None
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        meta = {KEY: given["key"], **({UNDOES: given["undoes"]} if given["undoes"] else {})}
        try:
            with anyio.fail_after(seconds):
                hooks = {"request": [traced], "response": [attempt.answered]}
                settings = {"headers": headers, "timeout": seconds, "verify": self.tls, "event_hooks": hooks}
                async with httpx2.AsyncClient(**settings) as http:
                    async with Client(streamable_http_client(url, http_client=http), cache=None) as client:
                        attempt.sent = True
                        result = await client.call_tool(given["call"]["tool"], given["arguments"], meta=meta)
        except Exception as error:
            # An answer that was there before the connection was closed counts.
            if result is None:
                raise attempt.failure(leaf(error)) from None
        if result.is_error:
            said = " ".join(getattr(part, "text", "") for part in result.content)
            unknown = said.lower().startswith("unknown tool")
            if unknown:
                raise failed("UnknownTool", "the server has no such tool", final=True)
            raise failed("ToolError", "the tool answers that it failed")
        return result.model_dump_json()


@contextlib.asynccontextmanager
async def beating():
    """Tells Temporal that this worker lives, which also is how a cancellation gets here."""

    async def beat() -> None:
        while True:
            activity.heartbeat()
            await asyncio.sleep(HEARTBEAT_SECONDS)

    task = asyncio.create_task(beat())
    try:
        yield
    finally:
        task.cancel()
