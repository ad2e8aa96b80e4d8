"""Spoiled folders `cedar`. Each must be noticed; otherwise the comparison of the whole one shows nothing."""

import copy
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from live.tally import Tally

POLICY = re.compile(r'@id\("(?P<id>[^"]*)"\)[^;]*;')


def weakened(text: str) -> Iterator[tuple[str, str]]:
    """For each policy, the text of all in which this one asks for one fact less."""
    for found in POLICY.finditer(text):
        if "context." not in found[0]:
            # A grant is enough there; that it is needed is for `granted_more`.
            continue
        spoiled = re.sub(r"context\.\w+", "true", found[0], count=1)
        yield f"{found['id']} asks for one fact less", text[: found.start()] + spoiled + text[found.end() :]


def granted_less(entities: list[dict]) -> tuple[str, list[dict]]:
    spoiled = copy.deepcopy(entities)
    grants = next(group for one in spoiled for group in one["attrs"].get("grants", {}).values() if group)
    del grants[0]
    return "one grant is lost", spoiled


def granted_more(folder, entities: list[dict]) -> Iterator[tuple[str, list[dict]]]:
    """Some principal gets an object that the relation does not give it, under the conditions of those that have it. There is none
    where everything is granted to everybody."""
    spoiled = copy.deepcopy(entities)
    by_name = {(one["uid"]["type"], one["uid"]["id"]): one for one in spoiled}
    cells = folder.cells
    for (who, what), minimal in cells.minimal.items():
        owner = next((other for other in range(len(folder.principals)) if cells.minimal[other, what]), None)
        if minimal or owner is None:
            continue
        keys = [(folder.principals[at]["type"], folder.principals[at]["id"]) for at in (who, owner)]
        poor, rich = (by_name[key]["attrs"]["grants"] for key in keys)
        resource = folder.objects[what]["resource"]
        groups = [parent["id"] for parent in by_name[resource["type"], resource["id"]]["parents"] if parent["type"] == "Mcp::Group"]
        for kind, held in rich.items():
            shared = [group for group in held if group["__entity"]["id"] in groups]
            if shared:
                poor[kind] += shared
                yield "one grant too many", spoiled
                return


def without_actions(entities: list[dict]) -> tuple[str, list[dict]]:
    """What an engine without the schema then cannot know: which actions are requests."""
    return "the actions are missing", [one for one in entities if one["uid"]["type"] != "Mcp::Action"]


def run(folder, tally: Tally) -> int:
    """How many spoiled folders were noticed."""
    from .cedar import disagreeing

    name, questions = folder.workspace.name, list(folder.cells.edges())
    scratch = folder.programs.work / "spoiled"
    text, entities = folder.generated[0].read_text(), json.loads((folder.folder / "entities.json").read_text())
    good = folder.by_go(questions, folder.generated)
    tally.check(not differences(folder, questions, good), f"{name}: what is not spoiled differs, too")
    noticed = 0
    for what, spoiled in weakened(text):
        tally.check(spoiled != text, f"{name}: {what}: nothing was spoiled")
        noticed += notices(folder, tally, questions, what, fresh(folder, scratch, policies=spoiled))
    for what, spoiled in (granted_less(entities), *granted_more(folder, entities), without_actions(entities)):
        noticed += notices(folder, tally, questions, what, fresh(folder, scratch, entities=spoiled))
    # A fact that no request has: the strict validator refuses it, and each decision that reads it has an error.
    misread = fresh(folder, scratch, policies=re.sub(r"context\.(\w+)", r"context.\1_of_nobody", text, count=1))
    read, answers = folder.by_go(questions, [misread / "policies.cedar"], misread)
    noticed += tally.check(len(read["refused"]) == 1, f"{name}: an unknown fact passes the strict validator")
    noticed += tally.check(any(answer[1] for answer in answers), f"{name}: an unknown fact is read without an error")
    # Cedar's own engine agrees as long as nothing is spoiled, also on which policies decide.
    rust = folder.by_rust(questions, folder.generated)
    tally.check(not disagreeing(folder, questions, good[1], rust), f"{name}: the engines disagree on what is not spoiled")
    renamed = fresh(folder, scratch, policies=text.replace('@id("', '@id("other-'))
    answers = folder.by_go(questions, [renamed / "policies.cedar"], renamed)[1]
    noticed += tally.check(bool(disagreeing(folder, questions, answers, rust)), f"{name}: other policies decide, and nobody notices")
    return noticed


def fresh(folder, scratch: Path, policies: str | None = None, entities: list[dict] | None = None) -> Path:
    shutil.rmtree(scratch, ignore_errors=True)
    shutil.copytree(folder.folder, scratch)
    if policies is not None:
        (scratch / "policies.cedar").write_text(policies)
    if entities is not None:
        (scratch / "entities.json").write_text(json.dumps(entities))
    return scratch


def differences(folder, questions: list, said) -> bool:
    """Whether anything differs from the relation, or is refused by the validator."""
    if isinstance(said, str):
        return True
    wanted = (("allow" if folder.cells.allows(*question) else "deny", 0) for question in questions)
    return any((answer[0], answer[1]) != want for answer, want in zip(said[1], wanted, strict=True))


def notices(folder, tally: Tally, questions: list, what: str, scratch: Path) -> bool:
    said = folder.by_go(questions, [scratch / "policies.cedar"], scratch)
    return tally.check(differences(folder, questions, said), f"{folder.workspace.name}: {what}, and nobody notices")
