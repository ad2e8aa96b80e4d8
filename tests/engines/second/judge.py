"""What the access relation says of requests, as far as the rules of a product can see them."""

import re
from collections.abc import Callable
from pathlib import Path

import yaml

from .bundles import Workspace
from .evidence import Identity, Loader, Request, matches, pieces


def assumed(source: Path, target: str) -> bool:
    """Whether the settings say that the connection is seen to by something else."""
    files = [source] if source.is_file() else sorted(source.glob("*.yaml"))
    for file in files:
        for document in yaml.load_all(file.read_text(), Loader):
            settings = (document or {}).get("targets")
            if isinstance(settings, dict) and (settings.get(target) or {}).get("assume"):
                return True
    return False


class Judge:
    """`unseen` is whether no rule of the product can ask for a piece of evidence; what needs it is denied."""

    def __init__(self, workspace: Workspace, identity: Identity, target: str, unseen: Callable[[dict], bool]):
        self.relation, self.identity = workspace.relation, identity
        self.transport = assumed(workspace.source, target)
        self.visible = {fact for fact, evidence in identity.requirements.items() if self.sees(evidence, unseen)}

    def sees(self, evidence: dict, unseen: Callable[[dict], bool]) -> bool:
        if "transport" in evidence:
            return self.transport
        return not any(unseen(piece) for piece in pieces(evidence))

    def objects(self, request: Request) -> list[dict]:
        """What is asked for; for a URI the narrowest patterns that it matches, of which each has to allow it. One that is not in
        normal form asks for nothing."""
        if request.kind == "resource" and re.search(r"/\.{1,2}(/|$)|%(2[dDeE]|3\d|[46][1-9a-fA-F]|[57][0-9aA]|5[fF]|7[eE])", request.name):
            return []
        of_kind = self.relation.on(request.server, request.kind)
        if request.kind != "resource":
            return [one for one in of_kind if one["name"] == request.name]
        patterns = [one for one in of_kind if matches(one["name"], request.name)]
        return [one for one in patterns if not any(other is not one and matches(one["name"], other["name"]) for other in patterns)]

    def sets(self, request: Request, object_: dict) -> list[frozenset[str]]:
        """The minimal sets of facts that the product can see, for the principal that the token names."""
        principal = self.identity.principal(request.claims)
        return [needed for needed in self.relation.sets(principal, object_) if needed <= self.visible] if principal else []

    def facts(self, request: Request) -> set[str]:
        return self.identity.facts(request, self.transport) & self.visible

    def asked_of(self, request: Request) -> set[str]:
        """The facts that somebody needs for what is asked for, as far as the product can see them."""
        return {
            fact for object_ in self.objects(request) for principal in self.relation.principals
            for needed in self.relation.sets(principal, object_) for fact in needed & self.visible
        }  # fmt: skip

    def allows(self, request: Request) -> bool:
        facts, objects = self.facts(request), self.objects(request)
        return bool(objects) and all(any(needed <= facts for needed in self.sets(request, one)) for one in objects)

    def opens(self, request: Request) -> bool:
        """Whether the caller may ever call some tool of the server."""
        return any(self.sets(request, tool) for tool in self.relation.on(request.server, "tool"))

    def stepped_up(self, request: Request) -> bool:
        """Whether a client can help itself: all that is missing can be had by a scope that its token lacks."""
        facts, scopes = self.facts(request), (request.claims.get("scope") or "")
        scopes = set(scopes.split()) if isinstance(scopes, str) else set()
        by_scope = {fact: evidence["scope"] for fact, evidence in self.identity.requirements.items() if evidence.get("scope")}
        if self.allows(request):
            return False
        for needed in (needed for one in self.objects(request) for needed in self.sets(request, one)):
            others = {fact for fact in needed if fact not in by_scope}
            if others <= facts and not {by_scope[fact] for fact in needed - others} <= scopes:
                return True
        return False
