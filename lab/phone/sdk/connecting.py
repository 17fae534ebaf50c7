"""What the client's connections are made with: TLS and HTTP, as the platform has them."""

from __future__ import annotations

from pathlib import Path

from lab.phone.http import HttpClient, LeafCheck
from lab.phone.link import Link
from lab.phone.path_rules import ANDROID, PlatformRules
from lab.phone.pool import Pool
from lab.phone.sdk.limits import Limits
from lab.phone.services import PhoneServices
from lab.phone.sessions import Sessions
from lab.phone.tls import Secured, open_tls
from lab.phone.verify import Judge

APP_USER_AGENT = "TrustPin-Android-Sample/1.0.0"
SDK_USER_AGENT = "TrustPin-Reference-Client/1.0"


class ConnectingClient:
    """Makes the HTTP clients of the app and of the SDK; no pin is looked at here."""

    user_store = False
    """Whether the user's certificates are trusted; an app does not unless it opts in."""
    verify_chain = True
    """Whether the platform validates chain and name before the pins are looked at."""
    platform_rules: PlatformRules = ANDROID
    user_agent = APP_USER_AGENT
    http_class: type[HttpClient] = HttpClient
    sessions_class: type[Sessions] = Sessions
    changes_scheme = False
    """Whether the app's redirects may lead from https to http, which OkHttp allows."""

    def __init__(self, phone: PhoneServices, storage: Path) -> None:
        self.phone = phone
        self.storage = storage
        self._limits = Limits()
        self._pool = Pool()

    def vouches(self, host: str, port: int, chain: tuple[bytes, ...]) -> bool:
        """Tell whether the pins let a request for ``host`` go out on a connection that is open
        already, and which this chain was served to; without any event or report about it."""
        return False

    def open_tls(self, link: Link, host: str, judge: Judge) -> Secured:
        """Do the handshake with ``host`` on an open connection and judge what it serves.

        Raises PlatformError. Takes ``link`` over.
        """
        return open_tls(link, host, judge)

    def log(self, level: str, message: str) -> None:
        """Write a line to the phone's log."""
        self.phone.log("TrustPin", level, message)

    def _app_http(self, check: LeafCheck) -> HttpClient:
        return self.http_class(
            self.phone,
            user_agent=self.user_agent,
            user_store=self.user_store,
            verify=self.verify_chain,
            rules=self.platform_rules,
            check=check,
            tls=self.open_tls,
            pool=self._pool,
            vouches=lambda *served: self.vouches(*served),
            sessions=self.sessions_class(),
            changes_scheme=self.changes_scheme,
        )

    def _http(self, user_agent: str, check: LeafCheck | None) -> HttpClient:
        return HttpClient(
            self.phone,
            user_agent=user_agent,
            user_store=self.user_store,
            verify=self.verify_chain,
            rules=self.platform_rules,
            check=check,
            tls=self.open_tls,
        )
