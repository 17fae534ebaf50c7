from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.apps.android import Page, ScreenUnreadable, by_text, shell_safe
from lab.phone.android.webdriver.locators import find
from lab.phone.android.webdriver.source import page_of
from lab.phone.node import FRAME, TEXT, Node


def page(*texts: str) -> Page:
    root = Node("root", FRAME, (0, 0, 1, 1), "a")
    root.children = [Node(str(n), TEXT, (0, 0, 1, 1), "a", t) for n, t in enumerate(texts)]
    return Page(page_of(root).text())


def test_what_a_page_shows() -> None:
    shown = page("Log", "[1] a\n[2] b", "[3] c")
    assert shown.shows("Log")
    assert not shown.shows("Lo")
    assert shown.texts() == ["Log", "[1] a\n[2] b", "[3] c"]
    assert shown.texts(FRAME) == [""]
    assert shown.after("Log", "[") == "[1] a\n[2] b"
    assert shown.after("[1] a\n[2] b", "[") == "[3] c"
    assert shown.after("[3] c", "[") == shown.after("None", "[") == ""


@pytest.mark.parametrize(
    "source",
    ["", "no document", "<a>", "<a/><b/>", "\ud800", '<!DOCTYPE a [<!ENTITY b "c">]><a>&d;</a>'],
)
def test_a_source_that_is_no_document(source: str) -> None:
    with pytest.raises(ScreenUnreadable):
        Page(source)


def test_no_file_is_ever_opened(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("secret")
    source = f'<!DOCTYPE a [<!ENTITY b SYSTEM "file://{tmp_path}/file">]><a>&b;</a>'
    assert "secret" not in "".join(map(str, Page(source)._root.itertext()))


def test_entities_do_not_blow_up() -> None:
    levels = "".join(f'<!ENTITY e{n + 1} "{f"&e{n};" * 20}">' for n in range(10))
    source = f'<!DOCTYPE a [<!ENTITY e0 "ha">{levels}]><a text="&e10;"/>'
    with pytest.raises(ScreenUnreadable):
        Page(source)


@given(st.text(st.characters(blacklist_categories=["Cs", "Cc", "Cn"]), min_size=1, max_size=20))
def test_any_text_can_be_looked_for(text: str) -> None:
    root = Node("root", FRAME, (0, 0, 1, 1), "a")
    root.children = [Node("it", TEXT, (0, 0, 1, 1), "a", text)]
    assert [node.key for node in find(root, *by_text(text))] == ["it"]


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("https://api.acme.test/a?b=c&d=%20#e", "https://api.acme.test/a?b=c&d=%20#e"),
        ("https://a/$(id);`id`|'\" <>", "https://a/%24%28id%29%3B%60id%60%7C%27%22%20%3C%3E"),
    ],
)
def test_a_deep_link_means_nothing_to_a_shell(url: str, safe: str) -> None:
    assert shell_safe(url) == safe
