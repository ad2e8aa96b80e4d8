"""`python3 run.py SETTINGS.json`: a worker that runs every plan whose flow its settings name.

Settings are an object of JSON:

    {
      "temporal": {"address": "127.0.0.1:7233", "namespace": "default", "task_queue": "mcpctl"},
      "servers": {"payment_server": "https://mcp.example.org/payment_server/mcp"},
      "tokens": {
        "saga:order_processing_saga": {"file": "/run/tokens/order_processing_saga"},
        "workflow:customer_onboarding": {
          "endpoint": "https://idp.example.org/token", "client_id": "onboarding", "secret_file": "/run/secrets/onboarding"
        }
      },
      "tls": {"ca": "/etc/mcp/ca.crt", "cert": "/etc/mcp/worker.crt", "key": "/etc/mcp/worker.key"},
      "cache": {"plans": ["bundle/cache-plan/central/plan.json"]}
    }

All of it may be left out. `servers` comes before what a plan says, whose addresses count where the plans beside this
worker, or `servers`, name one of the same origin. A token or a secret is never in it: only where it is. A file of tokens
may have `{server}` in its name.
"""

import asyncio
import json
import os
import signal
import ssl
import sys
from datetime import timedelta
from pathlib import Path

from cache import cache
from calls import Calls
from flow import Run
from temporalio.client import Client
from temporalio.worker import Worker
from tokens import Tokens

TEMPORAL = {"address": "127.0.0.1:7233", "namespace": "default", "task_queue": "mcpctl"}
# How often Temporal hears of a call that takes long, and so how soon it can be cancelled, in seconds.
HEARTBEAT_SECONDS = 2


def settings(path: Path) -> dict:
    """The settings of a file, each with its default. An unknown key is an error."""
    found = json.loads(path.read_text("utf-8"))
    known = {"temporal": TEMPORAL.keys(), "servers": None, "tokens": None, "tls": {"ca", "cert", "key"}, "cache": {"plans"}}
    for section, keys in found.items():
        if section not in known or not isinstance(keys, dict):
            raise ValueError(f"{path}: `{section}` is not a section of settings")
        unknown = set(keys) - set(known[section]) if known[section] is not None else set()
        if unknown:
            raise ValueError(f"{path}: `{section}` has no key `{sorted(unknown)[0]}`")
    found["temporal"] = TEMPORAL | found.get("temporal", {})
    return found


def addresses(plans: Path) -> set[tuple[str, str]]:
    """Where the plans of the bundle say that their servers are: names with URLs."""
    found = [json.loads(path.read_text("utf-8"))["servers"] for path in sorted(plans.glob("*.json"))]
    return {(name, server["url"]) for servers in found for name, server in servers.items() if "url" in server}


def tls(paths: dict) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=paths.get("ca"))
    if "cert" in paths:
        context.load_cert_chain(paths["cert"], paths.get("key"))
    return context


async def main(path: Path) -> None:
    given = settings(path)
    context = tls(given.get("tls", {}))
    known = addresses(Path(__file__).resolve().parent.parent / "plans")
    tokens, kept = Tokens(given.get("tokens", {}), context), cache(given.get("cache", {}).get("plans", []))
    calls = Calls(given.get("servers", {}), known, tokens, kept, context)
    temporal = given["temporal"]
    client = await Client.connect(temporal["address"], namespace=temporal["namespace"])
    beat = timedelta(seconds=HEARTBEAT_SECONDS)
    worker = Worker(
        client,
        task_queue=temporal["task_queue"],
        workflows=[Run],
        activities=[calls.call_tool],
        default_heartbeat_throttle_interval=beat,
        max_heartbeat_throttle_interval=beat,
    )
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    async with worker:
        print(f"runs plans of the task queue {temporal['task_queue']} at {temporal['address']}", flush=True)
        await ended.wait()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: run.py SETTINGS.json")
    try:
        asyncio.run(main(Path(sys.argv[1])))
    except (OSError, ValueError, RuntimeError) as fault:
        sys.exit(str(fault))
    # Threads of the client may still be at work, and an interpreter that is taken down under them aborts.
    sys.stdout.flush()
    os._exit(0)
