"""The iPhone's screen as a picture: Android's painter, in the iPhone's size and with its bars."""

from __future__ import annotations

from datetime import datetime

from lab.phone.ios.screen_nodes import HEIGHT, SPRINGBOARD, STATUS_BAR, WIDTH
from lab.phone.node import Node
from lab.phone.palette import AMBER_TINT, DIM, GREEN, GREY, INK, LINE, SURFACE, WHITE
from lab.phone.picture import Frame, Painter
from lab.phone.typeface import CHECK, Align

_DRAWN = str.maketrans({"📱": "-", "✅": CHECK, "⚠": "!", "\ufe0f": None, "❌": "\xd7", "🔍": "?"})
"""The log's icons, as the one font that there is can draw them."""


class IPhonePainter(Painter):
    """Paints one frame on one image, as an iPhone looks."""

    width, height = WIDTH, HEIGHT
    home = SPRINGBOARD

    def _status_bar(self, when: datetime, frame: Frame) -> None:
        self._draw.rectangle((0, 0, WIDTH, STATUS_BAR - 1), SURFACE)
        # The bar is as high as the island in it needs.
        self._draw.rounded_rectangle((WIDTH // 2 - 186, 33, WIDTH // 2 + 186, 144), 56, INK)
        self._write(f"{when:%H:%M}", (90, 40, 330, 140), 50, INK, bold=True)
        self._write(f"{when:%Y-%m-%d}", (90, 128, 330, STATUS_BAR), 26, DIM)
        self._draw.rounded_rectangle((WIDTH - 174, 66, WIDTH - 102, 108), 12, outline=INK, width=3)
        self._draw.rectangle((WIDTH - 165, 75, WIDTH - 126, 99), INK)
        name = frame.network or "no Wi-Fi"
        self._write(name, (WIDTH - 390, 128, WIDTH - 102, STATUS_BAR), 26, DIM, Align.RIGHT)
        if frame.proxy:
            pill = (WIDTH // 2 - 210, 148, WIDTH // 2 + 210, STATUS_BAR + 6)
            self._draw.rounded_rectangle(pill, 16, AMBER_TINT)
            self._write(f"proxy {frame.proxy}", pill, 24, INK, Align.MIDDLE)

    def _plain(self, node: Node) -> None:
        self._write(node.text.translate(_DRAWN), node.bounds, 34, DIM, wrap=True)

    def _last(self, frame: Frame) -> None:
        pill = (WIDTH // 2 - 210, HEIGHT - 39, WIDTH // 2 + 210, HEIGHT - 24)
        self._draw.rounded_rectangle(pill, 7, INK)

    def _switch(self, node: Node) -> None:
        left, top, right, bottom = node.bounds
        middle = (top + bottom) // 2
        self._write(node.text, (left, top, right - 170, bottom), 38, INK if node.enabled else GREY)
        track = (right - 153, middle - 46, right - 1, middle + 46)
        self._draw.rounded_rectangle(track, 46, GREEN if node.checked else LINE)
        at = right - 93 if node.checked else right - 147
        self._draw.ellipse((at, middle - 40, at + 80, middle + 40), WHITE)
