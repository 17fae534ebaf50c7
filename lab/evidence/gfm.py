"""Text from outside in GitHub-flavoured Markdown, where it must be nothing but text."""

from __future__ import annotations

import re

from lab.evidence.plain import plain_line

_APART = "\u200b"
"""Without width: what GitHub looks for in finished text (mentions, links) is not there any more."""
_MEANS_SOMETHING = re.compile(r"[\\`*_\[\]|~#!$^]")
_REFERENCE = re.compile(
    r"@(?=[A-Za-z0-9])|#(?=\d)|GH-(?=\d)|www(?=\.)|:(?=//)|mailto:|xmpp:", re.IGNORECASE
)
_HTML = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def escaped(text: str, limit: int = 600) -> str:
    """Return ``text`` on one line, cut to ``limit`` characters before they are escaped, so that
    no markup, HTML, mention, reference or link is in it. It may stand in a cell of a table; it
    must not stand at the beginning of a line."""
    text = _REFERENCE.sub(lambda found: found.group() + _APART, plain_line(text, limit))
    text = "".join(_HTML.get(character, character) for character in text)
    return _MEANS_SOMETHING.sub(r"\\\g<0>", text)
