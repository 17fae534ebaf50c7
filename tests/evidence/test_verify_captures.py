"""A record and its capture that tell different stories: each difference is told by itself."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lab.evidence.captures import scrubbed
from lab.evidence.verify_captures import disagreements
from lab.model.trial import Trial
from lab.model.wire import Alert, ConnectionRecord, Crossing, WireClass
from lab.network.kernel.pcapng import Frame, capture, frames_of
from lab.network.kernel.segments import conversations
from lab.pki.hierarchy import LabPki
from tests.evidence.tls_talks import HOST, talk
from tests.judge.builders import attack_phase, trial
from tests.network.kernel.frames import CLIENT, FIN, spoken, tcp

UNKNOWN_CA = Alert(48, "unknown_ca", sent_by_client=True)
IN_CLEAR = b"GET / HTTP/1.1\r\nHost: api.acme.test\r\n\r\n"


def captured(frames: list[bytes], key_log: tuple[bytes, ...] = ()) -> bytes:
    """Return a capture as a bundle has it."""
    packets = [Frame(number, frame) for number, frame in enumerate(frames)]
    return scrubbed(capture("port0", packets, key_log))[0]


@pytest.fixture(scope="module")
def accepted(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, ConnectionRecord]:
    return _talked(tmp_path_factory.mktemp("talk"), trusts=True)


@pytest.fixture(scope="module")
def refused(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, ConnectionRecord]:
    return _talked(tmp_path_factory.mktemp("talk"), trusts=False)


def _talked(folder: Path, *, trusts: bool) -> tuple[bytes, ConnectionRecord]:
    said = b"GET / HTTP/1.1\r\n\r\n"
    found = talk(LabPki(("acme.test",)), folder, trusts=trusts, said=said)
    content = captured(spoken(found.up, found.down), found.key_log)
    (conversation,) = conversations(frames_of(content))
    record = ConnectionRecord(
        1,
        "phone",
        1,
        str(CLIENT),
        HOST,
        443,
        WireClass.INTERCEPTED if trusts else WireClass.HANDSHAKE_REJECTED,
        sni=HOST,
        served_chain=found.chain,
        client_bytes=len(said) if trusts else 0,
        alert=None if trusts else UNKNOWN_CA,
        crossed=conversation.crossing,
    )
    return content, record


def of(record: ConnectionRecord) -> Trial:
    """Return a trial with this one connection on a captured network."""
    made = trial(attack=attack_phase(connections=(record,)))
    return replace(
        made,
        baseline=replace(made.baseline, connections=()),
        recovery=replace(made.recovery, connections=()),
        control=None,
    )


def told(content: bytes, record: ConnectionRecord, **changes: Any) -> list[str]:
    return list(disagreements(of(replace(record, **changes)), content))


@pytest.mark.parametrize("which", ["accepted", "refused"])
def test_what_agrees_is_not_told(which: str, request: pytest.FixtureRequest) -> None:
    content, record = request.getfixturevalue(which)
    assert told(content, record) == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"sni": "other.acme.test"}, f"it asks for {HOST}, but by the record for other.acme.test"),
        ({"sni": None}, f"it asks for {HOST}, but by the record for None"),
        ({"served_chain": ("ab" * 32,)}, "but by the record abababababababab…"),
        ({"served_chain": ()}, "but by the record no certificates"),
        ({"client_bytes": 0}, "18 application bytes, but by the record 0"),
        ({"client_bytes": 19}, "18 application bytes, but by the record 19"),
        (
            {"crossed": Crossing((3, 9), (1, 2))},
            "but by the record 3 up, 9 down and 1 up, 2 down",
        ),
        ({"crossed": None}, "it is there, and the record counts no packets of it"),
        ({"peer": "192.168.43.10:40009"}, "it is not there"),
        (
            {"wire_class": WireClass.RELAYED, "relayed_bytes": (10**6, 0)},
            "but 1000000 up, 0 down were passed on",
        ),
    ],
)  # fmt: skip
def test_each_difference_is_told(
    accepted: tuple[bytes, ConnectionRecord], changes: dict[str, Any], words: str
) -> None:
    (text,) = told(*accepted, **changes)
    assert text.startswith("connection 1 from 192.168.43.")
    assert text.endswith(words)


def test_alerts_are_compared(refused: tuple[bytes, ConnectionRecord]) -> None:
    content, record = refused
    assert [text.partition(": ")[2] for text in told(content, record, alert=None)] == [
        "alert 48 of the client, but by the record none"
    ]
    other = replace(UNKNOWN_CA, code=46)
    assert [text.partition(": ")[2] for text in told(content, record, alert=other)] == [
        "no alert 46 of the client, but one by the record"
    ]


def test_a_refusal_that_was_none_is_told(accepted: tuple[bytes, ConnectionRecord]) -> None:
    zero: dict[str, Any] = {"wire_class": WireClass.ESTABLISHED_ZERO_APPDATA, "client_bytes": 0}
    assert len(told(*accepted, **zero)) == 1


def test_a_connection_in_clear_is_counted() -> None:
    content = captured(spoken(IN_CLEAR, b"HTTP/1.1 200 OK\r\n\r\n"))
    (conversation,) = conversations(frames_of(content))
    record = ConnectionRecord(
        1, "phone", 1, str(CLIENT), HOST, 80, WireClass.CLEARTEXT,
        client_bytes=len(IN_CLEAR), crossed=conversation.crossing,
    )  # fmt: skip
    assert told(content, record) == []
    assert len(told(content, record, client_bytes=len(IN_CLEAR) + 1)) == 1


def test_what_has_gaps_is_not_read(accepted: tuple[bytes, ConnectionRecord]) -> None:
    content, record = accepted
    frames = [*spoken(b"half of it", b""), tcp(number=900, flags=FIN, said=b"the end")]
    content = captured(frames)
    (conversation,) = conversations(frames_of(content))
    assert told(content, record, crossed=conversation.crossing) == []


def test_connections_on_other_networks_are_not_looked_for(
    accepted: tuple[bytes, ConnectionRecord],
) -> None:
    content, record = accepted
    assert told(content, record, peer="192.168.1.10:40000", crossed=None) == []
