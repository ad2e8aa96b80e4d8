"""The book's page about identity providers: its table of answers, and its commands, run as they are on the page."""

import os
import re
import signal
import subprocess

from .bundles import ROOT

PAGE = ROOT / "book/src/guide/identity-provider.md"
SECONDS = 120


def table() -> dict[str, dict[str, int]]:
    """For each kind of token and each tool the status of the answer."""
    rows = [[cell.strip().strip("`") for cell in line.strip().strip("|").split("|")] for line in PAGE.read_text().splitlines() if line.startswith("|")]
    heads = [row for row in rows if row[0] == "token"]
    if len(heads) != 1:
        raise SystemExit(f"{PAGE.name}: {len(heads)} tables of tokens")
    head = heads[0][1:]
    return {row[0]: dict(zip(head, map(int, row[1:]), strict=True)) for row in rows if len(row) > 1 and all(re.fullmatch(r"\d{3}", cell) for cell in row[1:])}


def commands() -> list[str]:
    """The blocks of commands, without what the test has already: the programs, a running Keycloak, and a copy of the files."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", PAGE.read_text(), re.S | re.M)
    return [block for block in blocks if not re.search(r"^(pip|unzip|cp|\S*kc\.sh) ", block, re.M)]


def promised() -> list[str]:
    """What the page says that its commands print."""
    return re.findall(r"^<!-- prints: (.*) -->$", PAGE.read_text(), re.M)


def follow(bench, tally) -> int:
    """How many blocks were run. They start servers and a gateway of their own, and end them."""
    blocks, programs = commands(), bench.programs
    binaries = bench.folder / "bin"
    binaries.mkdir()
    for name, program in (("mcpctl", programs.mcpctl), ("envoy", programs.engines["envoy"] / "envoy")):
        (binaries / name).symlink_to(program)
    # Job control gives each background job a group of its own, which is ended as a whole, whatever became of the rest.
    script = 'set -eum; trap "kill %1 %2 2>/dev/null || true" EXIT\n' + bench.ports.put("\n".join(blocks))
    path = f"{binaries}{os.pathsep}{os.environ['PATH']}"
    with (bench.folder / "commands.log").open("w+") as log:
        shell = subprocess.Popen(["bash", "-c", script], cwd=bench.folder, env=os.environ | {"PATH": path}, stdout=log, stderr=log, start_new_session=True)
        try:
            status = shell.wait(SECONDS)
        except subprocess.TimeoutExpired:
            status = f"still running after {SECONDS} s"
            os.killpg(shell.pid, signal.SIGTERM)
            shell.wait(10)
        log.seek(0)
        said = log.read()
    tally.check(status == 0, f"the page's commands end with {status}: {said[-3000:]}")
    tally.check(len(blocks) > 2 and len(promised()) > 2, "the page has commands, and says what they print")
    rest = said
    for one in promised():
        before, found, rest = rest.partition(one)
        if not tally.check(bool(found), f"the page promises `{one}`; this was printed: {said[-3000:]}"):
            break
    return len(blocks)
