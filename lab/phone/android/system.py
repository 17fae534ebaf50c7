"""All that Android's shell, adb daemon and automation server work on, in one hand."""

from __future__ import annotations

from collections.abc import Mapping

from lab.phone.android import wireguard_app
from lab.phone.android.access import Access, RootMode
from lab.phone.android.app_phone import AppPhone
from lab.phone.android.automation import Automation
from lab.phone.android.background import APPIUM, BackgroundApps
from lab.phone.android.boot import Boot
from lab.phone.android.faults import Faults
from lab.phone.android.namespaces import Namespaces
from lab.phone.android.packages import Packages
from lab.phone.android.packet_filter import PacketFilter
from lab.phone.android.ports import Ports
from lab.phone.android.power import Power
from lab.phone.android.processes import INIT, Processes
from lab.phone.android.properties import Properties
from lab.phone.android.version import DEFAULT, android_version
from lab.phone.android.wireguard_app import WireGuardApp
from lab.phone.services import PhoneServices
from lab.phone.state import PhoneState
from lab.phone.trust import APEX_STORE, SYSTEM_STORE
from lab.phone.ui import Screen

APEX_STORE_SINCE = 34
"""API level from which on apps read the trust store of the Conscrypt APEX (Android 14)."""


FOLDERS = (
    *("/apex", "/data/local/tmp", "/dev", "/proc", "/sdcard/Download", "/storage/emulated/0"),
    *("/storage/self/primary", "/sys", "/system/bin", "/vendor"),
)
"""What a phone has from the start, beside what its services make for themselves."""


class AndroidSystem:
    """A phone's Android: its state, its screen, and the services that only Android has.

    ``android`` is the version, such as ``14``; ValueError is raised where there is none of that
    name. ``root`` is how the phone is rooted. With ``automation_installed`` the phone comes with
    Appium's packages, with ``tunnels`` it comes with the WireGuard app, which has these profiles by
    their names.
    """

    def __init__(
        self,
        phone: PhoneState,
        screen: Screen,
        *,
        android: str = DEFAULT,
        root: RootMode = RootMode.ADBD,
        automation_installed: bool = True,
        tunnels: Mapping[str, str] | None = None,
    ) -> None:
        self.phone = phone
        self.screen = screen
        self.version = android_version(android)
        shipped = [*(APPIUM if automation_installed else ())]
        if tunnels is not None:
            shipped.append(wireguard_app.MANIFEST)
        self.packages = Packages(phone, screen, sdk=self.version.sdk, shipped=shipped)
        for name, profile in (tunnels or {}).items():
            path = f"{wireguard_app.FOLDER}/{name}.conf"
            phone.files.write(path, profile.encode("utf-8"), mode=0o600)
        self.processes = Processes(screen, self.packages.uid, phone.now)
        self.background = BackgroundApps(self.packages, self.processes)
        self.power = Power()
        self.properties = Properties(self)
        self.ports = Ports()
        self.faults = Faults(phone, screen, self.processes.pids)
        self.automation = Automation(self)
        self.wireguard = WireGuardApp(phone)
        self.root = root
        for folder in FOLDERS:
            phone.files.make_folder(folder)
        has_apex = self.version.sdk >= APEX_STORE_SINCE
        self.mounts = Namespaces(
            phone.files, self.processes, apexes=has_apex, remountable=lambda: root.debuggable
        )
        self.access = Access(phone.files, self.processes, self.mounts, root)
        self.iptables = PacketFilter()
        self.boot = Boot(self._forget)
        self.boot.on_reboot(self.automation.kill, phone.station.look)
        self.system_store = APEX_STORE if has_apex else SYSTEM_STORE
        phone.install_factory(self.system_store)
        phone.open_process = self._open_process
        phone.network.firewall = self.iptables
        phone.network.loopback = self.ports.connect
        # Private DNS is the system's own affair.
        phone.network.anchors = lambda: self._services(INIT, 0).trust_anchors(False)

    def _open_process(self, package: str) -> PhoneServices:
        """Return what the new process of an app runs on."""
        pids = self.processes.pids(package)
        return self._services(pids[-1] if pids else INIT, self.packages.uid(package))

    def _services(self, pid: int, uid: int) -> PhoneServices:
        files = self.access.files(uid, pid)
        return AppPhone(self.phone, pid, uid, files, self.system_store)

    def _forget(self) -> None:
        """Let go of what does not outlive a restart."""
        self.wireguard.take_down()
        self.processes.restart()
        self.mounts.reset()
        self.iptables.reset()
        self.access.reset()
        self.properties.restart()
        self.power.restart()
        self.phone.restart()
