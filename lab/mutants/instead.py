"""What wrong clients ask with, where their pinned connection failed or is passed by."""

from __future__ import annotations

from lab.phone.http import HttpClient
from lab.phone.sdk.client import ReferenceClient
from lab.phone.sdk.connecting import APP_USER_AGENT
from lab.phone.services import DEFAULT_TIMEOUT, Headers, HttpResponse, PhoneServices


def unpinned(phone: PhoneServices, *, verify: bool = True) -> HttpClient:
    """Return a client as an app without pins has one, or one without any checks."""
    return HttpClient(phone, user_agent=APP_USER_AGENT, verify=verify)


def in_clear(url: str) -> str:
    """Return ``url`` with the scheme http."""
    return "http:" + url.partition(":")[2]


class FallsBack(ReferenceClient):
    """Tries http:// where https:// failed with one of ``signs``."""

    signs: tuple[type[Exception], ...] = ()

    def get(
        self, url: str, timeout: float = DEFAULT_TIMEOUT, headers: Headers = ()
    ) -> HttpResponse:
        try:
            return super().get(url, timeout, headers)
        except self.signs:
            return super().get(in_clear(url), timeout, headers)
