"""The phone as one process of an app has it: under its user, and in its mount namespace."""

from __future__ import annotations

import socket

from lab.phone.files import PhoneFiles
from lab.phone.services import Cancellation, ClearConnection
from lab.phone.state import PhoneState
from lab.phone.trust import TrustStores


class AppPhone:
    """Implements ``PhoneServices`` for one process. ``files`` are the phone's as it sees them;
    ``system_store`` is where it finds the system's CAs."""

    def __init__(
        self, phone: PhoneState, pid: int, uid: int, files: PhoneFiles, system_store: str
    ) -> None:
        self._phone = phone
        self._pid = pid
        self._uid = uid
        self._trust = TrustStores(files, phone.complain_of_trust, system_store=system_store)

    def now(self) -> float:
        return self._phone.now()

    def connect(
        self, host: str, port: int, timeout: float, cancellation: Cancellation | None = None
    ) -> socket.socket:
        return self._phone.network.connect(host, port, timeout, cancellation, uid=self._uid)

    def connect_clear(
        self, host: str, port: int, timeout: float, cancellation: Cancellation | None = None
    ) -> ClearConnection:
        return self._phone.network.connect_clear(host, port, timeout, cancellation, uid=self._uid)

    def look_up(
        self, host: str, timeout: float, cancellation: Cancellation | None = None
    ) -> tuple[str, ...]:
        return self._phone.network.look_up(host, timeout, cancellation, uid=self._uid)

    def trust_anchors(self, user_store: bool) -> tuple[bytes, ...]:
        return self._trust.anchors(user_store)

    def log(self, tag: str, level: str, message: str) -> None:
        self._phone.logcat.write(self._phone.now(), tag, level, message, self._pid)
