from __future__ import annotations

import pytest
from lxml import etree

from lab.phone.webdriver.xpath import MAX_SELECTOR, BadPath, select

SCREEN = etree.fromstring(b"<app>" + b"<row name='a'><text/></row>" * 200 + b"</app>")
WHOLE = "[count(//*[count(//*) > 0]) > 0]"
"""Looks at the whole screen for every element of the whole screen."""


def test_selects_elements_in_the_order_of_the_document() -> None:
    found = select(SCREEN, "//text | //row[1] | /app")
    assert [element.tag for element in found[:3]] == ["app", "row", "text"]
    assert len(found) == 202


@pytest.mark.parametrize(
    ("selector", "why"),
    [
        ("//*" * MAX_SELECTOR, "longer than"),
        ("//[", "Invalid expression"),
        ("//row/@name", "does not select elements"),
        ("1 + 1", "does not select elements"),
        (f"//*{WHOLE * 10}", "too many times"),
        ("\x00", "XML compatible"),
    ],
)
def test_says_what_is_wrong(selector: str, why: str) -> None:
    with pytest.raises(BadPath, match=why):
        select(SCREEN, selector)


def test_brackets_in_texts_are_no_predicates() -> None:
    assert select(SCREEN, "//row[@name = '[[[[[[']") == []


def test_predicates_are_not_nested_without_end() -> None:
    small = etree.fromstring(b"<app><row/></app>")
    assert select(small, "//*[.//*[not(.//*[1])]]") == [small]
    with pytest.raises(BadPath, match="levels of predicates"):
        select(small, "//*[.//*[.//*[.//*[1]]]]")


def test_what_looks_at_the_screen_often_is_allowed_on_a_small_one() -> None:
    small = etree.fromstring(b"<app><row/></app>")
    assert len(select(small, f"//*{WHOLE * 10}")) == 2
