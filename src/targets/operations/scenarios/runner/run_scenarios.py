"""`python3 run_scenarios.py --worker bundle/temporal/worker --settings SETTINGS.json --environment NAME`: runs the scenarios beside this file.

It is a worker of its own, on a queue of its own, with the flows, calls and settings of the worker of `temporal`: settings say where Temporal
and the servers of the environment are, and where the tokens of flows come from. Nothing at an address of the workspace is called, unless
the bundle was compiled for the environment. Ends with 0 where every scenario ends as expected, and with 1 otherwise.
"""

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

HERE = Path(__file__).resolve().parent


def options() -> argparse.Namespace:
    given = argparse.ArgumentParser()
    given.add_argument("--worker", type=Path, default=HERE.parent.parent / "temporal/worker", help="the worker's folder in the bundle")
    given.add_argument("--settings", type=Path, required=True, help="as for `run.py` of the worker")
    given.add_argument("--environment", required=True)
    given.add_argument("--scenario", action="append", help="this one alone; repeat for several")
    given.add_argument("--arguments", type=Path, help="a file of JSON: arguments by flow, step and tool, in the place of those that are made up")
    return given.parse_args()


def read(path: Path) -> dict:
    """A file with an object of JSON; a fault says which file it is."""
    try:
        found = json.loads(path.read_text("utf-8"))
    except ValueError as fault:
        raise ValueError(f"{path}: {fault}") from None
    if not isinstance(found, dict):
        raise ValueError(f"{path}: it is not an object")
    return found


def origin(url: str) -> tuple:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"https": 443, "http": 80}.get(parts.scheme)


def is_compiled_for(environment: str, bundle: Path) -> bool:
    """Whether the addresses of the bundle are those of the environment."""
    try:
        settings = json.loads((bundle / "bundle.json").read_text("utf-8"))["settings"]
    except (OSError, ValueError, KeyError):
        return False
    return settings.get("other", {}).get("environment") == environment


def refusal(plan: dict, run: dict, environment: dict, settings: dict, listed: dict, own: bool) -> str | None:
    """Why a flow is not run in an environment."""
    only = environment.get("only")
    if environment["servers"] == "production_mirror" and not run["readsOnly"]:
        return "it calls tools that are not annotated as reading, and the environment mirrors production"
    production = {origin(url) for url in [*listed["addresses"], *(server["url"] for server in plan["servers"].values() if "url" in server)]}
    for name, server in plan["servers"].items():
        if only is not None and name not in only:
            return f"the environment has no server {name}"
        url = settings.get("servers", {}).get(name) or (server.get("url") if own else None)
        if url is None:
            return f"the settings do not say where the environment's {name} is"
        if not own and origin(url) in production:
            return f"{url} is an address of the workspace, not of the environment"
    return None


def verdict(expected: str, steps: list[str], outcomes: list[dict], seen: list[str], opened: bool) -> str | None:
    """What came in the place of what is expected."""
    said = [one["outcome"] for one in outcomes]
    skipped = [step for one in outcomes for step in one.get("skipped", [])]
    done = {key.rsplit("/", 1)[0] for one in outcomes for key in one.get("trace", [])}
    short = ", ".join(sorted(set(said)))
    missing = [step for step in steps if step not in done and step not in skipped]
    right: dict[str, Callable[[], bool]] = {
        "success": lambda: set(said) == {"success"} and not skipped and not missing,
        "failure": lambda: set(said) == {"failure"},
        "compensating_transaction": lambda: set(said) == {"compensating_transaction"},
        "graceful_degradation": lambda: set(said) == {"success"} and bool(skipped) and not missing,
        "load_shedding": lambda: any(one.endswith(": Overloaded") for one in seen) and "success" in said,
        "circuit_breaker_activation": lambda: opened,
    }
    if right[expected]():
        return None
    causes = sorted({one["cause"] for one in outcomes if "cause" in one})
    parts = [f"the outcome is {short}", *causes, *([f"left out: {', '.join(skipped)}"] if skipped else []), *([f"not done: {', '.join(missing)}"] if missing else [])]
    return "; ".join(parts)


async def main(given: argparse.Namespace) -> int:
    # The worker's modules are beside its `run.py`.
    sys.path.insert(0, str(given.worker.resolve()))
    import run
    from trials import Trials

    read(given.settings)
    settings = run.settings(given.settings)
    listed = read(HERE / "scenarios.json")
    environment = chosen(listed, given)
    unknown = set(given.scenario or []) - {one["name"] for one in listed["scenarios"]}
    if unknown:
        raise ValueError(f"there is no scenario {sorted(unknown)[0]}")
    own = is_compiled_for(given.environment, given.worker.resolve().parent.parent)
    arguments = read(given.arguments) if given.arguments else {}
    counts = {"passed": 0, "FAILED": 0, "left out": 0}
    async with Trials.begun(settings, given.worker.resolve().parent / "plans", environment, arguments) as trials:
        for scenario in listed["scenarios"]:
            for one in scenario["flows"] if not given.scenario or scenario["name"] in given.scenario else ():
                plan = trials.plan(one["plan"])
                why = refusal(plan, one, environment, settings, listed, own)
                word, why = ("left out", why) if why else await judged(trials, plan, scenario)
                counts[word] += 1
                print(f"{word:8} {scenario['name']} ({one['flow']}){': ' if why else ''}{why}", flush=True)
    print(f"{counts['passed']} passed, {counts['FAILED']} failed, {counts['left out']} left out")
    return 0 if counts["passed"] and not counts["FAILED"] else 1


def chosen(listed: dict, given: argparse.Namespace) -> dict:
    """The environment, where tests may run in it."""
    environment = next((one for one in listed["environments"] if one["name"] == given.environment), None)
    if environment is None:
        raise ValueError(f"there is no environment {given.environment}; there are {[one['name'] for one in listed['environments']]}")
    if environment.get("data") == "production":
        raise ValueError(f"{given.environment} holds data of production, which no test may touch")
    if environment.get("data") == "sanitized_production" and not given.arguments:
        raise ValueError(f"{given.environment} holds data of production without what identifies people: give inputs from it with --arguments")
    return environment


async def judged(trials, plan: dict, scenario: dict) -> tuple[str, str]:
    """What became of a flow of a scenario, and why."""
    try:
        outcomes, seen, opened = await trials.tried(plan, scenario)
    except ValueError as fault:
        return "FAILED", str(fault)
    why = verdict(scenario["expected"], scenario["steps"], outcomes, seen, opened)
    attempts = f" Attempts that failed: {', '.join(seen[:20])}." if seen else ""
    return ("passed", "") if why is None else ("FAILED", f"expected is {scenario['expected']}, and {why}.{attempts}")


if __name__ == "__main__":
    try:
        code = asyncio.run(main(options()))
    except (OSError, ValueError, RuntimeError) as fault:
        print(fault, file=sys.stderr)
        code = 2
    # Threads of the client may still be at work, and an interpreter that is taken down under them aborts.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
