"""Random workspaces: those that validate and that a target is written for. The same in every run."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

from .bundles import ROOT, Programs


def workspaces(programs: Programs, target: str, count: int) -> Iterator[tuple[str, Path]]:
    work = programs.work / "random"
    command = [ROOT / "tests/engines/random/compile", programs.mcpctl, programs.random, str(count), work]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    if done.returncode != 0:
        raise SystemExit(f"random workspaces: {done.stdout}{done.stderr}")
    found = sorted(folder.parent.name for folder in work.glob(f"bundles/*/{target}"))
    if len(found) < count // 8:
        raise SystemExit(f"{target} is written for {len(found)} of {count} random workspaces alone")
    for name in found:
        yield f"random/{name}", work / "workspaces" / name
