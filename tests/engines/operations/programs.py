"""The program under test, the engine, and the processes that are run; each is ended by its own id."""

import contextlib
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
HERE = Path(__file__).resolve().parent
READY_SECONDS = 60


@dataclass
class Programs:
    """`engine` is the folder that the engine was unpacked to, `work` the folder that everything is written to, `more` what else there is."""

    mcpctl: Path
    engine: Path
    work: Path
    more: dict[str, Path] = field(default_factory=dict)

    def compiled(self, source: Path, target: str) -> Path:
        """The files of a target for a workspace."""
        out = self.work / f"bundle-{source.stem}-{target}"
        done = subprocess.run([self.mcpctl, "compile", source, "--out", out, "--quiet", "--target", target], capture_output=True, text=True, timeout=120)
        if done.returncode != 0:
            raise SystemExit(f"compile of {source.name}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
        return out / target

    def validated(self, source: Path) -> str:
        """What `validate` says of a workspace, in short lines."""
        done = subprocess.run([self.mcpctl, "validate", source, "--format", "short"], capture_output=True, text=True, timeout=120)
        return done.stdout + done.stderr

    def program(self, name: str) -> Path:
        """A program of Debian's, where it was unpacked."""
        found = [path for path in (self.engine / "usr/bin" / name, self.engine / "usr/sbin" / name) if path.exists()]
        return found[0]

    def environment(self) -> dict[str, str]:
        """Where the libraries are that were unpacked with it."""
        libraries = sorted({str(file.parent) for file in self.engine.rglob("*.so*")})
        return {**os.environ, "LD_LIBRARY_PATH": ":".join(libraries)}

    def folder(self, name: str) -> Path:
        """A new folder."""
        number = sum(1 for _ in self.work.iterdir())
        found = self.work / f"{number}-{name}"
        found.mkdir()
        return found

    @contextlib.contextmanager
    def running(self, command: list, folder: Path, ready: Callable[[], bool], user: int | None = None, seconds: int = READY_SECONDS) -> Iterator[str | None]:
        """A process from the moment that it is ready; what it said where it ended before that."""
        log = folder / "log"
        with log.open("wb") as out:
            process = subprocess.Popen([str(part) for part in command], cwd=folder, stdout=out, stderr=out, env=self.environment(), user=user)
        try:
            until = time.monotonic() + seconds
            while process.poll() is None and not ready():
                if time.monotonic() > until:
                    raise SystemExit(f"{command[0]} did not get ready: {log.read_text(errors='replace')[-2000:]}")
                time.sleep(0.03)
            yield log.read_text(errors="replace") if process.poll() is not None else None
        finally:
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
