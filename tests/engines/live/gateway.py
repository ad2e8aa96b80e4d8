"""Envoy: starting, watching and stopping it."""

import http.client
import json
import os
import subprocess
import time
from pathlib import Path

READY_SECONDS = 20


class Envoy:
    """One gateway, run from the folder that was compiled for it."""

    def __init__(self, binary: Path, folder: Path, admin: int, file: str = "bootstrap.yaml", more: list[str] = ()):
        self.binary, self.folder, self.admin, self.file, self.more = binary, folder, admin, file, more
        self.log = folder / "envoy.log"
        self.process = None

    def start(self) -> "Envoy":
        command = [self.binary, "-c", self.file, "--disable-hot-restart", "--concurrency", "1", "-l", "warning",
                   # Without it, what Envoy does not know in a file of `xds` is passed over, and a misspelled DENY is an ALLOW.
                   "--reject-unknown-dynamic-fields",
                   "--log-path", self.log.name, *self.more]
        self.process = subprocess.Popen(command, cwd=self.folder, stdout=open(self.folder / "stdout.log", "ab"), stderr=subprocess.STDOUT)
        until = time.monotonic() + READY_SECONDS
        while time.monotonic() < until:
            if self.process.poll() is not None:
                break
            try:
                if self.ask("/ready")[0] == 200:
                    return self
            except OSError:
                pass
            time.sleep(0.05)
        self.stop()
        said = [path.read_text(errors="replace")[-2000:] for path in (self.log, self.folder / "stdout.log") if path.exists()]
        raise SystemExit(f"{self.folder}/{self.file}: Envoy did not get ready:\n" + "\n".join(said))

    def stop(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(5)

    def ask(self, path: str, method: str = "GET") -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.admin, timeout=5)
        try:
            connection.request(method, path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode("utf-8", "replace")
        finally:
            connection.close()

    def stats(self, part: str = "") -> dict[str, int]:
        _, text = self.ask(f"/stats?filter={part}")
        pairs = (line.rsplit(": ", 1) for line in text.splitlines() if ": " in line)
        return {name: int(value) for name, value in pairs if value.isdigit()}

    def wait(self, part: str, check, seconds: float = 10) -> dict[str, int]:
        """The statistics once they are as asked; what they are at the end otherwise."""
        until = time.monotonic() + seconds
        while True:
            found = self.stats(part)
            if check(found) or time.monotonic() > until:
                return found
            time.sleep(0.05)


def validate(binary: Path, folder: Path, file: str) -> str | None:
    """What Envoy has against a file; None where it takes it."""
    done = subprocess.run([binary, "--mode", "validate", "-c", file, "-l", "error"], cwd=folder, capture_output=True, text=True, timeout=60)
    if done.returncode == 0:
        return None
    return " ".join((done.stdout + done.stderr).split())[:600]


def replace(folder: Path, name: str, text: str) -> None:
    """Puts a file into place by renaming, the only way in which Envoy takes notice."""
    temporary = folder / f".{name}.new"
    temporary.write_text(text)
    os.replace(temporary, folder / name)


def as_json(text: str):
    return json.loads(text)
