"""The official SDK, both generations: for each server, one call that is allowed, and one for each requirement that can be
missing. A person who reads the error must learn which."""

import json
import subprocess
import sys
from pathlib import Path

from .fleet import Fleet
from .matrix import CODE
from .tally import Tally


def jobs(fleet: Fleet, modes: list[str]) -> list[tuple[dict, bool, set[str], str]]:
    """Each job with whether it is allowed, and the facts of which the denial has to name one."""
    relation, presenter = fleet.relation, fleet.presenter
    found, known = [], set()
    for (name, server, kind, tool_name), (sets, _) in sorted(relation.cells.items(), key=lambda cell: str(cell[0])):
        if kind != "tool":
            continue
        principal, tool = relation.principal(name), relation.tool(server, tool_name)
        given = relation.given(principal)
        protocol = relation.on(server, "protocol")[0]
        varied = set(presenter.varied(tool))
        for needed in sets:
            lacks = [(None, set(needed) & varied)]
            for fact in sorted(needed & varied):
                # A caller that may not even open a session never gets to the call.
                rest = (set(needed) & varied) - {fact}
                if relation.allows(principal, protocol, rest | given):
                    lacks.append((fact, rest))
            for fact, holding in lacks:
                if (server, fact) in known or not needed <= holding | given | {fact}:
                    continue
                known.add((server, fact))
                pair = fleet.caller(principal)
                missing = relation.missing(principal, tool, holding | given)
                for mode in modes:
                    job = {
                        "url": f"https://127.0.0.1:{fleet.listen['central']}/{server}/mcp", "token": presenter.token(principal, holding, tool, 1),
                        "cert": str(pair.cert), "key": str(pair.key), "ca": str(fleet.pki.gateways.file), "mode": mode,
                        "tool": tool_name, "arguments": json.loads(presenter.arguments(holding, 0)),
                    }
                    what = f"SDK {mode}: {name} calls {server}/{tool_name} " + (f"without {fact}" if fact else "with all it takes")
                    found.append((job, fact is None, missing, what))
    return found


def answers(python: Path, listed: list) -> list[dict]:
    """What the SDK of that interpreter makes of the jobs."""
    lines = "".join(json.dumps(job) + "\n" for job, *_ in listed)
    script = Path(__file__).with_name("sdk_client.py")
    done = subprocess.run([python, script], input=lines, capture_output=True, text=True, timeout=180)
    if done.returncode != 0:
        print(done.stderr[-2000:])
    return [json.loads(line) for line in done.stdout.splitlines()]


def run(fleet: Fleet, python: Path, name: str, modes: list[str], keeps_session: bool) -> Tally:
    tally = Tally(name)
    listed = jobs(fleet, modes)
    found = answers(python, listed)
    tally.check(len(found) == len(listed), f"an answer to each of {len(listed)} jobs: {len(found)}")
    for (job, allow, missing, what), answer in zip(listed, found):
        allowed = answer.get("text", "").startswith("ran ")
        tally.count(allowed)
        tally.check(job["tool"] in answer.get("tools", []) or "ended" in answer, f"{what}: the list of tools lacks it: {answer}")
        if allowed != allow:
            tally.fault(f"{what}: {answer}", bypass=allowed)
        elif not allow:
            error = answer.get("error") or {}
            data = error.get("data")
            reason = data.get("reason", "") if isinstance(data, dict) else str(data)
            if keeps_session:
                tally.check(error.get("code") == CODE and any(fact in reason.partition("deny:missing_")[2] for fact in missing), f"{what}: the error names none of {sorted(missing)}: {answer}")
                tally.check(bool(answer.get("survived")), f"{what}: the session goes on: {answer}")
            else:
                # The older client ends its session at a status of 403, and says no more than that.
                tally.check(answer.get("status") == 403 or error.get("code") == CODE, f"{what}: {answer}")
    tally.notes.append(f"{len({job['url'] for job, *_ in listed})} servers, {len(listed)} sessions")
    for token in fleet.seen()["tokens"]:
        tally.fault(f"a server saw a token: {token}", bypass=True)
    return tally.end()


def pythons(engines: Path) -> tuple[Path, Path]:
    return Path(sys.executable), engines / "sdk1/bin/python"
