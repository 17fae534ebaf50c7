from __future__ import annotations

import base64
from itertools import permutations
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lab.model.pins import Pin, PinKind
from lab.pinning.jws import new_signing_key
from lab.pinning.pins import (
    DIGEST_SIZE,
    PinVerdict,
    all_pins,
    check,
    digest_of,
    live,
    matches,
    pin_of,
    public_key_info,
    read_certificate,
)
from lab.pki.authority import Authority
from lab.pki.credential import der
from lab.pki.keys import KeyType, key_pem, new_key
from tests.pinning import openssl
from tests.pinning.cases import named
from tests.pinning.der import certificate_of_version, with_long_fields

ROOT = Authority.root("Sample Root")
LEAF = ROOT.issue("api.acme.test").certificate
RENEWED = ROOT.issue("api.acme.test").certificate
PEM = LEAF.public_bytes(Encoding.PEM)
OTHER_PEM = RENEWED.public_bytes(Encoding.PEM)
NOW = 1_770_000_000

EVERY_KIND = pytest.mark.parametrize("kind", PinKind)


class TestAgainstOpenssl:
    """Pins are what the recipe of contract section 1.2 gives, made and computed by openssl."""

    @pytest.mark.parametrize("kind", openssl.KEYS)
    def test_every_type_of_key(self, kind: str, tmp_path: Path) -> None:
        file, _ = openssl.make(tmp_path, kind)
        assert all_pins(file.read_bytes()) == openssl.base64_pins(file)

    def test_version_1(self, tmp_path: Path) -> None:
        file = tmp_path / "v1.crt"
        file.write_bytes(certificate_of_version(None, new_signing_key()))
        assert b"Version: 1 " in openssl.run("x509", "-in", file, "-inform", "DER", "-text")
        assert all_pins(file.read_bytes()) == openssl.base64_pins(file, "DER")

    def test_version_3_by_the_same_hand(self, tmp_path: Path) -> None:
        file = tmp_path / "v3.crt"
        file.write_bytes(certificate_of_version(2, new_signing_key()))
        assert all_pins(file.read_bytes()) == openssl.base64_pins(file, "DER")

    @pytest.mark.parametrize("size", [10, 100, 200, 300, 70_000])
    def test_lengths_of_every_length(self, size: int, tmp_path: Path) -> None:
        file = tmp_path / "long.crt"
        file.write_bytes(der(with_long_fields(size)))
        assert all_pins(file.read_bytes()) == openssl.base64_pins(file, "DER")


def test_the_key_info_is_taken_as_it_stands(tmp_path: Path) -> None:
    """A key that is read and written again has lost what it was limited to, and its pin."""
    file, _ = openssl.make(tmp_path, "rsa-pss")
    certificate = read_certificate(file.read_bytes())
    rewritten = certificate.public_key().public_bytes(
        Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    )
    stands = public_key_info(certificate)
    assert stands != rewritten
    assert openssl.digest(stands, "sha256") == openssl.pins(file)[PinKind.SPKI_SHA256]


KEYS = {kind: new_key(kind) for kind in (KeyType.P256, KeyType.P384, KeyType.ED25519)}


@settings(deadline=None)
@given(
    st.sampled_from(sorted(KEYS)),
    st.lists(st.text("abc", min_size=1, max_size=64), max_size=8),
)
def test_the_key_info_is_found_behind_any_names(kind: KeyType, units: list[str]) -> None:
    name = x509.Name([x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, u) for u in units])
    made = Authority.root(name, key=KEYS[kind]).certificate
    wanted = KEYS[kind].public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert public_key_info(made) == wanted


class TestReading:
    """What counts as a certificate, and which one where there are several."""

    @named(
        "content",
        {
            "der": der(LEAF),
            "pem": PEM,
            "no final newline": PEM.rstrip(),
            "crlf": PEM.replace(b"\n", b"\r\n"),
            "byte order mark": b"\xef\xbb\xbf" + PEM,
            "chain": PEM + OTHER_PEM,
            "key first": key_pem(new_key()) + PEM,
            "text first": b"Certificate:\n    Data: \xff\n" + PEM,
            "text of s_client": b" 0 s:CN = api\n" + PEM + b" 1 s:CN = root\n" + OTHER_PEM,
            "text that begins with the digit 0": b"0 is how DER begins\n" + PEM,
            "a request first": OTHER_PEM.replace(b"CERTIFICATE", b"CERTIFICATE REQUEST") + PEM,
            "commented out first": b"# " + OTHER_PEM + PEM,
            "quoted first": b"see -----BEGIN CERTIFICATE-----\n" + PEM,
            "old label first": PEM.replace(b"CERTIFICATE", b"X509 CERTIFICATE") + OTHER_PEM,
        },
    )
    def test_the_first_one_counts(self, content: bytes, tmp_path: Path) -> None:
        assert read_certificate(content) == LEAF
        file = tmp_path / "file"
        file.write_bytes(content)
        form = "DER" if content == der(LEAF) else "PEM"
        assert all_pins(content) == openssl.base64_pins(file, form)

    @named(
        "content",
        {
            "empty": b"",
            "text": b"no certificate\n",
            "truncated DER": der(LEAF)[:-1],
            "more behind DER": der(LEAF) + b"\n",
            "truncated PEM": PEM[: len(PEM) // 2],
            "no base64": b"-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n",
            "no DER": b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            "broken one first": PEM.replace(b"\nM", b"\n!", 1) + OTHER_PEM,
            "key": key_pem(new_key()),
            "request": PEM.replace(b"CERTIFICATE", b"CERTIFICATE REQUEST"),
            "version 5": certificate_of_version(4, new_signing_key()),
        },
    )
    def test_anything_else_is_a_value_error(self, content: bytes) -> None:
        for read in (read_certificate, all_pins):
            with pytest.raises(ValueError, match=r"."):
                read(content)

    def test_pem_inside_der_does_not_stand_in_for_it(self, tmp_path: Path) -> None:
        """Else a server could have the pins of another certificate shown as its own."""
        oid = x509.ObjectIdentifier("2.16.840.1.113730.1.13")
        comment = x509.UnrecognizedExtension(oid, b"\n" + OTHER_PEM)
        made = Authority.root("Trojan", extensions=[(comment, False)]).certificate
        assert OTHER_PEM in der(made)
        assert read_certificate(der(made)) == made
        file = tmp_path / "trojan"
        file.write_bytes(der(made))
        assert all_pins(der(made)) == openssl.base64_pins(file, "DER")

    def test_pem_inside_broken_der_does_not_either(self) -> None:
        with pytest.raises(ValueError, match=r"."):
            read_certificate(der(LEAF)[:-20] + b"\n" + OTHER_PEM)

    @given(st.binary(max_size=200))
    @example(b"0\x80")
    @example(b"0\x84\xff\xff\xff\xff")
    def test_any_bytes(self, content: bytes) -> None:
        with pytest.raises(ValueError, match=r"."):
            read_certificate(content)

    @pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")
    def test_one_wrong_bit_anywhere(self) -> None:
        """Either it is no certificate any more, or it has pins, and the whole one's differ."""
        whole, read = digest_of(LEAF, PinKind.LEAF_SHA256), 0
        for bit in range(len(der(LEAF)) * 8):
            content = bytearray(der(LEAF))
            content[bit // 8] ^= 1 << bit % 8
            try:
                certificate = read_certificate(bytes(content))
            except ValueError:
                continue
            read += 1
            assert digest_of(certificate, PinKind.LEAF_SHA256) != whole
            assert len(public_key_info(certificate)) > 0
        # The signature and the key are a good part of it, and any bits will do there.
        assert read > 1000


@EVERY_KIND
def test_a_pin_is_the_same_from_every_form(kind: PinKind) -> None:
    pin = pin_of(LEAF, kind)
    assert pin == pin_of(der(LEAF), kind) == pin_of(PEM, kind)
    assert pin == Pin(kind, all_pins(LEAF)[kind], None)
    assert pin_of(LEAF, kind, NOW) == Pin(kind, pin.digest, NOW)
    assert len(base64.b64decode(pin.digest, validate=True)) == DIGEST_SIZE[kind]


def test_the_four_pins_of_a_certificate_differ() -> None:
    assert list(all_pins(LEAF)) == list(PinKind)
    assert len(set(all_pins(LEAF).values())) == 4


class TestMatching:
    """Contract section 4.5: the leaf alone, its certificate or its key."""

    @EVERY_KIND
    def test_its_own_pin_vouches_for_a_certificate(self, kind: PinKind) -> None:
        assert matches(pin_of(LEAF, kind), LEAF)
        assert not matches(pin_of(RENEWED, kind), LEAF)
        assert not matches(pin_of(ROOT.certificate, kind), LEAF)

    @EVERY_KIND
    def test_a_digest_of_another_kind_does_not(self, kind: PinKind) -> None:
        for other in set(PinKind) - {kind}:
            assert not matches(Pin(other, all_pins(LEAF)[kind]), LEAF)

    def test_a_renewal_with_the_same_key(self) -> None:
        made = ROOT.issue("api.acme.test")
        renewed = ROOT.issue("api.acme.test", key=made.key)
        vouched = {k for k in PinKind if matches(pin_of(made.certificate, k), renewed.certificate)}
        assert vouched == {PinKind.SPKI_SHA256, PinKind.SPKI_SHA512}

    @EVERY_KIND
    def test_a_malformed_pin_never_does(self, kind: PinKind) -> None:
        text = all_pins(LEAF)[kind]
        for spoiled in (text.swapcase(), text[:-1], text + "\n", text.rstrip("="), ""):
            assert not matches(Pin(kind, spoiled), LEAF)

    def test_hexadecimal_is_no_pin(self) -> None:
        raw = digest_of(LEAF, PinKind.SPKI_SHA256)
        assert not matches(Pin(PinKind.SPKI_SHA256, raw.hex()), LEAF)


@pytest.mark.parametrize(
    ("expires_at", "alive"),
    [(None, True), (NOW + 1, True), (NOW, False), (NOW - 1, False), (0, False), (-1, False)],
)
def test_a_pin_lives_until_it_expires(expires_at: int | None, alive: bool) -> None:
    pin = Pin(PinKind.SPKI_SHA256, "", expires_at)
    assert live([pin], NOW) == ((pin,) if alive else ())
    assert live([pin], NOW - 0.001) == ((pin,) if alive or expires_at == NOW else ())


GOOD = pin_of(LEAF, PinKind.SPKI_SHA256)
GOOD_LEAF = pin_of(LEAF, PinKind.LEAF_SHA512)
BAD = pin_of(RENEWED, PinKind.SPKI_SHA256)
BROKEN = Pin(PinKind.SPKI_SHA256, "not base64")


def expired(pin: Pin) -> Pin:
    return Pin(pin.kind, pin.digest, NOW - 1)


@pytest.mark.parametrize(
    ("pins", "verdict"),
    [
        ((GOOD,), PinVerdict.MATCH),
        ((GOOD_LEAF,), PinVerdict.MATCH),
        ((BAD,), PinVerdict.MISMATCH),
        ((BROKEN,), PinVerdict.MISMATCH),
        # Any live pin will do.
        ((BAD, GOOD), PinVerdict.MATCH),
        ((BROKEN, GOOD_LEAF, BAD), PinVerdict.MATCH),
        ((expired(BAD), GOOD), PinVerdict.MATCH),
        ((expired(GOOD), GOOD), PinVerdict.MATCH),
        # TP-09
        ((expired(GOOD), BAD), PinVerdict.MISMATCH),
        ((expired(GOOD), BROKEN), PinVerdict.MISMATCH),
        # TP-08
        ((expired(GOOD),), PinVerdict.ALL_EXPIRED),
        ((expired(GOOD), expired(BAD)), PinVerdict.ALL_EXPIRED),
        ((), PinVerdict.ALL_EXPIRED),
    ],
)
def test_verdicts_in_whatever_order_the_pins_stand(
    pins: tuple[Pin, ...], verdict: PinVerdict
) -> None:
    for order in permutations(pins):
        assert check(order, LEAF, NOW) is verdict
        assert check(iter(order), LEAF, NOW) is verdict


def test_a_clock_that_tells_no_time_accepts_nothing_that_expires() -> None:
    assert check([Pin(GOOD.kind, GOOD.digest, NOW)], LEAF, float("nan")) is PinVerdict.ALL_EXPIRED


def test_time_passes() -> None:
    pins = (Pin(GOOD.kind, GOOD.digest, NOW), Pin(BAD.kind, BAD.digest, NOW + 10))
    verdicts = [check(pins, LEAF, NOW + seconds) for seconds in (-1, 0, 9, 10)]
    assert verdicts == [
        PinVerdict.MATCH,
        PinVerdict.MISMATCH,
        PinVerdict.MISMATCH,
        PinVerdict.ALL_EXPIRED,
    ]
