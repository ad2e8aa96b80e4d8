"""Spoiled bundles before real tokens. Each must change an answer; otherwise the comparison of the whole one shows nothing.

What a gateway asks of a claim is replaced by what always holds, for one claim at a time; and what it asks of every token is left out.
"""

import copy
import json
from collections.abc import Callable, Iterator

import yaml

from .evidence import Loader

FILE = "envoy.static.yaml"
CLAIMS = "envoy.filters.http.jwt_authn"


def claim_of(node: dict) -> str | None:
    """The claim that a test of Envoy's matchers looks at."""
    read = node.get("single_predicate", {}).get("input", {}).get("typed_config", {})
    if read.get("filter") != CLAIMS:
        return None
    return ".".join(part["key"] for part in read["path"][1:])


def tests(node, negated: bool = False) -> Iterator[tuple[str, bool]]:
    """Each claim that is asked for, and whether it must not be as it is asked for."""
    if isinstance(node, dict):
        claim = claim_of(node)
        if claim is not None:
            yield claim, negated
            return
        for name, inner in node.items():
            yield from tests(inner, negated != (name == "not_matcher"))
    elif isinstance(node, list):
        for inner in node:
            yield from tests(inner, negated)


def dropped(node, which: tuple[str, bool], negated: bool = False):
    """The same without what is asked of the claim: the test, or what negates it, always holds."""
    if isinstance(node, dict):
        if (claim_of(node), negated) == which:
            opposite = {"not_matcher": copy.deepcopy(node)}
            return {"and_matcher" if negated else "or_matcher": {"predicate": [node, opposite]}}
        if claim_of(node) is not None:
            return node
        return {name: dropped(inner, which, negated != (name == "not_matcher")) for name, inner in node.items()}
    if isinstance(node, list):
        return [dropped(inner, which, negated) for inner in node]
    return node


def providers(document: dict) -> Iterator[dict]:
    """What the gateway asks of every token."""
    for listener in document["static_resources"]["listeners"]:
        for chain in listener["filter_chains"]:
            for outer in chain["filters"]:
                for inner in outer["typed_config"]["http_filters"]:
                    yield from inner.get("typed_config", {}).get("providers", {}).values()


def without_audiences(provider: dict) -> None:
    del provider["audiences"]


def of_other_realm(provider: dict) -> None:
    other = provider["issuer"].replace("/realms/mcp", "/realms/other")
    provider["remote_jwks"]["http_uri"]["uri"] = provider["remote_jwks"]["http_uri"]["uri"].replace(provider["issuer"], other)
    provider["issuer"] = other


def another_issuer(provider: dict) -> None:
    provider["issuer"] += "/"


OF_TOKENS: dict[str, Callable[[dict], None]] = {
    "tokens for anybody": without_audiences, "tokens of the other realm": of_other_realm, "an issuer of another name": another_issuer,
}  # fmt: skip


def ways(whole: dict) -> Iterator[tuple[str, dict]]:
    for what, change in OF_TOKENS.items():
        document = copy.deepcopy(whole)
        for provider in providers(document):
            change(provider)
        yield what, document
    for claim, negated in sorted(set(tests(whole))):
        yield f"the claim {claim} is not {'ruled out' if negated else 'asked for'}", dropped(whole, (claim, negated))


def run(bench, table: dict[str, dict[str, int]], tally) -> int:
    """How many were noticed."""
    whole, noticed = yaml.load((bench.bundle / FILE).read_text(), Loader), 0
    for number, (what, document) in enumerate(ways(whole)):
        tally.check(document != whole, f"{what}: nothing to spoil")
        file = bench.bundle / f"spoiled-{number}.yaml"
        file.write_text(json.dumps(document))
        gateway = bench.gateway(file.name)
        try:
            noticed += tally.check(bench.differs(table), f"{what}, and no answer changes")
        finally:
            gateway.stop()
    # Tokens end; nothing above was noticed for that reason.
    gateway = bench.gateway()
    try:
        tally.check(not bench.differs(table), "after the spoiled bundles the whole one answers differently")
    finally:
        gateway.stop()
    return noticed
