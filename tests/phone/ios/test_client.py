"""The reference client on iOS, with App Transport Security and without."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path

import pytest

from lab.phone.ios.client import (
    USER_AGENT,
    AtsReferenceClient,
    CleartextRefused,
    IosReferenceClient,
    IosReferenceClient40,
    IosReferenceClient41,
)
from lab.phone.ios.trust_rules import ATS, IOS
from lab.phone.link import Link, Patience
from lab.phone.sdk.client import ReferenceClient
from lab.phone.services import SslProtocolError
from lab.phone.verify import Judge
from lab.pki.hierarchy import LabPki
from lab.pki.keys import KeyType
from tests.patience import CAP
from tests.phone.conftest import HOST
from tests.phone.direct import DirectPhone
from tests.phone.peers import Server, TlsScript, server_context

Serve = Callable[..., Server]


def test_each_version_has_its_profile_and_ioss_rules() -> None:
    versions = [IosReferenceClient40, IosReferenceClient41, IosReferenceClient]
    assert [each.profile.name for each in versions] == ["4.0", "4.1", "6"]
    assert {each.platform_rules for each in versions} == {IOS}
    assert {each.user_agent for each in versions} == {USER_AGENT}
    assert AtsReferenceClient.platform_rules is ATS
    assert ReferenceClient.user_agent != USER_AGENT


def test_ats_lets_nothing_go_out_in_clear(tmp_path: Path, phone: DirectPhone) -> None:
    sdk = AtsReferenceClient(phone, tmp_path)
    try:
        with pytest.raises(CleartextRefused, match="App Transport Security"):
            sdk.get("http://api.acme.test/")
    finally:
        sdk.close()


@pytest.mark.parametrize(
    ("client", "shakes"), [(IosReferenceClient, True), (AtsReferenceClient, False)]
)
def test_ats_wants_forward_secrecy(
    client: type[ReferenceClient],
    shakes: bool,
    tmp_path: Path,
    pki: LabPki,
    phone: DirectPhone,
    serve: Serve,
) -> None:
    serve(TlsScript(rsa_only(pki)))
    sdk = client(phone, tmp_path)
    link = Link(phone.connect(HOST, 443, CAP), Patience(CAP))
    judge = Judge(phone.trust_anchors(False), phone.now(), True, client.platform_rules)
    try:
        if shakes:
            sdk.open_tls(link, HOST, judge).close()
        else:
            with pytest.raises(SslProtocolError):
                sdk.open_tls(link, HOST, judge)
    finally:
        sdk.close()


def rsa_only(pki: LabPki) -> ssl.SSLContext:
    """Return a server's TLS without forward secrecy: TLS 1.2 with RSA key exchange."""
    context = server_context(pki.intermediate.issue(HOST, kind=KeyType.RSA2048))
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("AES128-GCM-SHA256")
    return context
