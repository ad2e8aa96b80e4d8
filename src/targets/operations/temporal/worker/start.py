"""`python3 start.py PLAN.json --id ID`: starts a run by a plan, and prints its outcome.

A run has an id of its own, such as the number of an order. A second run of one id is refused while the first one is
under way.
"""

import argparse
import asyncio
import json
import os
import sys
from pathlib import Path

import checked
from temporalio.client import Client, WorkflowFailureError
from temporalio.exceptions import WorkflowAlreadyStartedError


async def main() -> int:
    options = argparse.ArgumentParser()
    options.add_argument("plan", type=Path)
    options.add_argument("--id", required=True, help="the id of the run")
    options.add_argument("--arguments", type=Path, help="a file of JSON: the arguments of calls, by step and tool")
    options.add_argument("--address", default="127.0.0.1:7233", help="where Temporal listens")
    options.add_argument("--namespace", default="default")
    options.add_argument("--task-queue", default="mcpctl")
    options.add_argument("--no-wait", action="store_true", help="do not wait for the outcome")
    given = options.parse_args()
    plan = json.loads(given.plan.read_text("utf-8"))
    arguments = json.loads(given.arguments.read_text("utf-8")) if given.arguments else {}
    fault = checked.fault(plan) or checked.fault_of_arguments(arguments)
    if fault is not None:
        sys.exit(f"{given.plan}: {fault}")
    client = await Client.connect(given.address, namespace=given.namespace)
    try:
        run = await client.start_workflow(
            "mcpctl", {"plan": plan, "arguments": arguments}, id=given.id, task_queue=given.task_queue
        )
    except WorkflowAlreadyStartedError:
        sys.exit(f"the run {given.id} is under way already")
    if given.no_wait:
        return 0
    try:
        outcome = await run.result()
    except WorkflowFailureError as error:
        sys.exit(f"the run failed: {error.cause}")
    print(json.dumps(outcome, indent=2))
    return 0 if outcome["outcome"] == "success" else 1


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
