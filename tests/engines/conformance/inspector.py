"""The official Inspector's command line: how it ends, straight and behind one and two gateways."""

import os
import subprocess
from concurrent.futures import ThreadPoolExecutor

from . import ledger
from .stack import Stack
from .workspace import FORBIDDEN, GRANTED, STEP_UP

SECONDS = 60
# How the Inspector ends: well, for what it was not allowed, for a tool's own error, and for everything else.
WELL, OTHER, DENIED, TOOL_ERROR = 0, 1, 3, 5


class Call:
    """One command: at which server, by whom, how it has to end, and what it has to print. Without `straight` it is a
    denial, which only a gateway can give."""

    def __init__(
        self,
        kind: str,
        agent: str | None,
        arguments: list[str],
        ends: int,
        prints: str,
        straight: bool = True,
        **claims,
    ):
        self.kind, self.agent, self.arguments, self.ends, self.prints = kind, agent, arguments, ends, prints
        self.straight, self.claims = straight, claims


def tool(name: str, *more: str) -> list[str]:
    return ["--method", "tools/call", "--tool-name", name, *more]


CALLS = {
    "the list of tools": Call("recorder", "narrow", ["--method", "tools/list"], WELL, GRANTED),
    "a granted tool": Call("recorder", "narrow", tool(GRANTED), WELL, f"ran {GRANTED}"),
    "a tool that is not granted": Call("recorder", "narrow", tool(FORBIDDEN), DENIED, "not_granted", straight=False),
    "a server that is not granted": Call(
        "stateful", "narrow", tool("test_simple_text"), DENIED, "not_granted", straight=False
    ),
    "no token": Call("recorder", None, tool(GRANTED), DENIED, "auth_required", straight=False),
    "a tool without its second factor": Call(
        "recorder", "narrow", tool(STEP_UP), OTHER, r"Insufficient scope: required \"mcp.mfa\"", straight=False
    ),
    "a tool with its second factor": Call(
        "recorder", "narrow", tool(STEP_UP), WELL, f"ran {STEP_UP}", amr=["pwd", "mfa"]
    ),
    "the reference server's list": Call("stateful", "suite", ["--method", "tools/list"], WELL, "test_simple_text"),
    "the reference server's tool": Call(
        "stateful", "suite", tool("test_simple_text"), WELL, "This is a simple text response"
    ),
    "the reference server's failing tool": Call("stateful", "suite", tool("test_error_handling"), TOOL_ERROR, ""),
    "the reference server's resource": Call(
        "stateful", "suite", ["--method", "resources/read", "--uri", "test://static-text"], WELL, "static"
    ),
    "the reference server's prompt": Call(
        "stateful", "suite", ["--method", "prompts/get", "--prompt-name", "test_simple_prompt"], WELL, "messages"
    ),
}


def once(stack: Stack, name: str, hops: int) -> str:
    """What is at fault with a command; empty where nothing is."""
    call = CALLS[name]
    script = stack.tools / "packages/node_modules/.bin/mcp-inspector"
    url = stack.url(call.kind, hops, call.agent, **call.claims)
    command = [stack.node, script, "--cli", url, "--transport", "http", *call.arguments]
    # It keeps what it knows of servers in the home of whoever runs it.
    home = stack.work / f"home-{hops}-{list(CALLS).index(name)}"
    home.mkdir()
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        stdin=subprocess.DEVNULL,
        env={"PATH": os.environ.get("PATH", ""), "HOME": str(home)},
    )
    said = " ".join((done.stdout + done.stderr).split())
    if done.returncode == call.ends and call.prints in said:
        return ""
    return f"it ends with {done.returncode} and not {call.ends}, or lacks {call.prints!r}: {said[:300]}"


def run(stack: Stack) -> tuple[dict[str, str], list[str]]:
    failures, faults = {}, []
    wanted = [(name, hops) for hops in (0, 1, 2) for name, call in CALLS.items() if hops or call.straight]
    with ThreadPoolExecutor(2) as pool:
        for (name, hops), fault in zip(wanted, pool.map(lambda one: once(stack, *one), wanted)):
            if fault and hops == 0:
                faults.append(f"inspector: {name} straight: {fault}")
            elif fault:
                failures[ledger.key("inspector", hops, name)] = fault
    print(f"inspector  {len(wanted)} commands, {len(failures)} end otherwise behind a gateway", flush=True)
    return failures, faults
