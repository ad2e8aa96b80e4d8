"""Whether what is dropped from a bundle is noticed: each kind of condition of each server's policy, in all its rules, and each other
object of the mesh. The running mesh gets the spoiled object; some request that was denied must then be let through."""

import copy
import dataclasses
import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from live.tally import Tally
from live.wire import Connection

from .istio_ask import ANSWERED, Ask, Asker

SECURITY = "/apis/security.istio.io/v1/namespaces"
# That nobody acts is asked for twice: of a header, and of a claim in it. Without the claim alone nothing more is let through.
HEADER, TWICE = "request.headers[x-mcpctl-act] is none", "request.auth.claims[act][sub] is none"
# How long a changed object may take to reach a sidecar.
BOUND = 20.0


def parts(when: dict) -> list[tuple[str, str]]:
    """The conditions on one key: what they are called, and where they are written."""
    found = [(f"{when['key']} values", "values")] if "values" in when else []
    if "notValues" in when:
        found.append((f"{when['key']} {'is none' if when['notValues'] == ['*'] else 'notValues'}", "notValues"))
    return found


def conditions(policy: dict) -> list[str]:
    """The kinds of conditions of a policy: peers, methods, paths, and of each key the values and what they are not."""
    found = {"principals": None, "methods": None, "paths": None}
    for rule in policy["spec"].get("rules", []):
        for when in rule.get("when", []):
            found |= {kind: None for kind, _ in parts(when)}
    return list(found)


def dropped(policy: dict, kind: str) -> dict:
    """The policy without the conditions of a kind. Without the header nobody asks whether somebody acts, so the claim goes as well."""
    changed, kinds = copy.deepcopy(policy), {kind, TWICE} if kind == HEADER else {kind}
    for rule in changed["spec"].get("rules", []):
        if kind == "principals":
            del rule["from"]
        elif kind in ("methods", "paths"):
            del rule["to"][0]["operation"][kind]
        else:
            for when in rule["when"]:
                for one, part in parts(when):
                    if one in kinds:
                        del when[part]
            rule["when"] = [when for when in rule["when"] if "values" in when or "notValues" in when]
    return changed


# What is most likely to show that a condition is gone, by a word of its kind; a claim shows at the edges of cells.
LIKELY = {
    "principals": "another's certificate", "methods": "by ", "paths": "at ", "[iss]": "another's issuer", "[sub]": "odd token", "act": "odd token",
    "auth_time": "odd token", "mcp-": "of what nobody declared",
}  # fmt: skip


def likely(kind: str, ask: Ask) -> bool:
    return next((word for part, word in LIKELY.items() if part in kind), "edge") in ask.what.partition(": ")[0] + " "


class Spoiler:
    """`alone` are the kinds of conditions without which alone nothing more is let through."""

    def __init__(self, asker: Asker, denied: dict[str, list[Ask]], tally: Tally, alone: frozenset[str] = frozenset({TWICE})):
        self.asker, self.denied, self.tally, self.server, self.alone = asker, denied, tally, asker.pods.server, alone
        self.versions = {name: self.version(name) for name in asker.pods.servers}
        self.noticed = self.redundant = 0

    def version(self, name: str) -> int:
        stats = self.asker.pods.of_server(name).stats("lds.update_success")
        return sum(stats.values())

    def put(self, path: str, document: dict, names: list[str]) -> None:
        """Replaces an object, and remembers how far the sidecars that it concerns were."""
        self.versions |= {name: self.version(name) for name in names}
        now = self.server.ask("GET", path)
        document = copy.deepcopy(document)
        document["metadata"]["resourceVersion"] = now["metadata"]["resourceVersion"]
        self.server.ask("PUT", path, document)

    def put_all(self, some: list[tuple[str, dict, list[str]]]) -> None:
        """Each of them waits for the webhook."""
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda one: self.put(*one), some))

    def arrived(self, names: list[str]) -> bool:
        began, waiting = time.monotonic(), list(names)
        while waiting and time.monotonic() < began + BOUND:
            if self.version(waiting[0]) > self.versions[waiting[0]]:
                waiting.pop(0)
            else:
                time.sleep(0.03)
        # A listener that changed is drained; new connections are the new one's.
        time.sleep(0.05)
        return not waiting

    def opened(self, name: str, kind: str = "") -> bool:
        """Whether something that was denied is let through; the likeliest, and what was noticed last, is asked for first."""
        connections: dict[tuple, Connection] = {}
        try:
            asks = sorted(self.denied[name], key=lambda ask: not likely(kind, ask))
            # Where nothing is expected to change, the likeliest are enough.
            for ask in asks if kind not in self.alone else [ask for ask in asks if likely(kind, ask)] or asks:
                if self.asker.send(connections, ask) in ANSWERED:
                    self.denied[name].remove(ask)
                    self.denied[name].insert(0, ask)
                    return True
            return False
        finally:
            for connection in connections.values():
                connection.close()

    def policies(self) -> None:
        """Of every server one kind of condition at a time, all servers at once."""
        policies = {}
        for name, pod in self.asker.pods.servers.items():
            path = f"{SECURITY}/{pod.namespace}/authorizationpolicies"
            found = [one for one in self.server.ask("GET", path)["items"] if one["spec"].get("selector", {}).get("matchLabels") == pod.labels]
            if found:
                policies[name] = (f"{path}/{found[0]['metadata']['name']}", found[0], conditions(found[0]))
        self.policed = list(policies)
        for turn in range(max(len(kinds) for _, _, kinds in policies.values())):
            some = {name: (path, policy, kinds[turn]) for name, (path, policy, kinds) in policies.items() if turn < len(kinds)}
            self.put_all([(path, dropped(policy, kind), [name]) for name, (path, policy, kind) in some.items()])
            self.tally.check(self.arrived(list(some)), f"spoiled policies, turn {turn}, reach the sidecars")
            for name, (_, _, kind) in some.items():
                self.judge(f"{name}: no {kind}", self.opened(name, kind), kind in self.alone)
        self.put_all([(path, policy, [name]) for name, (path, policy, _) in policies.items()])
        self.tally.check(self.arrived(list(policies)), "whole policies reach the sidecars")

    def judge(self, what: str, opened: bool, redundant: bool = False) -> None:
        self.redundant += redundant
        if redundant:
            self.tally.check(not opened, f"{what}: it was thought to change nothing, and something is let through")
        else:
            self.noticed += self.tally.check(opened, f"{what}, and nobody notices")

    def object(self, what: str, path: str, names: list[str], change: Callable[[dict], None], noticed: Callable[[str], bool]) -> None:
        """Another object, spoiled and put back."""
        whole = self.server.ask("GET", path)
        spoiled = copy.deepcopy(whole)
        change(spoiled)
        self.put(path, spoiled, names)
        self.tally.check(self.arrived(names), f"{what} reaches the sidecars")
        self.judge(what, all(noticed(name) for name in names))
        self.put(path, whole, names)
        self.tally.check(self.arrived(names), f"{what}, put back, reaches the sidecars")

    def without_default(self, name: str) -> None:
        """Of a server that nobody may call nothing is said, but for what holds where nothing else does."""
        path = f"{SECURITY}/{self.asker.pods.servers[name].namespace}/authorizationpolicies"
        whole = self.server.ask("GET", f"{path}/default-deny")
        self.versions[name] = self.version(name)
        self.server.ask("DELETE", f"{path}/default-deny")
        self.tally.check(self.arrived([name]), f"{name} without a default: it reaches the sidecar")
        self.judge(f"{name}: nothing denies by default", self.opened(name))
        self.versions[name] = self.version(name)
        whole["metadata"] = {key: whole["metadata"][key] for key in ("name", "namespace", "labels")}
        self.server.ask("POST", path, whole)
        self.tally.check(self.arrived([name]), f"{name} with a default again: it reaches the sidecar")

    def others(self) -> None:
        """Of the objects that are for all servers of a namespace, one of each kind."""
        pods = self.asker.pods.servers
        namespace = next(pod.namespace for name, pod in pods.items() if name in self.policed)
        names = [name for name in self.policed if pods[name].namespace == namespace]
        path = f"{SECURITY}/{namespace}"
        for name in self.policed:
            self.tally.check(not self.asker.answers_plainly(name), f"{name} answers over a connection without TLS")
        lax = lambda one: one["spec"]["mtls"].update(mode="PERMISSIVE")
        self.object("connections without TLS", f"{path}/peerauthentications/default", names, lax, self.asker.answers_plainly)
        for one in self.server.ask("GET", f"{path}/requestauthentications")["items"][:1]:
            labels = one["spec"].get("selector", {}).get("matchLabels")
            some = [name for name in names if labels in (None, pods[name].labels)]
            self.object("tokens for others", f"{path}/requestauthentications/{one['metadata']['name']}", some, without_audiences, self.opened)
        for name in [name for name in pods if name not in self.policed][:1]:
            self.without_default(name)


def without_audiences(one: dict) -> None:
    for rule in one["spec"]["jwtRules"]:
        del rule["audiences"]


def run(asker: Asker, answers: list[tuple[Ask, int]], tally: Tally) -> Spoiler:
    denied: dict[str, list[Ask]] = {name: [] for name in asker.pods.servers}
    for ask, status in answers:
        if not ask.wanted and status not in ANSWERED:
            # Rules see no bodies. Without one a proxy keeps the connection over which it denied something.
            denied[ask.server].append(dataclasses.replace(ask, body=b""))
    for name, asks in denied.items():
        # Most is noticed by the first few.
        random.Random(name).shuffle(asks)
    spoiler = Spoiler(asker, denied, tally)
    spoiler.policies()
    spoiler.others()
    return spoiler
