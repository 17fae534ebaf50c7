"""The configuration service: hands out the signed pinning configuration, or fails to."""

from __future__ import annotations

from lab.backend.web import DRAIN, Exchange, Site
from lab.model.publication import Fault
from lab.pinning.jws import MAX_SIZE

MOVED_PATH = "/moved"
"""Where the redirects send clients; the configuration is really there."""
CLEAR_URL = f"http://config.acme.test{MOVED_PATH}"
"""The same without TLS."""
SLOW_PAUSE = 60.0
"""Seconds between the two halves under Fault.SLOW: more than a client should have patience for."""

_PORTAL = b"<!doctype html><html><title>Welcome</title><body>Sign in to go online.</body></html>"


class Configuration(Site):
    """Serves the token that was published last at any path, as ``text/plain``.

    Until something is published, it answers 404. A tampered, outdated or wrongly signed
    configuration is no fault of the service: publish it.
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
            case Fault.CLEAR_REDIRECT if exchange.path != MOVED_PATH:
                await exchange.reply(302, b"", "text/plain", [("location", CLEAR_URL)])
            case Fault.HANG:
                await exchange.gone()
            case Fault.NONE | Fault.REDIRECT | Fault.CLEAR_REDIRECT:
                await _give(exchange, token)


async def _give(exchange: Exchange, token: bytes) -> None:
    await exchange.reply(200, token, "text/plain")
