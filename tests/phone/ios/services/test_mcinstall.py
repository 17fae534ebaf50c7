from __future__ import annotations

import plistlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.phone.ios.cable import UDID, Cable
from tests.phone.ios.peer import Message, Peer, open_service, read_record
from tests.phone.ios.plugged import OpenService, PlugIn
from tests.phone.ios.signers import Signer, make_signer

NAME = "com.apple.mobile.MCInstall"
PROFILE: Message = {
    "PayloadType": "Configuration",
    "PayloadIdentifier": "test.lab.ca",
    "PayloadUUID": "8B2D7E1E-0000-4000-8000-000000000001",
    "PayloadVersion": 1,
    "PayloadDisplayName": "Lab CA",
    "PayloadContent": [],
}
CONTENT = plistlib.dumps(PROFILE)
OK = {"Status": "Acknowledged"}


@pytest.fixture(scope="module")
def supervisor() -> Signer:
    return make_signer("Supervisor")


@pytest.fixture
def supervised(plug_in: PlugIn, supervisor: Signer) -> Cable:
    return plug_in(supervisors=[supervisor.der])


@pytest.fixture
def managed(supervised: Cable, tmp_path: Path) -> Iterator[Peer]:
    """A connection to MCInstall of a supervised phone."""
    record = read_record(supervised.usbmuxd.port, UDID)
    with open_service(supervised.usbmuxd.port, record, tmp_path, NAME) as peer:
        yield peer


def ask(peer: Peer, kind: str, **fields: object) -> Message:
    return peer.ask({"RequestType": kind, **fields})


def code(answer: Message) -> int:
    assert answer["Status"] == "Error"
    (reason,) = answer["ErrorChain"]
    assert reason["LocalizedDescription"]
    assert reason["ErrorDomain"].endswith("ErrorDomain")
    return int(reason["ErrorCode"])


@pytest.mark.parametrize("payload", [CONTENT, PROFILE])
def test_a_profile_waits_for_its_user(service: OpenService, cable: Cable, payload: object) -> None:
    peer = service(NAME)
    assert ask(peer, "HelloHostIdentifier") == ask(peer, "Flush") == OK
    assert ask(peer, "InstallProfile", Payload=payload) == OK
    assert plistlib.loads(cable.handset.management.waiting or b"") == PROFILE
    assert ask(peer, "GetProfileList")["OrderedIdentifiers"] == []
    assert code(ask(peer, "InstallProfile")) == 4000
    assert code(ask(peer, "InstallProfile", Payload=b"nonsense")) == 4001
    assert code(ask(peer, "Dance")) == code(peer.ask({})) == 12004


def test_nobody_supervises_this_phone(
    service: OpenService, cable: Cable, supervisor: Signer
) -> None:
    peer = service(NAME)
    assert code(ask(peer, "Escalate", SupervisorCertificate=supervisor.der)) == 54000
    assert code(ask(peer, "InstallProfileSilent", Payload=CONTENT)) == 54001
    assert cable.handset.management.by_id == {}
    configuration = ask(peer, "GetCloudConfiguration")["CloudConfiguration"]
    assert configuration["IsSupervised"] is False
    assert "SupervisorHostCertificates" not in configuration


def test_a_supervisor_installs(managed: Peer, supervised: Cable, supervisor: Signer) -> None:
    challenge = ask(managed, "Escalate", SupervisorCertificate=supervisor.der)["Challenge"]
    signed = supervisor.sign(challenge)
    assert ask(managed, "EscalateResponse", SignedRequest=signed) == OK
    assert ask(managed, "ProceedWithKeybagMigration") == OK
    assert ask(managed, "InstallProfileSilent", Payload=CONTENT) == OK
    assert list(supervised.handset.management.by_id) == ["test.lab.ca"]
    configuration = ask(managed, "GetCloudConfiguration")["CloudConfiguration"]
    assert configuration["IsSupervised"] is True
    assert configuration["SupervisorHostCertificates"] == [supervisor.der]
    listed = ask(managed, "GetProfileList")
    assert listed["OrderedIdentifiers"] == ["test.lab.ca"]
    assert listed["ProfileManifest"] == {"test.lab.ca": {"Description": "Lab CA", "IsActive": True}}
    assert listed["ProfileMetadata"]["test.lab.ca"] == {
        "PayloadDescription": "",
        "PayloadDisplayName": "Lab CA",
        "PayloadOrganization": "",
        "PayloadRemovalDisallowed": False,
        "PayloadUUID": PROFILE["PayloadUUID"],
        "PayloadVersion": 1,
    }


def test_only_a_supervisor_does(managed: Peer, supervised: Cable, supervisor: Signer) -> None:
    stranger = make_signer("Supervisor", serial=supervisor.certificate.serial_number)
    der = {"SupervisorCertificate": supervisor.der}

    def challenge() -> bytes:
        made = ask(managed, "Escalate", **der)["Challenge"]
        assert isinstance(made, bytes)
        return made

    for certificate in (stranger.der, b"none", "text"):
        assert code(ask(managed, "Escalate", SupervisorCertificate=certificate)) == 54001
    # Without a challenge, to another one, by somebody else, and of nothing at all.
    first = challenge()
    for answer in (supervisor.sign(b"else"), stranger.sign(first), b"nonsense", first):
        assert code(ask(managed, "EscalateResponse", SignedRequest=answer)) == 54001
        first = challenge()
    signed = supervisor.sign(first)
    assert code(ask(managed, "EscalateResponse")) == 54001
    # A challenge counts once only.
    assert code(ask(managed, "EscalateResponse", SignedRequest=signed)) == 54001
    assert code(ask(managed, "ProceedWithKeybagMigration")) == 54001
    assert code(ask(managed, "InstallProfileSilent", Payload=CONTENT)) == 54001
    assert supervised.handset.management.by_id == {}


def test_it_counts_on_that_connection_only(
    managed: Peer, supervised: Cable, supervisor: Signer, tmp_path: Path
) -> None:
    challenge = ask(managed, "Escalate", SupervisorCertificate=supervisor.der)["Challenge"]
    assert ask(managed, "EscalateResponse", SignedRequest=supervisor.sign(challenge)) == OK
    record = read_record(supervised.usbmuxd.port, UDID)
    with open_service(supervised.usbmuxd.port, record, tmp_path, NAME) as other:
        assert code(ask(other, "InstallProfileSilent", Payload=CONTENT)) == 54001
    # Nor does it last once another one is to be shown.
    ask(managed, "Escalate", SupervisorCertificate=b"none")
    assert code(ask(managed, "InstallProfileSilent", Payload=CONTENT)) == 54001


@pytest.mark.parametrize(
    "identifier",
    [
        "test.lab.ca",
        b"test.lab.ca",
        plistlib.dumps({"PayloadIdentifier": "test.lab.ca", "PayloadType": "Configuration"}),
    ],
)
def test_a_profile_is_removed(service: OpenService, cable: Cable, identifier: object) -> None:
    cable.handset.management.install(CONTENT)
    peer = service(NAME)
    assert ask(peer, "RemoveProfile", ProfileIdentifier=identifier) == OK
    assert cable.handset.management.by_id == {}
    assert code(ask(peer, "RemoveProfile", ProfileIdentifier=identifier)) == 4001
    assert code(ask(peer, "RemoveProfile")) == code(ask(peer, "RemoveProfile", ProfileIdentifier=7))
