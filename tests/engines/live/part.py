"""Running one part by its own command: what it says at the end, and the status that it ends with."""

import signal
import sys
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path

from .tally import Tally

SHOWN = 50


def ended(name: str, run: Callable[[Path], Tally]) -> int:
    """Runs a part in a folder of its own, which is removed. 0 where everything holds."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with tempfile.TemporaryDirectory(prefix=f"mcpctl-{name}.") as work:
        try:
            tally = run(Path(work))
        except Exception:
            traceback.print_exc()
            return 1
    for fault in tally.faults[:SHOWN]:
        print(f"FAILED: {fault}")
    if len(tally.faults) > SHOWN:
        print(f"FAILED: and {len(tally.faults) - SHOWN} more")
    print("; ".join([tally.shown(), *tally.notes]))
    return 1 if tally.faults else 0
