from __future__ import annotations

import socket
import struct
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.devices.android.link import CommandRefused
from lab.devices.ios.reach import Reach
from lab.devices.ios.service import Service, host_context
from lab.devices.ios.usbmux import MAX_FRAME, Usbmux
from lab.model.device import DeviceLost
from tests.devices.ios.hostile import answering, frame, message, request
from tests.devices.ios.rig import Rig, iphone
from tests.patience import CAP

UDID = "00008120-00112233445566AA"
SHORT = 0.3


def test_who_is_there(desk: Rig) -> None:
    (attached,) = desk.usbmux.attached()
    assert attached.udid == desk.state.udid


def test_what_the_phone_says_of_itself(desk: Rig) -> None:
    values = desk.reach.values()
    assert values["UniqueDeviceID"] == desk.state.udid
    assert values["ProductVersion"] == "18.5"


def test_a_session_that_ended_is_begun_anew(desk: Rig) -> None:
    desk.reach.values()
    desk.reach.close()
    assert desk.reach.values()["ProductVersion"] == "18.5"


def test_a_phone_that_is_not_there(desk: Rig) -> None:
    with pytest.raises((CommandRefused, DeviceLost), match=UDID):
        Reach(desk.usbmux, UDID).values()


def test_a_port_that_nothing_listens_on(desk: Rig) -> None:
    with pytest.raises(CommandRefused, match=r"port 9 .*listens"):
        desk.usbmux.connect(desk.state.udid, 9)


def test_a_service_that_there_is_not(desk: Rig) -> None:
    with pytest.raises(CommandRefused, match="no such service"):
        desk.reach.open("com.apple.nothing")


@pytest.mark.parametrize("address", ["127.0.0.1:1", "/nowhere/usbmuxd", "a:99999", "x" * 200])
def test_no_usbmuxd(address: str) -> None:
    with pytest.raises(DeviceLost, match="cannot be reached"):
        Usbmux(address).attached()


def test_a_socket_in_a_folder_is_an_address(tmp_path: Path) -> None:
    path = str(tmp_path / "mux")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        usbmux = Usbmux(path, cap=SHORT)
        # Nobody accepts: it is reached, and silent.
        with pytest.raises(DeviceLost, match=r"does not answer.*within 0\.3"):
            usbmux.attached()


HOSTILE = [
    b"",
    b"\0",
    b"HTTP/1.1 400 Bad Request\r\n\r\n",
    struct.pack("<4I", 16, 1, 8, 1),
    struct.pack("<4I", 0, 1, 8, 1),
    struct.pack("<4I", MAX_FRAME + 17, 1, 8, 1) + b"x" * 100,
    struct.pack("<4I", 2**32 - 1, 1, 8, 1),
    struct.pack("<4I", 116, 1, 8, 1) + b"<plist>",
    frame({})[:-5],
    struct.pack("<4I", 20, 1, 8, 1) + b"[[[[",
]


@pytest.mark.parametrize("answer", HOSTILE)
def test_a_usbmuxd_that_is_none(answer: bytes) -> None:
    def talk(sock: socket.socket) -> None:
        request(sock)
        sock.sendall(answer)

    with answering(talk) as place, pytest.raises(DeviceLost, match="does not answer"):
        Usbmux(str(place), cap=CAP).attached()


@pytest.mark.parametrize(
    "devices",
    [None, 5, [5], [{}], [{"DeviceID": "x", "Properties": {"SerialNumber": UDID}}], [{"a": []}]],
)
def test_devices_that_are_none(devices: object) -> None:
    def talk(sock: socket.socket) -> None:
        request(sock)
        sock.sendall(frame({} if devices is None else {"DeviceList": devices}))

    with answering(talk) as place:
        assert Usbmux(str(place), cap=CAP).attached() == ()


@pytest.mark.parametrize(
    "answer", [{}, {"PairRecordData": "text"}, {"PairRecordData": b"no plist"}, {"Number": 2}]
)
def test_a_pair_record_that_is_none(answer: dict[str, object]) -> None:
    def talk(sock: socket.socket) -> None:
        request(sock)
        sock.sendall(frame(answer))

    with answering(talk) as place, pytest.raises(CommandRefused, match="pair"):
        Usbmux(str(place), cap=CAP).pair_record(UDID)


@pytest.mark.parametrize("record", [{}, {"HostCertificate": b"x", "HostPrivateKey": b"y"}])
def test_a_pair_record_without_a_certificate(record: dict[str, bytes]) -> None:
    with pytest.raises(CommandRefused, match="pair record"):
        host_context(record)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\0\0\0\x05abc",
        b"\xff\xff\xff\xff",
        b"\0\0\0\x04abcd",
        message({})[:-1],
        b"\0\0\0\0",
    ],
)
def test_a_service_that_is_none(answer: bytes) -> None:
    def talk(sock: socket.socket) -> None:
        sock.sendall(answer)

    with answering(talk) as place, socket.create_connection((place.host, place.port)) as sock:
        service = Service(sock, "com.apple.test", cap=CAP)
        with pytest.raises(DeviceLost, match=r"com\.apple\.test does not answer"):
            service.receive()


@given(st.binary(max_size=300))
def test_no_answer_does_any_harm(answer: bytes) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(answer)
        theirs.shutdown(socket.SHUT_WR)
        with suppress(DeviceLost):
            assert isinstance(Service(ours, "test", cap=CAP).receive(), dict)


def test_a_service_that_hung_up_is_opened_again(tmp_path: Path) -> None:
    with iphone(tmp_path) as desk:
        name = "com.apple.mobile.installation_proxy"
        with desk.reach.service(name) as first:
            first.ask({"Command": "Lookup", "ClientOptions": {"BundleIDs": []}})
        with desk.reach.service(name) as same:
            assert same is first
        first.close()
        with desk.reach.service(name) as other:
            assert other is not first
            other.ask({"Command": "Lookup", "ClientOptions": {"BundleIDs": []}})
