"""Wireshark and the lab's own reader find in the captures of trials what the records say."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from lab.devices.settings import VirtualSettings, load
from lab.evidence.captures import scrubbed
from lab.evidence.verify_captures import disagreements
from lab.model.attack import Adversary
from lab.model.device import WifiKind
from lab.model.trial import Trial
from lab.model.wire import LEAKED, ConnectionRecord, WireClass
from lab.network.kernel.check import check
from lab.trial.bench import Bench
from lab.trial.case import cases
from lab.trial.conductor import conduct
from lab.trial.seat import Seat
from tests.killing import ROOT
from tests.network.kernel.wireshark import Dissected, dissect
from tests.network.needed import or_skip

pytestmark = pytest.mark.whole

ON_CURL = {"untrusted_ca", "cleartext_seen"}
ON_THE_PHONE = {"ipv6_trusted_ca", "neighbour_takes_gateway"}
"""Both versions of TLS, both kinds of addresses, what is in clear, what is passed on."""

FAREWELL = 31
"""Bytes of a close_notify in a record of its own, at most (TLS 1.2 with an explicit nonce)."""

Run = list[tuple[Trial, bytes]]
"""Trials, each with its capture as it was made: with all secrets."""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    with or_skip():
        check()
    done: Run = []
    captures: list[bytes] = []

    def keep(content: bytes) -> str:
        captures.append(content)
        return "captures/x.pcapng"

    curl = load(ROOT / "devices.yaml").device("curl")
    phone = VirtualSettings(id="phone", platform="virtual")
    with Bench(tmp_path_factory.mktemp("bench"), WifiKind.KERNEL) as bench:
        for number, (settings, slugs) in enumerate([(curl, ON_CURL), (phone, ON_THE_PHONE)]):
            with bench.device(settings, number) as device:
                seat = Seat(bench, device, lambda png: None, keep_capture=keep)
                for case in cases(Adversary.ROGUE_WIFI):
                    if case.entry.slug in slugs:
                        done.append((conduct(seat, case), captures[-1]))
    return done


def _own(trial: Trial) -> list[ConnectionRecord]:
    """Return the connections of a trial on the captured network."""
    return [c for phase in trial.phases for c in phase.connections if c.crossed is not None]


def test_the_labs_own_reader_finds_the_same(run: Run) -> None:
    assert sum(len(_own(trial)) for trial, _ in run) > 15
    for trial, content in run:
        assert _own(trial)
        assert list(disagreements(trial, content)) == []
        # As a bundle has it, too.
        assert list(disagreements(trial, scrubbed(content)[0])) == []


@pytest.mark.skipif(shutil.which("tshark") is None, reason="needs tshark")
def test_wireshark_finds_the_same(run: Run, tmp_path: Path) -> None:
    files = [tmp_path / f"{number}.pcapng" for number in range(len(run))]
    for file, (_, content) in zip(files, run, strict=True):
        file.write_bytes(content)
    # Those of earlier stages are in no record.
    streams = 2 * sum(len(_own(trial)) for trial, _ in run)
    found = dissect(files, tmp_path, streams)
    classes = set[WireClass]()
    for (trial, _), seen in zip(run, found, strict=True):
        for record in _own(trial):
            _agree(record, seen[record.peer])
            classes.add(record.wire_class)
    assert classes >= {*LEAKED, WireClass.HANDSHAKE_REJECTED, WireClass.RELAYED}


def _agree(record: ConnectionRecord, seen: Dissected) -> None:
    assert seen.name == record.sni
    assert record.crossed is not None
    # The farewell of one that was left open is in the next scenario's capture.
    if record.closed_at is not None:
        assert len(seen.sent) == record.crossed.bytes[0]
    if record.wire_class is WireClass.RELAYED:
        # Nobody here has its secrets. One that is parted with after the record was made says so.
        more = len(seen.sent) - record.relayed_bytes[0]
        assert seen.said == b""
        assert more == 0 or (record.closed_at is None and 0 < more <= FAREWELL)
        return
    assert seen.chain == record.served_chain
    assert seen.alerts == ([] if record.alert is None else [record.alert.code])
    said = seen.sent if record.wire_class is WireClass.CLEARTEXT else seen.said
    assert len(said) == record.client_bytes
    if record.wire_class in LEAKED and record.alpn != "h2":
        assert record.request is not None
        assert said.decode("latin-1").startswith(" ".join(record.request.split()[:2]))
