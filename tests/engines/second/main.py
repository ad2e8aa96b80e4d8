"""`python -m second.main PART --mcpctl PROGRAM --examples FOLDER --engine NAME=FOLDER...`: one second engine on every bundle."""

import argparse
import importlib
import sys
from pathlib import Path

from live.part import ended

from .bundles import Programs

PARTS = {"cedar": "cedar", "agentcore": "agentcore", "ai-gateway": "ai_gateway", "toolhive": "toolhive", "network": "network", "kubernetes": "kubernetes", "istio": "istio", "keycloak": "keycloak"}


def main() -> int:
    options = argparse.ArgumentParser()
    options.add_argument("part", choices=PARTS)
    options.add_argument("--mcpctl", type=Path, required=True)
    options.add_argument("--examples", type=Path, required=True)
    options.add_argument("--engine", action="append", default=[], metavar="NAME=FOLDER")
    given = options.parse_args()
    engines = {name: Path(folder) for name, _, folder in (one.partition("=") for one in given.engine)}
    part = importlib.import_module(f".{PARTS[given.part]}", __package__)
    return ended("second", lambda work: part.run(Programs(given.mcpctl, given.examples, engines, work)))


if __name__ == "__main__":
    sys.exit(main())
