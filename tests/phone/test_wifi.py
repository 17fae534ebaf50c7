from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.model.device import Endpoint, Network
from lab.phone.wifi import (
    MAX_ACCESS_POINTS,
    MAX_FILE,
    SavedNetworks,
    in_reach,
    read_access_point,
)

HOME = {"ssid": "Home", "resolver": "127.0.0.1:5353", "gateway": "127.0.0.2:1080"}


def test_an_access_point() -> None:
    assert read_access_point(json.dumps(HOME)) == Network(
        "Home", Endpoint("127.0.0.1", 5353), Endpoint("127.0.0.2", 1080)
    )
    assert read_access_point(json.dumps(HOME | {"ssid": "Café ☕", "more": 1})).ssid == "Café ☕"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"ssid": None}, "ssid: not a name"),
        ({"ssid": 5}, "ssid: not a name"),
        ({"ssid": "a\nb"}, "ssid: not a name"),
        ({"ssid": ""}, "ssid: not 1 to 32 bytes"),
        ({"ssid": "x" * 33}, "ssid: not 1 to 32 bytes"),
        ({"ssid": "é" * 17}, "ssid: not 1 to 32 bytes"),
        ({"resolver": None}, "resolver: not address:port"),
        ({"resolver": "127.0.0.1"}, "resolver: not address:port"),
        ({"resolver": "127.0.0.1:0"}, "resolver: not address:port"),
        ({"gateway": "127.0.0.1:65536"}, "gateway: not address:port"),
        ({"gateway": "localhost:1080"}, "gateway: not address:port"),
        ({"gateway": "[::1]:1080"}, "gateway: not address:port"),
        ({"gateway": "127.0.0.1:1080\n"}, "gateway: not address:port"),
        ({"gateway": ["127.0.0.1:1080"]}, "gateway: not address:port"),
        ({"gateway": "10.0.0.1:1080"}, "gateway: not an address of this machine"),
        ({"resolver": "8.8.8.8:53"}, "resolver: not an address of this machine"),
        ({"gateway": "127.0.0.999:1080"}, "."),
    ],
)
def test_what_is_no_access_point(change: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        read_access_point(json.dumps(HOME | change))


@pytest.mark.parametrize("text", ["", "[]", "null", "{", "[" * 100_000, '{"ssid": "\\ud800"}'])
def test_what_is_no_object(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_access_point(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(
    st.text()
    | JSON.map(json.dumps)
    | st.fixed_dictionaries(dict.fromkeys(HOME, JSON)).map(json.dumps)
)
def test_whatever_is_in_the_air(text: str) -> None:
    try:
        network = read_access_point(text)
    except ValueError:
        return
    assert network.gateway.host.startswith("127.")


def test_access_points_in_reach(tmp_path: Path) -> None:
    (tmp_path / "b.json").write_text(json.dumps(HOME | {"ssid": "B"}))
    (tmp_path / "a.json").write_text(json.dumps(HOME | {"ssid": "A"}))
    (tmp_path / "notes.txt").write_text("no access point")
    (tmp_path / "bad.json").write_bytes(b"\xff")
    (tmp_path / "folder.json").mkdir()
    (tmp_path / "large.json").write_text(json.dumps(HOME) + " " * MAX_FILE)
    found, complaints = in_reach(tmp_path)
    assert [network.ssid for network in found] == ["A", "B"]
    assert [text.split(":")[0] for text in complaints] == ["bad.json", "folder.json", "large.json"]
    assert "large.json: too long" in complaints


def test_no_air_at_all(tmp_path: Path) -> None:
    assert in_reach(tmp_path / "none") == ([], [])


def test_a_crowded_air(tmp_path: Path) -> None:
    for number in range(MAX_ACCESS_POINTS + 5):
        (tmp_path / f"{number:03}.json").write_text(json.dumps(HOME))
    assert len(in_reach(tmp_path)[0]) == MAX_ACCESS_POINTS


def test_saved_networks() -> None:
    saved = SavedNetworks()
    assert [saved.save(ssid) for ssid in ("A", "B", "A")] == [0, 1, 0]
    assert saved.items() == [(0, "A"), (1, "B")]
    assert saved.forget(0) == "A"
    assert saved.forget(0) is None
    # Ids are not given out again.
    assert saved.save("A") == 2
    assert saved.items() == [(1, "B"), (2, "A")]
