"""Random messages to the two filters that say what a message is, as they are compiled, in an Envoy of its own that tells what they
found. What they find is compared with what Python's JSON reader finds: they may refuse more, and never tell anything else."""

import http.client
import json
import random
import time

from ports import free_ports

from . import gateway
from .fleet import Fleet
from .tally import Tally

COUNT, SEED, SECONDS = 12_000, 7, 120
FILTERS = ("envoy.filters.http.mcp", "mcpctl.message")
FOUND = "x-found"

# What the filters are to know, written down again here.
MESSAGE = ("jsonrpc", "id", "method", "params", "result", "error")
PARAMS = ("name uri arguments ref argument context cursor level task taskId requestId reason progressToken progress total message protocolVersion"
          " capabilities clientInfo notifications inputResponses requestState _meta").split()
REF = ("type", "name", "uri", "title")
NOTIFICATIONS = ("toolsListChanged", "promptsListChanged", "resourcesListChanged", "resourceSubscriptions")
MOST = 4  # resources of one subscription
METHODS = ("ping", "tools/call", "subscriptions/listen", "completion/complete")


class Pairs(list):
    """An object, with its keys in their order and as often as they are there."""


def ascii_of(text: str) -> bool:
    return all(32 <= ord(letter) < 127 for letter in text)


def plain(pairs: Pairs, known) -> bool:
    """Whether every key is there once, is plain ASCII, and is none of the known ones in another case."""
    lower = {key.lower(): key for key in known}
    keys = [key for key, _ in pairs]
    return len(set(keys)) == len(keys) and all(ascii_of(key) and lower.get(key.lower(), key) == key for key in keys)


def expected(message) -> dict:
    """What the filters have to find in a message; nothing for what is not a single request, notification or response."""
    if not isinstance(message, Pairs) or not plain(message, MESSAGE):
        return {}
    top = dict(message)
    if "method" not in top:
        is_answer = len(top) == 3 and "jsonrpc" in top and "id" in top and ("result" in top or "error" in top)
        return {"kind": "response"} if is_answer else {}
    if "result" in top or "error" in top:
        return {}
    params = top.get("params")
    if not isinstance(params, Pairs):
        return {"kind": "request", "subscribes": "nothing"}
    inner = dict(params)
    reference = inner.get("ref")
    if not plain(params, PARAMS) or isinstance(reference, Pairs) and not plain(reference, REF):
        return {}
    return {"kind": "request"} | subscribed(inner)


def subscribed(params: dict) -> dict:
    if "notifications" not in params:
        return {"subscribes": "nothing"}
    wanted = params["notifications"]
    if not isinstance(wanted, Pairs) or not plain(wanted, NOTIFICATIONS) or any(key not in NOTIFICATIONS for key, _ in wanted):
        return {}
    uris = dict(wanted).get("resourceSubscriptions", [])
    if isinstance(uris, list) and not isinstance(uris, Pairs):
        if not uris:
            return {"subscribes": "nothing"}
        if len(uris) <= MOST and all(isinstance(uri, str) and ascii_of(uri) and "\\" not in uri and '"' not in uri for uri in uris):
            return {"subscribes": "some"} | {f"uri{place}": uri for place, uri in enumerate(uris, 1)}
    return {}


class Maker:
    """Random messages: most of them nearly right, and some with a letter too many or too few."""

    KEYS = [*MESSAGE, "Method", "METHOD", "Params", "x", "extra", "Result", "iD", "me thod", "é", 'a"b', "mſg", "jſonrpc"]
    OF_PARAMS = ["name", "uri", "arguments", "_meta", "ref", "notifications", "Name", "URI", "x", "taskId", "taskid", "cursor", "ref ", "naïve"]
    OF_REF = ["type", "name", "uri", "title", "Type", "x"]
    OF_NOTIFICATIONS = ["toolsListChanged", "resourceSubscriptions", "promptsListChanged", "ResourceSubscriptions", "x"]
    URIS = [True, [], ["a://b"], ["a://b", "c"], ["a/b"], ["a\\b"], ['a"b'], [1], "x", ["é"], [["a"]], [" a://b"],
            ["a://b", "c\\"], ["a://b", 1], ["a", "b", "a"], list("abcd"), list("abcde")]
    SCALARS = [1, -2.5e3, True, None, "a", "b}]", 'q"[{', "\\", "é", "/x/", "", [1, {"a": "]"}], {"k": {"method": "x"}}]
    SPACES = ["", "", "", " ", "\n", "\t "]
    DAMAGE = ['"', "{", "}", "[", "]", ",", ":", "\\", " ", "\u00a0", "e", "0", "\n", "\t", "\x01", "\x7f"]

    def __init__(self, seed: int):
        self.dice = random.Random(seed)

    def pick(self, keys, most: int, value) -> Pairs:
        chosen = self.dice.sample(keys, min(len(keys), self.dice.randint(0, most)))
        return Pairs((key, value(key)) for key in chosen)

    def text(self) -> str:
        dice = self.dice
        chance = dice.random()
        if chance < 0.15:
            keys = ["jsonrpc", "id", "method", "notifications"]
        elif chance < 0.35:
            keys = ["jsonrpc", "id", "method", "params"]
        elif chance < 0.55:
            keys = ["jsonrpc", "id", dice.choice(["result", "error"])]
        else:
            keys = ["jsonrpc", "id", *dice.sample(self.KEYS[2:], dice.randint(0, 4))]
        if chance > 0.3 and dice.random() < 0.2:
            keys.append(dice.choice(self.KEYS[2:]))
        keys = list(dict.fromkeys(keys))
        dice.shuffle(keys)
        text = self.written(Pairs(self.listening() if key == "notifications" else (key, self.top(key)) for key in keys))
        if dice.random() < 0.2:
            at = dice.randrange(len(text))
            text = text[:at] + dice.choice(["", dice.choice(self.DAMAGE), text[at] * 2]) + text[at + 1:]
        return text

    def top(self, key: str):
        if key == "jsonrpc":
            return "2.0"
        if key == "id":
            return self.dice.choice([1, "a", None])
        if key == "method":
            return self.dice.choice(METHODS)
        if key == "params":
            return self.dice.choice([None, [1], *[self.pick(self.OF_PARAMS, 4, self.param) for _ in range(3)]])
        return self.dice.choice(self.SCALARS)

    def listening(self) -> tuple[str, Pairs]:
        """The parameters of a subscription, most of them as they should be."""
        wanted = Pairs([("resourceSubscriptions", self.dice.choice(self.URIS)), *self.pick(self.OF_NOTIFICATIONS[:1], 1, self.wanted)])
        return "params", Pairs([("notifications", wanted), *self.pick(self.OF_PARAMS[:4], 1, self.param)])

    def param(self, key: str):
        if key == "ref":
            return self.dice.choice([self.pick(self.OF_REF, 4, lambda _: self.dice.choice(self.SCALARS)), "x", None])
        if key == "notifications":
            keys = self.dice.choice([self.OF_NOTIFICATIONS, self.OF_NOTIFICATIONS[:3]])
            return self.dice.choice([self.pick(keys, 3, self.wanted), self.pick(["resourceSubscriptions"], 1, self.wanted), [], "x"])
        return self.dice.choice(self.SCALARS)

    def wanted(self, key: str):
        return self.dice.choice(self.URIS) if key.lower() == "resourcesubscriptions" else True

    def string(self, text: str) -> str:
        dice = self.dice
        written = json.dumps(text, ensure_ascii=dice.random() < 0.5)
        if dice.random() < 0.15 and len(written) > 2 and written[1] not in '\\"' and ord(written[1]) < 128:
            written = f'"\\u{ord(written[1]):04x}{written[2:]}'
        return written.replace("/", "\\/") if dice.random() < 0.3 else written

    def written(self, value) -> str:
        space = lambda: self.dice.choice(self.SPACES)  # noqa: E731
        if isinstance(value, Pairs):
            members = (f"{space()}{self.string(key)}{space()}:{space()}{self.written(inner)}{space()}" for key, inner in value)
            return "{" + (",".join(members) or space()) + "}"
        if isinstance(value, list):
            return "[" + (",".join(f"{space()}{self.written(inner)}{space()}" for inner in value) or space()) + "]"
        if isinstance(value, str):
            return self.string(value)
        return json.dumps(value)


def configuration(compiled: dict, port: int, admin: int, known_to: str = "") -> dict:
    """Both filters as they are compiled, and an answer that holds what they found. `known_to` is the route whose metadata they have."""
    manager = compiled["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]
    filters = {one["name"]: one for one in manager["typed_config"]["http_filters"]}
    router = {"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"}
    route = {
        "match": {"prefix": "/"}, "direct_response": {"status": 200},
        "response_headers_to_add": [{"header": {"key": FOUND, "value": f"%DYNAMIC_METADATA({FILTERS[1]})%"}}],
    }
    for one in manager["typed_config"]["route_config"]["virtual_hosts"][0]["routes"]:
        if one["name"] == known_to:
            route["metadata"] = one["metadata"]
    own = {
        "@type": manager["typed_config"]["@type"], "stat_prefix": "messages",
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [route]}]},
        "http_filters": [*(filters[name] for name in FILTERS), {"name": "envoy.filters.http.router", "typed_config": router}],
    }

    def at(number: int) -> dict:
        return {"socket_address": {"address": "127.0.0.1", "port_value": number}}

    chain = {"filters": [{"name": manager["name"], "typed_config": own}]}
    listener = {"name": "messages", "address": at(port), "per_connection_buffer_limit_bytes": 2 * 1024 * 1024, "filter_chains": [chain]}
    return {"admin": {"address": at(admin)}, "static_resources": {"listeners": [listener]}}


def run(fleet: Fleet) -> Tally:
    tally = Tally("messages")
    port, admin = free_ports(2)
    folder = fleet.work / f"messages-{port}"
    folder.mkdir()
    compiled = json.loads((fleet.bundles[-1] / "central/envoy.static.yaml").read_text())
    (folder / "messages.json").write_text(json.dumps(configuration(compiled, port, admin)))
    envoy = gateway.Envoy(fleet.envoy, folder, admin, "messages.json").start()
    try:
        compare(tally, port)
        tally.check(envoy.process.poll() is None, "Envoy ended by itself")
    finally:
        envoy.stop()
    return tally.end()


def compare(tally: Tally, port: int) -> None:
    maker, began = Maker(SEED), time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    kinds: dict[str, int] = {}
    stricter = refused = broken = 0
    for number in range(COUNT):
        if not tally.check(time.monotonic() - began < SECONDS, f"{number} messages took more than {SECONDS} s"):
            break
        text = maker.text()
        try:
            wanted = expected(json.loads(text, object_pairs_hook=Pairs))
        except ValueError:
            wanted, broken = {}, broken + 1
        connection.request("POST", "/", text.encode(), {"content-type": "application/json", "accept": "*/*"})
        answer = connection.getresponse()
        answer.read()
        tally.count(answer.status == 200)
        if answer.status != 200:
            refused += 1
            continue
        said = answer.getheader(FOUND) or ""
        found = json.loads(said) if said.startswith("{") else {}
        shown = "{subscribes} {kind}".format(**{"kind": "nothing", "subscribes": "?"} | wanted)
        kinds[shown] = kinds.get(shown, 0) + 1
        # An escape in a key or in a URI may be refused, for it would have to be undone first.
        if found != wanted and "\\" in text and found.items() <= wanted.items():
            stricter += 1
            continue
        if not tally.check(found == wanted, f"{text!r} is {wanted}, and the filters find {found}"):
            tally.bypasses += not found.items() <= wanted.items()
    connection.close()
    tally.notes.append(f"{refused} refused by Envoy's own filter, {stricter} by ours alone, {broken} were no JSON; {dict(sorted(kinds.items()))}")
    # What is never tried shows nothing.
    for kind in ("nothing request", "some request", "? request", "? response", "? nothing"):
        tally.check(kinds.get(kind, 0) >= COUNT // 400, f"too few messages are {kind}: {kinds}")
    tally.check(stricter <= COUNT // 4 and refused <= 3 * COUNT // 5 and broken >= COUNT // 50, f"the messages are not what was meant: {tally.notes}")
