from __future__ import annotations

import ssl
import stat
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lab.backend.tls import Certificates, server_context
from lab.pki.hierarchy import LabPki
from lab.pki.keys import new_key

HOST, OTHER = "api.acme.test", "www.acme.test"


class Pair:
    """A client and a server that shake hands in memory."""

    def __init__(self, server: ssl.SSLContext, root: Path, host: str | None) -> None:
        client = ssl.create_default_context(cafile=str(root))
        client.set_alpn_protocols(["h2"])
        client.check_hostname = host is not None
        to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.client = client.wrap_bio(to_client, to_server, server_hostname=host)
        self.server = server.wrap_bio(to_server, to_client, server_side=True)
        for side in (self.client, self.server) * 2:
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue

    @property
    def leaf(self) -> bytes | None:
        return self.client.getpeercert(binary_form=True)


def test_the_sni_selects_the_certificate(pki: LabPki, root: Path) -> None:
    certificates = Certificates(pki.genuine(HOST))
    certificates.present(pki.genuine(OTHER), OTHER)
    assert Pair(certificates.context, root, HOST).leaf == pki.genuine(HOST).chain_der[0]
    assert Pair(certificates.context, root, OTHER).leaf == pki.genuine(OTHER).chain_der[0]


def test_case_of_the_sni_does_not_matter(pki: LabPki, root: Path) -> None:
    certificates = Certificates(pki.genuine(HOST))
    certificates.present(pki.genuine(OTHER), OTHER.title())
    assert Pair(certificates.context, root, OTHER.upper()).leaf == pki.genuine(OTHER).chain_der[0]


def test_without_sni_the_default_is_shown(pki: LabPki, root: Path) -> None:
    certificates = Certificates(pki.genuine(HOST))
    certificates.present(pki.genuine(OTHER), OTHER)
    assert Pair(certificates.context, root, None).leaf == pki.genuine(HOST).chain_der[0]
    certificates.present(pki.backup(HOST))
    assert Pair(certificates.context, root, None).leaf == pki.backup(HOST).chain_der[0]


def test_remembers_the_sni_of_a_connection(pki: LabPki, root: Path) -> None:
    certificates = Certificates(pki.genuine(HOST))
    named, nameless = (Pair(certificates.context, root, host) for host in (HOST, None))
    assert certificates.server_name(named.server) == HOST
    assert certificates.server_name(nameless.server) is None


def test_http_2_is_negotiated_after_the_sni_selected_a_context(pki: LabPki, root: Path) -> None:
    pair = Pair(Certificates(pki.genuine(HOST)).context, root, HOST)
    assert pair.client.selected_alpn_protocol() == "h2"


def test_a_handshake_that_began_before_a_renewal_may_finish(pki: LabPki, root: Path) -> None:
    certificates = Certificates(pki.genuine(HOST))
    context = certificates.context
    certificates.present(pki.backup(HOST))
    assert Pair(context, root, HOST).leaf == pki.genuine(HOST).chain_der[0]
    assert Pair(certificates.context, root, HOST).leaf == pki.backup(HOST).chain_der[0]


def test_the_key_is_private_on_disk_and_gone_afterwards(
    pki: LabPki, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    modes: list[str] = []
    load = ssl.SSLContext.load_cert_chain

    def watched(context: ssl.SSLContext, chain: Path, key: Path) -> Any:
        modes.extend(stat.filemode(path.stat().st_mode) for path in (key, key.parent))
        assert key.is_relative_to(tmp_path)
        return load(context, chain, key)

    monkeypatch.setattr(ssl.SSLContext, "load_cert_chain", watched)
    server_context(pki.genuine(HOST))
    assert modes == ["-rw-------", "drwx------"]
    assert list(tmp_path.iterdir()) == []


def test_a_key_that_does_not_belong_to_the_certificate_is_refused(
    pki: LabPki, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(ssl.SSLError):
        server_context(replace(pki.genuine(HOST), key=new_key()))
    assert list(tmp_path.iterdir()) == []
