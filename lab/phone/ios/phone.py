"""An iPhone as a computer sees it through its cable (``handset.Handset``): state and apps."""

from __future__ import annotations

import socket
from collections.abc import Mapping

from lab.phone.files import PhoneFiles
from lab.phone.ios.app_shelf import AppShelf
from lab.phone.ios.lockdown.frames import FrameBuffer
from lab.phone.ios.lockdown.plist import Plist
from lab.phone.ios.management import ProfileManagement
from lab.phone.ios.state import IPhoneState
from lab.phone.link import tap
from lab.phone.logcat import LogBuffer


class IPhone:
    """Implements ``handset.Handset``. May be used from any thread."""

    def __init__(self, state: IPhoneState, apps: AppShelf, frames: FrameBuffer) -> None:
        self.state = state
        self.apps = apps
        self.frames = frames

    @property
    def udid(self) -> str:
        return self.state.udid

    @property
    def files(self) -> PhoneFiles:
        return self.state.files

    @property
    def management(self) -> ProfileManagement:
        return self.state.management

    @property
    def logcat(self) -> LogBuffer:
        return self.state.logcat

    def watch_connection(self, sock: socket.socket, process: str, pid: int) -> None:
        """Note a connection that an app has opened (``app_process.Opened``)."""
        try:
            local, remote = sock.getsockname()[:2], sock.getpeername()[:2]
            conversation = self.frames.opened(local, remote, process=process, pid=pid)
        except (OSError, ValueError):
            # It has ended already, or is none of TCP.
            return
        tap(sock, conversation)

    def now(self) -> float:
        return self.state.now()

    def log(self, tag: str, level: str, message: str) -> None:
        self.state.log(tag, level, message)

    def values(self, domain: str) -> Mapping[str, Plist]:
        return self.state.values(domain)

    def set_value(self, domain: str, key: str, value: Plist | None) -> None:
        self.state.set_value(domain, key, value)
