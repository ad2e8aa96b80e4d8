"""The official SDKs as clients, of Python and of TypeScript, both generations: what they get straight, and behind one
and two gateways."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from . import ledger
from .stack import Stack

# For one session. All of it is spent only where something hangs, which nothing does straight.
SECONDS = {0: 30, 1: 12, 2: 12}
PROCESS_SECONDS = 90
HANDSHAKE = {
    "initialize": "",
    "tools": "",
    "call": "test_simple_text",
    "tool error": "test_error_handling",
    "logging": "test_tool_with_logging",
    "sampling": "test_sampling",
    "elicitation": "test_elicitation",
}
# The current protocol has no logging/setLevel, and asks within the result of a call.
CURRENT = {
    "initialize": "",
    "tools": "",
    "call": "test_simple_text",
    "tool error": "test_error_handling",
    "sampling": "test_input_required_result_sampling",
    "elicitation": "test_input_required_result_elicitation",
    "argument in a header": "test_x_mcp_header",
}
# What a client says of itself, in calls that it has a part in.
ANSWER = "an answer of the client"
# Each client: its program, which server it is for, the mode it is run in, and its steps.
CLIENTS = {
    "Python SDK 1": ("python 1", "stateful", "legacy", HANDSHAKE),
    "Python SDK 2": ("python 2", "stateful", "legacy", HANDSHAKE),
    "Python SDK 2, 2026-07-28": (
        "python 2",
        "stateless",
        "2026-07-28",
        {step: CURRENT[step] for step in CURRENT if step != "initialize"},
    ),
    "Python SDK 2, auto": ("python 2", "stateless", "auto", CURRENT),
    "TypeScript SDK 1": ("typescript 1", "stateful", "legacy", HANDSHAKE),
    "TypeScript SDK 2": ("typescript 2", "stateful", "legacy", HANDSHAKE),
    "TypeScript SDK 2, 2026-07-28": ("typescript 2", "stateless", "2026-07-28", CURRENT),
    "TypeScript SDK 2, auto": ("typescript 2", "stateless", "auto", CURRENT),
}


def command(stack: Stack, program: str) -> list:
    here, (language, generation) = Path(__file__).parent, program.split()
    if language == "typescript":
        return [stack.node, here / "client_typescript.mjs", stack.tools / "packages", generation]
    python = sys.executable if generation == "2" else stack.engines / "sdk1/bin/python"
    return [python, here / "client_python.py"]


def answers(stack: Stack, name: str) -> dict[tuple[int, str], str]:
    """What came of each step, by the number of gateways. It begins with `failed: ` where nothing came."""
    program, kind, mode, steps = CLIENTS[name]
    wanted = [(hops, step) for hops in (0, 1, 2) for step in steps]
    urls = {hops: stack.url(kind, hops) for hops in (0, 1, 2)}
    jobs = [
        {"url": urls[hops], "mode": mode, "step": step, "tool": steps[step], "seconds": SECONDS[hops]}
        for hops, step in wanted
    ]
    done = subprocess.run(
        command(stack, program), input=json.dumps(jobs), capture_output=True, text=True, timeout=PROCESS_SECONDS
    )
    try:
        found = json.loads(done.stdout)
    except ValueError:
        found = [{"error": f"no answer, exit code {done.returncode}: {done.stderr[-300:]}"}] * len(jobs)
    return {
        one: answer.get("came", f"failed: {answer.get('error')}") for one, answer in zip(wanted, found, strict=True)
    }


def run(stack: Stack) -> tuple[dict[str, str], list[str]]:
    failures, faults = {}, []
    with ThreadPoolExecutor(2) as pool:
        for name, came in zip(CLIENTS, pool.map(lambda name: answers(stack, name), CLIENTS)):
            worse = []
            for (hops, step), answer in came.items():
                straight = came[0, step]
                if hops == 0 and not good(step, answer):
                    faults.append(f"clients: {name} straight: {step}: {answer}")
                elif hops and answer != straight:
                    worse.append(step)
                    failures[ledger.key("clients", name, hops, step)] = f"{answer}; straight: {straight}"
            print(
                f"clients    {name:<29} {len(came)} sessions, {len(worse)} worse than straight"
                f"{': ' if worse else ''}{', '.join(dict.fromkeys(worse))}",
                flush=True,
            )
    return failures, faults


def good(step: str, answer: str) -> bool:
    """Straight, everything has to work."""
    if step in ("sampling", "elicitation"):
        return answer.startswith("result: ") and ANSWER in answer
    expected = {
        "initialize": "mcp-conformance",
        "tools": "json_schema_2020_12_tool, ",
        "call": "result: ",
        "argument in a header": "result: ",
        "tool error": "error: ",
        "logging": "3 messages",
    }
    return answer.startswith(expected[step])
