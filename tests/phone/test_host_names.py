"""Whom a certificate is for: in handshakes with a real server."""

from __future__ import annotations

import ssl
from collections.abc import Callable

import pytest

from lab.phone.path_rules import ANDROID
from lab.phone.services import SslHandshakeError, SslPeerUnverifiedError
from lab.pki.authority import Authority
from lab.pki.certificates import Leaf
from lab.pki.hierarchy import LabPki
from tests.phone import chains
from tests.phone.conftest import HOST
from tests.phone.direct import DirectPhone
from tests.phone.handshake import shake, talk
from tests.phone.peers import Server, TlsScript, server_context

Serve = Callable[..., Server]


@pytest.mark.parametrize(
    ("host", "leaf"),
    [
        (HOST, Leaf((HOST,))),
        (HOST, Leaf(("API.Acme.Test",))),
        (HOST, Leaf(("www.acme.test", HOST))),
        (HOST, Leaf(("*.acme.test",))),
        (HOST, Leaf((HOST,), common_name="www.other.test")),
        ("api.acme.test.", Leaf((HOST,))),
        ("127.0.0.9", Leaf((), addresses=("127.0.0.9",))),
        ("::1", Leaf((), addresses=("::1",))),
    ],
)
def test_accepts_names(
    host: str, leaf: Leaf, pki: LabPki, phone: DirectPhone, serve: Serve
) -> None:
    script = TlsScript(server_context(pki.intermediate.issue(leaf)))
    serve(script, host)
    assert talk(shake(phone, host)).startswith(b"HTTP/1.1 200")
    address = host[0] in "1:"
    assert script.names == [None if address else HOST]


@pytest.mark.parametrize(
    ("host", "leaf"),
    [
        (HOST, Leaf(("evil.acme.test",))),
        (HOST, Leaf((), common_name=HOST)),
        (HOST, Leaf(("evil.acme.test",), common_name=HOST)),
        (HOST, Leaf((), addresses=("127.0.0.1",), common_name=HOST)),
        (HOST, Leaf(("*.api.acme.test",))),
        (HOST, Leaf(("acme.test",))),
        ("a.b.acme.test", Leaf(("*.acme.test",))),
        ("acme.test", Leaf(("*.acme.test",))),
        (HOST, Leaf(("ap*.acme.test",))),
        (HOST, Leaf(("api.*.test",))),
        ("127.0.0.9", Leaf((), addresses=("127.0.0.8",))),
        ("127.0.0.9", Leaf(("127.0.0.9",), common_name="127.0.0.9")),
    ],
)
def test_refuses_other_names(
    host: str,
    leaf: Leaf,
    version: ssl.TLSVersion,
    phone: DirectPhone,
    serve: Serve,
) -> None:
    # Without name constraints, which would refuse some of these names first.
    root = Authority.root("Limitless")
    phone.anchors = (root.der,)
    script = TlsScript(server_context(root.issue(leaf), version=version))
    server = serve(script, host)
    with pytest.raises(SslPeerUnverifiedError) as raised:
        shake(phone, host)
    assert str(raised.value).startswith(f"Hostname {host} not verified:\n    certificate: sha256/")
    server.wait()
    # The handshake is over by then: the connection ends without a word.
    assert [(s.finished, s.application, s.closed) for s in script.seen] == [(True, b"", True)]


def test_a_malformed_name_does_not_spoil_the_others(
    pki: LabPki, phone: DirectPhone, serve: Serve
) -> None:
    serve(TlsScript(server_context(pki.intermediate.issue(Leaf(("*.*.acme.test", HOST))))))
    shake(phone).close()


def test_the_message_names_what_was_served_in_four_lines(phone: DirectPhone, serve: Serve) -> None:
    root = Authority.root("Limitless")
    phone.anchors = (root.der,)
    names = tuple(f"host{number}.test" for number in range(500))
    leaf = Leaf(names, common_name="evil\nLine: forged\x1b[31m")
    serve(TlsScript(server_context(root.issue(leaf))))
    with pytest.raises(SslPeerUnverifiedError) as raised:
        shake(phone)
    lines = str(raised.value).split("\n")
    assert len(lines) == 4
    assert lines[2].startswith("    DN: CN=evil?Line: forged?[31m")
    assert lines[3].startswith("    subjectAltNames: [host0.test, host1.test, ")
    assert all(line.isprintable() and len(line) < 1100 for line in lines)


@pytest.mark.parametrize("raw", [b"", b"\x30\x03\x82\x05x", b"\x30\x00", b"\x04\x02ab"])
def test_unreadable_names_are_refused(raw: bytes, pki: LabPki) -> None:
    # OpenSSL would not serve them.
    with pytest.raises((SslPeerUnverifiedError, SslHandshakeError)):
        ANDROID.check_name(HOST, chains.with_san(raw)(pki).chain_der[0])


def test_a_certificate_that_is_none_is_refused() -> None:
    with pytest.raises(SslHandshakeError, match="CertificateParsingException"):
        ANDROID.check_name(HOST, b"\x30\x03\x02\x01\x05")
