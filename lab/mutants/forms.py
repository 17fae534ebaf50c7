"""Mutants: how the text of a pin is read and compared.

The reference client refuses a configuration with a malformed digest as a whole. These read on.
"""

from __future__ import annotations

import base64
import hashlib
import re

from cryptography import x509

from lab.model.pins import Pin, PinConfiguration, PinKind, PinnedDomain
from lab.mutants.reading import claims_of, is_owners
from lab.mutants.registry import mutant
from lab.phone.sdk.client import ReferenceClient
from lab.phone.sdk.configuration import ConfigurationKeeper
from lab.phone.sdk.errors import ConfigurationValidationFailed
from lab.phone.sdk.verifier import PinVerifier
from lab.pinning.pins import digest_of, public_key_info

_HALF = 16
"""Bytes that are compared by those who compare a beginning."""


def decoded(text: str) -> bytes:
    """Decode base64 as decoders do that skip what they do not know; nothing where that fails."""
    letters = re.sub(r"[^A-Za-z0-9+/]", "", text)
    try:
        return base64.b64decode(letters + "=" * (-len(letters) % 4))
    except ValueError:
        return b""


class ReadsOn(ConfigurationKeeper):
    """Takes the pins of a configuration that is signed by its owner as they are."""

    def repaired(self, text: str) -> str:
        """Return what a digest is kept as."""
        return text

    def verify(self, token: bytes) -> PinConfiguration:
        try:
            return super().verify(token)
        except ConfigurationValidationFailed:
            if not is_owners(token, self.project.public_key):
                raise
            return self._read(claims_of(token))

    def _read(self, claims: dict[str, object]) -> PinConfiguration:
        listed = claims["domains"]
        version = claims["version"]
        assert isinstance(listed, list)
        assert isinstance(version, int)
        return PinConfiguration(
            tuple(PinnedDomain(one["domain"], self._pins(one["pins"])) for one in listed), version
        )

    def _pins(self, listed: list[dict[str, object]]) -> tuple[Pin, ...]:
        return tuple(
            Pin(kind, self.repaired(str(one[kind])), _expiry(one))
            for one in listed
            for kind in PinKind
            if kind in one
        )


def _expiry(pin: dict[str, object]) -> int | None:
    expires = pin.get("expires_at")
    return expires if isinstance(expires, int) else None


class _Hexadecimal(ReadsOn):
    def repaired(self, text: str) -> str:
        digits = text.replace(":", "")
        if re.fullmatch(r"[0-9A-Fa-f]{64}|[0-9A-Fa-f]{128}", digits):
            return base64.b64encode(bytes.fromhex(digits)).decode()
        return text


@mutant("takes digests in hexadecimal, too", killed_by=["digest_as_hex", "digest_as_upper_hex"])
class TakesHexadecimal(ReferenceClient):
    """Helpful reading. 64 hexadecimal digits are base64 of 48 bytes as well: what a pin means
    depends on how it looks, and another client of the same owner fails where this one works."""

    keeper_class = _Hexadecimal


class _Trimmed(ReadsOn):
    def repaired(self, text: str) -> str:
        url = text.strip().removeprefix("sha256/").translate(str.maketrans("-_", "+/"))
        return url + "=" * (-len(url) % 4)


@mutant(
    "takes digests with blanks, prefixes and the other alphabet",
    killed_by=["digest_as_base64url", "digest_with_newline", "digest_with_prefix"],
)
class TakesAnyBase64(ReferenceClient):
    """A decoder that skips what it does not know (PHP's and Android's, by default). What was
    signed is not what is compared."""

    keeper_class = _Trimmed


class _HashByLength(PinVerifier):
    def vouches(self, pin: Pin, certificate: x509.Certificate) -> bool:
        wanted = decoded(pin.digest)
        name = {20: "sha1", 48: "sha384"}.get(len(wanted))
        if name is None:
            return super().vouches(pin, certificate)
        made = hashlib.new(name, public_key_info(certificate), usedforsecurity=False)
        return made.digest() == wanted


@mutant("chooses the hash by the digest's length", killed_by=["digest_as_sha1", "digest_as_sha384"])
class ChoosesHashByLength(ReferenceClient):
    """``sha1/`` was a kind of pin once (HPKP drafts, OkHttp 2). A weaker hash comes in by the
    back door."""

    keeper_class = ReadsOn
    verifier_class = _HashByLength


class _AsManyAsThereAre(PinVerifier):
    def vouches(self, pin: Pin, certificate: x509.Certificate) -> bool:
        return digest_of(certificate, pin.kind).startswith(decoded(pin.digest))


@mutant("compares as many bytes as the pin has", killed_by=["digest_truncated"])
class ComparesWhatIsThere(ReferenceClient):
    """``memcmp(a, b, pin.length)``. A pin of one byte matches one key in 256."""

    keeper_class = ReadsOn
    verifier_class = _AsManyAsThereAre


class _OpenWhereUnreadable(PinVerifier):
    def judge(self, host: str, chain: tuple[bytes, ...], now: float) -> Pin | None:
        pins = self.pins_for(host)
        if pins and all(len(decoded(pin.digest)) not in (32, 64) for pin in pins):
            return None
        return super().judge(host, chain, now)


@mutant(
    "has no pins for a host whose pins it cannot read",
    killed_by=["digest_as_sha1", "digest_truncated", "digest_as_sha384"],
)
class DropsUnreadablePins(ReferenceClient):
    """Skips what is malformed and finds nothing left to compare. A mistake of the owner's
    switches pinning off, and nobody is told."""

    keeper_class = ReadsOn
    verifier_class = _OpenWhereUnreadable


class _Beginning(PinVerifier):
    def vouches(self, pin: Pin, certificate: x509.Certificate) -> bool:
        return digest_of(certificate, pin.kind)[:_HALF] == decoded(pin.digest)[:_HALF]


@mutant("compares the first half of a digest", killed_by=["digest_of_same_beginning"])
class ComparesTheBeginning(ReferenceClient):
    """A buffer of the wrong size, or the short form that logs show."""

    verifier_class = _Beginning


class _AnyCase(PinVerifier):
    def vouches(self, pin: Pin, certificate: x509.Certificate) -> bool:
        right = base64.b64encode(digest_of(certificate, pin.kind)).decode()
        return right.casefold() == pin.digest.casefold()


@mutant("compares base64 without regard to case", killed_by=["letter_case_exchanged"])
class MindsNoCase(ReferenceClient):
    """``equalsIgnoreCase``, which was right when pins were hexadecimal."""

    verifier_class = _AnyCase
