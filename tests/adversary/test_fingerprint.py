from __future__ import annotations

import ssl
import struct

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from mitmproxy.proxy.layers.tls import parse_client_hello

import lab.adversary.mitm  # noqa: F401 - the first to import mitmproxy, without its warnings
from lab.adversary.fingerprint import fingerprint, is_grease
from tests.adversary import peers

GREASE = [n << 12 | 0xA00 | n << 4 | 0xA for n in range(16)]
"""RFC 8701 section 2."""

Extensions = list[tuple[int, bytes]]

suites = st.lists(st.integers(0, 0xFFFF).filter(lambda v: v not in GREASE), max_size=20)
values = st.lists(st.integers(0, 0xFFFF).filter(lambda v: v not in GREASE), max_size=8)
grease = st.sampled_from(GREASE)
extensions = st.lists(
    st.tuples(st.integers(0, 60).filter(lambda kind: kind not in (10, 13, 43)), st.binary()),
    max_size=10,
    unique_by=lambda extension: extension[0],
)


def listed(values: list[int], *, short: bool = False) -> bytes:
    content = b"".join(struct.pack("!H", value) for value in values)
    return struct.pack("!B" if short else "!H", len(content)) + content


def sprinkled(values: list[int], grease: list[int], places: list[int]) -> list[int]:
    made = list(values)
    for value, place in zip(grease, places, strict=False):
        made.insert(place % (len(made) + 1), value)
    return made


@pytest.mark.parametrize("value", GREASE)
def test_grease_is_known(value: int) -> None:
    assert is_grease(value)


@given(st.integers(0, 0xFFFF))
@example(0x1A2A)
@example(0x0B0B)
def test_nothing_else_is_grease(value: int) -> None:
    assert is_grease(value) is (value in GREASE)


@given(
    suites,
    values,
    extensions,
    st.lists(grease, max_size=4),
    st.lists(st.integers(0, 99), min_size=4, max_size=4),
    st.randoms(),
)
def test_grease_and_order_of_extensions_do_not_count(
    suites: list[int],
    values: list[int],
    extensions: Extensions,
    grease: list[int],
    places: list[int],
    chance: object,
) -> None:
    def hello(*grease: int) -> tuple[list[int], Extensions]:
        mixed = sprinkled(values, list(grease), places)
        made = [(10, listed(mixed)), (13, listed(mixed)), (43, listed(mixed, short=True))]
        made += [*extensions, *((value, b"\0") for value in grease)]
        return sprinkled(suites, list(grease), places), made

    plain = fingerprint(*hello())
    told, shuffled = hello(*grease)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert fingerprint(told, shuffled) == plain
    assert len(plain) == 16
    assert int(plain, 16) >= 0


@given(suites, extensions, st.binary(max_size=40))
def test_what_depends_on_host_or_session_does_not_count(
    suites: list[int], extensions: Extensions, content: bytes
) -> None:
    own = [e for e in extensions if e[0] not in (0, 21, 35, 41, 42, 44)]
    for kind in (0, 21, 35, 41, 42, 44):
        assert fingerprint(suites, [*own, (kind, content)]) == fingerprint(suites, own)


@given(suites, extensions, values, values)
def test_what_is_the_clients_own_counts(
    suites: list[int], extensions: Extensions, one: list[int], two: list[int]
) -> None:
    for kind in (10, 13, 43):
        prints = {
            fingerprint(suites, [*extensions, (kind, listed(v, short=kind == 43))])
            for v in (one, two)
        }
        assert len(prints) == (1 if one == two else 2)
    assert (fingerprint([*suites, 1], extensions) == fingerprint([*suites, 2], extensions)) is False
    assert fingerprint([1, 2], extensions) != fingerprint([2, 1], extensions)
    new = (61, b"")
    assert fingerprint(suites, [*extensions, new]) != fingerprint(suites, extensions)


@given(st.lists(st.tuples(st.integers(0, 0xFFFF), st.binary(max_size=9)), max_size=9))
def test_any_content_has_a_fingerprint(extensions: Extensions) -> None:
    assert len(fingerprint([], extensions)) == 16


def of(context: ssl.SSLContext, host: str | None) -> str:
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context.wrap_bio(incoming, outgoing, server_hostname=host)
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    hello = parse_client_hello(outgoing.read())
    assert hello is not None
    return fingerprint(hello.cipher_suites, hello.extensions)


def test_settings_of_a_real_client_show() -> None:
    plain = of(peers.context(), "a.test")
    assert {of(peers.context(), host) for host in ("a.test", "b" * 60 + ".test", None)} == {plain}
    others = [peers.context(None, "h2"), peers.context(None, "http/1.1"), peers.context()]
    others[2].set_ciphers("ECDHE+AESGCM")
    assert len({plain, *(of(context, "a.test") for context in others)}) == 4
