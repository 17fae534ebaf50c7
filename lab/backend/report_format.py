"""Failure reports as they travel: JSON with the field names of RFC 7469 section 3.

The fields: ``report-id`` (a UUID, chosen by the client, the same when it sends again),
``date-time`` (RFC 3339), ``hostname``, ``port``, ``served-certificate-chain`` (PEM, leaf first),
``known-pins`` (``kind=base64``), ``error`` (the SDK's name for it) and, where the client says so,
``device``. Other fields, such as the rest of RFC 7469's, are ignored.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from datetime import datetime, timedelta
from typing import Any, NoReturn

from lab.model.failure_report import FailureReport
from lab.model.pins import PinKind

MAX_SIZE = 256 << 10
"""Bytes of a report."""
MAX_CHAIN = 64
"""Certificates of a served chain."""
MAX_PINS = 256
MAX_PIN = 256
"""Characters of one pin."""
MAX_DEVICE = 128
"""Characters of a device's name."""

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_HOST = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(\.{_LABEL})*")
_TIME = re.compile(
    r"(?P<minute>\d{4}-\d\d-\d\dT\d\d:\d\d):(?P<second>\d\d)(?P<fraction>\.\d{1,9})?"
    r"(?P<zone>Z|[+-]\d\d:\d\d)",
    re.ASCII | re.IGNORECASE,
)
_ERROR = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
_PEM = re.compile(
    r"\s*-----BEGIN CERTIFICATE-----\r?\n([A-Za-z0-9+/=\r\n]+)-----END CERTIFICATE-----\s*"
)


class MalformedReport(ValueError):
    """The report cannot be taken. ``field`` says where, ``why`` says what is wrong there."""

    def __init__(self, field: str, why: str) -> None:
        super().__init__(f"{field} {why}")
        self.field = field
        self.why = why


class NotJson(MalformedReport):
    """The body is not one JSON object in UTF-8 (RFC 8259)."""

    def __init__(self, why: str) -> None:
        super().__init__("body", why)


def parse(body: bytes) -> FailureReport:
    """Read a report. Raises NotJson or MalformedReport.

    ``received_at`` of the result is 0.0: it is not stored yet.
    """
    read = _object(body)
    return FailureReport(
        id=_matching(read, "report-id", _UUID, "a UUID such as 8-4-4-4-12 hex digits"),
        host=_matching(read, "hostname", _HOST, "a host name (RFC 1123)"),
        port=_port(read),
        at=_time(read),
        received_at=0.0,
        error=_error(read),
        served_chain=_chain(read),
        known_pins=_pins(read),
        device=_device(read),
    )


def _object(body: bytes) -> dict[str, Any]:
    if len(body) > MAX_SIZE:
        raise NotJson(f"is longer than {MAX_SIZE} bytes")
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise NotJson("is not UTF-8") from None
    try:
        read = json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant)
    except MalformedReport:
        raise
    except (ValueError, RecursionError):
        raise NotJson("is not JSON") from None
    if not isinstance(read, dict):
        raise NotJson("is not a JSON object")
    return read


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse a name that is there twice: two readers would read two different reports."""
    read = dict(pairs)
    if len(read) != len(pairs):
        raise NotJson("has a field twice")
    return read


def _no_constant(_name: str) -> NoReturn:
    raise NotJson("has a number that JSON does not know")


def _text(read: dict[str, Any], field: str) -> str:
    if field not in read:
        raise MalformedReport(field, "is missing")
    value = read[field]
    if not isinstance(value, str):
        raise MalformedReport(field, "is not a string")
    return value


def _matching(read: dict[str, Any], field: str, form: re.Pattern[str], name: str) -> str:
    text = _text(read, field)
    value = text.lower()
    # Some letters beyond ASCII become ASCII when lowered (U+212A KELVIN SIGN).
    if not text.isascii() or not form.fullmatch(value):
        raise MalformedReport(field, f"is not {name}")
    return value


def _error(read: dict[str, Any]) -> str:
    """Read the error's name. Which names are right is for the judge to say."""
    value = _text(read, "error")
    if not _ERROR.fullmatch(value):
        raise MalformedReport("error", "is not an error's name, such as PinsMismatch")
    return value


def _device(read: dict[str, Any]) -> str:
    if "device" not in read:
        return ""
    value = _text(read, "device")
    if len(value) > MAX_DEVICE or not value.isprintable():
        raise MalformedReport("device", f"is not up to {MAX_DEVICE} printable characters")
    return value


def _port(read: dict[str, Any]) -> int:
    if "port" not in read:
        raise MalformedReport("port", "is missing")
    port = read["port"]
    if not isinstance(port, int) or isinstance(port, bool) or not 1 <= port <= 65535:
        raise MalformedReport("port", "is not an integer from 1 to 65535")
    return port


def _time(read: dict[str, Any]) -> float:
    found = _TIME.fullmatch(_text(read, "date-time").upper())
    if found is None:
        raise MalformedReport("date-time", "is not an RFC 3339 time such as 2026-01-31T09:30:00Z")
    second = int(found["second"])
    # RFC 3339 section 5.7 has leap seconds, Python has not: the 60th counts from the 59th.
    leap, second = (1, 59) if second == 60 else (0, second)
    try:
        at = datetime.fromisoformat(f"{found['minute']}:{second:02}{found['zone']}")
        at += timedelta(seconds=leap)
    except (ValueError, OverflowError):
        raise MalformedReport("date-time", "is a day or time that does not exist") from None
    return at.timestamp() + float(found["fraction"] or 0.0)


def _strings(read: dict[str, Any], field: str, most: int) -> list[str]:
    if field not in read:
        raise MalformedReport(field, "is missing")
    value = read[field]
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise MalformedReport(field, "is not a list of strings")
    if len(value) > most:
        raise MalformedReport(field, f"has more than {most} entries")
    return value


def _chain(read: dict[str, Any]) -> tuple[str, ...]:
    field = "served-certificate-chain"
    served = _strings(read, field, MAX_CHAIN)
    if not served:
        raise MalformedReport(field, "is empty")
    found = []
    for number, pem in enumerate(served, 1):
        try:
            found.append(hashlib.sha256(_der(pem)).hexdigest())
        except ValueError as error:
            raise MalformedReport(field, f"entry {number}: {error}") from None
    return tuple(found)


def _der(pem: str) -> bytes:
    """Return the DER inside one PEM certificate. Raises ValueError.

    The certificate's insides are not looked at: an attack may serve one that this machine's
    library cannot read, and the report about it is wanted all the same.
    """
    armour = _PEM.fullmatch(pem)
    if armour is None:
        raise ValueError("is not one PEM certificate")
    try:
        der = base64.b64decode("".join(armour[1].split()), validate=True)
    except binascii.Error:
        raise ValueError("is not base64 inside") from None
    if not _is_one_sequence(der):
        raise ValueError("is not DER inside")
    return der


def _is_one_sequence(der: bytes) -> bool:
    """Tell whether ``der`` is one SEQUENCE of exactly its own length (X.690 section 8.1.3)."""
    if len(der) < 2 or der[0] != 0x30:
        return False
    size = der[1] & 0x7F if der[1] & 0x80 else 0
    length = int.from_bytes(der[2 : 2 + size], "big") if size else der[1]
    return not (der[1] == 0x80 or size > 4) and len(der) == 2 + size + length


def _pins(read: dict[str, Any]) -> tuple[str, ...]:
    field = "known-pins"
    pins = _strings(read, field, MAX_PINS)
    for number, pin in enumerate(pins, 1):
        kind, _, digest = pin.partition("=")
        if kind not in set(PinKind):
            known = ", ".join(PinKind)
            raise MalformedReport(field, f"entry {number} does not begin with one of {known}")
        # Its length is not looked at: what an app holds may itself be malformed, and is quoted.
        if not digest or len(pin) > MAX_PIN or not _is_base64(digest):
            raise MalformedReport(field, f"entry {number} is not kind=base64")
    return tuple(pins)


def _is_base64(text: str) -> bool:
    try:
        _ = base64.b64decode(text, validate=True)
    except ValueError:
        return False
    return True
