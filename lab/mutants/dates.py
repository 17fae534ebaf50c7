"""Mutants: when a certificate is valid."""

from __future__ import annotations

from cryptography import x509
from OpenSSL.SSL import X509VerificationCodes as Code

from lab.mutants.platform import Lax, Strict, above_leaf, on_leaf
from lab.mutants.registry import LOCKED_OUT, mutant
from lab.phone.path_rules import Fault, PlatformRules
from lab.phone.sdk.client import ReferenceClient

EXPIRED, EARLY = Code.ERR_CERT_HAS_EXPIRED, Code.ERR_CERT_NOT_YET_VALID
TOLERANCE = MARGIN = 300.0
"""Seconds."""
PLAUSIBLE = 30 * 86_400.0
"""Seconds from a certificate's dates beyond which it must be the clock that is wrong."""
LAST_YEAR_OF_TWO_DIGITS = 2049


def _distance(fault: Fault) -> float:
    """Return by how many seconds the certificate's dates are missed."""
    if fault.read is None:
        return float("inf")
    begin, end = fault.read.not_valid_before_utc, fault.read.not_valid_after_utc
    return max(begin.timestamp() - fault.now, fault.now - end.timestamp())


@mutant("an expired leaf will do", killed_by=["expired_leaf", "minute_too_late"])
class ExpiredLeaf(ReferenceClient):
    """What more is there to want than the pin? The key of a certificate that was given up, and
    that nobody guards or could revoke any more, is good for ever."""

    platform_rules = Lax(EXPIRED, when=on_leaf)


@mutant("the beginning of a certificate does not matter", killed_by=["not_yet_valid"])
class BeginningIgnored(ReferenceClient):
    """Only notAfter is compared. A certificate that was made for later, before a company or a
    domain changed hands, is in force today."""

    platform_rules = Lax(EARLY)


@mutant(
    "only the leaf's dates count",
    killed_by=["expired_intermediate", "early_intermediate"],
)
class IssuersForEver(ReferenceClient):
    """``checkValidity()`` of the first certificate alone. A CA that has ended goes on."""

    platform_rules = Lax(EXPIRED, EARLY, when=above_leaf)


@mutant(
    "five minutes more or less do not matter",
    killed_by=["minute_too_late", "minute_too_early"],
)
class ClockTolerance(ReferenceClient):
    """Allows for clocks that differ, as token libraries do for ``exp`` and ``nbf``."""

    platform_rules = Lax(EXPIRED, EARLY, when=lambda fault: _distance(fault) < TOLERANCE)


@mutant(
    "drops the dates when the clock looks wrong",
    killed_by=["clock_ahead_genuine_chain"],
)
class ClockLooksWrong(ReferenceClient):
    """Phones with a drained battery must work, too: so where the dates are missed by months it
    must be the clock. Whoever can move the clock (NTP is not authenticated) ends all dates."""

    platform_rules = Lax(EXPIRED, EARLY, when=lambda fault: _distance(fault) > PLAUSIBLE)


@mutant(
    "no dates and no pins while the clock looks wrong",
    killed_by=["clock_behind_trusted_ca"],
)
class NoPinsByABadClock(ReferenceClient):
    """Pins have dates as certificates do, so they are waived together. Whoever can set the clock
    back, as networks can for phones without authenticated time, has an app without pins."""

    platform_rules = ClockLooksWrong.platform_rules

    def check(self, host: str, port: int, chain: tuple[bytes, ...]) -> None:
        """Judge the chain, unless it begins long after the phone's today."""
        leaf = x509.load_der_x509_certificate(chain[0])
        if leaf.not_valid_before_utc.timestamp() - self.phone.now() < PLAUSIBLE:
            super().check(host, port, chain)


@mutant("wants five minutes to go", killed_by=["last_minute"], rules=LOCKED_OUT)
class WantsRemainingLife(ReferenceClient):
    """Refuses what ends soon, so that nothing ends during a session. Its users are locked out
    before the server's owner sees anything wrong."""

    platform_rules = Strict(
        lambda path, now: path[0].not_valid_after_utc.timestamp() - now < MARGIN
    )


@mutant("wants five minutes of age", killed_by=["first_minute"], rules=LOCKED_OUT)
class WantsAge(ReferenceClient):
    """Refuses what is too young, for fear of clocks. Its users are locked out at each renewal."""

    platform_rules = Strict(
        lambda path, now: now - path[0].not_valid_before_utc.timestamp() < MARGIN
    )


@mutant("reads two digits for every year", killed_by=["ends_after_2049"], rules=LOCKED_OUT)
class TwoDigitYears(ReferenceClient):
    """Knows UTCTime only, so a certificate that ends in 2051 ended in 1951."""

    platform_rules = Strict(
        lambda path, _: path[0].not_valid_after_utc.year > LAST_YEAR_OF_TWO_DIGITS
    )


@mutant("an anchor ends with its dates", killed_by=["expired_root"], rules=LOCKED_OUT)
class MortalAnchors(ReferenceClient):
    """A TLS stack of the app's own (OpenSSL's default). On old phones it fails where the rest of
    the phone works, as with DST Root CA X3 in 2021."""

    class _Rules(PlatformRules):
        def anchors_live_on(self, fault: Fault) -> bool:
            return False

    platform_rules = _Rules()
