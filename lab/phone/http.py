"""The platform's HTTP client, as OkHttp is on Android."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import h11

from lab.phone.exchange import ClearChannel, Conversation, Request, exchange
from lab.phone.link import Link, Patience
from lab.phone.path_rules import ANDROID, PlatformRules
from lab.phone.pool import Line, Pool
from lab.phone.services import (
    DEFAULT_TIMEOUT,
    Cancellation,
    Cancelled,
    Headers,
    HttpProtocolError,
    HttpResponse,
    PhoneServices,
    PlatformError,
    SocketTimeout,
)
from lab.phone.sessions import Sessions
from lab.phone.tls import HTTP2, OpenTls, Secured, TlsConnection, open_tls
from lab.phone.url import Url, origin_of, parse_url
from lab.phone.verify import Judge

MAX_REDIRECTS = 20
REDIRECTS = frozenset({300, 301, 302, 303, 307, 308})

LeafCheck = Callable[[str, int, tuple[bytes, ...]], None]
"""Called as ``check(host, port, chain)`` for every request that a TLS connection is to carry,
after the platform has validated chain and name, before one byte of the request.

``chain``: DER as served, leaf first. What it raises ends the connection and is passed on as it
is; the server gets a close_notify and nothing else."""

Vouching = Callable[[str, int, tuple[bytes, ...]], bool]
"""Called as ``vouches(host, port, chain)`` with what was served to a connection that is open
already; tells whether ``check`` would let a request for ``host`` go out on it. Tells nobody."""

_KEEPS_METHOD = frozenset({307, 308})
_REPEATABLE = frozenset({"GET", "HEAD"})
_BODY_HEADERS = frozenset({"content-type", "content-length", "transfer-encoding"})


class HttpClient:
    """Requests URLs over the phone's network. May be used from any thread.

    ``user_store`` trusts what the user has installed as well, as a browser does.
    ``verify=False`` accepts every certificate; ``rules`` are the platform's about path and name.
    ``tls`` is the platform's TLS.

    With a ``pool``, connections are kept for further requests. One that is kept serves the server
    that it was opened for and, over HTTP/2, every host with the same address that its certificate
    is for and ``vouches`` says yes to (RFC 9113 section 9.1.1). With ``sessions``, TLS sessions of
    servers that were accepted are resumed. Without them each request has a connection of its own.

    ``changes_scheme`` follows redirects from https to http and back (OkHttp's
    ``followSslRedirects``).
    """

    def __init__(
        self,
        phone: PhoneServices,
        *,
        user_agent: str,
        user_store: bool = False,
        verify: bool = True,
        rules: PlatformRules = ANDROID,
        check: LeafCheck | None = None,
        tls: OpenTls = open_tls,
        pool: Pool | None = None,
        vouches: Vouching | None = None,
        sessions: Sessions | None = None,
        changes_scheme: bool = True,
    ) -> None:
        self._phone = phone
        self._user_agent = user_agent
        self._user_store = user_store
        self._verify = verify
        self._rules = rules
        self._check = check
        self._open_tls = tls
        self._pool = pool
        self._vouches = vouches
        self.sessions = sessions
        self._changes_scheme = changes_scheme

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
            if following is None or not self._may_follow(request.url, following.url):
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
        url, patience = origin_of(host, port), Patience(timeout, cancellation)
        connection = self._tls(url, patience, self._judge())
        connection.close()
        return connection.chain[0]

    def _with_user_agent(self, headers: Headers) -> Headers:
        if any(name.lower() == "user-agent" for name, _ in headers):
            return tuple(headers)
        return (*headers, ("user-agent", self._user_agent))

    def _may_follow(self, url: Url, following: Url) -> bool:
        return self._changes_scheme or url.scheme == following.scheme

    def _once(self, request: Request, patience: Patience) -> HttpResponse:
        if not request.url.secure:
            return self._in_clear(request, patience)
        line = self._kept(request.url, patience)
        if line is not None:
            try:
                return self.converse(line, request)
            except (SocketTimeout, Cancelled):
                raise
            except PlatformError:
                # The server may have closed it just now; what came of that is another one's.
                if request.method not in _REPEATABLE:
                    raise
        return self.converse(self.line(request.url, patience), request)

    def _in_clear(self, request: Request, patience: Patience) -> HttpResponse:
        url, left = request.url, patience.left(patience.step())
        clear = self._phone.connect_clear(url.host, url.port, left, patience.cancellation)
        channel = ClearChannel(Link(clear.socket, patience))
        return exchange(channel, request, http2=False, absolute_form=clear.absolute_form)

    def converse(self, line: Line, request: Request) -> HttpResponse:
        """Make ``request`` on an open connection, which is kept or closed then."""
        try:
            self.approve(request, line)
        except BaseException:
            line.secured.close()
            raise
        response = line.conversation.ask(request)
        self.remember(line)
        if self._pool is not None:
            self._pool.give(line)
        else:
            line.secured.close()
        return response

    def approve(self, request: Request, line: Line) -> None:
        """Decide whether a request may go out on a connection; what it raises ends that."""
        if self._check is not None:
            self._check(request.url.host, request.url.port, line.secured.chain)

    def remember(self, line: Line) -> None:
        """Keep the session of a connection on which a request was answered."""
        if self.sessions is not None and isinstance(line.secured, TlsConnection):
            self.sessions.keep(line.url.host, line.url.port, line.judge, line.secured)

    def line(self, url: Url, patience: Patience) -> Line:
        """Open a connection to the server of ``url``, judged by the platform alone."""
        judge = offered = self._judge()
        if self.sessions is not None:
            offered = self.sessions.offered_to(url.host, url.port, judge)
        secured = self._tls(url, patience, offered)
        conversation = Conversation(secured, url, http2=secured.protocol == HTTP2)
        return Line(url, judge, secured, conversation)

    def _kept(self, url: Url, patience: Patience) -> Line | None:
        """Return a connection that is open already and may carry a request for ``url``."""
        if self._pool is None:
            return None
        for line in self._pool.idle():
            if self._fits(line, url, patience) and self._pool.take(line, patience):
                return line
        return None

    def _fits(self, line: Line, url: Url, patience: Patience) -> bool:
        own = line.is_for(url)
        if self._vouches is None:
            return own
        if not own and not self._is_shared(line, url):
            return False
        if not self._vouches(url.host, url.port, line.secured.chain):
            return False
        return own or self._has_same_address(line.url, url, patience)

    def _is_shared(self, line: Line, url: Url) -> bool:
        """Tell whether the certificate of an HTTP/2 connection is for the host of ``url``, too."""
        if not line.is_http2 or not self._verify or line.url.port != url.port:
            return False
        try:
            line.judge.rules.check_name(url.host, line.secured.chain[0])
        except PlatformError:
            return False
        return True

    def _has_same_address(self, one: Url, other: Url, patience: Patience) -> bool:
        try:
            left = patience.left(patience.step())
            first, second = (
                self._phone.look_up(host, left, patience.cancellation)
                for host in (one.host, other.host)
            )
        except (SocketTimeout, Cancelled):
            raise
        except PlatformError:
            return False
        return not set(first).isdisjoint(second)

    def _judge(self) -> Judge:
        anchors = self._phone.trust_anchors(self._user_store)
        return Judge(anchors, self._phone.now(), self._verify, self._rules)

    def _tls(self, url: Url, patience: Patience, judge: Judge) -> Secured:
        left = patience.left(patience.step())
        sock = self._phone.connect(url.host, url.port, left, patience.cancellation)
        return self._open_tls(Link(sock, patience), url.host, judge)


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
    following = replace(request, url=url, hops=request.hops + 1)
    dropped = set() if url.origin == request.url.origin else {"authorization"}
    if request.method not in ("GET", "HEAD") and response.status not in _KEEPS_METHOD:
        following = replace(following, method="GET", body=b"")
        dropped |= _BODY_HEADERS
    kept = tuple((k, v) for k, v in request.headers if k.lower() not in dropped)
    return replace(following, headers=kept)
