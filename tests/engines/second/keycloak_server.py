"""Keycloak and the two servers of the book's page, on ports of this run, from a copy of the page's files."""

import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import ModuleType

from ports import free_ports

from .bundles import ROOT

EXAMPLE = ROOT / "book/examples/keycloak"
# The ports that the files and the page name.
KEYCLOAK, GATEWAY, ADMIN, SERVERS = "18180", "18543", "19902", "18544"
READY_SECONDS = 240
HEAP = "-Xms64m -Xmx512m"


class Ports:
    """Those of this run, in place of those on the page."""

    def __init__(self):
        self.of = dict(zip((KEYCLOAK, GATEWAY, ADMIN, SERVERS), free_ports(4)))

    def put(self, text: str) -> str:
        for named, port in self.of.items():
            text = text.replace(named, str(port))
        return text

    def copied(self, folder: Path) -> Path:
        """The page's files for this run."""
        shutil.copytree(EXAMPLE, folder)
        for file in folder.rglob("*"):
            if file.suffix in (".py", ".yaml"):
                file.write_text(self.put(file.read_text()))
        return folder

    def __getitem__(self, named: str) -> int:
        return self.of[named]


def ended(process: subprocess.Popen) -> None:
    """Ends a process with those that it started, which have a group of their own."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is None:
            os.killpg(process.pid, number)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                pass


class Keycloak:
    """`installed` has the realms already; what a run changes is in a copy."""

    def __init__(self, installed: Path, work: Path, port: int):
        self.home, self.port, self.log, self.process = work / "keycloak", port, work / "keycloak.log", None
        (self.home / "bin").mkdir(parents=True)
        # It takes the folder above its script for its own, so the script is not a link.
        shutil.copy(installed / "bin/kc.sh", self.home / "bin")
        shutil.copytree(installed / "data", self.home / "data")
        for name in ("conf", "lib", "providers", "themes"):
            (self.home / name).symlink_to(installed / name)

    def start(self) -> float:
        """How many seconds it takes."""
        url, began = f"http://127.0.0.1:{self.port}", time.monotonic()
        command = ["sh", self.home / "bin/kc.sh", "start", "--optimized", "--cache=local", "--http-enabled=true", "--http-host=127.0.0.1", f"--http-port={self.port}", f"--hostname={url}"]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True, env=os.environ | {"JAVA_OPTS_KC_HEAP": HEAP})
        while time.monotonic() < began + READY_SECONDS and self.process.poll() is None:
            try:
                with urllib.request.urlopen(f"{url}/realms/mcp", timeout=10):
                    return time.monotonic() - began
            except (urllib.error.URLError, OSError):
                time.sleep(0.3)
        self.stop()
        raise SystemExit(f"Keycloak did not start: {self.log.read_text()[-3000:]}")

    def resident(self) -> int:
        """The megabytes of memory of Java, which the script starts."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        found = [line for child in children for line in Path(f"/proc/{child}/status").read_text().splitlines() if line.startswith("VmRSS")]
        return sum(int(line.split()[1]) for line in found) // 1024

    def stop(self) -> None:
        if self.process:
            ended(self.process)


class Servers:
    """The page's servers, and what they say."""

    def __init__(self, folder: Path, port: int):
        self.said_file = folder / "servers.log"
        with self.said_file.open("wb") as log:
            self.process = subprocess.Popen([sys.executable, folder / "servers.py"], stdout=log, stderr=log, start_new_session=True)
        for _ in range(100):
            try:
                urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{port}/", b"{}"), timeout=5).close()
                return
            except OSError:
                time.sleep(0.1)
        self.stop()
        raise SystemExit(f"the servers did not start: {self.said_file.read_text()}")

    def said(self) -> list[str]:
        return self.said_file.read_text().splitlines()

    def ran(self) -> list[str]:
        """The calls that reached a tool."""
        return [line for line in self.said() if line.startswith("ran ")]

    def stop(self) -> None:
        ended(self.process)


def tokens_of(folder: Path) -> ModuleType:
    """The page's program that gets tokens."""
    spec = importlib.util.spec_from_file_location("page_tokens", folder / "tokens.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
