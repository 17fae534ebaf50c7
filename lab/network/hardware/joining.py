"""What a phone is shown to join a network: the text of a QR code, as phones' cameras read it."""

from __future__ import annotations

import re

from lab.network.hardware.plan import AccessPlan, Security

_SPECIAL = re.compile(r'([\\;,:"])')
_HEX = re.compile(r"[0-9A-Fa-f]+")
_KINDS = {Security.OPEN: "nopass", Security.WPA2: "WPA", Security.WPA3: "SAE"}


def joining_text(plan: AccessPlan) -> str:
    """Return the text of the QR code (Wi-Fi Alliance, WPA3 Specification, section 7; the older
    form by ZXing). It holds the passphrase.

    SAE for WPA3 is what Android reads; "WPA" would have it try WPA2.
    """
    fields = [("T", _KINDS[plan.security]), ("S", _value(plan.ssid))]
    if plan.passphrase is not None:
        fields.append(("P", _value(plan.passphrase)))
    return "WIFI:" + "".join(f"{name}:{value};" for name, value in fields) + ";"


def _value(text: str) -> str:
    # What could be hexadecimal is taken for that, unless it is in quotes.
    return f'"{text}"' if _HEX.fullmatch(text) else _SPECIAL.sub(r"\\\1", text)
