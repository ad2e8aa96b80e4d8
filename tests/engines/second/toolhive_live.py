"""ToolHive's proxy, with its own chain of middleware, in front of an MCP server: real tokens, and both generations of the
protocol. What runs at the server is what the access relation allows."""

import contextlib
import http.client
import json
import os
import random
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import yaml
from ports import free_ports

from live.request import LEGACY, MODERN, call, headers, number
from live.tally import Tally
from live.tokens import Issuer

from .backend import Backend
from .evidence import Loader

CALLS = 12
AUDIENCE = "mcp-gateway"


@contextlib.contextmanager
def served(programs, file: Path, remote: str, issuer: str, keys: str) -> Iterator[int]:
    """The proxy with these policies in front of the server at `remote`, and its port; `keys` is where those of the issuer are."""
    port = free_ports(1)[0]
    # It looks for the settings of clients in the home folder.
    home, log = programs.work / "home", programs.work / "toolhive.log"
    home.mkdir(exist_ok=True)
    command = [programs.engines["toolhive"] / "toolhive", "serve", file, remote, port, issuer, keys, AUDIENCE]
    environment = {"PATH": os.environ["PATH"], "HOME": str(home)}
    with log.open("wb") as out:
        process = subprocess.Popen([str(part) for part in command], stdout=out, stderr=out, env=environment)
    try:
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            if process.poll() is not None:
                raise SystemExit(f"ToolHive's proxy did not start: {log.read_text()[-2000:]}")
            time.sleep(0.1)
        yield port
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def ask(port: int, token: str | None, body: bytes, name: str, modern: bool) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    sent = headers(token, "1", ("tools/call", name) if modern else None)
    sent["mcp-protocol-version"] = MODERN if modern else LEGACY
    connection.request("POST", "/mcp", body, sent)
    answer = connection.getresponse()
    said = answer.status, answer.read().decode("utf-8", "replace")
    connection.close()
    return said


def run(programs, file: Path, verdicts: list, tally: Tally) -> str:
    """`verdicts` are of the server whose policies are in this file."""
    draw = random.Random("live")
    named = verdicts[0].request.claims["iss"]
    issuer, stranger = Issuer(named, AUDIENCE, "key"), Issuer(named, AUDIENCE, "key")
    backend = Backend(issuer.jwks())
    keys = f"{backend.url}/keys.json"
    usable = [one for one in verdicts if one.request.kind == "tool" and one.request.claims["iss"] == named]
    allowed = draw.sample([one for one in usable if one.allowed and not one.stricter], CALLS // 2)
    denied = draw.sample([one for one in usable if not one.allowed], CALLS // 2)
    calls = 0

    def sent(port: int, verdict, by: Issuer | None, modern: bool) -> tuple[int, bool, str]:
        """The status, whether exactly this tool was run, and both in words."""
        nonlocal calls
        calls += 1
        request, before = verdict.request, len(backend.ran)
        claims = {name: value for name, value in request.claims.items() if name not in ("iss", "aud", "exp")}
        token = by.token(claims, nulls=[name for name, value in claims.items() if value is None]) if by else None
        status, text = ask(port, token, call(request.name, "{}", number(), modern), request.name, modern)
        return status, backend.ran[before:] == [request.name], f"ToolHive's proxy: {request.name} with {claims}: {status} {text[:200]}"

    try:
        with served(programs, file, backend.url, named, keys) as port:
            for modern in (False, True):
                for verdict in [*allowed, *denied]:
                    status, ran, what = sent(port, verdict, issuer, modern)
                    tally.check((ran, status == 200) == (verdict.allowed, verdict.allowed), what)
                # Without a token, and with one that somebody else signed.
                for by in (None, stranger):
                    status, ran, what = sent(port, allowed[0], by, modern)
                    tally.check(status == 401 and not ran, what)
        # As a control, policies that permit everything: what was denied gets through.
        document = yaml.load(file.read_text(), Loader)
        document["spec"]["config"]["policies"] = ["permit(principal, action, resource);"]
        spoiled = programs.work / "open.yaml"
        spoiled.write_text(json.dumps(document))
        known = next(one for one in denied if isinstance(one.request.claims.get("sub"), str) and one.request.claims["sub"])
        with served(programs, spoiled, backend.url, named, keys) as port:
            status, ran, what = sent(port, known, issuer, True)
            tally.check(ran, f"policies that permit everything deny: {what}")
    finally:
        backend.stop()
    return f"{calls} calls through the proxy"
