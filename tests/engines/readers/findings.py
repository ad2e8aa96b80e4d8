"""Findings in each format for other tools, read by a program that reads it: reviewdog, SARIF Tools and junitparser."""

import csv
import json
import shutil
from pathlib import Path
from xml.etree import ElementTree

from tally import ROOT, check, run

# One of each kind: findings in one file and in many, with several places, with fixes, with names beyond ASCII, and none.
WORKSPACES = [
    "fixtures/projects/bank", "fixtures/projects/federation", "fixtures/checks/unknown-server/fail", "fixtures/checks/colliding-topics/fail",
    "fixtures/checks/cyclic-workflow/fail", "fixtures/checks/unknown-step/fail", "fixtures/checks/unreachable-tool/fail",
]  # fmt: skip


def written(mcpctl: Path, workspace: Path, form: str) -> str:
    done = run(str(mcpctl), "validate", ".", "--format", form, cwd=workspace)
    check(done.returncode in (0, 1), f"{workspace.name}, {form}: ended with {done.returncode}: {done.stderr}")
    return done.stdout


def by_reviewdog(tools: Path, text: str, form: str, places: list) -> None:
    done = run(str(tools / "bin/reviewdog"), f"-f={form}", "-reporter=rdjson", "-filter-mode=nofilter", "-fail-level=any", text=text)
    said = [one["location"] for one in json.loads(done.stdout or "{}").get("diagnostics", [])]
    check(sorted((one["path"], one["range"]["start"]["line"]) for one in said) == sorted(place[1:] for place in places),
          f"reviewdog reads {said} in {form}, and json has {places}: {done.stderr}")  # fmt: skip
    check((done.returncode != 0) == bool(places), f"reviewdog ends with {done.returncode} for {len(places)} findings in {form}")


def by_sarif_tools(tools: Path, text: str, places: list, work: Path) -> list:
    log, table = work / "findings.sarif", work / "findings.csv"
    log.write_text(text)
    done = run(str(tools / "venv/bin/sarif"), "csv", "--output", str(table), str(log))
    check(done.returncode == 0, f"SARIF Tools: {done.stdout}{done.stderr}")
    with table.open(encoding="utf-8") as rows:
        said = sorted((row["Code"], row["Location"], int(row["Line"])) for row in csv.DictReader(rows))
    check(said == sorted(places), f"SARIF Tools read {said}, and json has {places}")
    page, report = work / "findings.html", work / "codeclimate.json"
    done = run(str(tools / "venv/bin/sarif"), "html", "--output", str(page), str(log))
    shown = page.read_text(encoding="utf-8") if page.exists() else done.stderr
    check(all(code in shown for code, _, _ in places), "the page of SARIF Tools does not show every check")
    # The report for GitLab, made of the same findings by somebody else.
    done = run(str(tools / "venv/bin/sarif"), "codeclimate", "--output", str(report), str(log))
    check(done.returncode == 0, f"SARIF Tools: {done.stdout}{done.stderr}")
    return sorted(place_in_gitlab(one) for one in json.loads(report.read_text(encoding="utf-8")))


def place_in_gitlab(one: dict) -> tuple[str, int]:
    return one["location"]["path"], one["location"]["lines"]["begin"]


def by_junitparser(tools: Path, text: str, places: int, errors: int, work: Path) -> None:
    report, merged = work / "findings.xml", work / "merged.xml"
    report.write_text(text)
    parser = str(tools / "venv/bin/junitparser")
    done = run(parser, "merge", str(report), str(merged))
    check(done.returncode == 0, f"junitparser: {done.stdout}{done.stderr}")
    cases = list(ElementTree.parse(merged).getroot().iter("testcase"))
    failures = sum(1 for case in cases for part in case if part.tag in ("failure", "error"))
    names = [case.get("name") for case in cases]
    check(failures == errors, f"junitparser reads {failures} failures, and json has {errors} errors")
    check(len(names) == max(places, 1), f"junitparser reads {len(names)} cases, and json has {places} findings")
    done = run(parser, "verify", str(report))
    check((done.returncode != 0) == bool(errors), f"junitparser verifies {errors} errors with {done.returncode}")


def examine(tools: Path, mcpctl: Path, work: Path) -> int:
    """How many findings were read."""
    count = 0
    for name in WORKSPACES:
        # Outside of every repository, so that paths begin at the workspace.
        workspace = work / name.replace("/", "-")
        shutil.copytree(ROOT / name, workspace)
        found = json.loads(written(mcpctl, workspace, "json"))
        places, accepted = ([(one["check"], one["file"], one["line"]) for one in found[part]] for part in ("diagnostics", "suppressed"))
        count += len(places)
        by_reviewdog(tools, written(mcpctl, workspace, "rdjson"), "rdjson", places)
        log = written(mcpctl, workspace, "sarif")
        # What is accepted is there, too, with its reason; neither program leaves it out.
        by_reviewdog(tools, log, "sarif", places + accepted)
        theirs = by_sarif_tools(tools, log, places + accepted, work)
        ours = [place_in_gitlab(one) for one in json.loads(written(mcpctl, workspace, "gitlab"))]
        ours += [place[1:] for place in accepted]
        check(sorted(ours) == theirs, f"{workspace.name}: the report for GitLab has {sorted(ours)}, and that of SARIF Tools {theirs}")
        errors = sum(1 for one in found["diagnostics"] if one["severity"] == "error")
        by_junitparser(tools, written(mcpctl, workspace, "junit"), len(places + accepted), errors, work)
    return count
