"""Counting, so that nothing is said to have passed that did not run."""

import time


class Tally:
    """One part of the suite: what was tried, and what went otherwise than it should."""

    def __init__(self, name: str):
        self.name = name
        self.requests = self.allowed = self.denied = self.checks = self.bypasses = 0
        self.faults: list[str] = []
        self.notes: list[str] = []
        self.began = time.monotonic()
        self.took = 0.0

    def count(self, allowed: bool) -> None:
        self.requests += 1
        self.allowed += allowed
        self.denied += not allowed

    def fault(self, what: str, bypass: bool = False) -> None:
        self.bypasses += bypass
        self.faults.append(("BYPASS: " if bypass else "") + what)

    def check(self, good: bool, what: str) -> bool:
        self.checks += 1
        if not good:
            self.fault(what)
        return good

    def end(self) -> "Tally":
        self.took = time.monotonic() - self.began
        return self

    def shown(self) -> str:
        parts = []
        if self.requests:
            parts.append(f"{self.requests} requests, {self.allowed} allowed, {self.denied} denied")
        if self.checks:
            parts.append(f"{self.checks} checks")
        parts.append(f"{len(self.faults)} faults, {self.bypasses} bypasses")
        return f"{self.name:<12} {', '.join(parts)} ({self.took:.1f} s)"


class Missing(Exception):
    """Something that the suite needs is not there."""
