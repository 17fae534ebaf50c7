"""Clients that are wrong in one known way. They get into the phone as a user's own client does:
by their name in devices.yaml (``sdk: tests.mutants:TrustsEverything``)."""

from __future__ import annotations

from lab.model.pins import Pin
from lab.phone.sdk.client import ReferenceClient
from lab.phone.sdk.errors import PinsMismatch, TrustPinError
from lab.phone.services import DEFAULT_TIMEOUT, Headers, HttpResponse, SocketTimeout


class TrustsEverything(ReferenceClient):
    """Checks neither chain nor name nor pins."""

    verify_chain = False

    def check(self, host: str, port: int, chain: tuple[bytes, ...]) -> None:
        self.log("DEBUG", f"{host} will be fine")


class IgnoresPins(ReferenceClient):
    """Relies on the platform alone."""

    def check(self, host: str, port: int, chain: tuple[bytes, ...]) -> None:
        self.log("DEBUG", f"{host} will be fine")


class RefusesEverything(ReferenceClient):
    """Takes every server for an attacker."""

    def check(self, host: str, port: int, chain: tuple[bytes, ...]) -> None:
        raise PinsMismatch(f"Certificate pinning failed for domain '{host}'")


class NeverConnects(ReferenceClient):
    """Gives up before it tries."""

    def get(
        self, url: str, timeout: float = DEFAULT_TIMEOUT, headers: Headers = ()
    ) -> HttpResponse:
        raise SocketTimeout("timeout")


class Pretends(ReferenceClient):
    """Says that all went well, without having asked anybody."""

    def get(
        self, url: str, timeout: float = DEFAULT_TIMEOUT, headers: Headers = ()
    ) -> HttpResponse:
        return HttpResponse(200, "OK", (), b"{}", "HTTP/1.1")


class CriesPin(ReferenceClient):
    """Refuses what it is asked for after the first request, without trying, and blames the pin."""

    _asked = 0

    def get(
        self, url: str, timeout: float = DEFAULT_TIMEOUT, headers: Headers = ()
    ) -> HttpResponse:
        self._asked += 1
        if self._asked % 3 == 2:
            raise PinsMismatch("Certificate pinning failed")
        return super().get(url, timeout, headers)


class KeepsSilent(ReferenceClient):
    """Reports nothing."""

    def report(
        self,
        host: str,
        port: int,
        chain: tuple[bytes, ...],
        error: TrustPinError,
        pins: tuple[Pin, ...],
    ) -> None:
        self.log("DEBUG", f"nobody needs to know about {host}")


class ReportsAnotherCertificate(ReferenceClient):
    """Reports the end of the chain in place of its leaf."""

    def report(
        self,
        host: str,
        port: int,
        chain: tuple[bytes, ...],
        error: TrustPinError,
        pins: tuple[Pin, ...],
    ) -> None:
        super().report(host, port, chain[::-1], error, pins)


class ReportsToAnybody(ReferenceClient):
    """Delivers its reports without a look at who takes them."""

    def check_collector(self, host: str, port: int, chain: tuple[bytes, ...]) -> None:
        self.log("DEBUG", f"{host} will be fine")


class ReportsTwice(ReferenceClient):
    """Reports every failure under two ids."""

    def report(
        self,
        host: str,
        port: int,
        chain: tuple[bytes, ...],
        error: TrustPinError,
        pins: tuple[Pin, ...],
    ) -> None:
        super().report(host, port, chain, error, pins)
        super().report(host, port, chain, error, pins)


class LooksTooLate(ReferenceClient):
    """Looks at the pins when the answer is there: the request has left by then."""

    def check(self, host: str, port: int, chain: tuple[bytes, ...]) -> None:
        self._seen = host, port, chain

    def get(
        self, url: str, timeout: float = DEFAULT_TIMEOUT, headers: Headers = ()
    ) -> HttpResponse:
        response = super().get(url, timeout, headers)
        super().check(*self._seen)
        return response
