from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from itertools import pairwise
from typing import Any

import lxml.html
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lab.evidence.record import ScenarioResult
from lab.model.outcome import Answer, AppOutcome, ErrorKind
from lab.model.verdict import Verdict
from lab.model.wire import Alert, Lookup, WireClass
from tests.evidence.builders import (
    PHONE,
    failed,
    inconclusive,
    judged,
    lab_error,
    passed,
    png,
    skipped,
)
from tests.evidence.pages import page, parsed
from tests.judge import builders

IN_THE_BUNDLE = ("#", "data:image/", "screenshots/", "certificates/", "records/")
EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"


def hostile() -> ScenarioResult:
    """A result in which everything that a device or an app can choose is hostile."""
    connection = builders.connection(
        host=EVIL,
        sni=EVIL,
        alpn=EVIL,
        alpn_offered=(EVIL,),
        tls_version=EVIL,
        request=EVIL,
        note=EVIL,
        alert=Alert(40, EVIL, sent_by_client=True),
        served_chain=(EVIL, EVIL),
    )
    outcome = AppOutcome(
        Answer.REFUSED, frozenset({ErrorKind.PIN}), EVIL, EVIL, (EVIL, EVIL), screenshot=EVIL
    )
    phase = builders.attack_phase(
        host=EVIL,
        outcome=outcome,
        connections=(connection,),
        lookups=(Lookup(EVIL, 1, EVIL, EVIL, EVIL, 0.0),),
    )
    report = builders.report(id=EVIL, host=EVIL, error=EVIL, known_pins=(EVIL,), device=EVIL)
    trial = builders.trial(attack=phase, host=EVIL, served_chain=(EVIL,), reports=(report,))
    return judged(
        trial,
        node=EVIL,
        case=EVIL,
        title=EVIL,
        variant=EVIL,
        adversary=EVIL,
        device=EVIL,
        served=EVIL,
        correct=EVIL,
        explain=EVIL,
        screenshots=((EVIL, EVIL),),
    )


def run_of(text: str) -> dict[str, Any]:
    device = replace(PHONE, id=text, model=text, app=text, details={text: text})
    return {
        "run_id": text, "lab": text, "command": (text,), "platform": text,
        "devices": (device,), "complete": False, "incomplete_because": text,
    }  # fmt: skip


def assert_harmless(text: str) -> None:
    tree = lxml.html.fromstring(text)
    assert len(tree.findall(".//script")) == 1
    assert not tree.findall(".//img")
    names = {str(name) for element in tree.iter() for name in element.attrib}
    assert not {name for name in names if name.startswith("on")}
    assert "style" not in names


def test_what_devices_say_stays_text() -> None:
    text = page(hostile(), skipped(EVIL, device=EVIL), **run_of(EVIL))
    assert_harmless(text)
    assert "&lt;script&gt;" in text


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(alphabet="<>\"'&/=;{}%#! \n\x00scriptone-]", min_size=1))
def test_any_text_stays_text(text: str) -> None:
    words = AppOutcome(
        Answer.REFUSED, frozenset({ErrorKind.PIN}), text, text, (text,), (text,), text
    )
    attack = builders.attack_phase(outcome=words)
    result = judged(builders.trial(attack=attack), title=text, device=text, explain=text)
    assert_harmless(page(result, skipped(text), **run_of(text)))


def test_control_characters_are_shown_not_obeyed() -> None:
    text = page(passed(title="a\x1bb\u202ec\x00"))
    assert "a\\x1bb\\u202ec\\x00" in text
    assert not re.search("[\x00\x1b\u202e]", text)


def test_nothing_is_fetched() -> None:
    shot = passed(screenshots=(("attack", "screenshots/a.png"),))
    tree = parsed(shot, failed(), read=lambda _: png())
    targets = tree.xpath("//@src | //@href | //@data | //@srcset | //@action | //@poster")
    assert targets
    for text in map(str, targets):
        assert text.startswith(IN_THE_BUNDLE), text
    assert "screenshots/a.png" in tree.xpath("//a/@href")
    (style,) = tree.findall(".//style")
    assert "url(" not in style.text
    assert "@import" not in style.text


def test_only_the_labs_own_script_and_style_may_run() -> None:
    tree = parsed(passed())
    (policy,) = tree.xpath('//meta[@http-equiv="Content-Security-Policy"]/@content')
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    for tag in ("script", "style"):
        (element,) = tree.findall(f".//{tag}")
        digest = base64.b64encode(hashlib.sha256(element.text.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy


def test_the_heading_says_it_in_plain_words() -> None:
    tree = parsed(passed(), passed(), skipped(), skipped(), skipped())
    assert tree.findtext(".//h1") == "2 of 2 attacks refused."
    assert tree.xpath('string(//p[@class="also"])') == "3 not applicable."
    assert tree.xpath('string(//p[@class="stamp"])') == "PASS"


@pytest.mark.parametrize(
    ("results", "stamp"),
    [
        ([failed(), passed()], "FAIL"),
        ([lab_error(), passed()], "INCONCLUSIVE"),
        ([], "INCONCLUSIVE"),
    ],
)
def test_the_stamp_is_the_worst_verdict(results: list[ScenarioResult], stamp: str) -> None:
    assert parsed(*results).xpath('string(//p[@class="stamp"])') == stamp


def test_an_incomplete_run_is_loud() -> None:
    tree = parsed(passed(), complete=False, incomplete_because="Stopped by the user.")
    (alarm,) = tree.xpath('//*[@role="alert"]')
    assert "Incomplete run. Stopped by the user." in alarm.text_content()
    assert tree.findtext(".//h1").startswith("Incomplete: ")
    assert tree.findtext(".//title").startswith("INCOMPLETE")
    assert tree.xpath('string(//p[@class="stamp"])') == "INCONCLUSIVE"
    assert not parsed(passed()).xpath('//*[@role="alert"]')


def test_every_cell_of_the_matrix_leads_to_its_verdict() -> None:
    results = [
        passed(variant="tls1.2"),
        failed(),
        skipped(case="E1", variant=""),
        inconclusive(device="other"),
    ]
    tree = parsed(*results)
    links = tree.xpath('//div[contains(@class,"matrix")]//td/a')
    assert sorted(link.text for link in links) == ["-", "?", "F", "P"]
    for link in links:
        (target,) = tree.xpath(f'//*[@id="{link.get("href")[1:]}"]')
        # Inside of what folds: so the browser unfolds it by itself (HTML, "ancestor details
        # revealing algorithm").
        assert target.xpath('ancestor::*[contains(concat(" ", @class, " "), " v ")]')
        assert link.get("aria-label")
    ids = tree.xpath("//@id")
    assert len(ids) == len(set(ids))


def test_a_verdict_tells_the_whole_story() -> None:
    rejected = builders.connection(
        WireClass.HANDSHAKE_REJECTED,
        alert=builders.alert(48, "unknown_ca"),
        alpn_offered=("h2",),
        tls_version="tls1.3",
    )
    attack = builders.attack_phase(
        connections=(rejected,), outcome=builders.refused(log=("E/TrustPin: mismatch",))
    )
    (story,) = parsed(judged(builders.trial(attack=attack))).xpath('//details[@class="v p"]')
    text = " ".join(story.text_content().split())
    for part in (
        "A leaf with the attacker's key",
        "Refuses it",
        "Not one byte of application data reached the adversary.",
        "alert unknown_ca (48) from the client",
        "offers h2",
        "the attack's chain aaaaaaaa… +1",
        "E/TrustPin: mismatch",
        "PinsMismatch",
        "chain: as served",
        "spki_sha256=AAAA",
        "The app's profile promises a report of this refusal.",
        "Before: benign request",
        "After: benign request",
    ):
        assert part in text, part
    assert story.xpath('.//*[name()="svg"]')


def test_a_case_that_was_not_exercised_says_why() -> None:
    tree = parsed(passed(), skipped("The phone is not rooted."))
    row = tree.xpath('//table[@class="skipped"]/tbody/tr')[0].text_content()
    assert "The phone is not rooted." in row
    assert "Everything that was selected could be tried." in page(passed())


def test_a_wrong_client_that_was_caught_is_explained() -> None:
    text = page(failed(verdict=Verdict.PASS, subject="careless"))
    assert "wrong on purpose" in text
    assert "8 of 8" not in text


def test_a_lab_error_has_no_witnesses() -> None:
    text = page(lab_error())
    assert "nothing was tried" in text
    assert "The proxy did not start." in text


def test_a_screenshot_is_stored_once_and_used_everywhere() -> None:
    shots = (("baseline", "screenshots/a.png"), ("attack", "screenshots/a.png"))
    text = page(passed(screenshots=shots), failed(screenshots=shots), read=lambda _: png())
    assert text.count("data:image/png") == 1
    assert text.count("<use href=") == 4


def test_a_screenshot_that_is_gone_is_still_named() -> None:
    shots = (("attack", "screenshots/a.png"),)
    assert 'href="screenshots/a.png">screenshot file' in page(passed(screenshots=shots))


@pytest.mark.parametrize(
    "name", ["javascript:alert(1)", "screenshots/../../x.html", "//evil/a.png"]
)
def test_a_name_that_the_lab_does_not_give_leads_nowhere(name: str) -> None:
    tree = parsed(passed(screenshots=(("attack", name),)), read=lambda _: png())
    assert not [href for href in tree.xpath("//@href") if name in href]
    assert name in tree.text_content()


def test_the_page_can_be_used_without_eyes_or_mouse() -> None:
    tree = parsed(passed(), skipped())
    assert tree.get("lang") == "en"
    for table in tree.findall(".//table"):
        assert table.findall(".//th"), "a table without headers"
        assert all(th.get("scope") for th in table.findall(".//th"))
    for region in tree.xpath('//*[contains(concat(" ", @class, " "), " scroll ")]'):
        assert region.get("tabindex") == "0"
        assert region.get("aria-label")
    levels = [int(h.tag[1]) for h in tree.xpath("//h1|//h2|//h3|//h4")]
    assert all(b - a <= 1 for a, b in pairwise(levels))
    assert "prefers-color-scheme:dark" in page()
    assert "@media print" in page()
