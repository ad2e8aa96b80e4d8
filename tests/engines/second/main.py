"""`python -m second.main PART --mcpctl PROGRAM --examples FOLDER --engine NAME=FOLDER...`: one second engine on every bundle."""

import argparse
import importlib
import signal
import sys
import tempfile
import traceback
from pathlib import Path

from .bundles import Programs

PARTS = {"cedar": "cedar", "ai-gateway": "ai_gateway", "toolhive": "toolhive", "network": "network", "kubernetes": "kubernetes", "istio": "istio"}


def main() -> int:
    options = argparse.ArgumentParser()
    options.add_argument("part", choices=PARTS)
    options.add_argument("--mcpctl", type=Path, required=True)
    options.add_argument("--examples", type=Path, required=True)
    options.add_argument("--engine", action="append", default=[], metavar="NAME=FOLDER")
    given = options.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    engines = {name: Path(folder) for name, _, folder in (one.partition("=") for one in given.engine)}
    with tempfile.TemporaryDirectory(prefix="mcpctl-second.") as work:
        try:
            part = importlib.import_module(f".{PARTS[given.part]}", __package__)
            tally = part.run(Programs(given.mcpctl, given.examples, engines, Path(work)))
        except Exception:
            traceback.print_exc()
            return 1
    for fault in tally.faults[:50]:
        print(f"FAILED: {fault}")
    if len(tally.faults) > 50:
        print(f"FAILED: and {len(tally.faults) - 50} more")
    print("; ".join([tally.shown(), *tally.notes]))
    return 1 if tally.faults else 0


if __name__ == "__main__":
    sys.exit(main())
