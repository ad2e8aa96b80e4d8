"""Spoiled files of ToolHive. Each must be noticed; otherwise the comparison of the whole ones shows nothing."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import yaml
from live.tally import Tally

from .evidence import Loader
from .spoiled import noticed

# A part of a policy by its text, and what takes its place so that the policy asks for less.
PARTS = {
    "any object": r"\[(?:Tool|Prompt)::[^\]]*\]\.contains\(resource\)|\(resource\.uri like [^)]*\)",
    "any issuer": r"\[[^\]]*\]\.contains\(context\.claim_iss\)",
    "any actor": r"\[[^\]]*\]\.contains\(context\.claim_act\.sub\)",
    "any caller": r"(?<!!)\[Client::[^\]]*\]\.contains\(principal\)",
    "a workload as user": r"!\[Client::[^\]]*\]\.contains\(principal\)",
    "any value of a claim": r'\(context\.claim_(?!iss|act|sub)[\w.]+ == "(?:[^"\\]|\\.)*"\)',
}


def weakened(policy: str) -> Iterator[tuple[str, str]]:
    for what, pattern in PARTS.items():
        for found in re.finditer(pattern, policy):
            # An empty value would stay one, so the claim need not even be there.
            yield what, policy[: found.start()] + "true" + policy[found.end() :]


def spoiled_files(document: dict) -> Iterator[tuple[str, dict]]:
    policies = document["spec"]["config"]["policies"]
    name = document["metadata"]["name"]

    def changed(policies: list[str]) -> dict:
        config = document["spec"]["config"] | {"policies": policies}
        return document | {"spec": document["spec"] | {"config": config}}

    for at, policy in enumerate(policies):
        others = [*policies[:at], *policies[at + 1 :]]
        if others:
            yield f"{name}: a policy less", changed(others)
        for what, spoiled in weakened(policy):
            yield f"{name}: {what}: {policy}", changed([*others, spoiled])


def refused(document: dict) -> Iterator[tuple[str, dict]]:
    """What the operator does not take."""
    spec = document["spec"]
    yield "an unknown type", document | {"spec": spec | {"type": "cedarv9"}}
    yield "an unknown key", document | {"spec": spec | {"configuration": {}}}
    yield "no policies", document | {"spec": spec | {"config": {"entities_json": "[]"}}}
    yield "a policy with a fault", document | {"spec": spec | {"config": spec["config"] | {"policies": ["permitt(principal, action, resource);"]}}}


def run(programs, files: list[Path], verdicts: list, tally: Tally) -> int:
    """How many spoiled files were noticed."""
    from .toolhive import TARGET, asked, faults

    documents = [yaml.load(file.read_text(), Loader) for file in files]

    def variants() -> Iterator[tuple[str, str, list]]:
        for document in documents:
            concerned = [verdict for verdict in verdicts if verdict.label == document["metadata"]["name"]]
            for what, spoiled in spoiled_files(document):
                yield what, json.dumps(spoiled), concerned

    def differs(file: Path, some: list) -> bool:
        answers = asked(programs, [file], some)
        if isinstance(answers, str):
            raise SystemExit(answers)
        return any(faults(some, answers))

    found = noticed(programs.work, tally, variants(), differs)
    written = [(programs.work / f"refused-{number}.yaml", what, spoiled) for number, (what, spoiled) in enumerate(refused(documents[0]))]
    for file, _, spoiled in written:
        file.write_text(json.dumps(spoiled))
    said = programs.run(TARGET, TARGET, "check", *(file for file, _, _ in written)).stdout.splitlines()
    for (_, what, _), answer in zip(written, said, strict=True):
        found += tally.check(answer not in ("ok", ""), f"{what} is taken: {answer}")
    return found
