"""The official Python SDK, of either generation, as a client that has a server's URL and no token:
`authorization_python.py CA`, with jobs on standard input and what came of each on standard output.

A job: {url, mode, redirect, client, calls, seconds}. `calls` are the steps after `connect`: the list of tools, or a
tool. A step tells what came of it, and which authorization requests the client made meanwhile. With `enterprise` in the
job, a user has logged in before, the client has the ID token, and it has no browser. All jobs run at the same time.
"""

import asyncio
import contextlib
import http.client
import importlib.metadata
import json
import ssl
import sys
from urllib.parse import parse_qs, urlencode, urlsplit

from mcp.client.auth import OAuthClientProvider
from mcp.shared.auth import OAuthClientMetadata

GENERATION = int(importlib.metadata.version("mcp").split(".")[0])
if GENERATION >= 2:
    import httpx2
    from mcp import Client
    from mcp.client.auth.extensions.identity_assertion import IdentityAssertionOAuthProvider
    from mcp.client.streamable_http import streamable_http_client
    from mcp.shared.auth import AuthorizationCodeResult
else:
    import httpx
    from mcp import ClientSession
    from mcp.client.streamable_http import streamablehttp_client
CONTEXT = ssl.create_default_context(cafile=sys.argv[1])


class Storage:
    """What a client keeps of its tokens and of itself, while it runs."""

    def __init__(self):
        self.tokens = self.client = None

    async def get_tokens(self):
        return self.tokens

    async def set_tokens(self, tokens):
        self.tokens = tokens

    async def get_client_info(self):
        return self.client

    async def set_client_info(self, client):
        self.client = client


class Browser:
    """Opens the authorization server's page, where the user consents at once, and brings back what it was redirected
    to."""

    def __init__(self):
        self.asked: list[list[str]] = []
        self.came: dict[str, str] = {}

    async def open(self, url: str) -> None:
        self.asked.append(query(url).get("scope", "").split())
        self.came = query(await asyncio.to_thread(redirection, url))

    async def back(self):
        state, code, issuer = self.came.get("state"), self.came["code"], self.came.get("iss")
        return AuthorizationCodeResult(code=code, state=state, iss=issuer) if GENERATION >= 2 else (code, state)


def query(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


def redirection(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme != "http":
        raise RuntimeError(f"no authorization server of these tests: {url}")
    connection = http.client.HTTPConnection(parts.netloc, timeout=10)
    try:
        connection.request("GET", f"{parts.path}?{parts.query}")
        answer = connection.getresponse()
        text = answer.read().decode("utf-8", "replace")
    finally:
        connection.close()
    if answer.status != 302:
        raise RuntimeError(f"the authorization server says {answer.status}: {text}")
    return answer.headers["location"]


def exchanged(one: dict, audience: str, resource: str) -> str:
    """An ID-JAG for the ID token. The SDK leaves this to the program, and does not name the scopes that it needs."""
    form = {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "requested_token_type": "urn:ietf:params:oauth:token-type:id-jag",
        "subject_token_type": "urn:ietf:params:oauth:token-type:id_token",
        "subject_token": one["id_token"],
        "audience": audience,
        "resource": resource,
        "client_id": one["idp_client"],
        "client_secret": one["idp_secret"],
    }
    form |= {"scope": one["scope"]} if one["scope"] else {}
    connection = http.client.HTTPConnection(urlsplit(one["idp"]).netloc, timeout=10)
    try:
        connection.request("POST", "/token", urlencode(form), {"content-type": "application/x-www-form-urlencoded"})
        answer = connection.getresponse()
        text = answer.read().decode("utf-8", "replace")
    finally:
        connection.close()
    if answer.status != 200:
        raise RuntimeError(f"the identity provider says {answer.status}: {text}")
    return json.loads(text)["access_token"]


def enterprise(job: dict):
    one = job["enterprise"]

    async def assertion(audience: str, resource: str) -> str:
        return await asyncio.to_thread(exchanged, one, audience, resource)

    return IdentityAssertionOAuthProvider(
        server_url=job["url"],
        storage=Storage(),
        client_id=one["client"],
        client_secret=one["secret"],
        issuer=one["issuer"],
        assertion_provider=assertion,
        scope=one["scope"],
    )


def authorizing(job: dict, browser: Browser):
    if "enterprise" in job:
        return enterprise(job)
    metadata = OAuthClientMetadata(
        client_name="authorization tests",
        redirect_uris=[job["redirect"]],
        grant_types=["authorization_code"],
        token_endpoint_auth_method="none",
    )
    return OAuthClientProvider(
        server_url=job["url"],
        client_metadata=metadata,
        storage=Storage(),
        redirect_handler=browser.open,
        callback_handler=browser.back,
        client_metadata_url=job["client"],
    )


@contextlib.asynccontextmanager
async def connected(job: dict, browser: Browser):
    provider = authorizing(job, browser)
    if GENERATION >= 2:
        async with httpx2.AsyncClient(auth=provider, verify=CONTEXT, timeout=job["seconds"]) as web:
            async with Client(streamable_http_client(job["url"], http_client=web), mode=job["mode"]) as client:
                yield client
        return

    def factory(headers=None, timeout=None, auth=None):
        return httpx.AsyncClient(headers=headers, timeout=timeout, auth=auth, verify=CONTEXT)

    opened = streamablehttp_client(job["url"], timeout=job["seconds"], auth=provider, httpx_client_factory=factory)
    async with opened as (read, write, _):
        async with ClientSession(read, write) as session:
            await session.initialize()
            yield session


async def step(client, name: str) -> str:
    if name == "tools":
        return ", ".join(sorted(tool.name for tool in (await client.list_tools()).tools))
    result = await client.call_tool(name, {})
    failed = getattr(result, "is_error", None) or getattr(result, "isError", None)
    return f"{'error: ' if failed else ''}{' '.join(getattr(one, 'text', '') for one in result.content)}"


async def session(job: dict, browser: Browser, steps: list[dict]) -> None:
    """Adds what came of each step to `steps`."""

    def noted(name: str, before: int, **came) -> None:
        steps.append({"step": name, "asked": browser.asked[before:]} | came)

    async with connected(job, browser) as client:
        if job["mode"] != "legacy":
            # Pinned to a revision, the client asks for nothing before its first request.
            await client.list_tools()
        noted("connect", 0, came="connected")
        for name in job["calls"]:
            before = len(browser.asked)
            try:
                noted(name, before, came=await asyncio.wait_for(step(client, name), job["seconds"]))
            except Exception as error:
                noted(name, before, error=told(error))


def told(error: BaseException) -> str:
    if isinstance(error, BaseExceptionGroup):
        return "; ".join(told(inner) for inner in error.exceptions)
    status = getattr(getattr(error, "response", None), "status_code", "")
    data = getattr(getattr(error, "error", None), "data", "")
    return " ".join(f"{type(error).__name__}: {error} {status} {data or ''}".split())[:400]


async def one(job: dict) -> list[dict]:
    browser, steps = Browser(), []
    try:
        await asyncio.wait_for(session(job, browser, steps), job["seconds"] * 2)
    except BaseException as error:
        # A session ends with a denial in the first generation: what is said of the session is what is said of the step.
        asked = browser.asked[sum(len(one["asked"]) for one in steps) :]
        steps.append({"step": "the session", "asked": asked, "error": told(error)})
    return steps


async def main() -> None:
    print(json.dumps(await asyncio.gather(*(one(job) for job in json.load(sys.stdin)))))


asyncio.run(main())
