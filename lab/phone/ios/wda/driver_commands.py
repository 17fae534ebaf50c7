"""What Appium's XCUITest driver adds to WebDriverAgent, for clients that come without it.

The real WebDriverAgent has none of these routes. Names and arguments are those of the driver's
``mobile:`` commands (appium-xcuitest-driver 12).
"""

from __future__ import annotations

from datetime import UTC, datetime

from lab.phone.ios.screen import IPhoneScreen
from lab.phone.ios.screen_nodes import KEYBOARD
from lab.phone.ios.screen_seam import ScreenedPhone
from lab.phone.ios.wda.apps import Apps, AppState, bundle_of
from lab.phone.ios.wda.element_commands import ElementCommands, keys_of
from lab.phone.ios.wda.phone_commands import PhoneCommands
from lab.phone.ios.wda.session import InSession, Route, Session, seconds
from lab.phone.ios.wda.touches import Touches
from lab.phone.webdriver.elements import LEGACY_KEY, W3C_KEY
from lab.phone.webdriver.face import Values
from lab.phone.webdriver.protocol import Code, Failed, Parameters, wrong


class DriverCommands:
    """Carries out what is the driver's. May be used from any thread."""

    def __init__(
        self,
        phone: ScreenedPhone,
        screen: IPhoneScreen,
        apps: Apps,
        about: PhoneCommands,
        elements: ElementCommands,
        touches: Touches,
    ) -> None:
        self._phone = phone
        self._screen = screen
        self._apps = apps
        self._about = about
        self._elements = elements
        self._touches = touches
        self._commands: dict[str, InSession] = {
            "activateApp": lambda _, __, call: apps.activate(bundle_of(call)),
            "activeAppInfo": lambda *_: apps.active(),
            "alert": self._alert,
            "backgroundApp": self._background,
            "deepLink": self._deep_link,
            "deviceScreenInfo": lambda *_: about.measures(),
            "getDeviceTime": self._device_time,
            "hideKeyboard": lambda *_: screen.dismiss_keyboard(),
            "isAppInstalled": lambda _, __, call: self._is_installed(call),
            "isKeyboardShown": lambda *_: self._keyboard_shown(),
            "isLocked": lambda *_: False,
            "keys": self._keys,
            "launchApp": lambda _, __, call: apps.activate(bundle_of(call)),
            "pressButton": lambda session, _, call: self._press(call),
            "queryAppState": lambda _, __, call: int(apps.state(bundle_of(call))),
            "scroll": self._scroll,
            "source": lambda session, _, call: about.source(session, call),
            "swipe": self._swipe,
            "tap": self._tap,
            "terminateApp": lambda _, __, call: apps.terminate(bundle_of(call)),
        }

    def routes(self) -> list[Route]:
        """Return the commands."""
        return [
            ("POST", "/execute/sync", self._execute),
            ("GET", "/timeouts", self._timeouts),
            ("GET", "/context", lambda *_: "NATIVE_APP"),
            ("GET", "/contexts", lambda *_: ["NATIVE_APP"]),
            ("POST", "/context", self._context),
            ("GET", "/window", lambda *_: "NATIVE_APP"),
            ("DELETE", "/actions", lambda *_: None),
            ("POST", "/back", self._back),
            ("POST", "/appium/device/app_state", self._app_state),
            ("GET", "/appium/device/system_time", self._device_time),
        ]

    def _execute(self, session: Session, values: Values, body: Parameters) -> object:
        arguments = body.sequence("args", [])
        named = arguments[0] if arguments else {}
        if not isinstance(named, dict) or len(arguments) > 1:
            raise wrong("args", "a list of one object")
        script = body.text("script")
        name = script.removeprefix("mobile:").strip()
        command = self._commands.get(name) if script.startswith("mobile:") else None
        if command is None:
            known = ", ".join(sorted(self._commands))
            raise Failed(Code.UNKNOWN_METHOD, f"no {script[:80]!r}; 'mobile:' has {known}")
        return command(session, values, Parameters(named))

    def _timeouts(self, session: Session, _: Values, __: Parameters) -> object:
        return {"implicit": int(session.implicit_wait * 1000), "command": 0}

    def _context(self, _: Session, __: Values, body: Parameters) -> None:
        if body.text("name") != "NATIVE_APP":
            raise Failed(Code.NO_SUCH_CONTEXT, "No such context found.")

    def _back(self, _: Session, __: Values, ___: Parameters) -> None:
        front = self._screen.foreground
        if front is not None:
            front.back()

    def _app_state(self, _: Session, __: Values, body: Parameters) -> int:
        return int(self._apps.state(body.text("appId", body.text("bundleId", ""))))

    def _is_installed(self, call: Parameters) -> bool:
        return self._apps.state(bundle_of(call)) is not AppState.UNKNOWN

    def _background(self, _: Session, __: Values, call: Parameters) -> None:
        wanted = call.number("seconds", -1)
        self._apps.background(seconds(call, "seconds") if wanted >= 0 else -1)

    def _deep_link(self, _: Session, __: Values, call: Parameters) -> None:
        self._apps.open_url(call.text("url"), call.text("bundleId", ""))

    def _device_time(self, _: Session, __: Values, ___: Parameters) -> str:
        return datetime.fromtimestamp(self._phone.now(), UTC).isoformat(timespec="seconds")

    def _keyboard_shown(self) -> bool:
        return any(node.class_name == KEYBOARD for node in self._screen.snapshot().walk())

    def _keys(self, _: Session, __: Values, call: Parameters) -> None:
        self._elements.type_keys(keys_of(Parameters({"value": call.values.get("keys")})))

    def _press(self, call: Parameters) -> None:
        self._touches.press(call.text("name"))

    def _alert(self, session: Session, _: Values, call: Parameters) -> object:
        action = call.text("action")
        if action == "getButtons":
            return self._touches.alert_buttons()
        if action not in ("accept", "dismiss"):
            raise wrong("action", "'accept', 'dismiss' or 'getButtons'")
        label = call.values.get("buttonLabel")
        named = Parameters({} if label is None else {"name": label})
        self._touches.answer(session, named, accept=action == "accept")
        return None

    def _tap(self, session: Session, _: Values, call: Parameters) -> None:
        self._touches.tap(session, _element(call), call)

    def _swipe(self, _: Session, __: Values, call: Parameters) -> None:
        self._touches.swipe(call.text("direction"))

    def _scroll(self, _: Session, __: Values, call: Parameters) -> None:
        if "direction" in call.values:
            self._touches.scroll(call.text("direction"))


def _element(call: Parameters) -> dict[str, str]:
    """Return the element that a command names, as the variables of a path hold it."""
    named = call.values.get("elementId", call.values.get("element"))
    if isinstance(named, dict):
        named = named.get(W3C_KEY, named.get(LEGACY_KEY))
    if named is None:
        return {}
    if not isinstance(named, str):
        raise wrong("elementId", "an element")
    return {"element": named}
