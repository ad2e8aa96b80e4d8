"""What the access relation says of requests as far as Istio can see them, by the page of the target.

Istio sees claims that are texts or lists of texts, and no bodies. With `verified_headers` it sees what is asked for in two headers;
without, a caller may use a server only as far as it may use everything on it. That somebody acts for another one it cannot tell of
callers that nobody declared.
"""

import dataclasses
from pathlib import Path

from .evidence import Identity, Request, at, path, pieces
from .judge import Judge
from .network_pods import documents


def settings(source: Path) -> dict:
    found = [one["targets"] for one in documents(source) if isinstance(one.get("targets"), dict)]
    return next((one["istio"] or {} for one in found if "istio" in one), {})


def texts(value) -> bool:
    return isinstance(value, str) or (isinstance(value, list) and any(isinstance(one, str) and one for one in value))


class IstioJudge(Judge):
    def __init__(self, workspace, identity: Identity):
        chosen = settings(workspace.source)
        self.verified, self.assumed = chosen.get("verified_headers", False), set(chosen.get("assume", []))

        def unseen(piece: dict) -> bool:
            if "argument" in piece or "called" in piece:
                return True
            return "{tool}" in str(piece.get("contains", piece.get("one_of", ""))) and not self.verified

        super().__init__(workspace, identity, "istio", unseen)
        # The gateway in front asks for the connection.
        self.transport = True
        self.visible = {fact for fact, evidence in identity.requirements.items() if self.sees(evidence, unseen)} | self.assumed

    def read(self, request: Request) -> Request:
        """An empty text is no claim for Istio."""
        if request.claims.get("act") != "":
            return request
        return dataclasses.replace(request, claims={name: value for name, value in request.claims.items() if name != "act"})

    def facts(self, request: Request) -> set[str]:
        held = {fact for fact in super().facts(request) if self.readable(self.identity.requirements[fact], request)}
        return held | self.assumed

    def objects(self, request: Request) -> list[dict]:
        """What every caller of a server may do has no name."""
        return self.relation.on(request.server, "protocol") if request.kind == "protocol" else super().objects(request)

    def readable(self, evidence: dict, request: Request) -> bool:
        asked = [piece for piece in pieces(evidence) if piece.get("present")]
        return all(texts(at(request.claims, path(piece["claim"]))) for piece in asked)

    def sets(self, request: Request, object_: dict) -> list[frozenset[str]]:
        principal = self.identity.principal(request.claims)
        found = super().sets(request, object_)
        if principal and principal["kind"] == "any_agent":
            return [needed for needed in found if "user_delegation" not in needed]
        return found

    def allows(self, request: Request) -> bool:
        request = self.read(request)
        if self.verified:
            return super().allows(request)
        facts = self.facts(request)
        whole = [one for one in self.relation.objects if one["server"] == request.server]
        return bool(whole) and all(any(needed <= facts for needed in self.sets(request, one)) for one in whole)

    def vague(self, request: Request) -> bool:
        """Whether a claim that must be a text is a list; of those Istio takes one element for the whole."""
        claims = request.claims
        unit = claims.get(self.identity.unit_claim) if self.identity.unit_claim else None
        return isinstance(at(claims, ["act", "sub"]), list) or isinstance(claims.get("sub"), list) or isinstance(unit, list)
