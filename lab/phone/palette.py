"""The sixteen colours that pictures of a screen are painted in, as indices from the start: what is
painted in all colours has to be reduced to these afterwards, which takes as long as the painting.
"""

from __future__ import annotations

from functools import lru_cache
from typing import cast

from PIL import Image

Colour = tuple[int, int, int]

WHITE: Colour = (255, 255, 255)
SURFACE: Colour = (242, 244, 249)
LINE: Colour = (220, 224, 233)
PALE: Colour = (182, 187, 199)
GREY: Colour = (138, 144, 160)
DIM: Colour = (86, 92, 107)
INK: Colour = (29, 33, 48)
BLUE: Colour = (47, 75, 196)
BLUE_HALF: Colour = (116, 134, 216)
BLUE_TINT: Colour = (213, 219, 245)
GREEN: Colour = (30, 142, 62)
GREEN_TINT: Colour = (165, 214, 179)
RED: Colour = (197, 34, 31)
RED_TINT: Colour = (240, 181, 179)
AMBER: Colour = (227, 116, 0)
AMBER_TINT: Colour = (247, 200, 143)

# Five shades between ink and paper are enough for smooth text; sixteen colours fill four bits.
PALETTE = (
    WHITE, SURFACE, LINE, PALE, GREY, DIM, INK, BLUE, BLUE_HALF, BLUE_TINT,
    GREEN, GREEN_TINT, RED, RED_TINT, AMBER, AMBER_TINT,
)  # fmt: skip


def blank(width: int, height: int, ground: Colour = WHITE) -> Image.Image:
    """Return an image of these colours, painted in one of them."""
    image = Image.new("P", (width, height), PALETTE.index(ground))
    image.putpalette([part for colour in PALETTE for part in colour])
    return image


def ground_at(image: Image.Image, at: tuple[int, int]) -> int:
    """Return what is painted at a point, or at the nearest one of the image: an index."""
    x, y = (min(max(0, edge), size - 1) for edge, size in zip(at, image.size, strict=True))
    return cast(int, image.getpixel((x, y)))


class Stamp:
    """What is to be painted with one ink on one ground, its edges in the colours between them."""

    def __init__(self, mask: Image.Image, ink: Colour, ground: int) -> None:
        """``mask`` says how much of the ink is where: nothing to all, 0 to 255."""
        shades = _shades(PALETTE.index(ink), ground)
        self._image = mask.point(shades)
        self._where = mask.point(_SOME, "1")

    def press(self, image: Image.Image, at: tuple[int, int]) -> None:
        """Paint it with its upper left corner ``at``."""
        image.paste(self._image, at, self._where)


_SOME = [0] + [255] * 255


@lru_cache(maxsize=256)
def _shades(ink: int, ground: int) -> list[int]:
    """Return the nearest of the colours for each strength of the ink from 0 to 255."""
    there, here = PALETTE[ink], PALETTE[ground]
    return [
        _nearest(tuple(b + (a - b) * strength / 255 for a, b in zip(there, here, strict=True)))
        for strength in range(256)
    ]


def _nearest(colour: tuple[float, ...]) -> int:
    def distance(index: int) -> float:
        return sum((a - b) ** 2 for a, b in zip(PALETTE[index], colour, strict=True))

    return min(range(len(PALETTE)), key=distance)
