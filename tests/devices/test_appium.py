from __future__ import annotations

import json
import socket
import struct
import time
from collections.abc import Callable
from contextlib import suppress

import pytest
from selenium.webdriver.remote.command import Command

from lab.devices.appium import DeviceConnection
from lab.model.device import DeviceLost
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
    device = DeviceConnection(f"http://127.0.0.1:{port}", cap=5, obituary=lambda: "it fell down")
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
        device = connection(server, cap=30.0)
        device.limit(0.2)
        began = time.monotonic()
        with pytest.raises(DeviceLost, match=r"did not answer w3cGetWindowHandles within 0\.2"):
            ask(device)
        assert time.monotonic() - began < 10
        assert server.connections == 1
        device.close()  # type: ignore[no-untyped-call]
