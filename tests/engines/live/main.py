"""The live suite: `python -m live.main --mcpctl PROGRAM --relation PROGRAM --engines FOLDER [--part NAME] [--keep]`."""

import argparse
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

from . import attacks, gateway, matrix, methods, operations, sdk
from .fleet import GATEWAYS, Fleet
from .tally import Tally


def validated(fleet: Fleet, folders: list[Path]) -> Tally:
    """Envoy itself takes every compiled file."""
    tally = Tally("validate")
    for folder in folders:
        for inner in sorted(path for path in folder.iterdir() if path.is_dir()):
            for file in ("envoy.static.yaml", "bootstrap.yaml"):
                said = gateway.validate(fleet.envoy, inner, file)
                tally.check(said is None, f"{inner.name}/{file} of {folder.parent.name}: {said}")
    return tally.end()


def bundles(fleet: Fleet) -> list[Path]:
    """Every fixture that the target can be compiled for, and the fleet itself."""
    return [fleet.compile(fleet.base)]


def main() -> int:
    options = argparse.ArgumentParser()
    options.add_argument("--mcpctl", type=Path, required=True)
    options.add_argument("--relation", type=Path, required=True)
    options.add_argument("--engines", type=Path, required=True)
    options.add_argument("--part", action="append", default=[])
    options.add_argument("--fraction", type=int, default=1)
    options.add_argument("--keep", action="store_true")
    options.add_argument("--tamper", help="old=>new, in every emitted file: the suite must fail")
    given = options.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    envoy = next((given.engines / "sdk2/lib").glob("python3*/site-packages/envoy/_bin/envoy"))
    work = Path(tempfile.mkdtemp(prefix="mcpctl-live."))
    began = time.monotonic()
    fleet, tallies = None, []
    try:
        fleet = Fleet(work, given.mcpctl, given.relation, envoy)
        tallies = run(fleet, given)
    finally:
        if fleet:
            fleet.stop()
        if given.keep:
            print(f"kept {work}")
        else:
            shutil.rmtree(work, ignore_errors=True)
    bad = [tally for tally in tallies if tally.faults]
    requests, allowed = sum(t.requests for t in tallies), sum(t.allowed for t in tallies)
    print(f"\n{requests} requests, {allowed} allowed, {requests - allowed} denied, {sum(t.checks for t in tallies)} checks,"
          f" {sum(len(t.faults) for t in tallies)} faults, {sum(t.bypasses for t in tallies)} bypasses in {time.monotonic() - began:.0f} s")
    return 1 if bad or not tallies else 0


def run(fleet: Fleet, given) -> list[Tally]:
    bundle = bundles(fleet)[-1]
    if given.tamper:
        old, _, new = given.tamper.partition("=>")
        changed = 0
        for path in sorted(bundle.rglob("*.yaml")):
            changed += path.read_text().count(old)
            path.write_text(path.read_text().replace(old, new))
        print(f"tampered: {changed} places")
    fleet.start_servers()
    newer, older = sdk.pythons(given.engines)
    parts = {
        "validate": lambda: [validated(fleet, [bundle])],
        "matrix": lambda: [matrix.run(fleet, given.fraction)],
        "methods": lambda: [methods.run(fleet), methods.streams(fleet)],
        "sdk": lambda: [sdk.run(fleet, newer, "sdk 2", ["auto", "legacy"], True), sdk.run(fleet, older, "sdk 1", ["legacy"], False)],
        "attacks": lambda: [attacks.run(fleet)],
        "operations": lambda: operations.run(fleet),
    }
    wanted = given.part or list(parts)
    tallies = []
    fleet.start_gateways(bundle)
    for name in wanted:
        for tally in parts[name]():
            tallies.append(tally)
            print(tally.shown(), flush=True)
            for note in tally.notes:
                print(f"             {note}")
            for fault in sorted(tally.faults, key=lambda fault: not fault.startswith("BYPASS"))[:10]:
                print(f"  {fault[:600]}")
            if len(tally.faults) > 10:
                print(f"  and {len(tally.faults) - 10} more")
        for one in fleet.running.values():
            if one.process.poll() is not None:
                tallies[-1].fault(f"the gateway {one.folder.name} ended by itself: {one.process.returncode}")
    return tallies


if __name__ == "__main__":
    sys.exit(main())
