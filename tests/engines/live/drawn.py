"""Random workspaces that validate: Envoy takes what is compiled of each."""

import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from . import gateway
from .fleet import ROOT, Fleet
from .tally import Tally

COUNT = 160


def run(fleet: Fleet, random: Path) -> Tally:
    tally = Tally("random")
    work = fleet.work / "random"
    done = subprocess.run(
        [ROOT / "tests/engines/random/compile", fleet.mcpctl, random, str(COUNT), work, fleet.pki.folder], capture_output=True, text=True, timeout=600
    )
    tally.check(done.returncode == 0, f"compile: {done.stdout[-600:]}{done.stderr[-600:]}")
    tally.notes.append(done.stdout.strip().splitlines()[-1] if done.stdout else "nothing was compiled")
    folders = sorted(path for path in work.glob("bundles/*/envoy/*") if path.is_dir())
    tally.check(len(folders) >= COUNT // 4, f"Envoy is written for {len(folders)} workspaces alone")
    with ThreadPoolExecutor(2) as pool:
        for folder, said in zip(folders, pool.map(lambda folder: gateway.validate(fleet.envoy, folder, "envoy.static.yaml"), folders)):
            tally.check(said is None, f"{folder.relative_to(work)}: {said}")
    # What Envoy does not take is seen.
    spoilt = folders[0] / "spoilt.yaml"
    spoilt.write_text((folders[0] / "envoy.static.yaml").read_text().replace("filter_chains", "filter_chain", 1))
    tally.check(gateway.validate(fleet.envoy, folders[0], spoilt.name) is not None, "a file with a key that Envoy does not have is taken")
    return tally.end()
