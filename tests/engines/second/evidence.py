"""Which facts a request shows: a reading of the section `identity`, written from its documentation and from no code of `mcpctl`.

A claim that is null is absent. Values are compared by type, and never as parts of texts; an empty one never matches.
"""

from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import yaml

DEFAULTS = {
    "service_account_token": {"caller": "known"},
    "user_delegation": {"claim": ["act", "sub"], "differs_from": "sub"},
    "mfa": {"claim": "amr", "contains": "mfa", "scope": "mcp.mfa"},
    "approval_workflow": {"claim": "approvals", "contains": "{server}/{tool}"},
    "cross_unit_approval": {"claim": "unit_approvals", "contains": "{unit}"},
    "tls": {"transport": True},
    "mtls": {"transport": True},
}
EMPTY = (None, "", [], {})


class Loader(yaml.CSafeLoader):
    """YAML 1.2, in which `on` and `yes` are texts."""


Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:bool" or first in "tTfF"]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


def path(written) -> list[str]:
    return [written] if isinstance(written, str) else list(written)


def at(value, names: list[str]):
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def same(one, other) -> bool:
    """Equal, and of one type; two spellings of one number are one number."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, (int, float)) and isinstance(other, (int, float)):
        return Decimal(repr(one)) == Decimal(repr(other))
    return type(one) is type(other) and one == other


def matches(pattern: str, text: str) -> bool:
    """The whole text; `*` stands for any text, and nothing else is special."""
    first, *parts = pattern.split("*")
    if not parts:
        return pattern == text
    if not text.startswith(first):
        return False
    rest = text[len(first) :]
    for part in parts[:-1]:
        before, found, rest = rest.partition(part)
        if part and not found:
            return False
    return rest.endswith(parts[-1])


@dataclass
class Request:
    """A call, or another use of an object, with the claims of its token."""

    server: str
    kind: str
    name: str
    unit: str | None
    claims: dict
    arguments: dict = field(default_factory=dict)

    def expand(self, text: str) -> str | None:
        """None where the text names something that this request does not have."""
        if ("{tool}" in text and self.kind != "tool") or ("{unit}" in text and not self.unit):
            return None
        return text.replace("{server}", self.server).replace("{tool}", self.name).replace("{unit}", self.unit or "")


class Identity:
    def __init__(self, source: Path, relation):
        files = [source] if source.is_file() else sorted(source.rglob("*.yaml"))
        # What an environment replaces is for that environment alone.
        files = [file for file in files if "env" not in file.relative_to(source).parts]
        documents = [document for file in files for document in yaml.load_all(file.read_text(), Loader) if isinstance(document, dict)]
        sections = [document["identity"] for document in documents if "identity" in document]
        if len(sections) != 1:
            raise SystemExit(f"{source}: {len(sections)} sections `identity`")
        self.relation = relation
        self.requirements = {fact: (sections[0].get("requirements") or {}).get(fact, DEFAULTS.get(fact)) for fact in relation.evidence}
        issuers = sections[0].get("issuers") or [sections[0]]
        self.callers = {issuer["issuer"]: path(issuer.get("caller", "sub")) for issuer in issuers}
        self.unit_claim = sections[0].get("business_unit_claim")
        self.speaks_for = {issuer["issuer"]: issuer["speaks_for"] for issuer in relation.issuers}
        self.subjects = {one["subject"] for one in relation.principals if one["subject"]}

    def caller(self, claims: dict) -> str | None:
        if claims["iss"] not in self.callers:
            return None
        act = claims.get("act")
        named = at(act, ["sub"]) if act is not None else at(claims, self.callers[claims["iss"]])
        return named if isinstance(named, str) and named else None

    def principal(self, claims: dict) -> dict | None:
        """The principal that the token names, where its issuer may speak for it. A declared subject is never `any_agent`."""
        caller = self.caller(claims)
        if caller is None:
            return None
        if caller in self.subjects:
            named = [one for one in self.relation.principals if one["subject"] == caller]
        else:
            unit = claims.get(self.unit_claim) if self.unit_claim else None
            named = [one for one in self.relation.principals if one["kind"] == "any_agent" and one["unit"] in (None, unit)]
        return next((one for one in named if one["name"] in self.speaks_for[claims["iss"]]), None)

    def facts(self, request: Request, transport: bool) -> set[str]:
        """What holds of a request whose caller is known."""
        return {fact for fact in self.requirements if self.holds(fact, request, transport)}

    def holds(self, fact: str, request: Request, transport: bool) -> bool:
        """A user is not a workload: whose `sub` names one delegates nothing."""
        sub = request.claims.get("sub")
        a_user = isinstance(sub, str) and sub != "" and sub not in self.subjects and not sub.startswith("spiffe://")
        return (fact != "user_delegation" or a_user) and shows(self.requirements[fact], request, transport)


def pieces(piece: dict) -> list[dict]:
    return [inner for one in piece["all"] for inner in pieces(one)] if "all" in piece else [piece]


def shows(piece: dict, request: Request, transport: bool) -> bool:
    if "all" in piece:
        return all(shows(one, request, transport) for one in piece["all"])
    if "caller" in piece:
        return True
    if "transport" in piece:
        return transport
    if "called" in piece:
        # What somebody called before is not in a request.
        return False
    if "issuer" in piece and request.claims["iss"] != piece["issuer"]:
        return False
    if "claim" in piece:
        return of_claim(piece, request)
    return request.kind == "tool" and of_argument(piece, request)


def of_claim(piece: dict, request: Request) -> bool:
    names = path(piece["claim"])
    value = at(request.claims, names)
    if value in EMPTY and not isinstance(value, (bool, int, float)):
        return False
    if piece.get("present"):
        return True
    if "differs_from" in piece:
        other = at(request.claims, path(piece["differs_from"]))
        return isinstance(value, str) and isinstance(other, str) and "" not in (value, other) and value != other
    separator = piece.get("separator") or (" " if names in (["scope"], ["scp"]) else None)
    if separator and isinstance(value, str):
        value = [part for part in value.split(separator) if part]
    elements = value if isinstance(value, list) else [value]
    return any(same(wanted, element) for wanted in wanted_of(piece, request) for element in elements)


def wanted_of(piece: dict, request: Request) -> list:
    written = piece.get("one_of", piece.get("contains"))
    written = written if isinstance(written, list) else [written]
    expanded = [request.expand(one) if isinstance(one, str) else one for one in written]
    return [one for one in expanded if one not in (None, "")]


def of_argument(piece: dict, request: Request) -> bool:
    value = at(request.arguments, path(piece["argument"]))
    number = Decimal(repr(value)) if isinstance(value, (int, float)) and not isinstance(value, bool) else None
    for bound, fits in (("at_least", lambda least: number >= least), ("at_most", lambda most: number <= most)):
        if bound in piece and (number is None or not fits(Decimal(repr(piece[bound])))):
            return False
    if "one_of" in piece and not any(same(wanted, value) for wanted in piece["one_of"]):
        return False
    if "matches" in piece and not (isinstance(value, str) and matches(piece["matches"], value)):
        return False
    if "equals_claim" in piece:
        claim = at(request.claims, path(piece["equals_claim"]))
        typed = isinstance(value, (str, int, float)) and not isinstance(value, bool)
        return typed and claim not in EMPTY and same(value, claim)
    return True
