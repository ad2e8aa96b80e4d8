"""The plan of caches, as the worker keeps to it: who is answered without a call, and what is never kept."""

import asyncio
import importlib
import json
import time
from pathlib import Path

from temporalio.testing import ActivityEnvironment

from .flows import Runs

READER, OTHER = "workflow-reader", "workflow-other-reader"
# The time of the layer in `cached.yaml`.
TTL = 45
# What evicts, with the entry that is gone: a, b and c are put, of which two fit, and a is read twice before c comes. c expires first of all.
EVICTED = [("lru", "b"), ("lfu", "b"), ("fifo", "a"), ("ttl_based", "a"), ("none", "c")]


async def cached(runs: Runs) -> None:
    """Runs of flows that read. A run that reads the same again within the time is not told by its server's ledger."""
    began = time.monotonic()
    everything, rest = ["look_up", "count_visit", "look_in"], ["count_visit", "look_in"]
    runs.check("cached-first", everything, await runs.to_the_end("cached-first", READER), "success")
    kept = time.monotonic()
    runs.check("cached-again", rest, await runs.to_the_end("cached-again", READER), "success")
    runs.check("cached-other", ["look_up"], await runs.to_the_end("cached-other", OTHER), "success")
    runs.tally.check(time.monotonic() - began < TTL, "the runs took longer than entries live, so they show nothing")
    given = {"look": {"look_up": {"query": "another"}}}
    runs.check("cached-argument", everything, await runs.to_the_end("cached-argument", READER, given), "success")
    # A failure is no result.
    failing = {"look": {"look_up": {"query": "failing"}}}
    runs.bench.tell("cached-failure", "look_up", "fail")
    await runs.to_the_end("cached-failure", READER, failing)
    runs.check("cached-mended", everything, await runs.to_the_end("cached-mended", READER, failing), "success")
    await asyncio.sleep(max(0.0, kept + TTL + 0.5 - time.monotonic()))
    runs.check("cached-late", everything, await runs.to_the_end("cached-late", READER), "success")


async def misnamed(runs: Runs, folder: Path) -> None:
    """Whoever starts a run writes its plan, and may give a server the URL of another one. Nothing is kept under that name, or answered."""
    calls, module = importlib.import_module("calls"), importlib.import_module("cache")
    kept = module.cache([str(folder / "plan.json")])
    site, other, asked = "http://127.0.0.1:9/site_server/mcp", "http://127.0.0.1:9/vault_server/mcp", []

    class Answered(calls.Calls):
        async def _call(self, plan: dict, given: dict, url: str, seconds: float) -> str:
            asked.append(url)
            return "{}"

    worker = Answered({}, {("site_server", site)}, None, kept)
    call = {"call": {"server": "site_server", "tool": "look_up"}, "arguments": {}, "undoes": [], "key": "k"}
    for url in (other, site, site, other):
        plan = {"flow": "workflow:reader", "identity": {}, "servers": {"site_server": {"url": url, "callTimeoutMs": 1000}}}
        await ActivityEnvironment().run(worker.call_tool, {**call, "plan": plan})
    runs.tally.check(asked == [other, site, other], f"of four calls with two URLs these are made: {asked}")


def layers(runs: Runs, folder: Path) -> None:
    """A layer by itself: its time, its size, and what makes room."""
    module = importlib.import_module("cache")
    for eviction, gone in EVICTED:
        now = [0.0]
        layer = module.Layer({"ttlMs": 1000, "maxBytes": 10, "eviction": eviction, "keep": {}}, lambda: now[0])
        for name in "ab":
            layer.put(name, "1234")
            now[0] += 0.1
        found = [layer.get("b"), layer.get("a"), layer.get("a")]
        layer.put("c", "1234")
        left = {name for name in "abc" if layer.get(name)}
        runs.tally.check(found == ["1234"] * 3 and left == {*"abc"} - {gone}, f"{eviction} leaves {left}")
        layer.put("d", "12345678901")
        runs.tally.check(layer.get("d") is None and len(layer.entries) == 2, f"{eviction}: what is larger than the layer makes room")
        now[0] += 1
        runs.tally.check(not [name for name in "abcd" if layer.get(name)], f"{eviction}: an entry outlives its time")
    plan = json.loads((folder / "plan.json").read_text())
    for key, value in (("version", 2), ("layers", [{**plan["layers"][0], "cacheScope": "public"}]), ("layers", [{}]), ("layers", 5)):
        try:
            module.layers("plan.json", {**plan, key: value})
            runs.tally.check(False, f"a plan with {key} {value} is taken")
        except ValueError as fault:
            runs.tally.check(str(fault).startswith("plan.json: "), f"the fault of a plan is {fault}")
