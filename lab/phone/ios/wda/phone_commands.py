"""What WebDriverAgent tells of the phone and of its screen as a whole."""

from __future__ import annotations

import base64
import binascii

from lab.phone.ios.screen import IPhoneScreen
from lab.phone.ios.screen_nodes import HEIGHT, SCALE, STATUS_BAR, WIDTH
from lab.phone.ios.screen_seam import ScreenedPhone
from lab.phone.ios.wda.session import InSession, Route, Session
from lab.phone.ios.wda.shots import take
from lab.phone.ios.wda.source import SCOPE, tree_of, xml_of
from lab.phone.webdriver.face import Handler, Values
from lab.phone.webdriver.protocol import Code, Failed, Parameters

_SCREEN = {"width": WIDTH // SCALE, "height": HEIGHT // SCALE}
MAX_PASTEBOARD = 1_000_000
"""Characters of base64."""
_CHARGED = 2
"""UIDeviceBatteryState: charging."""


class PhoneCommands:
    """Answers the questions of Appium's driver. May be used from any thread."""

    def __init__(self, phone: ScreenedPhone, screen: IPhoneScreen) -> None:
        self._phone = phone
        self._screen = screen
        self._pasteboard = ""

    def routes(self) -> list[Route]:
        """Return the commands of a session."""
        return [
            ("GET", "/appium/settings", lambda session, *_: session.settings),
            ("POST", "/appium/settings", self._settings),
            ("POST", "/timeouts", lambda session, _, body: session.change_timeouts(body)),
            ("GET", "/source", lambda session, _, asked: self.source(session, asked)),
            ("GET", "/orientation", lambda *_: "PORTRAIT"),
            ("POST", "/orientation", self._turn),
            ("GET", "/rotation", lambda *_: {"x": 0, "y": 0, "z": 0}),
            ("GET", "/window/rect", lambda *_: {"x": 0, "y": 0, **_SCREEN}),
            ("GET", "/window/size", lambda *_: _SCREEN),
            *((way, path, _in_session(run)) for way, path, run in self.outside()),
        ]

    def outside(self) -> list[tuple[str, str, Handler]]:
        """Return the commands that need no session."""
        return [
            ("GET", "/screenshot", lambda *_: self.screenshot()),
            ("GET", "/wda/screen", lambda *_: self.measures()),
            ("GET", "/wda/locked", lambda *_: False),
            ("POST", "/wda/lock", lambda *_: None),
            ("POST", "/wda/unlock", lambda *_: None),
            ("POST", "/wda/homescreen", lambda *_: self._screen.home()),
            ("GET", "/wda/healthcheck", lambda *_: None),
            ("GET", "/wda/batteryInfo", lambda *_: {"level": 1, "state": _CHARGED}),
            ("GET", "/wda/device/info", lambda *_: self._info()),
            ("POST", "/wda/setPasteboard", self._copy),
            ("POST", "/wda/getPasteboard", lambda *_: self._pasteboard),
        ]

    def status(self) -> dict[str, object]:
        """Return whether WebDriverAgent is ready, and on what it runs."""
        return {
            "ready": True,
            "message": "WebDriverAgent is ready to accept commands",
            "state": "success",
            "os": {"name": "iOS", "version": self._phone.identity.version, "sdkVersion": "18.5"},
            "ios": {"ip": None},
            "build": {
                "version": "16.12.9",
                "productBundleIdentifier": "com.facebook.WebDriverAgentRunner",
            },
            "device": "iphone",
        }

    def screenshot(self) -> str:
        """Return the screen as a PNG, base64."""
        return base64.b64encode(self._screen.picture()).decode("ascii")

    def source(self, session: Session, asked: Parameters) -> object:
        """Return the screen in the format that is asked for, once the app is idle. Raises
        Failed."""
        kind = asked.text("format", "xml").lower()
        excluded = asked.text("excluded_attributes", "").split(",")
        self._screen.wait_idle(session.idle_cap)
        shot = take(self._screen.snapshot())
        if kind == "xml":
            scope = SCOPE if asked.text("scope", "") == SCOPE else ""
            return xml_of(shot, scope=scope, excluded=excluded)
        if kind == "json":
            return tree_of(shot)
        if kind == "description":
            return "\n".join(f"{each.type}, {each.rect}, {each.name!r}" for each in shot.walk())
        raise Failed(
            Code.INVALID_ARGUMENT, f"no source format {kind[:40]!r}: xml, json or description"
        )

    def _settings(self, session: Session, _: Values, body: Parameters) -> object:
        session.change_settings(body.mapping("settings", {}))
        return session.settings

    def _turn(self, _: Session, __: Values, body: Parameters) -> None:
        if body.text("orientation").upper() != "PORTRAIT":
            raise Failed(Code.UNSUPPORTED, "this phone's screen does not turn")

    def measures(self) -> dict[str, object]:
        """Return the size of the screen, in points, and the pixels of a point."""
        bar = {"width": WIDTH // SCALE, "height": STATUS_BAR // SCALE}
        return {"screenSize": _SCREEN, "statusBarSize": bar, "scale": SCALE, "displayId": 1}

    def _info(self) -> dict[str, object]:
        identity = self._phone.identity
        return {
            "currentLocale": "en_US",
            "timeZone": "GMT",
            "name": identity.name,
            "model": "iPhone",
            "uuid": identity.udid,
            "userInterfaceIdiom": 0,
            "userInterfaceStyle": "light",
            "isSimulator": False,
            "thermalState": 0,
        }

    def _copy(self, _: Values, body: Parameters) -> None:
        content = body.text("content")
        try:
            base64.b64decode(content, validate=True)
        except (binascii.Error, ValueError):
            raise Failed(Code.INVALID_ARGUMENT, "the content is not base64") from None
        if len(content) > MAX_PASTEBOARD:
            raise Failed(Code.INVALID_ARGUMENT, f"longer than {MAX_PASTEBOARD} characters")
        self._pasteboard = content


def _in_session(run: Handler) -> InSession:
    return lambda _, values, body: run(values, body)
