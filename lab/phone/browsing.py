"""What the phones' browsers have in common: one tab, one page being loaded at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Generic, Protocol, TypeVar

from lab.phone.activity import BaseActivity, Show, words
from lab.phone.node import Node, one_line
from lab.phone.services import Cancellation, HttpResponse, PhoneServices
from lab.phone.ui import Changes


class WebClient(Protocol):
    """What a browser loads pages with."""

    def request(self, url: str, *, cancellation: Cancellation | None = None) -> HttpResponse:
        """Request ``url``. Raises PlatformError."""


MakeClient = Callable[[bool], WebClient]
"""Makes a client; called with whether it minds certificate errors."""

P = TypeVar("P")
"""What the browser shows of one page."""


@dataclass(slots=True)
class _Load:
    """One page being loaded; the latest one counts."""

    url: str
    cancellation: Cancellation = field(default_factory=Cancellation)


class BrowsingActivity(BaseActivity, Generic[P]):
    """A browser. What a page looks like is its own affair."""

    tag: str
    """Under which the phone's log holds what it loads."""
    _address: Node

    def __init__(
        self, phone: PhoneServices, changes: Changes, root: Node, make_client: MakeClient
    ) -> None:
        super().__init__(phone, changes, root)
        self._make_client = make_client
        self._load: _Load | None = None

    @property
    def loading(self) -> bool:
        """Whether a page is being loaded."""
        return self._load is not None

    def open(self, url: str) -> None:
        """Load a page. An address without a scheme means https."""
        url = one_line(url).strip()
        if url:
            with self._changes.edit():
                self._begin(url if "://" in url else f"https://{url}", verify=True)

    def _blank(self) -> P:
        """Return the page before there is one."""
        raise NotImplementedError

    def _too_many(self, url: str) -> P:
        """Return the page that says that too much is under way."""
        raise NotImplementedError

    def _answered(self, response: HttpResponse, url: str) -> P:
        """Return the page that shows an answer."""
        raise NotImplementedError

    def _failed(self, error: BaseException, url: str) -> P:
        """Return the page that shows an error."""
        raise NotImplementedError

    def _summary(self, page: P) -> str:
        """Return what the log says of an error's page; empty for a page of the server's."""
        raise NotImplementedError

    def _show(self, page: P) -> None:
        raise NotImplementedError

    def _leave(self) -> None:
        self._cancel()
        self._address.text = ""
        self._show(self._blank())

    def _begin(self, url: str, *, verify: bool) -> None:
        self._cancel()
        load = _Load(url)
        self._address.text = url
        if self._start("load", partial(self._request, load, verify)):
            self._load = load
            self._show(self._blank())
        else:
            self._show(self._too_many(url))

    def _cancel(self) -> None:
        if self._load is not None:
            self._load.cancellation.fire()
            self._load = None

    def _request(self, load: _Load, verify: bool) -> Show:
        try:
            client = self._make_client(verify)
            response = client.request(load.url, cancellation=load.cancellation)
            page = self._answered(response, load.url)
            said = one_line(f"{response.status} {response.reason}", 100).rstrip()
        except BaseException as error:  # noqa: BLE001 - said on the screen, nothing hides it
            page = self._failed(error, load.url)
            said = f"{self._summary(page)}: {words(error)}"
        return partial(self._loaded, load, page, said)

    def _loaded(self, load: _Load, page: P, said: str) -> None:
        if load is not self._load:
            return
        self._load = None
        level = "ERROR" if self._summary(page) else "INFO"
        self._phone.log(self.tag, level, f"{load.url}: {said}")
        self._show(page)

    def _end(self) -> None:
        with self._changes.edit():
            self._cancel()
