"""Tokens: which claims show which facts, and how a fact is not shown by what only looks like it."""

import base64
import json
import time

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

LIFETIME = 3600
USER = "user:ada"


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def claims(token: str) -> dict:
    """What a token says."""
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def number(value: int) -> str:
    return b64(value.to_bytes((value.bit_length() + 7) // 8, "big"))


class Issuer:
    """An issuer with one key. Without an audience of its own, each token names that of the server that it is for."""

    def __init__(self, issuer: str, audience: str | None, kid: str):
        self.issuer, self.audience, self.kid = issuer, audience, kid
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def jwks(self) -> str:
        public = self.key.public_key().public_numbers()
        jwk = {"kty": "RSA", "alg": "RS256", "use": "sig", "kid": self.kid}
        return json.dumps({"keys": [jwk | {"n": number(public.n), "e": number(public.e)}]}, indent=2) + "\n"

    def token(self, claims: dict, header: dict | None = None, nulls: list[str] = ()) -> str:
        """A token with these claims and what every token has; a claim that is None is left out, those of `nulls` are null."""
        now = int(time.time())
        whole = {"iss": self.issuer, "aud": self.audience, "iat": now, "exp": now + LIFETIME} | claims
        whole = {name: value for name, value in whole.items() if value is not None} | dict.fromkeys(nulls)
        head = {"alg": "RS256", "typ": "JWT", "kid": self.kid} | (header or {})
        signed = ".".join(b64(json.dumps(part).encode()) for part in (head, whole))
        return f"{signed}.{b64(self.key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


def audience(urls: list[str], turn: int):
    """An `aud` that names a server by one of its URLs, as a text or in a list."""
    url = urls[turn % len(urls)]
    return [url, ["https://elsewhere.example/mcp", url], [url]][turn // len(urls) % 3]


def expand(template: str, object_: dict, unit: str | None) -> str | None:
    """The text that a claim has to hold for this object; None where it cannot be said."""
    text = template.replace("{server}", object_["server"])
    if "{tool}" in text:
        if object_["kind"] != "tool":
            return None
        text = text.replace("{tool}", object_["name"])
    if "{unit}" in text:
        if not unit:
            return None
        text = text.replace("{unit}", unit)
    return text


# Values of a claim that do not hold the text, however close they come. None leaves the claim out.
def near(text: str, turn: int):
    forms = [
        None, text + "x", ["x" + text, text + "/x"], [[text]], {text: True}, text.upper(), f"{text},{text}", "", True,
        [f" {text}"], 1, [], f"*{text[-3:]}", [text[:-1]],
    ]
    return forms[turn % len(forms)]


def held(text: str, turn: int):
    forms = [text, [text], ["other", text], [text, text, 5]]
    return forms[turn % len(forms)]


def within(test: dict, turn: int):
    low, high = test["at_least"], test["at_most"]
    forms = [high, low if low is not None else high - 1, high - 0.5, 1.0 * high, f"{high / 10:.0e}"]
    value = forms[turn % len(forms)]
    return Raw(value) if isinstance(value, str) else value


def beyond(test: dict, turn: int):
    """Arguments that are not within; `Raw` is written as it stands, MISSING not at all."""
    high = test["at_most"]
    forms = [
        high + 1, str(high - 1), MISSING, None, True, [high - 1], {"value": high - 1}, high + 0.001,
        Raw("-1") if test["at_least"] is not None else high + 1, "", Raw("1e18"), Raw("18446744073709551617"),
    ]
    return forms[turn % len(forms)]


class Raw(str):
    """JSON text that is sent as it stands."""


MISSING = object()


def arguments_text(arguments: dict) -> str:
    def one(value):
        return str(value) if isinstance(value, Raw) else json.dumps(value)

    return "{" + ",".join(f"{json.dumps(k)}:{one(v)}" for k, v in arguments.items() if v is not MISSING) + "}"


class Presenter:
    """Makes the token and the arguments of a request in which exactly some facts hold."""

    def __init__(self, relation, issuers: dict[str, Issuer]):
        self.relation, self.issuers = relation, issuers
        self._signed: dict[str, str] = {}

    def varied(self, object_: dict) -> list[str]:
        """The facts that tokens and arguments can show for an object, one way or the other."""
        found = []
        for name, evidence in self.relation.evidence.items():
            if evidence["kind"] == "claim":
                test = evidence["test"]
                text = expand(test["contains"], object_, self.relation.unit_of(object_)) if "contains" in test else ""
                found += [name] if text is not None else []
            elif evidence["kind"] == "argument" and object_["kind"] == "tool":
                found.append(name)
        return found

    def claims(self, principal: dict, holding: set[str], object_: dict, turn: int) -> dict:
        subject = self.relation.subject_of(principal)
        claims = {"sub": subject}
        if principal["kind"] == "any_agent" and principal["unit"]:
            claims[self.relation.unit_claim] = principal["unit"]
        for fact, evidence in self.relation.evidence.items():
            if evidence["kind"] != "claim":
                continue
            test, turn = evidence["test"], turn * 7 + 3
            if "differs_from" in test:
                assert (evidence["path"], test["differs_from"]) == (["act", "sub"], ["sub"]), "one kind of delegation"
                if fact in holding:
                    claims |= {"sub": USER, "act": {"sub": subject}}
                else:
                    not_delegated = [{}, {"act": {"sub": subject}}, {"sub": None, "act": {"sub": subject}}, {"sub": "", "act": {"sub": subject}}]
                    claims |= not_delegated[turn % len(not_delegated)]
                continue
            text = expand(test["contains"], object_, self.relation.unit_of(object_))
            if text is None:
                # Nothing shows this fact for this object; what would for another kind of object is shown all the same.
                claims[evidence["path"][0]] = [f"{object_['server']}/{object_['name']}", test["contains"]]
                continue
            claims[evidence["path"][0]] = held(text, turn) if fact in holding else near(text, turn)
        return claims

    def token(self, principal: dict, holding: set[str], object_: dict, turn: int = 0, issuer: str | None = None, **more) -> str:
        claims = self.claims(principal, holding, object_, turn) | more
        issuer = issuer or self.relation.issuer_of(principal)
        if self.issuers[issuer].audience is None:
            claims.setdefault("aud", audience(self.relation.servers[object_["server"]]["audiences"], turn))
        key = json.dumps([issuer, claims], sort_keys=True)
        if key not in self._signed:
            self._signed[key] = self.issuers[issuer].token(claims)
        return self._signed[key]

    def arguments(self, holding: set[str], turn: int) -> str:
        arguments = {"note": "n"}
        for fact, evidence in self.relation.evidence.items():
            if evidence["kind"] == "argument":
                turn = turn * 5 + 1
                arguments[evidence["name"]] = within(evidence, turn) if fact in holding else beyond(evidence, turn)
        return arguments_text(arguments)
