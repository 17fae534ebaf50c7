"""The phone's screen as a picture: a PNG of sixteen colours, small enough for every report."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from PIL import Image, ImageDraw

from lab.phone import typeface
from lab.phone.node import (
    HEIGHT,
    LAUNCHER,
    NAVIGATION_BAR,
    STATUS_BAR,
    SWITCHES,
    WIDTH,
    Bounds,
    Look,
    Node,
)
from lab.phone.palette import (
    AMBER,
    AMBER_TINT,
    BLUE,
    BLUE_HALF,
    BLUE_TINT,
    DIM,
    GREEN,
    GREY,
    INK,
    LINE,
    PALE,
    PALETTE,
    RED,
    RED_TINT,
    SURFACE,
    WHITE,
    Colour,
    blank,
)
from lab.phone.typeface import Align

_drawing = threading.Lock()
"""Held while the canvas is in use."""

RADIUS = 28
LOG_PADDING = 16
TOAST_SIZE = 30
RUNS = 3
"""zlib's way of compressing by repeated bytes alone (``Z_RLE``): as small for plain areas as the
usual one, in half the time."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What is to be seen at one moment."""

    root: Node
    at: float
    """Epoch seconds on the phone's clock, which is shown in UTC."""
    network: str = ""
    """Name of the Wi-Fi network; empty where none is joined."""
    proxy: str = ""
    """The global HTTP proxy; empty where none is set."""
    toast: str = ""


def draw(frame: Frame) -> bytes:
    """Return a PNG of ``WIDTH`` by ``HEIGHT`` pixels."""
    return drawn_by(Painter, frame)


def drawn_by(painter: type[Painter], frame: Frame) -> bytes:
    """Return a PNG of the size that a painter paints."""
    with _drawing:
        image = _canvas(painter.width, painter.height)
        image.paste(PALETTE.index(SURFACE), (0, 0, *image.size))
        painter(image).paint(frame)
        out = io.BytesIO()
        image.save(out, "PNG", bits=4, compress_level=1, compress_type=RUNS)
    return out.getvalue()


@lru_cache(maxsize=1)
def _canvas(width: int, height: int) -> Image.Image:
    """Return what is painted on, the same each time: fresh megabytes take as long as the
    painting."""
    return blank(width, height)


class Painter:
    """Paints one frame on one image, as Android looks."""

    width, height = WIDTH, HEIGHT
    home = LAUNCHER
    """Package of the home screen."""

    def __init__(self, image: Image.Image) -> None:
        self._image = image
        self._draw = ImageDraw.Draw(image)
        self._looks: dict[Look, Callable[[Node], None]] = {
            Look.PLAIN: self._plain,
            Look.TITLE: self._title,
            Look.STATUS: lambda node: self._status(node, GREY, WHITE),
            Look.STATUS_BUSY: lambda node: self._status(node, AMBER, WHITE),
            Look.STATUS_READY: lambda node: self._status(node, GREEN, WHITE),
            Look.CARD: self._card,
            Look.HEADING: self._heading,
            Look.WARNING: self._warning,
            Look.FILLED: lambda node: self._button(node, WHITE, BLUE, BLUE),
            Look.OUTLINED: lambda node: self._button(node, BLUE, WHITE, BLUE_HALF),
            Look.DANGER: lambda node: self._button(node, RED, WHITE, RED_TINT),
            Look.MONOSPACE: self._monospace,
        }

    def paint(self, frame: Frame) -> None:
        when = datetime.fromtimestamp(frame.at, UTC)
        if frame.root.package == self.home:
            self._draw.rectangle((0, 0, self.width, self.height), BLUE)
            self._write(f"{when:%H:%M}", (0, 420, self.width, 640), 190, WHITE, Align.MIDDLE)
            self._write(
                f"{when:%A, %d %B %Y}", (0, 640, self.width, 720), 44, BLUE_TINT, Align.MIDDLE
            )
        for node in frame.root.walk():
            if node.takes_text:
                self._field(node)
            elif node.class_name in SWITCHES:
                self._switch(node)
            elif node.look in self._looks:
                self._looks[node.look](node)
        self._status_bar(when, frame)
        self._last(frame)

    def _last(self, frame: Frame) -> None:
        """Paint what is over everything else."""
        pill = (self.width // 2 - 140, self.height - 28, self.width // 2 + 140, self.height - 18)
        self._draw.rounded_rectangle(pill, 5, INK)
        if frame.toast:
            self._toast(frame.toast)

    def _write(
        self,
        text: str,
        bounds: Bounds,
        size: int,
        colour: Colour,
        align: Align = Align.LEFT,
        *,
        bold: bool = False,
        wrap: bool = False,
    ) -> None:
        typeface.write(self._image, text, bounds, size, colour, align, bold=bold, wrap=wrap)

    def _status_bar(self, when: datetime, frame: Frame) -> None:
        self._draw.rectangle((0, 0, self.width, STATUS_BAR - 1), BLUE)
        self._write(f"{when:%H:%M}", (40, 0, 150, STATUS_BAR), 34, WHITE, bold=True)
        self._write(f"{when:%Y-%m-%d}", (150, 0, 330, STATUS_BAR), 26, BLUE_TINT)
        battery = (self.width - 84, 26, self.width - 40, 54)
        self._draw.rounded_rectangle(battery, 6, outline=WHITE, width=3)
        self._draw.rectangle((self.width - 39, 34, self.width - 35, 46), WHITE)
        self._draw.rectangle((self.width - 78, 32, self.width - 54, 48), WHITE)
        self._wifi(self.width - 124, joined=bool(frame.network))
        name = frame.network or "no Wi-Fi"
        self._write(name, (700, 0, self.width - 160, STATUS_BAR), 28, WHITE, Align.RIGHT)
        if frame.proxy:
            pill = (350, 18, 684, STATUS_BAR - 18)
            self._draw.rounded_rectangle(pill, 22, AMBER_TINT)
            inside = (366, 18, 668, STATUS_BAR - 18)
            self._write(f"proxy {frame.proxy}", inside, 24, INK, Align.MIDDLE)

    def _wifi(self, x: int, *, joined: bool) -> None:
        colour = WHITE if joined else BLUE_HALF
        for radius in (32, 22, 12):
            box = (x - radius, 56 - radius, x + radius, 56 + radius)
            if radius == 12:
                self._draw.pieslice(box, 225, 315, colour)
            else:
                self._draw.arc(box, 225, 315, colour, 6)

    def _title(self, node: Node) -> None:
        self._draw.rectangle(_inner(node.bounds), BLUE)
        left, top, right, bottom = node.bounds
        self._write(node.text, (left + 52, top, right - 52, bottom), 46, WHITE, bold=True)

    def _status(self, node: Node, dot: Colour, ground: Colour) -> None:
        left, top, right, bottom = node.bounds
        self._draw.rectangle(_inner(node.bounds), ground)
        self._draw.line((left, bottom - 1, right, bottom - 1), LINE, 2)
        middle = (top + bottom) // 2
        self._draw.ellipse((left + 52, middle - 11, left + 74, middle + 11), dot)
        self._write(node.text, (left + 92, top, right - 52, bottom), 32, INK)

    def _card(self, node: Node) -> None:
        self._draw.rounded_rectangle(_inner(node.bounds), RADIUS, WHITE, LINE, 2)

    def _heading(self, node: Node) -> None:
        self._write(node.text, node.bounds, 38, INK, bold=True)

    def _plain(self, node: Node) -> None:
        self._write(node.text, node.bounds, 34, DIM, wrap=True)

    def _warning(self, node: Node) -> None:
        left, top, right, bottom = node.bounds
        sign = ((left + 40, top + 8), (left, bottom - 16), (left + 80, bottom - 16))
        self._draw.polygon(sign, RED)
        self._draw.line((left + 40, top + 40, left + 40, bottom - 44), WHITE, 8)
        self._draw.ellipse((left + 35, bottom - 38, left + 45, bottom - 28), WHITE)
        self._write(node.text, (left + 108, top, right, bottom), 46, RED, bold=True)

    def _button(self, node: Node, text: Colour, ground: Colour, edge: Colour) -> None:
        if not node.enabled:
            text, ground, edge = GREY, LINE, LINE
        box = _inner(node.bounds)
        radius = (box[3] - box[1]) // 2
        self._draw.rounded_rectangle(box, radius, ground, edge, 3)
        self._write(node.text, node.bounds, 34, text, Align.MIDDLE, bold=True)

    def _field(self, node: Node) -> None:
        left, top, right, bottom = node.bounds
        edge = BLUE if node.focused and node.enabled else PALE if node.enabled else LINE
        ground = WHITE if node.enabled else SURFACE
        self._draw.rounded_rectangle(
            _inner(node.bounds), 12, ground, edge, 4 if edge == BLUE else 2
        )
        ink = INK if node.enabled else GREY
        if not node.text:
            self._write(node.hint, (left + 24, top, right - 24, bottom), 34, GREY)
            return
        label = (left + 24, top + 12, right - 24, top + 42)
        self._write(node.hint, label, 24, BLUE if edge == BLUE else DIM)
        shown = "•" * len(node.text) if node.password else node.text
        inside = (left + 24, top + 44, right - 24, bottom - 10)
        self._write(shown, inside, 28 if node.multiline else 34, ink, wrap=node.multiline)

    def _switch(self, node: Node) -> None:
        left, top, right, bottom = node.bounds
        ink = INK if node.enabled else GREY
        self._write(node.text, (left + 4, top, right - 130, bottom), 34, ink)
        middle = (top + bottom) // 2
        track = (right - 104, middle - 28, right - 1, middle + 28)
        on, off = (BLUE, WHITE) if node.enabled else (PALE, SURFACE)
        if node.checked:
            self._draw.rounded_rectangle(track, 28, on)
            self._draw.ellipse((right - 52, middle - 21, right - 10, middle + 21), WHITE)
        else:
            self._draw.rounded_rectangle(track, 28, off, GREY if node.enabled else PALE, 3)
            thumb = (right - 91, middle - 15, right - 61, middle + 15)
            self._draw.ellipse(thumb, GREY if node.enabled else PALE)

    def _monospace(self, node: Node) -> None:
        left, top, right, bottom = node.bounds
        self._draw.rounded_rectangle(_inner(node.bounds), 12, SURFACE, LINE, 2)
        inside = (left + LOG_PADDING, top + 10, right - LOG_PADDING, bottom - 10)
        typeface.write_log(self._image, node.text, inside, INK)

    def _toast(self, text: str) -> None:
        line = typeface.wrapped(text, TOAST_SIZE, self.width - 200, 1)[0]
        half = typeface.length(line, TOAST_SIZE) // 2 + 40
        bottom = self.height - NAVIGATION_BAR - 4
        box = (self.width // 2 - half, bottom - 72, self.width // 2 + half, bottom)
        self._draw.rounded_rectangle(box, 36, INK)
        self._write(line, box, TOAST_SIZE, WHITE, Align.MIDDLE)


def _inner(bounds: Bounds) -> Bounds:
    """Return ``bounds`` as Pillow counts: the last pixels are inside."""
    left, top, right, bottom = bounds
    return left, top, right - 1, bottom - 1
