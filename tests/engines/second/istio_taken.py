"""What istiod's webhook takes and refuses: everything that is compiled from random workspaces, and faults that nothing but it finds."""

import copy
import functools
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import yaml
from live.tally import Tally

from .bundles import Programs
from .drawn import workspaces

COUNT = 64
STRICTLY = "dryRun=All&fieldValidation=Strict"


class Clerk:
    """Puts objects to the API server, which keeps none of them."""

    def __init__(self, server):
        self.server = server

    @functools.cache
    def plural(self, version: str, kind: str) -> tuple[str, str, bool]:
        path = f"/api/{version}" if "/" not in version else f"/apis/{version}"
        found = next(one for one in self.server.ask("GET", path)["resources"] if one["kind"] == kind and "/" not in one["name"])
        return path, found["name"], found["namespaced"]

    def refusal(self, document: dict, dry: bool = True) -> str | None:
        path, plural, namespaced = self.plural(document["apiVersion"], document["kind"])
        within = f"/namespaces/{document['metadata']['namespace']}" if namespaced else ""
        status, text = self.server.send("POST", f"{path}{within}/{plural}?{STRICTLY if dry else ''}", json.dumps(document))
        return None if status < 300 or status == 409 else text.decode()[-600:]


def documents(bundle: Path) -> list[dict]:
    files = [file for target in ("kubernetes", "istio") for file in sorted((bundle / target).rglob("*.yaml"))]
    found = [one for file in files for one in yaml.load_all(file.read_text(), yaml.CSafeLoader) if one]
    return [one for one in found if one["kind"] != "Kustomization"]


def compiled(programs: Programs) -> list[str]:
    """The random workspaces that are written for Istio."""
    return [name.partition("/")[2] for name, _ in workspaces(programs, "istio", COUNT)]


def drawn(programs: Programs, names: list[str], clerk: Clerk, tally: Tally) -> tuple[int, int]:
    """How many random workspaces were put to the server, and how many objects."""
    whole = {name: documents(programs.work / "random/bundles" / name) for name in names}
    # The API server looks at no object of a namespace that is not there.
    for namespace in sorted({one["metadata"]["namespace"] for some in whole.values() for one in some if "namespace" in one["metadata"]}):
        clerk.refusal({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}, dry=False)
    # An object that several bundles have alike is looked at once.
    by_text = {json.dumps(one, sort_keys=True): (name, one) for name, some in whole.items() for one in some}

    def one(named: tuple[str, dict]) -> None:
        name, document = named
        said = clerk.refusal(document)
        tally.check(said is None, f"random/{name}: {document['kind']} {document['metadata']['name']}: {said}")

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(one, by_text.values()))
    return len(names), len(by_text)


def faults() -> list[tuple[str, Callable[[dict], None], str]]:
    """The kind, what is spoiled, and what the refusal has to speak of. The definitions alone take all of these."""
    return [
        ("AuthorizationPolicy", lambda spec: spec["rules"][0]["when"][0].update(key="request.auth.claimz[x]"), "unknown attribute"),
        ("AuthorizationPolicy", lambda spec: spec["rules"][0]["when"].append({"key": "request.auth.claims[x]"}), "at least one of `values` or `notValues`"),
        ("AuthorizationPolicy", lambda spec: spec["rules"][0]["from"][0]["source"].update(principals=[""]), "empty value not allowed, found in Principals"),
        ("AuthorizationPolicy", lambda spec: spec["rules"][0]["from"][0]["source"].update(ipBlocks=["10.0.0.0/99"]), "10.0.0.0/99"),
        ("RequestAuthentication", lambda spec: spec["jwtRules"][0].update(jwks="no keys"), "jwks"),
        ("DestinationRule", lambda spec: spec["trafficPolicy"]["outlierDetection"].update(maxEjectionPercent=101), "percentage 101 is not in range"),
        ("DestinationRule", lambda spec: spec["trafficPolicy"]["connectionPool"]["tcp"].update(maxConnections=-1), "max connections"),
    ]


def refused(clerk: Clerk, bundle: Path, tally: Tally) -> int:
    """How many faults were refused; the same objects without them are taken."""
    found, count = documents(bundle), 0
    for kind, spoil, says in faults():
        document = copy.deepcopy(next(one for one in found if one["kind"] == kind and one["spec"]))
        if kind == "AuthorizationPolicy":
            document = copy.deepcopy(next(one for one in found if one["kind"] == kind and one["spec"].get("rules")))
        document["metadata"]["name"] += "-copy"
        whole = clerk.refusal(document)
        tally.check(whole is None, f"a {kind} without any fault is refused: {whole}")
        spoil(document["spec"])
        said = clerk.refusal(document) or "it is taken"
        count += tally.check(says in said, f"{kind}, {says}: {said}")
    return count


def run(programs: Programs, names: list[str], server, bundle: Path, tally: Tally) -> str:
    """`names` are the random workspaces, compiled already."""
    clerk = Clerk(server)
    count = refused(clerk, bundle, tally)
    some, objects = drawn(programs, names, clerk, tally)
    return f"{objects} objects of {some} random workspaces taken, {count} faults that only the webhook finds refused"
