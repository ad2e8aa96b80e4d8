"""`toolhive` by ToolHive's own packages: its operator takes every file, and its authorizers decide as the access relation does.

Where ToolHive is stricter its page in the book says so: tokens without `sub`, and claims that a policy reads and that hold
something of another form. Such a denial is counted; any other difference is a failure. Its proxy is run in `toolhive_live`.
"""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from live.tally import Tally

from . import toolhive_live, toolhive_spoiled
from .bundles import ROOT, Programs, Workspace, with_settings
from .drawn import workspaces
from .evidence import EMPTY, Identity, Request, at, path, pieces, wanted_of
from .judge import Judge
from .requests import Drawing

TARGET = "toolhive"
OWN = Path(__file__).with_name("fleet.yaml")
SMALL = {"second/fleet.yaml": OWN, "targets/one-gateway.yaml": ROOT / "fixtures/targets/one-gateway.yaml"}
PROJECTS = ["projects/enterprise", "projects/federation"]
# The mesh sees to the connections, which ToolHive's policies do not see.
ASSUMED = {"assume": ["tls", "mtls"], "assume_reason": "the mesh is strict"}
USES = {"tool": ("tool", "call"), "prompt": ("prompt", "get"), "resource": ("resource", "read")}
DRAWN = 16


def unseen(piece: dict) -> bool:
    """Whether ToolHive's policies cannot ask for it: numbers, truths, parts of texts, and all but plain arguments."""
    values = piece.get("one_of", piece.get("contains"))
    texts = all(isinstance(value, str) for value in (values if isinstance(values, list) else [values]) if value is not None)
    if "claim" in piece:
        names = path(piece["claim"])
        for_the_caller = names[0] in ("sub", "act", "iss") and "differs_from" not in piece
        return for_the_caller or bool(piece.get("separator")) or names in (["scope"], ["scp"]) or not texts
    if "argument" in piece:
        return "one_of" not in piece or not texts or len(path(piece["argument"])) > 1
    return "called" in piece


class Verdict:
    """What the relation says of one request, and whether ToolHive may be stricter."""

    def __init__(self, judge: Judge, request: Request, labels: dict[str, str]):
        self.request, self.allowed = request, judge.allows(request)
        self.stricter = self.allowed and stricter(judge, request)
        self.label = labels.get(request.server, request.server)
        feature, operation = USES[request.kind]
        self.line = json.dumps({
            "server": self.label, "feature": feature, "operation": operation, "name": request.name,
            "claims": request.claims, "arguments": request.arguments,
        }) + "\n"  # fmt: skip

    def fault(self, answer: str) -> str | None:
        allowed, what = answer == "allow", f"{self.request.server}/{self.request.name} with {self.request.claims} and {self.request.arguments}"
        if allowed and not self.allowed:
            return f"{what}: should be denied"
        if self.allowed and not allowed and not self.stricter:
            return f"{what}: should be allowed: {answer}"
        return None


def stricter(judge: Judge, request: Request) -> bool:
    """Whether the book says that such a request may be denied although the relation allows it."""
    claims = request.claims
    if not isinstance(claims.get("sub"), str) or not claims["sub"]:
        return True
    read = [piece for fact in judge.asked_of(request) for piece in pieces(judge.identity.requirements[fact]) if "claim" in piece]
    unit = [{"claim": judge.identity.unit_claim, "present": True}] if judge.identity.unit_claim else []
    return any(of_another_form(piece, request) for piece in [*read, *unit])


def of_another_form(piece: dict, request: Request) -> bool:
    """Whether the claim holds a text other than the one asked for, a number, a truth or an object, or a list of such."""
    names = path(piece["claim"])
    if "differs_from" in piece:
        return False
    for length in range(1, len(names)):
        if not isinstance(at(request.claims, names[:length]), (dict, type(None))):
            return True
    value = at(request.claims, names)
    if isinstance(value, list):
        return not all(isinstance(element, str) for element in value)
    if isinstance(value, str):
        return not piece.get("present") and value not in wanted_of(piece, request)
    return value not in EMPTY or isinstance(value, dict)


def asked(programs: Programs, files: list[Path], verdicts: Iterable[Verdict]) -> list[str] | str:
    done = programs.run(TARGET, TARGET, "decide", *files, given="".join(verdict.line for verdict in verdicts))
    return done.stdout.splitlines() if done.returncode == 0 else done.stderr


def faults(verdicts: list[Verdict], answers: list[str]) -> Iterator[tuple[Verdict, str]]:
    for verdict, answer in zip(verdicts, answers, strict=True):
        fault = verdict.fault(answer)
        if fault:
            yield verdict, fault


def taken(programs: Programs, folder: Path, name: str, tally: Tally) -> list[Path]:
    """The files with policies; the operator takes each of all files."""
    files = sorted(file for file in folder.rglob("*.yaml") if file.name != "kustomization.yaml")
    said = programs.run(TARGET, TARGET, "check", *files).stdout.splitlines()
    tally.check(len(said) == len(files) > 0, f"{name}: {len(said)} of {len(files)} files were checked")
    for file, answer in zip(files, said):
        tally.check(answer == "ok", f"{name}: {file.name}: {answer}")
    return [file for file in files if file.parent.name == "authz"]


def run(programs: Programs) -> Tally:
    tally = Tally(TARGET)
    judged = spoiled = stricter_ones = files_taken = 0
    projects = {name: with_settings(programs, name, ROOT / "fixtures" / name, TARGET, ASSUMED) for name in PROJECTS}
    for name, source in [*SMALL.items(), *projects.items(), *workspaces(programs, TARGET, DRAWN)]:
        workspace = Workspace(programs, name, [TARGET], source)
        identity = Identity(source, workspace.relation)
        judge = Judge(workspace, identity, TARGET, unseen)
        targets = json.loads((workspace.folder / "bundle.json").read_text())["targets"]
        labels = {server: label for label, server in targets[0].get("names", {}).items()}
        drawing = Drawing(identity, workspace.relation, name, issuers=True)
        verdicts = [Verdict(judge, request, labels) for request in drawing.all(set(USES))]
        files = taken(programs, workspace.folder / TARGET, name, tally)
        answers = asked(programs, files, verdicts)
        if isinstance(answers, str):
            raise SystemExit(f"{name}: {answers}")
        for _, fault in list(faults(verdicts, answers))[:5]:
            tally.fault(f"{name}: {fault}")
        for verdict, answer in zip(verdicts, answers):
            tally.count(answer == "allow")
            stricter_ones += verdict.allowed and answer != "allow"
        judged, files_taken = judged + 1, files_taken + len(files)
        if source == OWN:
            own = [verdict for verdict in verdicts if verdict.label == "crm-server"]
            file = next(file for file in files if file.stem == "crm-server")
            tally.notes.append(toolhive_live.run(programs, file, own, tally))
        if name in SMALL:
            spoiled += toolhive_spoiled.run(programs, files, verdicts, tally)
    tally.check(tally.allowed > 1000, "too little is allowed")
    tally.notes.append(f"{judged} workspaces, {files_taken} files with policies, {stricter_ones} stricter as the book says, {spoiled} spoiled files noticed")
    return tally.end()
