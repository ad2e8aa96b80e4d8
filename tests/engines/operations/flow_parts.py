"""Parts of the worker by themselves: what no run with a well-behaved server reaches."""

import asyncio
import importlib
import json
import sys
import tempfile
from pathlib import Path

from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from .flows import Runs


class Server:
    """A clock that a test turns."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def breaker(runs: Runs) -> None:
    """A trial call that ends after the breaker has opened again says nothing about the trials of the next phase."""
    clock = Server()
    made = importlib.import_module("breaker").Breaker({"failureThreshold": 1, "openMs": 1000, "halfOpenCalls": 2}, clock)
    made.leave(made.enter(), False)
    clock.now = 2
    first, second = made.enter(), made.enter()
    made.leave(first, False)
    made.leave(second, True)
    clock.now = 4
    made.leave(made.enter(), True)
    runs.tally.check(made.opened is not None, "a trial of an earlier phase closes the breaker")
    made.leave(made.enter(), True)
    runs.tally.check(made.opened is None, "two trials of one phase do not close the breaker")


async def tokens(runs: Runs) -> None:
    """No name of a server leads out of the folder of tokens, and what is no token is neither sent nor shown."""
    module = importlib.import_module("tokens")
    with tempfile.TemporaryDirectory() as given:
        folder = Path(given)
        (folder / "tokens").mkdir()
        for name, text in (("secret", "other-secret"), ("tokens/crm", "good.token"), ("tokens/split", "one-secret\ntwo-secret")):
            (folder / name).write_text(text)
        known = module.Tokens({"workflow:a": {"file": f"{folder}/tokens/{{server}}"}})
        plan = {"flow": "workflow:a", "identity": {"subject": "a"}}
        runs.tally.check(await known.token(plan, "crm", "") == "good.token", "a token is not read")
        for server in ("../secret", "..", ".", "a/../../secret", "split", ""):
            try:
                token = await known.token(plan, server, "")
                runs.tally.check(False, f"server {server!r} gets {token!r}")
            except module.NoToken as missing:
                runs.tally.check("secret\n" not in str(missing) and "one-" not in str(missing), f"{server!r}: {missing}")


async def statuses(runs: Runs) -> None:
    """The status of a call is that of its own request, and no text of an error gets into a history."""
    calls = importlib.import_module("calls")
    httpx2 = importlib.import_module("httpx2")

    def response(method: str, status: int, body: bytes = b"") -> object:
        return httpx2.Response(status, request=httpx2.Request(method, "http://127.0.0.1/mcp", content=body))

    attempt = calls.Attempt()
    attempt.sent = True
    await attempt.answered(response("POST", 503, b'{"jsonrpc":"2.0","id":3,"method":"tools/call"}'))
    for method, status, body in (("GET", 405, b""), ("DELETE", 401, b""), ("POST", 202, b'{"jsonrpc":"2.0","method":"notifications/cancelled"}')):
        await attempt.answered(response(method, status, body))
    runs.tally.check(attempt.status == 503, f"another request makes the status {attempt.status}")
    for status, kind in ((401, "Unauthorized"), (403, "Denied"), (404, "Unreachable"), (400, "Refused"), (429, "Overloaded"), (503, "Unanswered")):
        attempt.status = status
        found = attempt.failure(ValueError("Illegal header value b'Bearer the-token'"))
        runs.tally.check(found.type == kind, f"status {status} is {found.type}")
        runs.tally.check("the-token" not in found.message, f"status {status} shows {found.message}")


async def traces(runs: Runs) -> None:
    """The context of a trace is in the headers of a call as in its message, and nothing else of a message gets there."""
    calls = importlib.import_module("calls")
    httpx2 = importlib.import_module("httpx2")
    parent = f"00-{5:032x}-{7:016x}-01"
    for method, content, wanted in (
        ("POST", json.dumps({"id": 1, "params": {"_meta": {"traceparent": parent, "tracestate": "a=b", "baggage": "c=d"}}}), (parent, "a=b")),
        ("POST", json.dumps({"id": 1, "params": {"_meta": {}, "traceparent": parent}}), (None, None)),
        ("POST", json.dumps({"id": 1, "params": [parent]}), (None, None)),
        ("POST", json.dumps({"id": 1, "result": {}}), (None, None)),
        ("DELETE", "", (None, None)),
    ):
        request = httpx2.Request(method, "http://127.0.0.1/mcp", content=content)
        await calls.traced(request)
        found = request.headers.get("traceparent"), request.headers.get("tracestate")
        runs.tally.check(found == wanted and "baggage" not in request.headers, f"{content} is sent with {found}")


async def circuits(runs: Runs) -> None:
    """Whom a breaker cuts off, and what becomes of a call that it holds back."""
    calls = importlib.import_module("calls")

    class Failing(calls.Calls):
        async def _call(self, plan: dict, given: dict, url: str, seconds: float) -> str:
            raise calls.failed("Unreachable", "nobody is there")

    url = "http://127.0.0.1:9/a_server/mcp"
    for per in ("flow", "worker"):
        for when in ("wait", "fail"):
            worker = Failing({"a_server": url}, set(), None, importlib.import_module("cache").cache([]))
            limits = {"failureThreshold": 2, "openMs": 60_000, "halfOpenCalls": 1}
            limits |= ({"per": "flow"} if per == "flow" else {}) | ({"whenOpen": "fail"} if when == "fail" else {})
            found = []
            for flow in ("one", "one", "one", "other"):
                plan = {"flow": flow, "identity": {}, "servers": {"a_server": {"callTimeoutMs": 1000, "breaker": limits}}}
                given = {"plan": plan, "call": {"server": "a_server", "tool": "t"}, "arguments": {}, "undoes": [], "key": "k"}
                try:
                    await ActivityEnvironment().run(worker.call_tool, given)
                except ApplicationError as error:
                    found.append((error.type, error.non_retryable, error.next_retry_delay is not None))
            held = ("BreakerOpen", when == "fail", when == "wait")
            sent = ("Unreachable", False, False)
            wanted = [sent, sent, held, sent if per == "flow" else held]
            runs.tally.check(found == wanted, f"a breaker of a {per} where calls {when}: {found}")


async def parts(runs: Runs, worker: Path) -> None:
    sys.path.insert(0, str(worker))
    breaker(runs)
    await asyncio.gather(tokens(runs), statuses(runs), traces(runs))
    await circuits(runs)
