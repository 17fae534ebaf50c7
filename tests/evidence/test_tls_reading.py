from __future__ import annotations

import ssl
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.evidence.captures import HANDSHAKE
from lab.evidence.tls_keys import Opener
from lab.evidence.tls_reading import Shown, read_tls, secrets_of
from lab.pki.hierarchy import LabPki
from tests.evidence.tls_talks import HOST, Talk, talk

SAID = b"GET / HTTP/1.1\r\n\r\n"
V12, V13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
UNKNOWN_CA = 48


@pytest.fixture(scope="module")
def pki() -> LabPki:
    return LabPki(("acme.test",))


@pytest.fixture(scope="module")
def talked(pki: LabPki, tmp_path_factory: pytest.TempPathFactory) -> Talk:
    return talk(pki, tmp_path_factory.mktemp("talk"), said=SAID)


def shown(said: Talk) -> Shown:
    """Return what is shown with the secrets that a bundle has."""
    kept = (line for line in said.key_log if line.startswith(HANDSHAKE))
    return read_tls(said.up, said.down, secrets_of(kept))


@pytest.mark.parametrize("version", [V12, V13])
def test_what_was_asked_served_and_said(
    pki: LabPki, tmp_path: Path, version: ssl.TLSVersion
) -> None:
    found = talk(pki, tmp_path, version=version, said=SAID)
    told = shown(found)
    assert (told.name, told.chain, told.said) == (HOST, found.chain, len(SAID))
    assert told.alerts == set()


@pytest.mark.parametrize("version", [V12, V13])
def test_a_refusal_is_there_with_its_alert(
    pki: LabPki, tmp_path: Path, version: ssl.TLSVersion
) -> None:
    told = shown(talk(pki, tmp_path, version=version, trusts=False, said=SAID))
    assert told.alerts == {(UNKNOWN_CA, True)}
    assert told.said == 0


def test_no_more_than_the_handshake_is_opened(pki: LabPki, tmp_path: Path) -> None:
    # A chain is shown, so that the secrets fit; a close_notify is not known from another alert.
    told = shown(talk(pki, tmp_path))
    assert told.chain is not None
    assert True in told.sealed_alerts


def test_without_secrets_little_is_shown(talked: Talk) -> None:
    told = read_tls(talked.up, talked.down, {})
    assert (told.name, told.chain, told.said) == (HOST, None, None)


def test_a_server_that_asks_for_another_hello(pki: LabPki, tmp_path: Path) -> None:
    found = talk(pki, tmp_path, curve="secp521r1", said=SAID)
    told = shown(found)
    assert (told.name, told.chain, told.said) == (HOST, found.chain, len(SAID))


@pytest.mark.parametrize(
    ("suite", "said"),
    [
        ("ECDHE-ECDSA-CHACHA20-POLY1305", len(SAID)),
        ("ECDHE-ECDSA-AES256-GCM-SHA384", len(SAID)),
        # Its padding hides how much was said.
        ("ECDHE-ECDSA-AES128-SHA256", None),
    ],
)
def test_suites_of_tls_1_2(pki: LabPki, tmp_path: Path, suite: str, said: int | None) -> None:
    found = talk(pki, tmp_path, version=V12, suites=f"{suite}:@SECLEVEL=0", said=SAID)
    assert (shown(found).chain, shown(found).said) == (found.chain, said)


def test_what_is_no_tls_shows_nothing() -> None:
    assert read_tls(b"GET / HTTP/1.1\r\n\r\n", b"", {}) == Shown()


def test_a_key_log_with_junk_in_it() -> None:
    lines = [b"", b"# note", b"LABEL 00 zz", b"\xff \xff \xff", b"LABEL 00 11"]
    assert secrets_of(iter(lines)) == {("LABEL", b"\0"): b"\x11"}


def test_a_secret_of_another_length_opens_nothing() -> None:
    assert Opener.of(0x1301, b"x" * 31) is None
    assert Opener.of(0xC02B, b"x" * 32) is None


@given(st.data())
def test_whatever_is_malformed_makes_no_trouble(talked: Talk, data: st.DataObject) -> None:
    secrets = secrets_of(iter(talked.key_log))
    sides: list[bytes] = []
    for side in (talked.up, talked.down):
        odd = bytearray(side)
        places = st.lists(st.tuples(st.integers(0, len(odd) - 1), st.integers(0, 255)), max_size=4)
        for place, value in data.draw(places):
            odd[place] = value
        sides.append(bytes(odd[: data.draw(st.integers(0, len(odd)))]))
    told = read_tls(sides[0], sides[1], secrets)
    assert told.said is None or 0 <= told.said <= len(talked.up)
    assert told.chain is None or len(told.chain) <= len(talked.down)
