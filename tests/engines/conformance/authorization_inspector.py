"""The Inspector's command line as a client that has a server's URL and no token. It signs in where a person looks at a
terminal, so it gets one. It prints where to go; the test goes there as a browser would, and follows the redirection to
the address where the Inspector waits. Before it asks for more scopes, it wants a `y` on standard input. The commands of
one walk have one home, where the Inspector keeps its tokens."""

import http.client
import itertools
import json
import os
import pty
import random
import re
import socket
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from .authorization_workspace import Site

NAVIGATE = re.compile(r"Please navigate to: (\S+)")
# More than any server makes of one call, so that a loop ends.
MOST_VISITS = 6
PORTS, TAKING = itertools.cycle(random.sample(range(20_000, 30_000), 1_000)), threading.Lock()


def walked(site: Site, job: dict) -> list[dict]:
    """What came of each step of a job."""
    home = site.stack.work / f"home-{job['session']}"
    home.mkdir()
    job = job | {"redirect": f"http://127.0.0.1:{lasting_port()}{urlsplit(job['redirect']).path}"}
    steps = [once(site, job, home, "connect", 0)]
    if "came" in steps[0]:
        steps += [once(site, job, home, step, number) for number, step in enumerate(job["calls"], 1)]
    return steps


def lasting_port() -> int:
    """A port for all commands of a walk. It is below those that connections get by themselves, which could take it
    between two commands."""
    with TAKING:
        while True:
            port = next(PORTS)
            with socket.socket() as tried:
                try:
                    tried.bind(("127.0.0.1", port))
                    return port
                except OSError:
                    continue


def once(site: Site, job: dict, home: Path, step: str, number: int) -> dict:
    """One command."""
    stack = site.stack
    command = [stack.node, stack.tools / "packages/node_modules/.bin/mcp-inspector", "--cli", job["url"]]
    command += ["--transport", "http", "--format", "json", "--protocol-era", job["mode"]]
    command += ["--callback-url", job["redirect"]]
    if job["client"]:
        command += ["--client-metadata-url" if job["client"].startswith("https:") else "--client-id", job["client"]]
    listing = step in ("connect", "tools")
    command += ["--method", "tools/list"] if listing else ["--method", "tools/call", "--tool-name", step]
    environment = {
        "PATH": os.environ.get("PATH", ""),
        "HOME": str(home),
        "NODE_EXTRA_CA_CERTS": str(site.trusted),
        # It opens no browser of whoever runs the tests, and asks for nothing from their keychain.
        "MCP_AUTO_OPEN_ENABLED": "false",
        "MCP_INSPECTOR_SECRET_STORE": "file",
        "NO_COLOR": "1",
    }
    terminal, other = pty.openpty()
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=other, env=environment, cwd=home
    )
    os.close(other)
    watcher = Person(terminal, process.kill)
    try:
        stdout, _ = process.communicate(b"y\n", timeout=job["seconds"])
    except subprocess.TimeoutExpired:
        process.kill()
        stdout, _ = process.communicate()
    watcher.end()
    said = stdout.decode("utf-8", "replace")
    (home / f"{number}-{step}.txt").write_text(f"{process.returncode}\n{said}\n{watcher.text}")
    found = {"step": step, "asked": watcher.asked}
    if process.returncode != 0:
        return found | {"error": " ".join(f"exit code {process.returncode}: {(said + watcher.text)[-300:]}".split())}
    try:
        result = json.loads(said)["result"]
        if not listing:
            return found | {"came": " ".join(one.get("text", "") for one in result["content"])}
        names = ", ".join(sorted(tool["name"] for tool in result["tools"]))
        return found | {"came": "connected" if step == "connect" else names}
    except (ValueError, KeyError, TypeError):
        return found | {"error": f"it prints {said[:300]}"}


class Person:
    """Reads the terminal, and goes where it says. Where that leads nowhere, the command would wait for long."""

    def __init__(self, terminal: int, give_up: Callable[[], None]):
        self.terminal, self.give_up, self.text = terminal, give_up, ""
        self.asked: list[list[str]] = []
        self.thread = threading.Thread(target=self.watch, daemon=True)
        self.thread.start()

    def watch(self) -> None:
        while True:
            try:
                data = os.read(self.terminal, 65536)
            except OSError:
                # How Linux says that nobody has the other end any more.
                return
            if not data:
                return
            self.text += data.decode("utf-8", "replace")
            complete = self.text[: self.text.rfind("\n") + 1]
            for url in NAVIGATE.findall(complete)[len(self.asked) : MOST_VISITS]:
                self.visit(url)

    def visit(self, url: str) -> None:
        """The authorization server's page, and from there the Inspector's own."""
        self.asked.append(" ".join(parse_qs(urlsplit(url).query).get("scope", [])).split())
        for _ in range(2):
            parts = urlsplit(url)
            if parts.scheme != "http":
                self.text += f"\n{url}: no authorization server of these tests\n"
                return self.give_up()
            connection = http.client.HTTPConnection(parts.netloc, timeout=10)
            try:
                connection.request("GET", f"{parts.path}?{parts.query}")
                answer = connection.getresponse()
                text = answer.read().decode("utf-8", "replace")
            except OSError as error:
                self.text += f"\n{url}: {error}\n"
                return self.give_up()
            finally:
                connection.close()
            if answer.status >= 400:
                self.text += f"\n{url}: {answer.status} {text}\n"
                return self.give_up()
            url = answer.headers.get("location", "")
            if not url:
                return None
        return None

    def end(self) -> None:
        self.thread.join(5)
        os.close(self.terminal)
