"""What runs do, case by case. All but the last one go on beside each other, each under a name of its own."""

import asyncio
import copy
import json
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

from temporalio.client import Client, WorkflowExecutionStatus

from .flows import ONBOARDING, SAGA, Runs, Stack
from .toolbench import Made


def calls(flow: list[dict]) -> list[str]:
    return [tool for step in flow for tool in step["calls"]]


async def happy(runs: Runs, seed: dict) -> None:
    for plan, flow in ((ONBOARDING, seed["customer_onboarding"]), (SAGA, seed["order_processing_saga"])):
        run = f"happy-{plan}"
        given = {"reserve_inventory": {"reserve_items": {"item": "i-1"}}}
        runs.check(run, calls(flow), await runs.to_the_end(run, plan, given), "success")
        for made in runs.bench.of(run):
            wanted = {"item": "i-1"} if made.tool == "reserve_items" else {}
            runs.tally.check(made.arguments == wanted and not made.undoes, f"{run}: {made}")


async def tried_again(runs: Runs, seed: dict) -> None:
    for plan, flow, tool in ((ONBOARDING, "customer_onboarding", "create_billing_account"), (SAGA, "order_processing_saga", "charge_card")):
        run = f"again-{plan}"
        runs.bench.tell(run, tool, "fail", "fail", "ok")
        expected = [one for name in calls(seed[flow]) for one in ([name] * 3 if name == tool else [name])]
        runs.check(run, expected, await runs.to_the_end(run, plan), "success")


async def undone(runs: Runs, seed: dict) -> None:
    """The last attempt counts with the first; what was begun is undone in reverse, and an undoing that fails is tried again."""
    run = "undone"
    runs.bench.tell(run, "schedule_delivery", "fail")
    runs.bench.tell(run, "refund_charge", "fail", "ok")
    outcome = await runs.to_the_end(run, SAGA, {"charge_payment": {"charge_card": {"amount": 3}}})
    expected = ["reserve_items", "charge_card", *["schedule_delivery"] * 3, "cancel_shipment", *["refund_charge"] * 2, "release_reservation"]
    runs.check(run, expected, outcome, "compensating_transaction")
    of = {made.tool: made for made in runs.bench.of(run)}
    for undo, tool in (("cancel_shipment", "schedule_delivery"), ("refund_charge", "charge_card"), ("release_reservation", "reserve_items")):
        runs.tally.check(of[undo].undoes == [of[tool].key], f"{undo} undoes {of[undo].undoes}")
    runs.tally.check(of["refund_charge"].arguments == {"amount": 3}, "an undoing takes the arguments of its call")


async def denied(runs: Runs, seed: dict) -> None:
    """What a gateway denies is not tried again, nor is a tool that is not there."""
    undo = ["cancel_shipment", "refund_charge", "release_reservation"]
    for run, word in (("denied", "status 403"), ("denied-with-200", "status 200")):
        runs.bench.tell(run, "schedule_delivery", word)
        outcome = await runs.to_the_end(run, SAGA)
        runs.check(run, ["reserve_items", "charge_card", "schedule_delivery", *undo], outcome, "compensating_transaction")
        runs.tally.check(outcome.get("cause", "").startswith("Denied"), f"{run}: {outcome}")
    plan = copy.deepcopy(runs.plans[SAGA])
    plan["steps"][2]["calls"][0]["tool"] = "no_such_tool"
    outcome = await runs.to_the_end("unknown-tool", plan)
    runs.check("unknown-tool", ["reserve_items", "charge_card", "no_such_tool", *undo], outcome, "compensating_transaction")


def most_at_once(made: list[Made]) -> int:
    """How many of these calls were under way at one moment."""
    return max(sum(other.at <= one.at < (other.ended or one.at + 1) for other in made) for one in made)


async def breaker(runs: Runs, seed: dict) -> None:
    """Three failures open it, and two trial calls come after three seconds. One that fails opens it again, and two that succeed close it."""
    poked = lambda: [made for made in runs.bench.made if made.tool == "poke"]  # noqa: E731
    for number in range(3):
        runs.bench.tell(f"shaky-{number}", "poke", "status 503")
    await runs.to_the_end("shaky-0", "workflow-shaky")
    held = await runs.to_the_end("shaky-1", "workflow-shaky")
    opened = poked()[-1].at
    runs.tally.check(len(poked()) == 3 and "BreakerOpen" in held.get("cause", ""), f"the breaker opens after {len(poked())} calls: {held}")
    await runs.to_the_end("shaky-2", "workflow-shaky")
    trial = runs.bench.of("shaky-2")
    runs.tally.check(len(trial) == 1 and trial[0].at - opened >= 3, f"the first trial after it opened at {opened}: {trial}")
    for number in range(3, 7):
        runs.bench.tell(f"shaky-{number}", "poke", 1.2)
    ended = await asyncio.gather(*(runs.to_the_end(f"shaky-{number}", "workflow-shaky") for number in range(3, 7)))
    trials = poked()[4:]
    runs.tally.check(all(made.at - trial[0].at >= 3 for made in trials), f"it is not open after a trial that fails: {trials}")
    runs.tally.check(len(trials) >= 2 and most_at_once(trials) == 2, f"half open, {most_at_once(trials)} calls are under way at once")
    passed = [one["outcome"] == "success" for one in ended]
    held = [passed or "BreakerOpen" in one.get("cause", "") for passed, one in zip(passed, ended)]
    runs.tally.check(sum(passed) == len(trials) and all(held), f"half open: {len(trials)} calls, {ended}")
    ended = await asyncio.gather(*(runs.to_the_end(f"shaky-{number}", "workflow-shaky") for number in range(7, 11)))
    closed = len(poked()) - 4 - len(trials)
    runs.tally.check(closed == 4 and all(one["outcome"] == "success" for one in ended), f"it does not close: {closed} calls, {ended}")


async def late(runs: Runs, token: Path) -> None:
    """A reply that comes after its call was given up, and undone, changes nothing."""
    run = "late"
    runs.bench.tell(run, "slow", "late")
    handle = await runs.start(run, "saga-late")
    outcome = await runs.outcome(handle)
    runs.check(run, ["hold", "slow", "slow", "undo_slow", "release_hold"], outcome, "compensating_transaction")
    key = next(made.key for made in runs.bench.of(run) if made.tool == "slow")
    await runs.until(lambda: (runs.bench.void + runs.bench.effects).count(key) == 2, 40)
    runs.tally.check(runs.bench.void.count(key) == 2, f"late replies: {runs.bench.void}")
    runs.tally.check(key not in runs.bench.effects, "what was undone happens after all")
    again = await handle.describe()
    runs.tally.check(again.status == WorkflowExecutionStatus.COMPLETED and await handle.result() == outcome, "a late reply changes the run")
    runs.tally.check({made.token for made in runs.bench.of(run)} == {"from-a-file"}, "the token of a file is not sent")


async def in_doubt(runs: Runs, seed: dict) -> None:
    """A tool that is not idempotent is called again after an answer, and never without one."""
    runs.bench.tell("answered", "pay", "fail", "ok")
    runs.check("answered", ["open_case", "pay", "pay"], await runs.to_the_end("answered", "saga-once"), "success")
    runs.bench.tell("in-doubt", "pay", 5.0)
    outcome = await runs.to_the_end("in-doubt", "saga-once")
    runs.check("in-doubt", ["open_case", "pay", "pay_back", "close_case"], outcome, "compensating_transaction")


async def beside(runs: Runs, seed: dict) -> None:
    """Steps that wait for nothing run beside each other, and what waits for both comes after both."""
    run = "beside"
    runs.bench.tell(run, "left", 0.7)
    runs.bench.tell(run, "right", 0.7)
    outcome = await runs.to_the_end(run, "workflow-wide")
    of = {made.tool: made for made in runs.bench.of(run)}
    runs.tally.check(sorted(of) == ["join", "left", "right"] and outcome["outcome"] == "success", f"{run}: {outcome}")
    runs.tally.check(max(of["left"].at, of["right"].at) < min(of["left"].ended, of["right"].ended) < of["join"].at, f"{run}: {of}")


async def cancelled(runs: Runs, seed: dict) -> None:
    """A run that is cancelled undoes what it began, when its last call is over."""
    run = "cancelled"
    runs.bench.tell(run, "charge_card", 20.0)
    handle = await runs.start(run, SAGA)
    await runs.until(lambda: "charge_card" in runs.bench.tools(run))
    await handle.cancel()
    outcome = await runs.outcome(handle)
    runs.check(run, ["reserve_items", "charge_card", "refund_charge", "release_reservation"], outcome, "failed")
    runs.tally.check((await handle.describe()).status == WorkflowExecutionStatus.CANCELED, f"{run}: {outcome}")
    of = {made.tool: made for made in runs.bench.of(run)}
    gone = of["charge_card"].ended
    runs.tally.check(gone is not None and gone <= of["refund_charge"].at, f"{run}: a call is undone while it is on its way: {of}")


async def cancelled_otherwise(runs: Runs, seed: dict) -> None:
    """What `stop` leaves is left where a run is cancelled, too; where a person would have decided, it is undone."""
    begun = ["reserve_items", "charge_card"]
    for word, expected in (("stop", begun), ("continue", begun), ("wait", [*begun, "refund_charge", "release_reservation"])):
        run = f"cancelled-{word}"
        runs.bench.tell(run, "charge_card", 2.0)
        handle = await runs.start(run, {**runs.plans[SAGA], "onFailure": word})
        await runs.until(lambda: "charge_card" in runs.bench.tools(run))
        await handle.cancel()
        runs.check(run, expected, await runs.outcome(handle), "failed")


async def cancelled_while_undoing(runs: Runs, seed: dict) -> None:
    """A run that is undoing what it did goes on with it when it is cancelled."""
    run = "cancelled-undoing"
    runs.bench.tell(run, "schedule_delivery", "status 403")
    # Long enough for the cancellation to reach the call, if it was sent there.
    runs.bench.tell(run, "refund_charge", 4.0)
    handle = await runs.start(run, SAGA)
    await runs.until(lambda: "refund_charge" in runs.bench.tools(run))
    await handle.cancel()
    expected = ["reserve_items", "charge_card", "schedule_delivery", "cancel_shipment", "refund_charge", "release_reservation"]
    runs.check(run, expected, await runs.outcome(handle), "compensating_transaction")


async def handled(runs: Runs, seed: dict) -> None:
    """`wait` asks a person, `continue` goes on without the step, `stop` leaves what was done."""
    of = lambda word: {**runs.plans[ONBOARDING], "onFailure": word}  # noqa: E731
    all_of, third = calls(seed["customer_onboarding"]), "create_billing_account"
    runs.bench.tell("wait", third, *["fail"] * 3, "ok")
    handle = await runs.start("wait", of("wait"))
    for _ in range(200):
        if (await handle.query("progress"))["waiting"]:
            break
        await asyncio.sleep(0.05)
    await handle.signal("decide", args=["create_accounts", "retry"])
    runs.check("wait", all_of[:2] + [third] * 4 + all_of[3:], await runs.outcome(handle), "success")
    runs.bench.tell("continue", third, "status 403")
    outcome = await runs.to_the_end("continue", of("continue"))
    runs.check("continue", all_of[:3] + all_of[4:], outcome, "success")
    runs.tally.check(outcome.get("skipped") == ["create_accounts"], f"continue: {outcome}")
    runs.bench.tell("stop", third, "status 403")
    runs.check("stop", all_of[:3], await runs.to_the_end("stop", of("stop")), "failed")


async def misfits(runs: Runs, seed: dict) -> None:
    """A run whose arguments are not by step and tool ends before its first call."""
    for number, given in enumerate([{"charge_payment": 1}, {"charge_payment": {"charge_card": []}}, ["x"]]):
        run = f"misfit-{number}"
        runs.check(run, [], await runs.to_the_end(run, SAGA, given), "failed")


async def tokens(runs: Runs, seed: dict) -> None:
    """A token is renewed before it expires, and once where a server does not take it any more. No attempt is lost by it."""
    used = lambda run: {made.token for made in runs.bench.of(run)}  # noqa: E731
    await runs.to_the_end("taken", "saga-once")
    runs.bench.stale.update(used("taken"))
    runs.check("taken-back", ["open_case", "pay"], await runs.to_the_end("taken-back", "saga-once"), "success")
    # Runs of one flow share its token, so another one may have renewed it.
    runs.tally.check(not used("taken") & used("taken-back") and runs.bench.refused, f"taken back: {used('taken-back')}")
    await runs.to_the_end("short", "workflow-wide")
    await asyncio.sleep(2.1)
    await runs.to_the_end("shorter", "workflow-wide")
    runs.tally.check(not used("short") & used("shorter"), f"a token that expires is used: {used('short')}, {used('shorter')}")
    asked = {(one["grant_type"], one["client"], "resource" in one) for one in runs.bench.tokens}
    clients = {("client_credentials", f"{client}:the-secret", True) for client in ("flows", "short")}
    runs.tally.check(asked == clients and all(map(used, ("taken", "taken-back", "short"))), f"tokens are asked for with {asked}")


async def addresses(runs: Runs, seed: dict) -> None:
    """The address of a plan counts where the worker knows its origin, so that nobody has a token sent elsewhere by a plan of his own."""
    plan = copy.deepcopy(runs.plans["saga-once"])
    plan["servers"]["moved_server"] = {**plan["servers"]["bank_server"], "url": runs.bench.url("bank_server")}
    plan["steps"][1]["calls"][0]["server"] = "moved_server"
    runs.check("moved", ["open_case", "pay"], await runs.to_the_end("moved", plan), "success")
    plan["servers"]["moved_server"]["url"] = runs.bench.url("bank_server").replace("127.0.0.1", "localhost")
    outcome = await runs.to_the_end("elsewhere", plan)
    runs.check("elsewhere", ["open_case", "pay_back", "close_case"], outcome, "compensating_transaction")
    runs.tally.check(outcome.get("cause", "").startswith("NoAddress"), f"elsewhere: {outcome}")


async def started(runs: Runs, stack: Stack) -> None:
    """The command of the page starts a run, and ends with 0 where all of it was done."""
    plans, folder = stack.worker.parent / "plans", runs.folder
    (folder / "given.json").write_text(json.dumps({"charge_payment": {"charge_card": {"amount": 12}}}))
    (folder / "bad.json").write_text(json.dumps({**runs.plans[SAGA], "version": 2}))
    runs.bench.tell("command-undone", "schedule_delivery", "status 403")
    for run, plan, code in (("command", plans / f"{SAGA}.json", 0), ("command-undone", plans / f"{SAGA}.json", 1), ("command-bad", folder / "bad.json", 1)):
        command = [stack.worker / "start.py", plan, "--id", run, "--arguments", folder / "given.json", "--address", stack.address]
        process = await asyncio.create_subprocess_exec(sys.executable, *map(str, command), stdout=PIPE, stderr=PIPE)
        out, err = await asyncio.wait_for(process.communicate(), 60)
        runs.tally.check(process.returncode == code, f"start.py of {run} ends with {process.returncode}: {out + err}")
        runs.tally.check((b"$.version" in err) == (run == "command-bad") == (not runs.bench.of(run)), f"start.py of {run}: {out + err}")
        amounts = [made.arguments for made in runs.bench.of(run) if made.tool == "charge_card"]
        runs.tally.check(amounts == [{"amount": 12}] * (run != "command-bad"), f"{run}: {amounts}")


async def together(runs: Runs, seed: dict, stack: Stack, token: Path) -> None:
    cases = [happy, tried_again, undone, denied, breaker, in_doubt, beside, cancelled, cancelled_otherwise, cancelled_while_undoing, handled, tokens, addresses, misfits]
    await asyncio.gather(*(case(runs, seed) for case in cases), late(runs, token), started(runs, stack))


async def killed(runs: Runs, stack: Stack) -> Client:
    """Worker and server are killed in the middle, once in a call and once between two attempts. What is done is not done again."""
    runs.bench.tell("killed-in-call", "slow", 0.9, "ok")
    runs.bench.tell("killed-between", "schedule_delivery", "fail", "fail", "ok")
    await runs.start("killed-between", SAGA)
    await runs.until(lambda: runs.bench.tools("killed-between").count("schedule_delivery") == 2)
    await runs.start("killed-in-call", "saga-late")
    await runs.until(lambda: "slow" in runs.bench.tools("killed-in-call"))
    stack.kill("worker", "server")
    stack.start("server")
    runs.client = await stack.client()
    stack.start("worker")
    ended = await asyncio.gather(*(runs.outcome(runs.client.get_workflow_handle(run)) for run in ("killed-in-call", "killed-between")))
    runs.check("killed-in-call", ["hold", "slow", "slow"], ended[0], "success")
    runs.check("killed-between", ["reserve_items", "charge_card", *["schedule_delivery"] * 3, "record_purchase"], ended[1], "success")
    return runs.client
