"""`python -m operations.main PART --mcpctl PROGRAM --engine FOLDER`: one engine with the files that are compiled for it."""

import argparse
import importlib
import sys
from pathlib import Path

from live.part import ended

from .programs import Programs

PARTS = {
    "chaos": "experiments",
    "consul": "services",
    "elasticsearch": "logs",
    "kafka": "events",
    "otel": "tracing",
    "pools": "connections",
    "prometheus": "monitoring",
    "redis": "caches",
    "scenarios": "scenario_runs",
    "temporal": "flows",
}


def main() -> int:
    options = argparse.ArgumentParser()
    options.add_argument("part", choices=PARTS)
    options.add_argument("--mcpctl", type=Path, required=True)
    options.add_argument("--engine", type=Path, required=True)
    options.add_argument("--more", action="append", default=[], help="NAME=PATH: another program or folder that the part needs")
    given = options.parse_args()
    more = {name: Path(path) for name, path in (one.split("=", 1) for one in given.more)}
    part = importlib.import_module(f".{PARTS[given.part]}", __package__)
    return ended("operations", lambda work: part.run(Programs(given.mcpctl.resolve(), given.engine, work, more)))


if __name__ == "__main__":
    sys.exit(main())
