"""Mutants: whether a report arrives, how often, and with whom."""

from __future__ import annotations

import shutil
import uuid
from dataclasses import replace
from pathlib import Path

from lab.mutants.instead import in_clear
from lab.mutants.registry import FACTS, mutant
from lab.mutants.reports import PROMISED, Chain, Pins
from lab.phone.http import HttpClient
from lab.phone.sdk.client import ReferenceClient
from lab.phone.sdk.connecting import SDK_USER_AGENT
from lab.phone.sdk.errors import TrustPinError
from lab.phone.sdk.reporter import Fate, Reporter
from lab.phone.sdk.reports import FOLDER, Failure, QueuedReport, ReportQueue
from lab.phone.services import ConnectError, ConnectionLost, PhoneServices, PlatformError

TO_THE_ADVERSARY = ("to_private_hosts",)


@mutant(
    "delivers its reports to whoever answers",
    killed_by=["collector_of_rogue_ca", "mismatch_is_reported"],
    rules=TO_THE_ADVERSARY,
)
class ReportsToAnybody(ReferenceClient):
    """An HTTP client of the reporter's own whose checks were switched off for a test server
    (CWE-295). The attacker gets the report about himself, and acknowledges it."""

    def __init__(self, phone: PhoneServices, storage: Path) -> None:
        super().__init__(phone, storage)
        self._collector = HttpClient(phone, user_agent=SDK_USER_AGENT, verify=False)


@mutant(
    "does not look at the collector's pins",
    killed_by=["collector_with_other_pins", "mismatch_is_reported"],
    rules=TO_THE_ADVERSARY,
)
class ReportsByThePlatformAlone(ReferenceClient):
    """The usual remedy where pins stop the report (TrustKit-Android issue 72). The CA that signed
    for the attacker's host signs for the collector as well."""

    def check_collector(self, host: str, port: int, chain: Chain) -> None:
        """Accept what the platform does."""


@mutant(
    "reports to the attacked host without pins",
    killed_by=["collector_on_the_attacked_host"],
)
class ReportsToTheAttackedHost(ReferenceClient):
    """Issue 72 again, where API and collector share a name: the connection that was refused is
    made a second time, for the report."""

    def report(self, host: str, port: int, chain: Chain, error: TrustPinError, pins: Pins) -> None:
        """Report also what is about the collector's own host, there."""
        project = self._project
        if project is None or host != project.report_host:
            super().report(host, port, chain, error, pins)
            return
        body = self.compose(Failure(host, port, self.phone.now(), error.code, chain, pins)).body
        HttpClient(self.phone, user_agent=SDK_USER_AGENT).request(
            project.report_url, method="POST", body=body
        )


@mutant("reports in clear", killed_by=["collector_in_clear"], rules=TO_THE_ADVERSARY)
class ReportsInClear(ReferenceClient):
    """Falls back to ``http://`` where the collector's TLS cannot be reached: RFC 7469 section
    2.1.4 would allow it. The network reads the report and takes it."""

    def send(self, report: QueuedReport) -> Fate:
        """Try again without TLS."""
        try:
            return super().send(report)
        except PlatformError:
            assert self._project is not None
            url = in_clear(self._project.report_url)
            answer = HttpClient(self.phone, user_agent=SDK_USER_AGENT).request(
                url, method="POST", body=report.body
            )
            return Fate.DELIVERED if answer.status < 300 else Fate.KEPT


@mutant(
    "reports the failure of its reports",
    killed_by=["collector_with_other_pins"],
    rules=("no_report_of_reports",),
)
class ReportsAboutReports(ReferenceClient):
    """The collector is a pinned host like any other, so its failure is reported like any other,
    to itself. One attack becomes a flood."""

    def report(self, host: str, port: int, chain: Chain, error: TrustPinError, pins: Pins) -> None:
        """Queue a report, whatever host it is about."""
        failure = Failure(host, port, self.phone.now(), error.code, chain, pins)
        self._queue.add(self.compose(failure))
        self._reporter.nudge()

    def check_collector(self, host: str, port: int, chain: Chain) -> None:
        """Judge the collector as any host is judged."""
        self._judge(self.configuration(), host, port, chain)


@mutant("reports each failure twice", killed_by=["mismatch_is_reported"], rules=PROMISED)
class ReportsTwice(ReferenceClient):
    """Two listeners, the SDK's and the crash reporter's, each with an id of its own: every attack
    counts double."""

    def report(self, host: str, port: int, chain: Chain, error: TrustPinError, pins: Pins) -> None:
        """Report, and report."""
        super().report(host, port, chain, error, pins)
        super().report(host, port, chain, error, pins)


@mutant("goes on sending what was taken", killed_by=["collector_error"], rules=FACTS)
class NeverStopsSending(ReferenceClient):
    """The queue lets go of a report on 204 only, and the collector says 201. Each phone sends its
    first report until it is replaced, and never the second."""

    def send(self, report: QueuedReport) -> Fate:
        """Send, and keep."""
        super().send(report)
        return Fate.KEPT


@mutant("makes a new id for each try", killed_by=["collector_loses_answer"], rules=PROMISED)
class NewIdForEachTry(ReferenceClient):
    """The id is made when the report is sent. A receipt that is lost makes two attacks of one."""

    def send(self, report: QueuedReport) -> Fate:
        """Put another id in."""
        fresh = str(uuid.uuid4())
        body = report.body.replace(report.id.encode(), fresh.encode())
        return super().send(replace(report, id=fresh, body=body))


class _GivesUp(ReferenceClient):
    at: tuple[type[PlatformError], ...]

    def send(self, report: QueuedReport) -> Fate:
        """Send once."""
        try:
            return super().send(report)
        except self.at:
            return Fate.REJECTED


@mutant(
    "forgets its report where the collector is down",
    killed_by=["collector_down"],
    rules=PROMISED,
)
class GivesUpWhereNobodyListens(_GivesUp):
    """Fire and forget. The attacker needs but to drop one more connection."""

    at = (ConnectError, ConnectionLost)


@mutant("forgets its report after a reset", killed_by=["collector_resets"], rules=PROMISED)
class GivesUpAfterAReset(_GivesUp):
    """Tries again where a connection was refused, but takes one that broke for a delivery: "the
    request was sent"."""

    at = (ConnectionLost,)


@mutant("takes any answer for a receipt", killed_by=["collector_error"], rules=PROMISED)
class TakesAnyAnswer(ReferenceClient):
    """HTTP clients raise nothing for a 500, and nobody looked. A collector with a full disk takes
    all reports of the day with it."""

    def send(self, report: QueuedReport) -> Fate:
        """Send once, whatever is answered."""
        super().send(report)
        return Fate.DELIVERED


@mutant("takes 429 for never", killed_by=["collector_busy"], rules=PROMISED)
class TakesBusyForNever(ReferenceClient):
    """All statuses from 400 to 499 are the client's fault and final, says the textbook. When many
    phones are attacked at once the collector is busy, and most reports are lost."""

    def fate(self, status: int) -> Fate:
        """Give up at every 4xx."""
        return Fate.REJECTED if 400 <= status < 500 else super().fate(status)


@mutant(
    "never lets go of a report that is not taken",
    killed_by=["collector_rejects", "collector_takes_no_large_report"],
    # Whether the next report waits or is counted as a second one depends on who is first.
    rules=[*FACTS, *PROMISED],
)
class StuckBehindARejectedReport(ReferenceClient):
    """A queue in which the first report must be delivered before the second: one that is too
    large, as an attacker can make it, ends reporting for good."""

    def fate(self, status: int) -> Fate:
        """Keep what was not taken."""
        return Fate.DELIVERED if 200 <= status < 300 else Fate.KEPT


@mutant(
    "holds the request up until it has reported",
    killed_by=["collector_hangs", "collector_slow"],
    rules=FACTS,
)
class WaitsForItsReport(ReferenceClient):
    """The report is sent in the listener, in the middle of the handshake (contract section 5 warns
    of it). Every refused request takes as long as the collector likes."""

    def report(self, host: str, port: int, chain: Chain, error: TrustPinError, pins: Pins) -> None:
        """Deliver a report before anything else."""
        if self._project is None or host == self._project.report_host:
            return
        made = self.compose(Failure(host, port, self.phone.now(), error.code, chain, pins))
        if self._send_safely(made) is Fate.KEPT:
            self._queue.add(made)
            self._reporter.nudge()


@mutant("keeps its reports in memory", killed_by=["report_survives_a_restart"], rules=PROMISED)
class ForgetsAtItsEnd(ReferenceClient):
    """A queue in memory. An app that shows nothing but errors is closed by its user, and with it
    goes the report."""

    def __init__(self, phone: PhoneServices, storage: Path) -> None:
        shutil.rmtree(storage / FOLDER, ignore_errors=True)
        super().__init__(phone, storage)


class _ShortQueue(ReportQueue):
    def _make_room(self) -> None:
        while len(self._waiting) > 4:
            self._drop(next(iter(self._waiting)))


@mutant("drops its oldest report when many wait", killed_by=["storm_of_refusals"], rules=PROMISED)
class DropsItsOldestReport(ReferenceClient):
    """A ring buffer. A flood of refusals, which an attacker can have as he likes, washes the
    telling report away."""

    def __init__(self, phone: PhoneServices, storage: Path) -> None:
        super().__init__(phone, storage)
        self._queue = _ShortQueue(storage, lambda text: self.log("WARN", text))
        self._reporter = Reporter(self._queue, self._send_safely)


@mutant("reports the first host and no other", killed_by=["every_kind_is_reported"], rules=PROMISED)
class ReportsOnce(ReferenceClient):
    """A flag "reported already", for all hosts together. The second host that is attacked is the
    payment provider's."""

    _reported = ""

    def report(self, host: str, port: int, chain: Chain, error: TrustPinError, pins: Pins) -> None:
        """Report one host."""
        self._reported = self._reported or host
        if host == self._reported:
            super().report(host, port, chain, error, pins)


@mutant("reports once a day", killed_by=["one_report_per_refusal"], rules=(*PROMISED, *FACTS))
class ReportsOnceADay(ReferenceClient):
    """TrustKit's rate limit: the same failure is reported once in 24 hours (issues 30 and 146).
    Whether an attack goes on cannot be seen."""

    def __init__(self, phone: PhoneServices, storage: Path) -> None:
        super().__init__(phone, storage)
        self._told: set[tuple[str, str]] = set()

    def report(self, host: str, port: int, chain: Chain, error: TrustPinError, pins: Pins) -> None:
        """Report what is new."""
        if (host, error.code) not in self._told:
            self._told.add((host, error.code))
            super().report(host, port, chain, error, pins)
