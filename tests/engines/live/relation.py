"""What the workspace says: principals, objects and the exact condition of each cell, as the library derives them."""

import itertools
import json
import subprocess


class Relation:
    def __init__(self, program: str, folder: str):
        done = subprocess.run([program, folder], capture_output=True, text=True, timeout=60)
        if done.returncode != 0:
            raise SystemExit(f"no relation of {folder}: {done.stderr}")
        data = json.loads(done.stdout)
        self.evidence = {fact["name"]: fact["evidence"] for fact in data["facts"]}
        self.principals, self.objects = data["principals"], data["objects"]
        self.issuers, self.trust_domain, self.unit_claim = data["issuers"], data["trust_domain"], data["unit_claim"]
        self.servers = {server["name"]: server for server in data["servers"]}
        self.units = {unit["name"]: unit for unit in data["units"]}
        self.cells = {}
        for cell in data["cells"]:
            principal, object_ = self.principals[cell["principal"]], self.objects[cell["object"]]
            sets = [frozenset(facts) for facts in cell["sets"]]
            self.cells[principal["name"], object_["server"], object_["kind"], object_["name"]] = (sets, cell["rule"])

    def unit_of(self, object_: dict) -> str | None:
        return self.servers[object_["server"]]["unit"]

    def behind(self, server: str) -> str | None:
        """The gateway in front of a server beside the central one, if there is one."""
        unit = self.servers[server]["unit"]
        return unit if unit in self.units and self.units[unit]["gateway"] else None

    def denies_methods(self) -> bool:
        """Whether the entry of some server denies methods of the protocol."""
        return any(server["denied_methods"] for server in self.servers.values())

    def subject_of(self, principal: dict) -> str:
        return principal["subject"] or f"spiffe://{self.trust_domain}/ns/{principal['unit'] or 'none'}/sa/passer-by"

    def issuer_of(self, principal: dict) -> str:
        return next(issuer["issuer"] for issuer in self.issuers if principal["name"] in issuer["speaks_for"])

    def silent_for(self, principal: dict) -> list[str]:
        """Issuers that may not speak for this principal."""
        return [issuer["issuer"] for issuer in self.issuers if principal["name"] not in issuer["speaks_for"]]

    def sets(self, principal: dict, object_: dict) -> list[frozenset[str]]:
        """The minimal sufficient sets of facts; none where nothing is granted."""
        key = principal["name"], object_["server"], object_["kind"], object_["name"]
        return self.cells.get(key, ([], None))[0]

    def rule(self, principal: dict, object_: dict) -> str | None:
        key = principal["name"], object_["server"], object_["kind"], object_["name"]
        return self.cells.get(key, ([], None))[1]

    def allows(self, principal: dict, object_: dict, facts: set[str]) -> bool:
        return any(needed <= facts for needed in self.sets(principal, object_))

    def missing(self, principal: dict, object_: dict, facts: set[str]) -> set[str]:
        """The facts that stand in some smallest set of those that would have to be added."""
        lacking = [needed - facts for needed in self.sets(principal, object_)]
        smallest = [one for one in lacking if not any(other < one for other in lacking)]
        return set(itertools.chain.from_iterable(smallest))

    def given(self, principal: dict) -> set[str]:
        """The facts of every request over a connection with a certificate whose token names the principal."""
        return {name for name, evidence in self.evidence.items() if evidence["kind"] in ("caller", "transport")}

    def tools(self) -> list[dict]:
        return [object_ for object_ in self.objects if object_["kind"] == "tool"]

    def on(self, server: str, kind: str) -> list[dict]:
        return [object_ for object_ in self.objects if object_["server"] == server and object_["kind"] == kind]

    def principal(self, name: str) -> dict:
        return next(principal for principal in self.principals if principal["name"] == name)

    def tool(self, server: str, name: str) -> dict:
        return next(object_ for object_ in self.on(server, "tool") if object_["name"] == name)
