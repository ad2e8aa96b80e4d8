"""Runs the action for GitHub and the component for GitLab on changes of a workspace.

Neither product can be run here. The action is run by act and the component by gitlab-ci-local, each as a program on this machine in a
clone that has the last commit alone, as a build server has it; the API that comments are written to is on loopback. Both files are
compared with the published schemas of the products, and the action is searched for what could be abused.
"""

import json
import shutil
import subprocess
from pathlib import Path

from api import BOT, TOKEN, Api
from tally import ROOT, check, run

ACTION, COMPONENT = ROOT / "packages/github", ROOT / "packages/gitlab"
WORKFLOW = """on: pull_request
permissions: {contents: read, pull-requests: write}
jobs:
  fleet:
    runs-on: ubuntu-latest
    steps:
      - {uses: actions/checkout@v4}
      - {uses: ./action, with: {path: fleet}}
"""
PIPELINE = """include:
  - local: templates/mcpctl.yml
    inputs: {path: fleet, package: ""}
"""
MARK = "<!-- mcpctl diff of fleet -->\n"
CHANGES = {
    "same": ("support_agent", "support_agent"),
    "wider": ('["orders_server/*"]', '["orders_server/*", "docs_server/search"]'),
    "narrower": ('["orders_server/*"]', '["orders_server/refund_order"]'),
    "broken": ("may_call:", "may_cal:"),
}


def git(folder: Path, *command: str) -> str:
    done = run("git", "-C", str(folder), *command)
    if done.returncode != 0:
        raise SystemExit(f"forges: git {' '.join(command)}: {done.stderr}")
    return done.stdout.strip()


def repository(mcpctl: str, work: Path) -> tuple[Path, str]:
    """A repository with one branch for each change, and the commit that all of them begin at."""
    origin = work / "origin"
    git(work, "init", "--quiet", "--initial-branch", "main", str(origin))
    subprocess.run([mcpctl, "init", "--quiet", str(origin / "fleet")], check=True)
    shutil.copytree(ACTION, origin / "action")
    shutil.copytree(COMPONENT / "templates", origin / "templates")
    (origin / ".github/workflows").mkdir(parents=True)
    (origin / ".github/workflows/fleet.yml").write_text(WORKFLOW)
    (origin / ".gitlab-ci.yml").write_text(PIPELINE)
    git(origin, "add", ".")
    git(origin, "commit", "--quiet", "--message", "base")
    base = git(origin, "rev-parse", "HEAD")
    registry = origin / "fleet/registry.yaml"
    text = registry.read_text()
    for name, (before, after) in CHANGES.items():
        git(origin, "checkout", "--quiet", "-b", name, base)
        assert before in text
        registry.write_text(text.replace(before, after, 1))
        git(origin, "commit", "--quiet", "--allow-empty", "--all", "--message", name)
    return origin, base


def clone(origin: Path, branch: str, work: Path) -> Path:
    folder = work / "clone"
    shutil.rmtree(folder, ignore_errors=True)
    git(work, "clone", "--quiet", "--depth", "1", "--branch", branch, f"file://{origin}", str(folder))
    return folder


class GitHub:
    """The action, run by act."""

    replaced = "PATCH 200"

    def __init__(self, tools: Path, api: Api, env: dict, base: str):
        self.act, self.api, self.env, self.base = str(tools / "bin/act"), api, env, base

    def run(self, folder: Path, token=TOKEN):
        event = {"number": 7, "pull_request": {"number": 7, "base": {"sha": self.base, "ref": "main"}, "head": {"ref": "change"}}}
        (folder / "event.json").write_text(json.dumps(event | {"repository": {"full_name": "fleet/config", "default_branch": "main"}}))
        done = run(
            self.act, "pull_request", "--platform", "ubuntu-latest=-self-hosted", "--eventpath", "event.json", "--json",
            "--env", f"GITHUB_API_URL={self.api.url}", "--env", "GITHUB_REPOSITORY=fleet/config", "--secret", f"GITHUB_TOKEN={token}",
            "--no-cache-server", "--pull=false", cwd=folder, env=self.env,
        )  # fmt: skip
        said = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
        self.log = done.stdout + done.stderr
        # Once for the step of the action, and once more for the step of the workflow that it is.
        self.summary = next((one["content"] for one in said if one.get("command") == "summary"), "")
        self.findings = [one for one in said if one.get("command") in ("error", "warning", "notice")]
        return done.returncode

    def check_broken(self):
        places = [one.get("kvPairs") or {} for one in self.findings]
        check(any(place.get("file") == "fleet/registry.yaml" for place in places), f"no annotation names the file: {places}")


class GitLab:
    """The component, run by gitlab-ci-local."""

    replaced = "PUT 200"

    def __init__(self, tools: Path, api: Api, env: dict, base: str):
        self.program, self.api, self.env = str(tools / "node/node_modules/.bin/gitlab-ci-local"), api, env
        self.variables = {
            "CI_PIPELINE_SOURCE": "merge_request_event", "CI_MERGE_REQUEST_DIFF_BASE_SHA": base, "CI_MERGE_REQUEST_PROJECT_ID": "5",
            "CI_MERGE_REQUEST_IID": "3", "CI_API_V4_URL": f"{api.url}/api/v4",
        }  # fmt: skip

    def run(self, folder: Path, token=TOKEN):
        variables = [word for name, value in (self.variables | {"MCPCTL_TOKEN": token}).items() for word in ("--variable", f"{name}={value}")]
        done = run(self.program, "--force-shell-executor", *variables, cwd=folder, env=self.env)
        self.log = done.stdout + done.stderr
        summary, report = folder / "mcpctl-diff.md", folder / "gl-code-quality-report.json"
        self.summary = summary.read_text() if summary.exists() else ""
        self.findings = json.loads(report.read_text()) if report.exists() else None
        return done.returncode

    def check_broken(self):
        fields = {"description", "check_name", "fingerprint", "severity", "location"}
        check(bool(self.findings), "the code quality report is empty")
        for one in self.findings or []:
            check(fields <= set(one) and one["location"]["lines"]["begin"] > 0, f"the code quality report has {one}")
        places = [one["location"]["path"] for one in self.findings or []]
        check("fleet/registry.yaml" in places, f"the code quality report does not name the file from the root: {places}")


def judge(forge, api: Api, origin: Path, work: Path) -> None:
    """What each change leads to: the code, the summary and the comment."""
    name = type(forge).__name__
    of_another = {"id": 0, "body": f"{MARK}not yours", "by": "somebody"}
    api.begin([of_another.copy()] + [{"id": one, "body": "talk", "by": "somebody"} for one in range(1, 120)])
    for branch, code, asked in [
        ("wider", 1, "POST 201"), ("narrower", 0, forge.replaced), ("same", 0, forge.replaced), ("wider", 1, forge.replaced),
    ]:  # fmt: skip
        api.asked = []
        ended = forge.run(clone(origin, branch, work))
        if not check_ended(name, branch, code, ended, forge):
            continue
        check(api.asked[-1:] == [asked], f"{name}, {branch}: the API was asked {api.asked}")
        ours = [one["body"] for one in api.comments if one["by"] == BOT]
        check(ours == [MARK + forge.summary], f"{name}, {branch}: comments {ours}, summary {forge.summary!r}")
        check(("docs_server/search" in forge.summary) == (branch == "wider"), f"{name}, {branch}: {forge.summary}")
    check(api.comments[0] == of_another, f"{name}: the comment of somebody else was changed")
    api.begin([], read_only=True)
    check_ended(name, "narrower", 0, forge.run(clone(origin, "narrower", work)), forge, "a token that only reads")
    check(api.asked[-1:] == ["POST 403"] and bool(forge.summary), f"{name}: with a token that only reads, {api.asked}")
    api.begin([])
    check_ended(name, "broken", 1, forge.run(clone(origin, "broken", work)), forge)
    forge.check_broken()
    check("New errors" in forge.summary, f"{name}: a reviewer is not told of new errors: {forge.summary!r}")
    # The first page of comments, as well as the second.
    check(len(api.comments) == 1 and forge.run(clone(origin, "same", work)) == 0, f"{name}: {forge.log}")
    check(api.asked[-1:] == [forge.replaced], f"{name}: of one comment, {api.asked}")


def check_ended(name: str, branch: str, code: int, ended: int, forge, why="") -> bool:
    check((ended != 0) == (code != 0), f"{name}, {branch} {why}: ended with {ended}\n{forge.log}")
    return (ended != 0) == (code != 0)


def schemas(tools: Path, work: Path) -> None:
    bin = tools / "venv/bin"
    files = [("github-actions", ACTION / "action.yml")]
    # The inputs and the jobs are documents of their own.
    for number, document in enumerate((COMPONENT / "templates/mcpctl.yml").read_text().split("\n---\n")):
        files.append(("gitlab-ci", work / f"component-{number}.yml"))
        files[-1][1].write_text(document + "\n")
    for schema, file in files:
        done = run(str(bin / "check-jsonschema"), "--builtin-schema", f"vendor.{schema}", str(file))
        check(done.returncode == 0, f"{file.name} does not fit the schema {schema}: {done.stdout}{done.stderr}")
    done = run(str(bin / "zizmor"), "--offline", "--quiet", str(ACTION / "action.yml"))
    check(done.returncode == 0, f"zizmor: {done.stdout}{done.stderr}")
    done = run(str(bin / "hadolint"), str(ROOT / "packages/container/Containerfile"))
    check(done.returncode == 0, f"hadolint: {done.stdout}{done.stderr}")


def examine(tools: Path, mcpctl: Path, work: Path, env: dict) -> None:
    """Both packages, on every change."""
    schemas(tools, work)
    api = Api()
    origin, base = repository(str(mcpctl), work)
    for forge in (GitHub, GitLab):
        judge(forge(tools, api, env, base), api, origin, work)
