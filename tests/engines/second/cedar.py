"""`cedar` by cedar-go, an implementation of Cedar that shares no code with Cedar's Rust engine, and by that engine itself.

The generated policies alone have to decide as the access relation does. With the hand-written policies beside them the two
engines have to agree with each other, and `mcpctl can` with both. Each comparison is also made on spoiled files, where it must
find a difference.
"""

import functools
import json
import random
import subprocess
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import cedarpy
from live.tally import Tally

from . import cedar_spoiled
from .bundles import WORKSPACES, Programs, Workspace
from .facts import Cells

ACTIONS = {"protocol": "use_server", "tool": "call_tool", "resource": "read_resource", "prompt": "get_prompt"}
TYPES = {"protocol": "Server", "tool": "Tool", "resource": "Resource", "prompt": "Prompt"}
SAMPLE = 25


def principal(one: dict) -> dict:
    """The entity of a principal, by the name that it has in the relation."""
    name = one["name"]
    if one["kind"] == "any_agent":
        return {"type": "Mcp::AnyAgent", "id": one["unit"] or "any"}
    if one["kind"] == "agent":
        return {"type": "Mcp::Agent", "id": name}
    return {"type": f"Mcp::{one['kind'].capitalize()}", "id": name.partition(":")[2]}


def asked_for(one: dict) -> dict:
    """The action and the resource of an object."""
    id_ = one["server"] if one["kind"] == "protocol" else f"{one['server']}/{one['name']}"
    return {"action": {"type": "Mcp::Action", "id": ACTIONS[one["kind"]]}, "resource": {"type": f"Mcp::{TYPES[one['kind']]}", "id": id_}}


class Folder:
    """A folder `cedar`, and the questions that are asked about it."""

    def __init__(self, programs: Programs, workspace: Workspace):
        self.programs, self.workspace = programs, workspace
        self.folder = workspace.folder / "cedar"
        self.cells = Cells(workspace.relation)
        self.principals = [principal(one) for one in workspace.relation.principals]
        self.objects = [asked_for(one) for one in workspace.relation.objects]
        self.generated = [self.folder / "policies.cedar"]
        self.handwritten = sorted((self.folder / "handwritten").rglob("*.cedar"))

    def by_go(self, questions: list, policies: list[Path], folder: Path | None = None) -> tuple[dict, list[tuple]] | str:
        """What was read, and the decision, number of errors and policies for each question; a text where it was refused."""
        path = self.programs.work / "questions.json"
        path.write_text(json.dumps({
            "facts": self.cells.masks.facts, "principals": self.principals, "objects": self.objects, "asked": questions,
        }))
        done = self.programs.run("policies", "cedar", folder or self.folder, path, *policies)
        if done.returncode != 0:
            return done.stderr
        read, *lines = done.stdout.splitlines()
        split = (line.split(" ") for line in lines)
        return json.loads(read), [(said, int(errors), deciding) for said, errors, deciding in split]

    def by_rust(self, questions: list, policies: list[Path]) -> list[tuple]:
        text = "\n".join(path.read_text() for path in policies)
        parsed = json.loads(cedarpy.policies_to_json_str(text))["staticPolicies"]
        ids = {policy: parsed[policy]["annotations"]["id"] for policy in parsed}
        facts = self.cells.masks.facts
        contexts = {mask: json.dumps({fact: bool(mask >> at & 1) for at, fact in enumerate(facts)}) for _, _, mask in questions}
        requests = [
            {"principal": self.principals[who], **self.objects[what], "context": contexts[mask]} for who, what, mask in questions
        ]
        entities, schema = ((self.folder / name).read_text() for name in ("entities.json", "schema.cedarschema"))
        found = cedarpy.is_authorized_batch(requests, cedarpy.PolicySet.from_str(text), entities, schema)
        return [
            (
                "allow" if one.allowed else "deny", len(one.diagnostics.errors),
                ",".join(sorted(ids[reason] for reason in one.diagnostics.reasons)),
            )
            for one in found
        ]  # fmt: skip


def differing(folder: Folder, questions: list, answers: list[tuple]) -> list[str]:
    """The questions that are answered differently from the relation."""
    found = []
    for question, answer in zip(questions, answers, strict=True):
        allowed = folder.cells.allows(*question)
        if (answer[0], answer[1]) != ("allow" if allowed else "deny", 0):
            found.append(f"{folder.cells.shown(question)}: should be {'allowed' if allowed else 'denied'}, is {answer}")
    return found


def disagreeing(folder: Folder, questions: list, one: list[tuple], other: list[tuple]) -> list[str]:
    pairs = zip(questions, one, other, strict=True)
    return [f"{folder.cells.shown(question)}: cedar-go {a}, Cedar {b}" for question, a, b in pairs if a != b]


def report(tally: Tally, name: str, found: list[str]) -> None:
    tally.checks += 1
    for fault in found[:5]:
        tally.fault(f"{name}: {fault}")
    if len(found) > 5:
        tally.fault(f"{name}: and {len(found) - 5} more")


def judge(folder: Folder, tally: Tally, policies: list[Path]) -> list[tuple]:
    """Both engines on every question; what they agree on."""
    name = folder.workspace.name
    questions = list(folder.cells.questions())
    said = folder.by_go(questions, policies)
    if isinstance(said, str):
        raise SystemExit(f"{name}: cedar-go refused it: {said}")
    read, answers = said
    report(tally, name, read["refused"])
    tally.check(read["policies"] > 0 and read["entities"] > 0, f"{name}: nothing was read")
    report(tally, name, disagreeing(folder, questions, answers, folder.by_rust(questions, policies)))
    for answer in answers:
        tally.count(answer[0] == "allow")
    if policies == folder.generated:
        report(tally, name, differing(folder, questions, answers))
    return list(zip(questions, answers))


def sampled(folder: Folder, tally: Tally, judged: list[tuple]) -> None:
    """The whole decision, as `mcpctl can` says it: where hand-written policies decide differently from the generated, and elsewhere."""
    draw = random.Random(folder.workspace.name)
    by_hand = [one for one in judged if (one[1][0] == "allow") != folder.cells.allows(*one[0])]
    tally.check(bool(by_hand), f"{folder.workspace.name}: the hand-written policies decide nothing")
    relation, masks = folder.workspace.relation, folder.cells.masks
    usable = [one for one in judged if relation.objects[one[0][1]]["kind"] == "tool" and possible(masks.named(one[0][2]))]
    for (who, what, mask), answer in pick(draw, usable, by_hand):
        object_ = relation.objects[what]
        command = [
            folder.programs.mcpctl, "can", relation.principals[who]["name"], f"{object_['server']}/{object_['name']}",
            "--with", ",".join(masks.named(mask)), "--quiet", folder.workspace.source,
        ]  # fmt: skip
        code = subprocess.run(command, capture_output=True, timeout=60).returncode
        tally.check(code == {"allow": 0, "deny": 1}[answer[0]], f"{folder.cells.shown((who, what, mask))}: `can` {code}, Cedar {answer}")


def pick(draw: random.Random, usable: list[tuple], by_hand: list[tuple]) -> list[tuple]:
    """As many of each kind: decided by hand, allowed, denied."""
    hand = {one[0] for one in by_hand}
    kinds = ([one for one in usable if one[0] in hand], [one for one in usable if one[1][0] == "allow"], usable)
    return [one for kind in kinds for one in draw.sample(kind, min(SAMPLE // 3, len(kind)))]


def possible(facts: list[str]) -> bool:
    """A connection with a caller's certificate is an encrypted one; `mcpctl can` implies it."""
    return "mtls" not in facts or "tls" in facts


def workspace(programs: Programs, name: str) -> tuple[Tally, int]:
    """Everything of one workspace, in a process of its own; and how many spoiled folders were noticed."""
    tally = Tally(name)
    folder = Folder(programs.below(name), Workspace(programs, name, ["cedar"]))
    judge(folder, tally, folder.generated)
    if folder.handwritten:
        sampled(folder, tally, judge(folder, tally, [*folder.generated, *folder.handwritten]))
    return tally, cedar_spoiled.run(folder, tally)


def run(programs: Programs) -> Tally:
    tally, controls = Tally("cedar"), 0
    with ProcessPoolExecutor(2) as pool:
        for one, noticed in pool.map(functools.partial(workspace, programs), WORKSPACES):
            for count in ("requests", "allowed", "denied", "checks"):
                setattr(tally, count, getattr(tally, count) + getattr(one, count))
            tally.faults += one.faults
            controls += noticed
    tally.notes.append(f"{len(WORKSPACES)} workspaces, {controls} spoiled ones noticed")
    return tally.end()
