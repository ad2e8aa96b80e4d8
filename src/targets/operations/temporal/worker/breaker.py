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
        self.phase = 0  # how often it has opened
        self.trials = 0  # under way, of this phase
        self.passed = 0  # trial calls of this phase that succeeded

    def enter(self) -> int:
        """Lets a call through, or raises `Open`. Answers the phase that it is a trial of, and 0 where it is none."""
        if self.limits is None or self.opened is None:
            return 0
        left = self.opened + self.limits["openMs"] / 1000 - self.clock()
        if left > 0:
            raise Open(left)
        if self.trials + self.passed >= self.limits["halfOpenCalls"]:
            raise Open(None)
        self.trials += 1
        return self.phase

    def leave(self, trial: int, healthy: bool | None) -> None:
        """What became of a call: whether the server answered, or `None` where that is not known."""
        # A trial of an earlier phase says nothing about this one.
        if self.limits is None or trial not in (0, self.phase):
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

    def _failed(self, trial: int) -> None:
        if self.opened is None:
            self.failures += 1
            if self.failures < self.limits["failureThreshold"]:
                return
        elif not trial:
            return  # it began before the breaker opened
        self.opened, self.passed, self.trials = self.clock(), 0, 0
        self.phase += 1
