"""Takes credentials out of text before it is written anywhere.

Apps log what they like. A report is handed on, so what it says of tokens, cookies and keys is
only that they were there. The patterns are narrow: digests and pins must survive unchanged.
Repetitions are bounded, so that a long line from a device costs no more than its length.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

GONE = "[redacted]"

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
    begun = list(_KEY_BEGINS.finditer(line))
    return bool(begun) and not _KEY_ENDS.search(line, begun[-1].end())


def redact_command(arguments: Iterable[str]) -> tuple[str, ...]:
    """Return a command line whose secrets are gone, those that are arguments of their own too."""
    shown: list[str] = []
    for argument in arguments:
        hidden = bool(shown) and bool(_SECRET_OPTION.match(shown[-1]))
        shown.append(GONE if hidden else redact(argument))
    return tuple(shown)
