from __future__ import annotations

import ssl
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lab.phone.services import (
    CertificateTimeError,
    SslHandshakeError,
)
from lab.pki.authority import Authority
from lab.pki.certificates import Leaf
from lab.pki.hierarchy import LabPki
from tests.patience import LONG, not_waiting
from tests.phone import chains
from tests.phone.conftest import HOST
from tests.phone.direct import DirectPhone
from tests.phone.handshake import REQUEST, TLS12, shake, talk
from tests.phone.peers import (
    Server,
    TlsScript,
    context_of,
    server_context,
)

Serve = Callable[..., Server]


# What is accepted.


@pytest.mark.parametrize("make", chains.ACCEPTED.values(), ids=chains.ACCEPTED)
def test_accepts_good_chains(
    make: chains.Make, version: ssl.TLSVersion, pki: LabPki, phone: DirectPhone, serve: Serve
) -> None:
    served = make(pki)
    script = TlsScript(server_context(served, version=version))
    server = serve(script)
    connection = shake(phone)
    assert connection.chain == served.chain_der
    assert talk(connection).startswith(b"HTTP/1.1 200 OK")
    server.wait()
    assert script.names == [HOST]
    assert [(seen.application, seen.closed) for seen in script.seen] == [(REQUEST, True)]


@pytest.mark.parametrize("anchor", ["intermediate", "leaf"])
def test_any_certificate_can_be_the_anchor(
    anchor: str, pki: LabPki, phone: DirectPhone, serve: Serve
) -> None:
    served = pki.rogue.issue(HOST)
    phone.anchors = (served.chain_der[["leaf", "intermediate"].index(anchor)],)
    serve(TlsScript(server_context(served)))
    shake(phone).close()


def test_the_user_store_counts_only_where_asked_for(
    pki: LabPki, phone: DirectPhone, serve: Serve
) -> None:
    serve(TlsScript(server_context(pki.user.issue(HOST))))
    with pytest.raises(SslHandshakeError):
        shake(phone, user_store=False)
    shake(phone, user_store=True).close()


def test_unreadable_anchors_are_passed_over(pki: LabPki, phone: DirectPhone, serve: Serve) -> None:
    serve(TlsScript(server_context(pki.genuine(HOST))))
    phone.anchors = (b"\x30\x03\x02\x01\x05", *phone.anchors, *phone.anchors)
    shake(phone).close()
    phone.anchors = ()
    with pytest.raises(SslHandshakeError, match=chains.NO_ANCHOR):
        shake(phone)


# What is refused, and how the server learns of it.


@pytest.mark.parametrize(("make", "words", "alert"), chains.REFUSED.values(), ids=chains.REFUSED)
def test_refuses_bad_chains(
    make: chains.Make,
    words: str,
    alert: str,
    version: ssl.TLSVersion,
    pki: LabPki,
    phone: DirectPhone,
    serve: Serve,
) -> None:
    script = TlsScript(server_context(make(pki), version=version))
    server = serve(script)
    with pytest.raises(SslHandshakeError) as raised, not_waiting():
        shake(phone, timeout=LONG)
    assert type(raised.value) is SslHandshakeError
    assert words in str(raised.value)
    assert str(raised.value).startswith("java.security.cert.CertPathValidatorException: ")
    server.wait()
    (seen,) = script.seen
    assert not seen.finished
    assert "ALERT" in seen.alert
    assert alert in seen.alert


@pytest.mark.parametrize(
    ("digest", "bits", "words"),
    [("sha1", "2048", "insecure signature hash"), ("sha256", "512", "unacceptable key size")],
)
def test_refuses_weak_algorithms(
    digest: str,
    bits: str,
    words: str,
    pki: LabPki,
    phone: DirectPhone,
    serve: Serve,
    tmp_path: Path,
) -> None:
    files = chains.weak(pki, tmp_path, digest, bits)
    phone.clock = time.time()
    serve(TlsScript(context_of(*files, version=TLS12)))
    with pytest.raises(SslHandshakeError, match=words):
        shake(phone)
    assert talk(shake(phone, verify=False)).startswith(b"HTTP/1.1 200")


def test_accepts_rsa_1024_as_android_does(
    pki: LabPki, phone: DirectPhone, serve: Serve, tmp_path: Path
) -> None:
    serve(TlsScript(context_of(*chains.weak(pki, tmp_path, "sha256", "1024"))))
    phone.clock = time.time()
    shake(phone).close()


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (chains.expired, "java.security.cert.CertificateExpiredException: Certificate expired at"),
        (
            chains.early,
            "java.security.cert.CertificateNotYetValidException: Certificate not valid until",
        ),
        (
            chains.expired_intermediate,
            "java.security.cert.CertificateExpiredException: Certificate expired at",
        ),
    ],
)
def test_refuses_dates(
    make: chains.Make,
    name: str,
    version: ssl.TLSVersion,
    pki: LabPki,
    phone: DirectPhone,
    serve: Serve,
) -> None:
    script = TlsScript(server_context(make(pki), version=version))
    server = serve(script)
    with pytest.raises(CertificateTimeError) as raised:
        shake(phone)
    assert str(raised.value).startswith(name)
    server.wait()
    assert not script.seen[0].finished
    assert "ALERT" in script.seen[0].alert


def test_the_phones_clock_decides(pki: LabPki, phone: DirectPhone, serve: Serve) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    begin, end = now - timedelta(hours=2), now - timedelta(hours=1)
    leaf = Leaf((HOST,), not_before=begin, not_after=end)
    serve(TlsScript(server_context(pki.intermediate.issue(leaf))))
    for accepted in (begin, begin + timedelta(minutes=30), end - timedelta(seconds=1)):
        phone.clock = accepted.timestamp()
        shake(phone).close()
    for refused, words in (
        (begin - timedelta(seconds=1), "not valid until"),
        (end + timedelta(seconds=1), "expired at"),
        (now - timedelta(days=400), "not valid until"),
        (now + timedelta(days=400), "expired at"),
    ):
        phone.clock = refused.timestamp()
        with pytest.raises(CertificateTimeError, match=words):
            shake(phone)


def test_dates_are_written_as_java_does(pki: LabPki, phone: DirectPhone, serve: Serve) -> None:
    leaf = Leaf(
        (HOST,),
        not_before=datetime(2026, 1, 1, tzinfo=UTC),
        not_after=datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC),
    )
    old = datetime(2020, 1, 1, tzinfo=UTC)
    root = Authority.root("Old Root", not_before=old)
    phone.anchors = (root.der,)
    phone.clock = datetime(2026, 7, 9, 10, 11, 12, tzinfo=UTC).timestamp()
    serve(TlsScript(server_context(root.issue(leaf))))
    with pytest.raises(CertificateTimeError) as raised:
        shake(phone)
    assert str(raised.value) == (
        "java.security.cert.CertificateExpiredException: Certificate expired at "
        "Wed Mar 04 05:06:07 GMT 2026 (compared to Thu Jul 09 10:11:12 GMT 2026)"
    )


# The careless client.


@pytest.mark.parametrize(
    "make",
    [make for make, _, _ in chains.REFUSED.values()]
    + [chains.expired, chains.early, lambda pki: pki.rogue.issue(Leaf(("evil.acme.test",)))],
)
def test_the_careless_client_accepts_everything(
    make: chains.Make, pki: LabPki, phone: DirectPhone, serve: Serve
) -> None:
    served = make(pki)
    serve(TlsScript(server_context(served)))
    connection = shake(phone, verify=False)
    assert connection.chain == served.chain_der
    assert talk(connection).startswith(b"HTTP/1.1 200")
