"""What each reader of the page finds in it: who decides, who mends, who assesses."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import lxml.html

from lab.model.trial import Measurement
from tests.evidence.builders import failed, inconclusive, judged, passed, png, skipped
from tests.evidence.pages import page, parsed
from tests.judge import builders


def test_the_page_is_whole_without_javascript() -> None:
    text = page(failed(), passed(), inconclusive(), skipped("No clock."))
    tree: Any = lxml.html.fromstring(re.sub(r"<script>.*?</script>", "", text, flags=re.DOTALL))
    for part in ("The adversary read 42 bytes", "No clock.", "SYN to api.acme.test:443", "Android"):
        assert part in tree.text_content()
    # Only what needs the script to be of use is hidden until it runs.
    assert [element.get("id") for element in tree.xpath("//*[@hidden]")] == ["tools"]


def test_a_failure_leads_to_what_is_to_be_changed_and_back() -> None:
    tree = parsed(failed(), passed())
    (fix,) = tree.xpath('//p[@class="fix"]//a')
    (repair,) = tree.xpath(f'//*[@id="{fix.get("href")[1:]}"]')
    text = " ".join(repair.text_content().split())
    assert "OkHttpClient" in text
    assert "URLSession" in text
    (back,) = repair.xpath(".//a/@href")
    assert tree.xpath(f'//details[@class="v f"]//*[@id="{back[1:]}"]')
    assert "What to change" not in page(passed())


def test_somebody_who_decides_reads_the_answer_first() -> None:
    tree = parsed(failed())
    assert tree.xpath('string(//p[@class="big"])') == "No."
    assert [h.text for h in tree.findall(".//h2")][:3] == [
        "In short",
        "What to change",
        "Attacks by device",
    ]


def test_an_assessor_finds_tests_limits_and_what_was_not_exercised() -> None:
    tree = parsed(passed(slug="device_trusted_ca"), skipped("No clock.", slug="expired_leaf"))
    text = " ".join(tree.text_content().split())
    assert "MASTG-TEST-0244" in text
    assert "The test case fails if" in text
    assert "They are no certification." in text
    assert "E1 Expired leaf" not in text
    assert "Tests that look into the app's code were not carried out." in text
    (left_out,) = tree.xpath('//summary[contains(text(), "nobody has laid down")]')
    assert left_out.getparent().findall(".//li")


def test_each_host_has_its_rows_in_the_matrix() -> None:
    other = judged(replace(builders.trial(), host="pay.acme.test"), case="B5")
    rows = parsed(passed(), other, passed(case="B6")).xpath('//tr[@class="host"]/th')
    assert [row.text for row in rows] == ["api.acme.test", "pay.acme.test"]


def test_an_attack_is_described_once_for_all_devices() -> None:
    tree = parsed(*(passed(device=f"d{n}", node=f"n{n}") for n in range(3)))
    (attack,) = tree.xpath('//details[@class="a"]')
    assert "because of <b>this</b> reason" in " ".join(attack.text_content().split()).lower()
    anchor = attack.find("dl").get("id")
    assert tree.xpath(f'count(//details//a[@href="#{anchor}"])') == 3


def test_figures_are_drawn_with_words_for_who_does_not_see() -> None:
    taken = Measurement("Setting up", (0.25, 0.31), 0.1, "the phone's log")
    tree = parsed(judged(builders.trial(measurements=(taken,))))
    (drawing,) = tree.xpath('//figure/*[name()="svg"][@role="img"]')
    assert drawing.get("aria-label").startswith("Setting up, phone: 280 ms in the median")
    assert not parsed(passed()).xpath('//*[@id="figures"]')


def test_notes_about_a_report_that_was_merged_are_told() -> None:
    assert "Merged of two." in page(passed(), notes=("Merged of two.",))


def test_evidence_records_are_linked_where_there_is_a_bundle() -> None:
    bundled = parsed(passed(), read=lambda name: b"{}" if name == "context.json" else None)
    assert bundled.xpath('//a[text()="evidence record"]/@href') == ["records/0001-B4-phone.json"]
    assert not parsed(passed()).xpath('//a[text()="evidence record"]')


def test_the_same_results_make_the_same_page() -> None:
    results = [failed(), passed(screenshots=(("attack", "screenshots/a.png"),)), skipped()]
    assert page(*results, read=lambda _: png()) == page(*results, read=lambda _: png())
