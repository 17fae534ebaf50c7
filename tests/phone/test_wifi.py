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
    MAX_SAVED,
    SavedNetwork,
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
    assert [saved.save(ssid).id for ssid in ("A", "B", "A")] == [0, 1, 0]
    assert saved.items() == [SavedNetwork(0, "A"), SavedNetwork(1, "B")]
    # The one that was joined last comes last.
    assert [network.ssid for network in saved.by_age()] == ["B", "A"]
    assert saved.forget(0) == SavedNetwork(0, "A")
    assert saved.forget(0) is None
    # Ids are not given out again.
    assert saved.save("A").id == 2
    assert [network.id for network in saved.items()] == [1, 2]


def test_networks_of_one_name_may_be_different_ones() -> None:
    saved = SavedNetworks()
    assert saved.save("A").id != saved.save("A", "wpa2").id
    assert saved.save("A", "wpa2", auto_join=False) == SavedNetwork(1, "A", "wpa2", False)


def test_only_so_many_networks_are_saved() -> None:
    saved = SavedNetworks([SavedNetwork(number, f"{number}") for number in range(MAX_SAVED + 5)])
    with pytest.raises(ValueError, match="too many networks"):
        saved.save("one more")
    assert saved.save("7").id == 7
    assert saved.next_id == MAX_SAVED


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5)), max_size=30))
def test_saved_networks_are_those_that_were_saved_and_not_forgotten(
    steps: list[tuple[bool, int]],
) -> None:
    saved, model, given_out = SavedNetworks(), dict[str, int](), set[int]()
    for saves, number in steps:
        if saves:
            known = str(number) in model
            id = saved.save(str(number)).id
            assert known or id not in given_out
            given_out.add(id)
            model[str(number)] = id
        else:
            gone = saved.forget(number)
            assert (gone is None) == (number not in model.values())
            model = {ssid: id for ssid, id in model.items() if id != number}
    assert {network.ssid: network.id for network in saved.items()} == model
