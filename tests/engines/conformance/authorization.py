"""Clients that have a server's URL and no token: whether today's clients get one, and a better one where a call needs
it, as the authorization specification of MCP says (2025-11-25 and 2026-07-28). They know what the gateway answers, and
nothing else.

Each client walks through calls. A call runs, or it is denied for good. What the client asks the authorization server
for meanwhile is known: which scopes, and how often.
"""

from concurrent.futures import ThreadPoolExecutor

from . import authorization_enterprise, authorization_gateway, authorization_inspector, ledger
from .authorization_sdk import DENIED, SECONDS, run_sdk, unexpected
from .authorization_workspace import BASIC, DOCUMENT, KNOWN, SECOND_FACTOR, SERVERS, WRITE, Site
from .stack import Stack

# What a client asks for when it is challenged: what the challenge names alone; what it had before as well; or nothing.
CHALLENGED, UNION, NOTHING = "challenged", "union", "nothing"
# Each client: its program, the mode it is run in, how it names itself, and what it asks for when it is challenged. The
# first revision has clients register, the second wants them to be known by the URL of a document, and both know clients
# that were registered by hand. The Inspector's command line that has to register itself makes the first authorization
# request again.
CLIENTS = {
    "Python SDK 1": ("python 1", "legacy", None, CHALLENGED),
    "Python SDK 2": ("python 2", "legacy", None, UNION),
    "Python SDK 2, 2026-07-28": ("python 2", "2026-07-28", DOCUMENT, UNION),
    "Python SDK 2, auto": ("python 2", "auto", None, UNION),
    "TypeScript SDK 1": ("typescript 1", "legacy", None, CHALLENGED),
    "TypeScript SDK 2": ("typescript 2", "legacy", None, UNION),
    "TypeScript SDK 2, 2026-07-28": ("typescript 2", "2026-07-28", DOCUMENT, UNION),
    "TypeScript SDK 2, auto": ("typescript 2", "auto", None, UNION),
    "Inspector": ("inspector", "legacy", None, NOTHING),
    "Inspector, known client": ("inspector", "legacy", KNOWN, UNION),
    "Inspector, 2026-07-28": ("inspector", "modern", DOCUMENT, UNION),
}


def walk(name: str, kind: str) -> list[tuple[str, str, list[set[str]]]]:
    """The steps of a walk: each with what has to come of it, and the scopes of each authorization request meanwhile."""
    both = {SECOND_FACTOR, WRITE}
    if kind == NOTHING:
        tool = "approved" if name == "what no scope gives" else "guarded"
        first = {BASIC} if name == "a scope for every call" else set()
        return [("connect", "connected", [first]), (tool, DENIED, [] if tool == "approved" else [first])]
    return {
        "step by step": [
            ("connect", "connected", [set()]),
            ("tools", ", ".join(sorted(SERVERS["near"][1])), []),
            ("plain", "ran", []),
            ("guarded", "ran", [{SECOND_FACTOR}]),
            # Who asks for what a challenge names alone has lost the other scope now, and needs both again.
            ("writing", "ran", [both if kind == UNION else {WRITE}]),
            ("double", "ran", [] if kind == UNION else [both]),
        ],
        "what no scope gives": [("connect", "connected", [set()]), ("approved", DENIED, [])],
        "two at once": [("connect", "connected", [set()]), ("double", "ran", [both]), ("double", "ran", [])],
        "a scope for every call": [
            ("connect", "connected", [{BASIC}]),
            ("plain", "ran", []),
            ("guarded", "ran", [{BASIC, SECOND_FACTOR}]),
            ("plain", "ran", []),
        ],
    }[name]


# The server of each walk, by the number of gateways before it.
WALKS = {
    "step by step": {1: "near", 2: "far"},
    "two at once": {1: "near"},
    "what no scope gives": {1: "near", 2: "far"},
    "a scope for every call": {1: "based"},
}


def jobs(site: Site, client: str) -> list[dict]:
    program, mode, client_id, kind = CLIENTS[client]
    found = []
    for name, servers in WALKS.items():
        if kind == NOTHING and name == "two at once":
            continue
        for hops, server in servers.items():
            # Each of the Inspector's steps is a process, and what it is told does not depend on the number of gateways.
            if program == "inspector" and hops > 1:
                continue
            label = "-".join(f"{client} {name} {hops}".lower().replace(",", "").split())
            found.append(
                {
                    "walk": name,
                    "hops": hops,
                    "session": label,
                    "server": server,
                    "url": site.url(server),
                    "mode": mode,
                    # Nothing listens there, but for the Inspector, which says where itself.
                    "redirect": f"http://127.0.0.1:9/callback/{label}",
                    "client": client_id,
                    "calls": [step for step, *_ in walk(name, kind)[1:]],
                    "seconds": SECONDS,
                }
            )
    return found


def judge(site: Site, job: dict, kind: str, steps: list[dict]) -> dict[str, str]:
    """What is not as it has to be, by the step."""
    failed: dict[str, str] = {}
    wanted = walk(job["walk"], kind)
    for at, (step, outcome, scopes) in enumerate(wanted):
        found = steps[at] if at < len(steps) else {"step": "", "asked": [], "error": f"not reached; {steps[-1:]}"}
        asked = [set(one) for one in found["asked"]]
        why = unexpected(job["server"], step, outcome, found)
        if asked != scopes:
            why.append(f"it asked for {[sorted(one) for one in asked]} instead of {[sorted(one) for one in scopes]}")
        if why:
            failed.setdefault(f"{job['walk']}, {step}", "; ".join(why))
    seen = site.login.of(job["session"])
    said = [one for step in steps for one in step["asked"]]
    if [one.scopes for one in seen] != said:
        asked = [one.scopes for one in seen]
        failed[f"{job['walk']}, requests"] = f"the authorization server was asked for {asked}, and not {said}"
    if wrong := [one.resource for one in seen if one.resource != job["url"]]:
        failed[f"{job['walk']}, resource"] = f"it asks for tokens for {wrong} and not for {job['url']}"
    if site.login.redeemed[job["session"]] != len(seen):
        failed[f"{job['walk']}, tokens"] = f"{len(seen)} requests, {site.login.redeemed[job['session']]} tokens"
    return failed


def client(site: Site, name: str) -> dict[str, str]:
    program, _, _, kind = CLIENTS[name]
    listed = jobs(site, name)
    if program == "inspector":
        came = [authorization_inspector.walked(site, job) for job in listed]
    else:
        came = run_sdk(site, program, listed, listed[0]["mode"])
    failures, total = {}, 0
    for job, steps in zip(listed, came, strict=True):
        total += len(site.login.of(job["session"]))
        for step, why in judge(site, job, kind, steps).items():
            failures[ledger.key("authorization", name, job["hops"], step)] = why
    asked = f"{total} authorization requests"
    print(f"authorization  {name:<29}  {len(listed)} walks, {asked}, {len(failures)} steps go wrong", flush=True)
    return failures


def run(stack: Stack) -> tuple[dict[str, str], list[str]]:
    faults: list[str] = []
    with Site(stack) as site:
        failures = authorization_gateway.checks(site)
        with ThreadPoolExecutor(3) as pool:
            for found in pool.map(lambda name: client(site, name), reversed(CLIENTS)):
                failures |= found
        login = site.login
        read = [f"{path.rpartition('/')[2]} read {times} times" for path, times in sorted(login.discovered.items())]
        registered = f"{len(login.clients)} clients registered"
        print(f"authorization  {len(login.asked)} requests in all, {registered}, {', '.join(read)}", flush=True)
        for refusal in dict.fromkeys(login.refused):
            faults.append(f"authorization: the authorization server refuses a client: {refusal}")
        if "approved" in {one.partition("/")[2] for one in site.upstream.ran}:
            faults.append("authorization: a call that nobody approved was made")
    more, worse = authorization_enterprise.run(stack)
    return failures | more, faults + worse
