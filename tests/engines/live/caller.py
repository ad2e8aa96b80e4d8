"""One caller of one tool, for tests of what happens around a call; and what the gateways wrote down of it."""

import json
import time

from . import request
from .fleet import Fleet
from .wire import Refused


class Caller:
    """One caller of one tool, allowed unless the gateways say otherwise."""

    def __init__(self, fleet: Fleet, name: str, server: str, tool: str, at="central", holding: set[str] | None = None, **more):
        self.fleet, self.server, self.tool = fleet, server, tool
        self.principal, self.object = fleet.relation.principal(name), fleet.relation.tool(server, tool)
        self.everything = set(fleet.presenter.varied(self.object)) if holding is None else holding
        if fleet.issuers[fleet.relation.issuer_of(self.principal)].audience is None:
            # By its URL at the central gateway: a variant of the workspace may move the server itself.
            urls = fleet.relation.servers[server]["audiences"]
            more.setdefault("aud", next(url for url in urls if f":{fleet.listen['central']}/" in url))
        self.token = fleet.presenter.token(self.principal, self.everything, self.object, **more)
        self.more: dict[str, str] = {}  # further headers
        self.connection = fleet.connect(at, fleet.caller(self.principal))

    def call(self, arguments='{"amount":5}', connection=None, token=None):
        id_ = request.number()
        headers = request.headers(token or self.token, f"p{id_}", ("tools/call", self.tool)) | self.more
        try:
            return (connection or self.connection).ask("POST", request.path(self.server), headers, request.call(self.tool, arguments, id_, True))
        except Refused as error:
            return error

    def status(self, **more) -> int:
        return getattr(self.call(**more), "status", 0)

    def until(self, status: int, seconds: float) -> tuple[bool, float]:
        began = time.monotonic()
        while time.monotonic() - began < seconds:
            if self.status() == status:
                return True, time.monotonic() - began
            time.sleep(0.05)
        return False, seconds


def log_lines(fleet: Fleet, name: str) -> list[dict]:
    """The access log, flushed."""
    fleet.running[name].ask("/reopen_logs", "POST")
    time.sleep(0.3)
    found = []
    for line in (fleet.running[name].folder / "stdout.log").read_text(errors="replace").splitlines():
        try:
            found.append(json.loads(line))
        except ValueError:
            continue
    return [line for line in found if isinstance(line, dict)]
