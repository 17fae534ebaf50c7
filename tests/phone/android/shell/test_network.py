from __future__ import annotations

import pytest

from tests.phone.android.shell.conftest import Run

JOIN = "cmd wifi connect-network Home open"


def test_addresses_come_and_go(run: Run) -> None:
    assert "inet 127.0.0.1/8" in run("ip addr")[0]
    assert "inet 192.168.43." not in run("ip addr")[0]
    assert "state DOWN" in run("ip addr show wlan0")[0]
    run(JOIN)
    assert "    inet 192.168.43.100/24 brd 192.168.43.255 scope global wlan0\n" in run("ip addr")[0]
    assert "127.0.0.1" not in run("ip -4 addr show dev wlan0")[0]
    assert "inet" not in run("ip link show")[0]
    run("svc wifi disable")
    assert "UP" not in run("ip a show wlan0")[0]


def test_routes(run: Run) -> None:
    assert run("ip route") == ("", "", 0)
    assert run("ip route get 1.1.1.1")[1:] == ("RTNETLINK answers: Network is unreachable\n", 2)
    run(JOIN)
    assert run("ip route")[0] == (
        "192.168.43.0/24 dev wlan0 proto kernel scope link src 192.168.43.100\n"
    )
    assert run("ip route get 1.1.1.1")[0].startswith("1.1.1.1 via 192.168.43.1 dev wlan0 ")


@pytest.mark.parametrize(
    ("line", "message", "code"),
    [
        ("ip", "ip: this phone's 'ip' has addr, link and route\n", 255),
        ("ip rule", "ip: this phone's 'ip' has addr, link and route\n", 255),
        ("ip addr show tun0", 'Device "tun0" does not exist.\n', 1),
    ],
)
def test_mistakes(run: Run, line: str, message: str, code: int) -> None:
    assert run(line) == ("", message, code)
