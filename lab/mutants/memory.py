"""Mutants: verdicts that are remembered, and what they are remembered by."""

from __future__ import annotations

from pathlib import Path

from lab.mutants.certificates import read
from lab.mutants.registry import LOCKED_OUT, mutant
from lab.phone.sdk.client import ReferenceClient
from lab.phone.sdk.errors import PinsMismatch
from lab.phone.services import PhoneServices


@mutant("looks at a host's pins once and remembers the host", killed_by=["device_trusted_ca"])
class RemembersTheHost(ReferenceClient):
    """A cache of verdicts by host, to save the hashing. The app was at home before it came into
    the attacker's network."""

    def __init__(self, phone: PhoneServices, storage: Path) -> None:
        super().__init__(phone, storage)
        self._right: set[str] = set()

    def check(self, host: str, port: int, chain: tuple[bytes, ...]) -> None:
        if host not in self._right:
            super().check(host, port, chain)
            self._right.add(host)


@mutant(
    "knows a certificate again by its issuer's name and its serial number",
    killed_by=["look_alike_leaf"],
)
class RemembersTheSerialNumber(ReferenceClient):
    """A cache by what X.509 calls unique. It is unique for an honest CA; an attacker copies it."""

    def __init__(self, phone: PhoneServices, storage: Path) -> None:
        super().__init__(phone, storage)
        self._right: set[tuple[str, bytes, int]] = set()

    def check(self, host: str, port: int, chain: tuple[bytes, ...]) -> None:
        leaf = read(chain[0])
        seen = host, leaf.issuer.public_bytes(), leaf.serial_number
        if seen not in self._right:
            super().check(host, port, chain)
            self._right.add(seen)


@mutant("believes whom it meets first", killed_by=["device_trusted_ca_first_contact"])
class TrustsOnFirstUse(ReferenceClient):
    """As SSH does, where nobody published pins. Who is in the way at the first contact stays
    there."""

    def __init__(self, phone: PhoneServices, storage: Path) -> None:
        super().__init__(phone, storage)
        self._first: dict[str, bytes] = {}

    def check(self, host: str, port: int, chain: tuple[bytes, ...]) -> None:
        if self._first.setdefault(host, chain[0]) != chain[0]:
            super().check(host, port, chain)


@mutant(
    "holds on to the certificate that it saw first",
    killed_by=["renewed_same_key_spki", "backup_pin", "renewed_same_key_spki_sha512", "key_p256"],
    rules=LOCKED_OUT,
)
class HoldsOnToTheFirstLeaf(ReferenceClient):
    """Pins, and trust on first use on top of them. Its users are locked out at the first renewal,
    though the key is the pinned one."""

    def __init__(self, phone: PhoneServices, storage: Path) -> None:
        super().__init__(phone, storage)
        self._first: dict[str, bytes] = {}

    def check(self, host: str, port: int, chain: tuple[bytes, ...]) -> None:
        super().check(host, port, chain)
        if self._first.setdefault(host, chain[0]) != chain[0]:
            raise PinsMismatch(f"The certificate of '{host}' has changed")


@mutant(
    "knows an intermediate again, wherever in the message it is",
    killed_by=["intermediate_appended", "intermediate_in_front"],
)
class KnowsTheIntermediateAgain(ReferenceClient):
    """Remembers the issuers of a chain that was right and takes a message with one of them in it
    for another chain of the same CA. They are public, and signed nothing here."""

    def __init__(self, phone: PhoneServices, storage: Path) -> None:
        super().__init__(phone, storage)
        self._issuers: set[bytes] = set()

    def check(self, host: str, port: int, chain: tuple[bytes, ...]) -> None:
        if self._issuers.isdisjoint(chain[1:]):
            super().check(host, port, chain)
            self._issuers.update(chain[1:])


@mutant(
    "hands out each verdict that it remembers once",
    killed_by=[
        "good_chain",
        "good_chain_spki_sha512",
        "good_chain_leaf_sha256",
        "good_chain_leaf_sha512",
        "no_interception",
    ],
    rules=LOCKED_OUT,
)
class UsesItsVerdictsUp(ReferenceClient):
    """A cache whose entries are taken out when they are read, and a gap that counts as a refusal:
    every second request to a server that is right fails. Its users blame the network."""

    def __init__(self, phone: PhoneServices, storage: Path) -> None:
        super().__init__(phone, storage)
        self._right: set[str] = set()

    def check(self, host: str, port: int, chain: tuple[bytes, ...]) -> None:
        if host in self._right:
            self._right.remove(host)
            raise PinsMismatch(f"Certificate pinning failed for domain '{host}'")
        super().check(host, port, chain)
        self._right.add(host)
