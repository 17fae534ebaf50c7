from __future__ import annotations

from itertools import pairwise

import pytest
from PIL import Image

from lab.phone.palette import (
    BLUE,
    INK,
    LINE,
    PALETTE,
    SURFACE,
    WHITE,
    Colour,
    Stamp,
    blank,
    ground_at,
)


def painted(mask: Image.Image, ink: Colour, ground: Colour) -> list[Colour]:
    image = blank(*mask.size, ground)
    Stamp(mask, ink, ground_at(image, (0, 0))).press(image, (0, 0))
    return [PALETTE[index] for index in image.tobytes()]


def test_a_blank_has_its_ground_in_all_colours_words() -> None:
    image = blank(2, 1, LINE)
    assert image.convert("RGB").tobytes() == bytes(LINE * 2)


@pytest.mark.parametrize("ground", [WHITE, SURFACE, BLUE])
def test_edges_have_colours_between_ink_and_ground(ground: Colour) -> None:
    mask = Image.frombytes("L", (256, 1), bytes(range(256)))
    row = painted(mask, INK, ground)
    assert row[0] == ground
    assert row[255] == INK
    assert len(set(row)) >= 3
    darkness = [sum(abs(a - b) for a, b in zip(colour, INK, strict=True)) for colour in row]
    assert all(nearer <= farther for farther, nearer in pairwise(darkness))


def test_what_has_no_ink_stays_as_it_was() -> None:
    image = blank(3, 1, WHITE)
    image.putpixel((1, 0), PALETTE.index(BLUE))
    Stamp(Image.new("L", (3, 1)), INK, PALETTE.index(WHITE)).press(image, (0, 0))
    assert [PALETTE[index] for index in image.tobytes()] == [WHITE, BLUE, WHITE]


@pytest.mark.parametrize("at", [(-5, -5), (99, 99), (1, -1)])
def test_beyond_the_edges_nothing_breaks(at: tuple[int, int]) -> None:
    image = blank(4, 4, SURFACE)
    assert PALETTE[ground_at(image, at)] == SURFACE
    Stamp(Image.new("L", (8, 8), 255), INK, ground_at(image, at)).press(image, at)
    assert image.size == (4, 4)
