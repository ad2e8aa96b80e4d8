"""What a plan must be before a run begins by it: as its schema says, and with no call or step that leads nowhere."""

import json
from collections import Counter
from pathlib import Path

import jsonschema

_SCHEMA = jsonschema.Draft202012Validator(json.loads((Path(__file__).parent / "plan.schema.json").read_text("utf-8")))


def fault(plan: object) -> str | None:
    """What is wrong with a plan, in a line."""
    for error in _SCHEMA.iter_errors(plan):
        return f"{error.json_path}: {error.message}"
    steps = {step["id"]: step for step in plan["steps"]}
    if len(steps) < len(plan["steps"]):
        return "two steps have one id"
    calls = [call for step in plan["steps"] for call in step["calls"] + step["compensations"]]
    for key, count in Counter(call["key"] for call in calls).items():
        if count > 1:
            return f"the key {key} is there twice"
    for call in calls:
        for server in [call["server"]] if "server" in call else call["routes"]["servers"].values():
            if server not in plan["servers"]:
                return f"the server {server} is not in the plan"
    for step in plan["steps"]:
        for on in step["dependsOn"]:
            if on not in steps:
                return f"step {step['id']} depends on {on}, which is not a step"
    done: set[str] = set()
    while len(done) < len(steps):
        ready = {name for name, step in steps.items() if name not in done and done.issuperset(step["dependsOn"])}
        if not ready:
            return f"these steps wait for each other: {', '.join(sorted(set(steps) - done))}"
        done |= ready
    return _fault_of_results(steps)


def _fault_of_results(steps: dict[str, dict]) -> str | None:
    """What is wrong with what steps take from results: each is of a call that is done by then, and that hands the field on."""
    handed_on = {call["key"]: (name, call.get("results", [])) for name, step in steps.items() for call in step["calls"]}
    for name, step in steps.items():
        before, open_steps = set(), list(step["dependsOn"])
        while open_steps:
            if (on := open_steps.pop()) not in before:
                before.add(on)
                open_steps += steps[on]["dependsOn"]
        takers = [(before, [step["proceedIf"]] if "proceedIf" in step else [])]
        takers += [(before, call.get("takes", [])) for call in step["calls"]]
        takers += [(before | {name}, call.get("takes", [])) for call in step["compensations"]]
        for known, fields in takers:
            for field in fields:
                source, results = handed_on.get(field["call"], (None, []))
                if source not in known or field["field"] not in results:
                    return f"step {name} takes {field['field']} of {field['call']}, which nothing hands on to it"
    return None


def fault_of_arguments(arguments: object) -> str | None:
    """What is wrong with the arguments of a run: they are objects by step and tool."""
    by_step = arguments.values() if isinstance(arguments, dict) else [None]
    by_tool = [given for tools in by_step for given in (tools.values() if isinstance(tools, dict) else [None])]
    return None if all(isinstance(given, dict) for given in by_tool) else "arguments are objects by step and tool"
