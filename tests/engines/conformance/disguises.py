"""Messages that are written in odd ways: keys in another case, spaces, nesting, batches, and much padding."""

import json
from collections.abc import Iterator

from .bodies import ANSWERS, CALL, HARMLESS, PROTOCOL, REQUESTS, called, message
from .workspace import FORBIDDEN, GRANTED

# For each key, what a reader that ignores case takes for it: the long s and the Kelvin sign are an s and a k to some.
CASES = {
    "method": ("Method", "METHOD", "methoD", "m\\u0045thod"),
    "params": ("Params", "PARAMS", "param\u017f", "Param\\u017f"),
    "name": ("Name", "NAME", "nam\\u0045"),
    "result": ("Result", "RESULT", "re\u017fult"),
    "error": ("Error", "ERROR"),
}
# What an exception can name as one: all messages whose names begin so.
BESIDE_METHOD, BESIDE_PARAMS, BESIDE_NAME = (
    f"{key} in another case beside it: " for key in ("method", "params", "name")
)
BESIDE_ANSWER = "method in another case beside an answer: "
PADDINGS = (9_000, 70_000, 1_000_000, 1_100_000)


def attacks() -> Iterator[tuple[str, str]]:
    """Each message with a name. What is before a colon is the name of a family of messages."""
    for make in (cases, shapes, padded):
        yield from make()


def cases():
    """A key, and beside it the same one in another case."""
    call = called("tools/call", CALL)
    for other in CASES["method"]:
        yield f"a call by {other}", message(*called("tools/call", CALL, other))
        for method in PROTOCOL:
            yield f"{BESIDE_METHOD}{other} after {method}", message(
                f'"method":"{method}"', *called("tools/call", CALL, other)
            )
            yield f"{BESIDE_METHOD}{other} before {method}", message(
                *called("tools/call", CALL, other), f'"method":"{method}"'
            )
        for what, answer in ANSWERS.items():
            yield f"{BESIDE_ANSWER}{other} after {what}", message(answer, *called("tools/call", CALL, other))
            yield f"{BESIDE_ANSWER}{other} before {what}", message(*called("tools/call", CALL, other), answer)
        for method, params in REQUESTS.items():
            if method != "tools/call":
                yield f"{BESIDE_ANSWER}{other} {method!r} after a result", message(
                    '"result":{}', *called(method, params, other)
                )
    for other in CASES["params"]:
        yield f"{BESIDE_PARAMS}{other} after them", message(
            '"method":"tools/call"', f'"params":{HARMLESS}', f'"{other}":{CALL}'
        )
        yield f"{BESIDE_PARAMS}{other} before them", message(
            '"method":"tools/call"', f'"{other}":{CALL}', f'"params":{HARMLESS}'
        )
        yield f"{other} alone", message('"method":"tools/call"', f'"{other}":{CALL}')
        yield f"{other} beside a result", message('"method":"tools/call"', f'"{other}":{CALL}', '"result":{}')
    for other in CASES["name"]:
        yield f"{BESIDE_NAME}{other} after it", message(
            *called("tools/call", f'{{"name":"{GRANTED}","{other}":"{FORBIDDEN}"}}')
        )
        yield f"{BESIDE_NAME}{other} before it", message(
            *called("tools/call", f'{{"{other}":"{FORBIDDEN}","name":"{GRANTED}"}}')
        )
        yield f"{other} alone", message(*called("tools/call", f'{{"{other}":"{FORBIDDEN}","arguments":{{}}}}'))
        yield f"{other} alone, beside a result", message(
            '"result":{}', *called("tools/call", f'{{"{other}":"{FORBIDDEN}"}}')
        )
    for key in ("result", "error"):
        for other in CASES[key]:
            yield f"a call after {other}", message(f'"{other}":{{}}', *call)
            yield f"a call before {other}", message(*call, f'"{other}":{{}}')
            yield f"{BESIDE_ANSWER}Method after {other}", message(
                f'"{other}":{{}}', *called("tools/call", CALL, "Method")
            )


def shapes():
    """Batches, spaces, nesting, and other ways to write."""
    call, answer = message(*called("tools/call", CALL)), message('"result":{}')
    both, harmless = message('"result":{}', *called("tools/call", CALL)), message(*called("tools/call", HARMLESS))
    for what, listed in {
        "a call": [call],
        "an answer and a call": [answer, call],
        "a granted call and a call": [harmless, call],
        "a call beside a result": [both],
        "nothing": [],
    }.items():
        yield f"a batch of {what}", "[" + ",".join(listed) + "]"
    yield "a batch in a batch", f"[[{call}]]"
    for what, space in {
        "line feeds": "\n",
        "tabs": "\t\t",
        "carriage returns": "\r\n",
        "many spaces": " " * 5000,
    }.items():
        for name, body in {"a call": call, "a call beside a result": both}.items():
            yield f"{name} with {what}", space + body.replace(",", f"{space},{space}").replace(
                ":", f"{space}:{space}"
            ) + space
    for what, (before, after) in {
        "an answer before": (answer, ""),
        "an answer and a line feed before": (answer + "\n", ""),
        "an answer after": ("", answer),
        "a granted call before": (harmless, ""),
        "a granted call after": ("", harmless),
        "a byte order mark": ("\ufeff", ""),
        "a comment": ("/*x*/", ""),
        "a null": ("\0", ""),
        "a no-break space": ("\u00a0", ""),
        "a record separator": ("\x1e", "\n"),
    }.items():
        yield f"a call with {what}", before + call + after
        yield f"a call beside a result with {what}", before + both + after
    for depth in (50, 500, 5000):
        for open_, close in (("[", "]"), ('{"a":', "}")):
            deep = open_ * depth + "1" + close * depth
            yield f"{depth} deep {open_} before a method", message(f'"result":{deep}', *called("tools/call", CALL))
            yield f"{depth} deep {open_} after a method", message(*called("tools/call", CALL), f'"result":{deep}')
            yield f"{BESIDE_METHOD}{depth} deep {open_}, then Method", message(
                '"method":"ping"', f'"x":{deep}', *called("tools/call", CALL, "Method")
            )
    yield "a name in a list", message(*called("tools/call", f'{{"name":["{GRANTED}","{FORBIDDEN}"]}}'))
    yield "a name with a null", message(*called("tools/call", f'{{"name":"{FORBIDDEN}\\u0000"}}'))
    yield "params in a list", message(*called("tools/call", f"[{CALL}]"))
    yield "params as text", message(*called("tools/call", json.dumps(CALL)))
    yield "params in params", message(*called("tools/call", f'{{"params":{CALL},"name":"{FORBIDDEN}"}}'))
    yield "a method in a list", message('"method":["tools/call"]', f'"params":{CALL}')
    yield "a null method beside Method", message('"method":null', *called("tools/call", CALL, "Method"))
    yield "a number for a method beside Method", message('"method":1', *called("tools/call", CALL, "Method"))


def padded():
    """What matters comes late, up to and beyond the largest body that a gateway reads."""
    for size in PADDINGS:
        pad = '"pad":"' + "a" * size + '"'
        many = ",".join(f'"k{number}":{number}' for number in range(size // 14))
        for what, padding in {"bytes": pad, "bytes of keys": many}.items():
            yield f"{size} {what}, then a call", message(padding, *called("tools/call", CALL))
            yield f"a result, {size} {what}, then a call", message('"result":{}', padding, *called("tools/call", CALL))
            yield f"a call, {size} {what}, then a result", message(*called("tools/call", CALL), padding, '"result":{}')
            yield f"ping, {size} {what}, then a call", message('"method":"ping"', padding, *called("tools/call", CALL))
            yield f"a granted call, {size} {what}, then params", message(
                '"method":"tools/call"', f'"params":{HARMLESS}', padding, f'"params":{CALL}'
            )
            yield f"a result, {size} {what}, then resources/list", message(
                '"result":{}', padding, '"method":"resources/list"'
            )
        yield f"a name, {size} bytes, then a name", message(
            *called("tools/call", f'{{"name":"{GRANTED}",{pad},"name":"{FORBIDDEN}"}}')
        )
