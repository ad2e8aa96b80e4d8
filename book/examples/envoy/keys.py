"""What a real fleet has already: certificates for the gateway, the servers and an agent, and tokens for the agent."""

import datetime
import ipaddress
import json
import pathlib
import time

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

tls = pathlib.Path("tls")
tls.mkdir(exist_ok=True)
now = datetime.datetime.now(datetime.timezone.utc)
authority = ec.generate_private_key(ec.SECP256R1())


def named(name):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def certificate(name, names, key=None):
    """A certificate of the authority, or of a new key that it signs."""
    own = key or ec.generate_private_key(ec.SECP256R1())
    made = x509.CertificateBuilder().subject_name(named(name)).issuer_name(named("ca")).public_key(own.public_key())
    made = made.serial_number(x509.random_serial_number()).not_valid_before(now).not_valid_after(now + datetime.timedelta(days=7))
    made = made.add_extension(x509.BasicConstraints(ca=name == "ca", path_length=None), critical=True)
    if names:
        made = made.add_extension(x509.SubjectAlternativeName(names), critical=False)
    signed = made.sign(authority, hashes.SHA256())
    (tls / f"{name}.crt").write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    private = own.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (tls / f"{name}.key").write_bytes(private)


here = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
certificate("ca", [], authority)
certificate("gateway", [here, x509.UniformResourceIdentifier("spiffe://example.com/mcp/gateway/central")])
certificate("servers", [here])
certificate("agent", [x509.UniformResourceIdentifier("spiffe://example.com/agents/support")])

# The issuer's key, what is published of it, and a token for each server: the agent acts for the user Ada, who logged in a moment ago.
key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
published = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key())) | {"kid": "1", "alg": "RS256", "use": "sig"}
published.pop("key_ops", None)
pathlib.Path("fleet/jwks.json").write_text(json.dumps({"keys": [published]}, indent=2) + "\n")
claims = {"iss": "https://idp.example.com", "exp": int(time.time()) + 3600}
claims |= {"sub": "user:ada", "auth_time": int(time.time()), "act": {"sub": "spiffe://example.com/agents/support"}}
for server in ("docs_server", "orders_server"):
    claims["aud"] = f"https://127.0.0.1:18443/{server}/mcp"
    pathlib.Path(f"{server}.token").write_text(jwt.encode(claims, key, algorithm="RS256", headers={"kid": "1"}))
