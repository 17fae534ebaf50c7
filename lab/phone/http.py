"""The platform's HTTP client, as OkHttp is on Android: each request on a connection of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import h11

from lab.phone.exchange import Channel, ClearChannel, Request, exchange
from lab.phone.link import Link, Patience
from lab.phone.services import (
    DEFAULT_TIMEOUT,
    Cancellation,
    Headers,
    HttpProtocolError,
    HttpResponse,
    PhoneServices,
)
from lab.phone.tls import HTTP2, TlsConnection, open_tls
from lab.phone.url import Url, origin_of, parse_url
from lab.phone.verify import Judge

MAX_REDIRECTS = 20
REDIRECTS = frozenset({300, 301, 302, 303, 307, 308})

LeafCheck = Callable[[str, int, tuple[bytes, ...]], None]
"""Called as ``check(host, port, chain)`` for every new TLS connection that is to carry a request,
after the platform has validated chain and name, before one byte of application data.

``chain``: DER as served, leaf first. What it raises ends the connection and is passed on as it
is; the server gets a close_notify and nothing else."""

_KEEPS_METHOD = frozenset({307, 308})
_BODY_HEADERS = frozenset({"content-type", "content-length", "transfer-encoding"})


class HttpClient:
    """Requests URLs over the phone's network. May be used from any thread.

    ``user_store`` trusts what the user has installed as well, as a browser does.
    ``verify=False`` accepts every certificate.
    """

    def __init__(
        self,
        phone: PhoneServices,
        *,
        user_agent: str,
        user_store: bool = False,
        verify: bool = True,
        check: LeafCheck | None = None,
    ) -> None:
        self._phone = phone
        self._user_agent = user_agent
        self._user_store = user_store
        self._verify = verify
        self._check = check

    def request(
        self,
        url: str,
        *,
        method: str = "GET",
        headers: Headers = (),
        body: bytes = b"",
        timeout: float = DEFAULT_TIMEOUT,
        follow_redirects: bool = True,
        cancellation: Cancellation | None = None,
    ) -> HttpResponse:
        """Request ``url`` and return the final answer, whatever its status.

        ``timeout`` in seconds is for each step; the whole call takes five times as long at most.
        Raises PlatformError, and whatever ``check`` raises.
        """
        patience = Patience(timeout, cancellation)
        request = Request(method, parse_url(url), self._with_user_agent(headers), body)
        _reject_malformed(request)
        for _ in range(MAX_REDIRECTS + 1):
            response = self._once(request, patience)
            following = _redirected(request, response) if follow_redirects else None
            if following is None:
                return response
            request = following
        raise HttpProtocolError(f"Too many follow-up requests: {MAX_REDIRECTS + 1}")

    def leaf(
        self,
        host: str,
        port: int,
        timeout: float = DEFAULT_TIMEOUT,
        cancellation: Cancellation | None = None,
    ) -> bytes:
        """Return the leaf (DER) that ``host`` serves, after the platform has validated it.

        No request is sent, and ``check`` is not asked. Raises PlatformError.
        """
        connection = self._tls(origin_of(host, port), Patience(timeout, cancellation))
        connection.close()
        return connection.chain[0]

    def _with_user_agent(self, headers: Headers) -> Headers:
        if any(name.lower() == "user-agent" for name, _ in headers):
            return tuple(headers)
        return (*headers, ("user-agent", self._user_agent))

    def _once(self, request: Request, patience: Patience) -> HttpResponse:
        url = request.url
        if not url.secure:
            left = patience.left(patience.step())
            clear = self._phone.connect_clear(url.host, url.port, left, patience.cancellation)
            channel: Channel = ClearChannel(Link(clear.socket, patience))
            return exchange(channel, request, http2=False, absolute_form=clear.absolute_form)
        connection = self._tls(url, patience)
        try:
            if self._check is not None:
                self._check(url.host, url.port, connection.chain)
        except BaseException:
            connection.close()
            raise
        return exchange(connection, request, http2=connection.protocol == HTTP2)

    def _tls(self, url: Url, patience: Patience) -> TlsConnection:
        left = patience.left(patience.step())
        sock = self._phone.connect(url.host, url.port, left, patience.cancellation)
        link = Link(sock, patience)
        try:
            anchors = self._phone.trust_anchors(self._user_store)
            judge = Judge(anchors, self._phone.now(), self._verify)
        except BaseException:
            link.close()
            raise
        return open_tls(link, url.host, judge)


def _reject_malformed(request: Request) -> None:
    """Raise HttpProtocolError for a request that no server should get to see."""
    try:
        h11.Request(
            method=request.method,
            target=request.url.target,
            headers=[("host", request.url.authority), *request.headers],
        )
    except (h11.LocalProtocolError, UnicodeError) as error:
        raise HttpProtocolError(str(error)) from error


def _redirected(request: Request, response: HttpResponse) -> Request | None:
    """Return the request that follows ``response``, None where it is final.

    The rules are those of OkHttp's RetryAndFollowUpInterceptor.
    """
    location = response.header("location")
    if response.status not in REDIRECTS or location is None:
        return None
    url = request.url.resolve(location)
    if url is None:
        return None
    following = replace(request, url=url)
    dropped = set() if url.origin == request.url.origin else {"authorization"}
    if request.method not in ("GET", "HEAD") and response.status not in _KEEPS_METHOD:
        following = replace(following, method="GET", body=b"")
        dropped |= _BODY_HEADERS
    kept = tuple((k, v) for k, v in request.headers if k.lower() not in dropped)
    return replace(following, headers=kept)
