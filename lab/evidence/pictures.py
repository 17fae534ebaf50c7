"""Screenshots inside a single HTML file: each picture once, small, and not too many."""

from __future__ import annotations

import base64
import hashlib
import io
import os
import struct
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from PIL import Image

from lab.evidence.layout import PNG_MAGIC

IHDR_ENDS = 33
"""A PNG begins with its magic and the IHDR chunk: width and height at bytes 16 and 20."""

AS_IT_IS = 24_000
"""Bytes up to which a PNG goes in unchanged."""
WIDTH = 260
"""Pixels to which larger pictures are shrunk: enough to read a phone's screen."""
MOST_PIXELS = 40_000_000
AT_ONCE = 16
"""Pictures that are made before it is asked whether there is room for more."""
MOST_SHRUNK = 40
"""Pictures that are shrunk at most, the worst results' first: each costs some 50 ms, in the run and
whenever its bundle is verified. The others are in the run's folder."""
BUDGET, LEAST_BUDGET = 2_400_000, 500_000
"""Characters that all pictures together may take, beside few results and beside many."""
ROOM_OF_A_RESULT = 2_500
"""Characters by which the budget shrinks for each result beyond the first ``ROOM_BESIDE``."""
ROOM_BESIDE = 100


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as it stands in the HTML file."""

    id: str
    uri: str
    width: int
    height: int


def room_beside(results: int) -> int:
    """Return the characters that pictures may take in a page with so many results."""
    taken = ROOM_OF_A_RESULT * max(0, results - ROOM_BESIDE)
    return max(LEAST_BUDGET, BUDGET - taken)


def embed(
    names: Iterable[str], read: Callable[[str], bytes | None], budget: int = BUDGET
) -> dict[str, Picture]:
    """Return the pictures called ``names`` that fit the budget, the first ones first.

    ``read`` gives a file's content, None where there is none. What cannot be read as a picture
    is left out: the report then names the file only.
    """
    digests: dict[str, str] = {}
    wanted: dict[str, tuple[bytes, bool]] = {}
    shrunk = 0
    for name in dict.fromkeys(names):
        content = read(name)
        if content is None or not content.startswith(PNG_MAGIC):
            continue
        digests[name] = digest = hashlib.sha256(content).hexdigest()[:16]
        must_shrink = len(content) > AS_IT_IS
        if digest not in wanted and not (must_shrink and shrunk >= MOST_SHRUNK):
            shrunk += must_shrink
            wanted[digest] = content, must_shrink
    fitting = dict(_fitting(wanted, budget))
    return {name: fitting[digest] for name, digest in digests.items() if digest in fitting}


def _fitting(wanted: dict[str, tuple[bytes, bool]], budget: int) -> Iterator[tuple[str, Picture]]:
    """Yield pictures with their digests until one does not fit."""
    digests = list(wanted)
    # Pillow works outside the interpreter's lock, so that threads are of use.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for start in range(0, len(digests), AT_ONCE):
            some = digests[start : start + AT_ONCE]
            made = pool.map(
                lambda d: _picture(f"shot-{d}", wanted[d][0], shrink=wanted[d][1]), some
            )
            for digest, picture in zip(some, list(made), strict=True):
                if picture is None:
                    continue
                budget -= len(picture.uri)
                if budget < 0:
                    return
                yield digest, picture


def _picture(id_: str, content: bytes, *, shrink: bool) -> Picture | None:
    if len(content) < IHDR_ENDS:
        return None
    # The size is read here because Pillow warns of large pictures, and only of very large ones.
    width, height = struct.unpack(">II", content[16:24])
    if not 0 < width * height <= MOST_PIXELS:
        return None
    kind = "png"
    if shrink:
        try:
            kind, content = "webp", _shrunk(content)
        # Pillow raises whatever its parser stumbles over in a broken file.
        except (OSError, SyntaxError, ValueError, ArithmeticError, struct.error):
            return None
    uri = f"data:image/{kind};base64,{base64.b64encode(content).decode()}"
    return Picture(id_, uri, width, height)


def _shrunk(content: bytes) -> bytes:
    with Image.open(io.BytesIO(content), formats=["PNG"]) as image:
        # By a whole factor first, which costs a fraction of what the filter does.
        small = image.convert("RGB").reduce(max(1, image.width // WIDTH))
    small.thumbnail((WIDTH, WIDTH * 4))
    out = io.BytesIO()
    small.save(out, "WEBP", quality=60, method=1)
    return out.getvalue()
