from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.phone.android.webdriver.locators import find
from lab.phone.node import BUTTON, EDIT, FRAME, SWITCH, TEXT, Node
from lab.phone.webdriver.protocol import Code, Failed
from lab.phone.webdriver.xpath import MAX_SELECTOR
from tests.patience import not_waiting
from tests.phone.android.webdriver.rigs import refused

UI = "-android uiautomator"


def tree() -> Node:
    """A card with a title, two fields and a switch; a button below it."""
    root = Node("root", FRAME, (0, 0, 100, 100), "a.b")
    card = Node("card", FRAME, (0, 0, 100, 50), "a.b")
    card.children = [
        Node("title", TEXT, (0, 0, 1, 1), "a.b", "Settings of Acme"),
        Node("name", EDIT, (0, 1, 1, 2), "a.b", "Ada", hint="Name"),
        Node("town", EDIT, (0, 2, 1, 3), "a.b", 'Say "hi"', hint="Town", resource_id="a.b:id/town"),
        Node("mode", SWITCH, (0, 3, 1, 4), "a.b", "Mode", checkable=True, checked=True),
    ]
    go = Node("go", BUTTON, (0, 60, 9, 70), "a.b", "Go", content_desc="Start", clickable=True)
    root.children = [card, go]
    return root


def keys(strategy: str, selector: str) -> list[str]:
    return [node.key for node in find(tree(), strategy, selector)]


@pytest.mark.parametrize(
    ("strategy", "selector", "expected"),
    [
        ("class name", EDIT, ["name", "town"]),
        ("class name", "EditText", []),
        ("accessibility id", "Start", ["go"]),
        ("accessibility id", "Go", []),
        ("id", "a.b:id/town", ["town"]),
        ("id", "town", ["town"]),
        ("id", "other:id/town", []),
        ("id", "", []),
        ("xpath", "//android.widget.EditText", ["name", "town"]),
        ("xpath", "//android.widget.EditText[2]", ["town"]),
        ("xpath", '//*[@text="Go"]', ["go"]),
        ("xpath", "//*[@hint='Town' and contains(@text, 'hi')]", ["town"]),
        ("xpath", "/hierarchy/*/*[2]", ["go"]),
        ("xpath", "//*[@text='Ada']/following-sibling::*[1]", ["town"]),
        ("xpath", "//android.widget.Button | //android.widget.Switch", ["mode", "go"]),
        ("xpath", "/hierarchy", []),
        ("xpath", "//*[@text='[[[[[[']", []),
        (UI, 'new UiSelector().text("Go")', ["go"]),
        (UI, 'new UiSelector().text("go")', []),
        (UI, 'new UiSelector().textContains("ACME")', ["title"]),
        (UI, 'new UiSelector().textStartsWith("settings")', ["title"]),
        (UI, 'new UiSelector().className("android.widget.EditText").instance(1)', ["town"]),
        (UI, 'new UiSelector().className("android.widget.EditText").instance(2)', []),
        (UI, 'new UiSelector().text("Say \\"hi\\"")', ["town"]),
        (UI, 'new UiSelector().text("\\u0047o")', ["go"]),
        (UI, 'new UiSelector().description("Start")', ["go"]),
        (UI, 'new UiSelector().descriptionContains("tar")', ["go"]),
        (UI, 'new UiSelector().descriptionStartsWith("st")', ["go"]),
        (UI, 'new UiSelector().resourceId("a.b:id/town")', ["town"]),
        (UI, 'new UiSelector().packageName("x")', []),
        (UI, "new UiSelector().checked(true)", ["mode"]),
        (UI, "new UiSelector().clickable(true).enabled(true)", ["go"]),
        (UI, "new UiSelector().index(1)", ["name", "go"]),
        (UI, ' UiSelector ( ) . text ( "Go" ) ; ', ["go"]),
    ],
)
def test_what_is_found(strategy: str, selector: str, expected: list[str]) -> None:
    assert keys(strategy, selector) == expected


@pytest.mark.parametrize(
    ("strategy", "selector", "expected"),
    [
        ("class name", EDIT, ["name", "town"]),
        ("class name", FRAME, []),
        ("class name", BUTTON, []),
        ("xpath", ".//android.widget.EditText", ["name", "town"]),
        ("xpath", "//android.widget.Button", []),
        ("xpath", "./android.widget.Switch", ["mode"]),
        ("xpath", "..", []),
        (UI, "new UiSelector().instance(0)", ["title"]),
    ],
)
def test_what_is_found_inside_an_element(strategy: str, selector: str, expected: list[str]) -> None:
    card = tree().find("card")
    assert [node.key for node in find(card, strategy, selector, below=True)] == expected


@pytest.mark.parametrize(
    ("strategy", "selector"),
    [
        ("xpath", ""),
        ("xpath", "//["),
        ("xpath", "//*[@text='a"),
        ("xpath", "nothing(1)"),
        ("xpath", "re:test(//*, 'a')"),
        ("xpath", "string(//*)"),
        ("xpath", "count(//*)"),
        ("xpath", "//*/@text"),
        ("xpath", "1 = 1"),
        ("xpath", "//*[@text='\x00']"),
        ("xpath", "//*[@text='\ud800']"),
        ("xpath", "(" * 500),
        ("xpath", "//*" + "/x" * 1000),
        (UI, ""),
        (UI, "text"),
        (UI, "new UiSelector"),
        (UI, "new UiSelector().text(Go)"),
        (UI, 'new UiSelector().text("Go'),
        (UI, 'new UiSelector().text("Go").'),
        (UI, 'new UiSelector().text("Go") and more'),
        (UI, 'new UiSelector().textMatches(".*")'),
        (UI, "new UiSelector().text(true)"),
        (UI, 'new UiSelector().instance("1")'),
        (UI, 'new UiSelector().__class__("1")'),
        (UI, 'new UiScrollable().text("Go")'),
    ],
)
def test_what_is_no_selector_is_refused(strategy: str, selector: str) -> None:
    with pytest.raises(Failed) as caught:
        keys(strategy, selector)
    assert caught.value.code is Code.INVALID_SELECTOR


def test_a_strategy_that_there_is_not() -> None:
    with pytest.raises(Failed, match="unknown strategy 'css selector'") as caught:
        keys("css selector", "#go")
    assert caught.value.code is Code.INVALID_ARGUMENT


def test_no_selector_takes_for_ever() -> None:
    """Predicates inside predicates search the whole screen again for each element."""
    wide = Node("root", FRAME, (0, 0, 1, 1), "a")
    wide.children = [Node(str(n), TEXT, (0, 0, 1, 1), "a") for n in range(60)]
    nested = "//*"
    for _ in range(8):
        nested = f"//*[count({nested}) > 0]"
    with pytest.raises(Failed, match="levels of predicates"):
        find(wide, "xpath", nested)
    with not_waiting():
        find(wide, "xpath", "//*[count(//*[count(//*[count(//*) > 1]) > 1]) > 1]")
    with pytest.raises(Failed, match=f"longer than {MAX_SELECTOR}"):
        find(wide, "xpath", "//*" * MAX_SELECTOR)


@given(st.text(max_size=100), st.sampled_from(["xpath", UI, "class name", "id", "other"]))
def test_any_text_is_a_selector_or_refused(selector: str, strategy: str) -> None:
    assert refused(lambda: keys(strategy, selector)) in (
        None,
        Code.INVALID_SELECTOR,
        Code.INVALID_ARGUMENT,
    )


JAVA_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}


@given(st.text(st.characters(blacklist_categories=["Cs", "Cc"]), min_size=1, max_size=30))
def test_any_text_can_be_looked_for(text: str) -> None:
    root = Node("root", FRAME, (0, 0, 1, 1), "a")
    root.children = [Node("it", TEXT, (0, 0, 1, 1), "a", text)]
    quoted = "".join(JAVA_ESCAPES.get(sign, sign) for sign in text)
    found = find(root, UI, f'new UiSelector().text("{quoted}")')
    # U+FFFE and U+FFFF have no place in XML; the screen shows U+FFFD instead.
    speakable = not {"\ufffe", "\uffff"} & set(text)
    assert [node.key for node in found] == (["it"] if speakable else [])
