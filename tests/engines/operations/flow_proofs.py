"""What holds for all runs together: histories replay, hold no secret, and a plan that is spoiled does something else."""

import asyncio
import base64
import copy
import importlib.util
import json
from collections.abc import Callable
from pathlib import Path

from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner

from .flows import SAGA, Runs


def step(plan: dict, number: int) -> dict:
    return plan["steps"][number]


def swap(plan: dict, key: str) -> None:
    first, second = step(plan, 0), step(plan, 1)
    first[key], second[key] = second[key], first[key]


SPOILED: list[tuple[str, Callable[[dict], object]]] = [
    ("a step is gone", lambda plan: (plan["steps"].pop(3), None)),
    ("a compensation is gone", lambda plan: step(plan, 1)["compensations"].clear()),
    ("an attempt less", lambda plan: plan["retry"].update(maximumAttempts=2)),
    ("an attempt more", lambda plan: plan["retry"].update(maximumAttempts=4)),
    ("no limit of attempts", lambda plan: plan["retry"].update(maximumAttempts=0)),
    ("one attempt of compensations", lambda plan: plan["compensationRetry"].update(maximumAttempts=1)),
    ("nothing is undone", lambda plan: plan.update(onFailure="stop")),
    ("compensations of other steps", lambda plan: swap(plan, "compensations")),
    ("calls of other steps", lambda plan: swap(plan, "calls")),
    ("steps at once", lambda plan: step(plan, 3).update(dependsOn=[])),
    ("a tool for another", lambda plan: step(plan, 0)["calls"][0].update(tool="release_reservation")),
    ("a call twice", lambda plan: step(plan, 0)["calls"].append({**step(plan, 0)["calls"][0], "key": "again"})),
    ("one key twice", lambda plan: step(plan, 1)["calls"][0].update(key=step(plan, 0)["calls"][0]["key"])),
    ("a server that is not there", lambda plan: plan["servers"].pop("crm_server")),
    ("steps that wait for each other", lambda plan: step(plan, 0).update(dependsOn=["update_customer"])),
    ("a word for a number", lambda plan: plan["retry"].update(initialIntervalMs="1s")),
    ("another flow", lambda plan: plan.update(flow="agent:order_processing_saga")),
]


async def spoiled(runs: Runs, seed: dict) -> int:
    """Each spoiled plan, run where it should undo what it did: the calls or the outcome are not those of the workspace."""
    expected = ["reserve_items", "charge_card", *["schedule_delivery"] * 3, "cancel_shipment", *["refund_charge"] * 2, "release_reservation"]

    async def fault(name: str, plan: dict) -> str | None:
        runs.bench.tell(name, "schedule_delivery", "fail")
        runs.bench.tell(name, "refund_charge", "fail", "ok")
        happy, outcome = await asyncio.gather(runs.to_the_end(f"{name}-happy", plan), runs.to_the_end(name, plan))
        if runs.bench.tools(f"{name}-happy") != [tool for one in seed["order_processing_saga"] for tool in one["calls"]]:
            return "other calls are made"
        if outcome["outcome"] != "compensating_transaction" or happy["outcome"] != "success":
            return "the outcome is another one"
        return None if runs.bench.tools(name) == expected else "other calls are made where one fails"

    def change(edit: Callable[[dict], object]) -> dict:
        plan = copy.deepcopy(runs.plans[SAGA])
        edit(plan)
        return plan

    good, *bad = await asyncio.gather(
        fault("unspoiled", runs.plans[SAGA]), *(fault(f"spoiled-{number}", change(edit)) for number, (_, edit) in enumerate(SPOILED))
    )
    runs.tally.check(good is None, f"the plan as it is: {good}")
    for (what, _), found in zip(SPOILED, bad):
        runs.tally.check(found is not None, f"{what}, and nobody notices")
    return sum(found is not None for found in bad)


def shown(value: object) -> str:
    """All texts of a history, those of its payloads decoded."""
    if isinstance(value, dict):
        return " ".join([*value, *(shown(part) for part in value.values())])
    if isinstance(value, list):
        return " ".join(shown(part) for part in value)
    text = str(value)
    try:
        return f"{text} {base64.b64decode(text, validate=True).decode()}"
    except ValueError:
        return text


def workflow(file: Path, name: str):
    """The workflow of a worker's file."""
    spec = importlib.util.spec_from_file_location(name, file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Run


async def replayed(runs: Runs, worker: Path) -> int:
    """Every history by the worker's own workflow, and one by a workflow that undoes in another order, which is to be noticed."""
    import sys

    sys.path.insert(0, str(worker))
    own = importlib.import_module("flow").Run
    histories: list[WorkflowHistory] = []
    async for found in runs.client.list_workflows():
        histories.append(await runs.client.get_workflow_handle(found.id, run_id=found.run_id).fetch_history())
    replayer = Replayer(workflows=[own], workflow_runner=SandboxedWorkflowRunner())
    for history in histories:
        result = await replayer.replay_workflow(history, raise_on_replay_failure=False)
        runs.tally.check(result.replay_failure is None, f"{history.workflow_id} does not replay: {result.replay_failure}")
    wanted = {made.run for made in runs.bench.made}
    runs.tally.check(wanted <= {history.workflow_id for history in histories}, "runs without a history")
    secrets = {made.token for made in runs.bench.made} - {""} | {"the-secret"}
    texts = [shown(json.loads(history.to_json())) for history in histories]
    # A plan is in a payload alone.
    runs.tally.check(sum("dependsOn" in text for text in texts) > len(texts) / 2, "payloads are not read")
    for history, text in zip(histories, texts):
        runs.tally.check(not any(secret in text for secret in secrets), f"{history.workflow_id} holds a token")
    other = worker / "other_flow.py"
    text = (worker / "flow.py").read_text()
    other.write_text(text.replace("in reversed(self.begun)", "in self.begun"))
    runs.tally.check(other.read_text() != text, "the worker is not what the test changes")
    replayer = Replayer(workflows=[workflow(other, "other_flow")], workflow_runner=UnsandboxedWorkflowRunner())
    undone = next(history for history in histories if history.workflow_id == "undone")
    result = await replayer.replay_workflow(undone, raise_on_replay_failure=False)
    runs.tally.check(result.replay_failure is not None, "another order of undoing replays")
    return len(histories)
