"""Text in pictures, with the one font that Pillow brings along: no font need be installed.

It is proportional and has no bold cut. A fixed pitch is had by squeezing its glyphs into cells
of one width, bold by a thin stroke. It has no check mark either: that one is drawn.
"""

from __future__ import annotations

import math
from enum import StrEnum
from functools import lru_cache
from itertools import islice

from PIL import Image, ImageDraw, ImageFont

from lab.phone.node import Bounds
from lab.phone.palette import Colour, Stamp, ground_at

CELL = (14, 31)
"""Width and height in pixels of a character with fixed pitch."""
CHECK = "\u2713"

_SAMPLES = 4
"""Glyphs that are squeezed are drawn this many times larger first."""
_FIXED_SIZE = 25
_BASELINE = 23
_MOST_CELLS = 512
"""Glyphs kept ready; text from the outside may hold any character."""
_MOST_TEXTS = 512
"""Texts kept ready, and rows of the log: from one picture to the next hardly any is new."""


class Align(StrEnum):
    """Where a line is within its bounds."""

    LEFT = "left"
    MIDDLE = "middle"
    RIGHT = "right"


@lru_cache(maxsize=16)
def font(size: int) -> ImageFont.FreeTypeFont:
    """Return the font at ``size`` pixels."""
    loaded = ImageFont.load_default(size)
    assert isinstance(loaded, ImageFont.FreeTypeFont), "Pillow has been built without FreeType"
    return loaded


@lru_cache(maxsize=_MOST_TEXTS)
def length(text: str, size: int) -> int:
    """Return how many pixels wide ``text`` is on one line."""
    plain = text.replace(CHECK, "")
    return round(font(size).getlength(plain)) + text.count(CHECK) * size


def wrapped(text: str, size: int, width: int, most: int) -> list[str]:
    """Return the first ``most`` lines of ``text``, none wider than ``width``.

    What is left over is marked by an ellipsis.
    """
    lines: list[str] = []
    rest = " ".join(text.split())
    while rest and len(lines) < most:
        count = _fitting(rest, size, width)
        if count < len(rest):
            space = rest.rfind(" ", 0, count + 1)
            count = space if space > count // 2 else count
        lines.append(rest[:count].rstrip())
        rest = rest[count:].lstrip()
    if rest and lines:
        lines[-1] = _cut(lines[-1] + rest, size, width)
    return lines or [""]


def write(
    image: Image.Image,
    text: str,
    bounds: Bounds,
    size: int,
    colour: Colour,
    align: Align = Align.LEFT,
    *,
    bold: bool = False,
    wrap: bool = False,
) -> None:
    """Write ``text`` on one line in the middle of ``bounds``; with ``wrap`` on as many as there
    is room for, from the top. What does not fit is left out."""
    left, top, right, bottom = bounds
    if not wrap:
        line = _cut(text.replace("\n", " "), size, right - left)
        wide = length(line, size)
        room = right - left - wide
        start = {Align.LEFT: 0, Align.MIDDLE: room // 2, Align.RIGHT: room}[align]
        _line(image, line, (left + start, (top + bottom) // 2), size, colour, bold=bold)
        return
    pitch = round(size * 1.3)
    most = max(1, (bottom - top) // pitch)
    for number, line in enumerate(wrapped(text, size, right - left, most)):
        middle = top + number * pitch + pitch // 2
        _line(image, line, (left, middle), size, colour, bold=bold)


def write_log(image: Image.Image, text: str, bounds: Bounds, colour: Colour) -> None:
    """Write the last lines of ``text`` for which there is room in ``bounds``, in fixed pitch."""
    left, top, right, bottom = bounds
    width, height = CELL
    columns, rows = (right - left) // width, (bottom - top) // height
    folded: list[str] = []
    # From the end: only what is shown is folded, however long the log is.
    for line in islice(reversed(text.split("\n")), rows):
        parts = [line[at : at + columns] for at in range(0, len(line), columns)] or [""]
        folded[:0] = parts
        if len(folded) >= rows:
            break
    for row, line in enumerate(folded[-rows:]):
        at = left, top + row * height
        _row(line, colour, ground_at(image, at)).press(image, at)


@lru_cache(maxsize=_MOST_TEXTS)
def _row(line: str, ink: Colour, ground: int) -> Stamp:
    """Return a line in fixed pitch."""
    width, height = CELL
    mask = Image.new("L", (max(1, len(line)) * width, height))
    for column, character in enumerate(line):
        if character != " ":
            mask.paste(_cell(character), (column * width, 0))
    return Stamp(mask, ink, ground)


@lru_cache(maxsize=_MOST_CELLS)
def _cell(character: str) -> Image.Image:
    """Return a character's mask, as wide as every other one's."""
    width, height = CELL
    natural = max(1, round(font(_FIXED_SIZE).getlength(character)))
    # A glyph that fits is drawn at its size, where its stems fall on whole pixels; one that is
    # too wide is drawn large and squeezed.
    scale = 1 if natural <= width else _SAMPLES
    glyph = Image.new("L", (max(natural, width) * scale, height * scale))
    at = ((glyph.width - natural * scale) // 2, _BASELINE * scale)
    ImageDraw.Draw(glyph).text(at, character, fill=255, font=font(_FIXED_SIZE * scale), anchor="ls")
    return glyph if scale == 1 else glyph.resize(CELL, Image.Resampling.BOX)


def _fitting(text: str, size: int, width: int) -> int:
    """Return how many characters of ``text`` fit into ``width``: at least one."""
    low, high = 1, min(len(text), width)
    while low < high:
        middle = (low + high + 1) // 2
        if length(text[:middle], size) <= width:
            low = middle
        else:
            high = middle - 1
    return low


def _cut(text: str, size: int, width: int) -> str:
    if len(text) <= width and length(text, size) <= width:
        return text
    return text[: _fitting(text, size, width - size)].rstrip() + "..."


def _line(
    image: Image.Image,
    text: str,
    middle: tuple[int, int],
    size: int,
    colour: Colour,
    *,
    bold: bool,
) -> None:
    """Write a line that begins at ``middle`` and is centred on it vertically."""
    x, y = middle
    # Capitals are about 0.7 of the size high; centring on them is what looks centred.
    baseline = y + round(size * 0.35)
    for number, part in enumerate(text.split(CHECK)):
        if number:
            points = [(0.18, -0.36), (0.4, -0.1), (0.84, -0.66)]
            ticks = [(x + dx * size, baseline + dy * size) for dx, dy in points]
            ImageDraw.Draw(image).line(ticks, colour, max(3, size // 8), joint="curve")
            x += size
        if part:
            _, (left, top) = _text(part, size, bold=bold)
            at = x + left, baseline + top
            _inked(part, size, colour, ground_at(image, at), bold=bold).press(image, at)
            x += length(part, size)


@lru_cache(maxsize=_MOST_TEXTS)
def _inked(text: str, size: int, ink: Colour, ground: int, *, bold: bool) -> Stamp:
    return Stamp(_text(text, size, bold=bold)[0], ink, ground)


@lru_cache(maxsize=_MOST_TEXTS)
def _text(text: str, size: int, *, bold: bool) -> tuple[Image.Image, tuple[int, int]]:
    """Return the mask of ``text``, and where it lies beside the start of its baseline."""
    stroke = 0.6 if bold else 0.0
    left, top, right, bottom = (
        math.floor(edge) if number < 2 else math.ceil(edge)
        for number, edge in enumerate(font(size).getbbox(text, anchor="ls", stroke_width=stroke))
    )
    # A pixel of room on every side, for the smooth edges.
    left, top = left - 1, top - 1
    mask = Image.new("L", (max(1, right - left + 1), max(1, bottom - top + 1)))
    ImageDraw.Draw(mask).text(
        (-left, -top), text, fill=255, font=font(size), anchor="ls", stroke_width=stroke
    )
    return mask, (left, top)
