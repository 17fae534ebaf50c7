"""Marked secrets, and where they turn up. Pure."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes


@dataclass(frozen=True, slots=True)
class Secret:
    """A text of ASCII letters and digits that must not turn up where it is looked for."""

    name: str
    """What it stands for: ``the URL's query``."""
    text: str

    def is_in(self, content: bytes) -> bool:
        """Tell whether ``content`` holds it: as it is, in upper or lower case, percent-encoded,
        in base64, or in hex."""
        plain = self.text.encode("ascii")
        for seen in (content.lower(), unquote_to_bytes(content).lower()):
            if plain.lower() in seen or plain.hex().encode() in seen:
                return True
        return any(form in content for form in _base64_forms(plain))


def _base64_forms(plain: bytes) -> tuple[bytes, ...]:
    """Return what ``plain`` looks like in the base64 of a longer text, wherever it begins there.

    What depends on its neighbours is left out at both ends.
    """
    forms = []
    for before in range(3):
        encoded = base64.b64encode(bytes(before) + plain)
        # A character holds six bits: those that overlap with what comes before or after differ.
        first = -(-before * 8 // 6)
        last = (before + len(plain)) * 8 // 6
        forms.append(encoded[first:last])
    return tuple(forms)
