"""`python3 batch.py PLAN.json < ITEMS`: gathers items into batches by the `batching` of a plan, and starts a run for each.

An item is a line of JSON: `{"id": "order-4711", "arguments": {...}, "priority": "high"}`. `arguments` and `priority` may be
left out. The id is the id of the run, so an item that comes twice is started once. Each batch is printed as a line of JSON; at the
end of the input, what still waits is sent.
"""

import argparse
import asyncio
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import checked
from temporalio.client import Client, WorkflowFailureError
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError

# Lines that are read ahead.
MOST_LINES = 10_000


@dataclass
class Waiting:
    item: dict
    since: float


def is_urgent(waiting: Waiting) -> bool:
    return waiting.item.get("priority") == "high"


class Batcher:
    """Items that wait, and when which of them are sent. It reads no clock but `clock`, in seconds."""

    def __init__(self, batching: dict, clock: Callable[[], float] = time.monotonic):
        self.size, self.flush = batching.get("size"), batching.get("flushIntervalMs")
        self.strategies = batching.get("strategies", [])
        self.clock = clock
        self.waiting: list[Waiting] = []

    def add(self, items: list[dict]) -> None:
        now = self.clock()
        self.waiting += [Waiting(item, now) for item in items]

    def until_due(self) -> float | None:
        """Seconds until the next batch is sent by time; `None` where nothing waits for a time."""
        times = [one["everyMs"] for one in self.strategies if "everyMs" in one] + ([self.flush] if self.flush else [])
        if not self.waiting or not times:
            return None
        return max(0.0, self.waiting[0].since + min(times) / 1000 - self.clock())

    def due(self) -> Iterator[tuple[str, list[dict]]]:
        """The batches that are to be sent now, each with the name of what sends it."""
        for one in self.strategies:
            while one.get("on") == "highPriority" and any(map(is_urgent, self.waiting)):
                yield one["name"], self._take(one.get("maxItems"))
        full = [one for one in self.strategies if one.get("on") == "full"]
        while self.size and len(self.waiting) >= self.size:
            name, most = (full[0]["name"], full[0].get("maxItems")) if full else ("batch_size", self.size)
            yield name, self._take(most)
        timed = [(one["everyMs"], one["name"], one.get("maxItems")) for one in self.strategies if "everyMs" in one]
        timed += [(self.flush, "flush_interval", None)] if self.flush else []
        for milliseconds, name, most in sorted(timed, key=lambda one: one[0]):
            # What is left over has waited as long, so it is sent by the next.
            if self.waiting and self.clock() >= self.waiting[0].since + milliseconds / 1000:
                yield name, self._take(most)

    def rest(self) -> Iterator[tuple[str, list[dict]]]:
        while self.waiting:
            yield "end_of_input", self._take(self.size)

    def _take(self, most: int | None) -> list[dict]:
        """The next items: those of high priority first, else in the order in which they came."""
        order = sorted(self.waiting, key=lambda one: not is_urgent(one))
        taken = order[: len(order) if most is None else most]
        chosen = {id(one) for one in taken}
        self.waiting = [one for one in self.waiting if id(one) not in chosen]
        return [one.item for one in taken]


def fault_of_item(item: object) -> str | None:
    if not isinstance(item, dict) or not isinstance(item.get("id"), str) or not item["id"]:
        return "an item is an object with an `id`"
    if set(item) - {"id", "arguments", "priority"} or item.get("priority", "high") not in ("high", "normal"):
        return "an item has `id`, `arguments`, and `priority: high` or `normal`"
    return checked.fault_of_arguments(item.get("arguments", {}))


class Sender:
    def __init__(self, client: Client, plan: dict, queue: str):
        self.client, self.plan, self.queue = client, plan, queue
        self.runs: list = []

    async def send(self, strategy: str, items: list[dict]) -> None:
        started = [item["id"] for item, run in zip(items, await asyncio.gather(*(self._start(strategy, item) for item in items))) if run]
        known = [item["id"] for item in items if item["id"] not in started]
        print(json.dumps({"strategy": strategy, "started": started} | ({"known": known} if known else {})), flush=True)

    async def _start(self, strategy: str, item: dict) -> bool:
        try:
            run = await self.client.start_workflow(
                "mcpctl",
                {"plan": self.plan, "arguments": item.get("arguments", {})},
                id=item["id"],
                task_queue=self.queue,
                memo={"batch": strategy},
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
            )
        except WorkflowAlreadyStartedError:
            return False
        self.runs.append(run)
        return True

    async def outcomes(self) -> int:
        """How many runs did not succeed."""
        failed = 0
        for run in self.runs:
            try:
                outcome = (await run.result())["outcome"]
            except WorkflowFailureError as error:
                outcome = f"failure: {error.cause}"
            if outcome != "success":
                failed += 1
                print(f"{run.id}: {outcome}", file=sys.stderr)
        return failed


def read(loop: asyncio.AbstractEventLoop, queue: asyncio.Queue) -> None:
    """Puts each line of the input into a queue, and `None` at its end."""
    for line in sys.stdin.buffer:
        asyncio.run_coroutine_threadsafe(queue.put(line), loop).result()
    asyncio.run_coroutine_threadsafe(queue.put(None), loop).result()


async def lines(queue: asyncio.Queue, seconds: float | None) -> list[bytes | None]:
    """The lines that came, at least one unless the time is over."""
    try:
        found = [await asyncio.wait_for(queue.get(), seconds)]
    except TimeoutError:
        return []
    while not queue.empty():
        found.append(queue.get_nowait())
    return found


def items_of(found: list[bytes | None]) -> tuple[list[dict], int]:
    """The items of these lines, and how many lines are none."""
    items, refused = [], 0
    for line in found:
        if line is None or not line.strip():
            continue
        try:
            item = json.loads(line)
            fault = fault_of_item(item)
        except ValueError as error:
            fault = str(error)
        if fault is None:
            items.append(item)
        else:
            refused += 1
            print(f"this line is not an item: {fault}", file=sys.stderr)
    return items, refused


async def main() -> int:
    options = argparse.ArgumentParser()
    options.add_argument("plan", type=Path)
    options.add_argument("--address", default="127.0.0.1:7233", help="where Temporal listens")
    options.add_argument("--namespace", default="default")
    options.add_argument("--task-queue", default="mcpctl")
    options.add_argument("--no-wait", action="store_true", help="do not wait for the outcomes")
    given = options.parse_args()
    plan = json.loads(given.plan.read_text("utf-8"))
    fault = checked.fault(plan) or (None if "batching" in plan else "the plan has no `batching`")
    if fault is not None:
        sys.exit(f"{given.plan}: {fault}")
    client = await Client.connect(given.address, namespace=given.namespace)
    sender, batcher = Sender(client, plan, given.task_queue), Batcher(plan["batching"])
    queue: asyncio.Queue = asyncio.Queue(maxsize=MOST_LINES)
    threading.Thread(target=read, args=(asyncio.get_running_loop(), queue), daemon=True).start()
    refused, ended = 0, False
    while not ended:
        found = await lines(queue, batcher.until_due())
        items, faults = items_of(found)
        refused, ended = refused + faults, None in found
        batcher.add(items)
        for strategy, batch in batcher.due():
            await sender.send(strategy, batch)
    for strategy, batch in batcher.rest():
        await sender.send(strategy, batch)
    failed = 0 if given.no_wait else await sender.outcomes()
    return 1 if failed or refused else 0


if __name__ == "__main__":
    try:
        code = asyncio.run(main())
    except SystemExit as end:
        code = 1 if isinstance(end.code, str) else end.code or 0
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
    sys.stdout.flush()
    sys.stderr.flush()
    # Threads of the client may still be at work, and an interpreter that is taken down under them aborts.
    os._exit(code)
