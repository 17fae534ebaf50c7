"""What Appium and the adb program need to know of an adb server."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from lab.devices.phone_process import clean_environment


class AdbHost(Protocol):
    """An adb server on this machine, the lab's or the user's."""

    @property
    def program(self) -> Path:
        """The adb program."""

    @property
    def port(self) -> int:
        """Where the server listens."""

    @property
    def environment(self) -> Mapping[str, str]:
        """What programs that use this server need in their environment."""


@dataclass(frozen=True, slots=True)
class UsersAdb:
    """The user's own adb server, which is there already or started by the first command."""

    program: Path
    port: int

    @property
    def environment(self) -> Mapping[str, str]:
        """The lab's own, with the server's port."""
        return {**clean_environment(os.environ), "ANDROID_ADB_SERVER_PORT": str(self.port)}
