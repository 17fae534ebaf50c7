"""Mutants: what a client does where the network is not what it should be."""

from __future__ import annotations

from lab.model.verdict import Verdict
from lab.mutants.instead import FallsBack, in_clear, unpinned
from lab.mutants.registry import mutant
from lab.phone.sdk.client import ReferenceClient
from lab.phone.sdk.errors import ErrorFetchingPinningInfo, PinsMismatch
from lab.phone.services import (
    DEFAULT_TIMEOUT,
    ConnectError,
    Headers,
    HttpResponse,
    PlatformError,
    SdkSettings,
    SocketTimeout,
    SslHandshakeError,
    SslPeerUnverifiedError,
    UnknownHost,
)
from lab.phone.url import parse_url

BUILT_IN_ADDRESS = "198.51.100.1"
"""Where the host under attack is, as an honest resolver says."""
MIRROR = "evil.acme.test"
"""A host that anybody may have bought since the app was released."""


@mutant(
    "takes the network's word unless a proxy is set",
    killed_by=["resolver_lies_untrusted_ca", "resolver_lies_trusted_ca"],
)
class TrustsTheNetwork(ReferenceClient):
    """Takes interception for something that is done with a proxy, as the tools of testers do it,
    and looks at certificates only where one is set. On a rogue Wi-Fi there is none: whoever owns
    resolver or gateway reads everything."""

    verify_chain = False

    def check(self, host: str, port: int, chain: tuple[bytes, ...]) -> None:
        """Accept, where the phone has no proxy."""
        clear = self.phone.connect_clear(host, 80, DEFAULT_TIMEOUT)
        clear.socket.close()
        if clear.absolute_form:
            super().check(host, port, chain)


@mutant("asks over http where port 443 is closed", killed_by=["tls_stripping"])
class FallsBackWhenClosed(FallsBack):
    """Tries http:// where https:// cannot be reached, "for old servers". To close a port is all
    that an attacker has to do (sslstrip, Marlinspike 2009)."""

    signs = (ConnectError,)


@mutant("asks over http where TLS gets no answer", killed_by=["black_hole"])
class FallsBackAfterSilence(FallsBack):
    """Tries http:// where https:// has timed out. Dropped packets look like a slow network, so
    nobody notices (downgrade by dropping)."""

    signs = (SocketTimeout,)


@mutant("looks for a captive portal with its own request", killed_by=["portal_answers_in_clear"])
class TakesPortalForSuccess(ReferenceClient):
    """Takes a bad certificate for a captive portal's, asks its own host in clear whether that is
    so, and takes status 200 for an answer: the request, with all that is in its headers, is read,
    and the portal's page passes for data."""

    def get(
        self, url: str, timeout: float = DEFAULT_TIMEOUT, headers: Headers = ()
    ) -> HttpResponse:
        try:
            return super().get(url, timeout, headers)
        except (SslHandshakeError, SslPeerUnverifiedError):
            answer = super().get(in_clear(url), timeout, headers)
            if answer.status != 200:
                raise
            return answer


@mutant("opens the log-in page of a captive portal", killed_by=["captive_portal"])
class OpensThePortal(ReferenceClient):
    """Shows the page of whoever presents a wrong certificate, so that the user may log in, and
    fetches it with the request that was meant for the server."""

    def get(
        self, url: str, timeout: float = DEFAULT_TIMEOUT, headers: Headers = ()
    ) -> HttpResponse:
        try:
            return super().get(url, timeout, headers)
        except (SslHandshakeError, SslPeerUnverifiedError):
            portal = unpinned(self.phone, verify=False)
            return portal.request(url, timeout=timeout, headers=headers)


@mutant("takes an answer that is a web page for a portal's", killed_by=["trusted_portal"])
class TrustsManagedNetworks(ReferenceClient):
    """Makes an exception for inspection boxes: where no pin matches but the device trusts the
    chain, it is "the company's network". Any CA of the system store may then answer, and pins are
    for nothing (the very attack that they are there for)."""

    def get(
        self, url: str, timeout: float = DEFAULT_TIMEOUT, headers: Headers = ()
    ) -> HttpResponse:
        try:
            return super().get(url, timeout, headers)
        except PinsMismatch:
            inspected = unpinned(self.phone)
            answer = inspected.request(url, timeout=timeout, headers=headers)
            kind = answer.header("content-type") or ""
            if not kind.startswith("text/html"):
                raise
            return answer


@mutant(
    "goes to a built-in address where the name is unknown",
    killed_by=["name_taken_away", "name_answered_too_late"],
)
class GoesToBuiltInAddress(ReferenceClient):
    """Has the server's address built in, for resolvers that do not know its name. No certificate
    is for an address, so the check of it is switched off on this way: to answer NXDOMAIN is how
    an attacker leads the app onto it."""

    def get(
        self, url: str, timeout: float = DEFAULT_TIMEOUT, headers: Headers = ()
    ) -> HttpResponse:
        try:
            return super().get(url, timeout, headers)
        except UnknownHost:
            parts = parse_url(url)
            careless = unpinned(self.phone, verify=False)
            there = f"https://{BUILT_IN_ADDRESS}:{parts.port}{parts.target}"
            return careless.request(there, timeout=timeout, headers=headers)


@mutant(
    "asks another host where its own cannot be reached",
    killed_by=["connection_refused", "name_does_not_exist"],
    rules=["app_answered"],
    outcome=Verdict.INCONCLUSIVE,
)
class AsksAMirror(ReferenceClient):
    """Has a list of mirrors for when its host is down, none of them pinned. Nothing of the host's
    own traffic can be seen then: an app that says it succeeded while the network shows no way to
    its host has taken another one, and nothing that it says proves anything."""

    def get(
        self, url: str, timeout: float = DEFAULT_TIMEOUT, headers: Headers = ()
    ) -> HttpResponse:
        try:
            return super().get(url, timeout, headers)
        except (ConnectError, UnknownHost):
            # Whether the mirror answers does not matter: what it had last is shown.
            try:
                mirror = unpinned(self.phone)
                return mirror.request(f"https://{MIRROR}{parse_url(url).target}", timeout=timeout)
            except PlatformError:
                return HttpResponse(200, "OK", (), b"{}", "HTTP/1.1")


@mutant(
    "calls every failure of the network a pin mismatch",
    killed_by=["connection_refused", "name_does_not_exist"],
    rules=["error_is_right"],
)
class BlamesThePins(ReferenceClient):
    """Has one error for everything that goes wrong with TLS, and a dead network is among it. Its
    owner gets alarms whenever somebody takes a lift, and stops to read them."""

    def get(
        self, url: str, timeout: float = DEFAULT_TIMEOUT, headers: Headers = ()
    ) -> HttpResponse:
        try:
            return super().get(url, timeout, headers)
        except (ConnectError, UnknownHost, SocketTimeout) as error:
            raise PinsMismatch("Certificate pinning failed") from error


@mutant("sends a ping in clear with every request", killed_by=["cleartext_seen"])
class PingsInClear(ReferenceClient):
    """Holds a library that counts its users over plain HTTP, beside a request that is pinned
    without fault. Whoever owns the network reads who uses the app, and writes the answer."""

    def get(
        self, url: str, timeout: float = DEFAULT_TIMEOUT, headers: Headers = ()
    ) -> HttpResponse:
        response = super().get(url, timeout, headers)
        try:
            super().get(f"http://{parse_url(url).host}/ping", timeout)
        except PlatformError as error:
            self.log("DEBUG", f"no ping: {error}")
        return response


@mutant(
    "goes without pins while the name of their source is unknown",
    killed_by=["configuration_name_unknown"],
)
class WorksOffline(ReferenceClient):
    """Takes an unknown name for a phone without network, in which there is nobody to be protected
    from, and goes on without pins. A resolver that does not know one single name is enough."""

    _offline = False

    def fetch(self, url: str, timeout: float) -> bytes:
        """Fetch, and remember where a source had no address."""
        try:
            return super().fetch(url, timeout)
        except UnknownHost:
            self._offline = True
            raise

    def setup(self, settings: SdkSettings) -> None:
        """Set up, and go on where the source of the configuration had no address."""
        try:
            super().setup(settings)
        except ErrorFetchingPinningInfo:
            if not self._offline:
                raise

    def get(
        self, url: str, timeout: float = DEFAULT_TIMEOUT, headers: Headers = ()
    ) -> HttpResponse:
        if not self._offline:
            try:
                return super().get(url, timeout, headers)
            except ErrorFetchingPinningInfo:
                # It may have learned of it just now.
                if not self._offline:
                    raise
        return unpinned(self.phone).request(url, timeout=timeout, headers=headers)
