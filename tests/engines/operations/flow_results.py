"""Runs that go on by what results say, and batches of runs."""

import asyncio
import importlib
import json
import sys
import time
from asyncio.subprocess import PIPE

from temporalio.client import WorkflowHandle

from .flow_proofs import shown
from .flows import Runs, Stack

PLAN = "workflow-approved"
NEWS, TRADE = {"mood": "calm", "secret": "of-the-news"}, {"trade_id": "t-9", "secret": "of-the-trade"}


def approved(word: object) -> dict:
    return {"approved": word, "case_id": "c-7", "secret": "of-the-case"}


def arguments(runs: Runs, run: str, tool: str) -> dict | None:
    return next((made.arguments for made in runs.bench.of(run) if made.tool == tool), None)


def compare(runs: Runs, run: str, wanted: list[str], outcome: dict, word: str) -> None:
    """The first two steps are beside each other, so they come in any order."""
    got = runs.bench.tools(run)
    both = sorted(got[:2]) == sorted(wanted[:2]) and got[2:] == wanted[2:]
    runs.tally.check(both and outcome["outcome"] == word, f"{run}: the calls are {got} and not {wanted}: {outcome}")


async def handed_on(runs: Runs) -> None:
    run = "approved"
    for tool, answer in (("news", NEWS), ("check_transaction", approved(True)), ("execute_trade", TRADE)):
        runs.bench.tell(run, tool, answer)
    given = {"execute": {"execute_trade": {"case": "of-the-starter", "amount": 3}}}
    handle = await runs.start(run, PLAN, given)
    outcome = await runs.outcome(handle)
    compare(runs, run, ["news", "check_transaction", "execute_trade", "notify_client"], outcome, "success")
    made = arguments(runs, run, "execute_trade")
    runs.tally.check(made == {"case": "c-7", "mood": "calm", "amount": 3}, f"{run}: the arguments are {made}")
    text = await history(handle)
    runs.tally.check("c-7" in text and "secret" not in text, f"{run}: the history has more of a result than what is handed on")


async def history(handle: WorkflowHandle) -> str:
    return shown(json.loads((await handle.fetch_history()).to_json()))


async def not_approved(runs: Runs) -> None:
    """Anything but the value, in its type, stops the flow before the step: also a result that does not have the field."""
    for number, answer in enumerate([approved(False), approved(1), approved("true"), approved(None), {}]):
        run = f"not-approved-{number}"
        runs.bench.tell(run, "check_transaction", answer)
        outcome = await runs.to_the_end(run, PLAN)
        compare(runs, run, ["news", "check_transaction"], outcome, "compensating_transaction")
        runs.tally.check(outcome.get("cause", "").startswith("ConditionNotMet"), f"{run}: {outcome}")
    run = "no-case"
    runs.bench.tell(run, "check_transaction", {"approved": True})
    outcome = await runs.to_the_end(run, PLAN)
    compare(runs, run, ["news", "check_transaction"], outcome, "compensating_transaction")
    runs.tally.check(outcome.get("cause", "").startswith("NoResult"), f"{run}: {outcome}")


async def without_one_source(runs: Runs) -> None:
    """The flow goes on without an optional step, and what comes from it is left out."""
    run = "no-news"
    runs.bench.tell(run, "news", "fail")
    runs.bench.tell(run, "check_transaction", approved(True))
    outcome = await runs.to_the_end(run, PLAN, {"execute": {"execute_trade": {"mood": "of-the-starter"}}})
    got = runs.bench.tools(run)
    known = got.count("news") == 2 and [tool for tool in got if tool != "news"] == ["check_transaction", "execute_trade", "notify_client"]
    runs.tally.check(known and outcome["outcome"] == "success", f"{run}: the calls are {got}: {outcome}")
    runs.tally.check(outcome.get("skipped") == ["news"], f"{run}: {outcome}")
    runs.tally.check(arguments(runs, run, "execute_trade") == {"case": "c-7"}, f"{run}: {arguments(runs, run, 'execute_trade')}")


async def undone(runs: Runs) -> None:
    """What undoes a step knows its result, where there is one."""
    for run, words, wanted in (("undone-after", ["status 403"], {"trade": "t-9"}), ("undone-half-done", [], {})):
        runs.bench.tell(run, "check_transaction", approved(True))
        runs.bench.tell(run, "news", NEWS)
        runs.bench.tell(run, "execute_trade", TRADE if words else "status 403")
        runs.bench.tell(run, "notify_client", *(words or ["ok"]))
        outcome = await runs.to_the_end(run, PLAN)
        tail = ["execute_trade", *(["notify_client"] if words else []), "cancel_trade"]
        compare(runs, run, ["news", "check_transaction", *tail], outcome, "compensating_transaction")
        runs.tally.check(arguments(runs, run, "cancel_trade") == wanted, f"{run}: {arguments(runs, run, 'cancel_trade')}")


async def misdirected(runs: Runs) -> None:
    """A plan that takes what is not handed on is refused before its first call."""
    for number, edit in enumerate([
        lambda plan: plan["steps"][2].update(dependsOn=[]),
        lambda plan: plan["steps"][2]["proceedIf"].update(call="check/2"),
        lambda plan: plan["steps"][1]["calls"][0].update(results=[]),
        lambda plan: plan["steps"][2]["calls"][0]["takes"].append({"argument": "x", "call": "execute/1", "field": "trade_id"}),
    ]):  # fmt: skip
        plan = json.loads(json.dumps(runs.plans[PLAN]))
        edit(plan)
        run = f"misdirected-{number}"
        runs.check(run, [], await runs.to_the_end(run, plan), "failed")


async def batched(runs: Runs, stack: Stack) -> None:
    """Runs are started together, by what sends their batch, and no item is started twice."""
    command = [stack.worker / "batch.py", stack.worker.parent / "plans" / "missing.json", "--address", stack.address]
    command[1] = runs.folder / "batched.json"
    command[1].write_text(json.dumps(runs.plans[PLAN]))
    process = await asyncio.create_subprocess_exec(sys.executable, *map(str, command), stdin=PIPE, stdout=PIPE, stderr=PIPE)
    item = lambda name, **more: (json.dumps({"id": f"batch-{name}", **more}) + "\n").encode()  # noqa: E731

    async def sent(*items: bytes) -> dict:
        process.stdin.write(b"".join(items))
        await process.stdin.drain()
        return json.loads(await asyncio.wait_for(process.stdout.readline(), 30))

    found = await sent(*(item(name) for name in "abc"))
    runs.tally.check(found == {"strategy": "bursts", "started": ["batch-a", "batch-b", "batch-c"]}, f"a full batch: {found}")
    began = time.monotonic()
    found = await sent(item("d"))
    runs.tally.check(found == {"strategy": "ticks", "started": ["batch-d"]} and time.monotonic() - began > 0.8, f"a batch by time: {found}")
    found = await sent(item("e"), item("f", priority="high"))
    runs.tally.check(found == {"strategy": "urgent", "started": ["batch-f", "batch-e"]}, f"a batch by priority: {found}")
    found = await sent(item("a"), item("g"), item("h", arguments={"execute": {"execute_trade": {"n": 1}}}))
    runs.tally.check(found == {"strategy": "bursts", "started": ["batch-g", "batch-h"], "known": ["batch-a"]}, f"an item again: {found}")
    process.stdin.write(b"not an item\n" + item("z", surprise=1) + item("i"))
    process.stdin.close()
    out, err = await asyncio.wait_for(process.communicate(), 60)
    runs.tally.check(json.loads(out) == {"strategy": "end_of_input", "started": ["batch-i"]}, f"at the end: {out}")
    runs.tally.check(process.returncode == 1 and err.count(b"not an item") == 2, f"lines that are no items: {process.returncode} {err}")
    memo = await (await runs.client.get_workflow_handle("batch-f").describe()).memo()
    runs.tally.check(memo == {"batch": "urgent"}, f"the memo of a run: {memo}")


def gathered(runs: Runs) -> None:
    """When what is sent, by a clock that the test turns."""
    module = importlib.import_module("batch")

    class Clock:
        now = 0.0

        def __call__(self) -> float:
            return self.now

    def sent(batching: dict, *steps: tuple[float, list[str]]) -> list[tuple[float, str, list[str]]]:
        """What is sent when, where `!` marks items of high priority."""
        clock = Clock()
        batcher, found = module.Batcher(batching, clock), []
        for now, names in steps:
            clock.now = now
            batcher.add([{"id": name.strip("!")} | ({"priority": "high"} if "!" in name else {}) for name in names])
            found += [(now, strategy, "".join(item["id"] for item in items)) for strategy, items in batcher.due()]
        return found

    every = {"strategies": [{"name": "t", "everyMs": 1000, "maxItems": 2}], "flushIntervalMs": 3000}
    full = {"size": 2, "strategies": [{"name": "f", "on": "full", "maxItems": 3}]}
    high = {"strategies": [{"name": "h", "on": "highPriority", "maxItems": 2}]}
    for batching, steps, wanted in (
        ({"size": 2}, [(0, ["a"]), (9, ["b", "c"])], [(9, "batch_size", "ab")]),
        ({"flushIntervalMs": 3000}, [(0, ["a"]), (2.9, ["b"]), (3, ["c"]), (9, [])], [(3, "flush_interval", "abc")]),
        (every, [(0, ["a", "b", "c"]), (0.9, []), (1, []), (3.5, ["d"])], [(1, "t", "ab"), (3.5, "t", "cd")]),
        (full, [(0, list("a")), (1, list("bcdefg"))], [(1, "f", "abc"), (1, "f", "def")]),
        (high, [(0, ["a", "b"]), (1, ["c!"]), (2, ["d"])], [(1, "h", "ca")]),
        (high, [(0, ["a", "b!", "c!", "d!", "e"])], [(0, "h", "bc"), (0, "h", "da")]),
        ({"size": 9}, [(0, ["a!"])], []),
    ):
        found = sent(batching, *steps)
        runs.tally.check(found == wanted, f"{batching} with {steps} sends {found}")
    clock = Clock()
    batcher = module.Batcher(every, clock)
    runs.tally.check(batcher.until_due() is None, "a time where nothing waits")
    batcher.add([{"id": "a"}])
    clock.now = 0.25
    runs.tally.check(batcher.until_due() == 0.75, f"the next batch by time is after {batcher.until_due()}")


async def results(runs: Runs, stack: Stack) -> None:
    sys.path.insert(0, str(stack.worker))
    gathered(runs)
    await asyncio.gather(handed_on(runs), not_approved(runs), without_one_source(runs), undone(runs), misdirected(runs), batched(runs, stack))
