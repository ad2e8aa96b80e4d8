"""Messages that a gateway and a server could read differently: answers that are requests, too, and keys given twice.
Their caller may use one tool, `GRANTED`, and the methods of the protocol itself."""

import json
from collections.abc import Iterator

from .workspace import FORBIDDEN, GRANTED

CALL = f'{{"name":"{FORBIDDEN}","arguments":{{}}}}'
HARMLESS = f'{{"name":"{GRANTED}","arguments":{{}}}}'
HEAD = '"jsonrpc":"2.0","id":1'
REF_PROMPT = '{"ref":{"type":"ref/prompt","name":"greet"},"argument":{"name":"x","value":""}}'
REF_RESOURCE = '{"ref":{"type":"ref/resource","uri":"note://one"},"argument":{"name":"x","value":""}}'
# Requests that are not granted, with their parameters.
REQUESTS = {
    "tools/call": CALL,
    "resources/list": None,
    "resources/templates/list": None,
    "prompts/list": None,
    "tasks/list": None,
    "tasks/get": '{"taskId":"1"}',
    "tasks/result": '{"taskId":"1"}',
    "tasks/update": '{"taskId":"1"}',
    "tasks/cancel": '{"taskId":"1"}',
    "resources/read": '{"uri":"note://one"}',
    "resources/subscribe": '{"uri":"note://one"}',
    "prompts/get": '{"name":"greet"}',
    "completion/complete": REF_PROMPT,
    "sampling/createMessage": '{"messages":[],"maxTokens":1}',
    "roots/list": None,
    "x-vendor/tools.call": CALL,
    "x-vendor/run": f'{{"tool":"{FORBIDDEN}"}}',
    "x-vendor/all": None,
    "tools/run": f"[{CALL}]",
    "elicitation/create": '{"message":"x"}',
    "tools/call/": CALL,
    "Tools/Call": CALL,
    " tools/call": CALL,
    "": CALL,
}
# What makes a message an answer.
ANSWERS = {
    "a result": '"result":{}',
    "a null result": '"result":null',
    "a full result": f'"result":{{"content":[],"name":"{GRANTED}"}}',
    "an error": '"error":{"code":1,"message":"x"}',
    "a null error": '"error":null',
    "a result and an error": '"result":{},"error":{"code":1,"message":"x"}',
}
PROTOCOL = ("ping", "tools/list", "initialize", "notifications/initialized", "server/discover")


def message(*members: str) -> str:
    return "{" + ",".join((HEAD, *(member for member in members if member))) + "}"


def called(method: str, params: str | None, key: str = "method") -> list[str]:
    return [f'"{key}":{json.dumps(method)}', f'"params":{params}' if params else ""]


def attacks() -> Iterator[tuple[str, str]]:
    """Each message with a name."""
    for make in (plain, answers, twice):
        yield from make()


def plain():
    for method, params in REQUESTS.items():
        yield f"{method!r} alone", message(*called(method, params))
        yield f"{method!r} without an id", message(*called(method, params)).replace('"id":1,', "")
    yield "completion of a resource", message(*called("completion/complete", REF_RESOURCE))


def answers():
    """An answer that is a request, too."""
    for method, params in REQUESTS.items():
        for what, answer in ANSWERS.items():
            members = called(method, params)
            yield f"{method!r} after {what}", message(answer, *members)
            yield f"{method!r} before {what}", message(*members, answer)
        yield f"{method!r} around a result", message(members[0], '"result":{}', members[1])
        yield f"{method!r} beside a result, without an id", message('"result":{}', *members).replace('"id":1,', "")
        yield f"{method!r} escaped, beside a result", message('"result":{}', *members).replace(
            '"method"', '"m\\u0065thod"'
        )
        yield f"a result, escaped, beside {method!r}", message('"r\\u0065sult":{}', *members)
    for id_ in ('"x"', "null", "1.5", "[1]", "{}", "true"):
        yield f"a call beside a result, with the id {id_}", message('"result":{}', *called("tools/call", CALL)).replace(
            '"id":1', f'"id":{id_}'
        )
    for version in ('"jsonrpc":"1.0",', "", '"jsonrpc":2.0,', '"jsonrpc":null,'):
        yield f"a call beside a result, with {version or 'no version'}", message(
            '"result":{}', *called("tools/call", CALL)
        ).replace('"jsonrpc":"2.0",', version)


def twice():
    """The same key twice, one of them harmless."""
    for first, second in ((HARMLESS, CALL), (CALL, HARMLESS)):
        yield f"params twice, {first[9:14]} first", message(
            '"method":"tools/call"', f'"params":{first}', f'"params":{second}'
        )
        yield f"params twice, escaped, {first[9:14]} first", message(
            '"method":"tools/call"', f'"params":{first}', f'"p\\u0061rams":{second}'
        )
        yield f"params twice, {first[9:14]} first, beside a result", message(
            '"result":{}', '"method":"tools/call"', f'"params":{first}', f'"params":{second}'
        )
    for first, second in ((GRANTED, FORBIDDEN), (FORBIDDEN, GRANTED)):
        yield f"name twice, {first} first", message(*called("tools/call", f'{{"name":"{first}","name":"{second}"}}'))
        yield f"name twice, escaped, {first} first", message(
            *called("tools/call", f'{{"name":"{first}","n\\u0061me":"{second}"}}')
        )
    for method in PROTOCOL:
        yield f"method twice, {method} first", message(f'"method":"{method}"', *called("tools/call", CALL))
        yield f"method twice, {method} last", message(*called("tools/call", CALL), f'"method":"{method}"')
        yield f"method twice, escaped, {method} first", message(
            f'"method":"{method}"', *called("tools/call", CALL, "m\\u0065thod")
        )
    for answer in ('"result":{},"result":{}', '"error":{},"error":{}', '"result":{},"r\\u0065sult":{}'):
        yield f"{answer} beside a call", message(*called("tools/call", CALL), answer)


LOOKALIKES = (
    f'"arguments":{{"method":"tools/call","name":"{FORBIDDEN}","params":{CALL},"result":{{}},"error":{{}},"id":2,'
    '"Method":"x","Name":"y"}'
)


def granted() -> dict[str, str]:
    """Messages that have to reach the server, with the call that is in them."""
    return {
        "a granted call": HARMLESS,
        "a granted call with what looks like another inside": f'{{"name":"{GRANTED}",{LOOKALIKES}}}',
        "a granted call of 500,000 bytes": f'{{"name":"{GRANTED}","arguments":{{"pad":"{"a" * 500_000}"}}}}',
    }


def responses() -> dict[str, str]:
    """Answers, and nothing else, as a client sends them to a server that has asked."""
    return {
        "a response with a result": message('"result":{}'),
        "a response with an error": message('"error":{"code":-1,"message":"no"}'),
        "a response with a text for an id": message('"result":{}').replace('"id":1', '"id":"a-1"'),
        "a response with the id last": '{"jsonrpc":"2.0","result":{"action":"decline"},"id":7}',
        "a response with what looks like a call inside": message(
            f'"result":{{"method":"tools/call","params":{CALL},"error":{{}}}}'
        ),
        "a response of 500,000 bytes": message(f'"result":{{"content":{{"type":"text","text":"{"a" * 500_000}"}}}}'),
    }
