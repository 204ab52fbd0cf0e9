"""A certificate authority of the test's own, for servers and clients on loopback."""

from __future__ import annotations

import datetime as dt
import ipaddress
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Authority", "make_authority"]


@dataclass(frozen=True)
class Authority:
    """Files of PEM: the authority's certificate, and a server's and a client's of its issue."""

    ca: Path
    server: Path
    client_certificate: Path
    client_key: Path

    def server_context(self, *, client_needed: bool = False) -> ssl.SSLContext:
        """For a server on 127.0.0.1 or localhost."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.server)
        if client_needed:
            context.load_verify_locations(self.ca)
            context.verify_mode = ssl.CERT_REQUIRED
        return context


def make_authority(directory: Path) -> Authority:
    """Make one, with its files in a directory."""
    directory.mkdir(parents=True, exist_ok=True)
    ca_key = ec.generate_private_key(ec.SECP256R1())
    ca = _certificate("test authority", ca_key, None, ca_key)
    files = Authority(*(directory / f"{n}.pem" for n in ("ca", "server", "client", "client-key")))
    files.ca.write_bytes(_pem(ca))
    key = ec.generate_private_key(ec.SECP256R1())
    files.server.write_bytes(_key_pem(key) + _pem(_certificate("localhost", key, ca, ca_key)))
    key = ec.generate_private_key(ec.SECP256R1())
    files.client_certificate.write_bytes(_pem(_certificate("client", key, ca, ca_key)))
    files.client_key.write_bytes(_key_pem(key))
    return files


def _certificate(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: x509.Certificate | None,
    issuer_key: ec.EllipticCurvePrivateKey,
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if issuer is None else issuer.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
    )
    if issuer is not None:
        addresses = [x509.IPAddress(ipaddress.ip_address("127.0.0.1")), x509.DNSName("localhost")]
        builder = builder.add_extension(x509.SubjectAlternativeName(addresses), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
