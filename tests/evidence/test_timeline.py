from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.evidence.timeline import MOST_ROWS, WIDTH, Event, Look, Source, look_of, make_timeline
from lab.model.monitored import MonitoredConnection
from lab.model.trial import Phase, PhaseName, Trial
from lab.model.wire import Lookup, WireClass
from tests.judge import builders


def at(opened: float, closed: float | None, phase: Phase) -> Phase:
    (connection,) = phase.connections
    return replace(phase, connections=(replace(connection, opened_at=opened, closed_at=closed),))


def timed() -> Trial:
    return builders.trial(
        baseline=at(1000.0, 1000.2, builders.benign(PhaseName.BASELINE)),
        attack=at(1000.25, 1000.5, builders.attack_phase()),
        control=at(1000.5, 1000.75, builders.control_phase()),
        recovery=at(1000.75, None, builders.benign(PhaseName.RECOVERY)),
        reports=(builders.report(received_at=1000.9),),
    )


def events(trial: Trial, phase: PhaseName, *, brief: bool = False) -> tuple[Event, ...]:
    line = make_timeline(trial, brief=brief)
    return next(section.events for section in line.sections if section.name == phase)


def told(event: Event) -> str:
    return " → ".join([*event.steps, event.came_to])


def test_sections_are_the_phases_in_order() -> None:
    line = make_timeline(timed())
    assert [section.title for section in line.sections] == [
        "Before: benign request",
        "Attack",
        "Control: unpinned client",
        "After: benign request",
    ]
    assert line.span == pytest.approx(1.0)


def test_all_witnesses_stand_in_one_order_of_time() -> None:
    question = Lookup("phone", 1, builders.HOST, "A", "192.0.2.1", 1000.24)
    trial = timed()
    trial = replace(
        trial,
        attack=replace(trial.attack, lookups=(question,)),
        reports=(builders.report(received_at=1000.3),),
    )
    found = events(trial, PhaseName.ATTACK)
    assert [e.source for e in found] == [Source.DNS, Source.WIRE, Source.REPORT, Source.APP]
    assert [e.at for e in found] == [
        pytest.approx(0.24),
        pytest.approx(0.25),
        pytest.approx(0.3),
        None,
    ]
    assert told(found[0]) == "api.acme.test A → 192.0.2.1"


def test_a_connection_tells_its_story_from_syn_to_end() -> None:
    rejected = builders.connection(
        WireClass.HANDSHAKE_REJECTED,
        alpn_offered=("h2", "http/1.1"),
        alert=builders.alert(48, "unknown_ca"),
        early_data=True,
    )
    (event, _) = events(
        builders.trial(attack=builders.attack_phase(connections=(rejected,)), reports=()),
        PhaseName.ATTACK,
    )
    assert told(event) == (
        "SYN to api.acme.test:443 → ClientHello api.acme.test, offers h2, http/1.1, announces "
        "early data → the attack's chain aaaaaaaa… +1 → alert unknown_ca (48) from the client"
    )


@pytest.mark.parametrize(
    ("wire_class", "changes", "came_to"),
    [
        (WireClass.TCP_ONLY, {}, "no ClientHello"),
        (WireClass.HANDSHAKE_REJECTED, {}, "handshake broken off"),
        (WireClass.HANDSHAKE_REJECTED, {"note": "reset"}, "ended: reset"),
        (
            WireClass.ESTABLISHED_ZERO_APPDATA,
            {},
            "handshake finished, 0 bytes of application data",
        ),
        (WireClass.PREFACE_ONLY, {}, "HTTP/2 preface alone, no request"),
        (
            WireClass.INTERCEPTED,
            {"client_bytes": 1, "request": "GET /"},
            "1 byte read: GET /",
        ),
        (
            WireClass.RELAYED,
            {"relayed_bytes": (3, 4)},
            "passed through unopened, 3 bytes from and 4 to the client",
        ),
    ],
)
def test_a_connection_says_what_it_came_to(
    wire_class: WireClass, changes: dict[str, object], came_to: str
) -> None:
    connection = builders.connection(wire_class, **changes)
    trial = builders.trial(attack=builders.attack_phase(connections=(connection,)))
    assert events(trial, PhaseName.ATTACK)[0].came_to == came_to


def test_clear_text_has_no_hello_and_no_chain() -> None:
    clear = builders.connection(WireClass.CLEARTEXT, client_bytes=5)
    trial = builders.trial(attack=builders.attack_phase(connections=(clear,)))
    assert events(trial, PhaseName.ATTACK)[0].steps == ("SYN to api.acme.test:443",)


def test_lost_data_is_marked_and_only_where_it_must_not_be_read() -> None:
    spilt = replace(timed(), attack=builders.attack_phase(connections=(builders.intercepted(),)))
    assert [e.leaked for e in events(spilt, PhaseName.ATTACK)] == [True, False]
    for phase in (PhaseName.BASELINE, PhaseName.CONTROL, PhaseName.RECOVERY):
        assert not any(e.leaked for e in events(spilt, phase))
    in_clear = (builders.connection(WireClass.CLEARTEXT),)
    baseline = replace(spilt.baseline, connections=in_clear)
    control = builders.control_phase(connections=in_clear)
    trial = replace(spilt, baseline=baseline, control=control)
    assert [e.leaked for e in events(trial, PhaseName.BASELINE)] == [True, False]
    assert not any(e.leaked for e in events(trial, PhaseName.CONTROL))


def test_what_is_beside_the_matter_is_set_aside() -> None:
    connections = (
        builders.connection(),
        builders.connection(host="other.test", sni="other.test"),
        builders.connection(foreign=True),
    )
    trial = builders.trial(attack=builders.attack_phase(connections=connections), reports=())
    assert [e.aside for e in events(trial, PhaseName.ATTACK)][:3] == [False, True, True]


def test_a_report_belongs_to_the_phase_in_which_it_came() -> None:
    found = events(timed(), PhaseName.RECOVERY)
    assert [e.source for e in found] == [Source.WIRE, Source.REPORT, Source.APP]
    assert told(found[1]).startswith(
        "received PinsMismatch → api.acme.test:443 → chain: as served → pins: as published"
    )
    odd = builders.report(served_chain=("ee" * 32,), known_pins=("x",), received_at=1000.9)
    (_, wrong, _) = events(replace(timed(), reports=(odd,)), PhaseName.RECOVERY)
    assert wrong.steps[2:] == ("chain: another one", "pins: other ones")


def test_a_brief_line_has_one_row_for_what_went_as_it_should() -> None:
    short = replace(timed(), reports=())
    assert len(events(short, PhaseName.BASELINE, brief=True)) == 1
    assert len(events(short, PhaseName.BASELINE)) == 2
    assert len(events(short, PhaseName.ATTACK, brief=True)) == 2
    broken = replace(short.baseline, outcome=builders.refused())
    assert len(events(replace(short, baseline=broken), PhaseName.BASELINE, brief=True)) == 2


def test_bars_stand_where_their_time_is() -> None:
    bars = [events(timed(), phase)[0] for phase in PhaseName]
    assert [bar.x for bar in bars] == pytest.approx([0, 25, 50, 75], abs=0.1)
    assert bars[-1].x + bars[-1].width == pytest.approx(WIDTH, abs=0.1)
    assert [bar.look for bar in bars] == [Look.READ, Look.KEPT, Look.READ, Look.READ]


def test_without_times_there_are_no_bars() -> None:
    bare = builders.trial(started_at=0.0, ended_at=0.0, reports=())
    line = make_timeline(bare)
    assert line.span == 0
    assert all(e.at is None for section in line.sections for e in section.events)


def test_a_flood_is_cut_and_counted() -> None:
    many = tuple(builders.connection(id=n) for n in range(MOST_ROWS + 7))
    trial = builders.trial(attack=builders.attack_phase(connections=many), reports=())
    section = make_timeline(trial).sections[1]
    assert len(section.events) == MOST_ROWS + 1
    assert section.left_out == 7


@pytest.mark.parametrize(
    ("wire_class", "look"),
    [
        (WireClass.CLEARTEXT, Look.READ),
        (WireClass.RELAYED, Look.RELAYED),
        (WireClass.TCP_ONLY, Look.STUB),
        (WireClass.PREFACE_ONLY, Look.KEPT),
    ],
)
def test_looks_tell_what_was_read(wire_class: WireClass, look: Look) -> None:
    assert look_of(wire_class) is look


@given(st.floats(0, 2e9), st.none() | st.floats(0, 2e9), st.floats(0, 2e9), st.floats(0, 2e9))
def test_bars_stay_on_their_track_whatever_the_clocks_say(
    opened: float, closed: float | None, started: float, received: float
) -> None:
    trial = builders.trial(
        attack=at(opened, closed, builders.attack_phase()),
        started_at=started,
        reports=(builders.report(received_at=received),),
    )
    line = make_timeline(trial)
    found = [e for section in line.sections for e in section.events]
    assert all(0 <= e.x <= e.x + e.width <= WIDTH + 0.1 for e in found)
    assert sum(e.source is Source.REPORT for e in found) == 1


def test_what_the_phone_itself_saw_stands_beside_what_the_app_said() -> None:
    ours = MonitoredConnection(
        412, "tcp", "127.0.0.1:50000", "127.0.0.1:8080", "en0", True, sent_bytes=5, received_bytes=6
    )
    past = replace(ours, remote="203.0.113.9:443", interface="pdp_ip0", on_route=False)
    outcome = builders.refused(monitored=(ours, past))
    trial = replace(timed(), attack=builders.attack_phase(outcome=outcome))
    (said,) = (e for e in events(trial, PhaseName.ATTACK) if e.source is Source.APP)
    monitor = "the phone's network monitor: tcp to"
    assert said.log == (
        f"{monitor} 127.0.0.1:8080 over en0, on the lab's route, 5 bytes out, 6 in",
        f"{monitor} 203.0.113.9:443 over pdp_ip0, PAST the lab's route, 5 bytes out, 6 in",
    )
