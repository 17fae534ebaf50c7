"""Mutants: which certificate is compared, and with which of a host's pins."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cryptography import x509

from lab.model.pins import Mode, Pin, PinConfiguration, PinKind
from lab.mutants.certificates import (
    by_authority,
    by_name,
    by_signature,
    common_names,
    reachable,
    read,
)
from lab.mutants.registry import LOCKED_OUT, mutant
from lab.phone.sdk.client import ReferenceClient
from lab.phone.sdk.verifier import PinVerifier
from lab.phone.services import PhoneServices
from lab.pinning.pins import public_key_info


class _WholeMessage(PinVerifier):
    def candidates(self, chain: tuple[bytes, ...]) -> Sequence[bytes]:
        return chain


@mutant(
    "any certificate of the served chain may match",
    killed_by=[
        "pin_stuffing",
        "pin_stuffing_leaf_sha256",
        "pin_stuffing_spki_sha512",
        "pinned_intermediate_appended",
    ],
)
class AnyServedCertificate(ReferenceClient):
    """OkHttp before 2.7.4 and 3.1.2 (CVE-2016-2402). The pinned certificate is public: whoever
    appends it to his own chain is believed."""

    verifier_class = _WholeMessage


class _LeafAndLast(PinVerifier):
    def candidates(self, chain: tuple[bytes, ...]) -> Sequence[bytes]:
        return chain[:1] + chain[-1:]


@mutant("the last served certificate may match, too", killed_by=["pin_stuffing"])
class ComparesTheLast(ReferenceClient):
    """``chain[chain.length - 1]``, taken for the root, which servers do not send."""

    verifier_class = _LeafAndLast


class _LeafAndSecond(PinVerifier):
    def candidates(self, chain: tuple[bytes, ...]) -> Sequence[bytes]:
        return chain[:2]


@mutant(
    "the second served certificate may match, too",
    killed_by=["intermediate_pin", "pinned_intermediate_in_front"],
)
class ComparesTheSecond(ReferenceClient):
    """``chain[1]`` is the intermediate, as many a guide has it; what stands there is the server's
    choice."""

    verifier_class = _LeafAndSecond


class _ByName(PinVerifier):
    def candidates(self, chain: tuple[bytes, ...]) -> Sequence[bytes]:
        return reachable(chain, by_name)


@mutant("follows names to a pinned CA", killed_by=["pinned_intermediate_twin"])
class FollowsNames(ReferenceClient):
    """Builds its own path by subject and issuer, as the platform has checked the signatures (of
    another path). A twin with the pinned CA's name leads there."""

    verifier_class = _ByName


class _BySignature(PinVerifier):
    def candidates(self, chain: tuple[bytes, ...]) -> Sequence[bytes]:
        return reachable(chain, by_signature)


@mutant(
    "follows signatures of anybody to a pinned CA",
    killed_by=["switch_without_ca_bit", "switch_beyond_path_length"],
)
class FollowsSignatures(ReferenceClient):
    """A chain cleaner that takes every certificate whose key verifies the one before for its
    issuer, whether it is a CA's or not. To be a customer of the pinned CA is enough."""

    verifier_class = _BySignature


class _ByAuthority(PinVerifier):
    def candidates(self, chain: tuple[bytes, ...]) -> Sequence[bytes]:
        return reachable(chain, by_authority)


@mutant(
    "follows signatures of CAs to a pinned one, however long the path",
    killed_by=["switch_beyond_path_length"],
)
class FollowsAuthorities(ReferenceClient):
    """The same with a look at the CA bit: an issuer that may have no CA below it has one all the
    same on this path."""

    verifier_class = _ByAuthority


@mutant("the root of the chain may match, too", killed_by=["root_pin", "intermediate_pin"])
class ComparesTheRoot(ReferenceClient):
    """Compares the path that the platform hands it, to the root in the store. One pinned root is
    trust in everything that its owner and all his customers' CAs sign."""

    verifier_class = _WholeMessage

    def check(self, host: str, port: int, chain: tuple[bytes, ...]) -> None:
        top = read(chain[-1])
        anchors = self.phone.trust_anchors(self.user_store)
        roots = [root for root in anchors if by_signature(top, read(root))]
        super().check(host, port, (*chain, *roots))


@mutant(
    "accepts whatever has the issuer's name of a leaf that was right",
    killed_by=["intermediate_twin", "look_alike_leaf"],
)
class PinsTheIssuersName(ReferenceClient):
    """ "Issued by our CA" as a comparison of two strings. Names are free to choose."""

    def __init__(self, phone: PhoneServices, storage: Path) -> None:
        super().__init__(phone, storage)
        self._issuers: set[x509.Name] = set()

    def check(self, host: str, port: int, chain: tuple[bytes, ...]) -> None:
        issuer = read(chain[0]).issuer
        if issuer not in self._issuers:
            super().check(host, port, chain)
            self._issuers.add(issuer)


@mutant("accepts a leaf whose common name is the host", killed_by=["look_alike_leaf"])
class PinsTheCommonName(ReferenceClient):
    """Compares the subject with what it expects, in addition to the pins and in place of them."""

    def check(self, host: str, port: int, chain: tuple[bytes, ...]) -> None:
        if host not in common_names(read(chain[0])):
            super().check(host, port, chain)


class _FirstPin(PinVerifier):
    def live(self, pins: tuple[Pin, ...], now: float) -> tuple[Pin, ...]:
        return super().live(pins, now)[:1]


@mutant(
    "compares the first pin of a host only",
    killed_by=["backup_pin", "backup_pin_leaf_sha256", "backup_pin_spki_sha512"],
    rules=LOCKED_OUT,
)
class FirstPinOnly(ReferenceClient):
    """One pin per host, as the first version of the app had it. The backup key is of no use on
    the one day on which it is needed."""

    verifier_class = _FirstPin


class _KeysOnLastPin(PinVerifier):
    """One pin of a host is kept, the last one, where they are of different kinds."""

    def live(self, pins: tuple[Pin, ...], now: float) -> tuple[Pin, ...]:
        alive = super().live(pins, now)
        return alive[-1:] if len({pin.kind for pin in alive}) > 1 else alive


@mutant(
    "keeps the last pin of a host where they are of several kinds",
    killed_by=["mixed_kinds_first_pin", "mixed_kinds_middle_pin"],
    rules=LOCKED_OUT,
)
class LastPinOnly(ReferenceClient):
    """A map from host to hash function and digest, filled in a loop."""

    verifier_class = _KeysOnLastPin


class _LaxLeafPins(PinVerifier):
    def __init__(self, configuration: PinConfiguration, mode: Mode) -> None:
        super().__init__(configuration, mode)
        self._keys: set[tuple[Pin, bytes]] = set()

    def vouches(self, pin: Pin, certificate: x509.Certificate) -> bool:
        known = pin, public_key_info(certificate)
        if super().vouches(pin, certificate):
            self._keys.add(known)
        return known in self._keys


@mutant(
    "takes a new certificate for the pinned one because its key is the same",
    killed_by=["renewed_same_key_leaf", "renewed_same_key_leaf_sha512"],
)
class ComparesKeysOfLeaves(ReferenceClient):
    """Remembers the key of a certificate that was right. The owner pinned the certificate in
    order to have no other with this key."""

    verifier_class = _LaxLeafPins


class _AnyField(PinVerifier):
    def vouches(self, pin: Pin, certificate: x509.Certificate) -> bool:
        others = (Pin(kind, pin.digest) for kind in PinKind)
        return any(super(_AnyField, self).vouches(other, certificate) for other in others)


@mutant("compares every digest with every hash", killed_by=["digests_swapped"])
class AnyField(ReferenceClient):
    """A list of digests whose kinds were lost on the way. What the owner mixed up works, until
    another client is stricter."""

    verifier_class = _AnyField
