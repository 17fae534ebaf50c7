"""The UiAutomator2 server's dialect, spoken as Appium's driver speaks it."""

from __future__ import annotations

import base64
import io
import json
import time
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from lab.phone.services import SdkSettings
from lab.phone.webdriver.elements import LEGACY_KEY, W3C_KEY
from tests.patience import eventually
from tests.phone.android.webdriver.rigs import BROWSER, SAMPLE, Rig
from tests.phone.scripted import Gate, ScriptedSdk

SWITCH = "android.widget.Switch"
EDIT = "android.widget.EditText"
# What the driver sends: what its client wants, and what it found out itself.
WANTED = {
    "platformName": "Android",
    "automationName": "UIAutomator2",
    "udid": "127.0.0.1:16555",
    "appPackage": "no.such.app",
    "noReset": False,
    "deviceName": "127.0.0.1:16555",
    "deviceUDID": "127.0.0.1:16555",
}


class Session:
    """A session of the driver's."""

    def __init__(self, rig: Rig) -> None:
        rig.system.automation.start()
        self.rig = rig
        status, told = rig.server(
            "POST", "/session", {"capabilities": {"firstMatch": [WANTED], "alwaysMatch": {}}}
        )
        assert status == 200
        assert told["capabilities"]["platformName"] == "Android"
        self.id = told["sessionId"]

    def send(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        return self.rig.server(method, f"/session/{self.id}{path}", body)

    def value(self, method: str, path: str, body: object = None) -> Any:
        status, value = self.send(method, path, body)
        assert status == 200, value
        return value

    def find(self, strategy: str, selector: str, below: str = "") -> list[str]:
        body = {"strategy": strategy, "selector": selector, "context": below, "multiple": True}
        return [found[W3C_KEY] for found in self.value("POST", "/elements", body)]


@pytest.fixture
def session(rig: Rig) -> Session:
    rig.screen.launch(SAMPLE)
    return Session(rig)


def test_no_app_is_started(rig: Rig) -> None:
    """What the capabilities say of apps is the driver's own affair."""
    Session(rig)
    assert rig.screen.foreground is None


def test_finding(session: Session) -> None:
    body = {"strategy": "class name", "selector": SWITCH, "context": "", "multiple": False}
    found = session.value("POST", "/element", body)
    assert found == {W3C_KEY: found[W3C_KEY], LEGACY_KEY: found[W3C_KEY]}
    assert session.find("class name", SWITCH) == [found[W3C_KEY]]
    text = 'new UiSelector().text("Permissive Mode")'
    assert session.find("-android uiautomator", text) == [found[W3C_KEY]]
    (root,) = session.find("xpath", "/hierarchy/*")
    assert session.find("class name", SWITCH, below=root) == [found[W3C_KEY]]
    assert session.find("class name", SWITCH, below=found[W3C_KEY]) == []
    status, value = session.send("POST", "/element", {**body, "selector": "no.such"})
    assert (status, value["error"]) == (404, "no such element")


def test_the_clients_own_way_to_find_is_not_understood(session: Session) -> None:
    status, value = session.send("POST", "/element", {"using": "xpath", "value": "//*"})
    assert (status, value["message"]) == (400, "'strategy' must be a string")


def test_what_an_element_says_of_itself(session: Session) -> None:
    (switch,) = session.find("class name", SWITCH)
    at = f"/element/{switch}"
    rect = session.value("GET", f"{at}/rect")
    assert session.value("GET", f"{at}/location") == {"x": rect["x"], "y": rect["y"]}
    size = {"width": rect["width"], "height": rect["height"]}
    assert session.value("GET", f"{at}/size") == size
    assert session.value("GET", f"{at}/text") == "Permissive Mode"
    assert session.value("GET", f"{at}/name") == ""
    for name, word in (("displayed", "true"), ("enabled", "true"), ("selected", "false")):
        assert session.value("GET", f"{at}/attribute/{name}") == word
    session.value("POST", f"{at}/click", {"element": switch})
    assert session.value("GET", f"{at}/attribute/checked") == "true"
    picture = Image.open(io.BytesIO(base64.b64decode(session.value("GET", f"{at}/screenshot"))))
    assert picture.size == (rect["width"], rect["height"])


def test_entering_text(session: Session) -> None:
    field = session.find("class name", EDIT)[0]
    at = f"/element/{field}"

    def enter(text: str, **more: object) -> str:
        session.value("POST", f"{at}/value", {"elementId": field, "text": text, **more})
        return str(session.value("GET", f"{at}/text"))

    assert enter("äb", replace=False, value=["ä", "b"]) == "äb"
    assert enter("c") == "äbc"
    assert enter("d", replace=True) == "d"
    session.value("POST", f"{at}/clear", {"elementId": field})
    session.value("POST", "/keys", {"text": "keys", "replace": False})
    assert session.value("GET", f"{at}/text") == "keys"
    assert session.value("GET", "/element/active")[W3C_KEY] == field
    (switch,) = session.find("class name", SWITCH)
    status, value = session.send("POST", f"/element/{switch}/value", {"text": "x"})
    assert (status, value["error"]) == (400, "invalid element state")


def test_nothing_is_typed_where_nothing_has_the_focus(session: Session) -> None:
    status, value = session.send("POST", "/keys", {"text": "x"})
    assert (status, value["error"]) == (404, "no such element")


def test_the_source_waits_until_the_app_is_done(tmp_path: Path) -> None:
    gate = Gate()

    def wait(_: SdkSettings) -> None:
        gate("")

    with Rig(tmp_path, ScriptedSdk(setup=wait)) as rig:
        rig.screen.launch(SAMPLE)
        session = Session(rig)
        for field in session.find("class name", EDIT)[:3]:
            session.value("POST", f"/element/{field}/value", {"text": "acme"})
        setup = session.find("-android uiautomator", 'new UiSelector().text("Setup TrustPin")')
        session.value("POST", f"/element/{setup[0]}/click", {})
        session.value("POST", "/appium/settings", {"settings": {"waitForIdleTimeout": 100}})
        assert session.value("GET", "/appium/settings") == {"waitForIdleTimeout": 100}
        began = time.monotonic()
        assert "<hierarchy" in session.value("GET", "/source")
        assert time.monotonic() - began >= 0.1
        gate.opened.set()


def test_the_phone(session: Session) -> None:
    assert session.value("GET", "/window/current/size") == {"width": 1080, "height": 2400}
    assert session.value("GET", "/appium/device/pixel_ratio") == 2.625
    assert session.value("GET", "/appium/device/display_density") == 420
    assert session.value("GET", "/appium/device/system_bars") == {"statusBar": 80}
    assert session.value("GET", "/orientation") == "PORTRAIT"
    info = session.value("GET", "/appium/device/info")
    assert (info["realDisplaySize"], info["displayDensity"]) == ("1080x2400", 420)
    told = {
        name: session.rig.system.phone.name if name == "androidId" else prop(session.rig, name)
        for name in ("apiVersion", "platformVersion", "manufacturer", "model", "androidId")
    }
    assert {name: info[name] for name in told} == told
    assert all(told.values())
    picture = base64.b64decode(session.value("GET", "/screenshot"))
    assert Image.open(io.BytesIO(picture)).size == (1080, 2400)


def prop(rig: Rig, name: str) -> str:
    from lab.phone.android.shell import Shell

    known = {
        "apiVersion": "ro.build.version.sdk",
        "platformVersion": "ro.build.version.release",
        "manufacturer": "ro.product.manufacturer",
        "model": "ro.product.model",
    }
    return Shell(rig.system).run(f"getprop {known[name]}").stdout.decode().strip()


def test_touches(session: Session) -> None:
    (switch,) = session.find("class name", SWITCH)
    rect = session.value("GET", f"/element/{switch}/rect")
    point = {"x": rect["x"] + 3, "y": rect["y"] + 3}

    def checked() -> bool:
        return bool(session.value("GET", f"/element/{switch}/attribute/checked") == "true")

    session.value("POST", "/appium/gestures/click", {"origin": {W3C_KEY: switch}})
    assert checked()
    session.value("POST", "/appium/gestures/click", {"offset": point})
    assert not checked()
    inside = {"origin": {W3C_KEY: switch}, "offset": {"x": 3, "y": 3}}
    session.value("POST", "/appium/gestures/click", inside)
    assert checked()
    session.value("POST", "/appium/gestures/double_click", {"offset": point})
    assert checked()
    finger = [
        {"type": "pointerMove", "x": point["x"], "y": point["y"], "duration": 0},
        {"type": "pointerDown", "button": 0},
        {"type": "pointerUp", "button": 0},
    ]
    action = {"type": "pointer", "id": "f", "parameters": {"pointerType": "touch"}}
    session.value("POST", "/actions", {"actions": [{**action, "actions": finger}]})
    assert not checked()
    assert session.value("POST", "/appium/gestures/scroll", {"direction": "down"}) is False
    session.value("POST", "/appium/gestures/swipe", {"direction": "up", "percent": 0.5})
    for name in ("long_click", "drag", "pinch_open"):
        status, value = session.send("POST", f"/appium/gestures/{name}", {})
        assert (status, value["error"]) == (500, "unsupported operation")


def test_keys(session: Session) -> None:
    session.value("POST", "/appium/device/press_keycode", {"keycode": 3})
    assert session.rig.screen.foreground is None
    session.rig.screen.launch(SAMPLE)
    session.value("POST", "/back", {})
    assert session.rig.screen.foreground is None
    status, _ = session.send("POST", "/appium/device/press_keycode", {"keycode": 26})
    assert status == 500


def test_alerts(session: Session) -> None:
    for path in ("/alert/accept", "/alert/dismiss"):
        status, value = session.send("POST", path, {})
        assert (status, value["error"]) == (404, "no such alert")
    status, value = session.send("GET", "/alert/text")
    assert (status, value["error"]) == (404, "no such alert")


def test_the_dialogs_of_the_system_are_alerts(session: Session) -> None:
    rig = session.rig
    for _ in range(2):
        rig.screen.launch(SAMPLE)
        rig.system.faults.crash(SAMPLE)
    assert "keeps stopping" in session.value("GET", "/alert/text")
    status, value = session.send("POST", "/alert/accept", {"buttonLabel": "No such"})
    assert (status, value["error"]) == (500, "unsupported operation")
    session.value("POST", "/alert/accept", {"buttonLabel": "Close app"})


def test_another_session_ends_the_one_before(rig: Rig) -> None:
    first = Session(rig)
    status, told = rig.server("POST", "/session", {"capabilities": {"firstMatch": [WANTED]}})
    assert status == 200
    assert first.send("GET", "/source")[1]["error"] == "invalid session id"
    assert rig.server("GET", "/sessions") == (200, [{"id": told["sessionId"]}])


def test_both_dialects_at_once(rig: Rig) -> None:
    """Each has a session of its own, on the same screen."""
    session = Session(rig)
    driver = rig.app()
    (switch,) = session.find("class name", SWITCH)
    session.value("POST", f"/element/{switch}/click", {})
    element = driver.find_element("class name", SWITCH)
    assert element.get_attribute("checked") == "true"
    driver.activate_app(BROWSER)
    assert session.find("class name", SWITCH) == []


GOOD = {"strategy": "xpath", "selector": "//*", "context": "", "multiple": False}
HOSTILE: list[tuple[str, str, object, int, str]] = [
    ("GET", "/nothing", None, 404, "unknown command"),
    ("GET", "$/nothing", None, 404, "unknown command"),
    ("GET", "/session/%00/source", None, 404, "invalid session id"),
    ("PUT", "$/element", b"", 405, "unknown method"),
    ("POST", "$/source", {}, 405, "unknown method"),
    ("POST", "$/execute/sync", {"script": "mobile: shell", "args": []}, 404, "unknown command"),
    ("POST", "$/element", b"{", 400, "invalid argument"),
    ("POST", "$/element", b"\xff\xfe\x00", 400, "invalid argument"),
    ("POST", "$/element", b"[" * 300_000, 400, "invalid argument"),
    ("POST", "$/element", b'{"strategy":' * 50_000, 400, "invalid argument"),
    ("POST", "$/element", b"\x00" * 10_000_000, 400, "invalid argument"),
    ("POST", "$/element", [], 400, "invalid argument"),
    ("POST", "$/element", {**GOOD, "strategy": 1}, 400, "invalid argument"),
    ("POST", "$/element", {**GOOD, "selector": None}, 400, "invalid argument"),
    ("POST", "$/element", {**GOOD, "context": 7}, 400, "invalid argument"),
    ("POST", "$/element", {**GOOD, "context": "no such"}, 404, "no such element"),
    ("POST", "$/element", {**GOOD, "strategy": "telepathy"}, 400, "invalid argument"),
    ("POST", "$/element", {**GOOD, "selector": "//*[" * 200}, 400, "invalid selector"),
    ("POST", "$/element", {**GOOD, "selector": "a" * 100_000}, 400, "invalid selector"),
    ("POST", "$/element", {**GOOD, "selector": "\ud800"}, 400, "invalid selector"),
    ("POST", "$/element/%ED%A0%80/click", {}, 404, "no such element"),
    ("POST", "$/element/../click", {}, 404, "no such element"),
    ("GET", "$/element/x/attribute/checked", None, 404, "no such element"),
    ("POST", "$/keys", {"text": ["a"], "replace": "yes"}, 404, "no such element"),
    ("POST", "$/actions", {"actions": [{}]}, 400, "invalid argument"),
    ("POST", "$/actions", {"actions": "tap"}, 400, "invalid argument"),
    ("POST", "$/appium/settings", {"settings": 1}, 400, "invalid argument"),
    (
        "POST",
        "$/appium/settings",
        {"settings": {"waitForIdleTimeout": 1e300}},
        400,
        "invalid argument",
    ),
    ("POST", "$/appium/gestures/click", {}, 400, "invalid argument"),
    ("POST", "$/appium/gestures/click", {"offset": {"x": "1", "y": 1}}, 400, "invalid argument"),
    ("POST", "$/appium/gestures/click", {"origin": "me"}, 400, "invalid argument"),
    ("POST", "$/appium/device/press_keycode", {"keycode": 1e400}, 400, "invalid argument"),
    ("POST", "$/orientation", {"orientation": "LANDSCAPE"}, 500, "unsupported operation"),
    ("POST", "/session", {}, 400, "invalid argument"),
    ("POST", "/session", {"capabilities": {"firstMatch": []}}, 400, "invalid argument"),
    ("POST", "/session", {"capabilities": {"firstMatch": [1]}}, 400, "invalid argument"),
    ("POST", "/session", {"capabilities": "all"}, 400, "invalid argument"),
]


@pytest.mark.parametrize(("method", "path", "body", "status", "error"), HOSTILE)
def test_what_cannot_be_carried_out_is_refused_and_nothing_else_happens(
    session: Session, method: str, path: str, body: object, status: int, error: str
) -> None:
    found, value = session.rig.server(method, path.replace("$", f"/session/{session.id}"), body)
    assert (found, value["error"]) == (status, error)
    assert set(value) == {"error", "message", "stacktrace"}
    assert len(session.find("class name", SWITCH)) == 1


RAW = [
    b"",
    b"\x00\x01\x02\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    b"CNXN\x00\x00\x00\x01\x00\x10\x00\x00",
    b"GET /status HTTP/1.1\r\n\r\n",
    b"GET /status HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 100_000,
    b"POST /session HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n",
    b"POST /session HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab",
    b"POST /session HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nfffffffff\r\n",
]


@pytest.mark.parametrize("sent", RAW)
def test_what_is_no_request_harms_nobody(session: Session, sent: bytes) -> None:
    sock = session.rig.reach().sock
    sock.sendall(sent)
    sock.close()
    assert len(session.find("class name", SWITCH)) == 1


def test_a_connection_serves_many_requests(session: Session) -> None:
    connection = session.rig.reach()
    for _ in range(3):
        connection.request("GET", "/status")
        assert json.load(connection.getresponse())["value"]["ready"] is True
    connection.close()


def reach_in_time(session: Session) -> HTTPConnection:
    """Return a connection, once the one before this test has ended."""
    reached: list[HTTPConnection] = []

    def reach() -> bool:
        try:
            reached.append(session.rig.reach())
        except ConnectionRefusedError:
            return False
        return True

    assert eventually(reach)
    return reached[0]


def test_more_connections_than_it_takes_are_refused(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lab.phone.webdriver.listener.MAX_CONNECTIONS", 3)
    held = [reach_in_time(session) for _ in range(3)]
    with pytest.raises(ConnectionRefusedError):
        session.rig.reach()
    for connection in held:
        connection.close()
