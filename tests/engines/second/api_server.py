"""A Kubernetes API server with its etcd, on loopback, and the `kubectl` of the same version.

There are no controllers. The one that is needed is played here: a namespace that is deleted goes with what is in it.
"""

import functools
import http.client
import json
import os
import ssl
import subprocess
import threading
import time
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from ports import free_ports

TOKEN = "of-the-tests"
JSON = "application/json"
# Of each object its name and its labels alone, which is less than a hundredth of all definitions.
NAMES = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
SERVER_FLAGS = [
    "--bind-address=127.0.0.1", "--advertise-address=127.0.0.1", "--authorization-mode=RBAC", "--service-cluster-ip-range=10.0.0.0/24",
    # Istio's authority takes tokens that are for it.
    "--service-account-issuer=https://kubernetes.default.svc", "--api-audiences=https://kubernetes.default.svc,istio-ca",
    "--disable-admission-plugins=ServiceAccount,TaintNodesByCondition",
    "--endpoint-reconciler-type=none", "--profiling=false",
]  # fmt: skip


class ApiServer:
    def __init__(self, programs: Path, work: Path):
        self.programs, self.work = programs, work
        work.mkdir()
        self.running: list[subprocess.Popen] = []
        self.stopping = threading.Event()
        # Its certificate is one that it makes for itself.
        self.context = ssl._create_unverified_context()
        self.kept = threading.local()
        client, peer, self.port = free_ports(3)
        try:
            self.start_etcd(client, peer)
            self.start_server(client)
        except BaseException:
            self.stop()
            raise
        self.kubeconfig = self.write_kubeconfig()
        self.namespaces = threading.Thread(target=self.finish_namespaces, daemon=True)
        self.namespaces.start()

    def start(self, name: str, *arguments: str) -> subprocess.Popen:
        with (self.work / f"{name}.log").open("wb") as log:
            process = subprocess.Popen([str(self.programs / name), *arguments], stdout=log, stderr=log, cwd=self.work)
        self.running.insert(0, process)
        return process

    def start_etcd(self, client: int, peer: int) -> None:
        at, peers = f"http://127.0.0.1:{client}", f"http://127.0.0.1:{peer}"
        self.start(
            "etcd", "--data-dir", str(self.work / "data"), "--listen-client-urls", at, "--advertise-client-urls", at, "--listen-peer-urls",
            peers, "--initial-advertise-peer-urls", peers, "--initial-cluster", f"default={peers}", "--unsafe-no-fsync", "--log-level", "error",
        )  # fmt: skip

    def start_server(self, etcd: int) -> None:
        key, tokens = self.work / "accounts.key", self.work / "tokens.csv"
        # The server takes no other form of an elliptic key.
        form = (serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption())
        key.write_bytes(ec.generate_private_key(ec.SECP256R1()).private_bytes(*form))
        tokens.write_text(f'{TOKEN},admin,admin,"system:masters"\n')
        process = self.start(
            "kube-apiserver", f"--etcd-servers=http://127.0.0.1:{etcd}", f"--secure-port={self.port}", f"--cert-dir={self.work / 'certificates'}",
            f"--token-auth-file={tokens}", f"--service-account-signing-key-file={key}", f"--service-account-key-file={key}", *SERVER_FLAGS,
        )  # fmt: skip
        for _ in range(600):
            if process.poll() is not None:
                break
            try:
                self.ask("GET", "/readyz")
                return
            except OSError:
                time.sleep(0.1)
        raise SystemExit(f"the API server did not start: {(self.work / 'kube-apiserver.log').read_text()[-3000:]}")

    def write_kubeconfig(self) -> Path:
        path = self.work / "kubeconfig"
        path.write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "it",
            "clusters": [{"name": "it", "cluster": {"server": f"https://127.0.0.1:{self.port}", "insecure-skip-tls-verify": True}}],
            "users": [{"name": "it", "user": {"token": TOKEN}}], "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}],
        }))  # fmt: skip
        return path

    def ask(self, method: str, path: str, body: dict | None = None, form: str = JSON):
        """An OSError is a refusal; a server that is busy is asked again."""
        for _ in range(100):
            status, text = self.send(method, path, json.dumps(body) if body is not None else None, form)
            if status != 429:
                break
            time.sleep(0.1)
        if status >= 300:
            raise OSError(f"{method} {path}: {status} {text[:200]}")
        return json.loads(text) if text.startswith(b"{") else text

    def send(self, method: str, path: str, body: str | None, form: str = JSON) -> tuple[int, bytes]:
        """Each thread keeps its connection, since a new one costs more than the question."""
        kept = getattr(self.kept, "connection", None)
        connection = kept or http.client.HTTPSConnection("127.0.0.1", self.port, context=self.context, timeout=30)
        self.kept.connection = None
        try:
            connection.request(method, path, body, {"authorization": f"Bearer {TOKEN}", "content-type": JSON, "accept": form})
            answer = connection.getresponse()
            found = answer.status, answer.read()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            if kept and isinstance(error, (http.client.RemoteDisconnected, ConnectionError)):
                # The server ended it while it was idle.
                return self.send(method, path, body, form)
            raise OSError(f"{method} {path}: {error}") from error
        self.kept.connection = connection
        return found

    def kubectl(self, *arguments, given: str | None = None, timeout: int = 120) -> subprocess.CompletedProcess:
        environment = {"KUBECONFIG": str(self.kubeconfig), "HOME": str(self.work), "PATH": os.environ["PATH"]}
        command = [str(self.programs / "kubectl"), *(str(one) for one in arguments)]
        return subprocess.run(command, input=given, capture_output=True, text=True, timeout=timeout, env=environment, cwd=self.work)

    @functools.cache
    def kinds(self) -> list[tuple[str, str, str, bool]]:
        """Every kind that can be listed and deleted: its path, its plural, its name, and whether it belongs to a namespace. Not to be
        asked for before all kinds are defined."""
        groups = [("/api/v1", self.ask("GET", "/api/v1"))]
        for group in self.ask("GET", "/apis")["groups"]:
            path = f"/apis/{group['preferredVersion']['groupVersion']}"
            groups.append((path, self.ask("GET", path)))
        return [
            (path, one["name"], one["kind"], one["namespaced"]) for path, found in groups for one in found["resources"]
            if "/" not in one["name"] and {"list", "delete"} <= set(one["verbs"])
        ]  # fmt: skip

    def finish_namespaces(self) -> None:
        """Namespaces that are deleted: what is in them goes, and then they do."""
        while not self.stopping.wait(0.1):
            try:
                for one in self.ask("GET", "/api/v1/namespaces")["items"]:
                    if one["metadata"].get("deletionTimestamp"):
                        self.finish_namespace(one)
            except OSError:
                # The server is stopped, or somebody else was faster.
                continue

    def finish_namespace(self, namespace: dict) -> None:
        name = namespace["metadata"]["name"]
        for path, plural, _, namespaced in self.kinds():
            # Each kind that belongs to namespaces can be deleted as a whole.
            if namespaced:
                self.ask("DELETE", f"{path}/namespaces/{name}/{plural}")
        namespace["spec"]["finalizers"] = []
        self.ask("PUT", f"/api/v1/namespaces/{name}/finalize", namespace)

    def clear(self) -> None:
        """Everything goes but for what the server made itself."""
        own = {"default", "kube-system", "kube-public", "kube-node-lease"}
        others = {one["metadata"]["name"] for one in self.ask("GET", "/api/v1/namespaces")["items"]} - own
        for name in others:
            self.ask("DELETE", f"/api/v1/namespaces/{name}")
        for _ in range(300):
            if not others & {one["metadata"]["name"] for one in self.ask("GET", "/api/v1/namespaces")["items"]}:
                break
            time.sleep(0.1)
        else:
            raise SystemExit("namespaces do not go")
        for path, plural, _, namespaced in self.kinds():
            if not namespaced and plural == "clusterspiffeids":
                self.ask("DELETE", f"{path}/{plural}")

    def resident(self) -> int:
        """Memory in MB, that of etcd included."""
        return sum(megabytes(process.pid) for process in self.running)

    def stop(self) -> None:
        """The server first: without etcd it would not end for minutes."""
        self.stopping.set()
        for process in self.running:
            process.terminate()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.running = []


def megabytes(pid: int) -> int:
    """The memory of a process that is resident; 0 where there is none."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) // 1024 for line in lines if line.startswith("VmRSS:")), 0)
