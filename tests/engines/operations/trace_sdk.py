"""`sdk.env` by the SDK of Python: a process that gets it and nothing else sends what the workspace says."""

import os
import subprocess
import sys
import time
from pathlib import Path

from live.tally import Tally

from .programs import HERE, Programs
from .trace_backends import Stack, workspace

REQUESTS, TENTH = 2_000, 10
DEVIATIONS = 4
WAIT = 6


def variables(file: Path) -> dict[str, str]:
    return dict(line.split("=", 1) for line in file.read_text().splitlines())


def requests(told: dict[str, str]) -> str:
    """Answers requests in a process with such an environment; what it complains of."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    command = [sys.executable, HERE / "sdk_app.py", "0", str(REQUESTS)]
    # The queue of the SDK would drop what is made faster than it is sent.
    more = {"OTEL_BSP_MAX_QUEUE_SIZE": "10000", "OTEL_SERVICE_NAME": "server"}
    done = subprocess.run([str(part) for part in command], env=plain | told | more, capture_output=True, text=True, timeout=120)
    return (done.stdout + done.stderr)[-500:] if done.returncode or done.stderr else ""


def kept(around: Stack, backend: str, told: dict[str, str], tally: Tally, what: str) -> dict[str, bool]:
    """The requests whose spans come through to a backend, and whether each failed."""
    around.backends.clear()
    said = requests(told)
    tally.check(not said, f"{what}: the SDK says {said}")
    time.sleep(WAIT)
    received = around.backends.received.get(backend)
    found: dict[str, bool] = {}
    for span in received.spans if received else []:
        request = span.attributes.get("http.request.header.x_request_id", "")
        tally.check("req-" in request, f"{what}: a span has no header of its request: {span.text[:300]}")
        found[request] = span.error
    return found


def run(programs: Programs, around: Stack, collector: int, text: str, tally: Tally) -> None:
    """`text` is the workspace of the collector that listens at the port."""

    def env(name: str, sampling: str, port: int) -> dict[str, str]:
        folder = workspace(programs, name, text.replace("{strategy: tail, rate: 0.1, priority_boost: error_spans}", sampling))
        (folder / "mcpctl.yaml").write_text(f"targets: {{otel-collector: {{endpoint: 'http://127.0.0.1:{port}/v1/traces'}}}}\n")
        return variables(programs.compiled(folder, "otel-collector") / "central/sdk.env")

    # Through the collector, which chooses: the errors of all callers, and a tenth of the rest.
    found = kept(around, "grpc", env("sdk-tail", "{strategy: tail, rate: 0.1, priority_boost: error_spans}", collector), tally, "tail")
    errors, others = sum(found.values()), len(found) - sum(found.values())
    tally.check(errors == REQUESTS // TENTH, f"tail: {errors} of {REQUESTS // TENTH} errors come from the SDK")
    near(others, REQUESTS - REQUESTS // TENTH, 0.1, "tail", tally)
    # Past it, so that what comes is what the SDK chose: a share of the traces that begin here, and no others.
    found = kept(around, "http", env("sdk-head", "{strategy: probabilistic, rate: 0.3}", around.http), tally, "head")
    near(len(found), REQUESTS // 2, 0.3, "head", tally)
    for sampling, expected in (("{strategy: always_on}", REQUESTS), ("{strategy: always_off}", 0)):
        found = kept(around, "http", env(f"sdk-{expected}", sampling, around.http), tally, sampling)
        tally.check(len(found) == expected, f"{sampling}: {len(found)} of {REQUESTS} requests come from the SDK")
    tally.notes.append(f"{4 * REQUESTS} requests in the SDK of Python")


def near(number: int, of: int, share: float, what: str, tally: Tally) -> None:
    tally.check(abs(number - of * share) <= DEVIATIONS * (of * share * (1 - share)) ** 0.5, f"{what}: {number} of {of} traces, and {share} is declared")
