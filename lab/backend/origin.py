"""The app's own API, as its owner runs it."""

from __future__ import annotations

from lab.backend.web import DRAIN, Exchange, Site


class Origin(Site):
    """Answers every request, whatever its method and path, with the same small JSON document."""

    async def answer(self, exchange: Exchange) -> None:
        await exchange.body(DRAIN)
        await exchange.reply_json(200, {"status": "ok", "served-by": "origin"})
