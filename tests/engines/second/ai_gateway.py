"""`ai-gateway` by the CEL engine of the Envoy AI Gateway: each request is decided as the access relation decides it.

Some facts no rule of this gateway can ask for: whether the connection is encrypted, what a text holds between separators,
numbers in claims, arguments by pattern or equal to a claim, and earlier calls. What needs one of them is denied, unless the
settings say that something else makes sure of it.
"""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from live.tally import Tally

from . import ai_gateway_spoiled
from .bundles import ROOT, Programs, Workspace
from .drawn import workspaces
from .evidence import Identity, Request, path
from .judge import Judge
from .requests import Drawing

OWN = Path(__file__).with_name("fleet.yaml")
FIXTURES = {"second/fleet.yaml": OWN, "targets/one-gateway.yaml": None, "targets/approvals": None}
TARGET = "ai-gateway"
# Each random workspace is a small one; together they have every kind of evidence.
DRAWN = 40


def unseen(piece: dict) -> bool:
    values = piece.get("one_of", piece.get("contains"))
    numbers = any(isinstance(value, (int, float)) and not isinstance(value, bool) for value in (values if isinstance(values, list) else [values]))
    if "claim" in piece:
        return bool(piece.get("separator")) or path(piece["claim"]) in (["scope"], ["scp"]) or numbers
    return bool({"matches", "equals_claim", "called"} & piece.keys())


def asked(programs: Programs, routes: Path, verdicts: Iterable["Verdict"]) -> list[list[str]] | str:
    done = programs.run("policies", "ai-gateway", routes, given="".join(verdict.line for verdict in verdicts))
    return [line.split(" ", 4) for line in done.stdout.splitlines()] if done.returncode == 0 else done.stderr


class Verdict:
    """What the relation says of one request."""

    def __init__(self, judge: Judge, request: Request):
        self.request = request
        sent = {"server": request.server, "tool": request.name, "claims": request.claims, "arguments": request.arguments}
        self.line = json.dumps(sent) + "\n"
        self.allowed, self.opens, self.stepped_up = judge.allows(request), judge.opens(request), judge.stepped_up(request)

    def faults(self, selected: str, allowed: str, _cost: str, exceeded: str, challenge: str) -> Iterator[str]:
        """Where the gateway decides differently. Its rules on tools hold by themselves, whoever opened the session."""
        if (allowed == "true") != self.allowed:
            yield f"should be {'allowed' if self.allowed else 'denied'}"
        if (selected == "true") != self.opens:
            yield f"a session is {'opened' if selected == 'true' else 'not opened'}"
        if exceeded != "false":
            yield "an expression costs too much"
        if (challenge != "-") != self.stepped_up:
            yield f"the client is asked for {challenge}"


def faults(verdicts: list[Verdict], answers: list[list[str]]) -> list[str]:
    found = []
    for verdict, answer in zip(verdicts, answers, strict=True):
        for fault in verdict.faults(*answer):
            request = verdict.request
            found.append(f"{request.server}/{request.name} with {request.claims} and {request.arguments}: {fault}")
    return found


def run(programs: Programs) -> Tally:
    tally = Tally(TARGET)
    dearest = challenges = spoiled = judged = 0
    fixtures = {name: source or ROOT / "fixtures" / name for name, source in FIXTURES.items()}
    for name, source in [*fixtures.items(), *workspaces(programs, TARGET, DRAWN)]:
        workspace = Workspace(programs, name, [TARGET], source)
        identity = Identity(source, workspace.relation)
        judge = Judge(workspace, identity, TARGET, unseen)
        verdicts = [Verdict(judge, request) for request in Drawing(identity, workspace.relation, name).all({"tool"})]
        routes = workspace.folder / TARGET / "central/routes.yaml"
        answers = asked(programs, routes, verdicts)
        if isinstance(answers, str):
            raise SystemExit(f"{name}: {answers}")
        for fault in faults(verdicts, answers)[:5]:
            tally.fault(f"{name}: {fault}")
        for selected, allowed, cost, _, challenge in answers:
            tally.count(selected == allowed == "true")
            dearest, challenges = max(dearest, int(cost)), challenges + (challenge != "-")
        judged += 1
        if name in fixtures:
            spoiled += ai_gateway_spoiled.run(programs, routes, verdicts, tally)
    tally.check(tally.allowed > 1000 and challenges > 100, "too little is allowed, or too few clients are asked for a scope")
    tally.notes.append(f"{judged} workspaces, {challenges} challenges, cost at most {dearest} of 10000, {spoiled} spoiled files noticed")
    return tally.end()
