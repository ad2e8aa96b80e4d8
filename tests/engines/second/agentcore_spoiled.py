"""Spoiled policies of AgentCore. Each must be noticed; otherwise the comparison of the whole ones shows nothing."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

from live.tally import Tally

from .spoiled import noticed

USERS = r"\[AgentCore::OAuthUser::[^\]]*\]\.contains\(principal\)"
# A part of a policy by its text, and what takes its place so that the policy asks for less, or for more.
PARTS = {
    "any issuer": (r"\[[^\]]*\]\.contains\(principal\.getTag\(\"iss\"\)\)", "true"),
    "any caller": (rf"(?<!!)(?<!!\(){USERS}", "true"),
    "no actor": (r"\(?principal\.getTag\(\"act\"\) like \"\{\\\"sub\\\":[^*]*\*\"", "false && \\g<0>"),
    "any value of a claim": (r"(?<!!\()principal\.getTag\(\"(?!iss|act)\w+\"\) (==|like) \"(?:[^\"\\]|\\.)*\"", "true"),
    "a workload as user": (r"!\(principal\.id like \"spiffe://\*\"\)", "true"),
    "any argument": (r"context\.input\.\w+ (?:<|>)=? -?\d+|\[[^\]]*\]\.contains\(context\.input\.\w+\)", "true"),
}


def weakened(statement: str) -> Iterator[tuple[str, str]]:
    for what, (pattern, instead) in PARTS.items():
        if what == "any issuer" and 'principal.getTag("iss") ==' in statement:
            # It then asks for one of them besides.
            continue
        for found in re.finditer(pattern, statement):
            yield what, statement[: found.start()] + found.expand(instead) + statement[found.end() :]


def refused(statement: str) -> Iterator[tuple[str, str]]:
    """What the strict validator, or the parser, does not take."""
    yield "an unknown action", re.sub(r"___(\w+)\"", r'__\1"', statement, count=1)
    yield "a claim as a set", re.sub(r"when \{", 'when { principal.getTag("amr").contains("mfa") && ', statement, count=1)
    yield "an unknown argument", re.sub(r"when \{", "when { context.input.nobody_declares == 1 && ", statement, count=1)
    yield "an unknown type", statement.replace("AgentCore::OAuthUser", "AgentCore::User")
    yield "no policy", statement.replace("permit", "permitt", 1)


def run(folder, verdicts: list, tally: Tally) -> int:
    """How many spoiled policies were noticed."""
    from .agentcore import faults

    inputs = {file: json.loads(file.read_text()) for file in folder.files}
    scratch = folder.programs.work

    def variants() -> Iterator[tuple[str, str, list]]:
        for file, document in inputs.items():
            statement = document["definition"]["cedar"]["statement"]
            concerned = [verdict for verdict in verdicts if f'"{action_of(folder, verdict)}"' in statement]
            # A policy that permits nobody is as good as none.
            yield f"{file.name}: a policy less", json.dumps(changed(document, statement.replace("when {", "when { false && ", 1))), concerned
            yield f"{file.name}: it forbids", json.dumps(changed(document, statement.replace("permit", "forbid", 1))), concerned
            for what, spoiled in weakened(statement):
                yield f"{file.name}: {what}: {spoiled}", json.dumps(changed(document, spoiled)), concerned

    def differs(file: Path, some: list) -> bool:
        name = json.loads(file.read_text())["name"]
        said = folder.ask(some, [*(one for one in folder.files if one.stem != name), file])
        if isinstance(said, str):
            raise SystemExit(said)
        return bool(said[0]["refused"]) or any(faults(some, said[1]))

    found = noticed(scratch, tally, variants(), differs)
    first = next(iter(inputs.values()))
    for what, spoiled in refused(first["definition"]["cedar"]["statement"]):
        file = scratch / "refused.json"
        file.write_text(json.dumps(changed(first, spoiled)))
        said = folder.ask([], [file])
        found += tally.check(isinstance(said, str) or bool(said[0]["refused"]), f"{what} is taken")
    return found


def changed(document: dict, statement: str) -> dict:
    return document | {"definition": {"cedar": {"statement": statement}}}


def action_of(folder, verdict) -> str:
    return folder.schema.actions.get((verdict.request.server, verdict.request.name), "nothing")
