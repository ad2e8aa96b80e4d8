"""A second engine of network policies, which shares no code with network-config-analyzer: that of kube-network-policies, a plugin, which
decides on packets. It is asked about one packet for each pair, protocol and port that could make a difference."""

import json
import subprocess
from collections.abc import Iterable
from pathlib import Path

from .network_pods import Pod

# Beside those of the policies: some that no policy of ours names.
NEVER = [1, 15013, 65535]
PROTOCOLS = ["TCP", "UDP", "SCTP"]
# For each address beside the pods.
OUTSIDE = ["192.0.2.77", "8.8.8.8", "2001:db8::77"]

Probe = tuple[str, int]


def named(policies: list[dict]) -> set[Probe]:
    """The ports that policies name, and the same numbers of other protocols."""
    rules = [rule for policy in policies for rule in [*policy["spec"].get("ingress", []), *policy["spec"].get("egress", [])]]
    numbers = {port["port"] for rule in rules for port in rule.get("ports", [])}
    return {(protocol, number) for protocol in PROTOCOLS for number in numbers}


class Packets:
    """`fleet` is what runs, with its namespaces; it is asked about one set of policies after the other."""

    def __init__(self, program: Path, folder: Path, fleet: list[dict]):
        file = folder / "fleet.json"
        file.write_text(json.dumps(fleet))
        self.log = folder / "packets.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen([program, file], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True)

    def open(self, policies: list[dict], probes: list[Probe], addresses: Iterable[str] = ()) -> dict[tuple[str, str], set[Probe]]:
        """The probes that are let through, for each pair for which there is one."""
        ports = [{"Protocol": protocol, "Number": number} for protocol, number in probes]
        try:
            self.process.stdin.write(json.dumps({"Policies": policies, "Ports": ports, "Addresses": list(addresses)}) + "\n")
            self.process.stdin.flush()
            answer = json.loads(self.process.stdout.readline())
        except (OSError, ValueError) as error:
            raise SystemExit(f"the engine of packets: {error}: {self.log.read_text()[-2000:]}") from error
        return {tuple(pair.split(" ")): {probe for probe, digit in zip(probes, digits, strict=True) if digit == "1"} for pair, digits in answer.items()}

    def stop(self) -> None:
        self.process.stdin.close()
        self.process.wait(20)


def within(ports: set[Probe] | None, probes: Iterable[Probe]) -> set[Probe]:
    """The probes among some ports; None are all of them."""
    return {probe for probe in probes if ports is None or probe in ports}


def differs(pods: list[Pod], pairs: dict, found: dict, probes: list[Probe]) -> list[str]:
    """Where the other engine's pairs of pods are not the ones that were found."""
    names = {str(pod) for pod in pods}
    others = {pair: within(ports, probes) for pair, ports in pairs.items() if set(pair) <= names and pair[0] != pair[1]}
    inner = {pair: ports for pair, ports in found.items() if set(pair) <= names}
    return [
        f"{one} to {other}: {sorted(inner.get((one, other), set()))} for packets, {sorted(others.get((one, other), set()))} by analysis"
        for one, other in sorted({*inner, *others}) if inner.get((one, other), set()) != others.get((one, other), set())
    ]  # fmt: skip
