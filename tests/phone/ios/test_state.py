"""The state of an iPhone: whose proxy its apps go through, and what outlives its process."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from lab.model.device import Endpoint, Network
from lab.network.mobileconfig import MobileConfig, proxy_profile, root_profile, wifi_profile
from lab.phone.http import HttpClient
from lab.phone.ios.lockdown.handset import Prohibited
from lab.phone.ios.screen_seam import ProxyKind, Refused, WifiProxy
from lab.phone.ios.state import IPhoneState
from lab.phone.services import ProxyError
from lab.pki.hierarchy import LabPki
from tests.phone.peers import Server, read_request

HOME, CAFE = (
    Network(ssid, Endpoint("127.0.0.1", 9), Endpoint("127.0.0.1", 9)) for ssid in ("Home", "Café")
)
GLOBAL, MANAGED, OWN = (Endpoint("127.0.0.1", port) for port in (8001, 8002, 8003))
SUPERVISOR = (b"any certificate",)
DAY = 86_400


@dataclass
class Desk:
    """Where phones are made, in a place with two networks."""

    folder: Path

    def phone(self, *, supervised: bool = True) -> IPhoneState:
        supervisors = SUPERVISOR if supervised else ()
        return IPhoneState(self.folder / "phone", self.folder / "air", supervisors=supervisors)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    publish(tmp_path / "air")
    return Desk(tmp_path)


def publish(air: Path) -> None:
    """Let two networks be in reach of the phones that look there."""
    air.mkdir(exist_ok=True)
    for network in (HOME, CAFE):
        told = {"ssid": network.ssid, "resolver": "127.0.0.1:9", "gateway": "127.0.0.1:9"}
        (air / f"{network.ssid}.json").write_text(json.dumps(told))


def proxy(phone: IPhoneState) -> Endpoint | None:
    return phone.network.settings.http_proxy


def joined(phone: IPhoneState) -> Network | None:
    return phone.joined


def manual(endpoint: Endpoint) -> WifiProxy:
    return WifiProxy(ProxyKind.MANUAL, endpoint.host, endpoint.port)


def test_the_proxy_of_a_network_is_that_of_this_network_alone(desk: Desk) -> None:
    phone = desk.phone()
    phone.wifi.join("Home")
    phone.wifi.set_proxy("Home", manual(OWN))
    assert proxy(phone) == OWN
    assert phone.shown_proxy == str(OWN)
    phone.wifi.join("Café")
    assert proxy(phone) is None
    phone.wifi.join("Home")
    assert proxy(phone) == OWN
    phone.wifi.set_proxy("Home", WifiProxy())
    assert proxy(phone) is None


def test_a_global_proxy_goes_before_a_networks_and_a_profiles_before_the_users(desk: Desk) -> None:
    phone = desk.phone()
    phone.wifi.join("Home")
    phone.wifi.set_proxy("Home", manual(OWN))
    phone.management.install(wifi_profile("Home", proxy=MANAGED).content)
    assert proxy(phone) == MANAGED
    phone.management.install(proxy_profile(GLOBAL).content)
    assert proxy(phone) == GLOBAL
    phone.management.remove(proxy_profile(GLOBAL).identifier)
    assert proxy(phone) == MANAGED
    phone.management.remove(wifi_profile("Home").identifier)
    # The network went with its profile.
    assert phone.joined is None
    assert proxy(phone) is None


def test_the_global_proxy_applies_without_any_network(desk: Desk) -> None:
    phone = desk.phone()
    phone.management.install(proxy_profile(GLOBAL).content)
    assert (phone.joined, proxy(phone)) == (None, GLOBAL)


def test_an_automatic_proxy_is_none(desk: Desk) -> None:
    phone = desk.phone()
    phone.wifi.join("Home")
    phone.wifi.set_proxy("Home", manual(OWN))
    phone.wifi.set_proxy("Home", WifiProxy(ProxyKind.AUTOMATIC, url="http://pac.test/"))
    assert proxy(phone) is None
    assert phone.wifi.proxy("Home") == WifiProxy(ProxyKind.AUTOMATIC, url="http://pac.test/")
    assert any("automatic proxy" in line.message for line in phone.logcat.lines())


@pytest.mark.parametrize("make", [proxy_profile, lambda e: wifi_profile("Home", proxy=e)])
def test_the_apps_traffic_really_goes_there(
    desk: Desk, make: Callable[[Endpoint], MobileConfig]
) -> None:
    phone = desk.phone()
    phone.wifi.join("Home")
    asked: list[bytes] = []

    def refuse(sock: socket.socket) -> None:
        asked.append(read_request(sock))
        sock.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")

    with Server(refuse) as server:
        phone.management.install(make(server.endpoint).content)
        client = HttpClient(phone.open_process("cloud.trustpin.TestApp"), user_agent="t")
        with pytest.raises(ProxyError):
            client.request("https://api.acme.test/")
    assert [each.split(b"\r\n")[0] for each in asked] == [b"CONNECT api.acme.test:443 HTTP/1.1"]


def test_a_managed_network_is_joined_where_nothing_is_and_belongs_to_its_profile(
    desk: Desk,
) -> None:
    phone = desk.phone(supervised=False)
    phone.management.offer(wifi_profile("Café").content)
    assert joined(phone) is None
    phone.profiles.install_waiting()
    assert joined(phone) == CAFE
    (cafe, home) = phone.wifi.networks()
    assert (cafe.joined, cafe.known, cafe.managed) == (True, True, True)
    assert (home.joined, home.known, home.managed) == (False, False, False)
    with pytest.raises(Refused, match="managed"):
        phone.wifi.forget("Café")
    with pytest.raises(Refused, match="managed"):
        phone.wifi.set_proxy("Café", manual(OWN))


def test_a_network_that_is_joined_is_not_left_for_a_new_profiles(desk: Desk) -> None:
    phone = desk.phone()
    phone.wifi.join("Home")
    phone.management.install(wifi_profile("Café").content)
    assert phone.joined == HOME


def test_a_network_is_forgotten_with_its_proxy(desk: Desk) -> None:
    phone = desk.phone()
    phone.wifi.join("Home")
    phone.wifi.set_proxy("Home", manual(OWN))
    phone.wifi.forget("Home")
    assert phone.joined is None
    phone.wifi.join("Home")
    assert proxy(phone) is None


@pytest.mark.parametrize("wrong", [Endpoint("", 80), Endpoint("h", 0), Endpoint("h", 65536)])
def test_a_proxy_that_is_none_is_refused(desk: Desk, wrong: Endpoint) -> None:
    phone = desk.phone()
    phone.wifi.join("Home")
    with pytest.raises(Refused):
        phone.wifi.set_proxy("Home", manual(wrong))
    assert proxy(phone) is None


def test_what_is_out_of_reach_is_not_joined(desk: Desk) -> None:
    with pytest.raises(Refused, match="Unable to join"):
        desk.phone().wifi.join("Elsewhere")


def test_what_is_set_outlives_the_process(desk: Desk, pki: LabPki) -> None:
    phone = desk.phone()
    phone.wifi.join("Home")
    phone.wifi.set_proxy("Home", manual(OWN))
    phone.management.install(root_profile(pki.user_root.der).content)
    phone.set_value("", "DeviceName", "Renamed")
    phone.set_value("", "TimeZone", "Europe/Berlin")
    again = desk.phone()
    assert (again.joined, proxy(again)) == (HOME, OWN)
    assert again.trust_anchors(False) == (pki.user_root.der,)
    assert again.values("")["DeviceName"] == again.identity.name == "Renamed"
    assert again.values("")["TimeZone"] == "Europe/Berlin"
    assert again.values("")["TimeZoneOffsetFromUTC"] in (3600.0, 7200.0)
    assert again.udid == phone.udid


def test_there_is_one_store_for_all(desk: Desk, pki: LabPki) -> None:
    factory = [pki.public_root.certificate]
    phone = IPhoneState(desk.folder / "p", desk.folder / "air", factory_anchors=factory)
    phone.management.offer(root_profile(pki.user_root.der).content)
    phone.profiles.install_waiting()
    assert phone.trust_anchors(True) == phone.trust_anchors(False) == (pki.public_root.der,)
    (root,) = phone.trust_switches.roots()
    assert (root.name, root.trusted) == ("Lab User Root", False)
    phone.trust_switches.switch(root.sha256, trusted=True)
    assert phone.trust_anchors(False) == (pki.public_root.der, pki.user_root.der)


@pytest.mark.parametrize(
    ("domain", "key", "value"),
    [
        ("", "ProductVersion", "99"),
        ("", "DeviceName", ""),
        ("", "DeviceName", "a\nb"),
        ("", "DeviceName", "x" * 201),
        ("", "DeviceName", None),
        ("", "TimeZone", "../../etc/passwd"),
        ("", "TimeZone", "Nowhere/Town"),
        ("", "TimeIntervalSince1970", 0),
        ("com.apple.other", "DeviceName", "x"),
    ],
)
def test_what_a_computer_may_not_change(
    desk: Desk, domain: str, key: str, value: str | int | None
) -> None:
    phone = desk.phone()
    before = phone.values("")
    with pytest.raises(Prohibited):
        phone.set_value(domain, key, value)
    assert phone.values("") == before


def test_the_clock_is_its_own_unless_its_user_turned_that_off(desk: Desk) -> None:
    phone = desk.phone()
    right = phone.now()
    phone.keep_clock(automatic=False)
    phone.set_value("", "TimeIntervalSince1970", right + DAY)
    assert phone.now() - right == pytest.approx(DAY, abs=60)
    assert desk.phone().now() - right == pytest.approx(DAY, abs=60)
    with pytest.raises(Prohibited):
        phone.set_value("", "TimeIntervalSince1970", 1e12)
    phone.keep_clock(automatic=True)
    assert phone.now() == pytest.approx(right, abs=60)


def test_a_process_speaks_under_its_own_name(desk: Desk) -> None:
    phone = desk.phone()
    phone.process_names = {"cloud.trustpin.TestApp": "TestApp"}
    for _ in range(2):
        phone.open_process("cloud.trustpin.TestApp").log("TrustPin", "INFO", "hello")
    first, second = (line for line in phone.logcat.lines() if line.message == "hello")
    assert first.tag == second.tag == "TestApp(TrustPin)"
    assert first.pid != second.pid


def test_a_version_that_there_is_not(desk: Desk) -> None:
    with pytest.raises(ValueError, match=r"18\.5"):
        IPhoneState(desk.folder / "p", desk.folder / "air", version="12.0")


def test_two_phones_are_two(desk: Desk) -> None:
    one, other = (
        IPhoneState(desk.folder / name, desk.folder / "air", name=name) for name in ("a", "b")
    )
    assert one.udid != other.udid
    assert one.identity.serial != other.identity.serial
    assert one.identity.wifi_address != other.identity.wifi_address
