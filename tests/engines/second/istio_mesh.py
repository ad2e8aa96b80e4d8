"""Istio's control plane on a Kubernetes API server, on loopback: istiod with its own authority and its validating webhook, and what
hands the workloads' certificates to proxies.

Issuers' keys are had from where the bundle says: istiod asks for them through a proxy that leads every host to one server here.
"""

import base64
import functools
import http.client
import http.server
import json
import os
import ssl
import subprocess
import threading
import time
from pathlib import Path

from ports import free_ports

from live.pki import Authority

from .api_server import megabytes

SYSTEM = "istio-system"
# Without these two a proxy needs extensions that only Istio's own build of Envoy has. They carry telemetry.
SETTINGS = {
    "PILOT_ENABLE_METADATA_EXCHANGE": "false", "PILOT_ENABLE_ALPN_FILTER": "false", "POD_NAMESPACE": SYSTEM, "POD_NAME": "istiod-0",
}  # fmt: skip
GROUPS = ["security.istio.io", "networking.istio.io", "telemetry.istio.io"]


class Keys:
    """The keys of issuers, by the URL that a bundle names; over TLS, behind a proxy that resolves every name to itself."""

    def __init__(self, certificate: Path, key: Path, published: dict[str, str]):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self.asked: list[str] = []
        keys = self

        class Tunnel(http.server.BaseHTTPRequestHandler):
            def do_CONNECT(self):
                self.send_response(200)
                self.end_headers()
                try:
                    inner = context.wrap_socket(self.connection, server_side=True)
                    inner.settimeout(10)
                    text = inner.recv(65536).decode("latin-1")
                    url = f"https://{self.path.removesuffix(':443')}{text.split(' ', 2)[1]}"
                    keys.asked.append(url)
                    body = published.get(url, "")
                    status = "200 OK" if body else "404 Not Found"
                    inner.sendall(f"HTTP/1.1 {status}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n{body}".encode())
                    inner.close()
                except OSError:
                    pass

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Tunnel)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()


class Mesh:
    """`published` are the keys that issuers have at their URLs."""

    def __init__(self, server, programs: Path, work: Path, trust_domain: str, published: dict[str, str]):
        self.server, self.programs, self.work = server, programs, work
        work.mkdir()
        self.running: list[subprocess.Popen] = []
        self.http, self.grpc, self.signing, self.webhook, self.monitoring, self.secrets = free_ports(6)
        authority = Authority(work, "hosts")
        self.authority = authority.file
        hosts = sorted({url.split("/")[2] for url in published})
        own = authority.issue("hosts", None, hosts=True, named=hosts)
        self.keys = Keys(own.cert, own.key, published)
        try:
            server.ask("POST", "/api/v1/namespaces", {"metadata": {"name": SYSTEM}})
            began = time.monotonic()
            self.start_istiod(trust_domain, own.cert, own.key)
            self.ready = time.monotonic() - began
            self.register_webhook()
        except BaseException:
            self.stop()
            raise

    def start(self, name: str, *arguments: str, **environment: str) -> subprocess.Popen:
        with (self.work / f"{name}.log").open("wb") as log:
            command = [str(self.programs / name), *arguments]
            environment |= {"PATH": os.environ["PATH"], "HOME": str(self.work)}
            process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self.work, env=environment)
        self.running.insert(0, process)
        return process

    def failed(self, name: str) -> SystemExit:
        logs = [f"{log.name}: {log.read_text()[-2000:]}" for log in sorted(self.work.glob("*.log"))]
        return SystemExit(f"{name} did not start: " + "\n".join(logs))

    def start_istiod(self, trust_domain: str, certificate: Path, key: Path) -> None:
        (self.work / "mesh.json").write_text(json.dumps({"trustDomain": trust_domain, "enableTracing": False}))
        process = self.start(
            "pilot-discovery", "discovery", f"--kubeconfig={self.server.kubeconfig}", f"--meshConfig={self.work / 'mesh.json'}",
            "--networksConfig=none", f"--httpAddr=127.0.0.1:{self.http}", f"--httpsAddr=127.0.0.1:{self.webhook}",
            f"--grpcAddr=127.0.0.1:{self.grpc}", f"--secureGRPCAddr=127.0.0.1:{self.signing}", f"--monitoringAddr=127.0.0.1:{self.monitoring}", "--ctrlz_port=0",
            f"--tlsCertFile={certificate}", f"--tlsKeyFile={key}", f"--caCertFile={self.authority}", "--domain=cluster.local",
            HTTPS_PROXY=f"http://127.0.0.1:{self.keys.port}", SSL_CERT_FILE=str(self.authority), **SETTINGS,
        )  # fmt: skip
        for _ in range(600):
            if process.poll() is not None:
                break
            try:
                connection = http.client.HTTPConnection("127.0.0.1", self.http, timeout=5)
                connection.request("GET", "/ready")
                if connection.getresponse().status == 200:
                    return
            except OSError:
                pass
            time.sleep(0.05)
        raise self.failed("pilot-discovery")

    def register_webhook(self) -> None:
        """From here on the API server takes nothing of Istio that istiod refuses."""
        bundle = base64.b64encode(self.authority.read_bytes()).decode()
        self.server.ask("POST", "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations", {
            "metadata": {"name": "istiod"},
            "webhooks": [{
                "name": "validation.istio.io", "clientConfig": {"url": f"https://127.0.0.1:{self.webhook}/validate", "caBundle": bundle},
                "rules": [{"apiGroups": GROUPS, "apiVersions": ["*"], "resources": ["*"], "operations": ["CREATE", "UPDATE"]}],
                "failurePolicy": "Fail", "sideEffects": "None", "admissionReviewVersions": ["v1"], "timeoutSeconds": 10,
            }],
        })  # fmt: skip

    def issue(self, accounts: list[tuple[str, str]]) -> Path:
        """Certificates for service accounts, from istiod, for tokens of the API server; and the server that proxies have them from."""
        tokens, certificates = self.work / "tokens", self.work / "certificates"
        tokens.mkdir()
        certificates.mkdir()
        for namespace, account in accounts:
            path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token"
            answer = self.server.ask("POST", path, {"spec": {"audiences": ["istio-ca"], "expirationSeconds": 3600}})
            (tokens / f"{namespace}.{account}").write_text(answer["status"]["token"])
        at = f"127.0.0.1:{self.secrets}", f"127.0.0.1:{self.signing}"
        process = self.start("workloads", *at, str(self.authority), str(tokens), str(certificates))
        for _ in range(600):
            if process.poll() is not None:
                break
            if (certificates / "root.pem").exists():
                return certificates
            time.sleep(0.05)
        raise self.failed("workloads")

    def resident(self) -> int:
        """Memory of istiod and of what hands out certificates, in MB."""
        return sum(megabytes(process.pid) for process in self.running)

    def stop(self) -> None:
        for process in self.running:
            process.terminate()
        for process in self.running:
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.running = []
        self.keys.stop()
        try:
            self.server.ask("DELETE", "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/istiod")
        except OSError:
            # The API server is gone already.
            pass


@functools.cache
def client_context(certificates: Path, identity: str | None) -> ssl.SSLContext:
    """What a workload connects with: its own certificate, and the mesh's authority."""
    context = ssl.create_default_context(cafile=str(certificates / "root.pem"))
    context.check_hostname = False
    if identity:
        context.load_cert_chain(certificates / f"{identity}.pem")
    return context
