"""Certificates as files: PEM, one each."""

from __future__ import annotations

import base64
import binascii
import re

BEGIN, END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
_PEM = re.compile(rf"{BEGIN}\n([A-Za-z0-9+/=\n]+)\n{END}\n")


def pem(der: bytes) -> bytes:
    """Return ``der`` as PEM (RFC 7468), whether or not anything can be made of it."""
    text = base64.b64encode(der).decode()
    lines = [text[at : at + 64] for at in range(0, len(text), 64)]
    return "\n".join([BEGIN, *lines, END, ""]).encode()


def der_of(content: bytes) -> bytes | None:
    """Return the DER of a file that ``pem`` made, None for any other."""
    found = _PEM.fullmatch(content.decode("ascii", "replace"))
    try:
        return None if found is None else base64.b64decode(found[1])
    except binascii.Error:
        return None
