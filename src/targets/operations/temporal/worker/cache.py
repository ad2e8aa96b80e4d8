"""The layers at `client` of the plans of caches: results that this worker keeps, each for the flow whose call made it.

What a plan does not name is not kept, and no entry outlives its time, its layer's size, or this process.
"""

import json
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

VERSION = 1
# Which entry makes room, by the word of `eviction`: that with the least of this. `none` makes no room.
LEAST = {
    None: lambda entry: entry.used,
    "lru": lambda entry: entry.used,
    "lfu": lambda entry: (entry.hits, entry.used),
    "fifo": lambda entry: entry.made,
    "ttl_based": lambda entry: entry.until,
    "random": lambda entry: random.random(),
}


@dataclass
class Entry:
    result: str
    size: int
    until: float
    made: int
    used: int
    hits: int = 0


class Layer:
    def __init__(self, plan: dict, clock: Callable[[], float] = time.monotonic):
        self.seconds = plan["ttlMs"] / 1000
        self.most, self.eviction = plan.get("maxBytes"), plan.get("eviction")
        self.tools = {(server, tool) for server, kept in plan["keep"].items() for tool in kept.get("tools", [])}
        self.clock = clock
        self.entries: dict[str, Entry] = {}
        self.count = 0

    def get(self, key: str) -> str | None:
        entry = self.entries.get(key)
        if entry is None or entry.until <= self.clock():
            self.entries.pop(key, None)
            return None
        self.count += 1
        entry.used, entry.hits = self.count, entry.hits + 1
        return entry.result

    def put(self, key: str, result: str) -> None:
        now = self.clock()
        self.entries = {other: entry for other, entry in self.entries.items() if other != key and entry.until > now}
        size = len(key.encode()) + len(result.encode())
        if self.most is not None and size > self.most:
            return
        while self.most is not None and sum(entry.size for entry in self.entries.values()) + size > self.most:
            if self.eviction == "none":
                return
            del self.entries[min(self.entries, key=lambda other: LEAST[self.eviction](self.entries[other]))]
        self.count += 1
        self.entries[key] = Entry(result, size, now + self.seconds, self.count, self.count)


class Cache:
    def __init__(self, layers: list[Layer]):
        self.layers = layers

    def _layers(self, given: dict) -> list[Layer]:
        """Those that may keep the result of a call. What undoes a step is never answered from a cache."""
        call = (given["call"]["server"], given["call"]["tool"])
        return [] if given["undoes"] else [layer for layer in self.layers if call in layer.tools]

    def get(self, given: dict) -> str | None:
        found = (layer.get(key(given)) for layer in self._layers(given))
        return next((result for result in found if result is not None), None)

    def put(self, given: dict, result: str) -> None:
        for layer in self._layers(given):
            layer.put(key(given), result)


def key(given: dict) -> str:
    """The caller, what is called, and with what."""
    plan, call = given["plan"], given["call"]
    who = [plan["flow"], plan["identity"].get("subject")]
    return json.dumps([*who, call["server"], call["tool"], given["arguments"]], sort_keys=True)


def cache(paths: list[str]) -> Cache:
    """The layers at `client` of plans."""
    return Cache([layer for path in paths for layer in layers(path, json.loads(Path(path).read_text("utf-8")))])


def layers(path: str, plan: dict) -> list[Layer]:
    try:
        if plan["version"] != VERSION:
            raise ValueError(f"{path}: it is not a plan of caches of version {VERSION}")
        for layer in plan["layers"]:
            if layer["cacheScope"] != "private" or layer.get("eviction") not in {*LEAST, "none"}:
                raise ValueError(f"{path}: layer {layer['name']} asks for what this worker does not do")
        return [Layer(one) for one in plan["layers"] if one.get("location") == "client" and "ttlMs" in one]
    except (KeyError, TypeError, AttributeError):
        raise ValueError(f"{path}: it is not a plan of caches") from None
