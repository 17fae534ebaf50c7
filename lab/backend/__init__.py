"""What the app's owner runs: origin, configuration service, report collector."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from lab.backend.collector import Collector
from lab.backend.configuration import Configuration
from lab.backend.origin import Origin
from lab.backend.server import Outage, PortInUse, TlsService, Traffic
from lab.backend.store import ReportStore
from lab.backend.web import Hit
from lab.loop import LabLoop
from lab.model.device import Endpoint
from lab.model.publication import Fault
from lab.pki.credential import Credential
from lab.pki.hierarchy import LabPki

__all__ = ["Backend", "Fault", "Hit", "Outage", "PortInUse", "Traffic"]

API = "api.acme.test"
WEBSITE = "www.acme.test"
CONFIGURATION = "config.acme.test"
COLLECTOR = "reports.acme.test"


class Backend:
    """The owner's three services, each on a TLS socket of its own. Use as a context manager.

    Reports are kept in ``reports.sqlite`` in ``directory``, which is made where it is missing.
    Methods may be called from any thread but the loop's own.
    """

    def __init__(self, loop: LabLoop, pki: LabPki, directory: Path) -> None:
        self._loop = loop
        self._pki = pki
        self._directory = directory
        self._services: dict[str, TlsService] = {}
        self._stack = contextlib.ExitStack()
        self.origin = Origin()
        self.configuration = Configuration()

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            self._directory.mkdir(parents=True, exist_ok=True)
            store = stack.enter_context(ReportStore(self._directory / "reports.sqlite"))
            self.collector = Collector(store)
            applications = {
                API: self.origin,
                CONFIGURATION: self.configuration,
                COLLECTOR: self.collector,
            }
            stack.callback(self._stop)
            for host, application in applications.items():
                service = TlsService(self._loop, host, application, self._pki.genuine(host))
                self._services[host] = service
                service.start()
            self.serve_host(WEBSITE)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def _stop(self) -> None:
        async def close() -> None:
            await asyncio.gather(*(service.close() for service in set(self._services.values())))

        self._loop.run(close())

    def addresses(self) -> Mapping[str, Endpoint]:
        """Return where the genuine server of each host listens."""
        return {host: service.endpoint for host, service in tuple(self._services.items())}

    def serve_host(self, host: str) -> None:
        """Let the origin serve ``host`` too, with that host's genuine certificate."""
        origin = self._services[API]
        origin.renew(self._pki.genuine(host), host)
        self._services[host] = origin

    def renew(self, host: str, credential: Credential) -> None:
        """Show ``credential`` to every new connection to ``host``. Raises KeyError for others."""
        service = self._services[host]
        # A service's own host is shown to clients without SNI too.
        service.renew(credential, None if host == service.name else host)

    def set_outage(self, host: str, outage: Outage) -> None:
        """Put the service of ``host`` out of order, or back. The origin's hosts share one.

        In force when this returns. Raises KeyError for other hosts, PortInUse as TlsService does.
        """
        self._services[host].set_outage(outage)

    def traffic(self, host: str) -> Traffic:
        """Return what arrived at the service of ``host``. Raises KeyError for other hosts."""
        return self._services[host].traffic
