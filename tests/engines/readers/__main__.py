"""Other people's programs read what mcpctl writes for them: `readers TOOLS MCPCTL CHROMIUM`.

TOOLS is what `install_readers` prints. The packages for GitHub and GitLab are run, findings are read in each format that a program of
its own reads, and graphs are drawn by Mermaid and Graphviz.
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path

import findings
import forges
import pictures
from tally import counted, faults


def main(tools: str, mcpctl: str, chromium: str) -> None:
    with tempfile.TemporaryDirectory(prefix="mcpctl-readers.") as scratch:
        work = Path(scratch)
        (work / "bin").mkdir()
        program = work / "bin/mcpctl"
        shutil.copy(mcpctl, program)
        env = {
            "PATH": f"{work}/bin:{tools}/bin:{os.environ['PATH']}", "HOME": str(work), "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_CONFIG_NOSYSTEM": "1", "GIT_AUTHOR_NAME": "test", "GIT_AUTHOR_EMAIL": "test@example.com",
            "GIT_COMMITTER_NAME": "test", "GIT_COMMITTER_EMAIL": "test@example.com", "LANG": "C.UTF-8",
        }  # fmt: skip
        os.environ.update(env)
        forges.examine(Path(tools), program, work, env)
        read = findings.examine(Path(tools), program, work)
        drawn = pictures.examine(Path(tools), program, work, chromium)
    print(f"readers: {counted['checks']} checks, {len(faults)} faults; {read} findings read, {drawn} pictures drawn")
    if faults:
        raise SystemExit(1)


if __name__ == "__main__":
    main(*sys.argv[1:])
