from __future__ import annotations

import os
import ssl
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_der_private_key, load_pem_private_key

from lab.pki.authority import Authority
from lab.pki.credential import Credential, der, digest, with_bad_signature, write_private
from lab.pki.keys import KeyType, key_der
from tests.pinning import openssl
from tests.pki import verifiers
from tests.pki.samples import HOST, ISSUER, ROOT, key
from tests.pki.verifiers import Verifier

SERVED = ISSUER.issue(HOST)


@pytest.fixture
def no_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def mode(path: Path) -> str:
    return stat.filemode(path.stat().st_mode)


def test_the_chain_is_leaf_first_and_without_the_root() -> None:
    below = ISSUER.subordinate("Lower CA")
    made = below.issue(HOST)
    assert made.chain == (made.certificate, below.certificate, ISSUER.certificate)
    assert made.chain_der == tuple(der(certificate) for certificate in made.chain)
    assert x509.load_pem_x509_certificates(made.chain_pem) == list(made.chain)


def test_digests_are_what_openssl_computes() -> None:
    for shown, content in zip(SERVED.digests, SERVED.chain_der, strict=True):
        told = openssl.run(
            *("x509", "-inform", "DER", "-noout", "-fingerprint", "-sha256"), content=content
        )
        _, _, fingerprint = told.decode().strip().partition("=")
        assert shown == fingerprint.replace(":", "").lower()
    assert digest(SERVED.certificate) == SERVED.digests[0]


def test_the_key_is_the_one_of_the_certificate() -> None:
    read = load_der_private_key(SERVED.key_der, None)
    assert read.public_key() == SERVED.certificate.public_key()


def test_the_key_is_not_shown() -> None:
    shown = repr(SERVED)
    assert "PrivateKey" not in shown
    assert "key=" not in shown


def test_another_chain_can_be_served() -> None:
    served = SERVED.with_chain(SERVED.certificate, ROOT.certificate)
    assert served.chain == (SERVED.certificate, ROOT.certificate)
    assert served.key is SERVED.key
    assert SERVED.with_chain(SERVED.certificate).issuers == ()
    assert SERVED.issuers == (ISSUER.certificate,)


def test_a_chain_has_at_least_a_leaf() -> None:
    with pytest.raises(AssertionError):
        SERVED.with_chain()


@pytest.mark.parametrize("kind", KeyType)
def test_what_is_written_can_be_served(kind: KeyType, tmp_path: Path) -> None:
    made = ISSUER.issue(HOST, key=key(kind))
    chain, secret = made.write(tmp_path, "server")
    assert (chain.name, secret.name) == ("server.crt", "server.key")
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(chain, secret)
    written = load_pem_private_key(secret.read_bytes(), None)
    assert written.public_key() == made.certificate.public_key()
    assert x509.load_pem_x509_certificates(chain.read_bytes()) == list(made.chain)


@pytest.mark.usefixtures("no_umask")
def test_the_key_is_private_even_without_a_umask(tmp_path: Path) -> None:
    chain, secret = SERVED.write(tmp_path, "server")
    assert mode(chain) == "-rw-rw-rw-"
    assert mode(secret) == "-rw-------"


@pytest.mark.usefixtures("no_umask")
def test_the_key_is_private_before_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    opened = os.fdopen

    def watched(descriptor: int, how: str) -> object:
        seen.append(stat.filemode(os.fstat(descriptor).st_mode))
        return opened(descriptor, how)

    monkeypatch.setattr(os, "fdopen", watched)
    write_private(tmp_path / "key", b"secret")
    assert seen == ["-rw-------"]


def test_a_umask_that_takes_everything_away_leaves_the_owner_the_key(tmp_path: Path) -> None:
    before = os.umask(0o777)
    try:
        write_private(tmp_path / "key", b"secret")
    finally:
        os.umask(before)
    assert mode(tmp_path / "key") == "-rw-------"


def test_who_had_the_file_open_before_does_not_get_the_key(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_bytes(b"a longer file of before")
    path.chmod(0o666)
    with path.open("rb") as spy:
        write_private(path, b"secret")
        assert b"secret" not in spy.read()
    assert path.read_bytes() == b"secret"
    assert mode(path) == "-rw-------"


def test_a_link_is_replaced_and_not_followed(tmp_path: Path) -> None:
    target, path = tmp_path / "elsewhere", tmp_path / "key"
    path.symlink_to(target)
    write_private(path, b"secret")
    assert not target.exists()
    assert not path.is_symlink()
    assert path.read_bytes() == b"secret"


def test_a_directory_that_is_not_there_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        SERVED.write(tmp_path / "missing", "server")
    with pytest.raises(FileNotFoundError):
        write_private(tmp_path / "missing" / "key", b"secret")


@pytest.mark.parametrize("kind", KeyType)
def test_a_bad_signature_is_all_that_is_bad(kind: KeyType) -> None:
    good = Authority.root("Root", key=key(kind)).issue(HOST).certificate
    bad = with_bad_signature(good)
    pairs = zip(der(good), der(bad), strict=True)
    assert sum((one ^ other).bit_count() for one, other in pairs) == 1
    assert bad.tbs_certificate_bytes == good.tbs_certificate_bytes
    assert bad.signature != good.signature
    assert with_bad_signature(bad) == good


@verifiers.each
def test_a_bad_signature_is_not_believed(verifier: Verifier) -> None:
    on_leaf = SERVED.with_chain(with_bad_signature(SERVED.certificate), *SERVED.issuers)
    on_issuer = SERVED.with_chain(SERVED.certificate, with_bad_signature(ISSUER.certificate))
    assert verifier(SERVED, ROOT.certificate, HOST) is None
    assert verifier(on_leaf, ROOT.certificate, HOST) is not None
    assert verifier(on_issuer, ROOT.certificate, HOST) is not None


def test_a_credential_is_a_value() -> None:
    assert Credential(SERVED.certificate, SERVED.key, SERVED.issuers) == SERVED
    assert key_der(SERVED.key) == SERVED.key_der
