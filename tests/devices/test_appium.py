from __future__ import annotations

import base64
import json
import socket
import struct
import time
from collections.abc import Callable
from contextlib import suppress

import pytest
from selenium.webdriver.remote.command import Command

from lab.devices.appium import DeviceConnection, android_options, begin, split_credentials
from lab.model.device import DeviceLost
from tests.patience import CAP, LONG
from tests.phone.peers import Server, read_request

STATUS = json.dumps({"value": {"ready": True}}).encode()
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"


def connection(
    server: Server, cap: float = 5.0, obituary: Callable[[], str | None] = lambda: None
) -> DeviceConnection:
    return DeviceConnection(f"http://{server.endpoint}", cap=cap, obituary=obituary)


def ask(device: DeviceConnection) -> object:
    return device.execute(Command.W3C_GET_WINDOW_HANDLES, {"sessionId": "1"})["value"]


def answering(sock: socket.socket) -> None:
    while read_request(sock):
        sock.sendall(OK % (len(STATUS), STATUS))


def test_one_connection_is_kept_and_commands_are_counted() -> None:
    with Server(answering) as server:
        device = connection(server)
        for _ in range(5):
            assert ask(device) == {"ready": True}
        assert device.commands == 5
        assert server.connections == 1
        device.close()  # type: ignore[no-untyped-call]


def test_proxies_of_the_user_are_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    with Server(answering) as server:
        device = connection(server)
        assert ask(device) == {"ready": True}
        device.close()  # type: ignore[no-untyped-call]


def reset(sock: socket.socket) -> None:
    read_request(sock)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def hang_up(sock: socket.socket) -> None:
    read_request(sock)


def half(sock: socket.socket) -> None:
    read_request(sock)
    sock.sendall(OK % (1000, STATUS))


def rubbish(sock: socket.socket) -> None:
    read_request(sock)
    sock.sendall(b"\x00\x01\x02\r\n\r\n")


@pytest.mark.parametrize("script", [reset, hang_up, half, rubbish])
def test_a_device_that_breaks_off_is_lost_and_asked_only_once(
    script: Callable[[socket.socket], None],
) -> None:
    with Server(script) as server:
        device = connection(server)
        with pytest.raises(DeviceLost, match="its connection broke at w3cGetWindowHandles"):
            ask(device)
        assert server.connections == 1
        device.close()  # type: ignore[no-untyped-call]


def test_a_device_that_is_dead_is_lost_with_its_obituary() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    device = DeviceConnection(f"http://127.0.0.1:{port}", cap=CAP, obituary=lambda: "it fell down")
    with pytest.raises(DeviceLost, match=r"^it fell down$"):
        ask(device)


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 200 OK\r\nContent-Le"])
def test_a_device_that_is_silent_is_lost_after_the_cap(said: bytes) -> None:
    def silent(sock: socket.socket) -> None:
        read_request(sock)
        sock.sendall(said)
        with suppress(OSError):
            sock.recv(1)

    with Server(silent) as server:
        device = connection(server, cap=LONG)
        device.limit(0.2)
        with pytest.raises(DeviceLost, match=r"did not answer w3cGetWindowHandles within 0\.2"):
            ask(device)
        assert server.connections == 1
        device.close()  # type: ignore[no-untyped-call]


def saying(head: str, body: bytes) -> Callable[[socket.socket], None]:
    def say(sock: socket.socket) -> None:
        read_request(sock)
        sock.sendall(f"HTTP/1.1 {head}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)

    return say


@pytest.mark.parametrize("body", [b"\xff\xfe", b"[" * 100_000, b"[]", b"7", b'"\xed\xa0\x80"'])
def test_an_answer_that_is_none(body: bytes) -> None:
    with Server(saying("200 OK\r\nContent-Type: application/json", body)) as server:
        device = connection(server)
        with pytest.raises(DeviceLost, match=r"its answer to w3cGetWindowHandles"):
            ask(device)
        device.close()  # type: ignore[no-untyped-call]


@pytest.mark.parametrize("place", ["http://127.0.0.1:{port}/", "file:///etc/passwd", "/", "\t"])
def test_a_device_cannot_send_the_lab_elsewhere(place: str) -> None:
    with Server(answering) as elsewhere:
        head = f"302 Found\r\nLocation: {place.format(port=elsewhere.endpoint.port)}"
        with Server(saying(head, b"")) as server:
            device = connection(server)
            with pytest.raises(DeviceLost, match="it redirects elsewhere"):
                ask(device)
            device.close()  # type: ignore[no-untyped-call]
        assert elsewhere.connections == 0


def test_credentials_go_into_a_header_and_nowhere_else() -> None:
    heads: list[bytes] = []

    def keep(sock: socket.socket) -> None:
        while head := read_request(sock):
            heads.append(head)
            sock.sendall(OK % (len(STATUS), STATUS))

    with Server(keep) as server:
        device = DeviceConnection(
            f"http://la%62:p%40:w@{server.endpoint}/", cap=CAP, obituary=lambda: None
        )
        assert ask(device) == {"ready": True}
        device.close()  # type: ignore[no-untyped-call]
    expected = base64.b64encode(b"lab:p@:w").decode()
    assert f"authorization: basic {expected}".lower() in heads[0].decode().lower()
    assert b"p%40" not in heads[0]


@pytest.mark.parametrize(
    ("address", "plain", "credentials"),
    [
        ("http://h:1", "http://h:1", None),
        ("http://h:1/wd/", "http://h:1/wd", None),
        ("https://a@h/wd", "https://h/wd", ("a", "")),
        ("http://a:b@[::1]:1", "http://[::1]:1", ("a", "b")),
    ],
)
def test_addresses(address: str, plain: str, credentials: tuple[str, str] | None) -> None:
    assert split_credentials(address) == (plain, credentials)


def test_the_options_of_a_session() -> None:
    told = android_options(
        "1.2.3.4:5",
        adb_port=5038,
        system_port=8299,
        capabilities={"appium:newCommandTimeout": 60, "lab:run": "x", "appium:skipUnlock": False},
    ).to_capabilities()
    assert told["platformName"] == "Android"
    assert told["appium:udid"] == "1.2.3.4:5"
    assert (told["appium:adbPort"], told["appium:systemPort"]) == (5038, 8299)
    assert told["appium:noReset"] is True
    assert told["appium:autoLaunch"] is told["appium:skipServerInstallation"] is False
    assert "appium:appPackage" not in told
    # What the caller says comes last.
    assert told["appium:newCommandTimeout"] == 60
    assert told["appium:skipUnlock"] is False
    assert told["lab:run"] == "x"
    bare = android_options("u", installed=True).to_capabilities()
    assert bare["appium:skipServerInstallation"] is True
    assert not {"appium:adbPort", "appium:systemPort"} & bare.keys()


def test_a_session_that_is_refused() -> None:
    said = json.dumps(
        {"value": {"error": "session not created", "message": "no", "stacktrace": ""}}
    ).encode()
    with Server(saying("500 Oops\r\nContent-Type: application/json", said)) as server:
        address = f"http://{server.endpoint}"
        with pytest.raises(DeviceLost, match=r"^no session: no$"):
            begin(address, android_options("u"))
        with pytest.raises(DeviceLost, match=r"^it fell down$"):
            begin(address, android_options("u"), obituary=lambda: "it fell down")


@pytest.mark.parametrize("body", [b"{}", b'{"value": 1}', b'{"value": {"sessionId": ""}}'])
def test_a_session_that_is_none(body: bytes) -> None:
    with (
        Server(saying("200 OK\r\nContent-Type: application/json", body)) as server,
        pytest.raises(
            DeviceLost, match="its answer to newSession cannot be read: it is of another kind"
        ),
    ):
        begin(f"http://{server.endpoint}", android_options("u"))


def test_a_session_has_one_cap_and_its_commands_another() -> None:
    made = json.dumps({"value": {"sessionId": "s", "capabilities": {}}}).encode()

    def slow(sock: socket.socket) -> None:
        read_request(sock)
        sock.sendall(OK % (len(made), made))
        read_request(sock)
        with suppress(OSError):
            sock.recv(1)

    with Server(slow) as server:
        begun = begin(f"http://{server.endpoint}", android_options("u"), cap=CAP, command_cap=0.2)
        with pytest.raises(DeviceLost, match=r"did not answer getPageSource within 0\.2 seconds"):
            _ = begun.driver.page_source
        assert begun.connection.commands == 2
        begun.connection.close()  # type: ignore[no-untyped-call]


def test_dribbling_does_not_buy_time() -> None:
    def dribble(sock: socket.socket) -> None:
        read_request(sock)
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        with suppress(OSError):
            for _ in range(500):
                sock.sendall(b" ")
                time.sleep(0.02)

    with Server(dribble) as server:
        device = connection(server, cap=0.3)
        with pytest.raises(DeviceLost, match=r"did not answer w3cGetWindowHandles within 0\.3"):
            ask(device)
        device.close()  # type: ignore[no-untyped-call]


def test_an_answer_that_never_ends() -> None:
    def flood(sock: socket.socket) -> None:
        read_request(sock)
        sock.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        with suppress(OSError):
            while True:
                sock.sendall(bytes(1_000_000))

    with pytest.MonkeyPatch.context() as patch, Server(flood) as server:
        patch.setattr("lab.devices.appium.MAX_ANSWER", 2_000_000)
        device = connection(server)
        with pytest.raises(DeviceLost, match="it is longer than 2000000 bytes"):
            ask(device)
        device.close()  # type: ignore[no-untyped-call]


def test_a_text_that_reads_like_an_error_is_a_text() -> None:
    """An app may show whatever a server has sent it."""
    forged = json.dumps({"value": {"error": "no such element", "message": "gone"}})
    made = json.dumps({"value": {"sessionId": "s", "capabilities": {}}}).encode()
    shown = json.dumps({"value": forged}).encode()

    def tell(sock: socket.socket) -> None:
        read_request(sock)
        sock.sendall(OK % (len(made), made))
        while read_request(sock):
            sock.sendall(OK % (len(shown), shown))

    with Server(tell) as server:
        begun = begin(f"http://{server.endpoint}", android_options("u"))
        assert begun.driver.page_source == forged
        begun.connection.close()  # type: ignore[no-untyped-call]
