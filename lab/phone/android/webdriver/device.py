"""What the UiAutomator2 server tells of the phone that it runs on."""

from __future__ import annotations

from lab.phone.android.shell import Shell
from lab.phone.android.system import AndroidSystem
from lab.phone.android.webdriver.session import Route, Session
from lab.phone.node import DENSITY, HEIGHT, STATUS_BAR, WIDTH
from lab.phone.webdriver.face import Values
from lab.phone.webdriver.protocol import Parameters

_BASELINE = 160
"""Dots per inch at which a density-independent pixel is one pixel."""

_PROPERTIES = {
    "apiVersion": "ro.build.version.sdk",
    "platformVersion": "ro.build.version.release",
    "brand": "ro.product.brand",
    "manufacturer": "ro.product.manufacturer",
    "model": "ro.product.model",
    "androidId": "ro.serialno",
    "timeZone": "persist.sys.timezone",
}


class Device:
    """Answers the questions of Appium's driver."""

    def __init__(self, system: AndroidSystem) -> None:
        self._shell = Shell(system)

    def routes(self) -> list[Route]:
        """Return the commands."""
        about = "/appium/device"
        return [
            ("GET", f"{about}/info", self._info),
            ("GET", f"{about}/pixel_ratio", lambda *_: DENSITY / _BASELINE),
            ("GET", f"{about}/display_density", lambda *_: DENSITY),
            ("GET", f"{about}/system_bars", lambda *_: {"statusBar": STATUS_BAR}),
            ("GET", f"{about}/declared_orientation", lambda *_: "PORTRAIT"),
        ]

    def _info(self, _: Session, __: Values, ___: Parameters) -> object:
        asked = "; ".join(f"getprop {name}" for name in _PROPERTIES.values())
        values = self._shell.run(asked).stdout.decode("utf-8", "replace").splitlines()
        return {
            **dict(zip(_PROPERTIES, values, strict=True)),
            "realDisplaySize": f"{WIDTH}x{HEIGHT}",
            "displayDensity": DENSITY,
        }
