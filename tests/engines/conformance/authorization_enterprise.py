"""Official clients that get tokens by Enterprise-Managed Authorization: a user has logged in at the identity provider
of the enterprise, and the client exchanges the ID token for a token for one server, without a browser. Each session has
a user of its own, so that what the two servers issued is known by session.

Only the SDKs of the second generation have providers for it. Python's first one has a deprecated provider of the grant
`jwt-bearer`, which does not authenticate the client. The Inspector needs a browser for the login and is not tested.
"""

from concurrent.futures import ThreadPoolExecutor

from . import authorization_enterprise_gateway, ledger
from .authorization_enterprise_server import Given
from .authorization_enterprise_site import PORTAL, SERVERS, STRANGER, EnterpriseSite
from .authorization_sdk import DENIED, SECONDS, run_sdk, unexpected
from .authorization_workspace import WRITE
from .stack import Stack

PROGRAMS = {"Python SDK 2": "python 2", "TypeScript SDK 2": "typescript 2"}
MODES = {"": "legacy", ", 2026-07-28": "2026-07-28", ", auto": "auto"}
NONE, ONE = frozenset(), frozenset({WRITE})
# The client of each walk, and the number of gateways before each of its servers.
WALKS = {
    "step by step": (PORTAL, {1: "near", 2: "far"}),
    "a scope from the first request on": (PORTAL, {1: "near"}),
    "a client that is not an agent": (STRANGER, {1: "near", 2: "far"}),
}


def walk(name: str, program: str) -> tuple[list[tuple[str, str]], list[tuple[frozenset, frozenset, frozenset]]]:
    """The steps, each with what has to come of it; and for each token the scopes that the identity provider was asked
    for, those that the authorization server was asked for, and those of the token."""
    if name == "a client that is not an agent":
        return [("connect", DENIED)], [(NONE, NONE, NONE)]
    if name == "a scope from the first request on":
        return [("connect", "connected"), ("writing", "ran"), ("delegated", "ran")], [(ONE, ONE, ONE)]
    tools = ", ".join(sorted(SERVERS["near"][1]))
    steps = [("connect", "connected"), ("tools", tools), ("plain", "ran"), ("delegated", "ran")]
    # Python's SDK asks the authorization server for the scope of the challenge, but does not name it to the program,
    # which gets the assertion. The assertion then lacks the scope, and so does the token.
    told = program == "typescript 2"
    again = (ONE, ONE, ONE) if told else (NONE, ONE, NONE)
    return [*steps, ("writing", "ran" if told else DENIED)], [(NONE, NONE, NONE), again]


def jobs(site: EnterpriseSite, program: str) -> list[dict]:
    found = []
    for suffix, mode in MODES.items():
        for name, (client, servers) in WALKS.items():
            scope = WRITE if name == "a scope from the first request on" else None
            # The TypeScript SDK has no option for it.
            if scope and program == "typescript 2":
                continue
            for hops, server in servers.items():
                user = "-".join(f"user {program} {mode} {name} {hops}".split())
                login = {
                    "issuer": site.login.url,
                    "client": client.name,
                    "secret": client.secret,
                    "idp": site.idp.url,
                    "idp_client": client.idp,
                    "idp_secret": client.idp_secret,
                    "id_token": site.idp.id_token(user, client),
                    "scope": scope,
                }
                found.append(
                    {
                        "walk": name,
                        "suffix": suffix,
                        "hops": hops,
                        "user": user,
                        "server": server,
                        "url": site.url(server),
                        "mode": mode,
                        "redirect": "http://127.0.0.1:9/callback/nobody",
                        "client": None,
                        "calls": [step for step, _ in walk(name, program)[0][1:]],
                        "seconds": SECONDS,
                        "enterprise": login,
                    }
                )
    return found


def judge(site: EnterpriseSite, program: str, job: dict, steps: list[dict]) -> dict[str, str]:
    """What is not as it has to be, by the step."""
    failed: dict[str, str] = {}
    wanted, tokens = walk(job["walk"], program)
    for at, (step, outcome) in enumerate(wanted):
        found = steps[at] if at < len(steps) else {"error": f"not reached; {steps[-1:]}"}
        if why := unexpected(job["server"], step, outcome, found):
            failed[f"{job['walk']}, {step}"] = "; ".join(why)
    client = WALKS[job["walk"]][0]
    exchanged = [Given(client.idp, job["url"], asked, asked) for asked, _, _ in tokens]
    granted = [Given(client.name, job["url"], asked, scopes) for _, asked, scopes in tokens]
    for server, name, expected in ((site.idp, "assertions", exchanged), (site.login, "tokens", granted)):
        if (given := server.given.get(job["user"], [])) != expected:
            failed[f"{job['walk']}, {name}"] = f"{given} instead of {expected}"
    return failed


def run(stack: Stack) -> tuple[dict[str, str], list[str]]:
    faults: list[str] = []
    with EnterpriseSite(stack) as site:
        failures = authorization_enterprise_gateway.checks(site)

        def walked(name: str) -> tuple[str, list[dict], list[list[dict]]]:
            listed = jobs(site, PROGRAMS[name])
            return name, listed, run_sdk(site, PROGRAMS[name], listed, "all")

        with ThreadPoolExecutor(len(PROGRAMS)) as pool:
            done = list(pool.map(walked, PROGRAMS))
        for name, listed, came in done:
            total, wrong = 0, 0
            for job, steps in zip(listed, came, strict=True):
                total += len(site.idp.given.get(job["user"], []))
                for step, why in judge(site, PROGRAMS[name], job, steps).items():
                    who = f"{name}{job['suffix']}, enterprise"
                    failures[ledger.key("authorization", who, job["hops"], step)] = why
                    wrong += 1
            line = f"{len(listed)} walks, {total} assertions exchanged, {wrong} steps go wrong"
            print(f"authorization  {name + ', enterprise':<29}  {line}", flush=True)
        for server, name in ((site.idp, "identity provider"), (site.login, "authorization server")):
            for refusal in dict.fromkeys(server.refused):
                faults.append(f"authorization: the {name} of the enterprise refuses a client: {refusal}")
            if server.others:
                faults.append(f"authorization: the {name} of the enterprise was asked for a page: {server.others[:3]}")
    return failures, faults
