"""What is counted, and how programs are run."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
faults: list[str] = []
counted = {"checks": 0}


def check(right: bool, why: str) -> None:
    counted["checks"] += 1
    if not right:
        faults.append(why)
        print(f"readers: {why}", file=sys.stderr)


def run(*command, cwd=None, env=None, text=None) -> subprocess.CompletedProcess:
    return subprocess.run(command, cwd=cwd, env=env, input=text, capture_output=True, text=True, timeout=120)
