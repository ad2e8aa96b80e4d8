"""A grant that is revoked: the next bundle is applied, what `mcpctl diff` names is deleted, and the running sidecars deny at once."""

import time
from collections.abc import Callable
from pathlib import Path

from live.tally import Tally
from live.wire import Connection

from .bundles import Programs, Workspace
from .istio_ask import ANSWERED, Ask, Asker
from .network_pods import label

# How long a revoked grant may still be good for, in seconds.
BOUND = 5.0
# The grants that go: one of which others keep theirs, and the last one for a server. With a principal each, and the server.
REVOKED = {
    "registry/agents.yaml": {
        '        - "crm_server/*"\n': ("card_service_agent", "crm_server"),
        '        - "directory_server/*"\n': ("operations_agent", "directory_server"),
    },
}


def without_grants(source: Path) -> None:
    for name, lines in REVOKED.items():
        text = (source / name).read_text()
        for line in lines:
            if text.count(line) != 1:
                raise SystemExit(f"{name}: {line.strip()} is there {text.count(line)} times")
            text = text.replace(line, "")
        (source / name).write_text(text)


class Revoked:
    def __init__(self, asker: Asker, answers: list[tuple[Ask, int]], tally: Tally):
        self.asker, self.tally = asker, tally
        self.allowed = [ask for ask, status in answers if ask.wanted and ask.method == "POST" and status == 200]

    def of(self, principal: str, server: str) -> Ask:
        subject = self.asker.relation.principal(principal)["subject"]
        return next(ask for ask in self.allowed if ask.server == server and ask.caller == subject)

    def other(self, principal: str, server: str) -> Ask | None:
        subject = self.asker.relation.principal(principal)["subject"]
        return next((ask for ask in self.allowed if ask.server == server and ask.caller not in (subject, None)), None)

    def status(self, ask: Ask, connections: dict | None = None) -> int:
        own: dict = {} if connections is None else connections
        found = self.asker.send(own, ask)
        if connections is None:
            for connection in own.values():
                connection.close()
        return found

    def closed(self, ask: Ask, since: float) -> float:
        """How long after a time the sidecar denies; the bound where it does not."""
        while time.monotonic() < since + BOUND:
            if self.status(ask) in (401, 403):
                return time.monotonic() - since
        return BOUND


def run(programs: Programs, asker: Asker, old: Path, source: Path, apply: Callable[..., float], answers, tally: Tally) -> str:
    """`source` is a copy of the workspace, of which the grants are taken out here; `old` the bundle that is applied."""
    without_grants(source)
    new = Workspace(programs, "mesh/revoked", ["kubernetes", "istio"], source).folder
    revoked = Revoked(asker, answers, tally)
    (first, last) = [pair for lines in REVOKED.values() for pair in lines.values()]
    asks = {pair: revoked.of(*pair) for pair in (first, last)}
    for pair, ask in asks.items():
        tally.check(revoked.status(ask) in ANSWERED, f"{pair} is granted before")
    kept: dict[tuple, Connection] = {}
    tally.check(revoked.status(asks[first], kept) in ANSWERED, f"{first} is granted over a connection that is kept")
    # What was spoiled was put back by hand, and is the test's own since.
    after_apply = revoked.closed(asks[first], apply(new, "--force-conflicts"))
    tally.check(after_apply < BOUND, f"{first} is denied within {BOUND} s after the bundle was applied")
    # The next call over a connection from before may be the last one that it carries.
    over_kept = [revoked.status(asks[first], kept) for _ in range(2)]
    tally.check(over_kept[-1] in (401, 403), f"{first} is denied over a connection from before: {over_kept}")
    keeps = revoked.other(*first)
    tally.check(keeps is not None and revoked.status(keeps) in ANSWERED, f"others keep {first[1]}")
    # As the page says: what is gone from the bundle stays in force until it is deleted.
    tally.check(revoked.status(asks[last]) in ANSWERED, f"{last} was closed without anything being deleted")
    after_delete = BOUND
    for cluster in sorted(folder.name for folder in (old / "istio").iterdir()):
        said = programs.mcpctl_run("diff", old, new, "--format", "prune", "--cluster", cluster)
        tally.check(said.returncode in (0, 1) and bool(said.stdout), f"diff --format prune: {said.returncode} {said.stderr[-500:]}")
        gone = asker.pods.server.kubectl("delete", "--ignore-not-found", "-f", "-", given=said.stdout)
        tally.check(gone.returncode == 0, f"{cluster}: {gone.stderr[-500:]}")
        if after_delete == BOUND and f"allow-{label(last[1])}" in gone.stdout:
            after_delete = revoked.closed(asks[last], time.monotonic())
    tally.check(after_delete < BOUND, f"{last} is denied within {BOUND} s after its rules were deleted")
    for connection in kept.values():
        connection.close()
    return f"a revoked grant is closed {after_apply:.2f} s after `apply`, the last one for a server {after_delete:.2f} s after `delete`; over a kept connection {over_kept}"
