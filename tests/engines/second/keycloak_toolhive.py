"""The same tokens at ToolHive's proxies, with the policies that are compiled for ToolHive, in front of the page's servers.

ToolHive's policies read the caller from `act` or `sub` alone, and take no text apart. So the page's workspace is compiled without
`caller`, and without the tool that needs a scope: an agent is known by `act` then, and alone it is nobody.
"""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import yaml
from live.request import call, number

from . import toolhive_spoiled
from .bundles import Workspace
from .evidence import Identity, Loader, Request
from .judge import Judge
from .keycloak_server import SERVERS
from .toolhive import stricter, unseen
from .toolhive_live import ask, served

LEFT_OUT = [("identity.yaml", r"^ *caller: .*\n"), ("identity.yaml", r"^ *can_write: .*\n"), ("registry.yaml", r"^.*name: add_note, .*\n")]
# What a person's `act` may do, at each server and one tool at least.
ALLOWED = {("act", "get_customer"), ("act", "search_products"), ("act-mfa", "update_customer"), ("act-without-user", "search_products")}

# What the policy for a tool no longer asks for, and why no token here shows it. One that is shown is a fault, too.
UNSHOWN = {
    ("give_discount", 'roles == "dealer"'): "without the role bob has no claim of roles, which is asked for as well",
    ("read_complaints", 'groups == "support"'): "without the group bob has no claim of groups, which is asked for as well",
    ("update_customer", '["care-agent"]'): "nobody signs in with a second factor at the client whose `act` is another",
}

Row = tuple[str, str, int]


def changed(fleet: Path, folder: Path) -> Path:
    shutil.copytree(fleet, folder)
    for name, pattern in LEFT_OUT:
        text, count = re.subn(pattern, "", (folder / name).read_text(), flags=re.M)
        if count != 1:
            raise SystemExit(f"{name}: {count} lines are {pattern}")
        (folder / name).write_text(text)
    return folder


class Proxies:
    def __init__(self, bench):
        self.bench = bench
        source = changed(bench.folder / "fleet", bench.folder / "fleet-toolhive")
        self.workspace = Workspace(bench.programs, "keycloak", ["toolhive"], source)
        self.judge = Judge(self.workspace, Identity(source, self.workspace.relation), "toolhive", unseen)
        self.issuer = self.workspace.relation.issuers[0]["issuer"]
        self.keys = f"{self.issuer}/protocol/openid-connect/certs"
        self.remote = f"http://127.0.0.1:{bench.ports[SERVERS]}"

    def file(self, server: str) -> Path:
        return self.workspace.folder / f"toolhive/central/authz/{server.replace('_', '-')}.yaml"

    def rows(self, server: str, tally) -> list[Row]:
        """What each token and tool of a server should be answered with, by the claims and the access relation."""
        rows = []
        for kind in self.bench.tokens:
            for tool in self.workspace.relation.on(server, "tool"):
                request = Request(server, "tool", tool["name"], self.workspace.relation.servers[server]["unit"], self.bench.claims(kind))
                good = self.bench.accepted(kind)
                allowed = good and self.judge.allows(request)
                tally.check(not (allowed and stricter(self.judge, request)), f"ToolHive may be stricter: {kind}, {tool['name']}")
                rows.append((kind, tool["name"], 200 if allowed else 403 if good else 401))
        return rows

    def faults(self, file: Path, rows: list[Row], modern: bool = False) -> Iterator[str]:
        """What is answered differently, at the proxy with the policies in this file."""
        # It hands the token on to the server, which is not what is asked here.
        ran = self.bench.servers.ran
        with served(self.bench.programs, file, self.remote, self.issuer, self.keys) as port:
            for kind, tool, status in rows:
                before = len(ran())
                answered, text = ask(port, self.bench.tokens[kind], call(tool, "{}", number(), modern), tool, modern)
                if (answered, ran()[before:]) != (status, [f"ran {tool}"] if status == 200 else []):
                    yield f"ToolHive's proxy: {kind} calls {tool}: {answered} {text[:200]}, it should be {status}"


def weaker(document: dict) -> Iterator[tuple[str, dict]]:
    """What these tokens can show. The proxy itself takes tokens of one issuer alone, and alice may call every tool."""
    for what, spoiled in toolhive_spoiled.spoiled_files(document):
        if "any issuer" not in what and "any object" not in what:
            yield what, spoiled


def excused(policy: str) -> bool:
    return any(f'[Tool::"{tool}"]' in policy and asked not in policy for tool, asked in UNSHOWN)


def run(bench, tally) -> str:
    proxies, calls, noticed = Proxies(bench), 0, 0
    allowed = set()
    for server in sorted(set(bench.tools.values())):
        rows = proxies.rows(server, tally)
        allowed |= {(kind, tool) for kind, tool, status in rows if status == 200}
        for modern in (False, True):
            calls += len(rows)
            for fault in proxies.faults(proxies.file(server), rows, modern):
                tally.fault(fault)
        document = yaml.load(proxies.file(server).read_text(), Loader)
        for at, (what, spoiled) in enumerate(weaker(document)):
            file = bench.folder / f"toolhive-{server}-{at}.yaml"
            file.write_text(json.dumps(spoiled))
            shown, policies = any(proxies.faults(file, rows)), spoiled["spec"]["config"]["policies"]
            # A weaker policy is the last one; where one is missing, the others are whole.
            tally.check(shown != excused(policies[-1]), f"ToolHive, {what}: {'an answer changes' if shown else 'no answer changes'}")
            noticed += shown
        # Tokens end; nothing above was noticed for that reason.
        tally.check(not any(proxies.faults(proxies.file(server), rows)), f"{server}: after the spoiled policies the whole ones answer differently")
    tally.check(ALLOWED <= allowed, f"ToolHive should allow {ALLOWED - allowed}")
    return f"{calls} calls through ToolHive's proxies, {noticed} spoiled policies noticed"
