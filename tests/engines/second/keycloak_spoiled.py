"""Spoiled bundles before real tokens. Each must change an answer; otherwise the comparison of the whole one shows nothing."""

import re

DENY = r'("name": "[^"]*{}", "action": )"DENY"'
ALLOWED = r'\1"ALLOW"'
# What is spoiled, by which replacement, and the tokens that have to show it.
WAYS: list[tuple[str, str, str, set[str]]] = []


def run(bench, table: dict[str, dict[str, int]], tally) -> int:
    """How many were noticed."""
    whole, noticed = (bench.bundle / "envoy.static.yaml").read_text(), 0
    return noticed
