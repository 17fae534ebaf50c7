"""The reports: whether a refusal is reported, and how that is delivered (contract section 5)."""

from __future__ import annotations

from pathlib import Path

from lab.model.pins import Pin
from lab.phone.sdk.connecting import SDK_USER_AGENT
from lab.phone.sdk.errors import ErrorFetchingPinningInfo, TrustPinError
from lab.phone.sdk.pinning import PinningClient
from lab.phone.sdk.project import sanitize
from lab.phone.sdk.reporter import Fate, Reporter, fate_of
from lab.phone.sdk.reports import Failure, QueuedReport, ReportQueue, write_report
from lab.phone.services import PhoneServices, PlatformError


class ReportingClient(PinningClient):
    """Reports what was refused to the project's collector, in the background."""

    def __init__(self, phone: PhoneServices, storage: Path) -> None:
        super().__init__(phone, storage)
        self._queue = ReportQueue(storage, lambda text: self.log("WARN", text))
        self._reporter = Reporter(self._queue, self._send_safely)
        self._collector = self._http(SDK_USER_AGENT, lambda *served: self.check_collector(*served))

    def report(
        self,
        host: str,
        port: int,
        chain: tuple[bytes, ...],
        error: TrustPinError,
        pins: tuple[Pin, ...],
    ) -> None:
        """Queue a report about a connection that was refused, never one about the collector."""
        project = self._project
        if project is None or not project.report_url or host == project.report_host:
            return
        failure = Failure(host, port, self.phone.now(), error.code, chain, pins)
        self._queue.add(self.compose(failure))
        if self._lifecycle.is_ready:
            self._reporter.nudge()

    def compose(self, failure: Failure) -> QueuedReport:
        """Write the report about a failure."""
        assert self._project is not None, "failures are reported after setup"
        return write_report(failure, self._project.device)

    def send(self, report: QueuedReport) -> Fate:
        """Try to deliver a report. Raises PlatformError and what ``check_collector`` raises."""
        assert self._project is not None, "reports are sent after setup"
        answer = self._collector.request(
            self._project.report_url,
            method="POST",
            headers=(("Content-Type", "application/json"),),
            body=report.body,
            follow_redirects=False,
            cancellation=self._limits.closing,
        )
        fate = self.fate(answer.status)
        if fate is not Fate.DELIVERED:
            self.log("WARN", f"The collector answered {answer.status} to report {report.id}")
        return fate

    def fate(self, status: int) -> Fate:
        """Return what becomes of a report that the collector answered with this status."""
        return fate_of(status)

    def check_collector(self, host: str, port: int, chain: tuple[bytes, ...]) -> None:
        """Judge what the collector served, without any event or report about it.

        A collector without pins has the platform's word; without any configuration in force
        nothing is sent.
        """
        usable = self._keeper.usable if self._keeper is not None else None
        if usable is None:
            raise ErrorFetchingPinningInfo("No usable pinning configuration")
        name = sanitize(host)
        verifier = self.verifier(usable)
        if verifier.pins_for(name) is not None:
            verifier.judge(name, chain, self.phone.now())

    def _send_safely(self, report: QueuedReport) -> Fate:
        try:
            return self.send(report)
        except (PlatformError, TrustPinError) as error:
            self.log("WARN", f"Report {report.id} has to wait: {error}")
        except Exception as error:  # noqa: BLE001 - a stand-in's mistake must not end the thread
            self.log("ERROR", f"Report {report.id} not sent: {type(error).__name__}: {error}")
        return Fate.KEPT
