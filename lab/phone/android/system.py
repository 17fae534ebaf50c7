"""All that Android's shell, adb daemon and automation server work on, in one hand."""

from __future__ import annotations

from lab.phone.android.automation import Automation
from lab.phone.android.faults import Faults
from lab.phone.android.ports import Ports
from lab.phone.state import PhoneState
from lab.phone.ui import Screen


class AndroidSystem:
    """A phone's Android: its state, its screen, and the services that only Android has."""

    def __init__(
        self, phone: PhoneState, screen: Screen, *, automation_installed: bool = True
    ) -> None:
        self.phone = phone
        self.screen = screen
        self.ports = Ports()
        self.faults = Faults(phone, screen)
        self.automation = Automation(self, shipped=automation_installed)
