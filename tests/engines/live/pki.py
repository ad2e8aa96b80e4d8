"""Keys and certificates for one run: two authorities, made when the run begins and gone with its folder.

Callers and gateways have certificates of different authorities. Gateways trust both; servers trust that of the gateways
alone, so that a caller who goes round the gateways reaches nothing.
"""

import datetime
import ipaddress
import ssl
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAY = datetime.timedelta(days=1)


def pem(key):
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


class Authority:
    """An authority and what it signs."""

    def __init__(self, folder: Path, name: str):
        self.folder, self.name = folder, name
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{name} authority")])
        self.certificate = self._signed(self.subject, self.key.public_key(), [], authority=True)
        self.file = folder / f"{name}-authority.crt"
        self.file.write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))

    def _signed(self, subject, public, names, authority=False, ended=False):
        now = datetime.datetime.now(datetime.timezone.utc)
        start, end = (now - 9 * DAY, now - 2 * DAY) if ended else (now - DAY, now + DAY)
        made = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.subject)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(end)
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False)
        )
        if names:
            made = made.add_extension(x509.SubjectAlternativeName(names), critical=False)
        if not authority:
            usages = [ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH]
            made = made.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        return made.sign(self.key, hashes.SHA256())

    def issue(self, file: str, uri: str | None, hosts: bool = False, ended: bool = False, named: list[str] = ()) -> "Pair":
        """A certificate for a URI, for this machine where `hosts`, and for the hosts that are named."""
        names = [x509.UniformResourceIdentifier(uri)] if uri else []
        names += [x509.DNSName(host) for host in named]
        if hosts:
            names += [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, file)])
        certificate = self._signed(subject, key.public_key(), names, ended=ended)
        pair = Pair(self.folder / f"{file}.crt", self.folder / f"{file}.key")
        pair.cert.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        pair.key.write_bytes(pem(key))
        pair.key.chmod(0o600)
        return pair


class Pair:
    """A certificate and its key."""

    def __init__(self, cert: Path, key: Path):
        self.cert, self.key = cert, key


class Pki:
    """Everything that one run needs."""

    def __init__(self, folder: Path, trust_domain: str):
        folder.mkdir(parents=True)
        self.folder, self.trust_domain = folder, trust_domain
        self.callers = Authority(folder, "callers")
        self.gateways = Authority(folder, "gateways")
        self.strangers = Authority(folder, "strangers")
        self.both = folder / "ca.crt"
        self.both.write_bytes(self.callers.file.read_bytes() + self.gateways.file.read_bytes())
        self._pairs: dict[str, Pair] = {}

    def gateway(self, name: str) -> Pair:
        return self._once(name, lambda: self.gateways.issue(name, f"spiffe://{self.trust_domain}/mcp/gateway/{name}", hosts=True))

    def server(self) -> Pair:
        return self._once("servers", lambda: self.gateways.issue("servers", None, hosts=True))

    def caller(self, subject: str) -> Pair:
        return self._once(subject, lambda: self.callers.issue(f"caller-{len(self._pairs)}", subject))

    def stranger(self, subject: str) -> Pair:
        """A certificate that names the subject, of an authority that nobody trusts."""
        return self._once("!" + subject, lambda: self.strangers.issue(f"stranger-{len(self._pairs)}", subject))

    def ended(self, subject: str) -> Pair:
        return self._once("-" + subject, lambda: self.callers.issue(f"ended-{len(self._pairs)}", subject, ended=True))

    def impostor(self, subject: str) -> Pair:
        """A certificate of the callers' authority that names a gateway."""
        return self._once("?" + subject, lambda: self.callers.issue(f"impostor-{len(self._pairs)}", subject))

    def _once(self, name, make) -> Pair:
        if name not in self._pairs:
            self._pairs[name] = make()
        return self._pairs[name]

    def context(self, pair: Pair | None, alpn=("http/1.1",)) -> ssl.SSLContext:
        """What a client connects with."""
        context = ssl.create_default_context(cafile=str(self.gateways.file))
        context.check_hostname = False
        context.set_alpn_protocols(list(alpn))
        if pair:
            context.load_cert_chain(pair.cert, pair.key)
        return context
