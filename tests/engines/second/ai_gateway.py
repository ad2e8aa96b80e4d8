"""`ai-gateway` by the CEL engine of the Envoy AI Gateway: each request is decided as the access relation decides it.

Some facts no rule of this gateway can ask for: whether the connection is encrypted, what a text holds between separators,
numbers in claims, arguments by pattern or equal to a claim, and earlier calls. What needs one of them is denied, unless the
settings say that something else makes sure of it.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import yaml
from live.tally import Tally

from . import ai_gateway_spoiled
from .bundles import ROOT, Programs, Workspace
from .drawn import workspaces
from .evidence import Identity, Loader, Request, path, pieces
from .requests import Drawing

OWN = Path(__file__).with_name("fleet.yaml")
FIXTURES = {"second/fleet.yaml": OWN, "targets/one-gateway.yaml": None, "targets/approvals": None}
TARGET = "ai-gateway"
# Each random workspace is a small one; together they have every kind of evidence.
DRAWN = 40


def assumed(source: Path, target: str) -> bool:
    """Whether the settings say that the connection is seen to by something else."""
    files = [source] if source.is_file() else sorted(source.glob("*.yaml"))
    for file in files:
        for document in yaml.load_all(file.read_text(), Loader):
            settings = (document or {}).get("targets")
            if isinstance(settings, dict) and (settings.get(target) or {}).get("assume"):
                return True
    return False


def unseen(piece: dict) -> bool:
    values = piece.get("one_of", piece.get("contains"))
    numbers = any(isinstance(value, (int, float)) and not isinstance(value, bool) for value in (values if isinstance(values, list) else [values]))
    if "claim" in piece:
        return bool(piece.get("separator")) or path(piece["claim"]) in (["scope"], ["scp"]) or numbers
    return bool({"matches", "equals_claim", "called"} & piece.keys())


class Judge:
    """What the relation says of requests, as far as the rules of a product can see."""

    def __init__(self, workspace: Workspace, identity: Identity, target: str, unseen: Callable[[dict], bool]):
        self.relation, self.identity = workspace.relation, identity
        self.transport = assumed(workspace.source, target)
        self.visible = {fact for fact, evidence in identity.requirements.items() if self.sees(evidence, unseen)}
        self.objects = {(one["server"], one["kind"], one["name"]): one for one in self.relation.objects}

    def sees(self, evidence: dict, unseen: Callable[[dict], bool]) -> bool:
        if "transport" in evidence:
            return self.transport
        return not any(unseen(piece) for piece in pieces(evidence))

    def sets(self, request: Request) -> list[frozenset[str]]:
        """The minimal sets of facts that the product can see, for the principal that the token names and this object."""
        principal = self.identity.principal(request.claims)
        object_ = self.objects.get((request.server, request.kind, request.name))
        if principal is None or object_ is None:
            return []
        return [needed for needed in self.relation.sets(principal, object_) if needed <= self.visible]

    def facts(self, request: Request) -> set[str]:
        return self.identity.facts(request, self.transport) & self.visible

    def allows(self, request: Request) -> bool:
        facts = self.facts(request)
        return any(needed <= facts for needed in self.sets(request))

    def opens(self, request: Request) -> bool:
        """Whether the caller may ever call some tool of the server: it may then open a session."""
        principal = self.identity.principal(request.claims)
        tools = self.relation.on(request.server, "tool")
        return principal is not None and any(needed <= self.visible for tool in tools for needed in self.relation.sets(principal, tool))

    def stepped_up(self, request: Request) -> bool:
        """Whether a client can help itself: all that is missing can be had by a scope that its token lacks."""
        facts, scopes = self.facts(request), (request.claims.get("scope") or "")
        scopes = set(scopes.split()) if isinstance(scopes, str) else set()
        by_scope = {fact: evidence["scope"] for fact, evidence in self.identity.requirements.items() if evidence.get("scope")}
        if self.allows(request):
            return False
        for needed in self.sets(request):
            others = {fact for fact in needed if fact not in by_scope}
            if others <= facts and not {by_scope[fact] for fact in needed - others} <= scopes:
                return True
        return False


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
