"""Runs the programs in which the official SDKs authorize by themselves, and compares a step with what it should do."""

import json
import os
import subprocess
import sys
from pathlib import Path

from .authorization_workspace import Site

# For one step.
SECONDS = 12
PROCESS_SECONDS = 60
DENIED = "denied"
# What clients say of a denial.
DENIALS = ("denied by policy", "403 Forbidden", "auth_required")


def run_sdk(site: Site, program: str, listed: list[dict], name: str) -> list[list[dict]]:
    """What came of each step of each job."""
    stack, here, (language, generation) = site.stack, Path(__file__).parent, program.split()
    if language == "typescript":
        command = [stack.node, here / "authorization_typescript.mjs", stack.tools / "packages", generation]
    else:
        python = sys.executable if generation == "2" else stack.engines / "sdk1/bin/python"
        command = [python, here / "authorization_python.py", site.trusted]
    environment = {"PATH": os.environ.get("PATH", ""), "NODE_EXTRA_CA_CERTS": str(site.trusted)}
    log = stack.work / f"{site.name}-{program}-{name}.txt"
    with open(log, "w") as written:
        try:
            done = subprocess.run(
                command,
                input=json.dumps(listed),
                stdout=subprocess.PIPE,
                stderr=written,
                text=True,
                timeout=PROCESS_SECONDS,
                env=environment,
            )
            written.write(done.stdout)
            return json.loads(done.stdout)
        except (subprocess.TimeoutExpired, ValueError) as error:
            ended = {"step": "connect", "asked": [], "error": f"{error}: {log.read_text()[-300:]}"}
            return [[ended]] * len(listed)


def unexpected(server: str, step: str, outcome: str, found: dict) -> list[str]:
    """What is wrong with what came of a step."""
    came, error = found.get("came"), found.get("error", "")
    if outcome == DENIED:
        denied = came is None and any(said in error for said in DENIALS)
        return [] if denied else [f"it is to be denied: {came or error}"]
    expected = f"ran {server}/{step}" if outcome == "ran" else outcome
    return [] if came == expected else [f"{came or error}"]
