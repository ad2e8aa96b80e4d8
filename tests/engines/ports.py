"""Ports for servers that are about to start.

They lie below those that systems give to connections (32768 and more), so that no connection takes one before its server does, and
each process begins at a place of its own, so that tests beside each other do not choose the same.
"""

import contextlib
import os
import socket

FIRST, END = 10_000, 32_000
_next = FIRST + os.getpid() * 101 % (END - FIRST)


def free_ports(count: int) -> list[int]:
    """Ports of the loopback interface that nobody listens on, none of them twice, also in later calls."""
    global _next
    found = []
    with contextlib.ExitStack() as stack:
        for _ in range(END - FIRST):
            if len(found) == count:
                return found
            port, _next = _next, _next + 1 if _next + 1 < END else FIRST
            one = stack.enter_context(socket.socket())
            with contextlib.suppress(OSError):
                one.bind(("127.0.0.1", port))
                found.append(port)
    raise RuntimeError(f"there are no {count} free ports between {FIRST} and {END}")
