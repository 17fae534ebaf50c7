"""What a program's pin placeholders stand for."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence

from lab.devices.fields import PIN_BLANKS
from lab.model.pins import Pin, PinKind


def pin_values(pins: Sequence[Pin], kinds: frozenset[PinKind]) -> dict[str, str]:
    """Return what the pin placeholders of ``kinds`` stand for; empty text where there is none.

    All SPKI SHA-256 pins in curl's syntax; of every kind the first one, as hex and as base64. A
    digest that is not base64 is passed on as it is: what a program makes of it is its affair.
    """
    digests = {kind: [pin.digest for pin in pins if pin.kind is kind] for kind in kinds}
    values = dict.fromkeys(PIN_BLANKS, "")
    keys = digests.get(PinKind.SPKI_SHA256, ())
    values["pinnedpubkey"] = ";".join(f"sha256//{digest}" for digest in keys)
    for kind, found in digests.items():
        if found:
            values[f"pin_{kind}_b64"] = found[0]
            values[f"pin_{kind}"] = _hex(found[0])
    return values


def _hex(digest: str) -> str:
    try:
        return base64.b64decode(digest, validate=True).hex()
    except (binascii.Error, ValueError):
        return digest
