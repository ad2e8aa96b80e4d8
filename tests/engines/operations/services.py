"""`consul` by the types of HashiCorp's client, strictly: what they send to an agent is what the workspace says.

No agent is run. What is expected is worked out from the YAML of the workspace, and from no file that is compiled; the times of probes
are compared with those of Envoy, whose probes are observed by the tests of gateways.
"""

import json
import re
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import yaml
from live.tally import Tally

from .programs import HERE, ROOT, Programs

OWN = HERE / "services.yaml"
WRITTEN = {"ms": 1, "s": 10**3, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
# The units of Go's durations: none is longer than an hour.
GO = {"ms": 1, "s": 10**3, "m": 60_000, "h": 3_600_000}


def milliseconds(text: str, units: dict[str, int]) -> int | None:
    parts = re.fullmatch(r"(\d+)([a-z]+)", text)
    return int(parts[1]) * units[parts[2]] if parts and parts[2] in units else None


def sent(programs: Programs, files: list[Path]) -> list[dict | str]:
    """What the client would send for each file, or what it has against the file."""
    done = subprocess.run([programs.engine / "consul", *files], capture_output=True, text=True, timeout=60)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    if len(answers) != len(files):
        raise SystemExit(f"the client ended: {done.stderr[-500:]}")
    return answers


def expected(server: dict, health: dict) -> dict:
    """A service by its server and the probes of a workspace."""
    url = urlsplit(server["url"])
    port = url.port or {"http": 80, "https": 443}[url.scheme]
    host = f"[{url.hostname}]" if ":" in url.hostname else url.hostname
    checks = []
    for one in health["health_checks"]:
        at = f"{host}:{one.get('port', port)}"
        asked = {"http": {"HTTP": f"{url.scheme}://{at}{one.get('endpoint')}"}, "tcp": {"TCP": at}, "grpc": {"GRPC": at, "GRPCUseTLS": url.scheme == "https"}}
        checks.append((asked[one["type"]], milliseconds(one["interval"], WRITTEN), milliseconds(one["timeout"], WRITTEN)))
    factors = health["load_balancing"]
    weights = {"Passing": round(100 * (factors["health_factor"] + factors["latency_factor"])), "Warning": round(100 * factors["latency_factor"])}
    return {"server": server["name"], "place": (url.hostname, port), "checks": checks, "weights": weights}


def read(answer: dict) -> dict:
    """A service as the client sends it."""
    checks = []
    for one in answer.get("Checks") or []:
        asked = {key: one[key] for key in ("HTTP", "TCP", "GRPC") if one.get(key)}
        if "GRPC" in asked:
            asked["GRPCUseTLS"] = one.get("GRPCUseTLS", False)
        checks.append((asked, milliseconds(one.get("Interval", ""), GO), milliseconds(one.get("Timeout", ""), GO)))
    weights = answer.get("Weights") or {}
    found = {"server": (answer.get("Meta") or {}).get("mcp_server"), "place": (answer.get("Address"), answer.get("Port")), "checks": checks, "weights": weights}
    # DNS finds a service by its name.
    return found if re.fullmatch(r"[a-z0-9-]+", answer.get("Name", "")) and answer.get("Tags") == ["mcp"] else {"name": answer.get("Name")}


def services(programs: Programs, folder: Path, wanted: list[dict], tally: Tally) -> None:
    answers = sent(programs, sorted(folder.glob("*.json")))
    found = [read(answer) if isinstance(answer, dict) else {"fault": answer} for answer in answers]
    for one in wanted:
        tally.check(one in found, f"{one} is not among {found}")
    tally.check(len(found) == len(wanted), f"there are {len(found)} services, and {len(wanted)} are declared")


def as_envoy(programs: Programs, tally: Tally) -> int:
    """Envoy probes the same servers by the same path, as often and as patiently."""
    fixture, copy = ROOT / "fixtures/projects/federation", programs.folder("federation")
    for file in sorted(fixture.rglob("*")):
        place = copy / file.relative_to(fixture)
        if file.is_dir():
            place.mkdir(exist_ok=True)
        else:
            text = file.read_bytes()
            found = text.replace(b"health_monitoring:\n", b"health_monitoring:\n  discovery_service: consul\n") if file.suffix == ".yaml" else text
            place.write_bytes(found)
    consul = {}
    for answer in sent(programs, sorted(programs.compiled(copy, "consul").glob("*.json"))):
        consul[answer["Meta"]["mcp_server"]] = answer
    compared = 0
    for file in sorted(programs.compiled(copy, "envoy").glob("*/envoy.static.yaml")):
        for cluster in yaml.safe_load(file.read_text())["static_resources"]["clusters"]:
            if "health_checks" not in cluster:
                continue
            server = cluster["name"].removesuffix("/messages")
            ours = [(urlsplit(one["HTTP"]).path, milliseconds(one["Interval"], GO), milliseconds(one["Timeout"], GO)) for one in consul[server]["Checks"]]
            theirs = [(one["http_health_check"]["path"], milliseconds(one["interval"], GO), milliseconds(one["timeout"], GO)) for one in cluster["health_checks"]]
            tally.check(ours == theirs, f"{server}: Consul probes {ours}, and Envoy {theirs}")
            endpoint = cluster["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"]["address"]["socket_address"]
            tally.check((consul[server]["Address"], consul[server]["Port"]) == (endpoint["address"], endpoint["port_value"]), f"{server} is elsewhere")
            compared += 1
    tally.check(compared == len(consul) == 5, f"{compared} of {len(consul)} servers are probed by Envoy, too")
    return compared


SPOILED = [
    ("a key that is misspelt", '"Interval"', '"Intervall"'), ("a key of the form of files", '"Interval"', '"interval_ms"'), ("a port in quotes", '"Port": 8443', '"Port": "8443"'),
    ("a word of the document", '"10s"', '"10_seconds"'), ("a day, which Go does not know", '"86400s"', '"1d"'), ("a path alone", "https://stock.example.org:8443/health", "/health"),
    ("another port", "8443", "8444"), ("another time", '"7200s"', '"720s"'), ("no patience", '"2500ms"', '"25s"'), ("no check", '"TCP"', '"Notes"'), ("weights that are one", "100", "25"),
    ("a name that DNS does not have", '"stock-server"', '"stock_server"'), ("another server", '"stock_server"', '"plain"'), ("no TLS", "true", "false"), ("half a file", "]\n}", ""),
]  # fmt: skip


def spoiled(programs: Programs, file: Path, wanted: dict, tally: Tally) -> int:
    """Each spoiled file has to be noticed; otherwise the comparison shows nothing."""
    noticed, text = 0, file.read_text()
    for number, (what, old, new) in enumerate(SPOILED):
        tally.check(old in text, f"{old} is not in the definition")
        copy = programs.work / f"spoiled-{number}.json"
        copy.write_text(text.replace(old, new))
        [answer] = sent(programs, [copy])
        noticed += tally.check(isinstance(answer, str) or read(answer) != wanted, f"{what}, and nobody notices")
    return noticed


def run(programs: Programs) -> Tally:
    tally = Tally("consul")
    written = yaml.safe_load(OWN.read_text())
    wanted = [expected(server, written["health_monitoring"]) for server in written["mcp_registry"]["servers"] if "url" in server]
    folder = programs.compiled(OWN, "consul")
    services(programs, folder, wanted, tally)
    compared = as_envoy(programs, tally)
    noticed = spoiled(programs, folder / "stock-server.json", wanted[0], tally)
    tally.notes.append(f"{len(wanted)} services decoded, {compared} compared with Envoy's probes, {noticed} of {len(SPOILED)} spoiled files noticed; no agent has loaded one")
    return tally.end()
