"""`temporal` by Temporal: the worker of a bundle runs the plans of a bundle, and real MCP servers get exactly the calls that the workspace
declares: also where a call fails or is late, and where a program is killed.

What is expected is worked out from the YAML of the workspace, and from no file that is compiled.
"""

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from ports import free_ports

from live.tally import Tally
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle
from temporalio.runtime import Runtime, TelemetryConfig

from .programs import HERE, READY_SECONDS, ROOT, Programs
from .toolbench import Bench

OWN, CACHED, ROUTED = HERE / "flows.yaml", HERE / "cached.yaml", HERE / "routed.yaml"
SEED = ROOT / "fixtures/seed"
QUEUE, SECONDS = "mcpctl", 60
ONBOARDING, SAGA = "workflow-customer-onboarding", "saga-order-processing-saga"


def sections(path: Path) -> list[dict]:
    files = sorted(path.glob("*.yaml")) if path.is_dir() else [path]
    return [one for file in files for one in yaml.safe_load_all(file.read_text())]


def flows(path: Path) -> dict[str, dict]:
    """The flows of a workspace, each as a list of steps with server, calls and compensations."""
    found = {}
    for section in sections(path):
        for kind in ("workflow", "saga"):
            if flow := section.get(f"{kind}_definition"):
                found[flow["name"]] = [
                    {
                        "server": step["mcp_server"],
                        "calls": step.get("tools") or [step["action"]],
                        "undo": [step["compensation"]] if isinstance(step.get("compensation"), str) else step.get("compensation", []),
                    }
                    for step in flow["steps"]
                ]
    return found


def tools(*workspaces: dict[str, list[dict]]) -> dict[str, list[str]]:
    """Every tool, by server."""
    found: dict[str, set[str]] = {}
    for step in (step for workspace in workspaces for flow in workspace.values() for step in flow):
        found.setdefault(step["server"], set()).update(step["calls"] + step["undo"])
    return {server: sorted(names) for server, names in found.items()}


@dataclass
class Stack:
    """Temporal's development server and one worker, which are killed and come back."""

    programs: Programs
    worker: Path
    settings: dict
    ports: list[int] = field(default_factory=lambda: free_ports(4))
    running: dict[str, subprocess.Popen] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.folder = self.programs.folder("temporal")
        self.settings["temporal"] = {"address": self.address, "task_queue": QUEUE}
        (self.folder / "settings.json").write_text(json.dumps(self.settings))

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.ports[0]}"

    def start(self, name: str) -> None:
        commands = {
            "server": [self.programs.engine / "bin/temporal", "server", "start-dev", "--headless", "--ip", "127.0.0.1", "--port", self.ports[0], "--http-port", self.ports[1],
                       "--metrics-port", self.ports[2], "--db-filename", self.folder / "temporal.db", "--log-level", "error"],
            "worker": [sys.executable, self.worker / "run.py", self.folder / "settings.json"],
        }  # fmt: skip
        with (self.folder / f"{name}.log").open("ab") as log:
            environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "TEST_SECRET": "the-secret"}
            self.running[name] = subprocess.Popen([str(part) for part in commands[name]], cwd=self.folder, stdout=log, stderr=log, env=environment)

    def kill(self, *names: str) -> None:
        """Ends them at once, as a crash would."""
        for name in names:
            if process := self.running.pop(name, None):
                process.kill()
                process.wait()

    async def client(self) -> Client:
        until = time.monotonic() + READY_SECONDS
        while True:
            try:
                return await Client.connect(self.address)
            except RuntimeError:
                if time.monotonic() > until or self.running["server"].poll() is not None:
                    raise SystemExit(f"Temporal did not get ready: {(self.folder / 'server.log').read_text()[-2000:]}") from None
                await asyncio.sleep(0.1)

    @contextlib.contextmanager
    def up(self) -> Iterator["Stack"]:
        try:
            self.start("server")
            yield self
        finally:
            self.kill("worker", "server")


@dataclass
class Runs:
    """Runs of plans, and what becomes of them."""

    client: Client
    bench: Bench
    plans: dict[str, dict]
    tally: Tally
    folder: Path

    async def start(self, run: str, plan: str | dict, arguments: dict | None = None) -> WorkflowHandle:
        plan = self.plans[plan] if isinstance(plan, str) else plan
        given = {"plan": plan, "arguments": arguments or {}}
        return await self.client.start_workflow("mcpctl", given, id=run, task_queue=QUEUE)

    async def outcome(self, handle: WorkflowHandle) -> dict:
        """What a run says at its end; what it fails with, where it does."""
        try:
            return await asyncio.wait_for(handle.result(), SECONDS)
        except WorkflowFailureError as error:
            cause = error.cause
            return {"outcome": "failed", "type": getattr(cause, "type", type(cause).__name__), "message": str(cause)}

    async def to_the_end(self, run: str, plan: str | dict, arguments: dict | None = None) -> dict:
        return await self.outcome(await self.start(run, plan, arguments))

    async def until(self, what: Callable[[], bool], seconds: float = SECONDS) -> bool:
        until = time.monotonic() + seconds
        while not what() and time.monotonic() < until:
            await asyncio.sleep(0.02)
        return what()

    def check(self, run: str, expected: list[str], outcome: dict, word: str) -> None:
        """The calls that servers got in a run, in order, and its outcome."""
        got = self.bench.tools(run)
        self.tally.check(got == expected, f"{run}: the calls are {got} and not {expected}")
        self.tally.check(outcome["outcome"] == word, f"{run}: the outcome is {outcome} and not {word}")
        keys: dict[str, set[str]] = {}
        for made in self.bench.of(run):
            keys.setdefault(made.key, set()).add(made.tool)
        self.tally.check(all(len(names) == 1 for names in keys.values()), f"{run}: calls share a key: {keys}")
        stable = {made.tool for made in self.bench.of(run)}
        self.tally.check(len(keys) == len(stable), f"{run}: {len(stable)} tools have {len(keys)} keys")


def plans(*folders: Path) -> dict[str, dict]:
    return {path.stem: json.loads(path.read_text()) for folder in folders for path in (folder / "plans").glob("*.json")}


def run(programs: Programs) -> Tally:
    from . import flow_cached, flow_cases, flow_parts, flow_proofs, flow_results, flow_routed

    # What is replayed on purpose with another workflow would be logged.
    Runtime.set_default(Runtime(telemetry=TelemetryConfig(logging=None)))
    tally = Tally("temporal")
    seed, own, cached = flows(SEED), flows(OWN), flows(CACHED)
    of_seed, of_own, of_cached, of_routed = (programs.compiled(one, "temporal") for one in (SEED, OWN, CACHED, ROUTED))
    caches = programs.compiled(CACHED, "cache-plan") / "central"
    bench = Bench(free_ports(1)[0], tools(seed, own, cached) | flow_routed.SERVERS)
    token = programs.folder("tokens") / "late"
    token.write_text("from-a-file")
    endpoint = {"endpoint": f"http://127.0.0.1:{bench.port}/token", "client_id": "flows", "secret_env": "TEST_SECRET"}
    short = {**endpoint, "client_id": "short"}
    settings = {
        "servers": {server: bench.url(server) for server in bench.servers},
        "cache": {"plans": [str(caches / "plan.json")]},
        "tokens": {"saga:late": {"file": str(token)}} | {"saga:once": endpoint, "workflow:shaky": endpoint, "workflow:approved": endpoint, "saga:archive": endpoint, "workflow:wide": short},
    }

    async def all_cases(stack: Stack) -> None:
        client = await stack.client()
        stack.start("worker")
        runs = Runs(client, bench, plans(of_seed, of_own, of_cached, of_routed), tally, stack.folder)
        await asyncio.gather(flow_cases.together(runs, seed, stack, token), flow_cached.cached(runs), flow_results.results(runs, stack))
        await flow_routed.routed(runs)
        noticed = await flow_proofs.spoiled(runs, seed)
        runs.client = await flow_cases.killed(runs, stack)
        replayed = await flow_proofs.replayed(runs, of_seed / "worker")
        await flow_parts.parts(runs, of_seed / "worker")
        flow_cached.layers(runs, caches)
        await flow_cached.misnamed(runs, caches)
        tally.notes.append(f"{len({made.run for made in bench.made})} runs, {len(bench.made)} calls, {replayed} histories replayed, {noticed} spoiled plans noticed")

    with bench.running(), Stack(programs, of_seed / "worker", settings).up() as stack:
        try:
            asyncio.run(asyncio.wait_for(all_cases(stack), 3 * SECONDS))
        except BaseException:
            print((stack.folder / "worker.log").read_text()[-3000:], file=sys.stderr)
            raise
    return tally.end()
