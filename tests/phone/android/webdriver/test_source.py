from __future__ import annotations

from pathlib import Path

from lxml import etree

from lab.phone.android.webdriver.source import attributes, is_displayed, page_of
from lab.phone.node import BUTTON, EDIT, FRAME, Node
from tests.phone.android.webdriver.rigs import Rig


def tree() -> Node:
    root = Node("root", FRAME, (0, 0, 1080, 2400), "a.b")
    field = Node("f", EDIT, (0, 0, 10, 10), "a.b", 'a"<&>\n\x00\ud800', hint="Name")
    field.focused = True
    off = Node("off", BUTTON, (0, 2400, 10, 2500), "a.b", "Off", clickable=True, enabled=False)
    root.children = [field, off]
    return root


def test_the_document_is_xml_that_says_what_is_there() -> None:
    text = page_of(tree()).text()
    assert text.startswith("<?xml version='1.0' encoding='UTF-8'?>\n<hierarchy index=\"0\"")
    root = etree.fromstring(text.encode())
    assert dict(root.items()) == {
        "index": "0",
        "class": "hierarchy",
        "rotation": "0",
        "width": "1080",
        "height": "2400",
    }
    field, off = root[0]
    assert field.tag == EDIT
    assert dict(field.items()) == {
        "index": "0",
        "package": "a.b",
        "class": EDIT,
        "text": 'a"<&>\n\ufffd\ufffd',
        "content-desc": "",
        "resource-id": "",
        "hint": "Name",
        "checkable": "false",
        "checked": "false",
        "clickable": "false",
        "enabled": "true",
        "focusable": "true",
        "focused": "true",
        "long-clickable": "false",
        "password": "false",
        "scrollable": "false",
        "selected": "false",
        "bounds": "[0,0][10,10]",
        "displayed": "true",
    }
    assert (off.get("index"), off.get("enabled"), off.get("displayed")) == ("1", "false", "false")


def test_every_element_stands_for_its_node() -> None:
    root = tree()
    page = page_of(root)
    assert [(e.tag, node.key) for e, node in page.nodes.items()] == [
        (FRAME, "root"),
        (EDIT, "f"),
        (BUTTON, "off"),
    ]


def test_what_is_partly_on_the_screen_is_displayed() -> None:
    assert is_displayed(Node("a", BUTTON, (1079, 2399, 2000, 3000), "a"))
    assert not is_displayed(Node("a", BUTTON, (-10, -10, 0, 0), "a"))
    assert not is_displayed(Node("a", BUTTON, (5, 5, 5, 9), "a"))
    assert attributes(Node("a", BUTTON, (5, 5, 5, 9), "a"))["displayed"] == "false"


def test_the_apps_own_screens_are_documents(tmp_path: Path) -> None:
    with Rig(tmp_path) as rig:
        for component in ("", "cloud.trustpin.android.sample", "com.android.browser"):
            if component:
                rig.screen.launch(component)
            text = page_of(rig.screen.snapshot()).text()
            assert etree.fromstring(text.encode())[0].tag == FRAME
