"""Spoiled network policies. Each must be noticed; otherwise the comparison of the whole ones shows nothing."""

import copy
from collections.abc import Callable, Iterator
from concurrent.futures import Executor

from live.tally import Tally

from . import network_packets
from .network_packets import Packets, Probe


def rules_of(policy: dict) -> list[dict]:
    return [*policy["spec"].get("ingress", []), *policy["spec"].get("egress", [])]


def spoiled_sets(policies: list[dict]) -> Iterator[tuple[str, list[dict]]]:
    for at, policy in enumerate(policies):
        others = [*policies[:at], *policies[at + 1 :]]
        name = f"{policy['metadata']['namespace']}/{policy['metadata']['name']}"
        yield f"{name} is missing", others
        for number, rule in enumerate(rules_of(policy)):
            for side in ("from", "to"):
                if rule.get(side):
                    changed = copy.deepcopy(policy)
                    del rules_of(changed)[number][side]
                    yield f"{name}: a rule without `{side}`", [*others, changed]
    # A port is asked for on both sides, so one of them alone opens nothing.
    lists = [rule["ports"] for policy in policies for rule in rules_of(policy) if rule.get("ports")]
    for ports in [one for at, one in enumerate(lists) if one not in lists[:at]]:
        changed = copy.deepcopy(policies)
        for rule in (rule for policy in changed for rule in rules_of(policy) if rule.get("ports") == ports):
            del rule["ports"]
        yield f"rules without {ports}", changed


def run(pool: Executor, analyser, policies: list[dict], differs: Callable[[dict], bool], engine: Packets, probes: list[Probe], tally: Tally) -> int:
    """How many spoiled sets were noticed. The engine of packets has to see the same in each."""

    def one(numbered: tuple[int, tuple[str, list[dict]]]) -> tuple[str, list[dict], dict]:
        number, (what, spoiled) = numbered
        return what, spoiled, analyser.pairs(spoiled, f"policies-{number}.yaml")

    noticed, pods = 0, analyser.pods
    for what, spoiled, pairs in pool.map(one, enumerate(spoiled_sets(policies))):
        noticed += tally.check(differs(pairs), f"{what}, and nobody notices")
        apart = network_packets.differs(pods, pairs, engine.open(spoiled, probes), probes)
        tally.check(not apart, f"{what}: {apart[:3]}")
    return noticed
