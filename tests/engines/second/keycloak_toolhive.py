"""The same tokens at ToolHive's proxies, with the policies that are compiled for ToolHive, in front of the page's servers."""

import json
from pathlib import Path

import yaml
from live.request import call, number

from . import toolhive_spoiled
from .bundles import Workspace
from .evidence import Loader, Request
from .judge import Judge
from .keycloak_server import KEYCLOAK, SERVERS
from .toolhive import stricter, unseen
from .toolhive_live import ask, served


class Proxies:
    """The fleet of the page, compiled for ToolHive."""

    def __init__(self, bench):
        self.bench, source = bench, bench.folder / "fleet"
        self.workspace = Workspace(bench.programs, "keycloak", ["toolhive"], source)
        self.judge = Judge(self.workspace, bench.identity, "toolhive", unseen)
        self.issuer = self.workspace.relation.issuers[0]["issuer"]
        self.keys = f"{self.issuer}/protocol/openid-connect/certs"
        self.remote = f"http://127.0.0.1:{bench.ports[SERVERS]}"

    def file(self, server: str) -> Path:
        return next(self.workspace.folder.glob(f"toolhive/central/authz/{server.replace('_', '-')}.yaml"))

    def faults(self, file: Path, rows: list[tuple[str, str, int]], modern: bool):
        """What is answered differently from the page, at the proxy with the policies in this file."""
        bench = self.bench
        with served(bench.programs, file, self.remote, self.issuer, self.keys) as port:
            for kind, tool, status in rows:
                before = len(bench.servers.said())
                answered, text = ask(port, bench.tokens[kind], call(tool, "{}", number(), modern), tool, modern)
                ran = bench.servers.said()[before:] == [f"ran {tool}"]
                if (answered, ran) != (status, status == 200):
                    yield kind, tool, f"ToolHive's proxy: {kind} calls {tool}: {answered} {text[:200]}, the page says {status}"


def weaker(file: Path):
    """The policies of the file, each with one thing that it asks for left out."""
    document = yaml.load(file.read_text(), Loader)
    for what, spoiled in toolhive_spoiled.spoiled_files(document):
        if any(part in what for part in ("value of a claim", "as user", "any caller", "a claim that is there")):
            yield what, spoiled


def run(bench, table: dict[str, dict[str, int]], tally) -> str:
    proxies, calls, noticed = Proxies(bench), 0, 0
    for server in sorted(set(bench.tools.values())):
        rows = [row for row in bench.all(table) if bench.tools[row[1]] == server]
        for kind, tool, status in rows:
            request = Request(server, "tool", tool, proxies.workspace.relation.servers[server]["unit"], bench.claims(kind))
            allowed = status != 401 and proxies.judge.allows(request)
            tally.check(allowed == (status == 200) and not stricter(proxies.judge, request), f"ToolHive may answer differently: {kind}, {tool}")
        for modern in (False, True):
            calls += len(rows)
            for _, _, fault in proxies.faults(proxies.file(server), rows, modern):
                tally.fault(fault)
        for number_, (what, spoiled) in enumerate(weaker(proxies.file(server))):
            file = bench.folder / f"toolhive-{server}-{number_}.yaml"
            file.write_text(json.dumps(spoiled))
            noticed += tally.check(any(proxies.faults(file, rows, False)), f"ToolHive, {what}, and no answer changes")
    return f"{calls} calls through ToolHive's proxies, {noticed} spoiled policies noticed"
