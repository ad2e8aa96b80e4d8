"""The exceptions: what does not hold behind the gateways, with a reason. One that is not used is a fault, too."""

from pathlib import Path

import yaml

FILE = Path(__file__).with_name("exceptions.yaml")
# How many gateways are before a server.
HOPS = {0: "straight", 1: "one hop", 2: "two hops"}
FIELDS = {
    "suite": {"revision", "hops", "scenario", "checks"},
    "clients": {"clients", "hops", "steps"},
    "authorization": {"clients", "hops", "steps"},
    "inspector": {"hops", "calls"},
    "attacks": {"name"},
    "controls": {"name"},
}


def load() -> dict[str, dict[str, str]]:
    """For each part, what may fail there and why. An exception for several gateways or checks is several."""
    found = {part: {} for part in FIELDS}
    for part, listed in (yaml.safe_load(FILE.read_text()) or {}).items():
        for one in listed or []:
            if part not in FIELDS or set(one) != FIELDS[part] | {"reason"} or not one["reason"]:
                raise SystemExit(
                    f"{FILE.name}: {part}: {one}: an exception has {sorted(FIELDS.get(part, ()))} and a reason"
                )
            for key in keys(one):
                if key in found[part]:
                    raise SystemExit(f"{FILE.name}: {part}: {key} is listed twice")
                found[part][key] = one["reason"]
    return found


def keys(one: dict) -> list[str]:
    if "scenario" in one:
        return [
            key("suite", one["revision"], hops, one["scenario"], check)
            for hops in one["hops"]
            for check in one["checks"]
        ]
    if "clients" in one:
        return [
            key("clients", client, hops, step)
            for client in one["clients"]
            for hops in one["hops"]
            for step in one["steps"]
        ]
    if "calls" in one:
        return [key("inspector", hops, call) for hops in one["hops"] for call in one["calls"]]
    return [str(one["name"])]


def key(part: str, *values) -> str:
    """How a part names what failed."""
    forms = {"suite": "{}, {}: {}: {}", "inspector": "{}: {}"}
    return forms.get(part, "{}, {}: {}").format(*(HOPS.get(value, value) for value in values))


def judge(part: str, failures: dict[str, str], excepted: dict[str, str]) -> list[str]:
    """What is at fault: failures that are not excepted, and exceptions that are none."""
    worse = [f"{part}: {name}: {why}" for name, why in sorted(failures.items()) if name not in excepted]
    stale = [
        f"{part}: {name}: it no longer fails; delete the exception ({why})"
        for name, why in sorted(excepted.items())
        if name not in failures
    ]
    return worse + stale
