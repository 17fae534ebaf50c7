"""Apps without a screen of their own whose part the phone plays itself."""

from __future__ import annotations

import threading

from lab.phone.android.apk import Manifest
from lab.phone.android.packages import Packages
from lab.phone.android.processes import Processes

SETTINGS = "io.appium.settings"
"""Appium's helper, which its driver wants to be running."""
SERVER = "io.appium.uiautomator2.server"
_LAUNCHER = f"{SETTINGS}.Settings"

APPIUM = (
    Manifest(SETTINGS, 191, "8.0.9", (_LAUNCHER,), _LAUNCHER, min_sdk=26, target_sdk=35),
    Manifest(SERVER, 278, "10.6.6", min_sdk=26, target_sdk=34),
    Manifest(
        f"{SERVER}.test",
        0,
        "",
        instrumentations=(("androidx.test.runner.AndroidJUnitRunner", SERVER),),
        min_sdk=26,
        target_sdk=34,
    ),
)
"""What the UiAutomator2 driver 8.7.0 installs on a phone that it has never seen."""


class BackgroundApps:
    """Runs the apps that this phone plays, and no others. May be used from any thread."""

    def __init__(self, packages: Packages, processes: Processes) -> None:
        self._packages = packages
        self._processes = processes
        self._lock = threading.Lock()

    def start(self, package: str) -> bool:
        """Let an app run that is installed; False where the phone cannot play it."""
        if package != SETTINGS or self._packages.get(package) is None:
            return False
        with self._lock:
            if not self._processes.pids(package):
                self._processes.begin(
                    package, self._packages.uid(package), lambda: self._processes.ended(package)
                )
        return True

    def running(self, package: str) -> bool:
        """Tell whether an app has been started and has not ended."""
        return package == SETTINGS and bool(self._processes.pids(package))
