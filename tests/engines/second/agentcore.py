"""`agentcore` by cedar-go: what its policies decide, asked as AgentCore's documentation says that its gateway asks them.

The policies with a history (`approvals`, `temporal`) are in another language, and are not judged here: what needs an earlier call
is denied without them. Where AgentCore is stricter its page in the book says so: tokens without `sub`, strangers that act for
somebody, and lists that hold more than texts; so are arguments that are not of the type that the tool's schema gives. Such a denial
is counted; any other difference is a failure.
"""

import dataclasses
import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import yaml
from live.tally import Tally

from . import agentcore_spoiled
from .bundles import ROOT, Programs, Workspace, with_settings
from .drawn import workspaces
from .evidence import Identity, Loader, Request, at, path, pieces
from .judge import Judge
from .requests import Drawing

TARGET = "agentcore"
GATEWAY = "arn:aws:bedrock-agentcore:us-west-2:123456789012:gateway/tested-a1b2c3"
# Its endpoints take HTTPS alone; of certificates its policies see nothing.
SETTINGS = {"gateway_arn": GATEWAY, "assume": ["tls", "mtls"], "assume_reason": "only the mesh reaches the private endpoint"}
HERE = Path(__file__).parent
SMALL = {
    "second/typed.yaml": HERE / "typed.yaml", "second/fleet.yaml": HERE / "fleet.yaml",
    "targets/approvals": ROOT / "fixtures/targets/approvals",
}  # fmt: skip
PROJECTS = ["projects/enterprise"]
DRAWN = 60
KINDS = {"integer": "Long", "string": "String", "boolean": "Boolean"}
ANYTHING = {"Long": 1, "String": "any", "Boolean": True}


class Schema:
    """What AgentCore makes from the tools: an action for each, with the arguments whose type in Cedar is certain."""

    def __init__(self, source: Path, relation, labels: dict[str, str]):
        files = [source] if source.is_file() else sorted(source.rglob("*.yaml"))
        documents = [document for file in files for document in yaml.load_all(file.read_text(), Loader) if isinstance(document, dict)]
        servers = [server for document in documents for server in (document.get("mcp_registry") or {}).get("servers") or []]
        written = {(server["name"], tool["name"]): tool for server in servers for tool in server.get("tools") or [] if isinstance(tool, dict)}
        self.arguments = {
            (tool["server"], tool["name"]): self.typed(written.get((tool["server"], tool["name"]), {}).get("input_schema") or {})
            for tool in relation.tools()
        }  # fmt: skip
        self.actions = {tool: f"{labels.get(tool[0], tool[0])}___{tool[1]}" for tool in self.arguments}

    def typed(self, schema: dict) -> dict[str, dict]:
        required, found = schema.get("required", []), {}
        for name, declared in (schema.get("properties") or {}).items():
            kind = declared.get("type")
            # An enumeration becomes an entity.
            if isinstance(kind, str) and kind in KINDS and "enum" not in declared:
                found[name] = {"type": KINDS[kind], "required": name in required}
        return found

    def document(self) -> dict:
        actions = {"Mcp": {}, "CallTool": {"memberOf": [{"id": "Mcp"}]}}
        for tool, action in self.actions.items():
            record = {"type": "Record", "attributes": self.arguments[tool]}
            context = {"type": "Record", "attributes": {"input": record}}
            applies = {"principalTypes": ["OAuthUser"], "resourceTypes": ["Gateway"], "context": context}
            actions[action] = {"memberOf": [{"id": "CallTool"}], "appliesTo": applies}
        user = {"shape": {"type": "Record", "attributes": {"id": {"type": "String"}}}, "tags": {"type": "String"}}
        return {"AgentCore": {"entityTypes": {"OAuthUser": user, "Gateway": {}}, "actions": actions}}

    def complete(self, request: Request) -> None:
        """Adds the arguments that the tool requires and that nothing else asks for."""
        for name, declared in self.arguments.get((request.server, request.name), {}).items():
            if declared["required"]:
                request.arguments.setdefault(name, ANYTHING[declared["type"]])

    def fits(self, request: Request) -> bool:
        """Whether the arguments are what the tool declares."""
        for name, declared in self.arguments.get((request.server, request.name), {}).items():
            value = request.arguments.get(name)
            fits = {"Long": is_whole, "String": lambda value: isinstance(value, str), "Boolean": lambda value: isinstance(value, bool)}
            if name in request.arguments and not fits[declared["type"]](value):
                return False
        return True


def is_whole(value) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


class Sight:
    """What AgentCore's policies can ask for, as its page says."""

    def __init__(self, schema: Schema, relation):
        self.schema, self.relation = schema, relation

    def of(self, identity: Identity):
        """An argument is seen where every tool that needs it declares it."""
        tested = {
            piece["argument"] if isinstance(piece["argument"], str) else piece["argument"][0]: fact
            for fact, evidence in identity.requirements.items() for piece in pieces(evidence) if "argument" in piece
        }  # fmt: skip

        def unseen(piece: dict) -> bool:
            if "claim" in piece:
                return self.unseen_claim(piece)
            if "argument" in piece:
                return self.unseen_argument(piece, tested)
            return "called" in piece

        return unseen

    def unseen_claim(self, piece: dict) -> bool:
        names = path(piece["claim"])
        values = piece.get("one_of", piece.get("contains"))
        texts = [value for value in (values if isinstance(values, list) else [values]) if value is not None]
        if "differs_from" in piece:
            return (names, path(piece["differs_from"])) != (["act", "sub"], ["sub"])
        in_parts = bool(texts) and (bool(piece.get("separator")) or names in (["scope"], ["scp"]))
        for_the_caller = names[0] in ("sub", "act", "iss")
        return len(names) > 1 or for_the_caller or in_parts or not all(isinstance(text, str) for text in texts)

    def unseen_argument(self, piece: dict, tested: dict[str, str]) -> bool:
        names = path(piece["argument"])
        if len(names) > 1 or "matches" in piece or "equals_claim" in piece:
            return True
        bounds = [piece[bound] for bound in ("at_least", "at_most") if bound in piece]
        if not all(isinstance(value, str) for value in piece.get("one_of", [])) or not all(int(bound) == bound for bound in bounds):
            return True
        kind = "Long" if bounds else "String"
        concerned = {
            (object_["server"], object_["name"]) for object_ in self.relation.tools() for principal in self.relation.principals
            if any(tested[names[0]] in needed for needed in self.relation.sets(principal, object_))
        }  # fmt: skip
        return any(self.schema.arguments[tool].get(names[0], {}).get("type") != kind for tool in concerned)


class Verdict:
    """What the relation says of one request, and whether AgentCore may be stricter."""

    def __init__(self, judge: Judge, schema: Schema, request: Request):
        schema.complete(request)
        self.request, self.allowed = request, judge.allows(request)
        self.stricter = self.allowed and (stricter(judge, request) or not schema.fits(request))
        action = schema.actions.get((request.server, request.name), "nothing")
        self.line = json.dumps({"action": action, "claims": request.claims, "arguments": request.arguments}) + "\n"

    def fault(self, answer: str, errors: str) -> str | None:
        allowed, what = answer == "allow", f"{self.request.server}/{self.request.name} with {self.request.claims} and {self.request.arguments}"
        if errors != "0":
            return f"{what}: {errors} policies fail"
        if allowed and not self.allowed:
            return f"{what}: should be denied"
        if self.allowed and not allowed and not self.stricter:
            return f"{what}: should be allowed: {answer}"
        return None


def stricter(judge: Judge, request: Request) -> bool:
    """Whether the book says that such a request may be denied although the relation allows it."""
    claims, identity = request.claims, judge.identity
    if not isinstance(claims.get("sub"), str) or not claims["sub"] or identity.callers[claims["iss"]] != ["sub"]:
        return True
    if claims.get("act") is not None and identity.caller(claims) not in identity.subjects:
        return True
    read = [path(piece["claim"]) for fact in judge.asked_of(request) for piece in pieces(identity.requirements[fact]) if "claim" in piece]
    lists = [value for value in (at(claims, names) for names in read) if isinstance(value, list)]
    return any(isinstance(element, (list, dict)) for value in lists for element in value)


class Folder:
    """The policies of a bundle, and the schema that they are judged by."""

    def __init__(self, programs: Programs, workspace: Workspace):
        self.programs, self.folder = programs, workspace.folder / TARGET
        entries = json.loads((workspace.folder / "bundle.json").read_text())["targets"]
        names = next(entry.get("names", {}) for entry in entries if entry["name"] == TARGET)
        self.schema = Schema(workspace.source, workspace.relation, {server: label for label, server in names.items()})
        self.schema_file = programs.work / "agentcore-schema.json"
        self.schema_file.write_text(json.dumps(self.schema.document()))
        self.files = sorted((self.folder / "policies").glob("*.json"))

    def ask(self, verdicts: Iterable[Verdict], files: list[Path] | None = None) -> tuple[dict, list[list[str]]] | str:
        """What was read, and the answers; a text where the policies could not be read."""
        given = "".join(verdict.line for verdict in verdicts)
        done = self.programs.run("policies", TARGET, self.schema_file, GATEWAY, *(files or self.files), given=given)
        if done.returncode != 0:
            return done.stderr
        read, *lines = done.stdout.splitlines()
        return json.loads(read), [line.split("\t") for line in lines]


def by_themselves(drawing: Drawing) -> Iterator[Request]:
    """Everything is shown but a user, by each issuer, and of no unit: strangers may act for nobody, so nothing else shows what they need."""
    for (who, what), minimal in drawing.cells.minimal.items():
        object_ = drawing.relation.objects[what]
        if minimal and object_["kind"] == "tool":
            for issuer in [*drawing.identity.speaks_for, "https://elsewhere.example"]:
                request = drawing.request(drawing.relation.principals[who], object_, set(drawing.identity.requirements) - {"user_delegation"})
                request.claims["iss"] = issuer
                yield request
                if drawing.identity.unit_claim:
                    yield dataclasses.replace(request, claims=request.claims | {drawing.identity.unit_claim: "of nobody"})


def faults(verdicts: list[Verdict], answers: list[list[str]]) -> Iterator[tuple[Verdict, str]]:
    for verdict, answer in zip(verdicts, answers, strict=True):
        fault = verdict.fault(*answer)
        if fault:
            yield verdict, fault


def drawn(programs: Programs, tally: Tally) -> Iterator[tuple[str, Path]]:
    """Random workspaces that AgentCore can take, once they have a gateway."""
    all_, taken = list(workspaces(programs, "cedar", DRAWN)), 0
    for name, source in all_:
        source = with_settings(programs, name, source, TARGET, SETTINGS)
        out = programs.work / "taken" / name
        done = programs.mcpctl_run("compile", source, "--target", TARGET, "--out", out, "--quiet")
        tally.check(done.returncode in (0, 1), f"{name}: compile ends with {done.returncode}: {done.stderr[-400:]}")
        if done.returncode == 0 and any((out / TARGET / "policies").glob("*.json")):
            taken += 1
            yield name, source
    tally.check(taken >= 5, f"only {taken} of {len(all_)} random workspaces are written for {TARGET}")


def run(programs: Programs) -> Tally:
    tally = Tally(TARGET)
    judged = policies = spoiled = stricter_ones = 0
    named = SMALL | {name: ROOT / "fixtures" / name for name in PROJECTS}
    with_gateway = {name: with_settings(programs, name, source, TARGET, SETTINGS) for name, source in named.items()}
    for name, source in [*with_gateway.items(), *drawn(programs, tally)]:
        workspace = Workspace(programs, name, [TARGET], source)
        folder, identity = Folder(programs, workspace), Identity(source, workspace.relation)
        judge = Judge(workspace, identity, TARGET, Sight(folder.schema, workspace.relation).of(identity))
        drawing = Drawing(identity, workspace.relation, name, issuers=True)
        verdicts = [Verdict(judge, folder.schema, request) for request in [*drawing.all({"tool"}), *by_themselves(drawing)]]
        said = folder.ask(verdicts)
        if isinstance(said, str):
            raise SystemExit(f"{name}: {said}")
        read, answers = said
        tally.check(read["policies"] == len(folder.files) > 0, f"{name}: {read['policies']} of {len(folder.files)} policies were read")
        for refused in read["refused"][:5]:
            tally.fault(f"{name}: {refused}")
        for _, fault in list(faults(verdicts, answers))[:5]:
            tally.fault(f"{name}: {fault}")
        for verdict, (answer, _) in zip(verdicts, answers):
            tally.count(answer == "allow")
            stricter_ones += verdict.allowed and answer != "allow"
        judged, policies = judged + 1, policies + read["policies"]
        if name in SMALL:
            spoiled += agentcore_spoiled.run(folder, verdicts, tally)
    tally.check(tally.allowed > 1000, "too little is allowed")
    tally.notes.append(f"{judged} workspaces, {policies} policies, {stricter_ones} stricter as the book says, {spoiled} spoiled policies noticed")
    return tally.end()
