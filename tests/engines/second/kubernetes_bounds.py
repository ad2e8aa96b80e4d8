"""Values at the bounds of their grammars: what the API server takes, `mcpctl` takes, too, and what it refuses, a compile refuses.

Each value is put into a workspace, and into an object of the server's that holds it in the same place. `STRICTER` are those that the
server takes and that `mcpctl` refuses on purpose, each with the reason.
"""

import json
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import yaml
from live.tally import Tally

from .evidence import Loader
from .istio_taken import Clerk, documents

FLEET = Path(__file__).with_name("cluster")
LABEL_VALUES = ["", "a", "A", "0", "A_b.c-1", "-a", "a-", "_a", "a.", "a b", "a/b", "é", "a" * 63, "a" * 64, "1.5", "true", "a..b"]
LABEL_KEYS = [
    "a", "A_b.c-1", "a/b", "a.b/c", "A/b", "a_b/c", "/a", "a/", "a/b/c", "-a", "a-", "a" * 63, "a" * 64, "x" * 63 + "/a", "x" * 64 + "/a",
    ".".join(["x" * 60] * 4) + "/a", ".".join(["x" * 63] * 4) + "/a", "a..b/c", "1.2/3", "xn--a/b", "é",
]  # fmt: skip
NAMES = ["a", "a-b", "1a", "1", "a" * 63, "a" * 64, "A", "a_b", "a.b", "-a", "a-", "a--b", ""]
RANGES = [
    "10.0.0.0/8", "192.0.2.1/32", "192.0.2.0/24", "2001:db8::/32", "2001:db8::1/128", "10.0.0.0/33", "10.0.0/8", "10.0.0.0", "2001:db8::/129", "::ffff:10.0.0.0/104",
    "10.0.0.1/24", "010.0.0.0/8", "10.0.0.0/08", "0.0.0.0/0", "::/0", "10.0.0.0/7",
]  # fmt: skip
PORTS = [1, 80, 65535, 0, 65536, -1]
SIZES = ["1Mi", "1.5Gi", "0.5Gi", "1Ei", "7Ei", "8Ei", "1G", "1k", "128974848", "1e3", "100m", "12.5M", "Gi", "1.Gi", "1 Gi", "1K", "1gi", "0.1Ki", "1KiB"]
CORES = [0.001, 0.1, 0.5, 1, 1.25, 64, 1000000, -1]
STRICTER = {
    ("cidr", "0.0.0.0/0"): "the whole Internet", ("cidr", "::/0"): "the whole Internet", ("cidr", "10.0.0.0/7"): "half of it",
    ("memory", "128974848"): "no unit, so megabytes may be meant", ("memory", "1e3"): "no unit", ("memory", "100m"): "a tenth of a byte",
    ("memory", "0.1Ki"): "parts of a byte", ("memory", "Gi"): "no number", ("memory", "1.Gi"): "a slip",
    ("memory", "8Ei"): "the server counts one byte less",
}  # fmt: skip
# Other words, which are written as the server reads them.
TRANSLATED = {("cidr", "10.0.0.0/08"), *(("memory", text) for text in ("1 Gi", "1K", "1KiB"))}


def fleet(change: Callable[[dict, dict], None]) -> dict[str, str]:
    document, settings = (yaml.load((FLEET / name).read_text(), Loader) for name in ("fleet.yaml", "mcpctl.yaml"))
    # This server has a namespace for itself, so its pool has a quota.
    pool = {"name": "ledger", "mcp_servers": ["ledger_server"], "resources": {"memory": "1Gi", "cpu_cores": 2}}
    document["bulkhead_config"] = {"resource_pools": [pool]}
    change(document, settings)
    return {"fleet.yaml": json.dumps(document), "mcpctl.yaml": json.dumps(settings)}


def of_server(key: str, value: str) -> Callable[[dict, dict], None]:
    return lambda document, _: document["mcp_registry"]["servers"][0].update(labels={key: value})


def of_url(namespace: str) -> Callable[[dict, dict], None]:
    return lambda document, _: document["mcp_registry"]["servers"][0].update(url=f"https://crm.{namespace}.svc.cluster.local:8443/mcp")


def of_egress(**what) -> Callable[[dict, dict], None]:
    return lambda _, settings: settings["targets"]["kubernetes"].update(egress=[what])


def of_pool(**what) -> Callable[[dict, dict], None]:
    return lambda document, _: document["bulkhead_config"]["resource_pools"][0].update(resources=what)


def network_policy(to: dict, port=443) -> dict:
    spec = {"podSelector": {}, "policyTypes": ["Egress"], "egress": [{"to": [to], "ports": [{"port": port, "protocol": "TCP"}]}]}
    return {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "probe", "namespace": "default"}, "spec": spec}


def quota(**hard) -> dict:
    limits = {f"limits.{name}": value for name, value in hard.items()}
    return {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "probe", "namespace": "default"}, "spec": {"hard": limits}}


def pods(labels: dict) -> dict:
    return network_policy({"podSelector": {"matchLabels": labels}})


def cases() -> list[tuple[str, object, Callable[[dict, dict], None], dict]]:
    """The kind of value, the value, how it gets into the workspace, and the object that has it."""
    block = lambda cidr, port=443: network_policy({"ipBlock": {"cidr": cidr}}, port)  # noqa: E731
    found = [("label value", one, of_server("app", one), pods({"app": one})) for one in LABEL_VALUES]
    found += [("label key", one, of_server(one, "x"), pods({one: "x"})) for one in LABEL_KEYS]
    # A namespace is selected by its name, so its own grammar counts.
    namespace = lambda name: {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}  # noqa: E731
    found += [("namespace", one, of_egress(namespace=one, labels={"app": "x"}, port=443), namespace(one)) for one in NAMES]
    of_host = [one for one in NAMES if one and "." not in one and "_" not in one and one.islower() or one == "1"]
    found += [("namespace of a URL", one, of_url(one), namespace(one)) for one in of_host]
    found += [("cidr", one, of_egress(cidr=one, port=443), block(one)) for one in RANGES]
    found += [("port", one, of_egress(cidr="192.0.2.0/24", port=one), block("192.0.2.0/24", one)) for one in PORTS]
    found += [("memory", one, of_pool(memory=one), quota(memory=one)) for one in SIZES]
    return found + [("cpu_cores", one, of_pool(cpu_cores=one), quota(cpu=str(one))) for one in CORES]


def run(programs, server, tally: Tally) -> str:
    clerk, there, seen, work = Clerk(server), {"default"}, set(), programs.work / "bounds"
    taken = refused = 0

    def compiled(numbered: tuple[int, tuple]) -> tuple[subprocess.CompletedProcess, Path]:
        number, (_, _, change, _) = numbered
        source, out = work / str(number) / "fleet", work / str(number) / "out"
        source.mkdir(parents=True)
        for name, text in fleet(change).items():
            (source / name).write_text(text)
        return programs.mcpctl_run("compile", source, "--target", "kubernetes", "--out", out, "--quiet"), out

    # Both processors compile.
    with ThreadPoolExecutor(2) as pool:
        ready = list(pool.map(compiled, enumerate(cases())))
    for (kind, value, _, document), (done, out) in zip(cases(), ready, strict=True):
        tally.check(done.returncode in (0, 1), f"{kind} {value!r}: compile ends with {done.returncode}: {done.stderr[-300:]}")
        said = clerk.refusal(document)
        ours, theirs = done.returncode == 0, said is None
        expected = theirs and (kind, value) not in STRICTER or (kind, value) in TRANSLATED
        why = said if ours else done.stderr[-600:]
        tally.check(ours == expected, f"{kind} {value!r}: mcpctl {'takes' if ours else 'refuses'} it, the server {'takes' if theirs else 'refuses'} it: {why}")
        tally.check(theirs or (kind, value) not in STRICTER, f"{kind} {value!r}: the server refuses it as well")
        for written in documents(out) if ours else []:
            within = written["metadata"].get("namespace", "default")
            if within not in there:
                clerk.refusal({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": within}}, dry=False)
                there.add(within)
            # An object that several of them have alike is looked at once.
            text = json.dumps(written, sort_keys=True)
            if text in seen:
                continue
            seen.add(text)
            whole = clerk.refusal(written)
            tally.check(whole is None, f"{kind} {value!r} is written, and the server refuses it: {whole}")
        taken, refused = taken + ours, refused + (not ours)
    return f"{taken} values at the bounds taken, {refused} refused"
