"""Every principal, every tool, every set of facts that a request can show: is the outcome that of the normal form?

What a connection shows is decided before a request is sent: without a certificate (`tls` without `mtls`) or without TLS
at all the gateway hears of no token. Those are tried once for each principal and tool, with every other fact.
"""

import itertools

from . import request
from .fleet import Fleet
from .tally import Tally
from .wire import Answer, Refused

CODE = -32001


def subsets(facts: list[str]):
    for size in range(len(facts) + 1):
        yield from (set(chosen) for chosen in itertools.combinations(facts, size))


class Judge:
    """Compares answers with what the relation says, and keeps what servers should and should not have seen."""

    def __init__(self, fleet: Fleet, tally: Tally):
        self.fleet, self.tally = fleet, tally
        self.expected: dict[str, tuple[bool, str]] = {}

    def answer(self, test_id: str, allow: bool, answer: Answer | None, what: str, missing: set[str] | None = None, id_=None, reason=True) -> None:
        """`answer` is None where the connection was refused. The reason must name a requirement of `missing`."""
        self.expected[test_id] = (allow, what)
        self.tally.count(bool(answer) and answer.status == 200 and not self._is_denial(answer))
        if answer is None:
            if allow:
                self.tally.fault(f"{what}: the connection was refused")
            return
        denied = self._is_denial(answer)
        if allow and (denied or answer.status >= 300):
            self.tally.fault(f"{what}: should be allowed: {answer}")
        if allow or not denied:
            # Whether something got through that should not have is seen at the servers.
            return
        said = answer.message() or {}
        if answer.status == 403 and reason:
            named = answer.reason()
            if said.get("error", {}).get("code") != CODE or (id_ is not None and said.get("id") != id_):
                self.tally.fault(f"{what}: a denial of another form: {answer}")
            asked = named.partition("deny:missing_")[2]
            if missing and not any(fact in asked for fact in missing):
                self.tally.fault(f"{what}: the reason {named!r} names none of {sorted(missing)}")
            if not missing and "deny:missing_" in named:
                self.tally.fault(f"{what}: nothing would help, and the reason is {named!r}")

    @staticmethod
    def _is_denial(answer: Answer) -> bool:
        if answer.status in (401, 403):
            return True
        said = answer.message()
        error = said.get("error") if isinstance(said, dict) else None
        return isinstance(error, dict) and error.get("code") == CODE

    def settle(self) -> None:
        """What the servers saw is what was allowed, no more and no less."""
        arrived = self.fleet.seen()
        for test_id, (allow, what) in self.expected.items():
            if (test_id in arrived["seen"]) != allow:
                if allow:
                    self.tally.fault(f"{what}: allowed, and the server saw nothing")
                else:
                    self.tally.fault(f"{what}: reached the server", bypass=True)
        for test_id in set(arrived["seen"]) - set(self.expected):
            self.tally.fault(f"a server saw a request that nobody sent: {test_id}")
        for token in arrived["tokens"]:
            self.tally.fault(f"a server saw a token: {token}", bypass=True)
        self.tally.checks += len(self.expected)
        self.expected = {}
        return arrived


def shown(facts: set[str]) -> str:
    return "{" + ", ".join(sorted(facts)) + "}"


def run(fleet: Fleet, fraction: int = 1) -> Tally:
    """`fraction` n tries every n-th set of facts, for a quick look."""
    tally = Tally("matrix")
    judge = Judge(fleet, tally)
    for principal in fleet.relation.principals:
        connection = fleet.connect("central", fleet.caller(principal))
        for tool in fleet.relation.tools():
            whole(fleet, judge, connection, principal, tool, "central", fraction)
            unit = fleet.relation.behind(tool["server"])
            if unit:
                hop = fleet.connect(unit, fleet.pki.gateway("central"))
                whole(fleet, judge, hop, principal, tool, unit, fraction)
                hop.close()
        connection.close()
        judge.settle()
    refusals(fleet, judge)
    impossible(fleet, judge)
    judge.settle()
    ran(fleet, tally)
    return tally.end()


def whole(fleet, judge, connection, principal, tool, gateway, fraction) -> None:
    relation, presenter = fleet.relation, fleet.presenter
    given = relation.given(principal)
    for turn, holding in enumerate(subsets(presenter.varied(tool))):
        if turn % fraction:
            continue
        facts = holding | given
        allow = relation.allows(principal, tool, facts)
        token = presenter.token(principal, holding, tool, turn)
        ask(judge, connection, principal, tool, gateway, token, presenter.arguments(holding, turn), allow,
            relation.missing(principal, tool, facts), f"with {shown(holding)}, form {turn}", turn)


def ask(judge, connection, principal, tool, gateway, token, arguments, allow, missing, how, turn=0) -> None:
    id_ = request.number()
    modern = tool["server"] in request.STATEFUL or turn % 2 == 0
    what = f"{principal['name']} calls {tool['server']}/{tool['name']} through {gateway} {how} ({arguments})"
    headers = request.headers(token, f"m{id_}", ("tools/call", tool["name"]) if modern else None)
    body = request.call(tool["name"], arguments, id_, modern)
    try:
        answer = connection.ask("POST", request.path(tool["server"]), headers, body)
    except Refused:
        answer = None
    judge.answer(f"m{id_}", allow, answer, what, missing, id_)
    if allow and answer and f"ran {tool['server']}/{tool['name']}" not in answer.text():
        judge.tally.fault(f"{what}: it did not run: {answer}")


def refusals(fleet: Fleet, judge: Judge) -> None:
    """Without a certificate, and without TLS; and a unit's gateway with anybody's certificate but the central one's."""
    relation, presenter = fleet.relation, fleet.presenter
    for principal in relation.principals:
        for tool in relation.tools():
            everything = set(presenter.varied(tool))
            token = presenter.token(principal, everything, tool)
            arguments = presenter.arguments(everything, 0)
            ways = [("central", None, "without a certificate"), ("central", "plain", "without TLS")]
            unit = relation.behind(tool["server"])
            if unit:
                ways += [(unit, None, "without a certificate"), (unit, fleet.caller(principal), "with its own certificate")]
            for gateway, pair, how in ways:
                connection = fleet.connect(gateway, None if pair == "plain" else pair)
                if pair == "plain":
                    connection.context = None
                # Transport facts are missing, which no answer has to say.
                facts = everything | (relation.given(principal) - {"tls", "mtls"})
                missing = relation.missing(principal, tool, facts)
                allow = gateway == "central" and not missing and relation.allows(principal, tool, facts)
                ask(judge, connection, principal, tool, gateway, token, arguments, allow, missing or None, how)
                connection.close()


def impossible(fleet: Fleet, judge: Judge) -> None:
    """Callers that are nobody, and issuers that may not speak for the caller: denied whatever else holds."""
    relation, presenter = fleet.relation, fleet.presenter
    for tool in relation.tools():
        everything = set(presenter.varied(tool))
        arguments = presenter.arguments(everything, 0)
        for principal in relation.principals:
            connection = fleet.connect("central", fleet.caller(principal))
            for issuer in relation.silent_for(principal):
                token = presenter.token(principal, everything, tool, issuer=issuer)
                ask(judge, connection, principal, tool, "central", token, arguments, False, None, f"by {issuer}")
            connection.close()
        stranger = {"name": "nobody", "kind": "any_agent", "unit": None, "subject": None}
        connection = fleet.connect("central", fleet.caller(stranger))
        issuer = relation.issuers[0]["issuer"]
        claim = relation.unit_claim
        acting = {"act": {"sub": f"spiffe://{relation.trust_domain}/ns/x/sa/nobody"}}
        declared = next(one["subject"] for one in relation.principals if one["kind"] == "agent")
        for how, more in {
            "of no unit": {claim: None}, "of an unknown unit": {claim: "nowhere"}, "of a unit in a list": {claim: ["retail"]},
            "of the centre": {claim: "central"}, "acting for an agent": {"sub": declared} | acting,
            "acting namelessly for an agent": {"sub": declared, "act": {}}, "acting as a text": {"sub": declared, "act": declared},
            "without a subject": {"sub": None, "act": None},
        }.items():
            token = presenter.token(stranger, everything, tool, issuer=issuer, **more)
            ask(judge, connection, stranger, tool, "central", token, arguments, False, None, how)
        connection.close()


def ran(fleet: Fleet, tally: Tally) -> None:
    """That the condition of every cell was seen from both sides, where it has two."""
    both = sum(1 for sets, _ in fleet.relation.cells.values() if sets)
    tally.notes.append(f"{both} cells, {len(fleet.relation.principals)} principals, {len(fleet.relation.tools())} tools")
