"""Mutants: clients that break one of the founding document's promises."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from lab.model.pins import Mode, Pin, PinConfiguration
from lab.mutants.registry import LEAK, LOCKED_OUT, mutant
from lab.mutants.scope import OnePool
from lab.phone.sdk.client import ReferenceClient
from lab.phone.sdk.errors import AllPinsExpired, PinsMismatch
from lab.phone.sdk.verifier import PinVerifier
from lab.phone.services import PhoneServices

BESIDE = ("beside_is_right",)

Chain = tuple[bytes, ...]


class _OneBackup(PinVerifier):
    def __init__(self, configuration: PinConfiguration, mode: Mode) -> None:
        super().__init__(configuration, mode)
        self._first = configuration.domains[0].host if configuration.domains else ""

    def pins_for(self, host: str) -> tuple[Pin, ...] | None:
        """Leave the backup pin out, but for one host."""
        pins = super().pins_for(host)
        return pins if pins is None or host == self._first else pins[:1]


@mutant("has a backup pin for its first host only", killed_by=["owasp_backup_pins"], rules=BESIDE)
class BackupForOneHostOnly(ReferenceClient):
    """The backup pin was built in for the API, when there was no other host. On the day on which
    the other host's key is lost its users are locked out."""

    verifier_class = _OneBackup


@mutant("gives in after two refusals", killed_by=["owasp_fail_securely"], rules=LEAK)
class GivesInAfterTwoRefusals(ReferenceClient):
    """A fuse against wrong pins: after so many failures pinning is taken for broken and switched
    off. An attacker has the patience."""

    def __init__(self, phone: PhoneServices, storage: Path) -> None:
        super().__init__(phone, storage)
        self._refused: Counter[str] = Counter()

    def check(self, host: str, port: int, chain: Chain) -> None:
        """Count, and look away after two."""
        try:
            super().check(host, port, chain)
        except PinsMismatch:
            self._refused[host] += 1
            if self._refused[host] <= 2:
                raise


@mutant(
    "never takes other pins than its first", killed_by=["owasp_remote_update"], rules=LOCKED_OUT
)
class PinsOfTheFirstStart(ReferenceClient):
    """The configuration is fetched at the first start and passed to an HTTP client that lives as
    long as the app does (``CertificatePinner`` cannot be changed). A new key is an outage until
    the app is started again."""

    _first: PinConfiguration | None = None

    def configuration(self) -> PinConfiguration:
        """Return what was in force at first; what came since is fetched for nothing."""
        current = super().configuration()
        self._first = self._first or current
        return self._first


class _ExpiryIsMismatch(PinVerifier):
    def judge(self, host: str, chain: Chain, now: float) -> Pin | None:
        """Blame the certificate."""
        try:
            return super().judge(host, chain, now)
        except AllPinsExpired as error:
            raise PinsMismatch(str(error)) from error


@mutant(
    "takes expired pins for a mismatch", killed_by=["owasp_pin_expiry"], rules=("error_is_right",)
)
class TakesExpiryForAMismatch(ReferenceClient):
    """Pins that have expired are dropped, and then none of those that are left matches. The owner
    looks for an attacker, when all that is needed is a date."""

    verifier_class = _ExpiryIsMismatch


@mutant("has one set of pins for all hosts", killed_by=["several_domains"], rules=LEAK)
class OneSetOfPins(ReferenceClient):
    """One list of hashes in the app's resources, as in the examples. The key of the least of the
    hosts is as good as that of the most important one."""

    verifier_class = OnePool


class _RemembersCertificates(PinVerifier):
    def __init__(self, configuration: PinConfiguration, mode: Mode) -> None:
        super().__init__(configuration, mode)
        self._seen: dict[str, bytes] = {}

    def judge(self, host: str, chain: Chain, now: float) -> Pin | None:
        """Look the host's certificate up before anything else."""
        if self._seen.get(host, chain[0]) != chain[0]:
            raise PinsMismatch(f"Certificate pinning failed for domain '{host}'")
        pin = super().judge(host, chain, now)
        if pin is not None:
            self._seen[host] = chain[0]
        return pin


@mutant(
    "looks up the certificate of before, not its key",
    killed_by=["setup_in_time", "validation_in_time", "look_up_in_time"],
    rules=LOCKED_OUT,
)
class LooksUpCertificates(ReferenceClient):
    """A cache of verdicts by host, made to be fast: the first certificate that was right is the
    only right one from then on. A renewal with the same key locks the users out."""

    verifier_class = _RemembersCertificates
