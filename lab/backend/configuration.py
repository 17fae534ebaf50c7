"""The configuration service: hands out the signed pinning configuration, or fails to."""

from __future__ import annotations

from enum import StrEnum

from lab.backend.web import DRAIN, Exchange, Site
from lab.pinning.jws import MAX_SIZE

MOVED_PATH = "/moved"
"""Where Fault.REDIRECT sends clients; the configuration is really there."""
SLOW_PAUSE = 60.0
"""Seconds between the two halves under Fault.SLOW: more than a client should have patience for."""

_PORTAL = b"<!doctype html><html><title>Welcome</title><body>Sign in to go online.</body></html>"


class Fault(StrEnum):
    """How the service fails its clients (contract section 10, Server).

    A tampered, outdated or wrongly signed configuration is no fault of the service: publish it.
    That nothing listens, or nothing is answered at all, is an outage (``TlsService``).
    """

    NONE = "none"
    NOT_FOUND = "not_found"
    """Status 404."""
    SERVER_ERROR = "server_error"
    """Status 500."""
    HTML = "html"
    """Status 200 with an HTML page, as a captive portal has it."""
    TRUNCATED = "truncated"
    """Status 200 with the first half of the configuration, complete as far as HTTP can tell."""
    CUT = "cut"
    """The connection breaks in the middle of the body."""
    SLOW = "slow"
    """The second half of the body comes ``SLOW_PAUSE`` seconds after the first."""
    OVERSIZE = "oversize"
    """The configuration followed by line feeds, twice as long as a client should read."""
    REDIRECT = "redirect"
    """Status 302 to ``MOVED_PATH`` on the same host."""
    HANG = "hang"
    """The request is read and never answered."""


class Configuration(Site):
    """Serves the token that was published last at any path, as ``text/plain``.

    Until something is published, it answers 404.
    """

    def __init__(self, *, slow_pause: float = SLOW_PAUSE) -> None:
        super().__init__()
        self._token: bytes | None = None
        self._slow_pause = slow_pause
        self.fault = Fault.NONE
        """Set from any thread; holds for requests that arrive after that."""

    def publish(self, token: bytes) -> None:
        """Serve ``token`` (compact JWS, right or wrong) to requests that arrive from now on."""
        self._token = token

    async def answer(self, exchange: Exchange) -> None:
        fault, token = self.fault, self._token
        await exchange.body(DRAIN)
        if exchange.method not in ("GET", "HEAD"):
            await exchange.reply_json(405, {"error": "only GET"}, [("allow", "GET, HEAD")])
        elif token is None:
            await exchange.reply_json(404, {"error": "nothing is published"})
        else:
            await self._serve(exchange, token, fault)

    async def _serve(self, exchange: Exchange, token: bytes, fault: Fault) -> None:
        half = len(token) // 2
        match fault:
            case Fault.NOT_FOUND:
                await exchange.reply_json(404, {"error": "not found"})
            case Fault.SERVER_ERROR:
                await exchange.reply_json(500, {"error": "internal error"})
            case Fault.HTML:
                await exchange.reply(200, _PORTAL, "text/html; charset=utf-8")
            case Fault.TRUNCATED:
                await _give(exchange, token[:half])
            case Fault.CUT:
                await exchange.begin(200, len(token), "text/plain")
                await exchange.send(token[:half], more=True)
                exchange.cut()
            case Fault.SLOW:
                await exchange.begin(200, len(token), "text/plain")
                await exchange.send(token[:half], more=True)
                if not await exchange.gone(self._slow_pause):
                    await exchange.send(token[half:], more=False)
            case Fault.OVERSIZE:
                await _give(exchange, token + b"\n" * (2 * MAX_SIZE - len(token)))
            case Fault.REDIRECT if exchange.path != MOVED_PATH:
                await exchange.reply(302, b"", "text/plain", [("location", MOVED_PATH)])
            case Fault.HANG:
                await exchange.gone()
            case Fault.NONE | Fault.REDIRECT:
                await _give(exchange, token)


async def _give(exchange: Exchange, token: bytes) -> None:
    await exchange.reply(200, token, "text/plain")
