"""A circuit breaker for each server: closed, open for a time, and then half open for some trial calls.

It is this worker's own, and begins closed. A call that it refuses is not sent.
"""

import time
from collections.abc import Callable


class Open(Exception):
    """The call is not sent. `after`: in how many seconds it may be tried again; `None` while trial calls are being made."""

    def __init__(self, after: float | None):
        super().__init__("the circuit breaker is open" if after is not None else "trial calls are being made")
        self.after = after


class Breaker:
    def __init__(self, limits: dict | None, clock: Callable[[], float] = time.monotonic):
        self.limits = limits
        self.clock = clock
        self.failures = 0  # in a row, while closed
        self.opened: float | None = None
        self.trials = 0  # under way
        self.passed = 0  # trial calls that succeeded

    def enter(self) -> bool:
        """Lets a call through, or raises `Open`. Answers whether it is a trial."""
        if self.limits is None or self.opened is None:
            return False
        left = self.opened + self.limits["openMs"] / 1000 - self.clock()
        if left > 0:
            raise Open(left)
        if self.trials + self.passed >= self.limits["halfOpenCalls"]:
            raise Open(None)
        self.trials += 1
        return True

    def leave(self, trial: bool, healthy: bool | None) -> None:
        """What became of a call: whether the server answered, or `None` where that is not known."""
        if self.limits is None:
            return
        if trial:
            self.trials -= 1
        if healthy is False:
            self._failed(trial)
        elif healthy and trial and self.opened is not None:
            self.passed += 1
            if self.passed >= self.limits["halfOpenCalls"]:
                self.opened, self.passed, self.failures = None, 0, 0
        elif healthy and self.opened is None:
            self.failures = 0

    def _failed(self, trial: bool) -> None:
        if self.opened is None:
            self.failures += 1
            if self.failures < self.limits["failureThreshold"]:
                return
        elif not trial:
            return  # it began before the breaker opened
        self.opened, self.passed = self.clock(), 0
