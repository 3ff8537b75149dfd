"""The platform's certificate authority."""

from __future__ import annotations

import ssl

import pytest
import yaml
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from local.control_plane.certificates import Pki, ensure_pki, kubeconfig


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    return ensure_pki(tmp_path_factory.mktemp("pki"))


def certificate(pki: Pki, name: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate(pki.certificate(name).read_bytes())


def test_the_server_is_known_by_the_addresses_that_are_used(pki: Pki) -> None:
    names = certificate(pki, "kube-apiserver").extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert "127.0.0.1" in map(str, names.get_values_for_type(x509.IPAddress))
    assert "kubernetes.default.svc" in names.get_values_for_type(x509.DNSName)


def test_every_certificate_is_signed_by_the_authority_and_fit_for_one_purpose(pki: Pki) -> None:
    authority = certificate(pki, "ca")
    for name in ("admin", "controller-manager", "scheduler", "front-proxy", "kube-apiserver"):
        leaf = certificate(pki, name)
        leaf.verify_directly_issued_by(authority)
        usage = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        server_auth = ExtendedKeyUsageOID.SERVER_AUTH if name == "kube-apiserver" else ExtendedKeyUsageOID.CLIENT_AUTH
        assert list(usage) == [server_auth]


def test_openssl_takes_the_files(pki: Pki) -> None:
    context = ssl.create_default_context(cafile=str(pki.certificate("ca")))
    context.load_cert_chain(pki.certificate("admin"), pki.key("admin"))


def test_keys_and_tokens_are_private(pki: Pki) -> None:
    for path in [*pki.folder.glob("*.key"), pki.token_file, pki.token_table]:
        assert path.stat().st_mode & 0o077 == 0, path.name


def test_the_shims_token_is_the_one_that_the_server_accepts(pki: Pki) -> None:
    token, user, _, groups = pki.token_table.read_text().strip().split(",")
    assert token == pki.token_file.read_text()
    assert user.startswith("arn:aws:iam::")
    assert groups == '"system:masters"'


def test_a_second_time_everything_stays(pki: Pki) -> None:
    before = {path.name: path.read_bytes() for path in pki.folder.iterdir()}
    ensure_pki(pki.folder)
    assert {path.name: path.read_bytes() for path in pki.folder.iterdir()} == before


def test_a_kubeconfig_needs_no_other_file(pki: Pki) -> None:
    config = yaml.safe_load(kubeconfig(pki, "admin", "https://127.0.0.1:6443"))
    assert config["clusters"][0]["cluster"]["server"] == "https://127.0.0.1:6443"
    assert not [key for key in config["users"][0]["user"] if not key.endswith("-data")]
