"""Requests that nobody means well with: each is refused, and the phone goes on."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from tests.patience import CAP
from tests.phone.ios.rigs import IosRig

DEEP = b"[" * 100_000


def find(using: str, value: object) -> tuple[str, str, object]:
    return "POST", "/element", {"using": using, "value": value}


COMMANDS: list[tuple[tuple[str, str, object], set[int]]] = [
    (("POST", "/element", b"{"), {400}),
    (("POST", "/element", b"\xff\xfe"), {400}),
    (("POST", "/element", b"[]"), {400}),
    (("POST", "/element", b'"x"'), {400}),
    (("POST", "/element", DEEP), {400}),
    (("POST", "/element", b'{"using":' + DEEP + b"}"), {400}),
    (("POST", "/element", b'{"using": "xpath", "value": NaN}'), {400}),
    (("POST", "/element", {}), {400}),
    (find("xpath", 5), {400}),
    (find("xpath", ["//*"]), {400}),
    (find("xpath", "//*" * 10_000), {400}),
    (find("xpath", "//*[count(//*[count(//*[count(//*[//*])])])]"), {400}),
    (find("xpath", "//*" + "[count(//*[count(//*)>0])>0]" * 32), {400, 200}),
    (find("xpath", "document('file:///etc/passwd')"), {400}),
    (find("xpath", "//*[@name=\x00]"), {400}),
    (find("xpath", "//*[re:test(@name, '(a+)+$')]"), {400}),
    (find("predicate string", "(" * 50_000), {400}),
    (find("predicate string", "NOT " * 400 + "a == 1"), {400}),
    (find("predicate string", "label MATCHES '((a{99}){99}){99}'"), {400}),
    (find("predicate string", "label MATCHES '(a+)+$b'"), {404}),
    (find("predicate string", "label == '\ud800'"), {404}),
    (find("predicate string", "__class__.__init__ == 1"), {400}),
    (find("class chain", "**/" * 1000 + "*"), {400}),
    (find("class chain", "**/*[`label MATCHES '" + "(x*)*" * 90 + "'`]"), {200, 400}),
    (find("class name", "\x00"), {404}),
    (("POST", "/element/none/click", {}), {404}),
    (("GET", "/element/%00/text", None), {404}),
    (("GET", "/element/" + "a" * 8000 + "/text", None), {404}),
    (("POST", "/element/none/value", {"value": [1, 2]}), {400}),
    (("POST", "/wda/keys", {"value": ["x" * 20_000]}), {400}),
    (("POST", "/wda/tap", {"x": 1e300, "y": 0}), {400}),
    (("POST", "/wda/tap", {"x": True, "y": "1"}), {400}),
    (("POST", "/actions", {"actions": [{"type": "pointer", "actions": [{}] * 2000}]}), {400}),
    (("POST", "/wda/apps/launch", {"bundleId": ["x"]}), {400}),
    (("POST", "/wda/apps/launch", {"bundleId": "../../x\n"}), {400}),
    (("POST", "/wda/deactivateApp", {"duration": 1e9}), {400}),
    (("POST", "/appium/settings", {"settings": {"waitForIdleTimeout": "long"}}), {400}),
    (("POST", "/appium/settings", {"settings": {str(n): n for n in range(200)}}), {400}),
    (("POST", "/execute/sync", {"script": "mobile: tap", "args": [1, 2]}), {400}),
    (("POST", "/url", {"url": "javascript:x"}), {500}),
    (("GET", "/source?" + "&".join(f"a{n}=1" for n in range(500)), None), {200}),
    (("PUT", "/element", {}), {405}),
    (("GET", "/nothing", None), {404}),
]


@pytest.mark.parametrize(("command", "statuses"), COMMANDS, ids=range(len(COMMANDS)))
def test_a_hostile_command_is_refused(
    hostile: IosRig, session: str, command: tuple[str, str, object], statuses: set[int]
) -> None:
    method, path, body = command
    status, answer = hostile.send(method, f"/session/{session}{path}", body)
    assert status in statuses, answer
    if status != 200:
        assert set(answer["value"]) == {"error", "message", "traceback"}
        assert len(answer["value"]["message"]) <= 500
        assert answer["value"]["error"] != "unknown error" or status == 500
    assert hostile.send("GET", f"/session/{session}/wda/locked")[0] == 200


@pytest.mark.parametrize(
    "body",
    [
        b"",
        {},
        {"capabilities": []},
        {"capabilities": {"firstMatch": [5]}},
        {"capabilities": {"alwaysMatch": {"bundleId": 5}}},
        {"capabilities": {"alwaysMatch": {"platformName": "Android"}}},
        {"capabilities": {"alwaysMatch": {"bundleId": "cloud.trustpin.TestApp", "autoLaunch": 3}}},
    ],
)
def test_a_hostile_session_is_refused(rig: IosRig, body: object) -> None:
    status, answer = rig.send("POST", "/session", body)
    assert status in (400, 500)
    assert answer["value"]["error"] in ("session not created", "invalid argument")
    assert rig.send("GET", "/status")[0] == 200


RAW = [
    b"GARBAGE\r\n\r\n",
    b"POST /session HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    b"POST /session HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n" + b"x" * 20_000_000,
    b"POST /session HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n{}",
    b"POST /session HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"GET /status HTTP/1.1\r\n" + b"X: " + b"a" * 40_000 + b"\r\n\r\n",
    b"GET /status HTTP/1.1\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 64 + b"\r\n\r\n",
]


@pytest.mark.parametrize("content", RAW, ids=range(len(RAW)))
def test_what_is_no_request_is_refused(hostile: IosRig, content: bytes) -> None:
    with socket.create_connection(("127.0.0.1", hostile.endpoint.port), timeout=CAP) as sock:
        answer = b""
        try:
            sock.sendall(content)
            while part := sock.recv(65536):
                answer += part
        except ConnectionError:
            # It was refused before all of it was sent.
            pass
    if answer:
        head, _, body = answer.partition(b"\r\n\r\n")
        assert head.split()[1] in (b"400", b"408", b"413", b"431")
        assert set(json.loads(body)["value"]) == {"error", "message", "traceback"}
    assert hostile.send("GET", "/status")[0] == 200


def test_silence_in_the_middle_of_a_request_ends(tmp_path: Path) -> None:
    with IosRig(tmp_path, request_cap=0.2) as rig:
        address = ("127.0.0.1", rig.endpoint.port)
        with socket.create_connection(address, timeout=CAP) as sock:
            sock.sendall(b"POST /session HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\n{")
            answer = b""
            while part := sock.recv(65536):
                answer += part
    assert answer.split()[1] == b"408"
