"""Requests for a workspace: tokens and arguments that show a set of facts, and those that only look as if they did.

What a request really shows is for `evidence`; here it is only aimed at. Everything is drawn, the same in every run.
"""

import copy
import random
from collections.abc import Iterator

from .evidence import Identity, Request, path, pieces, wanted_of
from .facts import Cells

USER = "user:ada"
STRANGER = "spiffe://elsewhere.example/ns/none/sa/passer-by"
MISSING = object()


def put(into: dict, names: list[str], value) -> None:
    for name in names[:-1]:
        inner = into.get(name)
        if not isinstance(inner, dict):
            inner = into[name] = {}
        into = inner
    into[names[-1]] = value


def near(value, draw: random.Random):
    """Something that is not the value, however close it comes."""
    if not isinstance(value, str):
        return draw.choice([None, str(value), [str(value)], [], {"value": value}, "", not value, 0])
    return draw.choice([
        None, value + "x", ["x" + value, value + "/x"], [[value]], {value: True}, value.upper(), f"{value},{value}", "", True,
        [f" {value}"], 1, [], f"*{value[-3:]}", [value[:-1]], f"{value} {value}x", 0.5,
    ])  # fmt: skip


def held(value, draw: random.Random):
    return draw.choice([value, [value], ["other", value], [value, value, 5]])


def beyond(piece: dict) -> list:
    """Arguments that are not what is asked for."""
    low, high = piece.get("at_least"), piece.get("at_most")
    bound = high if high is not None else low if low is not None else "x"
    found = [None, str(bound), True, [bound], {"value": bound}, ""]
    found += [high + 1, high + 0.001, 1e18] if high is not None else []
    found += [low - 1, low - 0.001] if low is not None else []
    return found


class Drawing:
    """`issuers` is whether the rules that are judged see who issued a token."""

    # What shows that a claim is there.
    present = ("something", ["a"], {"a": 1}, 7, False)

    def __init__(self, identity: Identity, relation, seed: str, issuers: bool = False):
        self.identity, self.relation, self.draw, self.issuers = identity, relation, random.Random(seed), issuers
        self.cells = Cells(relation)

    def request(self, principal: dict | None, object_: dict, facts: set[str]) -> Request:
        """A request of the principal in which about these facts hold."""
        subject = principal["subject"] if principal and principal["subject"] else STRANGER
        issuer = self.issuer_of(principal)
        claims = {"iss": issuer, "aud": "mcp-gateway", "exp": 4_000_000_000}
        put(claims, self.identity.callers[issuer], subject)
        if principal and principal["unit"] and self.identity.unit_claim:
            claims[self.identity.unit_claim] = principal["unit"]
        # Where a pattern is meant, one of the texts that it stands for.
        request = Request(
            object_["server"], object_["kind"], (object_["name"] or "").replace("*", "17"), self.relation.servers[object_["server"]]["unit"], claims, {"note": "n"}
        )
        if "user_delegation" in facts:
            claims |= {"act": {"sub": subject}, "sub": USER}
        for fact, evidence in self.identity.requirements.items():
            parts = [piece for piece in pieces(evidence) if "claim" in piece or "argument" in piece]
            broken = None if fact in facts or not parts else self.draw.choice(parts)
            for piece in parts:
                self.show(piece, request, piece is not broken)
        return request

    def issuer_of(self, principal: dict | None) -> str:
        speaking = [issuer for issuer, named in self.identity.speaks_for.items() if principal and principal["name"] in named]
        return (speaking or list(self.identity.speaks_for))[0]

    def show(self, piece: dict, request: Request, holds: bool) -> None:
        into, names = (request.claims, piece["claim"]) if "claim" in piece else (request.arguments, piece["argument"])
        if "differs_from" in piece:
            return
        if "argument" in piece:
            put(into, path(names), self.argument(piece, request, holds))
        elif piece.get("present"):
            put(into, path(names), self.draw.choice(self.present if holds else [None, "", [], {}]))
        else:
            wanted = wanted_of(piece, request) or ["nothing that can be said"]
            one = self.draw.choice(wanted)
            if path(names) == ["scope"] and isinstance(one, str):
                one = f"openid {one}" if holds else f"openid {one}x"
                put(into, ["scope"], one)
            else:
                put(into, path(names), (held if holds else near)(one, self.draw))

    def argument(self, piece: dict, request: Request, holds: bool):
        if "one_of" in piece:
            return self.draw.choice(piece["one_of"]) if holds else near(piece["one_of"][0], self.draw)
        if "matches" in piece:
            return piece["matches"].replace("*", "x") if holds else near(piece["matches"].replace("*", "x"), self.draw)
        if "equals_claim" in piece:
            put(request.claims, path(piece["equals_claim"]), "the same")
            return "the same" if holds else near("the same", self.draw)
        bound = self.draw.choice([piece[bound] for bound in ("at_least", "at_most") if bound in piece])
        inside = [bound, float(bound), int(bound) if int(bound) == bound else bound]
        return self.draw.choice(inside if holds else beyond(piece))

    def all(self, kinds: set[str]) -> Iterator[Request]:
        """For each cell its edges, odd tokens, and what was meant for another object."""
        for what, object_ in enumerate(self.relation.objects):
            if object_["kind"] not in kinds:
                continue
            for who, principal in [*enumerate(self.relation.principals), (None, None)]:
                minimal = self.cells.minimal.get((who, what), [])
                for mask in sorted(self.cells.masks.edges(minimal)):
                    for _ in range(3 if minimal else 1):
                        yield self.request(principal, object_, set(self.cells.masks.named(mask)))
                if minimal or who is None:
                    yield from self.odd_callers(principal, object_)
                    yield from self.odd_values(principal, object_)
                if minimal:
                    yield from self.moved(principal, object_)
                if minimal and "*" in object_["name"] and object_["kind"] == "resource":
                    yield from self.disguised(principal, object_)

    def everything(self, principal: dict | None, object_: dict) -> Request:
        return self.request(principal, object_, set(self.identity.requirements))

    def odd_callers(self, principal: dict | None, object_: dict) -> Iterator[Request]:
        """Everything is shown, but for something about who calls, and for whom."""
        subject = principal["subject"] if principal and principal["subject"] else STRANGER
        acts = [None, {}, [], "", subject, 5, True, {"sub": None}, {"sub": 5}, {"sub": [subject]}, {"sub": ""}, {"sub": {"sub": subject}}]
        subs = [None, "", 7, [USER], {"sub": USER}, USER.upper(), subject, f"{STRANGER}/x", "spiffe://", *sorted(self.identity.subjects)]
        pairs = [({"sub": subject}, sub) for sub in subs] + [(act, sub) for act in acts for sub in (subject, USER)]
        for act, sub in pairs:
            request = self.everything(principal, object_)
            request.claims |= {"act": act, "sub": sub}
            yield request
        # Somebody else's issuer, and none at all; a gateway that takes one issuer alone asks for it before its rules.
        for issuer in [*self.identity.speaks_for, "https://elsewhere.example"] if self.issuers else []:
            request = self.everything(principal, object_)
            request.claims["iss"] = issuer
            yield request
        # Nobody delegated anything.
        for sub in subs:
            request = self.everything(principal, object_)
            request.claims.pop("act", None)
            yield request
            request = copy.deepcopy(request)
            request.claims["sub"] = sub
            yield request

    def odd_values(self, principal: dict | None, object_: dict) -> Iterator[Request]:
        """Everything is shown, but for one claim or one argument."""
        for name in self.everything(principal, object_).claims:
            for value in (None, "", 5, {"a": "b"}, [None], MISSING):
                request = self.everything(principal, object_)
                if name in ("iss", "aud", "exp"):
                    continue
                request.claims[name] = value
                if value is MISSING:
                    del request.claims[name]
                yield request
        tested = [one for evidence in self.identity.requirements.values() for one in pieces(evidence) if "argument" in one]
        for piece in tested if object_["kind"] == "tool" else []:
            for value in beyond(piece):
                request = self.everything(principal, object_)
                put(request.arguments, path(piece["argument"]), value)
                yield request

    def disguised(self, principal: dict, object_: dict) -> Iterator[Request]:
        """URIs of a pattern that some reader takes for others."""
        for text in ("../17", "17/..", "./17", "17/.", "a/../b", "%2e%2e/17", "%41da", "17%7e", "a%2Db"):
            request = self.everything(principal, object_)
            request.name = object_["name"].replace("*", text)
            yield request

    def moved(self, principal: dict, object_: dict) -> Iterator[Request]:
        """What shows everything for one object, used for another one of the server, and for one that nobody declared."""
        for other in [*self.relation.on(object_["server"], object_["kind"]), {"name": "x_of_nobody"}]:
            if other["name"] != object_["name"]:
                for _ in range(3):
                    request = self.everything(principal, object_)
                    request.name = other["name"].replace("*", "17")
                    yield request
