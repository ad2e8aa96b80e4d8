"""One workflow, which runs any plan.

It decides by its input and by what its activities answered, so runs can be replayed.
"""

import asyncio
import json
from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    import checked

# Errors after which a call that must not be made twice is tried again: it did nothing, or the tool said that it failed.
# After any other, such as the end of the worker, nobody knows.
UNDONE = ("ToolError", "Unreachable", "Overloaded", "NoToken", "BreakerOpen")
DECISIONS = ("retry", "skip", "compensate", "stop")


def milliseconds(count: int) -> timedelta:
    return timedelta(milliseconds=count)


def policy(retry: dict, attempts: int) -> RetryPolicy:
    return RetryPolicy(
        maximum_attempts=attempts,
        initial_interval=milliseconds(retry["initialIntervalMs"]),
        backoff_coefficient=float(retry["backoffCoefficient"]),
        maximum_interval=milliseconds(retry["maximumIntervalMs"]),
    )


def why(error: BaseException) -> str:
    cause = error.__cause__ or error
    kind = getattr(cause, "type", None)
    return f"{getattr(kind, 'name', kind) or type(cause).__name__}: {cause}"


def server_for(routes: dict, arguments: dict) -> str:
    """The server that takes data of the class which the arguments say."""
    found = arguments
    for name in routes["argument"]:
        found = found.get(name) if isinstance(found, dict) else None
    if isinstance(found, str) and found in routes["servers"]:
        return routes["servers"][found]
    # The value may be confidential, so it is not part of the message.
    message = f"no server accepts the class in {'.'.join(routes['argument'])}"
    raise ApplicationError(message, type="NoServer", non_retryable=True)


@workflow.defn(name="mcpctl")
class Run:
    def __init__(self) -> None:
        self.trace: list[str] = []  # keys of calls that are done, in order
        self.begun: list[dict] = []  # steps with a call that was tried, in order
        self.tried: dict[str, list[str]] = {}  # idempotency keys of those calls, by step
        self.gone: dict[str, list[str]] = {}  # servers that calls went to by the class of their data, by step
        self.skipped: list[str] = []
        self.results: dict[str, dict] = {}  # the fields that other calls take, by the key of the call
        self.waiting: dict[str, str] = {}  # why, by step
        self.decisions: dict[str, str] = {}
        self.done: dict[str, asyncio.Event] = {}

    @workflow.query
    def progress(self) -> dict:
        """What is done, which steps were left out, and which wait for a decision."""
        return {"trace": self.trace, "skipped": self.skipped, "waiting": self.waiting}

    @workflow.signal
    def decide(self, step: str, decision: str) -> None:
        """What becomes of a step that waits: `retry`, `skip`, `compensate` or `stop`. Another word changes nothing."""
        if step in self.waiting and decision in DECISIONS:
            self.decisions[step] = decision

    @workflow.run
    async def run(self, given: dict) -> dict:
        self.plan, self.arguments = given.get("plan"), given.get("arguments", {})
        fault = checked.fault(self.plan) or checked.fault_of_arguments(self.arguments)
        if fault is not None:
            raise ApplicationError(fault, type="BadPlan", non_retryable=True)
        self.on_failure = self.plan["onFailure"]
        self.done = {step["id"]: asyncio.Event() for step in self.plan["steps"]}
        steps = [asyncio.create_task(self._step(step)) for step in self.plan["steps"]]
        try:
            await asyncio.gather(*steps)
            return self._outcome("success")
        except (ActivityError, ApplicationError, asyncio.CancelledError) as error:
            # Before anything is undone, no call may be on its way any more.
            for step in steps:
                step.cancel()
            await self._whole(asyncio.gather(*steps, return_exceptions=True))
            cancelled = is_cancelled_exception(error)
            # Where a person would have decided, nobody can any more when a run is cancelled.
            if self.on_failure == "compensate" or (cancelled and self.on_failure == "wait"):
                await self._whole(asyncio.create_task(self._undo()))
            if cancelled:
                raise
            if self.on_failure != "compensate":
                details = self._outcome("failure")
                raise ApplicationError(why(error), details, type="StepFailed", non_retryable=True) from error
            return self._outcome("compensating_transaction") | {"cause": why(error)}

    def _outcome(self, word: str) -> dict:
        return {"outcome": word, "trace": self.trace} | ({"skipped": self.skipped} if self.skipped else {})

    async def _whole(self, work: asyncio.Future) -> None:
        """Waits for work to its end, also when the run is cancelled meanwhile."""
        while not work.done():
            try:
                await asyncio.shield(work)
            except asyncio.CancelledError:
                pass
        if not work.cancelled():
            work.result()

    async def _step(self, step: dict) -> None:
        for on in step["dependsOn"]:
            await self.done[on].wait()
        left, begun = list(step["calls"]), False
        while left:
            try:
                begun = begun or self._holds(step)
                await self._call(step, left[0], self.plan["retry"], [])
                left.pop(0)
            except (ActivityError, ApplicationError) as error:
                optional = step.get("optional", False)
                if is_cancelled_exception(error) or (not optional and self.on_failure in ("compensate", "stop")):
                    raise
                goes_on = optional or self.on_failure == "continue"
                decision = "skip" if goes_on else await self._decision(step["id"], why(error))
                if decision == "skip":
                    self.skipped.append(step["id"])
                    break
                if decision != "retry":
                    self.on_failure = decision
                    raise
        self.done[step["id"]].set()

    def _holds(self, step: dict) -> bool:
        """Whether a step may begin. What a result does not say is not what it must say."""
        condition = step.get("proceedIf")
        if condition is None:
            return True
        found = self.results.get(condition["call"], {}).get(condition["field"])
        # Values of different types are never equal, as in JSON; Python takes `True` for 1.
        if found == condition["equals"] and isinstance(found, bool) == isinstance(condition["equals"], bool):
            return True
        message = f"{condition['field']} of {condition['call']} is not {json.dumps(condition['equals'])}"
        raise ApplicationError(message, type="ConditionNotMet", non_retryable=True)

    def _taken(self, call: dict) -> dict:
        """The arguments of a call that come from results. There is none where the step that has it was left out, or is undone half
        done; a result that lacks it is a failure."""
        found = {}
        for taken in call.get("takes", []):
            if taken["call"] not in self.results:
                continue
            if taken["field"] not in self.results[taken["call"]]:
                message = f"the result of {taken['call']} has no field {taken['field']}"
                raise ApplicationError(message, type="NoResult", non_retryable=True)
            found[taken["argument"]] = self.results[taken["call"]][taken["field"]]
        return found

    async def _decision(self, step: str, cause: str) -> str:
        self.waiting[step] = cause
        await workflow.wait_condition(lambda: step in self.decisions)
        del self.waiting[step]
        return self.decisions.pop(step)

    async def _undo(self) -> None:
        """Undoes every step that was begun, the last one first. Where one compensation fails, the others run."""
        failures = []
        for step in reversed(self.begun):
            for call in step["compensations"]:
                try:
                    await self._call(step, call, self.plan["compensationRetry"], list(self.tried[step["id"]]))
                except (ActivityError, ApplicationError) as error:
                    failures.append(f"{call['key']}: {why(error)}")
        if failures:
            details = self._outcome("failure") | {"not undone": failures}
            raise ApplicationError("; ".join(failures), details, type="CompensationFailed", non_retryable=True)

    def _arguments(self, step: dict, call: dict) -> dict:
        taken = self._taken(call)
        of_step = self.arguments.get(step["id"], {})
        started_with = next((of_step[tool] for tool in call["argumentsOf"] if tool in of_step), {})
        # What is to come from a result comes from nobody else, also where there is no result.
        from_results = {one["argument"] for one in call.get("takes", [])}
        return {name: value for name, value in started_with.items() if name not in from_results} | taken

    def _server(self, step: dict, call: dict, arguments: dict) -> str:
        """Where a call goes by the class of its data. What undoes a step goes where the step went."""
        gone = self.gone.setdefault(step["id"], [])
        if call in step["compensations"] and len(gone) == 1:
            return gone[0]
        server = server_for(call["routes"], arguments)
        if call in step["calls"] and server not in gone:
            gone.append(server)
        return server

    async def _call(self, step: dict, call: dict, retry: dict, undoes: list[str]) -> None:
        arguments = self._arguments(step, call)
        # Where no server takes the data, nothing was tried.
        given = call if "server" in call else call | {"server": self._server(step, call, arguments)}
        # A call has one key in a run, also after a worker crashed. Another run of the same id has another one.
        key = f"{workflow.info().workflow_id}/{workflow.info().first_execution_run_id}/{call['key']}"
        if call in step["calls"]:
            # Before the call, because it may be half done when it fails.
            if step not in self.begun:
                self.begun.append(step)
            tried = self.tried.setdefault(step["id"], [])
            if key not in tried:
                tried.append(key)
        servers = {given["server"]: self.plan["servers"][given["server"]]}
        plan = {"flow": self.plan["flow"], "identity": self.plan["identity"], "servers": servers}
        given = {"plan": plan, "call": given, "key": key, "undoes": undoes, "arguments": arguments}
        if call["inDoubt"] == "repeat":
            result = await self._activity(given, policy(retry, retry["maximumAttempts"]))
        else:
            result = await self._unless_in_doubt(given, retry)
        self.results[call["key"]] = result or {}
        self.trace.append(call["key"])

    async def _unless_in_doubt(self, given: dict, retry: dict) -> dict | None:
        """Attempts of a call that must not be made twice: the next one after an answer, or where nothing was sent."""
        pause = retry["initialIntervalMs"]
        for left in reversed(range(retry["maximumAttempts"])):
            try:
                return await self._activity(given, policy(retry, 1))
            except ActivityError as error:
                cause = error.__cause__
                known = isinstance(cause, ApplicationError) and not cause.non_retryable and cause.type in UNDONE
                if not left or not known:
                    raise
                after = cause.next_retry_delay or milliseconds(pause)
            await asyncio.sleep(after.total_seconds())
            pause = min(pause * retry["backoffCoefficient"], retry["maximumIntervalMs"])

    async def _activity(self, given: dict, retry: RetryPolicy) -> dict | None:
        server = given["plan"]["servers"][given["call"]["server"]]
        return await workflow.execute_activity(
            "call_tool",
            given,
            activity_id=given["call"]["key"],
            start_to_close_timeout=milliseconds(server["startToCloseMs"]),
            heartbeat_timeout=milliseconds(server["heartbeatMs"]),
            retry_policy=retry,
            cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
        )
