"""``com.apple.mobile.notification_proxy``: Darwin notifications of the phone, told to computers."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from lab.phone.ios.lockdown.messages import ProtocolBroken, send
from lab.phone.ios.lockdown.wire import Wire
from lab.phone.ios.services.wiring import next_message, text

INSTALLED = "com.apple.mobile.application_installed"
UNINSTALLED = "com.apple.mobile.application_uninstalled"

LATE = 2.0
"""Seconds for which a notification is told to those, too, who ask for it only then. An observer's
connection and the one that does what is observed are not the same: on a phone an installation
takes so long that the observer is always first."""
MAX_NAMES = 100
"""Notifications that one computer may wait for."""
MAX_NAME = 500


class Notifications:
    """Who waits for which notification. May be used from any thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._observers: list[tuple[str, Callable[[str], None]]] = []
        self._posted: dict[str, float] = {}

    def post(self, name: str) -> None:
        """Tell everybody who waits for ``name``."""
        with self._lock:
            now = self._clock()
            recent = {each: at for each, at in self._posted.items() if now - at <= LATE}
            self._posted = {**dict(list(recent.items())[-MAX_NAMES:]), name: now}
            told = [tell for each, tell in self._observers if each == name]
        for tell in told:
            tell(name)

    def observe(self, name: str, tell: Callable[[str], None]) -> None:
        """Call ``tell`` with ``name`` whenever that is posted, at once where it just was."""
        with self._lock:
            self._observers.append((name, tell))
            at = self._posted.get(name)
            just_now = at is not None and self._clock() - at <= LATE
        if just_now:
            tell(name)

    def forget(self, tell: Callable[[str], None]) -> None:
        """Call ``tell`` no more."""
        with self._lock:
            self._observers = [each for each in self._observers if each[1] != tell]


class NotificationProxy:
    """The service."""

    def __init__(self, notifications: Notifications) -> None:
        self._notifications = notifications

    def __call__(self, wire: Wire) -> None:
        observed: set[str] = set()

        def tell(name: str) -> None:
            try:
                send(wire, {"Command": "RelayNotification", "Name": name})
            except OSError:
                # Whoever receives notices it, too, and tidies up.
                wire.end()

        try:
            while True:
                message = next_message(wire)
                command, name = text(message, "Command"), text(message, "Name")
                if command == "Shutdown":
                    send(wire, {"Command": "ProxyDeath"})
                    return
                if not 0 < len(name) <= MAX_NAME:
                    raise ProtocolBroken("a command without a name")
                if command == "PostNotification":
                    self._notifications.post(name)
                elif command == "ObserveNotification" and name not in observed:
                    if len(observed) >= MAX_NAMES:
                        raise ProtocolBroken(f"more than {MAX_NAMES} notifications")
                    observed.add(name)
                    self._notifications.observe(name, tell)
        finally:
            self._notifications.forget(tell)
