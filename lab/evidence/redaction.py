"""Takes credentials out of text before it is written anywhere.

Apps log what they like. A report is handed on, so what it says of tokens, cookies and keys is
only that they were there. The patterns are narrow: digests and pins must survive unchanged.
Repetitions are bounded, so that a long line from a device costs no more than its length.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

GONE = "[redacted]"
SHORTEST_SECRET = 6
"""Characters. What is shorter stands for too many other things."""
SHORT = 200
"""Characters."""
LONG_SECRET = 12
"""Characters from which on a secret is taken out of the middle of words, too: a shorter one may be
a part of a digest by chance."""

_KEY_BEGINS = re.compile(r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----")
_KEY_ENDS = re.compile(r"-----END [A-Z ]{0,40}PRIVATE KEY-----")
_PRIVATE_KEY = re.compile(
    r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----.*?(?:-----END [A-Z ]{0,40}PRIVATE KEY-----|\Z)",
    re.DOTALL,
)
_HEADER = re.compile(
    r"\b((?:proxy-)?authorization|(?:set-)?cookie|x-api-key|x-auth-token)(\"?\s*[:=]\s*)([^\r\n]+)",
    re.IGNORECASE,
)
_BEARER = re.compile(r"\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}", re.IGNORECASE)
_JWT = re.compile(r"\beyJ[A-Za-z0-9_-]{4,4096}\.[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]*")
_NAMED = re.compile(
    r"\b((?:[a-z0-9]{1,40}[_-]){0,4}(?:password|passwd|secret|token|api[_-]?key|credentials?))"
    r"(\"?\s*[:=]\s*\"?)([^\s\"&,;]+)",
    re.IGNORECASE,
)
_USER_INFO = re.compile(r"(\b[a-z][a-z0-9+.-]{0,20}://)[^/\s:@]+:[^/\s@]+@", re.IGNORECASE)
_SECRET_OPTION = re.compile(
    r"^--?(?:[a-z0-9]+-)*(?:password|passwd|secret|token|key|credentials?)$", re.IGNORECASE
)


def redact(text: str) -> str:
    """Return ``text`` without private keys, tokens, cookies, passwords and user information."""
    # The same short texts are in every record of a run, many times over.
    return _redact_short(text) if len(text) <= SHORT else _redact(text)


@lru_cache(maxsize=1 << 13)
def _redact_short(text: str) -> str:
    return _redact(text)


def _redact(text: str) -> str:
    text = _PRIVATE_KEY.sub(GONE, text)
    text = _HEADER.sub(rf"\1\2{GONE}", text)
    text = _JWT.sub(GONE, text)
    text = _BEARER.sub(rf"\1 {GONE}", text)
    text = _NAMED.sub(rf"\1\2{GONE}", text)
    return _USER_INFO.sub(rf"\1{GONE}@", text)


def redact_lines(lines: Iterable[str]) -> list[str]:
    """Return ``lines``, each redacted, and without a private key that was logged line by line."""
    shown: list[str] = []
    inside = False
    for line in lines:
        ends = inside and bool(_KEY_ENDS.search(line))
        shown.append(GONE if inside else redact(line))
        inside = not ends and (inside or _key_is_open(line))
    return shown


def _key_is_open(line: str) -> bool:
    if "-----BEGIN" not in line:
        return False
    begun = list(_KEY_BEGINS.finditer(line))
    return bool(begun) and not _KEY_ENDS.search(line, begun[-1].end())


def redact_command(arguments: Iterable[str]) -> tuple[str, ...]:
    """Return a command line whose secrets are gone, those that are arguments of their own too."""
    shown: list[str] = []
    for argument in arguments:
        hidden = bool(shown) and bool(_SECRET_OPTION.match(shown[-1]))
        shown.append(GONE if hidden else redact(argument))
    return tuple(shown)


_GONE = re.escape(GONE)
_TRACES: Mapping[str, re.Pattern[str]] = {
    "header": re.compile(
        r"\b(?:(?:proxy-)?authorization|(?:set-)?cookie|x-api-key|x-auth-token)"
        rf"\"?\s*[:=]\s*{_GONE}",
        re.IGNORECASE,
    ),
    "named value": re.compile(
        rf"(?:password|passwd|secret|token|api[_-]?key|credentials?)\"?\s*[:=]\s*\"?{_GONE}",
        re.IGNORECASE,
    ),
    "user information": re.compile(rf"://{_GONE}@"),
}


def redactions(text: str) -> Counter[str]:
    """Return how much was taken out of ``text``, by kind; what left no trace of its kind (a key,
    a token, a secret that was known) is called ``other``."""
    if GONE not in text:
        # As in nearly every record; what is left to do takes longer than the record's writing.
        return Counter()
    found = Counter({kind: len(pattern.findall(text)) for kind, pattern in _TRACES.items()})
    found["other"] = text.count(GONE) - found.total()
    return +found


def _alone(secret: str) -> str:
    if len(secret) >= LONG_SECRET:
        return re.escape(secret)
    return rf"(?<![A-Za-z0-9]){re.escape(secret)}(?![A-Za-z0-9])"


class Concealer:
    """Takes secrets that are known word by word out of what is written: those of devices.yaml and
    of the environment variables that it names."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        known = {secret for secret in secrets if len(secret) >= SHORTEST_SECRET}
        # The longest first: one secret may be the beginning of another.
        words = sorted(known, key=lambda secret: (-len(secret), secret))
        self._known = re.compile("|".join(map(_alone, words))) if words else None

    def text(self, text: str) -> str:
        """Return ``text`` without what is known to be secret."""
        return text if self._known is None else self._known.sub(GONE, text)

    def json(self, value: Any) -> Any:
        """Return JSON data whose texts hold nothing that is known to be secret."""
        if self._known is None:
            return value
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.text(key): self.json(inner) for key, inner in value.items()}
        return [self.json(item) for item in value] if isinstance(value, list) else value
