"""A stand-in for the SDK that does what a test tells it, and a phone to run it on."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from lab.phone.activity import BaseActivity
from lab.phone.app import SampleActivity
from lab.phone.node import Node
from lab.phone.services import DEFAULT_TIMEOUT, Headers, HttpResponse, PhoneServices, SdkSettings
from lab.phone.state import PhoneState
from tests.patience import CAP

NOON = 1_782_907_200.0
"""2026-07-01 12:00:00 UTC."""
OK = HttpResponse(200, "OK", (("a", "1"), ("b", "2")), b'{"status":"ok"}', "HTTP/1.1")


def answer_ok(url: str) -> HttpResponse:
    return OK


class ScriptedSdk:
    """Does what its functions do; ``closed`` tells whether the app let go of it."""

    def __init__(
        self,
        setup: Callable[[SdkSettings], None] = lambda settings: None,
        get: Callable[[str], object] = answer_ok,
        fetch: Callable[[str, int], object] = lambda host, port: "PEM",
        close: Callable[[], None] = lambda: None,
    ) -> None:
        self._setup, self._get, self._fetch, self._close = setup, get, fetch, close
        self.made: list[tuple[PhoneServices, Path]] = []
        self.settings: list[SdkSettings] = []
        self.urls: list[str] = []
        self.hosts: list[tuple[str, int]] = []
        self.closed = threading.Event()

    def __call__(self, phone: PhoneServices, storage: Path) -> ScriptedSdk:
        self.made.append((phone, storage))
        return self

    def setup(self, settings: SdkSettings) -> None:
        self.settings.append(settings)
        self._setup(settings)

    def get(
        self, url: str, timeout: float = DEFAULT_TIMEOUT, headers: Headers = ()
    ) -> HttpResponse:
        self.urls.append(url)
        return self._get(url)  # type: ignore[return-value]

    def fetch_certificate(self, host: str, port: int = 443) -> str:
        self.hosts.append((host, port))
        return self._fetch(host, port)  # type: ignore[return-value]

    def close(self) -> None:
        self.closed.set()
        self._close()


class Gate:
    """Something that takes until it is opened."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.opened = threading.Event()

    def __call__(self, *_: object) -> None:
        self.entered.set()
        assert self.opened.wait(CAP)


def raising(error: BaseException) -> Callable[..., None]:
    """Return a function that raises ``error``, whatever it is called with."""

    def fail(*_: object) -> None:
        raise error

    return fail


def make_phone(folder: Path) -> PhoneState:
    """Return a phone whose clock shows noon."""
    phone = PhoneState(folder / "home", folder / "air", name="phone-1")
    phone.set_clock(NOON)
    return phone


def press(activity: BaseActivity, key: str) -> None:
    activity.tap(find(activity, key))


def enter(activity: BaseActivity, key: str, text: str) -> None:
    activity.set_text(find(activity, key), text)


def find(activity: BaseActivity, key: str) -> Node:
    return activity.root().find(key)


def log_of(app: SampleActivity) -> list[str]:
    """Return the app's log without the time of each line."""
    return [line.partition("] ")[2] for line in find(app, "log").text.split("\n")]


def fill(app: SampleActivity) -> None:
    """Fill in what a setup needs."""
    enter(app, "organization", "acme-org")
    enter(app, "project", "acme-shop")
    enter(app, "public_key", "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE")


def set_up(app: SampleActivity) -> None:
    """Set the app up, and begin with an empty log."""
    fill(app)
    press(app, "setup")
    assert app.wait_idle(CAP)
    assert find(app, "status").text == "TrustPin configured"
    press(app, "clear")
