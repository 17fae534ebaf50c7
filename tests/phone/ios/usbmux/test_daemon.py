from __future__ import annotations

import plistlib
import shutil
import socket
import stat
from pathlib import Path

import pytest

from lab.phone.ios.lockdown.limits import Limits
from lab.phone.ios.usbmux import Usbmuxd
from lab.phone.ios.usbmux.device import Serve
from lab.phone.ios.usbmux.records import MAX_RECORDS, PairRecords
from tests.phone.ios.cable import UDID, Cable
from tests.phone.ios.peer import LOCKDOWN, Message, Peer, mux_packed, open_session, read_record
from tests.phone.ios.plugged import PlugIn

OTHER = "00008120-FFEEDDCCBBAA9988"


class Spare:
    """A phone with an echo on one port."""

    udid = OTHER

    def find(self, port: int) -> Serve | None:
        return self.echo if port == 7 else None

    def echo(self, sock: socket.socket) -> None:
        with sock:
            while part := sock.recv(100):
                sock.sendall(part)

    def is_paired(self, _: str) -> bool:
        return False

    def pair(self, system_buid: str) -> bytes:
        return plistlib.dumps({"HostID": "H", "SystemBUID": system_buid})


def test_a_client_hears_of_phones_that_come_and_go(cable: Cable) -> None:
    spare = Spare()
    with Peer(cable.usbmuxd.port) as peer:
        assert peer.mux("Listen") == {"MessageType": "Result", "Number": 0}
        assert peer.answer()[1]["Properties"]["SerialNumber"] == UDID
        cable.usbmuxd.attach(spare)
        tag, attached = peer.answer()
        assert (tag, attached["MessageType"]) == (7, "Attached")
        assert attached["Properties"]["SerialNumber"] == OTHER
        cable.usbmuxd.detach(OTHER)
        assert peer.answer() == (
            7,
            {"MessageType": "Detached", "DeviceID": attached["DeviceID"]},
        )
    with Peer(cable.usbmuxd.port) as peer:
        assert list(peer.devices()) == [UDID]


def test_each_phone_is_reached_by_its_number(cable: Cable) -> None:
    cable.usbmuxd.attach(Spare())
    with Peer(cable.usbmuxd.port) as peer:
        numbers = peer.devices()
        assert set(numbers) == {UDID, OTHER}
        assert peer.connect(7, numbers[UDID]) == 3
        # A refusal leaves the connection as it was.
        assert peer.connect(7, numbers[OTHER]) == 0
        peer.sock.sendall(b"hello")
        assert peer.receive(5) == b"hello"
    with Peer(cable.usbmuxd.port) as peer:
        assert peer.connect(LOCKDOWN, numbers[UDID]) == 0
        assert peer.request("GetValue", Key="UniqueDeviceID")["Value"] == UDID


def test_what_follows_connect_at_once_is_the_phones(cable: Cable) -> None:
    cable.usbmuxd.attach(Spare())
    with Peer(cable.usbmuxd.port) as peer:
        request = {
            "MessageType": "Connect",
            "DeviceID": peer.devices()[OTHER],
            "PortNumber": socket.htons(7),
        }
        peer.sock.sendall(mux_packed(request) + b"early")
        assert peer.answer()[1]["Number"] == 0
        assert peer.receive(5) == b"early"


def test_unplugging_ends_the_connections_to_that_phone(cable: Cable) -> None:
    cable.usbmuxd.attach(Spare())
    with Peer(cable.usbmuxd.port) as one, Peer(cable.usbmuxd.port) as another:
        numbers = one.devices()
        assert one.connect(7, numbers[OTHER]) == another.connect(LOCKDOWN, numbers[UDID]) == 0
        cable.usbmuxd.detach(OTHER)
        assert one.was_closed()
        assert another.request("QueryType") == {"Type": "com.apple.mobile.lockdown"}
        cable.usbmuxd.detach("nobody")


@pytest.mark.parametrize(
    ("fields", "number"),
    [
        ({"DeviceID": 99, "PortNumber": 7}, 2),
        ({"DeviceID": "1", "PortNumber": 7}, 2),
        ({"PortNumber": 7}, 2),
        ({"DeviceID": 1}, 1),
        ({"DeviceID": 1, "PortNumber": 0}, 1),
        ({"DeviceID": 1, "PortNumber": 65536}, 1),
        ({"DeviceID": 1, "PortNumber": -1}, 1),
        ({"DeviceID": 1, "PortNumber": "7"}, 1),
        ({"DeviceID": 1, "PortNumber": socket.htons(1)}, 3),
    ],
)
def test_no_such_connection(cable: Cable, fields: Message, number: int) -> None:
    with Peer(cable.usbmuxd.port) as peer:
        assert peer.mux("Connect", **fields) == {"MessageType": "Result", "Number": number}
        assert peer.devices()


def test_what_usbmuxd_does_not_know(cable: Cable) -> None:
    with Peer(cable.usbmuxd.port) as peer:
        bad = {"MessageType": "Result", "Number": 1}
        assert peer.mux("Dance") == bad
        assert peer.mux("ListListeners") == {"ListenerList": []}
        peer.sock.sendall(mux_packed({"Message": "ListDevices"}, tag=9))
        assert peer.answer() == (9, bad)


@pytest.mark.parametrize(
    ("version", "kind", "number"), [(0, 8, 6), (2, 8, 6), (1, 3, 1), (1, 1, 1)]
)
def test_other_protocols(cable: Cable, version: int, kind: int, number: int) -> None:
    with Peer(cable.usbmuxd.port) as peer:
        peer.sock.sendall(mux_packed({"MessageType": "ListDevices"}, 5, version, kind))
        assert peer.answer() == (5, {"MessageType": "Result", "Number": number})
        assert peer.was_closed()


def test_pair_records_are_kept_by_name(cable: Cable, tmp_path: Path) -> None:
    content = plistlib.dumps({"HostID": "A", "HostPrivateKey": b"secret"})
    with Peer(cable.usbmuxd.port) as peer:
        name = {"PairRecordID": OTHER}
        assert peer.mux("ReadPairRecord", **name)["Number"] == 2
        assert peer.mux("DeletePairRecord", **name)["Number"] == 2
        assert peer.mux("SavePairRecord", **name, PairRecordData=content)["Number"] == 0
        assert peer.mux("ReadPairRecord", **name) == {"PairRecordData": content}
        for wrong in (b"no record", "text", None):
            fields = {} if wrong is None else {"PairRecordData": wrong}
            assert peer.mux("SavePairRecord", **name, **fields)["Number"] == 1
        assert peer.mux("ReadPairRecord", **name) == {"PairRecordData": content}
        kept = tmp_path / "computer" / f"{OTHER}.plist"
        assert stat.S_IMODE(kept.stat().st_mode) == 0o600
        assert peer.mux("DeletePairRecord", **name)["Number"] == 0
    assert not kept.exists()


@pytest.mark.parametrize(
    "name", ["../phone/x", "/etc/passwd", "", ".", "a/b", "SystemConfiguration"]
)
def test_a_record_s_name_is_no_path(cable: Cable, name: str, tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with Peer(cable.usbmuxd.port) as peer:
        assert peer.mux("ReadPairRecord", PairRecordID=name)["Number"] == 2
        saved = peer.mux("SavePairRecord", PairRecordID=name, PairRecordData=plistlib.dumps({}))
        assert saved["Number"] == 1
        assert peer.mux("DeletePairRecord", PairRecordID=name)["Number"] == 2
    after = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert after == before


def test_records_are_limited_in_number_and_size(tmp_path: Path) -> None:
    records = PairRecords(tmp_path)
    for number in range(MAX_RECORDS):
        (tmp_path / f"{number}.plist").write_bytes(b"")
    assert not records.save("one-more", plistlib.dumps({}))
    assert records.save("7", plistlib.dumps({}))
    assert not records.save("7", plistlib.dumps({"a": bytes(300_000)}))
    (tmp_path / "8.plist").write_bytes(bytes(1000))
    assert records.host_id("8") is None


def test_the_computer_keeps_its_name(cable: Cable, tmp_path: Path) -> None:
    with Peer(cable.usbmuxd.port) as peer:
        name = peer.mux("ReadBUID")["BUID"]
    again = Usbmuxd(tmp_path / "computer")
    with Peer(again.port) as peer:
        assert peer.mux("ReadBUID")["BUID"] == name != ""
    again.close()


def test_paired_from_the_start(plug_in: PlugIn, tmp_path: Path) -> None:
    cable = plug_in()
    record = read_record(cable.usbmuxd.port, UDID)
    with open_session(cable.usbmuxd.port, record, tmp_path) as session:
        assert session.request("GetValue", Key="DeviceName")["Value"] == "Desk"
    # The phone has forgotten this computer: it is paired anew.
    shutil.rmtree(tmp_path / "phone" / "private/var/root/Library/Lockdown/pair_records")
    cable.usbmuxd.attach(cable.lockdownd, paired=True)
    again = read_record(cable.usbmuxd.port, UDID)
    assert again["HostID"] != record["HostID"]
    open_session(cable.usbmuxd.port, again, tmp_path).sock.close()


def test_a_deleted_pairing_stays_deleted(cable: Cable) -> None:
    with Peer(cable.usbmuxd.port) as peer:
        assert peer.mux("DeletePairRecord", PairRecordID=UDID)["Number"] == 0
        assert peer.mux("ReadPairRecord", PairRecordID=UDID)["Number"] == 2


def test_connections_are_limited(plug_in: PlugIn) -> None:
    cable = plug_in(limits=Limits(connections=2))
    with Peer(cable.usbmuxd.port) as one, Peer(cable.usbmuxd.port) as two:
        assert one.devices() == two.devices()
        with Peer(cable.usbmuxd.port) as three:
            assert three.was_closed()
    assert "there are 2 connections already; closed" in cable.complaints


def test_closing_ends_all(cable: Cable) -> None:
    with Peer(cable.usbmuxd.port) as idle, Peer(cable.usbmuxd.port) as session:
        idle.mux("Listen")
        session.connect(LOCKDOWN)
        session.request("QueryType")
        cable.usbmuxd.close()
        assert idle.was_closed()
        assert session.was_closed()
    with pytest.raises(OSError, match="refused"):
        Peer(cable.usbmuxd.port)
    cable.usbmuxd.close()


def test_a_port_that_is_taken(cable: Cable, tmp_path: Path) -> None:
    with pytest.raises(OSError, match="in use"):
        Usbmuxd(tmp_path / "another", port=cable.usbmuxd.port)
