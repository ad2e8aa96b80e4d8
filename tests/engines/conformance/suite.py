"""The official suite, for both revisions: straight, with one gateway before the server, and with two."""

import collections
import json
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from . import ledger
from .stack import Stack

# The server that a revision is about, and how many scenarios the pinned suite has for it.
REVISIONS = {"2025-11-25": ("stateful", 33), "2026-07-28": ("stateless", 50)}
# For one scenario; the slowest takes three seconds.
SCENARIO_MILLISECONDS = 12_000
SUITE_SECONDS = 300


class Result:
    """One run: how often each check of each scenario succeeded, how often it did not, and what was said then."""

    def __init__(self, exit_code: int, folder: Path):
        self.exit_code = exit_code
        self.scenarios: dict[str, collections.Counter] = {}
        self.failed: collections.Counter = collections.Counter()
        self.said: dict[tuple[str, str], str] = {}
        for file in sorted(folder.glob("server-*/checks.json")):
            name = re.fullmatch(r"server-(.+)-\d{4}-\d\d-\d\dT[0-9-]+Z", file.parent.name)[1]
            checks = json.loads(file.read_text())
            self.scenarios[name] = collections.Counter(check["id"] for check in checks if check["status"] == "SUCCESS")
            for check in checks:
                if check["status"] not in ("SUCCESS", "INFO"):
                    self.failed[name, check["id"]] += check["status"] == "FAILURE"
                    self.said[name, check["id"]] = " ".join(str(check.get("errorMessage") or check["status"]).split())[
                        :200
                    ]

    def passed(self) -> int:
        return sum(counter.total() for counter in self.scenarios.values())


def once(stack: Stack, revision: str, hops: int) -> Result:
    folder = stack.work / f"suite-{revision}-{hops}"
    command = [
        stack.node,
        stack.tools / "packages/node_modules/@modelcontextprotocol/conformance/dist/index.js",
        "server",
        "--url",
        stack.url(REVISIONS[revision][0], hops),
        "--requirements",
        revision,
        "-o",
        folder,
        "--timeout",
        str(SCENARIO_MILLISECONDS),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SUITE_SECONDS, cwd=stack.work)
    (stack.work / f"suite-{revision}-{hops}.txt").write_text(done.stdout + done.stderr)
    return Result(done.returncode, folder)


def compare(revision: str, hops: int, straight: Result, behind: Result) -> dict[str, str]:
    """Every check that succeeds less or fails more often than straight, and every scenario that is gone."""
    found = {}
    for scenario, checks in straight.scenarios.items():
        if scenario not in behind.scenarios:
            found[ledger.key("suite", revision, hops, scenario, "scenario")] = "it has no result"
            continue
        for check, times in checks.items():
            if behind.scenarios[scenario][check] < times:
                why = behind.said.get((scenario, check), "the check was not reached")
                found[ledger.key("suite", revision, hops, scenario, check)] = why
    for (scenario, check), times in behind.failed.items():
        if times > straight.failed[scenario, check]:
            found.setdefault(ledger.key("suite", revision, hops, scenario, check), behind.said[scenario, check])
    return found


def run(stack: Stack) -> tuple[dict[str, str], list[str]]:
    """What fails, and what is at fault with the suite itself."""
    failures, faults = {}, []
    wanted = [(revision, hops) for revision in REVISIONS for hops in (0, 1, 2)]
    with ThreadPoolExecutor(3) as pool:
        results = dict(zip(wanted, pool.map(lambda one: once(stack, *one), wanted)))
    for revision, (kind, count) in REVISIONS.items():
        straight = results[revision, 0]
        if straight.exit_code != 0 or len(straight.scenarios) != count:
            faults.append(
                f"suite: {revision} straight: exit code {straight.exit_code},"
                f" {len(straight.scenarios)} scenarios instead of {count}"
            )
        for hops in (0, 1, 2):
            result = results[revision, hops]
            worse = {} if hops == 0 else compare(revision, hops, straight, result)
            failures |= worse
            print(
                f"suite      {revision}  {kind:<9}  {ledger.HOPS[hops]:<8}  {len(result.scenarios)} scenarios,"
                f" {result.passed()} checks passed, {len(worse)} worse than straight",
                flush=True,
            )
    return failures, faults
