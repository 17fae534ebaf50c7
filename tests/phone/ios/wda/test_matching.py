from __future__ import annotations

import time
from contextlib import suppress

import pytest

from lab.phone.ios.screen_nodes import (
    application,
    button,
    field,
    switch,
    text,
)
from lab.phone.ios.wda.class_chain import parse_chain
from lab.phone.ios.wda.matching import BadPattern, Matcher, TooMuch
from lab.phone.ios.wda.predicate_parser import parse
from lab.phone.ios.wda.shots import Shot, UnknownAttribute, take

BOX = (30, 300, 330, 390)


@pytest.fixture(scope="module")
def shot() -> Shot:
    root = application("com.acme", "Acme")
    off = button("b", "com.acme", "Pay now", BOX)
    off.enabled = False
    named = text("c", "com.acme", "Ärger", (30, 400, 330, 490))
    named.resource_id = "trouble"
    root.children[0].children = [
        button("a", "com.acme", "Pay", BOX),
        off,
        named,
        field("d", "com.acme", "Your name", BOX),
        switch("e", "com.acme", "Wi-Fi", BOX),
    ]
    return take(root)


def found(shot: Shot, predicate: str) -> str:
    matcher, meant = Matcher(), parse(predicate)
    return "".join(
        s.node.key for s in shot.walk() if len(s.node.key) == 1 and matcher.fulfils(s, meant)
    )


@pytest.mark.parametrize(
    ("predicate", "keys"),
    [
        ("label == 'Pay'", "a"),
        ("label == 'pay'", ""),
        ("label ==[c] 'pay'", "a"),
        ("label != 'Pay' AND type == 'XCUIElementTypeButton'", "b"),
        ("label BEGINSWITH 'Pay'", "ab"),
        ("label ENDSWITH[c] 'NOW'", "b"),
        ("label CONTAINS 'y n'", "b"),
        ("label LIKE 'P?y*'", "ab"),
        ("label LIKE 'P.y'", ""),
        ("label LIKE[cd] 'arg*'", "c"),
        ("label MATCHES 'Pay( now)?'", "ab"),
        ("label MATCHES 'Pay'", "a"),
        ("label MATCHES[c] '.*I-f.*'", "e"),
        ("name == 'trouble'", "c"),
        ("label IN {'Pay', 'Wi-Fi'}", "ae"),
        ("label IN 'Pay now or never'", "abd"),
        ("enabled == 0", "b"),
        ("enabled == FALSE", "b"),
        ("isEnabled == NO", "b"),
        ("value == '0'", "e"),
        ("value == 'Your name' AND placeholderValue == 'Your name'", "d"),
        ("value == nil", "ab"),
        ("rect.y > 120", "c"),
        ("y BETWEEN {99, 101}", "abde"),
        ("index == 2", "c"),
        ("label < 'Q' AND label > 'P'", "ab"),
        ("label > 3", ""),
        ("visible == 1 AND NOT accessible == 1", ""),
        ("NOT (enabled == 1 OR label == 'x')", "b"),
        ("TRUEPREDICATE", "abcde"),
        ("FALSEPREDICATE OR label == 'Pay'", "a"),
        ("'x' == 'x' AND label == 'Pay'", "a"),
    ],
)
def test_predicates(shot: Shot, predicate: str, keys: str) -> None:
    assert found(shot, predicate) == keys


@pytest.mark.parametrize(
    ("chain", "keys"),
    [
        ("**/XCUIElementTypeButton", ["a", "b"]),
        ("XCUIElementTypeButton", []),
        ("XCUIElementTypeWindow/XCUIElementTypeButton[2]", ["b"]),
        ("**/XCUIElementTypeButton[-1]", ["b"]),
        ("**/XCUIElementTypeButton[-3]", []),
        ("*/*[`label CONTAINS 'Pay'`][`enabled == 1`]", ["a"]),
        ("**/XCUIElementTypeWindow[$label == 'Pay'$]/*[1]", ["a"]),
        ("**/XCUIElementTypeWindow[$label == 'None'$]/*", []),
        ("*/**/*[`type == 'XCUIElementTypeSwitch'`]", ["e"]),
    ],
)
def test_chains(shot: Shot, chain: str, keys: list[str]) -> None:
    assert [each.node.key for each in Matcher().chain(shot, parse_chain(chain))] == keys


@pytest.mark.parametrize("pattern", ["(", "a{2000}", "(?=x)", r"(a)\1", "[z-a]", "x" * 501])
def test_a_pattern_that_is_not_understood_is_refused(shot: Shot, pattern: str) -> None:
    with pytest.raises(BadPattern):
        Matcher().fulfils(shot, parse(f"label MATCHES '{pattern}'".replace("\\", "\\\\")))


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|aa)*b", "(.*a){25}", "((a{9}){9}){9}"])
def test_a_bomb_does_not_go_off(pattern: str) -> None:
    root = application("com.acme", "a" * 2000)
    wanted = parse(f"label MATCHES '{pattern}b'")
    began = time.process_time()
    with suppress(BadPattern):
        assert not Matcher().fulfils(take(root), wanted)
    # A backtracking matcher would take longer than anybody lives.
    assert time.process_time() - began < 5


def test_an_unknown_attribute_is_an_error(shot: Shot) -> None:
    for name in ("colour", "rect.z", "label.x", "rect.x.y"):
        with pytest.raises(UnknownAttribute):
            Matcher().fulfils(shot, parse(f"{name} == 1"))


def test_a_search_comes_to_an_end() -> None:
    root = application("com.acme", "Acme")
    inmost = root
    for number in range(150):
        inmost.children.append(text(str(number), "com.acme", "x", BOX))
        inmost = inmost.children[-1]
    heavy = " OR ".join(["label == 'y'"] * 60)
    with pytest.raises(TooMuch):
        Matcher().chain(take(root), parse_chain(f"**/*[${heavy}$]"))
