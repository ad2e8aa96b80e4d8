"""Headers `Mcp-Param-*`, in which clients repeat arguments: compared with the body where the registry knows the schema of the tool, and
taken out where nothing compares them. By hand through both gateways, with the official SDK, and with random values."""

import base64
import json
import random
import time
from fractions import Fraction

from mcp.shared.inbound import validate_mcp_param_headers

from ports import free_ports

from . import gateway, messages, request, sdk
from .fleet import Fleet
from .tally import Tally
from .wire import Connection

SERVER, TOOL = "crm_server", "get_customer"
SCHEMA = {
    "type": "object", "additionalProperties": True,
    "properties": {
        "region": {"type": "string", "x-mcp-header": "Region"},
        "amount": {"type": "integer", "x-mcp-header": "Amount"},
        "dry": {"type": "boolean", "x-mcp-header": "Dry-Run"},
        "filter": {"type": "object", "properties": {"tenant": {"type": "string", "x-mcp-header": "Tenant"}}},
    },
}
MARKED = ("        - name: get_customer\n", f"        - name: get_customer\n          input_schema: {json.dumps(SCHEMA)}\n")
COUNT, SEED, SECONDS = 8_000, 11, 90


def encoded(text: str) -> str:
    return f"=?base64?{base64.b64encode(text.encode()).decode()}?="


# The arguments as they are written, the headers after `Mcp-Param-`, and which of them arrive; None where the call is refused.
CASES = [
    ('{}', {}, {}),
    ('{"region":"eu","amount":42,"dry":true,"filter":{"tenant":"t"}}', {"Region": "eu", "AMOUNT": "42", "dry-run": "true", "Tenant": "t"},
     {"region": "eu", "amount": "42", "dry-run": "true", "tenant": "t"}),
    ('{"region":"eu"}', {"Region": "us"}, None),
    ('{"region":"eu"}', {"Region": "EU"}, None),
    ('{"region":"eu"}', {}, None),
    ('{}', {"Region": "eu"}, None),
    ('{"region":null}', {}, {}),
    ('{"region":null}', {"Region": "null"}, None),
    ('{"region":""}', {"Region": ""}, {"region": ""}),
    ('{"region":""}', {}, None),
    ('{"region":"eu"}', {"Region": "eu", "region": "eu"}, None),
    ('{"region":"eu"}', {"Region": "us", "region": "eu"}, None),
    ('{"region":"eu, us"}', {"Region": "eu, us"}, {"region": "eu, us"}),
    ('{"region":"eu, us"}', {"Region": "eu", "region": "us"}, None),
    ('{"r\\u0065gion":"e\\u0075\\/\\\\u0041"}', {"Region": "eu/\\u0041"}, {"region": "eu/\\u0041"}),
    ('{"region":"Z\\u00fcrich"}', {"Region": encoded("Zürich")}, {"region": encoded("Zürich")}),
    ('{"region":"\\ud83d\\ude00"}', {"Region": encoded("😀")}, {"region": encoded("😀")}),
    ('{"region":"\\ud83d\\ude00"}', {"Region": encoded("😁")}, None),
    ('{"region":"a\\u0000b"}', {"Region": encoded("a\0b")}, {"region": encoded("a\0b")}),
    ('{"region":"a\\u0000b"}', {"Region": encoded("a\0c")}, None),
    ('{"region":"eu"}', {"Region": encoded("eu")}, {"region": encoded("eu")}),
    ('{"region":"eu"}', {"Region": "=?base64?ZXX=?="}, None),
    ('{"region":"eu"}', {"Region": "=?base64?ZXU?="}, None),
    ('{"region":"=?base64?ZXU=?="}', {"Region": "=?base64?ZXU=?="}, None),
    ('{"region":"=?base64?ZXU=?="}', {"Region": encoded("=?base64?ZXU=?=")}, {"region": encoded("=?base64?ZXU=?=")}),
    ('{"region":" eu "}', {"Region": encoded(" eu ")}, {"region": encoded(" eu ")}),
    ('{"region":" eu "}', {"Region": " eu "}, None),
    ('{"region":["eu"]}', {"Region": "eu"}, None),
    ('{"amount":42.0}', {"Amount": "42"}, {"amount": "42"}),
    ('{"amount":4.2e1}', {"Amount": "42.00"}, {"amount": "42.00"}),
    ('{"amount":42}', {"Amount": "4.2e1"}, None),
    ('{"amount":42}', {"Amount": "042"}, None),
    ('{"amount":42}', {"Amount": "43"}, None),
    ('{"amount":9007199254740993}', {"Amount": "9007199254740992"}, None),
    ('{"amount":-0}', {"Amount": "0"}, {"amount": "0"}),
    ('{"amount":true}', {"Amount": "1"}, None),
    ('{"dry":true}', {"Dry-Run": "True"}, None),
    ('{"dry":false}', {"Dry-Run": "true"}, None),
    ('{"tenant":"t"}', {"Tenant": "t"}, None),
    ('{"filter":{"x":{"tenant":"a"},"tenant":"t"}}', {"Tenant": "a"}, None),
    ('{"filter":{"x":{"tenant":"a"},"tenant":"t"}}', {"Tenant": "t"}, {"tenant": "t"}),
    ('{"filter":"t"}', {}, {}),
    ('{"filter.tenant":"t"}', {"Tenant": "t"}, None),
    ('{"region":"eu"}', {"Region": "eu", "Other": "x"}, {"region": "eu"}),
]


def run(fleet: Fleet) -> Tally:
    tally = Tally("headers")
    others = bool(fleet.running)
    number = len(fleet.bundles)
    for name, changes in (("unmarked", []), ("marked", [MARKED])):
        bundle = fleet.compile(fleet.workspace(f"{name}-{number}", changes))
        fleet.stop_gateways()
        fleet.start_gateways(bundle)
        by_hand(fleet, tally, bool(changes))
    clients(fleet, tally)
    fleet.stop_gateways()
    if others:
        fleet.start_gateways(fleet.bundles[0])
    at_random(fleet, tally, bundle)
    return tally.end()


def by_hand(fleet: Fleet, tally: Tally, known: bool) -> None:
    """Every case, at both gateways; where no schema is known, that the headers are left as they are."""
    care = fleet.relation.principal("care_agent")
    token = fleet.presenter.token(care, {"user_delegation"}, fleet.relation.tool(SERVER, TOOL))
    for name, pair in (("central", fleet.caller(care)), ("retail", fleet.pki.gateway("central"))):
        connection = fleet.connect(name, pair)

        def send(arguments: str, repeated: dict, modern=True, listed=False):
            test_id = f"h{request.number()}"
            method = "tools/list" if listed else "tools/call"
            headers = request.headers(token, test_id, (method, None if listed else TOOL) if modern else None)
            headers |= {f"Mcp-Param-{key}" if key[0].isupper() else f"mcp-param-{key}": value for key, value in repeated.items()}
            if not modern:
                headers["mcp-protocol-version"] = request.LEGACY
            body = request.message(method, {}, 1, modern) if listed else request.call(TOOL, arguments, 1, modern)
            answer = connection.ask("POST", request.path(SERVER), headers, body)
            arrived = fleet.seen()["seen"].get(test_id)
            tally.count(arrived is not None)
            told = arrived and {key[10:]: value for key, value in arrived["told"].items() if key.startswith("mcp-param-")}
            return answer, told

        if not known:
            answer, told = send('{"region":"eu"}', {"Region": "eu"})
            tally.check(told == {"region": "eu"}, f"without a schema the header is left at {name}: {told} {answer}")
        for arguments, repeated, arrives in CASES if known else ():
            answer, told = send(arguments, repeated)
            what = f"{arguments} with {repeated} at {name}: {told} {answer}"
            if arrives is None and told is not None:
                tally.fault(what, bypass=True)
            tally.check(told == arrives, what)
            if arrives is None:
                error = (answer.message() or {}).get("error") or {}
                header = (error.get("data") or {}).get("header", "")
                tally.check(answer.status == 400 and error.get("code") == -32020 and header.startswith("mcp-param-"), what)
        for modern, listed in ((False, False), (False, True), (True, True)):
            answer, told = send('{"region":"eu"}', {"Region": "us"}, modern, listed)
            tally.check(told == {}, f"nothing compares it ({modern=}, {listed=}) at {name}: {told} {answer}")
        connection.close()


def clients(fleet: Fleet, tally: Tally) -> None:
    """The official SDK repeats what the server marks, and the call runs; the server itself compares it again."""
    care = fleet.relation.principal("care_agent")
    pair = fleet.caller(care)
    listed = []
    for region in ("eu", "Zürich", " padded ", "=?base64?x?=", "a\nb", ""):
        token = fleet.presenter.token(care, {"user_delegation"}, fleet.relation.tool(SERVER, TOOL), 1)
        listed.append(({
            "url": f"https://127.0.0.1:{fleet.listen['central']}/{SERVER}/mcp", "token": token, "cert": str(pair.cert), "key": str(pair.key),
            "ca": str(fleet.pki.gateways.file), "mode": "auto", "tool": TOOL, "arguments": {"region": region},
        },))
    newer, _ = sdk.pythons(fleet.engines)
    found = sdk.answers(newer, listed)
    repeated = fleet.seen()["repeated"]
    tally.check(len(repeated) == len(listed), f"the SDK repeats the argument in each call: {repeated}")
    tally.check(len(found) == len(listed) and all(answer.get("text") == f"ran {SERVER}/{TOOL}" for answer in found), f"the SDK's calls run: {found}")


class Values:
    """Random arguments and headers: most of them the same, and some nearly."""

    TEXTS = ["eu", "EU", "", " eu", "eu ", "a b", "a,b", "é", "e\u0301", "😀", "a\tb", "a\nb", "a\0b", "=?base64?ZXU=?=", "=?base64?=", "=?BASE64?eu?=",
             'q"\\/', "true", "42", "4.0", "null", "\\u0065u", "\x7f"]
    NUMBERS = ["0", "-0", "1", "42", "42.0", "4.2e1", "420e-1", "-7", "-7.00", "1.5", "100", "1e2", "9007199254740991", "9007199254740993", "1e21", "0.1"]

    def __init__(self, seed: int):
        self.dice = random.Random(seed)

    def written(self, text: str) -> str:
        """The text as JSON, with or without escapes that it does not need."""
        found = json.dumps(text, ensure_ascii=self.dice.random() < 0.5)
        if text and text[0].isascii() and text[0].isalnum() and self.dice.random() < 0.3:
            found = f'"\\u{ord(text[0]):04x}{found[2:]}'
        return found.replace("/", "\\/") if self.dice.random() < 0.3 else found

    def value(self, kind: str) -> str:
        dice = self.dice
        if dice.random() < 0.06:
            kind = dice.choice(["string", "integer", "boolean", "null", "[1]", '{"a":1}'])
        if kind == "string":
            return self.written(dice.choice(self.TEXTS))
        return dice.choice(self.NUMBERS) if kind == "integer" else dice.choice(["true", "false"]) if kind == "boolean" else kind

    def header(self, raw: str) -> str:
        """What a client would send for it, or something near."""
        dice, value = self.dice, json.loads(raw)
        text = value if isinstance(value, str) else raw
        chance = dice.random()
        if chance < 0.15:
            text = dice.choice([*self.TEXTS[:13], *self.NUMBERS, "true", "True", "false", text.upper(), text + "0", text + ".0", "0" + text])
        safe = all(32 <= ord(letter) < 127 for letter in text) and text == text.strip() and not text.startswith("=?base64?")
        if not safe and dice.random() < 0.93 or dice.random() < 0.15:
            made = encoded(text)
            return made if dice.random() < 0.95 else dice.choice([made.replace("=?=", "?="), made.replace("base64", "Base64"), made[:-1], made + "="])
        return "".join(letter for letter in text if letter not in "\r\n\0").encode().decode("latin-1")

    def call(self) -> tuple[str, list[tuple[str, str]]]:
        dice, members, headers = self.dice, [], []
        for key, kind, name in (("region", "string", "Region"), ("amount", "integer", "Amount"), ("dry", "boolean", "Dry-Run"), ("tenant", "string", "Tenant")):
            raw = self.value(kind) if dice.random() < 0.5 else None
            if raw is not None:
                member = f"{self.written(key)}:{dice.choice(['', ' '])}{raw}"
                members.append(member if key != "tenant" else f'"filter":{{"x":[{{{member}}}],{member}}}' if dice.random() < 0.8 else member)
            present = raw not in (None, "null") and raw[0] not in "[{"
            if present if dice.random() < 0.95 else not present:
                headers.append((f"Mcp-Param-{name}", self.header(raw or '"eu"')))
                if dice.random() < 0.03:
                    headers.append((f"mcp-param-{name}", headers[-1][1]))
        dice.shuffle(members)
        return "{" + ",".join(members) + "}", headers


def numeric(text: str) -> Fraction | None:
    whole = text.removeprefix("-").partition(".")[0]
    plain = text.removeprefix("-").replace(".", "", 1)
    if not (text.isascii() and plain.isdigit()) or text.endswith(".") or not whole or whole != "0" and whole.startswith("0"):
        return None
    return Fraction(text)


def agrees(raw: Fraction | str | bool, literal: str, header: str) -> bool:
    text = raw if isinstance(raw, str) else literal
    if header.startswith("=?base64?") and header.endswith("?="):
        if header != encoded(text):
            return False
        header = text
    elif header != header.strip(" \t") or any(not (letter == "\t" or 32 <= ord(letter) < 127) for letter in header):
        return False
    return raw.denominator == 1 and numeric(header) == raw if isinstance(raw, Fraction) else header == text


def expected(arguments: dict, headers: list[tuple[str, str]]) -> bool:
    """Whether each argument is in its header, once and as it is, and no header has no argument."""
    filter_ = arguments.get("filter")
    found = {"region": arguments.get("region"), "amount": arguments.get("amount"), "dry-run": arguments.get("dry"),
             "tenant": filter_.get("tenant") if isinstance(filter_, dict) else None}
    for name, value in found.items():
        given = [text for key, text in headers if key.lower() == f"mcp-param-{name}"]
        if value is None or isinstance(value, (dict, list)):
            if given:
                return False
        else:
            literal = value[0] if isinstance(value, tuple) else str(value).lower()
            raw = Fraction(value[0]) if isinstance(value, tuple) else value
            if len(given) != 1 or not agrees(raw, literal, given[0]):
                return False
    return True


def numbers_elsewhere(arguments: dict) -> bool:
    inner = arguments.get("filter")
    return any(isinstance(value, tuple) for value in (arguments.get("region"), arguments.get("dry"), inner.get("tenant") if isinstance(inner, dict) else None))


def at_random(fleet: Fleet, tally: Tally, bundle) -> None:
    port, admin = free_ports(2)
    folder = fleet.work / f"headers-{port}"
    folder.mkdir()
    compiled = json.loads((bundle / "central/envoy.static.yaml").read_text())
    (folder / "headers.json").write_text(json.dumps(messages.configuration(compiled, port, admin, f"{SERVER}/messages")))
    envoy = gateway.Envoy(fleet.envoy, folder, admin, "headers.json").start()
    try:
        compare(tally, port)
        tally.check(envoy.process.poll() is None, "Envoy ended by itself")
    finally:
        envoy.stop()


def compare(tally: Tally, port: int) -> None:
    values, began = Values(SEED), time.monotonic()
    connection = Connection(port, None)
    equal = refused = stricter = 0
    for number in range(COUNT):
        if not tally.check(time.monotonic() - began < SECONDS, f"{number} calls took more than {SECONDS} s"):
            break
        arguments, headers = values.call()
        plain = {"content-type": "application/json", "accept": "*/*", "mcp-protocol-version": request.MODERN, "mcp-method": "tools/call", "mcp-name": TOOL}
        answer = connection.ask("POST", "/", plain | dict(headers), request.call(TOOL, arguments, 1, True))
        said = answer.headers.get(messages.FOUND, "")
        # Envoy itself refuses some control characters.
        kind = json.loads(said).get("kind") if said.startswith("{") else "mismatch" if answer.status == 400 else f"{answer.status}"
        parsed = json.loads(arguments, parse_int=lambda text: (text,), parse_float=lambda text: (text,))
        tally.count(kind == "request")
        # HTTP/1 takes spaces off the ends of a value.
        arrived = [(key, text.strip(" \t")) for key, text in headers]
        wanted = "request" if expected(parsed, arrived) else "mismatch"
        what = f"{arguments} with {headers} is a {wanted}, and Envoy finds {kind}"
        if not tally.check(kind == wanted, what):
            tally.bypasses += kind == "request"
        # What passes here, passes at a server of the official SDK, which takes no number for a text.
        official = validate_mcp_param_headers(SCHEMA, json.loads(arguments), Pairs(arrived))
        if kind == "request" and not numbers_elsewhere(parsed):
            tally.check(official is None, f"{arguments} with {headers}: the SDK says {official}")
        equal, refused, stricter = equal + (kind == "request"), refused + (kind == "mismatch"), stricter + (kind == "mismatch" and official is None)
    connection.close()
    tally.notes.append(f"at random: {equal} calls whose headers are equal, {refused} others, {stricter} of which the SDK alone would take")
    tally.check(equal >= COUNT // 5 and refused >= COUNT // 5, f"the calls are not what was meant: {tally.notes}")


class Pairs:
    """Headers as the SDK looks at them, some of them twice."""

    def __init__(self, pairs):
        self.pairs = pairs

    def items(self):
        return self.pairs
