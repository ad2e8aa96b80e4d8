"""`elasticsearch` by a node of OpenSearch, Elastic's client for Java and rsyslog: what is kept, what is taken, and that no record is lost.

What is expected is written here, or is the log of a running gateway, and is from no file that is compiled.
"""

import json
import shutil
import subprocess
import time
from pathlib import Path

import jsonschema
from live.caller import Caller, log_lines
from live.fleet import Fleet
from live.tally import Tally

from .log_store import Shipper, Store, applied, asked, store, until
from .programs import HERE, ROOT, Programs

OWN = HERE / "logs.yaml"
AUDIT, OPERATIONAL, DEBUG = (f"logs-mcp.{kind}-central" for kind in ("audit", "operational", "debug"))
INPUTS = {"access.log": "mcp-central-audit", "records.log": "mcp-central-records"}
# How long an index is written to, and how old it is when it is deleted: by what the workspaces say.
SEED_TIMES = {"audit": ("30d", "2557d"), "operational": ("1d", "89d"), "debug": ("1d", "6d")}
OWN_TIMES = {"audit": ("30d", "1096d"), "operational": ("18h", "18h"), "debug": ("30d", "5d")}


def typed(programs: Programs, kind: str, files: list[Path]) -> list[str]:
    """What Elastic's client makes of each file."""
    command = ["java", "-cp", f"{programs.engine}/classes:{programs.engine}/lib/*", "Typed", kind, *files]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=60)
    return done.stdout.splitlines()


def faults(programs: Programs, folder: Path, times: dict[str, tuple[str, str]], target: Store) -> list[str]:
    """What is wrong with the lifecycles and templates of a folder."""
    found = []
    for kind in ("lifecycle", "template"):
        files = sorted((folder / f"{kind}s").glob("*.json"))
        told = typed(programs, kind, files)
        found += [f"{file.name}: {line}" for file, line in zip(files, told, strict=False) if not line.startswith("taken")]
        if [file.stem for file in files] != sorted(f"mcp-central-{one}" for one in times) or len(told) != len(files):
            found.append(f"there are the {kind}s {[file.name for file in files]}, and {len(told)} answers")
    if found:
        return found
    target.clear()
    done, given = applied(folder, target)
    paths = [f"/_{kind}/mcp-central-{one}" for kind in ("ilm/policy", "index_template") for one in sorted(times)]
    if done.returncode != 0 or list(given.bodies) != paths:
        found.append(f"apply.sh ends with {done.returncode}: {done.stdout[-800:]}{done.stderr[-300:]} {list(given.bodies)}")
        return found
    for one, wanted in times.items():
        phases = json.loads(given.bodies[f"/_ilm/policy/mcp-central-{one}"])["policy"]["phases"]
        said = phases["hot"]["actions"]["rollover"]["max_age"], phases["delete"]["min_age"]
        if said != wanted:
            found.append(f"{one}: {said} is said, and {wanted} is meant")
        asked(target.port, "PUT", f"/_data_stream/logs-mcp.{one}-central")
        for time_ in said:
            status, told = asked(target.port, "POST", f"/logs-mcp.{one}-central/_rollover?dry_run=true", {"conditions": {"max_age": time_}})
            if status != 200:
                found.append(f"{one}: {time_} is no time: {told}")
        named = json.loads(given.bodies[f"/_index_template/mcp-central-{one}"])["template"]["settings"].get("index.lifecycle.name")
        if named != f"mcp-central-{one}":
            found.append(f"{one}: its indices have the lifecycle {named}")
        stored = asked(target.port, "GET", f"/_data_stream/logs-mcp.{one}-central")[1].get("data_streams", [{}])[0]
        if stored.get("template") != f"mcp-central-{one}":
            found.append(f"{one}: its stream is {stored}")
    return found


LIFECYCLES = [("a phase that is misspelt", '"hot"', '"hott"'), ("an age that is misspelt", '"min_age"', '"minimum_age"'),
              ("years", '"2557d"', '"7_years"'), ("a year less", '"2557d"', '"2192d"'), ("nothing is deleted", '"delete": {}', '"deleet": {}'),
              ("an index for a year", '"30d"', '"365d"')]  # fmt: skip
TEMPLATES = [("another lifecycle", "mcp-central-audit", "mcp-central-debug"), ("a type that is misspelt", '"keyword"', '"keywrd"'),
             ("no stream", '"data_stream"', '"data_strem"'), ("other streams", "logs-mcp.audit-*", "logs-mcp.autid-*"),
             ("an alias of nothing", '"path": "user_id"', '"path": "user_no"'), ("strictness that is misspelt", '"strict"', '"strickt"')]  # fmt: skip


def spoiled(programs: Programs, folder: Path, target: Store, tally: Tally) -> int:
    """Each spoiled file has to be noticed; otherwise the comparison shows nothing."""
    noticed = 0
    for kind, changes in (("lifecycles", LIFECYCLES), ("templates", TEMPLATES)):
        for what, old, new in changes:
            copy = programs.folder("spoiled") / "central"
            shutil.copytree(folder, copy)
            file = copy / kind / "mcp-central-audit.json"
            text = file.read_text()
            file.write_text(text.replace(old, new))
            changed = tally.check(text != file.read_text(), f"{what}: nothing to spoil")
            noticed += changed and tally.check(bool(faults(programs, copy, SEED_TIMES, target)), f"{what}, and nobody notices")
    return noticed


def of_gateways(programs: Programs, target: Store, tally: Tally) -> tuple[Path, list[dict]]:
    """The records of running gateways, and the files that ship them."""
    fleet = Fleet(programs.folder("fleet"), programs.mcpctl, programs.more["relation"], programs.more["envoy"], programs.more["engines"])
    try:
        workspace = fleet.workspace("logged")
        bundle = fleet.compile(workspace)
        fleet.start_servers()
        fleet.start_gateways(bundle, ("central", "retail"))
        store_agent = Caller(fleet, "storefront_agent", "search_server", "find_store")
        care_agent = Caller(fleet, "care_agent", "crm_server", "update_customer")
        for _ in range(20):
            tally.check(store_agent.status() == 200, "an agent calls")
            tally.check(care_agent.status() == 200, "another one calls through two gateways")
            tally.check(store_agent.status(token="x.y.z") == 401, "a bad token is refused")
        denied = Caller(fleet, "storefront_agent", "crm_server", "update_customer")
        tally.check(denied.status() == 403, "a tool that is not granted is denied")
        lines = [line for name in ("central", "retail") for line in log_lines(fleet, name)]
        return programs.compiled(workspace, "elasticsearch"), lines
    finally:
        fleet.stop()


def unlike(record: dict, line: dict) -> bool:
    """Whether a record in the store is not what was written, at the time at which it was written."""
    return {key: value for key, value in record.items() if key not in ("_id", "@timestamp")} != line or record["@timestamp"] != line["time"]


def shipped(programs: Programs, bundle: Path, lines: list[dict], target: Store, tally: Tally) -> None:
    """The log of gateways, twice, with a foreign field once and lines that are no records."""
    target.clear()
    done, _ = applied(bundle / "central", target)
    tally.check(done.returncode == 0, f"apply.sh: {done.stdout}{done.stderr}")
    schema = jsonschema.Draft202012Validator(json.loads((bundle / "central/audit.schema.json").read_text()), format_checker=jsonschema.FormatChecker())
    for line in lines:
        for fault in schema.iter_errors(line):
            tally.fault(f"a record of a gateway is not as its schema says: {fault.message} {line}")
    tally.check(len({line["record_id"] for line in lines}) == len(lines) > 80, f"{len(lines)} records have an id each")
    ship = Shipper(programs, programs.more["rsyslog"], bundle, target.port, programs.folder("rsyslog"))
    told = ship.faults(INPUTS)
    tally.check(not told, f"rsyslog has something against the files: {told}")
    foreign = lines[0] | {"record_id": "foreign", "password": "secret"}
    others = ['{"time": "2026-11-28T18:00:00Z", "gate', "[1]", "{ }"]
    tally.check(not schema.is_valid(foreign), "the schema lets a foreign field through")
    texts = [json.dumps(line) for line in lines]
    (ship.folder / "access.log").write_text("\n".join([*texts, json.dumps(foreign), *others, *texts]) + "\n")
    with ship.running(INPUTS):
        until(lambda: len(target.records(AUDIT)) > len(lines) and len(ship.refused()) > len(lines))
        time.sleep(1.5)
        records = target.records(AUDIT)
        of_lines = {record["record_id"]: record for record in records if "record_id" in record}
        tally.check(len(records) == len(lines) + len(others), f"{len(records)} records are stored of {len(lines)} and {len(others)} other lines")
        for line in lines:
            if tally.check(line["record_id"] in of_lines, f"a record is lost: {line}"):
                record = of_lines[line["record_id"]]
                tally.check(not unlike(record, line), f"{record} is stored for {line}")
        rest = [record for record in records if "record_id" not in record]
        tally.check(sorted(record.get("message", "") for record in rest) == sorted(others), f"lines that are no records are kept as they are: {rest}")
        refused = ship.refused()
        kinds = sorted({(kind, record.get("password")) for record, kind in refused}, key=str)
        tally.check(kinds == [("strict_dynamic_mapping_exception", "secret"), ("version_conflict_engine_exception", None)], f"refused are {kinds}")
        tally.check(len(refused) == len(lines) + 1, f"{len(refused)} lines are kept aside, for {len(lines)} that came twice")
    users = {line["user_id"] for line in lines if line.get("user_id")}
    for user in users:
        meant = sum(line.get("user_id") == user for line in lines)
        tally.check(target.found(AUDIT, "user.id", user) == meant > 0, f"a search for the user {user} finds {target.found(AUDIT, 'user.id', user)} of {meant}")
    tally.check(bool(users), "the records name no user")
    rules = {(line["decision"] or {}).get("mcpctl_enforced_effective_policy_id") for line in lines} - {None}
    for rule in rules:
        tally.check(target.found(AUDIT, "decision.mcpctl_enforced_effective_policy_id", rule) > 0, f"nothing is found by the rule {rule}")
    tally.check(len(rules) > 1, f"the rules are {rules}")
    tally.notes.append(f"{len(lines)} records of two gateways shipped twice: {len(records)} stored, {len(refused)} kept aside")


def levels(programs: Programs, bundle: Path, target: Store, wanted: dict[str, str | None], text: bool, tally: Tally) -> None:
    """Records of servers, each of another level: the stream of each, or none."""
    target.clear()
    applied(bundle / "central", target)
    ship = Shipper(programs, programs.more["rsyslog"], bundle, target.port, programs.folder("rsyslog"))
    lines = [json.dumps({"time": "2026-11-28T18:00:00Z", "level": level, "message": f"at {level}"}) for level in wanted]
    (ship.folder / "records.log").write_text("\n".join(lines) + "\n")
    meant = {level: stream for level, stream in wanted.items() if stream}

    def arrived() -> dict[str, str]:
        found = {}
        for stream in (OPERATIONAL, DEBUG):
            for record in target.records(stream):
                said = json.loads(record["message"])["level"] if text else record["level"]
                found[said] = stream
        return found

    with ship.running(INPUTS):
        until(lambda: len(arrived()) >= len(meant), 15)
        time.sleep(1.5)
        tally.check(arrived() == meant, f"the levels are in {arrived()}, and are meant for {meant}")


def written(ship: Shipper, first: int) -> set[str]:
    """Fifty records, from a number on; their ids."""
    ids = [str(number) for number in range(first, first + 50)]
    lines = [json.dumps({"time": "2026-11-28T18:00:00Z", "record_id": one, "gateway": "central"}) for one in ids]
    (ship.folder / "access.log").write_text("".join(f"{line}\n" for line in lines))
    return set(ids)


def away(programs: Programs, bundle: Path, before: Store, tally: Tally) -> None:
    """Records that are written while the store is away: to a rsyslog that goes on, and to one that is ended meanwhile."""
    going_on, ended = (Shipper(programs, programs.more["rsyslog"], bundle, before.port, programs.folder("rsyslog")) for _ in range(2))
    meant = written(going_on, 0), written(ended, 100)
    with ended.running(INPUTS):
        time.sleep(3)
    (ended.folder / "pid").unlink(missing_ok=True)
    # Some of what it had taken in is lost with it; so it is to read the files again.
    for state in (ended.folder / "spool").glob("imfile-state*"):
        state.unlink()
    with going_on.running(INPUTS):
        time.sleep(2)
        with store(programs, before) as target, ended.running(INPUTS):

            def stored() -> set[str]:
                return {record["_id"] for record in target.records(AUDIT)}

            until(lambda: stored() >= meant[0] | meant[1], 40)
            found = stored()
            for what, ids in zip(("goes on", "is ended and reads again"), meant, strict=True):
                tally.check(ids <= found, f"a rsyslog that {what}: {len(ids - found)} records are lost, {sorted(ids - found)[:9]}; stored are {sorted(found)[:9]}")
            tally.check(len(target.records(AUDIT)) == len(found) == 100, f"{len(found)} records are stored")


def run(programs: Programs) -> Tally:
    tally = Tally("elasticsearch")
    seed, own = (programs.compiled(source, "elasticsearch") for source in (ROOT / "fixtures/seed", OWN))
    plain = programs.folder("plain") / "text.yaml"
    plain.write_text(OWN.read_text().replace("structured_logging: true", "structured_logging: false"))
    with store(programs) as target:
        for folder, times in ((seed, SEED_TIMES), (own, OWN_TIMES)):
            for fault in faults(programs, folder / "central", times, target):
                tally.fault(f"{folder.parent.name}: {fault}")
            tally.checks += 5 * len(times)
        noticed = spoiled(programs, seed / "central", target, tally)
        bundle, lines = of_gateways(programs, target, tally)
        shipped(programs, bundle, lines, target, tally)
        every = {"trace": None, "debug": DEBUG, "info": OPERATIONAL, "WARN": OPERATIONAL, "error": OPERATIONAL}
        levels(programs, own, target, every, False, tally)
        levels(programs, seed, target, every | {"debug": None}, False, tally)
        # What is text is of the level that rsyslog gives it.
        levels(programs, programs.compiled(plain, "elasticsearch"), target, dict.fromkeys(every, OPERATIONAL), True, tally)
        target.clear()
        applied(own / "central", target)
    away(programs, own, target, tally)
    tally.notes.append(f"{noticed} of {len(LIFECYCLES) + len(TEMPLATES)} spoiled files noticed")
    return tally.end()
