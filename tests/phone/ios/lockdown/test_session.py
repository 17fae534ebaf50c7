from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from lab.phone.ios.lockdown import Consent
from lab.phone.ios.lockdown.keys import make_record, new_key, public_pem
from lab.phone.ios.lockdown.limits import Limits
from tests.patience import eventually
from tests.phone.ios.cable import UDID, Cable, plugged_in
from tests.phone.ios.peer import LOCKDOWN, Message, Peer, open_session, read_record
from tests.phone.ios.plugged import PlugIn

SERVICE = "com.apple.mobile.installation_proxy"


@pytest.fixture
def stranger(cable: Cable) -> Iterator[Peer]:
    """A connection to lockdownd without a session."""
    with Peer(cable.usbmuxd.port) as peer:
        assert peer.connect(LOCKDOWN) == 0
        yield peer


def to_pair(peer: Peer, **changes: object) -> tuple[Message, Message]:
    """Return a whole record of a new pairing, and what of it goes to the phone."""
    public = peer.request("GetValue", Key="DevicePublicKey")["Value"]
    made = make_record(public, system_buid="B", wifi_address="", escrow_bag=b"")
    whole = {**made.whole(), **changes}
    return whole, {**made.for_phone(), **changes}


def answers(peer: Peer, secure: Callable[[], None]) -> bool:
    """Whether lockdownd still answers after TLS has begun this way."""
    try:
        # Under TLS 1.3 a client learns only from the first answer that it was refused.
        secure()
        peer.request("QueryType")
    except (OSError, EOFError):
        return False
    return True


def test_what_anybody_may_ask(stranger: Peer) -> None:
    assert stranger.request("QueryType") == {"Type": "com.apple.mobile.lockdown"}
    assert stranger.request("GetValue", Key="ProductVersion") == {
        "Key": "ProductVersion",
        "Value": "18.5",
    }
    values = stranger.request("GetValue")["Value"]
    assert values["UniqueDeviceID"] == UDID
    assert values["DevicePublicKey"].startswith(b"-----BEGIN RSA PUBLIC KEY-----")
    # Which phone it is stays its owner's secret.
    assert "SerialNumber" not in values
    assert stranger.request("GetValue", Key="SerialNumber")["Error"] == "GetProhibited"
    assert stranger.request("GetValue", Domain="com.apple.mobile.battery")["Value"] == {}


def test_what_a_paired_computer_may_ask(session: Peer) -> None:
    values = session.request("GetValue")["Value"]
    assert (values["SerialNumber"], values["TimeZone"]) == ("F2LVIRTUAL01", "Europe/Vienna")
    assert values["TimeIntervalSince1970"] > 1_700_000_000
    battery = session.request("GetValue", Domain="com.apple.mobile.battery")
    assert battery["Value"]["BatteryCurrentCapacity"] == 80
    one = session.request(
        "GetValue", Domain="com.apple.mobile.battery", Key="BatteryCurrentCapacity"
    )
    assert (one["Value"], one["Domain"]) == (80, "com.apple.mobile.battery")


def test_there_is_no_such_value(session: Peer) -> None:
    for fields in (
        {"Key": "Nothing"},
        {"Key": 7},
        {"Key": "ProductVersion", "Domain": "com.apple.nothing"},
        {"Domain": 7},
        {"Domain": "a b"},
        {"Domain": "a" * 200},
    ):
        assert session.request("GetValue", **fields)["Error"] == "MissingValue", fields


def test_values_that_may_be_changed(session: Peer, cable: Cable) -> None:
    assert session.request("SetValue", Key="DeviceName", Value="Lab")["Result"] == "Success"
    assert session.request("GetValue", Key="DeviceName")["Value"] == "Lab"
    for fields, error in (
        ({"Key": "ProductVersion", "Value": "1"}, "SetProhibited"),
        ({"Key": "DeviceName"}, "MissingValue"),
        ({"Value": "a"}, "MissingKey"),
        ({"Key": "a/b", "Value": "a"}, "MissingKey"),
    ):
        assert session.request("SetValue", **fields)["Error"] == error
    assert session.request("RemoveValue", Key="DeviceName")["Error"] == "RemoveProhibited"
    assert cable.handset.name == "Lab"


def test_a_stranger_changes_nothing(stranger: Peer, cable: Cable) -> None:
    assert stranger.request("SetValue", Key="DeviceName", Value="X")["Error"] == "SetProhibited"
    assert stranger.request("RemoveValue", Key="DeviceName")["Error"] == "RemoveProhibited"
    assert cable.handset.name == "Desk"


def test_services_need_a_session(stranger: Peer, session: Peer) -> None:
    assert stranger.request("StartService", Service=SERVICE) == {"Error": "SessionInactive"}
    started = stranger.request(
        "StartService", Service="com.apple.mobile.insecure_notification_proxy"
    )
    assert started["EnableServiceSSL"] is False
    assert session.request("StartService", Service="com.apple.none") == {"Error": "InvalidService"}
    for name in (None, 7, "a" * 300):
        fields = {} if name is None else {"Service": name}
        assert session.request("StartService", **fields) == {"Error": "MissingService"}


def test_a_started_service_takes_one_connection(cable: Cable, session: Peer) -> None:
    port = session.request("StartService", Service=SERVICE)["Port"]
    with Peer(cable.usbmuxd.port) as one, Peer(cable.usbmuxd.port) as two:
        assert (one.connect(port), two.connect(port)) == (0, 3)


def test_services_that_nobody_fetches_give_way(cable: Cable, session: Peer) -> None:
    ports = [session.request("StartService", Service=SERVICE)["Port"] for _ in range(65)]
    with Peer(cable.usbmuxd.port) as peer:
        assert peer.connect(ports[0]) == 3
        assert peer.connect(ports[1]) == 0
    assert len(set(ports)) == 65


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({}, "MissingHostID"),
        ({"HostID": 7}, "MissingHostID"),
        ({"HostID": "00000000-0000-0000-0000-000000000000"}, "InvalidHostID"),
        ({"HostID": "../device_private_key"}, "InvalidHostID"),
    ],
)
def test_a_computer_that_is_not_paired(stranger: Peer, fields: Message, error: str) -> None:
    assert stranger.request("StartSession", **fields) == {"Error": error}
    assert stranger.request("ValidatePair", PairRecord=fields) == {"Error": error}
    assert stranger.request("Unpair", PairRecord=fields) == {"Error": error}


def test_pairing(stranger: Peer, cable: Cable, tmp_path: Path) -> None:
    whole, sent = to_pair(stranger)
    assert stranger.request("ValidatePair", PairRecord=sent) == {"Error": "InvalidHostID"}
    assert len(stranger.request("Pair", PairRecord=sent)["EscrowBag"]) == 32
    assert stranger.request("ValidatePair", PairRecord=sent) == {"Result": "Success"}
    with open_session(cable.usbmuxd.port, whole, tmp_path) as session:
        assert session.request("GetValue", Key="SerialNumber")["Value"] == "F2LVIRTUAL01"
    assert stranger.request("Unpair", PairRecord=sent) == {"Result": "Success"}
    assert stranger.request("StartSession", HostID=whole["HostID"]) == {"Error": "InvalidHostID"}


@pytest.mark.parametrize(
    ("consent", "error"),
    [
        (Consent.WAIT, "PairingDialogResponsePending"),
        (Consent.REFUSE, "UserDeniedPairing"),
    ],
)
def test_the_user_decides(stranger: Peer, cable: Cable, consent: Consent, error: str) -> None:
    _, sent = to_pair(stranger)
    cable.lockdownd.consent = consent
    assert stranger.request("Pair", PairRecord=sent) == {"Error": error}
    assert stranger.request("ValidatePair", PairRecord=sent) == {"Error": "InvalidHostID"}
    cable.lockdownd.consent = Consent.ACCEPT
    assert "Error" not in stranger.request("Pair", PairRecord=sent)
    # One that is trusted already is not asked about again.
    cable.lockdownd.consent = consent
    assert "Error" not in stranger.request("Pair", PairRecord=sent)


def test_pair_records_that_are_none(stranger: Peer) -> None:
    _, sent = to_pair(stranger)
    other = make_record(public_pem(new_key()), system_buid="B", wifi_address="", escrow_bag=b"")
    assert stranger.request("Pair") == {"Error": "MissingPairRecord"}
    for changes in (
        {"HostID": "../../x"},
        {"HostID": 7},
        {"HostCertificate": b"no certificate"},
        {"HostCertificate": "text"},
        {"RootCertificate": b"-----BEGIN CERTIFICATE-----\n" + b"A" * 100_000},
        # It certifies another phone's key.
        {"DeviceCertificate": other.device_certificate},
    ):
        answer = stranger.request("Pair", PairRecord={**sent, **changes})
        assert answer == {"Error": "InvalidPairRecord"}, changes


def test_pairings_are_limited(plug_in: PlugIn, tmp_path: Path) -> None:
    cable = plug_in(limits=Limits(pairings=1))
    with Peer(cable.usbmuxd.port) as peer:
        peer.connect(LOCKDOWN)
        _, sent = to_pair(peer)
        assert peer.request("Pair", PairRecord=sent) == {"Error": "InvalidPairRecord"}
    assert read_record(cable.usbmuxd.port, UDID)["HostID"] in "".join(
        str(path) for path in tmp_path.rglob("*.plist")
    )


def test_a_session_ends_and_begins_anew(
    session: Peer, record: Message, cable: Cable, tmp_path: Path
) -> None:
    start = {"HostID": record["HostID"], "SystemBUID": record["SystemBUID"]}
    assert session.request("StartSession", **start) == {"Error": "SessionActive"}
    assert session.request("StopSession", SessionID="other") == {"Error": "InvalidSessionID"}
    with Peer(cable.usbmuxd.port) as peer:
        peer.connect(LOCKDOWN)
        assert peer.request("StopSession") == {"Error": "NoRunningSession"}
        number = peer.request("StartSession", **start)["SessionID"]
        peer.secure(record, tmp_path)
        assert isinstance(peer.sock, ssl.SSLSocket)
        assert peer.request("StopSession", SessionID=number) == {"Result": "Success"}
        peer.sock = peer.sock.unwrap()
        assert peer.request("GetValue", Key="SerialNumber")["Error"] == "GetProhibited"
        assert "SessionID" in peer.request("StartSession", **start)
        peer.secure(record, tmp_path)
        assert peer.request("Goodbye") == {"Result": "Success"}
        assert peer.was_closed()


def test_libimobiledevice_shows_the_root(cable: Cable, record: Message, tmp_path: Path) -> None:
    with Peer(cable.usbmuxd.port) as peer:
        peer.connect(LOCKDOWN)
        peer.request("StartSession", HostID=record["HostID"])
        peer.secure(record, tmp_path, who="Root")
        assert peer.request("QueryType")


def test_nobody_else_s_certificate_will_do(
    stranger: Peer, record: Message, cable: Cable, tmp_path: Path
) -> None:
    other, _ = to_pair(stranger)
    stolen = {
        **record,
        **{k: v for k, v in other.items() if k.startswith("Host") and k != "HostID"},
    }
    stranger.request("StartSession", HostID=record["HostID"])
    assert not answers(stranger, lambda: stranger.secure(stolen, tmp_path))
    assert eventually(lambda: "certificate verify failed" in cable.handset.said())


def test_without_a_certificate(stranger: Peer, record: Message, cable: Cable) -> None:
    stranger.request("StartSession", HostID=record["HostID"])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE

    def secure() -> None:
        stranger.sock = context.wrap_socket(stranger.sock)

    assert not answers(stranger, secure)
    assert eventually(lambda: "peer did not return a certificate" in cable.handset.said())


def test_requests_that_are_none(stranger: Peer) -> None:
    assert stranger.request("EnterRecovery") == {"Error": "InvalidRequest"}
    stranger.send({"Ask": "QueryType"})
    assert stranger.was_closed()


def test_the_phones_key_stays(plug_in: PlugIn, record: Message) -> None:
    again = plug_in()
    with Peer(again.usbmuxd.port) as peer:
        peer.connect(LOCKDOWN)
        key = peer.request("GetValue", Key="DevicePublicKey")["Value"]
    certificate = x509.load_pem_x509_certificate(record["DeviceCertificate"])
    assert certificate.public_key().public_bytes(Encoding.PEM, PublicFormat.PKCS1) == key


def test_a_broken_key_is_made_anew(plug_in: PlugIn, tmp_path: Path) -> None:
    before = read_record(plug_in().usbmuxd.port, UDID)
    key = "/private/var/root/Library/Lockdown/device_private_key.pem"
    (tmp_path / "phone").joinpath(key[1:]).write_bytes(b"broken")
    with plugged_in(tmp_path) as again:
        after = read_record(again.usbmuxd.port, UDID)
        assert after["HostID"] != before["HostID"]
        open_session(again.usbmuxd.port, after, tmp_path).sock.close()
