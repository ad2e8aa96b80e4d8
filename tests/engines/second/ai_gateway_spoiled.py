"""Spoiled routes of the Envoy AI Gateway. Each must be noticed; otherwise the comparison of the whole ones shows nothing."""

import copy
import json
import re
from collections.abc import Iterator
from pathlib import Path

import yaml
from live.tally import Tally

from .evidence import Loader
from .spoiled import noticed


def conjuncts(expression: str) -> list[str]:
    """The parts of an expression that `&&` joins at its top."""
    parts, depth, quoted, start, at = [], 0, False, 0, 0
    while at < len(expression):
        character = expression[at]
        if character == "\\":
            at += 1
        elif character == '"':
            quoted = not quoted
        elif not quoted and character in "([{":
            depth += 1
        elif not quoted and character in ")]}":
            depth -= 1
        elif not quoted and depth == 0 and expression.startswith(" && ", at):
            parts.append(expression[start:at])
            start = at + 4
            at += 3
        at += 1
    return [*parts, expression[start:]]


def implied(part: str, parts: list[str]) -> bool:
    """Whether a part follows from the others, so that nothing changes without it."""
    text = part.removesuffix(' + "" != ""')
    if text != part:
        # That it is a text and not empty: only texts have beginnings, and an empty one is nobody's subject.
        return text.endswith("act.sub")
    if "act.sub != " in part:
        # The user's `sub` is not a workload's, and so another one than the caller's.
        return True
    # That the user is not the caller is said twice.
    found = re.fullmatch(r'!\(request\.auth\.jwt\.claims\.sub == ("[^"]*")\)', part)
    return found is not None and parts[0].endswith(f"== {found[1]}")


def without(rule: dict, key: str) -> dict:
    return {name: value for name, value in rule.items() if name != key}


def spoiled_rules(rules: list[dict]) -> Iterator[tuple[str, list[dict]]]:
    for at, rule in enumerate(rules):
        def others(one: dict | None, at=at) -> list[dict]:
            return [*rules[:at], *([one] if one else []), *rules[at + 1 :]]

        yield "a rule less", others(None)
        scopes = (rule.get("source") or {}).get("jwt", {}).get("scopes")
        for key in ("cel", "target", "source"):
            # Without its scopes a challenge lets everybody through who should be asked.
            if key in rule:
                yield f"a rule without `{key}`", others(without(rule, key))
        parts = conjuncts(rule.get("cel", ""))
        for part in parts[1:]:
            if not implied(part, parts) and not scopes:
                yield f"a rule without `{part}`", others(rule | {"cel": " && ".join(one for one in parts if one is not part)})
        claims = (rule.get("source") or {}).get("jwt", {}).get("claims", [])
        for claim in claims:
            changed = copy.deepcopy(rule)
            changed["source"]["jwt"]["claims"].remove(claim)
            yield f"a rule that does not ask for `{claim['name']}`", others(changed)


def spoiled_routes(documents: list[dict]) -> Iterator[tuple[str, list[dict]]]:
    for at, document in enumerate(documents):
        def changed(of: str, **what) -> list[dict]:
            spoiled = copy.deepcopy(documents)
            spec = spoiled[at]["spec"]
            (spec["backendSelector"] if of == "selector" else spec["securityPolicy"]["authorization"]).update(what)
            return spoiled

        name = document["metadata"]["name"]
        for of in ("selector", "authorization"):
            yield f"{name}: {of}: everything else is allowed", changed(of, defaultAction="Allow")
        for what, rules in spoiled_rules(document["spec"]["securityPolicy"]["authorization"]["rules"]):
            yield f"{name}: {what}", changed("authorization", rules=rules)
        for what, rules in spoiled_rules(document["spec"]["backendSelector"]["rules"]):
            yield f"{name}: selector: {what}", changed("selector", rules=rules)


def costly(documents: list[dict], verdicts: list) -> tuple[str, str, list]:
    """An expression that costs more than the gateway's limit, in front of every rule."""
    numbers = list(range(40))
    dear = f"{numbers}.all(a, {numbers}.all(b, {numbers}.all(c, string(a + b + c) != request.mcp.tool)))"
    spoiled = copy.deepcopy(documents)
    for document in spoiled:
        document["spec"]["securityPolicy"]["authorization"]["rules"].insert(0, {"action": "Allow", "cel": dear})
    return "an expression that costs too much", "\n---\n".join(json.dumps(document) for document in spoiled), verdicts[:10]


def run(programs, routes: Path, verdicts: list, tally: Tally) -> int:
    """How many spoiled files were noticed."""
    from .ai_gateway import asked, faults

    documents = list(yaml.load_all(routes.read_text(), Loader))

    def variants() -> Iterator[tuple[str, str, list]]:
        for what, spoiled in spoiled_routes(documents):
            servers = {document["spec"]["path"].split("/")[1] for document, whole in zip(spoiled, documents) if document != whole}
            concerned = [verdict for verdict in verdicts if verdict.request.server in servers]
            yield what, "\n---\n".join(json.dumps(document) for document in spoiled), concerned

    def differs(file: Path, some: list) -> bool:
        answers = asked(programs, file, some)
        if isinstance(answers, str):
            raise SystemExit(answers)
        return bool(faults(some, answers))

    def exceeds(file: Path, some: list) -> bool:
        answers = asked(programs, file, some)
        return not isinstance(answers, str) and any(answer[3] == "true" for answer in answers)

    return noticed(programs.work, tally, variants(), differs) + noticed(programs.work, tally, [costly(documents, verdicts)], exceeds)
