from __future__ import annotations

import base64
import io
import struct

import pytest
from PIL import Image

from lab.evidence.pictures import (
    AS_IT_IS,
    BUDGET,
    LEAST_BUDGET,
    MOST_SHRUNK,
    WIDTH,
    embed,
    room_beside,
)
from tests.evidence.builders import png


def test_a_small_picture_goes_in_as_it_is() -> None:
    content = png(40, 80)
    picture = embed(["a.png"], {"a.png": content}.get)["a.png"]
    assert base64.b64decode(picture.uri.removeprefix("data:image/png;base64,")) == content
    assert (picture.width, picture.height) == (40, 80)


def test_the_same_picture_is_kept_once() -> None:
    files = {"a.png": png(), "b.png": png(), "c.png": png(colour="blue")}
    album = embed(files, files.get)
    assert album["a.png"] is album["b.png"]
    assert album["c.png"].id != album["a.png"].id


def test_a_large_picture_is_shrunk_and_keeps_its_shape() -> None:
    content = png(800, 1200, noise=True)
    assert len(content) > AS_IT_IS
    picture = embed(["a.png"], {"a.png": content}.get)["a.png"]
    small = Image.open(
        io.BytesIO(base64.b64decode(picture.uri.removeprefix("data:image/webp;base64,")))
    )
    assert small.size == (WIDTH, WIDTH * 3 // 2)
    assert (picture.width, picture.height) == (800, 1200)


def test_pictures_stop_where_the_budget_ends_and_the_first_are_in() -> None:
    grain = [png(90, 88, noise=True) for _ in range(110)]
    assert all(20_000 < len(content) <= AS_IT_IS for content in grain)
    files = {f"{n}.png": content for n, content in enumerate(grain)}
    album = embed(files, files.get)
    assert 0 < len(album) < len(files)
    assert sum(len(picture.uri) for picture in album.values()) <= BUDGET
    assert "0.png" in album


def test_many_results_leave_less_room() -> None:
    assert room_beside(10) == BUDGET
    assert BUDGET > room_beside(300) > room_beside(400) >= LEAST_BUDGET
    assert room_beside(10_000) == LEAST_BUDGET
    files = {f"{n}.png": png(90, 88, noise=True) for n in range(3)}
    one = len(next(iter(embed(["0.png"], files.get).values())).uri)
    assert embed(files, files.get, one + 10).keys() == {"0.png"}


def test_only_so_many_pictures_are_shrunk() -> None:
    one = png(120, 120, noise=True)
    assert len(one) > AS_IT_IS
    # Bytes behind the end of a PNG make another file of the same picture.
    files = {f"{n}.png": one + bytes([n]) for n in range(MOST_SHRUNK + 1)}
    assert len(embed(files, files.get)) == MOST_SHRUNK


def _claims(width: int, height: int) -> bytes:
    good = png()
    return good[:16] + struct.pack(">II", width, height) + good[24:]


@pytest.mark.parametrize(
    "content",
    [
        None,
        b"",
        b"<svg onload=alert(1)>",
        png()[:20],
        _claims(0, 80),
        _claims(100_000, 100_000),
        png(800, 1200, noise=True)[: AS_IT_IS + 5000],
        png()[:33] + b"x" * AS_IT_IS,
    ],
    ids=["missing", "empty", "svg", "cut", "no width", "bomb", "torn", "garbage"],
)
def test_what_is_no_picture_is_left_out(content: bytes | None) -> None:
    assert embed(["a.png", "b.png"], {"a.png": content, "b.png": png()}.get).keys() == {"b.png"}
