"""`scenarios` by Temporal: the program of a bundle runs its scenarios with the worker of the bundle, and MCP servers keep a ledger.

What is expected is written here, or worked out from the YAML of the workspaces, and from no file that is compiled.
"""

import asyncio
import importlib
import json
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import jsonschema
import yaml
from ports import free_ports

from live.tally import Tally

from .flows import SEED, Stack, flows, tools
from .programs import HERE, Programs
from .toolbench import Bench

OWN = HERE / "scenarios.yaml"
# The calls that servers get in each scenario. Attempts that are broken before they are sent are not among them.
CALLS = {
    "all_is_well": ["hold_items", "charge"],
    "it_is_slow": ["hold_items", "charge"],
    "the_bank_fails": ["hold_items", "refund", "release_items"],
    "the_bank_is_silent": ["hold_items", "refund", "release_items"],
    "the_answer_is_lost": ["hold_items", "charge", "charge", "refund", "release_items"],
    "no_books": [],
}
# An outcome that does not come about in a scenario of the other one.
OTHER = {
    "success": "failure", "compensating_transaction": "graceful_degradation", "circuit_breaker_activation": "success", "load_shedding": "failure",
    "failure": "compensating_transaction",
}  # fmt: skip
SCHEMAS = [
    {"type": "object"}, {"properties": {"a": {"type": "string", "minLength": 9, "maxLength": 12}}, "required": ["a"]},
    {"type": "object", "properties": {"n": {"type": "integer", "exclusiveMinimum": 3, "multipleOf": 5}, "m": {"type": "number", "maximum": -2}}, "required": ["n", "m"]},
    {"type": "object", "properties": {"d": {"type": "string", "format": "date"}, "u": {"type": "string", "format": "uuid"}}, "required": ["d", "u"]},
    {"type": "object", "properties": {"e": {"enum": ["x", "y"]}, "c": {"const": 7}, "f": {"default": [1]}}, "required": ["e", "c", "f"], "additionalProperties": False},
    {"type": "object", "properties": {"l": {"type": "array", "items": {"$ref": "#/$defs/one"}, "minItems": 2}}, "required": ["l"], "$defs": {"one": {"type": ["null", "boolean"]}}},
    {"type": "object", "properties": {"o": {"anyOf": [{"type": "integer", "minimum": 4}, {"type": "null"}]}}, "required": ["o"]},
    {"allOf": [{"$ref": "#/$defs/base"}, {"properties": {"b": {"type": "boolean"}}, "required": ["b"]}],
     "$defs": {"base": {"type": "object", "properties": {"a": {"type": "object", "required": ["x"]}}, "required": ["a"]}}},
    {"type": "object", "properties": {"p": {"type": "string", "pattern": "^[A-Z]{3}$", "examples": ["ABC"]}}, "required": ["p"]},
]  # fmt: skip
HOPELESS = [
    {"type": "object", "properties": {"p": {"type": "string", "pattern": "^[A-Z]{3}$"}}, "required": ["p"]}, {"type": "string"},
    {"type": "object", "properties": {"r": {"$ref": "#"}}, "required": ["r"]}, {"type": "object", "properties": {"r": {"$ref": "https://a.example/x"}}, "required": ["r"]},
    {"type": "object", "minProperties": 2}, {"type": 5},
]  # fmt: skip


class Crowded(Bench):
    """One of three calls of `poke` is refused, as a bulkhead would do it under load."""

    pokes = 0

    def word(self, run: str, tool: str):
        if tool == "poke":
            self.pokes += 1
            return "status 429" if self.pokes % 3 == 0 else "ok"
        return super().word(run, tool)


@dataclass
class Runner:
    """The program of a bundle, with settings."""

    programs: Programs
    bundle: Path
    settings: Path

    def run(self, environment: str, *more) -> tuple[int, dict[tuple[str, str], tuple[str, str]], str]:
        """Its exit code, what it says of each flow of a scenario, and all that it says."""
        command = [sys.executable, self.bundle / "scenarios/central/run_scenarios.py", "--settings", self.settings, "--environment", environment, *more]
        done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=120)
        lines = (re.fullmatch(r"(passed|FAILED|left out) +(\S+) \((\S+)\)(?:: (.*))?", line) for line in done.stdout.splitlines())
        found = {(line[2], line[3]): (line[1], line[4] or "") for line in lines if line}
        return done.returncode, found, done.stdout + done.stderr


def compiled(programs: Programs, source: Path, *more) -> Path:
    """A bundle of scenarios and of the worker that runs them."""
    out = programs.folder("bundle") / "whole"
    command = [programs.mcpctl, "compile", source, "--out", out, "--quiet", "--target", "temporal", "--target", "scenarios", *more]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=120)
    if done.returncode != 0:
        raise SystemExit(f"compile of {source}: {(done.stdout + done.stderr)[:2000]}")
    return out


def own(runner: Runner, bench: Bench, tally: Tally) -> None:
    """Every scenario passes, with the calls that it is about, and none does that expects something else."""
    code, found, said = runner.run("staging")
    wanted = {one["name"] for one in yaml_of(OWN)["test_scenarios"]}
    tally.check(code == 0 and {name for name, _ in found} == wanted, f"the scenarios end with {code}: {said}")
    for (name, flow), (word, why) in found.items():
        tally.check(word == "passed", f"{name} of {flow}: {word} {why}")
    for name, calls in CALLS.items():
        got = [made.tool for made in bench.made if made.run.startswith(f"{name}-")]
        tally.check(got == calls, f"{name}: the calls are {got}")
    tokens = {made.token for made in bench.made}
    tally.check(tokens == {"from-a-file"}, f"servers get the tokens {tokens}")
    # Each expects something else.
    file = runner.bundle / "scenarios/central/scenarios.json"
    text = file.read_text()
    listed = json.loads(text)
    for one in listed["scenarios"]:
        one["expected"] = OTHER[one["expected"]]
    file.write_text(json.dumps(listed))
    code, found, said = runner.run("staging")
    tally.check(code == 1 and {name for name, _ in found} == wanted, f"with other outcomes the scenarios end with {code}: {said}")
    for one in listed["scenarios"]:
        words = {(word, f"expected is {one['expected']}, and " in why) for (name, _), (word, why) in found.items() if name == one["name"]}
        tally.check(words == {("FAILED", True)}, f"{one['name']} expects {one['expected']}: {words}")
    file.write_text(text)


def yaml_of(path: Path) -> dict:
    return next(one["integration_tests"] for one in yaml.safe_load_all(path.read_text()) if "integration_tests" in one)


def environments(runner: Runner, bench: Bench, tally: Tally) -> None:
    """Where a scenario runs, and where not."""
    code, found, said = runner.run("lab", "--scenario", "all_is_well", "--scenario", "no_books")
    tally.check(code == 0 and [word for word, _ in found.values()] == ["passed", "left out"], f"a laboratory without books: {said}")
    arguments = runner.settings.parent / "arguments.json"
    arguments.write_text(json.dumps({"workflow:reading": {"look": {"look_up": {"query": "copied"}}}}))
    code, found, said = runner.run("pre_prod", "--arguments", arguments, "--scenario", "no_books", "--scenario", "all_is_well")
    tally.check(code == 0 and found[("all_is_well", "saga:order")][0] == "left out", f"a mirror is read alone: {said}")
    arguments.write_text("{}")
    code, _, said = runner.run("pre_prod", "--arguments", arguments, "--scenario", "no_books")
    tally.check(code == 1 and "--arguments has none for workflow:reading" in said, f"copied data are made up: {said}")
    before = len(bench.made)
    for what, more, hint in (
        ("an unknown environment", ("nowhere",), "there is no environment nowhere"), ("copied data that are not given", ("pre_prod",), "--arguments"),
        ("an unknown scenario", ("staging", "--scenario", "x"), "there is no scenario x"),
        ("arguments that are no JSON", ("staging", "--arguments", OWN), f"{OWN}: "), ("settings that are no JSON", ("staging", "--settings", OWN), f"{OWN}: "),
    ):  # fmt: skip
        code, _, said = runner.run(*more)
        tally.check(code == 2 and hint in said and "Traceback" not in said, f"{what}: {code} {said}")
    tally.check(len(bench.made) == before, "what is refused calls servers")


def production(programs: Programs, runner: Runner, bench: Bench, settings: dict, tally: Tally) -> None:
    """Addresses of the workspace are called where the bundle is of the environment, and nowhere else."""
    folder = programs.folder("workspace")
    (folder / "fleet.yaml").write_text(OWN.read_text().replace("127.0.0.1:4711", f"127.0.0.1:{bench.port}"))
    (folder / "mcpctl.yaml").write_text("environments: {staging: staging}\ntargets: {temporal: {}, scenarios: {}}\n")
    (folder / "staging").mkdir()
    (folder / "staging/servers.yaml").write_text(f"mcp_registry: {{central_gateway: 'http://127.0.0.1:{bench.port}'}}\n")
    for addresses in ({}, settings["servers"]):
        file = folder / "settings.json"
        file.write_text(json.dumps({**settings, "servers": addresses}))
        before = len(bench.made)
        code, found, said = Runner(programs, compiled(programs, folder), file).run("staging", "--scenario", "all_is_well")
        left = code == 1 and {word for word, _ in found.values()} == {"left out"}
        tally.check(left and len(bench.made) == before, f"addresses of the workspace are called with {addresses}: {said}")
    file.write_text(json.dumps({key: value for key, value in settings.items() if key != "servers"}))
    code, _, said = Runner(programs, compiled(programs, folder, "--env", "staging"), file).run("staging", "--scenario", "all_is_well")
    tally.check(code == 0, f"a bundle of the environment calls its addresses: {said}")


def document(programs: Programs, stack: Stack, bench: Bench, tally: Tally) -> None:
    """The document's own scenario, with calls of two seconds, and a workflow engine that goes on without what fails."""
    folder = programs.folder("document")
    shutil.copytree(SEED, folder, dirs_exist_ok=True)
    breaker = folder / "circuit-breaker.yaml"
    breaker.write_text(breaker.read_text().replace("    timeout: 30s", "    timeout: 2s"))
    runner = Runner(programs, compiled(programs, folder), stack.folder / "settings.json")
    for environment, more, wanted in (("staging", (), 0), ("pre_prod", ("--arguments", "/dev/null"), 1)):
        if more:
            (folder / "arguments.json").write_text("{}")
            more = ("--arguments", folder / "arguments.json")
        code, found, said = runner.run(environment, *more)
        tally.check(code == wanted and list(found) == [("failure_recovery", "saga:order_processing_saga")], f"the document in {environment}: {said}")
    got = [made.tool for made in bench.made if made.run.startswith("failure_recovery-")]
    tally.check(got == ["reserve_items", "refund_charge", "release_reservation"], f"the document's failure is recovered from by {got}")
    engine = folder / "orchestration.yaml"
    engine.write_text(engine.read_text().replace("compensating_transactions", "continue"))
    tests = folder / "integration-tests.yaml"
    changed = tests.read_text().replace("payment_server_timeout", "communication_server_error").replace("compensating_transaction", "graceful_degradation")
    tests.write_text(changed)
    code, found, said = Runner(programs, compiled(programs, folder), stack.folder / "settings.json").run("staging")
    tally.check(code == 0 and found == {("failure_recovery", "workflow:customer_onboarding"): ("passed", "")}, f"without a welcome the flow goes on: {said}")


def inputs(bundle: Path, tally: Tally) -> None:
    """What is made up fits the schema that it is made up by, or nothing is."""
    sys.path.insert(0, str(bundle / "scenarios/central"))
    module = importlib.import_module("inputs")
    for schema in SCHEMAS:
        found = module.made_up(schema)
        tally.check(jsonschema.Draft202012Validator(schema).is_valid(found) and found == module.made_up(schema), f"{found} is made up by {schema}")
    for schema in HOPELESS:
        try:
            tally.fault(f"{module.made_up(schema)} is made up by {schema}")
        except module.NoInput:
            tally.checks += 1


def run(programs: Programs) -> Tally:
    tally = Tally("scenarios")
    bundle = compiled(programs, OWN)
    bench = Crowded(free_ports(1)[0], tools(flows(SEED), flows(OWN)))
    token = programs.folder("tokens") / "token"
    token.write_text("from-a-file")
    settings = {
        "servers": {server: bench.url(server) for server in bench.servers},
        "tokens": {flow: {"file": str(token)} for flow in ("saga:order", "workflow:busy", "workflow:reading")},
    }
    stack = Stack(programs, bundle / "temporal/worker", settings)
    runner = Runner(programs, bundle, stack.folder / "settings.json")
    inputs(bundle, tally)
    with bench.running(), stack.up():
        asyncio.run(stack.client())
        own(runner, bench, tally)
        environments(runner, bench, tally)
        production(programs, runner, bench, stack.settings, tally)
        document(programs, stack, bench, tally)
    tally.notes.append(f"{len(bench.made)} calls, {len(SCHEMAS)} schemas")
    return tally.end()
