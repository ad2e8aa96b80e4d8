"""Where the tokens of a flow come from: a file that somebody else renews, or an issuer's token endpoint.

Settings hold references alone: the path of a file, the name of an environment variable. A token is renewed before it
expires, and when a server does not take it any more.
"""

import asyncio
import os
import re
import time
from pathlib import Path

import httpx2

# A token with less time left than this is renewed, in seconds.
MARGIN = 30
# How long a token counts as good whose issuer does not say, in seconds.
UNSAID = 60
SECONDS = 10

# What RFC 6750 lets a token hold, and the names that can be a part of a path.
TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")
NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*")

KEYS = {"file": {"file"}, "endpoint": {"endpoint", "client_id", "secret_file", "secret_env", "scope"}}


class NoToken(Exception):
    """No token can be had."""


def checked(flow: str, source: dict) -> dict:
    """The settings of a flow's tokens, or an error that says what is wrong with them."""
    kinds = [kind for kind in KEYS if kind in source]
    if len(kinds) != 1 or set(source) - KEYS[kinds[0]]:
        raise ValueError(f"tokens of {flow}: write either `file`, or `endpoint` with its keys, and nothing else")
    if kinds == ["endpoint"] and ("client_id" not in source or ("secret_file" in source) == ("secret_env" in source)):
        raise ValueError(f"tokens of {flow}: `endpoint` takes `client_id` and one of `secret_file` and `secret_env`")
    return source


def bearer(token: str, source: str) -> str:
    """A token that can be sent. What cannot is shown to nobody: it may be a secret all the same."""
    if not TOKEN.fullmatch(token):
        raise NoToken(f"{source} gives something that cannot be sent as a token")
    return token


class Tokens:
    def __init__(self, sources: dict[str, dict], verify=True):
        self.sources = {flow: checked(flow, source) for flow, source in sources.items()}
        self.verify = verify
        self.known: dict[tuple[str, str | None], tuple[str, float]] = {}
        self.locks: dict[tuple[str, str | None], asyncio.Lock] = {}

    async def token(self, plan: dict, server: str, url: str, renew: bool = False) -> str | None:
        """The token of a flow for a server; `None` where the plan names no subject. `renew`: not the one given before."""
        flow, identity = plan["flow"], plan["identity"]
        if "subject" not in identity:
            return None
        source = self.sources.get(flow)
        if source is None:
            raise NoToken(f"the settings of the worker name no tokens for {flow}")
        if "file" in source:
            # Whoever starts a run names its servers, and a name is not to lead out of the folder of tokens.
            if not NAME.fullmatch(server):
                raise NoToken(f"the name of server {server!r} cannot be a part of a path")
            return bearer(self._read(source["file"].replace("{server}", server)), source["file"])
        resource = url if any(issuer["audiencePerServer"] for issuer in identity["issuers"]) else None
        key = (flow, resource)
        async with self.locks.setdefault(key, asyncio.Lock()):
            token, until = self.known.get(key, ("", 0.0))
            if renew or time.monotonic() > until:
                token, until = await self._ask(source, resource)
                self.known[key] = (token, until)
            return token

    def _read(self, path: str) -> str:
        try:
            token = Path(path).read_text("utf-8").strip()
        except OSError as error:
            raise NoToken(f"{path}: {error.strerror}") from None
        if not token:
            raise NoToken(f"{path} is empty")
        return token

    async def _ask(self, source: dict, resource: str | None) -> tuple[str, float]:
        secret = os.environ.get(source["secret_env"]) if "secret_env" in source else self._read(source["secret_file"])
        if not secret:
            raise NoToken(f"the environment variable {source['secret_env']} is not set")
        form = {"grant_type": "client_credentials"}
        form |= {"scope": source["scope"]} if "scope" in source else {}
        form |= {"resource": resource} if resource else {}
        try:
            async with httpx2.AsyncClient(timeout=SECONDS, verify=self.verify) as http:
                answer = await http.post(source["endpoint"], data=form, auth=(source["client_id"], secret))
            said = answer.json() if answer.status_code == 200 else {}
        except (httpx2.HTTPError, ValueError) as error:
            raise NoToken(f"{source['endpoint']}: {type(error).__name__}") from None
        if not isinstance(said, dict) or not isinstance(said.get("access_token"), str):
            raise NoToken(f"{source['endpoint']} answers {answer.status_code} and no token")
        lasts = said.get("expires_in", UNSAID)
        lasts = lasts if isinstance(lasts, int | float) else UNSAID
        return bearer(said["access_token"], source["endpoint"]), time.monotonic() + max(lasts - MARGIN, lasts / 2)
