"""Whether spoiled files are noticed: each is judged by the requests that concern it, until one is decided differently."""

import random
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from live.tally import Tally

# Most are noticed by the first few requests.
FIRST = 400


def noticed(work: Path, tally: Tally, variants: Iterable[tuple[str, str, list]], differs: Callable[[Path, list], bool]) -> int:
    """`variants` are what is spoiled, the text of the file, and the requests; `differs` decides some of these by that file."""

    def one(numbered: tuple[int, tuple[str, str, list]]) -> tuple[str, bool]:
        number, (what, text, requests) = numbered
        file = work / f"spoiled-{number}.yaml"
        file.write_text(text)
        shuffled = random.Random(number).sample(requests, len(requests))
        found = any(differs(file, part) for part in (shuffled[:FIRST], shuffled[FIRST:]) if part)
        file.unlink()
        return what, found

    with ThreadPoolExecutor(2) as pool:
        judged = list(pool.map(one, enumerate(variants)))
    return sum(tally.check(found, f"{what}, and nobody notices") for what, found in judged)
