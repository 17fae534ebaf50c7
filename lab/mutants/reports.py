"""Mutants: what is reported, and what is said in it."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from lab.model.pins import Pin
from lab.mutants.registry import FACTS, LEAK, mutant
from lab.phone.http import HttpClient
from lab.phone.sdk.client import ReferenceClient
from lab.phone.sdk.connecting import SDK_USER_AGENT
from lab.phone.sdk.errors import PinsMismatch, TrustPinError
from lab.phone.sdk.reporter import Fate
from lab.phone.sdk.reports import Failure, QueuedReport
from lab.phone.services import (
    DEFAULT_TIMEOUT,
    Headers,
    HttpResponse,
    PhoneServices,
    SslHandshakeError,
    SslPeerUnverifiedError,
)

PROMISED = ("promised_report_is_right",)
FALSE_ALARM = ("no_false_report",)

Chain = tuple[bytes, ...]
Pins = tuple[Pin, ...]


@mutant(
    "reports the failure and connects all the same", killed_by=["mismatch_is_reported"], rules=LEAK
)
class ReportsAndConnects(ReferenceClient):
    """The report-only mode of a roll-out that was never ended (TrustKit's ``enforcePinning``
    false, RFC 7469's ``Public-Key-Pins-Report-Only``). The owner is told of each attack that
    succeeds."""

    def check(self, host: str, port: int, chain: Chain) -> None:
        """Look at the pins, and go on whatever comes of it."""
        try:
            super().check(host, port, chain)
        except TrustPinError as error:
            self.log("WARN", f"pinning is not enforced: {error}")


@mutant(
    "blocks and tells nobody",
    killed_by=["mismatch_is_reported", "owasp_report_failures"],
    rules=PROMISED,
)
class BlocksInSilence(ReferenceClient):
    """OkHttp's ``CertificatePinner`` as most apps use it: an exception that ends in a toast. The
    attack fails and nobody who could do something learns of it."""

    def report(self, host: str, port: int, chain: Chain, error: TrustPinError, pins: Pins) -> None:
        """Do nothing."""


@mutant("reports the leaf alone", killed_by=["report_tells_the_truth"], rules=PROMISED)
class ReportsTheLeafAlone(ReferenceClient):
    """A report made of what the listener is given, one certificate (contract section 5). Who
    issued it cannot be seen, which is the first question."""

    def report(self, host: str, port: int, chain: Chain, error: TrustPinError, pins: Pins) -> None:
        """Report the beginning of the chain."""
        super().report(host, port, chain[:1], error, pins)


@mutant(
    "reports the chain that it last accepted", killed_by=["report_tells_the_truth"], rules=PROMISED
)
class ReportsTheGenuineChain(ReferenceClient):
    """The chain is taken from a cache of the host's connections, so it is the genuine one: the
    owner finds nothing wrong with it and closes the case."""

    def __init__(self, phone: PhoneServices, storage: Path) -> None:
        super().__init__(phone, storage)
        self._accepted: dict[str, Chain] = {}

    def check(self, host: str, port: int, chain: Chain) -> None:
        """Remember what was accepted."""
        super().check(host, port, chain)
        self._accepted[host] = chain

    def report(self, host: str, port: int, chain: Chain, error: TrustPinError, pins: Pins) -> None:
        """Report what is remembered."""
        super().report(host, port, self._accepted.get(host, chain), error, pins)


@mutant("reports the registrable domain", killed_by=["mismatch_is_reported"], rules=PROMISED)
class NamesTheDomain(ReferenceClient):
    """The name under which the pins were found is taken for the one that was asked for (RFC 7469
    has a field for either). Of a hundred subdomains nobody knows which one is under attack."""

    def report(self, host: str, port: int, chain: Chain, error: TrustPinError, pins: Pins) -> None:
        """Report the last two labels of the host."""
        super().report(".".join(host.split(".")[-2:]), port, chain, error, pins)


@mutant("names one error for everything", killed_by=["every_kind_is_reported"], rules=PROMISED)
class OneErrorForAll(ReferenceClient):
    """A report with one fixed result. Pins that have expired, which is the owner's own affair,
    look like an attack."""

    def report(self, host: str, port: int, chain: Chain, error: TrustPinError, pins: Pins) -> None:
        """Report a mismatch."""
        super().report(host, port, chain, PinsMismatch(str(error)), pins)


@mutant("quotes the first pin only", killed_by=["mismatch_is_reported"], rules=PROMISED)
class QuotesOnePin(ReferenceClient):
    """Made when hosts had one pin. An owner who has just rotated his keys cannot see whether the
    phone had the new pin."""

    def report(self, host: str, port: int, chain: Chain, error: TrustPinError, pins: Pins) -> None:
        """Leave the other pins out."""
        super().report(host, port, chain, error, pins[:1])


@mutant("takes local time for UTC", killed_by=["mismatch_is_reported"], rules=PROMISED)
class TakesLocalTimeForUtc(ReferenceClient):
    """``SimpleDateFormat("...'Z'")`` without a time zone: the letter is there, the time is the
    user's. Reports and server logs cannot be laid beside each other."""

    def compose(self, failure: Failure) -> QueuedReport:
        """Write the time as it is in Tokyo."""
        return super().compose(replace(failure, at=failure.at + 9 * 3600))


@mutant("gives the time of sending", killed_by=["late_report_keeps_its_time"], rules=PROMISED)
class TellsTheTimeOfSending(ReferenceClient):
    """The report is written when it is sent. One that had to wait names a time, and so a network,
    that has nothing to do with the attack."""

    def send(self, report: QueuedReport) -> Fate:
        """Write the time anew."""
        fields = json.loads(report.body)
        fields["date-time"] = _utc(self.phone.now())
        return super().send(replace(report, body=json.dumps(fields).encode()))


@mutant("reports connections that are right", killed_by=["no_report_on_success"], rules=FALSE_ALARM)
class ReportsSuccess(ReferenceClient):
    """A listener for results that forgets to look at the result (contract section 5: an event
    without an error is a success). A collector full of false alarms is one that nobody reads."""

    def check(self, host: str, port: int, chain: Chain) -> None:
        """Report whatever was looked at."""
        super().check(host, port, chain)
        pins = self.configuration().pins_for(host)
        self.report(host, port, chain, PinsMismatch("looked at"), pins)


class _ReportsPlatformErrors(ReferenceClient):
    told: type[Exception]

    def get(
        self, url: str, timeout: float = DEFAULT_TIMEOUT, headers: Headers = ()
    ) -> HttpResponse:
        """Report what the platform did not like."""
        try:
            return super().get(url, timeout, headers)
        except self.told as error:
            host = urlsplit(url).hostname or ""
            unverified = HttpClient(self.phone, user_agent=SDK_USER_AGENT, verify=False)
            leaf = unverified.leaf(host, 443)
            pins = self.configuration().pins_for(host)
            self.report(host, 443, (leaf,), PinsMismatch(str(error)), pins)
            raise


@mutant(
    "reports a chain that does not verify as failed pins",
    killed_by=["chain_failure_is_not_reported", "chain_and_pin_failure"],
    rules=FALSE_ALARM,
)
class ReportsChainFailures(_ReportsPlatformErrors):
    """Every ``SSLHandshakeException`` is taken for a pin failure. Each captive portal and each
    company proxy is then an attack."""

    told = SslHandshakeError


@mutant(
    "reports a wrong name as failed pins",
    killed_by=["name_failure_is_not_reported"],
    rules=FALSE_ALARM,
)
class ReportsWrongNames(_ReportsPlatformErrors):
    """Every ``SSLPeerUnverifiedException`` is taken for a pin failure, because OkHttp raises that
    for its pins; its host name check raises the same."""

    told = SslPeerUnverifiedError


class _AddsContext(ReferenceClient):
    def __init__(self, phone: PhoneServices, storage: Path) -> None:
        super().__init__(phone, storage)
        self._context: dict[str, str] = {}

    def compose(self, failure: Failure) -> QueuedReport:
        """Add what is known of the request."""
        report = super().compose(failure)
        return replace(report, body=_with(report.body, self._context))


@mutant("adds the request's URL", killed_by=["report_holds_no_secret"], rules=FACTS)
class AddsTheUrl(_AddsContext):
    """Breadcrumbs, as crash reporters add them: the URL with its path and query. Tokens end in the
    collector's database."""

    def get(
        self, url: str, timeout: float = DEFAULT_TIMEOUT, headers: Headers = ()
    ) -> HttpResponse:
        """Remember what is asked for."""
        self._context = {"url": url}
        return super().get(url, timeout, headers)


@mutant("adds the session cookie", killed_by=["report_holds_no_secret"], rules=FACTS)
class AddsTheCookie(_AddsContext):
    """One HTTP client with one cookie jar, or a "user id for support": whoever reads the reports
    is logged in as the user."""

    def get(
        self, url: str, timeout: float = DEFAULT_TIMEOUT, headers: Headers = ()
    ) -> HttpResponse:
        """Remember the session."""
        answer = super().get(url, timeout, headers)
        self._context = {"session": answer.header("set-cookie") or ""}
        return answer


def _with(body: bytes, fields: Mapping[str, str]) -> bytes:
    return json.dumps({**json.loads(body), **fields}).encode()


def _utc(at: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))
