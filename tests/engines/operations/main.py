"""`python -m operations.main PART --mcpctl PROGRAM --engine FOLDER`: one engine with the files that are compiled for it."""

import argparse
import importlib
import signal
import sys
import tempfile
import traceback
from pathlib import Path

from .programs import Programs

PARTS = {"kafka": "events", "pools": "connections", "redis": "caches"}


def main() -> int:
    options = argparse.ArgumentParser()
    options.add_argument("part", choices=PARTS)
    options.add_argument("--mcpctl", type=Path, required=True)
    options.add_argument("--engine", type=Path, required=True)
    given = options.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with tempfile.TemporaryDirectory(prefix="mcpctl-operations.") as work:
        try:
            part = importlib.import_module(f".{PARTS[given.part]}", __package__)
            tally = part.run(Programs(given.mcpctl.resolve(), given.engine, Path(work)))
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
