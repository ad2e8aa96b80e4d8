"""Which sets of facts a cell is asked about.

A cell is a principal and an object. Where something is granted and the workspace has at most `WHOLE` facts, it is asked about
with every set of them. With more facts the sets are: each minimal sufficient set, each of these with one fact taken away,
everything, everything but one fact, nothing, and `DRAWN` random ones. Where nothing is granted no set may ever be enough: there
the sets are everything, nothing, and a few random ones. The random sets are the same in every run.
"""

import random
from collections.abc import Iterator

WHOLE = 10
DRAWN = 100
DRAWN_UNGRANTED = 8


class Masks:
    """Sets of facts as numbers: the bit of a fact is its place in the list of facts."""

    def __init__(self, facts: list[str]):
        self.facts = facts
        self.bit = {fact: 1 << at for at, fact in enumerate(facts)}
        self.everything = (1 << len(facts)) - 1

    def mask(self, facts) -> int:
        return sum(self.bit[fact] for fact in facts)

    def named(self, mask: int) -> list[str]:
        return [fact for fact in self.facts if mask & self.bit[fact]]

    def edges(self, minimal: list[int]) -> set[int]:
        """Where the decision changes: the minimal sets, and each of them without one of its facts."""
        if not minimal:
            return {self.everything, 0}
        without = {one & ~bit for one in minimal for bit in self.bit.values() if one & bit}
        # Also with everything else, so that a forgotten fact is not hidden by another one that is missing.
        nearly = {self.everything & ~bit for bit in self.bit.values()}
        return {*minimal, *without, *nearly, self.everything, 0}

    def chosen(self, minimal: list[int], seed: str) -> set[int]:
        if minimal and len(self.facts) <= WHOLE:
            return set(range(self.everything + 1))
        draw = random.Random(seed)
        drawn = {draw.randrange(self.everything + 1) for _ in range(DRAWN if minimal else DRAWN_UNGRANTED)}
        return self.edges(minimal) | drawn


class Cells:
    """Every cell of a relation, by the places of its principal and its object, with its minimal sets as masks."""

    def __init__(self, relation):
        self.relation = relation
        self.masks = Masks(list(relation.evidence))
        self.minimal = {}
        for who, principal in enumerate(relation.principals):
            for what, object_ in enumerate(relation.objects):
                self.minimal[who, what] = [self.masks.mask(facts) for facts in relation.sets(principal, object_)]

    def allows(self, who: int, what: int, mask: int) -> bool:
        return any(minimal & mask == minimal for minimal in self.minimal[who, what])

    def questions(self) -> Iterator[tuple[int, int, int]]:
        for (who, what), minimal in self.minimal.items():
            for mask in sorted(self.masks.chosen(minimal, f"{who} {what}")):
                yield who, what, mask

    def edges(self) -> Iterator[tuple[int, int, int]]:
        """Few questions, of which some must change its answer if any cell changes."""
        for (who, what), minimal in self.minimal.items():
            for mask in sorted(self.masks.edges(minimal)):
                yield who, what, mask

    def shown(self, question: tuple[int, int, int]) -> str:
        who, what, mask = question
        object_ = self.relation.objects[what]
        name = self.relation.principals[who]["name"]
        return f"{name}, {object_['server']} {object_['kind']} {object_['name']}, with {self.masks.named(mask)}"
