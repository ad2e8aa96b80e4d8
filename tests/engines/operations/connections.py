"""`pools` by SQLAlchemy, PgBouncer and httpx: each hands out as many connections as the workspace says, and not one more.

What is expected is worked out from the YAML of the workspace, and from no file that is compiled.
"""

import asyncio
import contextlib
import dataclasses
import json
import os
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg2
import sqlalchemy
import yaml
from ports import free_ports

from live.tally import Tally

from .programs import HERE, ROOT, Programs

OWN = HERE / "pools.yaml"
UNITS = {"ms": 1, "s": 1000, "m": 60_000}
# The user `nobody`: PgBouncer does not run as root.
NOBODY = 65534


def seconds(text: str) -> float:
    number, unit = re.fullmatch(r"(\d+)(\w+)", text).groups()
    return int(number) * UNITS[unit] / 1000


def label(name: str) -> str:
    return name.replace("_", "-")


def library(folder: Path, pool: dict) -> list[str]:
    """What SQLAlchemy does otherwise than a pool says."""
    settings = json.loads((folder / "sqlalchemy.json").read_text())
    url = {"sqlalchemy.url": "sqlite://", "sqlalchemy.poolclass": sqlalchemy.QueuePool, "sqlalchemy.pool_timeout": 0.05}
    try:
        engine = sqlalchemy.engine_from_config({**settings, **url}, connect_args={"check_same_thread": False})
    except (TypeError, ValueError) as fault:
        return [f"SQLAlchemy refuses the settings: {fault}"]
    most, held = pool["pool_size"] + pool["max_overflow"], []
    with contextlib.suppress(sqlalchemy.exc.TimeoutError):
        # One more than there may be.
        while len(held) <= most:
            held.append(engine.connect())
    found = [] if len(held) == most else [f"{len(held)} connections or more, and {most} are declared"]
    for one in held:
        one.close()
    if engine.pool.checkedin() != min(pool["pool_size"], len(held)):
        found.append(f"{engine.pool.checkedin()} connections are kept, and {pool['pool_size']} are declared")
    recycle = int(seconds(pool["recycle_time"])) if "recycle_time" in pool else -1
    if engine.pool._recycle != recycle:
        found.append(f"connections are replaced after {engine.pool._recycle} s, and {recycle} are declared")
    elif recycle == 1:
        engine.dispose()

        def made() -> float:
            with engine.connect() as one:
                return one.connection._connection_record.starttime

        first, again, _, later = made(), made(), time.sleep(1.3), made()
        if first != again or later == first:
            found.append("a connection is not replaced at its age")
    engine.dispose()
    return found


@contextlib.contextmanager
def proxy(programs: Programs, ini: Path) -> Iterator[psycopg2.extensions.connection | str]:
    """PgBouncer with a file of its own that includes one; a connection to its console, or what it has against the file."""
    root, engine = os.geteuid() == 0, programs
    if root:
        # Another user may not look into the cache.
        engine = dataclasses.replace(programs, engine=programs.work / "engine")
        if not engine.engine.exists():
            shutil.copytree(programs.engine, engine.engine, symlinks=True)
    folder = programs.folder("pgbouncer")
    shutil.copy(ini, folder / "compiled.ini")
    port = free_ports(1)[0]
    lines = [
        "[databases]", "crm = host=127.0.0.1", "[pgbouncer]", f"%include {folder / 'compiled.ini'}", "listen_addr = 127.0.0.1",
        f"listen_port = {port}", "auth_type = any", "admin_users = console", "unix_socket_dir =",
    ]  # fmt: skip
    (folder / "own.ini").write_text("\n".join(lines) + "\n")
    for path in (programs.work, folder, *folder.iterdir()):
        path.chmod(0o755)
    made = []

    def ready() -> bool:
        with contextlib.suppress(psycopg2.Error):
            made.append(psycopg2.connect(host="127.0.0.1", port=port, user="console", dbname="pgbouncer", connect_timeout=2))
        return bool(made)

    with engine.running([engine.program("pgbouncer"), folder / "own.ini"], folder, ready, user=NOBODY if root else None) as said:
        if said is not None:
            yield said
            return
        made[0].autocommit = True
        yield made[0]
        made[0].close()


def shown(console: psycopg2.extensions.connection, what: str) -> list[dict]:
    cursor = console.cursor()
    cursor.execute(f"SHOW {what}")
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row)) for row in cursor.fetchall()]


def bouncer(programs: Programs, folder: Path, pool: dict) -> list[str]:
    """What PgBouncer reports otherwise than a pool says."""
    with proxy(programs, folder / "pgbouncer.ini") as console:
        if isinstance(console, str):
            return [f"PgBouncer refuses the file: {console[-300:]}"]
        database = next(one for one in shown(console, "DATABASES") if one["name"] == "crm")
        config = {one["key"]: one["value"] for one in shown(console, "CONFIG")}
    most = pool["pool_size"] + pool["max_overflow"]
    reported = database["pool_size"], database["reserve_pool"], database["max_connections"]
    found = []
    if reported != (pool["pool_size"], pool["max_overflow"], most):
        found.append(f"it reports {reported}, and {(pool['pool_size'], pool['max_overflow'], most)} is declared")
    lifetime = int(seconds(pool["recycle_time"])) if "recycle_time" in pool else 3600
    if (int(config["server_lifetime"]), int(config["max_client_conn"])) != (lifetime, max(most, 100)):
        found.append(f"it reports a lifetime of {config['server_lifetime']} and {config['max_client_conn']} clients")
    return found


class Slow:
    """A server that counts the connections that are open, and answers after a while."""

    def __init__(self, wait: float):
        self.wait, self.open, self.most, self.made = wait, 0, 0, 0

    async def __aenter__(self) -> "Slow":
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        self.url = "http://127.0.0.1:{}".format(self.server.sockets[0].getsockname()[1])
        return self

    async def __aexit__(self, *_) -> None:
        self.server.close()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open, self.made = self.open + 1, self.made + 1
        self.most = max(self.most, self.open)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while await reader.readuntil(b"\r\n\r\n"):
                await asyncio.sleep(self.wait)
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
                await writer.drain()
        self.open -= 1
        writer.close()


async def client(folder: Path, pool: dict, small: bool) -> list[str]:
    """What httpx does otherwise than a pool says: what it was told, and for a small pool with short times what comes of it."""
    settings = json.loads((folder / "httpx.json").read_text())
    most = pool["most"]
    keep_alive, timeout = (seconds(pool[key]) if key in pool else None for key in ("keep_alive", "timeout"))
    found = []

    def made() -> httpx.AsyncClient:
        return httpx.AsyncClient(limits=httpx.Limits(**settings.get("limits", {})), timeout=settings.get("timeout", 5))

    try:
        told = made()
    except TypeError as fault:
        return [f"httpx refuses the settings: {fault}"]
    holds = told._transport._pool._max_connections, told._transport._pool._keepalive_expiry, told.timeout.read
    # What httpx does where it is not told.
    wanted = most, 5.0 if keep_alive is None else keep_alive, 5 if timeout is None else timeout
    if holds != wanted:
        found.append(f"a client has {holds}, and {wanted} are declared")
    if not small:
        return found
    async with Slow(0.1) as server, made() as one:
        await asyncio.gather(*(one.get(server.url) for _ in range(most * 3)), return_exceptions=True)
        if server.most != most:
            found.append(f"{server.most} connections at once, and {most} are declared")
        if keep_alive is not None:
            before = server.made
            await one.get(server.url)
            kept = server.made == before
            await asyncio.sleep(keep_alive + 0.3)
            await one.get(server.url)
            if not kept or server.made == before:
                found.append(f"an idle connection is not kept for {keep_alive} s")
    if timeout is not None:
        async with Slow(timeout + 1) as server, made() as one:
            at = time.monotonic()
            with contextlib.suppress(httpx.TimeoutException):
                await one.get(server.url)
                found.append("a request may take as long as it likes")
            took = time.monotonic() - at
            if not timeout * 0.9 <= took <= timeout + 0.6:
                found.append(f"a request is given up after {took:.2f} s, and {timeout} are declared")
    return found


def judged(programs: Programs, source: Path, *written: Path) -> tuple[dict[str, list[str]], int]:
    """The faults of each pool of a workspace, and how many pools there are."""
    folder, sections = programs.compiled(source, "pools") / "central", {}
    for file in written:
        sections |= yaml.safe_load(file.read_text())
    found, pooling = {}, sections["connection_pooling"]
    for pool in pooling["database_pools"]:
        at = folder / "databases" / label(pool["mcp_server"])
        found[f"database of {pool['mcp_server']}"] = library(at, pool) + bouncer(programs, at, pool)
    for pool in pooling["http_pools"]:
        at = folder / "servers" / label(pool["mcp_server"])
        found[f"callers of {pool['mcp_server']}"] = asyncio.run(client(at, pool | {"most": pool["pool_size"]}, source == OWN))
    for pool in sections["bulkhead_config"]["resource_pools"]:
        at = folder / "bulkheads" / label(pool["name"])
        found[f"bulkhead {pool['name']}"] = asyncio.run(client(at, {"most": pool["resources"]["connections"]}, source == OWN))
    return found, len(found)


SPOILED = {
    "sqlalchemy.json": [
        ("a name of the document", "sqlalchemy.pool_recycle", "sqlalchemy.recycle_time"), ("a word of the document", ": 1\n", ': "1s"\n'), ("one less", '_size": 3', '_size": 2'),
        ("one more in need", '_overflow": 2', '_overflow": 3'), ("no limit", '_size": 3', '_size": 0'), ("another age", 'recycle": 1', 'recycle": 60'), ("no overflow", '"sqlalchemy.max_overflow": 2,', ""),
    ],
    "pgbouncer.ini": [
        ("a word of the document", "server_lifetime = 1", "server_lifetime = 1h"), ("a misspelt key", "default_pool_size", "default_pool_sise"), ("one less", "default_pool_size = 3", "default_pool_size = 2"),
        ("a section that begins again", "default_pool_size = 3", "default_pool_size = 3\n[pgbouncer]"), ("no reserve", "reserve_pool_size = 2\n", ""), ("no limit", "max_db_connections = 5\n", ""),
        ("more than it holds", "default_pool_size = 3", "default_pool_size = 2147483648"),
    ],
}  # fmt: skip


def spoiled(programs: Programs, folder: Path, pool: dict, tally: Tally) -> int:
    noticed = 0
    for file, changes in SPOILED.items():
        for what, old, new in changes:
            copy = programs.folder("spoiled")
            text = (folder / file).read_text()
            tally.check(old in text, f"{old} is not in {file}")
            (copy / file).write_text(text.replace(old, new))
            found = library(copy, pool) if file.endswith("json") else bouncer(programs, copy, pool)
            noticed += tally.check(bool(found), f"{file}: {what}, and nobody notices")
    return noticed


def run(programs: Programs) -> Tally:
    tally = Tally("pools")
    seed = ROOT / "fixtures/seed"
    counted = 0
    for source, written in ((OWN, [OWN]), (seed, [seed / "connection-pooling.yaml", seed / "bulkhead.yaml"])):
        found, count = judged(programs, source, *written)
        counted += count
        for name, faults in found.items():
            tally.check(not faults, f"{source.name}: {name}: {'; '.join(faults)}")
    small = yaml.safe_load(OWN.read_text())["connection_pooling"]["database_pools"][0]
    noticed = spoiled(programs, programs.work / "bundle-pools-pools/pools/central/databases/small-server", small, tally)
    for old, new in (("recycle_time: 1s", "recycle_time: 1500ms"), ("pool_size: 3", "pool_size: 2147483648"), ("pool_size: 3", "pool_size: 0"), ("max_overflow: 2", "max_overflow: -1")):
        workspace = programs.folder("refused") / "pools.yaml"
        workspace.write_text(OWN.read_text().replace(old, new, 1))
        tally.check(" error" in programs.validated(workspace), f"`{new}` is not an error of validate")
    tally.notes.append(f"{counted} pools exhausted or reported, {noticed} spoiled files noticed")
    return tally.end()
