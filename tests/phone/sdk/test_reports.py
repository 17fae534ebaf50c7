from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.backend import report_format
from lab.model.pins import Pin, PinKind
from lab.phone.sdk.reports import (
    CAPACITY,
    FOLDER,
    MAX_BODY,
    Failure,
    QueuedReport,
    ReportQueue,
    write_report,
)
from lab.pki.authority import Authority
from tests.phone.sdk.phones import NOON

SERVED = Authority.root("Reports Root").subordinate("Reports CA").issue("api.acme.test")
PINS = (
    Pin(PinKind.SPKI_SHA256, "SZOpfz5NlDKsR1ZS1/Q8i5BEpnoEXY6Y5a8ALZJ3Vrk="),
    Pin(PinKind.LEAF_SHA512, "QUJD" * 21 + "QQ==", expires_at=1),
)


def failure(**changes: object) -> Failure:
    usual: dict[str, object] = {
        "host": "api.acme.test",
        "port": 8443,
        "at": NOON + 0.25,
        "error": "PinsMismatch",
        "chain": SERVED.chain_der,
        "pins": PINS,
    }
    return Failure(**{**usual, **changes})  # type: ignore[arg-type]


def test_a_report_is_what_the_collector_takes() -> None:
    written = write_report(failure(), "phone-1")
    read = report_format.parse(written.body)
    assert (read.id, read.host, read.error) == (written.id, written.host, written.error)
    assert (read.host, read.port, read.at) == ("api.acme.test", 8443, NOON + 0.25)
    assert read.error == "PinsMismatch"
    assert read.served_chain == SERVED.digests
    assert read.known_pins == tuple(f"{pin.kind}={pin.digest}" for pin in PINS)
    assert read.device == "phone-1"


def test_each_report_is_another_one() -> None:
    assert len({write_report(failure()).id for _ in range(20)}) == 20


def test_a_report_tells_nothing_beyond_that() -> None:
    assert set(json.loads(write_report(failure()).body)) == {
        *("report-id", "date-time", "hostname", "port", "error"),
        *("served-certificate-chain", "known-pins"),
    }


@pytest.mark.parametrize(
    ("device", "named"),
    [
        ("p" * 300, "p" * 128),
        ("phone\n\u202e-1", "phone-1"),
        ("\0\n", ""),
        ("T\u00e9l", "T\u00e9l"),
    ],
)
def test_a_device_is_named_as_the_collector_takes_it(device: str, named: str) -> None:
    assert report_format.parse(write_report(failure(), device).body).device == named


def test_a_host_without_pins_has_none_to_quote() -> None:
    written = write_report(failure(pins=(), error="DomainNotRegistered"))
    assert report_format.parse(written.body).known_pins == ()


def test_an_attacker_cannot_make_a_report_too_large() -> None:
    bulky = SERVED.chain_der[0] + bytes(50_000)
    bulky = b"\x30\x83" + len(bulky).to_bytes(3, "big") + bulky
    written = write_report(failure(chain=(SERVED.chain_der[0], *[bulky] * 63), pins=PINS * 200))
    assert len(written.body) <= MAX_BODY == report_format.MAX_SIZE
    read = report_format.parse(written.body)
    assert read.served_chain[0] == SERVED.digests[0]
    assert len(read.served_chain) == 4
    assert len(read.known_pins) == report_format.MAX_PINS


@given(
    st.floats(0, 4_102_444_800),
    st.text(max_size=300),
    st.sampled_from(["PinsMismatch", "AllPinsExpired", "DomainNotRegistered"]),
    st.integers(1, 65_535),
    st.integers(1, 64),
)
def test_every_report_is_taken(at: float, device: str, error: str, port: int, length: int) -> None:
    chain = (SERVED.chain_der * length)[:length]
    written = write_report(failure(at=at, error=error, port=port, chain=chain), device)
    read = report_format.parse(written.body)
    assert read.at == pytest.approx(at, abs=0.001)
    assert (read.error, read.port, len(read.served_chain)) == (error, port, length)


class Waiting:
    def __init__(self, directory: Path, capacity: int = CAPACITY) -> None:
        self.complaints: list[str] = []
        self.queue = ReportQueue(directory, self.complaints.append, capacity)

    @property
    def ids(self) -> list[str]:
        return [report.id for report in self.queue._waiting.values()]


def test_the_oldest_is_first(tmp_path: Path) -> None:
    queue = Waiting(tmp_path).queue
    assert queue.first() is None
    reports = [write_report(failure()) for _ in range(3)]
    for report in reports:
        queue.add(report)
    assert len(queue) == 3
    for report in reports:
        assert queue.first() == report
        queue.remove(report)
        queue.remove(report)
    assert queue.first() is None
    assert list((tmp_path / FOLDER).iterdir()) == []


def test_the_queue_survives_a_restart(tmp_path: Path) -> None:
    first = Waiting(tmp_path)
    reports = [write_report(failure()) for _ in range(12)]
    for report in reports:
        first.queue.add(report)
    first.queue.remove(reports[0])
    again = Waiting(tmp_path)
    added = write_report(failure())
    again.queue.add(added)
    assert Waiting(tmp_path).ids == again.ids == [r.id for r in (*reports[1:], added)]
    assert again.queue.first() == reports[1]


def test_files_are_private(tmp_path: Path) -> None:
    Waiting(tmp_path).queue.add(write_report(failure()))
    (path,) = (tmp_path / FOLDER).iterdir()
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff",
        b"[]",
        b"{}",
        b"[" * 100_000,
        b'{"report-id": 1, "hostname": "a.test", "error": "PinsMismatch"}',
        b" " * (MAX_BODY + 1),
    ],
)
def test_damaged_files_are_ignored_and_told(tmp_path: Path, content: bytes) -> None:
    first = Waiting(tmp_path)
    reports = [write_report(failure()) for _ in range(2)]
    for report in reports:
        first.queue.add(report)
    damaged = sorted((tmp_path / FOLDER).iterdir())[0]
    damaged.write_bytes(content)
    (tmp_path / FOLDER / "2nd.json").write_bytes(reports[0].body)
    (tmp_path / FOLDER / "notes.txt").write_bytes(b"")
    again = Waiting(tmp_path)
    assert again.ids == [reports[1].id]
    assert again.complaints == [
        f"{name} is no failure report and is ignored" for name in (damaged.name, "2nd.json")
    ]


def test_a_disk_that_fails_costs_no_report(tmp_path: Path) -> None:
    (tmp_path / FOLDER).write_bytes(b"in the way")
    waiting = Waiting(tmp_path)
    report = write_report(failure())
    waiting.queue.add(report)
    assert waiting.queue.first() == report
    waiting.queue.remove(report)
    assert waiting.queue.first() is None
    assert "could not be stored" in waiting.complaints[0]
    assert not any(str(tmp_path) in complaint for complaint in waiting.complaints)


def about(host: str, error: str) -> QueuedReport:
    return write_report(failure(host=host, error=error))


def test_a_flood_does_not_wash_away_what_happened(tmp_path: Path) -> None:
    waiting = Waiting(tmp_path, capacity=6)
    kinds = [("a.test", "PinsMismatch"), ("b.test", "PinsMismatch"), ("a.test", "AllPinsExpired")]
    first = [about(*kind) for kind in kinds]
    flood = [about("a.test", "PinsMismatch") for _ in range(50)]
    for report in [*first, *flood]:
        waiting.queue.add(report)
    assert waiting.ids == [report.id for report in [*first, *flood[-3:]]]
    assert len(waiting.complaints) == 47
    assert len(list((tmp_path / FOLDER).iterdir())) == 6
    assert Waiting(tmp_path, capacity=6).ids == waiting.ids


def test_a_smaller_capacity_holds_for_what_is_found(tmp_path: Path) -> None:
    reports = [about(f"{number}.test", "PinsMismatch") for number in range(6)]
    for report in reports:
        Waiting(tmp_path).queue.add(report)
    assert Waiting(tmp_path, capacity=3).ids == [reports[n].id for n in (0, 4, 5)]


ERRORS = ["PinsMismatch", "AllPinsExpired", "DomainNotRegistered"]


@settings(max_examples=60)
@given(
    st.lists(
        st.one_of(
            st.tuples(st.sampled_from("abcde"), st.sampled_from(ERRORS)),
            st.just("deliver"),
            st.just("restart"),
        ),
        max_size=40,
    )
)
def test_the_queue_keeps_its_promises(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, str] | str]
) -> None:
    """In order, never too long, and what is the first of its error stays until delivered."""
    directory = tmp_path_factory.mktemp("queue")
    waiting = Waiting(directory, capacity=4)
    filed: list[str] = []
    first_of: dict[str, str] = {}
    for step in steps:
        if step == "restart":
            waiting = Waiting(directory, capacity=4)
        elif step == "deliver":
            if (first := waiting.queue.first()) is not None:
                waiting.queue.remove(first)
                first_of.pop(first.error, None)
                rest = [r for r in waiting.queue._waiting.values() if r.error == first.error]
                if rest:
                    first_of[first.error] = rest[0].id
        else:
            report = about(*step)
            waiting.queue.add(report)
            filed.append(report.id)
            first_of.setdefault(report.error, report.id)
        assert len(waiting.queue) <= 4
        assert waiting.ids == sorted(waiting.ids, key=filed.index)
        assert set(first_of.values()) <= set(waiting.ids)
