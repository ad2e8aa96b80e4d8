"""The live suite: `python -m live.main --mcpctl PROGRAM --relation PROGRAM --engines FOLDER [--part NAME] [--keep] [--prove]`."""

import argparse
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from . import attacks, controls, drawn, ends, evidence, faults, gateway, headers, matrix, messages, methods, operations, prove, sdk
from .fleet import ROOT, Fleet
from .tally import Tally


def validated(fleet: Fleet, folders: list[Path]) -> Tally:
    """Envoy itself takes every compiled file."""
    tally = Tally("validate")
    tally.notes.append(f"{len(folders)} bundles")
    for folder in folders:
        for inner in sorted(path for path in folder.iterdir() if path.is_dir()):
            for file in ("envoy.static.yaml", "bootstrap.yaml"):
                said = gateway.validate(fleet.envoy, inner, file)
                tally.check(said is None, f"{inner.name}/{file} of {folder.parent.name}: {said}")
    return tally.end()


def fixtures(fleet: Fleet) -> list[Path]:
    """Every fixture, compiled where it can be; most of them lack servers with URLs, or an issuer."""
    found, left_out = [], 0
    for folder in sorted([*(ROOT / "fixtures/projects").iterdir(), ROOT / "fixtures/seed", *(ROOT / "fixtures/checks").glob("*/pass")]):
        copy = fleet.work / "fixtures" / "-".join(folder.relative_to(ROOT).parts)
        shutil.copytree(folder, copy)
        settings = copy / "mcpctl.yaml"
        text = settings.read_text() if settings.exists() else ""
        # Envoy reads the files of TLS when it validates.
        text = re.sub(r"(cert|key|ca): [^,}\s]+", lambda at: f"{at[1]}: {fleet.pki.folder}/{TLS_FILES[at[1]]}", text)
        if "targets:" not in text:
            files = ", ".join(f"{key}: {fleet.pki.folder}/{file}" for key, file in TLS_FILES.items())
            text += f"\ntargets: {{envoy: {{tls: {{{files}}}}}}}\n"
        settings.write_text(text)
        out = copy.with_name(copy.name + "-bundle")
        done = subprocess.run([fleet.mcpctl, "compile", copy, "--target", "envoy", "--out", out], capture_output=True, text=True, timeout=60)
        if done.returncode == 0:
            found.append(out / "envoy")
        elif "it needs" in done.stderr:
            left_out += 1
        else:
            raise SystemExit(f"compile of {copy.name}: {done.returncode}\n{done.stdout[-1000:]}{done.stderr[-1000:]}")
    print(f"fixtures: {len(found)} compiled, {left_out} left out for what the target needs")
    return found


TLS_FILES = {"cert": "central.crt", "key": "central.key", "ca": "ca.crt"}


def main() -> int:
    options = argparse.ArgumentParser()
    options.add_argument("--mcpctl", type=Path, required=True)
    options.add_argument("--relation", type=Path, required=True)
    options.add_argument("--engines", type=Path, required=True)
    options.add_argument("--part", action="append", default=[])
    options.add_argument("--fraction", type=int, default=1)
    options.add_argument("--keep", action="store_true")
    options.add_argument("--tamper", help="pattern=>new, in every emitted file: the suite must fail")
    options.add_argument("--prove", action="store_true", help="spoil what is emitted in every way known, one after the other")
    given = options.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    envoy = next((given.engines / "sdk2/lib").glob("python3*/site-packages/envoy/_bin/envoy"))
    work = Path(tempfile.mkdtemp(prefix="mcpctl-live."))
    began = time.monotonic()
    fleet, tallies = None, []
    try:
        fleet = Fleet(work, given.mcpctl, given.relation, envoy, given.engines)
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
    if given.tamper:
        fleet.tampering = [tuple(given.tamper.split("=>", 1))]
    bundle = fleet.compile(fleet.base)
    fleet.start_servers()
    newer, older = sdk.pythons(given.engines)
    parts = {
        "validate": lambda: [validated(fleet, [bundle, *fixtures(fleet)])],
        "matrix": lambda: [matrix.run(fleet, given.fraction)],
        "methods": lambda: [methods.run(fleet), methods.streams(fleet)],
        "messages": lambda: [messages.run(fleet)],
        "headers": lambda: [headers.run(fleet)],
        "sdk": lambda: [sdk.run(fleet, newer, "sdk 2", ["auto", "legacy"], True), sdk.run(fleet, older, "sdk 1", ["legacy"], False)],
        "attacks": lambda: [attacks.run(fleet)],
        "operations": lambda: operations.run(fleet),
        "ends": lambda: [ends.run(fleet)],
        "controls": lambda: [controls.run(fleet)],
        "evidence": lambda: [evidence.run(fleet)],
        "faults": lambda: [faults.run(fleet)],
        "random": lambda: [drawn.run(fleet, given.relation.with_name("random"))],
        "prove": lambda: prove.run(fleet),
    }
    wanted = ["prove"] if given.prove else given.part or [name for name in parts if name != "prove"]
    tallies = []
    if not given.prove:
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
