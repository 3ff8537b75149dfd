"""The platform's own certificate authority, and the kubeconfigs of those who may talk to its API server."""

from __future__ import annotations

import base64
import datetime
import ipaddress
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

LIFETIME_DAYS = 365
SERVER_NAMES = ("localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc")
SERVICE_ADDRESS_RANGE = "10.100.0.0/16"
"""What EKS gives to Services by default."""
SERVER_ADDRESSES = ("127.0.0.1", "10.100.0.1")

# Client certificates: file name -> (common name, organization). RBAC knows these names.
CLIENTS = {
    "admin": ("kubernetes-admin", "system:masters"),
    "controller-manager": ("system:kube-controller-manager", ""),
    "scheduler": ("system:kube-scheduler", ""),
    "front-proxy": ("front-proxy", ""),
}
EKS_USER = "arn:aws:iam::123456789012:user/local"
"""The IAM identity that every `aws eks get-token` stands for; moto's account."""


@dataclass(frozen=True)
class Pki:
    """Paths of the files in one PKI folder."""

    folder: Path

    def certificate(self, name: str) -> Path:
        return self.folder / f"{name}.crt"

    def key(self, name: str) -> Path:
        return self.folder / f"{name}.key"

    @property
    def token_file(self) -> Path:
        """The token alone, for the `aws` shim."""
        return self.folder / "eks-token"

    @property
    def token_table(self) -> Path:
        """The same token in the form of kube-apiserver's --token-auth-file."""
        return self.folder / "tokens.csv"


def ensure_pki(folder: Path) -> Pki:
    """Makes all keys, certificates and the token once; a folder that is complete is left as it is."""
    pki = Pki(folder)
    if pki.token_table.exists():  # written last
        return pki
    folder.mkdir(parents=True, exist_ok=True)
    authority_key = ec.generate_private_key(ec.SECP256R1())
    authority = _authority(authority_key)
    _write(pki.certificate("ca"), authority.public_bytes(serialization.Encoding.PEM))
    _write_key(pki.key("ca"), authority_key)
    for name, (user, group) in CLIENTS.items():
        _leaf(pki, name, user, group, authority, authority_key)
    server = [ExtendedKeyUsageOID.SERVER_AUTH]
    _leaf(pki, "kube-apiserver", "kube-apiserver", "", authority, authority_key, purposes=server, names=SERVER_NAMES)
    _write_key(pki.key("service-account"), rsa.generate_private_key(public_exponent=65537, key_size=2048))
    token = f"k8s-aws-v1.{secrets.token_urlsafe(32)}"
    _write(pki.token_file, token.encode())
    _write(pki.token_table, f'{token},{EKS_USER},{EKS_USER},"system:masters"\n'.encode())
    return pki


def ensure_service_certificate(pki: Pki, folder: Path, names: tuple[str, ...]) -> Path:
    """ca.crt, tls.crt and tls.key of a service that is server and client at once; made once, returns `folder`."""
    own = Pki(folder)
    if (folder / "ca.crt").exists():  # written last
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    authority = x509.load_pem_x509_certificate(pki.certificate("ca").read_bytes())
    key = serialization.load_pem_private_key(pki.key("ca").read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    purposes = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    _leaf(own, "tls", names[0], "", authority, key, purposes=purposes, names=names)
    _write(own.certificate("ca"), pki.certificate("ca").read_bytes())
    return folder


def kubeconfig(pki: Pki, client: str, server: str) -> str:
    """A self-contained kubeconfig of one client certificate, YAML."""

    def inline(path: Path) -> str:
        return base64.b64encode(path.read_bytes()).decode()

    user = {
        "client-certificate-data": inline(pki.certificate(client)),
        "client-key-data": inline(pki.key(client)),
    }
    cluster = {"server": server, "certificate-authority-data": inline(pki.certificate("ca"))}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "local", "cluster": cluster}],
        "users": [{"name": client, "user": user}],
        "contexts": [{"name": "local", "context": {"cluster": "local", "user": client}}],
        "current-context": "local",
    }
    return yaml.safe_dump(config, sort_keys=False)


def write_private(path: Path, text: str) -> None:
    """Writes a file that only its owner can read, from its first byte on."""
    _write(path, text.encode())


def _write(path: Path, content: bytes) -> None:
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_bytes(content)


def _write_key(path: Path, key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> None:
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL
    _write(path, key.private_bytes(encoding, form, serialization.NoEncryption()))


def _name(common_name: str, organization: str = "") -> x509.Name:
    attributes = [x509.NameAttribute(NameOID.COMMON_NAME, common_name)]
    if organization:
        attributes.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization))
    return x509.Name(attributes)


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder(subject_name=subject, issuer_name=issuer, public_key=key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + datetime.timedelta(days=LIFETIME_DAYS))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _authority(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    name = _name("vllm-on-eks local")
    usage = x509.KeyUsage(
        digital_signature=True, key_cert_sign=True, crl_sign=True, content_commitment=False,
        key_encipherment=False, data_encipherment=False, key_agreement=False, encipher_only=False,
        decipher_only=False,
    )  # fmt: skip
    return (
        _builder(name, name, key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .sign(key, hashes.SHA256())
    )


def _leaf(
    pki: Pki,
    name: str,
    user: str,
    group: str,
    authority: x509.Certificate,
    authority_key: ec.EllipticCurvePrivateKey,
    *,
    purposes: Sequence[x509.ObjectIdentifier] = (ExtendedKeyUsageOID.CLIENT_AUTH,),
    names: Sequence[str] = (),
) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    builder = (
        _builder(_name(user, group), authority.subject, key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False)
    )
    if ExtendedKeyUsageOID.SERVER_AUTH in purposes:
        hosts: list[x509.GeneralName] = [x509.DNSName(host) for host in names]
        hosts += [x509.IPAddress(ipaddress.ip_address(address)) for address in SERVER_ADDRESSES]
        builder = builder.add_extension(x509.SubjectAlternativeName(hosts), critical=False)
    certificate = builder.sign(authority_key, hashes.SHA256())
    _write(pki.certificate(name), certificate.public_bytes(serialization.Encoding.PEM))
    _write_key(pki.key(name), key)
