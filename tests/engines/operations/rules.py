"""Files of Prometheus, judged by the programs that come with it and with Alertmanager, and a dashboard by Grafana's own types."""

import json
import re
import shutil
import subprocess
from pathlib import Path

from live.tally import Tally

from .programs import Programs


def said(programs: Programs, command: list, folder: Path) -> str | None:
    """What a program has against files; None where it takes them."""
    done = subprocess.run([str(part) for part in command], cwd=folder, env=programs.environment(), capture_output=True, text=True, timeout=120)
    return None if done.returncode == 0 else " ".join((done.stdout + done.stderr).split())[-400:]


def amtool(programs: Programs) -> Path:
    return programs.more["alertmanager"] / "usr/bin/amtool"


def faults(programs: Programs, folder: Path) -> list[str]:
    """What the products have against the files of a folder."""
    promtool = programs.program("promtool")
    checks = [([promtool, "check", "rules", "rules.yaml"], "rules"), ([promtool, "test", "rules", "rules_test.yaml"], "tests of rules")]
    checks.append(([amtool(programs), "check-config", "alertmanager.yaml"], "routes"))
    if (folder / "prometheus.yaml").exists():
        checks.append(([promtool, "check", "config", "prometheus.yaml"], "scrapes"))
    found = [f"{what}: {fault}" for command, what in checks if (fault := said(programs, command, folder)) is not None]
    judged = subprocess.run([programs.more["types"] / "grafana", folder / "dashboard.json"], capture_output=True, text=True, timeout=60)
    if judged.stdout.strip() != "ok":
        found.append(f"dashboard: {judged.stdout[:300]}{judged.stderr[:300]}")
        return found
    # What the panels ask for has to be a query, and every recorded series that they ask for one of the rules.
    asked = [target["expr"] for panel in json.loads((folder / "dashboard.json").read_text())["panels"] for target in panel["targets"]]
    queries = folder / "queries.yaml"
    queries.write_text(json.dumps({"groups": [{"name": "queries", "rules": [{"record": f"query:{index}", "expr": expr} for index, expr in enumerate(asked)]}]}))
    if (fault := said(programs, [promtool, "check", "rules", "queries.yaml"], folder)) is not None:
        found.append(f"queries: {fault}")
    recorded = set(re.findall(r"record: (\S+)", (folder / "rules.yaml").read_text()))
    found += [f"no rule records {expr}" for expr in asked if ":" in expr and expr not in recorded]
    found += [f"no panel shows {name}" for name in recorded - set(asked)]
    queries.unlink()
    return found


def routed(programs: Programs, folder: Path, **labels: str) -> str:
    """Who is told of an alert with these labels."""
    command = [amtool(programs), "config", "routes", "test", "--config.file=alertmanager.yaml", *(f"{name}={value}" for name, value in labels.items())]
    done = subprocess.run([str(part) for part in command], cwd=folder, capture_output=True, text=True, timeout=60)
    return done.stdout.strip() or f"nobody: {done.stderr.strip()}"


# File, what is spoiled, and the two texts.
SPOILED = [
    ("rules.yaml", "a metric of another name", "rate(mcp_reservations_total[5m])", "rate(mcp_reservation_total[5m])"),
    ("rules.yaml", "a duration of the document", "for: 5m", "for: 5_minutes"),
    ("rules.yaml", "no time over which", "[5m]", ""),
    ("rules.yaml", "a key that is misspelt", "  expr:", "  exprr:"),
    ("rules.yaml", "a threshold that is one more", "> 7\n", "> 8\n"),
    ("rules.yaml", "a threshold that is one less", "> 7\n", "> 6\n"),
    ("rules.yaml", "another quantile of no bucket", ", le)", ")"),
    ("rules.yaml", "an alert that is upside down", "membership_healthy) == 0", "membership_healthy) != 0"),
    ("rules.yaml", "a longer wait", "for: 5m", "for: 6m"),
    ("rules.yaml", "another severity", "severity: page", "severity: pages"),
    ("rules.yaml", "another summary", "refuses calls to", "takes calls to"),
    ("rules.yaml", "a label that is gone", "gateway, mcp_server, outcome", "gateway, mcp_server"),
    ("rules.yaml", "a breaker that is never open", "ejections_active) > 0", "ejections_active) > 1"),
    ("rules.yaml", "a label that no label is", "mcp_server=~", "mcp-server=~"),
    ("rules_test.yaml", "another value", "value: 0.5", "value: 0.4"),
    ("rules_test.yaml", "another alert", "alertname: McpBreakerOpen", "alertname: McpBreakerOpened"),
    ("prometheus.yaml", "a duration of the document", "15s", "15_seconds"),
    ("prometheus.yaml", "a key that is misspelt", "honor_labels", "honour_labels"),
    ("prometheus.yaml", "a label that no label is", "mcp_server:", "mcp-server:"),
    ("prometheus.yaml", "rules that are not there", "- rules.yaml", "- rule.yaml:x"),
    ("prometheus.yaml", "a target that is a URL", "- 127.0.0.1", "- http://127.0.0.1"),
    ("alertmanager.yaml", "a receiver that is none", "receiver: shop-page", "receiver: shop-pages"),
    ("alertmanager.yaml", "a matcher that is none", "mcp_server=~", "mcp_server=~~"),
    ("alertmanager.yaml", "a key that is misspelt", "matchers:", "macthers:"),
    ("dashboard.json", "panels that are misspelt", '"panels"', '"panles"'),
    ("dashboard.json", "a query that is misspelt", '"expr"', '"exprr"'),
    ("dashboard.json", "a text for a number", '"w": 12', '"w": "12"'),
    ("dashboard.json", "a query that is none", "sum by (gateway, mcp_server) (", "sum by gateway, mcp_server) ("),
    ("dashboard.json", "a series that nobody records", ":rate5m", ":rate6m"),
]  # fmt: skip


def spoiled(programs: Programs, folder: Path, tally: Tally) -> int:
    """Each spoiled file has to be noticed; otherwise the checks show nothing."""
    noticed = 0
    for file, what, old, new in SPOILED:
        copy = programs.folder("spoiled")
        shutil.copytree(folder, copy, dirs_exist_ok=True)
        text = (folder / file).read_text()
        tally.check(old in text, f"{old!r} is not in {file}")
        (copy / file).write_text(text.replace(old, new))
        noticed += tally.check(bool(faults(programs, copy)), f"{file}: {what}, and nobody notices")
    return noticed
