"""The workspaces that are judged: each compiled once, with its access relation."""

import copy
import json
import shutil
import subprocess
from pathlib import Path

import yaml
from live.relation import Relation

from .evidence import Loader

ROOT = Path(__file__).resolve().parents[3]
# Every project, and the smaller workspaces that hold what no project does.
PROJECTS = ["projects/bank", "projects/enterprise", "projects/federation"]
WORKSPACES = [*PROJECTS, "targets/one-gateway.yaml", "targets/approvals", "handwritten", "review/base"]


class Workspace:
    """A fixture, and its bundle for some targets."""

    def __init__(self, programs: "Programs", name: str, targets: list[str], source: Path | None = None):
        self.name, self.source = name, source or ROOT / "fixtures" / name
        self.folder = programs.work / (name.replace("/", "-").removesuffix(".yaml") + "-" + "-".join(targets))
        command = [programs.mcpctl, "compile", self.source, "--out", self.folder, "--quiet"]
        for target in targets:
            command += ["--target", target]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        if done.returncode != 0:
            raise SystemExit(f"compile of {name}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
        self.relation = Relation(str(programs.relation), str(self.source))


class Programs:
    """The programs under test, the second engines, and the folder that everything is written to."""

    def __init__(self, mcpctl: Path, examples: Path, engines: dict[str, Path], work: Path):
        self.mcpctl, self.engines, self.work = mcpctl.resolve(), engines, work
        # The examples that print the access relation of a workspace, and that write random workspaces.
        self.relation, self.random = examples.resolve() / "relation", examples.resolve() / "random"

    def below(self, name: str) -> "Programs":
        """The same programs, which write to a folder of their own."""
        found = copy.copy(self)
        found.work = self.work / name.replace("/", "-")
        found.work.mkdir()
        return found

    def run(self, engine: str, program: str, *arguments, given: str | None = None, timeout: int = 120) -> subprocess.CompletedProcess:
        command = [str(part) for part in (self.engines[engine] / program, *arguments)]
        return subprocess.run(command, input=given, capture_output=True, text=True, timeout=timeout)

    def mcpctl_run(self, *arguments) -> subprocess.CompletedProcess:
        command = [str(part) for part in (self.mcpctl, *arguments)]
        return subprocess.run(command, capture_output=True, text=True, timeout=120)


def with_settings(programs: Programs, name: str, source: Path, target: str, settings: dict) -> Path:
    """A copy of a workspace, with these settings of a target; of a file it is a folder."""
    copied = programs.work / "with-settings" / name.replace("/", "-")
    copied.parent.mkdir(exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, copied)
    else:
        copied.mkdir()
        shutil.copyfile(source, copied / "all.yaml")
    file = copied / "mcpctl.yaml"
    document = yaml.load(file.read_text(), Loader) if file.exists() else {}
    document.setdefault("targets", {})[target] = settings
    file.write_text(json.dumps(document))
    return copied
