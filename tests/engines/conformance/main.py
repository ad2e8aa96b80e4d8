"""The official suite, the official clients, and attacks, behind compiled gateways: `python -m conformance.main --mcpctl
PROGRAM --engines FOLDER --tools FOLDER [--part NAME] [--keep]`."""

import argparse
import shutil
import signal
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from . import attacks, authorization, clients, inspector, ledger, suite
from .stack import STACK, Stack

PARTS = {
    "controls": attacks.controls,
    "attacks": attacks.run,
    "clients": clients.run,
    "authorization": authorization.run,
    "inspector": inspector.run,
    "suite": suite.run,
}
# Of the faults of one part.
MOST_SHOWN = 25


def main() -> int:
    options = argparse.ArgumentParser()
    options.add_argument("--mcpctl", type=Path, required=True)
    options.add_argument("--engines", type=Path, required=True)
    options.add_argument("--tools", type=Path, required=True)
    options.add_argument("--part", action="append", choices=PARTS, default=[])
    options.add_argument("--keep", action="store_true")
    options.add_argument(
        "--tamper", action="append", default=[], help="pattern=>new, in every compiled file: the tests must fail"
    )
    given = options.parse_args()
    tampering = [tuple(one.split("=>", 1)) for one in given.tamper]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    excepted = ledger.load()
    work = Path(tempfile.mkdtemp(prefix="mcpctl-conformance."))
    began, faults, used = time.monotonic(), [], 0
    try:
        with Stack(work, given.mcpctl.resolve(), given.engines, given.tools, tampering) as stack:
            wanted = given.part or list(PARTS)
            # Much of the suite is waiting. The other parts follow one another, because they look at the same servers.
            lanes = [[name for name in wanted if (name == "suite") == waiting] for waiting in (True, False)]
            with ThreadPoolExecutor(len(lanes)) as pool:
                done = [
                    one
                    for lane in pool.map(lambda lane: [(name, *PARTS[name](stack)) for name in lane], lanes)
                    for one in lane
                ]
            faults += stack.ended()
            if missed := [old for (old, _), times in stack.tampering.items() if not times]:
                raise SystemExit(f"nothing to tamper with: {missed}")
        for name, failures, more in done:
            faults += more + ledger.judge(name, failures, excepted[name])
            used += len(failures.keys() & excepted[name].keys())
    finally:
        if given.keep:
            print(f"kept {work}")
        else:
            shutil.rmtree(work, ignore_errors=True)
    for name in (*PARTS, STACK):
        of_part = [fault for fault in faults if fault.startswith(name)]
        for fault in of_part[:MOST_SHOWN]:
            print(f"  {fault}")
        if len(of_part) > MOST_SHOWN:
            print(f"  {name}: and {len(of_part) - MOST_SHOWN} more")
    print(f"\n{len(faults)} faults, {used} exceptions used in {time.monotonic() - began:.0f} s")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
