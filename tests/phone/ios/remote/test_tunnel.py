"""The way to a phone's services over RemoteXPC: who lists them, and what they ask for first."""

from __future__ import annotations

import json
import socket
from typing import Any

import psutil
import pytest
import urllib3

from tests.patience import CAP, eventually
from tests.phone.ios.cable import UDID
from tests.phone.ios.peer import Peer, packed
from tests.phone.ios.remote.tunnelled import Tunnelled

PROXY = "com.apple.mobile.installation_proxy.shim.remote"
LOCKDOWN = "com.apple.mobile.lockdown.remote.untrusted"
CHECK_IN = {"Request": "RSDCheckin", "Label": "test", "ProtocolVersion": "2"}


def asked(phone: Tunnelled, path: str, method: str = "GET") -> tuple[int, Any]:
    where = f"http://127.0.0.1:{phone.way.registry_port}{path}"
    with urllib3.PoolManager(retries=False) as client:
        answer = client.request(method, where, timeout=CAP)
    return answer.status, json.loads(answer.data)


class Shim(Peer):
    """A connection to a service of the tunnel: the same messages, without usbmuxd before."""

    def __init__(self, phone: Tunnelled, name: str) -> None:
        self.sock: socket.socket = phone.connect(name)


def checked_in(phone: Tunnelled, name: str) -> Shim:
    shim = Shim(phone, name)
    shim.sock.sendall(packed(CHECK_IN))
    assert [shim.message(), shim.message()] == [
        {"Request": "RSDCheckin"},
        {"Request": "StartService"},
    ]
    return shim


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", f"/remotexpc/tunnels/{UDID}?waitMs=3000"),
        ("GET", f"/remotexpc/tunnels/{UDID}"),
        ("POST", f"/remotexpc/tunnels/{UDID}/refresh-services"),
    ],
)
def test_the_registry_tells_where_the_services_are(
    phone: Tunnelled, method: str, path: str
) -> None:
    status, told = asked(phone, path, method)
    assert (status, told["udid"], told["address"]) == (200, UDID, phone.address)
    assert told["services"][PROXY] == {"port": str(phone.way.ports[PROXY])}
    assert {"com.apple.instruments.dtservicehub", LOCKDOWN} < told["services"].keys()
    assert not any("insecure" in name for name in told["services"])


def test_the_registry_lists_its_one_phone(phone: Tunnelled) -> None:
    _, told = asked(phone, "/remotexpc/tunnels")
    assert list(told["tunnels"]) == [UDID]
    assert told["metadata"]["totalTunnels"] == 1


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/remotexpc/tunnels/00008120-0000", 404),
        ("GET", "/remotexpc/tunnels/device/1", 404),
        ("GET", "/", 404),
        ("GET", f"/remotexpc/tunnels/{UDID}/../..", 404),
        ("GET", "/remotexpc/tunnels/" + "x" * 500, 404),
        ("PUT", f"/remotexpc/tunnels/{UDID}", 405),
        ("DELETE", f"/remotexpc/tunnels/{UDID}", 405),
        ("GET", f"/remotexpc/tunnels/{UDID}/refresh-services", 405),
        ("POST", "/remotexpc/tunnels", 405),
    ],
)
def test_the_registry_refuses_the_rest(
    phone: Tunnelled, method: str, path: str, status: int
) -> None:
    assert asked(phone, path, method)[0] == status


def test_a_service_is_the_usual_one_behind_the_check_in(phone: Tunnelled) -> None:
    with checked_in(phone, PROXY) as shim:
        shim.sock.sendall(packed({"Command": "Lookup", "ClientOptions": {}}))
        answer = shim.message()
    assert set(answer["LookupResult"]) == {"cloud.trustpin.TestApp", "com.apple.mobilesafari"}


def test_lockdownd_tells_what_it_tells_a_stranger(phone: Tunnelled) -> None:
    with checked_in(phone, LOCKDOWN) as shim:
        assert shim.request("GetValue", Key="ProductVersion")["Value"] == "18.5"
        assert shim.request("GetValue", Key="SerialNumber")["Error"] == "GetProhibited"
        assert shim.request("StartService", Service="com.apple.afc")["Error"] == "SessionInactive"


def test_the_capture_needs_no_tls(phone: Tunnelled) -> None:
    with checked_in(phone, "com.apple.pcapd.shim.remote") as shim:
        assert eventually(phone.handset.frames.awaited.is_set)
        phone.handset.frames.opened(("127.0.0.1", 1), ("127.0.0.1", 2), process="a", pid=1)
        assert shim.receive(4)


def test_all_of_it_is_on_the_loopback_interface(phone: Tunnelled) -> None:
    ours = {*phone.way.ports.values(), phone.way.registry_port}
    listening = {
        each.laddr.port: each.laddr.ip
        for each in psutil.Process().net_connections("tcp")
        if each.status == psutil.CONN_LISTEN
    }
    assert {listening[port] for port in ours} == {phone.address, "127.0.0.1"}
    assert phone.address.startswith("127.")


def test_closing_ends_what_is_connected(phone: Tunnelled) -> None:
    with checked_in(phone, PROXY) as shim:
        phone.way.close()
        phone.way.close()
        assert shim.was_closed()
    with pytest.raises(ConnectionRefusedError):
        phone.connect(PROXY)
