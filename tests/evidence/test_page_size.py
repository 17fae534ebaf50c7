"""However much there is to tell, the page stays small, and says what it leaves out."""

from __future__ import annotations

from dataclasses import replace

from lab.evidence.html import MOST_ITEMS, MOST_LOG_LINES, ROOM
from lab.evidence.timeline import MOST_ROWS
from tests.evidence.builders import failed, judged, passed, png
from tests.evidence.pages import page
from tests.judge import builders


def test_floods_are_cut_and_said_to_be() -> None:
    flood = builders.attack_phase(
        outcome=builders.refused(log=tuple(f"line-{n}" for n in range(999)), message="x" * 99_999),
        connections=tuple(builders.connection(id=n) for n in range(999)),
    )
    reports = tuple(builders.report() for _ in range(999))
    text = page(judged(builders.trial(attack=flood, reports=reports)))
    assert f"{999 - MOST_LOG_LINES} earlier lines are in results.json" in text
    assert "line-998" in text
    assert f"line-{998 - MOST_LOG_LINES}\n" not in text
    assert f"{999 - MOST_ROWS} more in results.json" in text
    assert f"{999 - MOST_ITEMS} more reports in results.json" in text
    bare = page(passed())
    assert len(text) - len(bare) < 70_000


def test_two_hundred_scenarios_on_five_devices_stay_small() -> None:
    shots = [png(160, 160, noise=True) for _ in range(40)]
    said = tuple(f"   Line {n} of what the app has to say about its request" for n in range(9))
    seen = builders.connection(
        alpn_offered=("h2", "http/1.1"), alpn="h2", tls_version="TLSv1.3", opened_at=1000.4,
        closed_at=1000.5,
    )  # fmt: skip
    apart = builders.connection(host="reports.acme.test", sni="reports.acme.test")
    attack = builders.attack_phase(
        connections=(seen, apart), outcome=builders.refused(log=said, message="x" * 80)
    )
    good = judged(builders.trial(attack=attack), explain="Why it goes wrong: " + "word " * 120)
    bad = failed(explain=good.explain)
    results = [
        replace(
            bad if case % 20 == 0 else good,
            node=f"scenarios/test_compromised_ca.py::test_compromised_ca[{device}-{case}]",
            case=f"C{case}",
            title=f"An attack with a title of some length, number {case}",
            device=f"device-{device}",
            screenshots=(("attack", f"screenshots/{(case + device) % 40}.png"),),
        )
        for case in range(200)
        for device in range(5)
    ]
    files = {f"screenshots/{n}.png": shot for n, shot in enumerate(shots)}
    text = page(*results, read=files.get)
    assert text.count('<details class="v') == 1000
    assert "no room for more" not in text
    assert len(text.encode()) < 5_000_000


def test_more_than_a_page_can_hold_is_told_in_a_line_each() -> None:
    line = "é" * 380
    flood = builders.attack_phase(
        outcome=builders.refused(log=(line,) * MOST_LOG_LINES),
        connections=tuple(builders.intercepted(id=n, note=line) for n in range(MOST_ITEMS)),
    )
    result = judged(builders.trial(attack=flood))
    text = page(*(replace(result, node=f"n{n}") for n in range(120)))
    assert len(text.encode()) < ROOM + 700_000
    assert text.count('<details class="v f"') == 120
    assert 0 < text.count("This page has no room for more of it") < 120
    assert "n119" in text
