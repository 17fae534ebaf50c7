"""The dialect of Appium's Python client, as the UiAutomator2 driver answers it.

For phones that are driven without an Appium server in between: what the driver does by adb, this
does by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lab.phone.android.system import AndroidSystem
from lab.phone.android.webdriver.commands import ELEMENT, Commands, of_node, rectangle
from lab.phone.android.webdriver.mobile import MobileCommands
from lab.phone.android.webdriver.session import Route, Session, negotiate
from lab.phone.android.webdriver.source import attributes, is_displayed
from lab.phone.node import HEIGHT, WIDTH, Node
from lab.phone.webdriver.face import Face, Values
from lab.phone.webdriver.protocol import Code, Failed, Parameters, wrong


def direct_face(system: AndroidSystem) -> Face[Session]:
    """Return what clients see that come without an Appium server."""
    direct = _Direct(system)
    return Face(
        system.phone,
        lambda body: negotiate(body, system.phone.name),
        direct.begin,
        direct.routes(),
    )


class _Direct:
    def __init__(self, system: AndroidSystem) -> None:
        self._system = system
        self._commands = Commands(system)

    def begin(self, wanted: Mapping[str, Any]) -> Session:
        """Make a session, and start the app that it is to have; without ``noReset`` that begins
        afresh. Raises Failed."""
        session, capabilities = Session(self._system, wanted), Parameters(wanted)
        package = capabilities.text("appPackage", "")
        if package and capabilities.boolean("autoLaunch", default=True):
            mobile, activity = self._mobile(session), capabilities.text("appActivity", "")
            if not capabilities.boolean("noReset", default=False):
                mobile.clear(package)
            mobile.launch(f"{package}/{activity}" if activity else package)
        return session

    def routes(self) -> list[Route]:
        return [
            *self._commands.routes(),
            ("GET", "/timeouts", self._timeouts),
            ("POST", "/timeouts", lambda session, _, body: session.change_timeouts(body)),
            ("GET", "/context", lambda *_: "NATIVE_APP"),
            ("POST", "/context", self._context),
            ("GET", "/contexts", lambda *_: ["NATIVE_APP"]),
            ("GET", "/window", lambda *_: "NATIVE_APP"),
            ("GET", "/window/rect", lambda *_: rectangle((0, 0, WIDTH, HEIGHT))),
            ("DELETE", "/actions", lambda *_: None),
            ("POST", "/execute/sync", self._execute),
            ("GET", "/se/log/types", lambda *_: ["logcat"]),
            ("POST", "/se/log", self._log),
            ("GET", "/log/types", lambda *_: ["logcat"]),
            ("POST", "/log", self._log),
            ("POST", "/element", self._find),
            ("POST", "/elements", self._find_all),
            ("POST", f"{ELEMENT}/element", self._find),
            ("POST", f"{ELEMENT}/elements", self._find_all),
            ("POST", f"{ELEMENT}/value", self._type),
            ("GET", f"{ELEMENT}/enabled", of_node(lambda node: node.enabled)),
            ("GET", f"{ELEMENT}/displayed", of_node(is_displayed)),
            ("GET", f"{ELEMENT}/selected", of_node(_is_selected)),
        ]

    def _mobile(self, session: Session) -> MobileCommands:
        return MobileCommands(self._system, session.elements)

    def _timeouts(self, session: Session, _: Values, __: Parameters) -> object:
        return {"implicit": int(session.implicit_wait * 1000), "command": 0}

    def _context(self, _: Session, __: Values, body: Parameters) -> None:
        if body.text("name") != "NATIVE_APP":
            raise Failed(Code.NO_SUCH_CONTEXT, "No such context found.")

    def _execute(self, session: Session, _: Values, body: Parameters) -> object:
        arguments = body.sequence("args", [])
        named = arguments[0] if arguments else {}
        if not isinstance(named, dict) or len(arguments) > 1:
            raise wrong("args", "a list of one object")
        return self._mobile(session).execute(body.text("script"), Parameters(named))

    def _log(self, _: Session, __: Values, body: Parameters) -> object:
        if body.text("type") != "logcat":
            raise Failed(Code.INVALID_ARGUMENT, "this phone keeps only 'logcat'")
        return [
            {"timestamp": int(line.at * 1000), "level": "ALL", "message": line.threadtime()}
            for line in self._system.phone.logcat.lines()
        ]

    def _find(self, session: Session, values: Values, body: Parameters) -> object:
        using, value = body.text("using"), body.text("value")
        return self._commands.find(session, using, value, values.get("element"))

    def _find_all(self, session: Session, values: Values, body: Parameters) -> object:
        using, value = body.text("using"), body.text("value")
        return self._commands.find_all(session, using, value, values.get("element"))

    def _type(self, session: Session, values: Values, body: Parameters) -> None:
        session.elements.enter(values["element"], body.text("text"), replace=False)


def _is_selected(node: Node) -> bool:
    # What is switched on is "checked" to Android, which is another thing.
    return attributes(node)["selected"] == "true"
