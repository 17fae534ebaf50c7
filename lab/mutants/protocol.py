"""Mutants: the TLS library, what it was told to take, and what is made of it."""

from __future__ import annotations

from lab.mutants import wrong_stacks
from lab.mutants.registry import FACTS, mutant
from lab.mutants.stack import OwnTls, Stack, open_by_hand
from lab.phone.link import Link
from lab.phone.sdk.client import ReferenceClient
from lab.phone.services import (
    DEFAULT_TIMEOUT,
    ConnectionLost,
    Headers,
    HttpResponse,
    PlatformError,
    SslProtocolError,
)
from lab.phone.tls import Secured
from lab.phone.verify import Judge


class OwnStack(ReferenceClient):
    """The reference client on a TLS stack of its own: correct, as long as that is."""

    stack: type[Stack] = Stack

    def open_tls(self, link: Link, host: str, judge: Judge) -> Secured:
        opened = open_by_hand(self.stack, link, host, judge)
        self.opened(opened)
        return opened

    def opened(self, connection: OwnTls) -> None:
        """A connection was opened."""


# -- possession ---------------------------------------------------------------------------------


@mutant(
    "does not verify the signature of the handshake",
    killed_by=["key_not_possessed", "signature_damaged"],
)
class SignatureUnchecked(OwnStack):
    """Apple's "goto fail" (CVE-2014-1266): one line twice, and the signature over the key exchange
    was never verified. Whoever can show the genuine certificates is believed."""

    stack = wrong_stacks.SignatureNotVerified


@mutant("goes on without CertificateVerify", killed_by=["signature_left_out"])
class PossessionSkipped(OwnStack):
    """A state machine that takes messages as they come (SMACK, 2015; wolfSSL CVE-2020-24613): the
    server proves nothing, and is not asked to."""

    stack = wrong_stacks.PossessionOptional


@mutant("does not compare Finished", killed_by=["finished_damaged"])
class FinishedUnchecked(OwnStack):
    """The handshake can be changed on the way without anybody noticing (RFC 8446 section 4.4.4)."""

    stack = wrong_stacks.FinishedNotCompared


@mutant("accepts a server without a certificate", killed_by=["anonymous_server"])
class AnonymousAccepted(OwnStack):
    """A suite list of ALL, and a pin check that loops over the certificates shown: over none."""

    stack = wrong_stacks.OffersAnonymous

    def check(self, host: str, port: int, chain: tuple[bytes, ...]) -> None:
        """Compare what there is to compare."""
        if chain:
            super().check(host, port, chain)


# -- what is agreed on --------------------------------------------------------------------------


@mutant("speaks SSL 3.0", killed_by=["ssl3_only"])
class SpeaksSsl3(OwnStack):
    """No minimum version was ever set (POODLE, CVE-2014-3566)."""

    stack = wrong_stacks.DownToSsl3


@mutant("speaks TLS 1.0", killed_by=["tls10_only", "tls11_only"])
class SpeaksTls10(OwnStack):
    """The default of Android before version 10, or OkHttp's COMPATIBLE_TLS."""

    stack = wrong_stacks.DownToTls10


@mutant("speaks TLS 1.1", killed_by=["tls11_only"])
class SpeaksTls11(OwnStack):
    """TLS 1.0 was switched off, as somebody asked for, and no more."""

    stack = wrong_stacks.DownToTls11


@mutant("accepts suites without encryption", killed_by=["null_suite"])
class NullAccepted(OwnStack):
    """eNULL, left over from a day of looking at one's own traffic."""

    stack = wrong_stacks.WithNull


@mutant("accepts RC4", killed_by=["rc4_suite"])
class Rc4Accepted(OwnStack):
    """The suite list of 2011, when RC4 was the advice (RFC 7465 ended that)."""

    stack = wrong_stacks.WithRc4


@mutant("accepts 3DES", killed_by=["triple_des_suite"])
class TripleDesAccepted(OwnStack):
    """HIGH of an old OpenSSL (Sweet32, CVE-2016-2183)."""

    stack = wrong_stacks.WithTripleDes


@mutant("offers export suites", killed_by=["nothing_weak_offered"], rules=FACTS)
class ExportOffered(OwnStack):
    """An OpenSSL of its own in the app, with every suite that it has (FREAK, CVE-2015-0204)."""

    stack = wrong_stacks.OffersExport


@mutant("offers compression", killed_by=["nothing_weak_offered"], rules=FACTS)
class CompressionOffered(OwnStack):
    """What CRIME needs (CVE-2012-4929), to save some bytes."""

    stack = wrong_stacks.OffersCompression


@mutant("takes a suite that it did not offer", killed_by=["suite_not_offered"])
class AnySuiteAccepted(OwnStack):
    """The suite is looked up among those in the library."""

    stack = wrong_stacks.AnySuite


@mutant("takes a curve that it did not offer", killed_by=["weak_curve"])
class AnyCurveAccepted(OwnStack):
    """The curve is taken from the server's message (CurveSwap, EuroS&P 2018)."""

    stack = wrong_stacks.AnyCurve


@mutant("takes groups of 1024 bits", killed_by=["group_of_1024_bits"])
class Dh1024Accepted(OwnStack):
    """The limit that browsers set in 2015, so as to lose no server."""

    stack = wrong_stacks.WithDh


@mutant("takes groups of any size", killed_by=["group_of_512_bits", "group_of_1024_bits"])
class AnyDhAccepted(OwnStack):
    """Nobody measures the group that the server sends (Logjam, CVE-2015-4000)."""

    stack = wrong_stacks.WithShortDh


@mutant("takes export keys", killed_by=["export_key_sent"])
class ExportKeyAccepted(OwnStack):
    """FREAK (CVE-2015-0204): a message of export suites is taken with any suite."""

    stack = wrong_stacks.TakesExportKeys


@mutant("ignores the mark of a downgrade", killed_by=["downgrade_mark"])
class DowngradeUnnoticed(OwnStack):
    """The check of RFC 8446 section 4.1.3 was left out, or switched off for a middlebox."""

    stack = wrong_stacks.BlindToDowngrades


class _FallsBack(OwnStack):
    """Tries once more with an old version where the first try failed with ``gives_in_to``."""

    gives_in_to: type[PlatformError]

    def get(
        self, url: str, timeout: float = DEFAULT_TIMEOUT, headers: Headers = ()
    ) -> HttpResponse:
        try:
            return super().get(url, timeout, headers)
        except self.gives_in_to:
            self.stack = wrong_stacks.NothingNewer
            try:
                return super().get(url, timeout, headers)
            finally:
                del self.stack


@mutant("falls back to an old version after an alert", killed_by=["lowered_by_alerts"])
class FallsBackOnAlerts(_FallsBack):
    """The fallback dance of the browsers of 2014 (POODLE, CVE-2014-3566)."""

    gives_in_to = SslProtocolError


@mutant("falls back to an old version after a hang-up", killed_by=["lowered_by_hanging_up"])
class FallsBackOnHangUps(_FallsBack):
    """The same, for servers and firewalls that hang up on a hello that they do not understand."""

    gives_in_to = ConnectionLost
