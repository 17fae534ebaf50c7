"""Failure reports as a client sends them."""

from __future__ import annotations

import json
import ssl
import uuid
from typing import Any

from lab.model.failure_report import FailureReport
from lab.pki.authority import Authority

AUTHORITY = Authority.root("Sample Root").subordinate("Sample Issuing CA")
SERVED = AUTHORITY.issue("api.acme.test")
CHAIN = [ssl.DER_cert_to_PEM_cert(der) for der in SERVED.chain_der]
PINS = [
    "spki_sha256=SZOpfz5NlDKsR1ZS1/Q8i5BEpnoEXY6Y5a8ALZJ3Vrk=",
    "sha512=" + "QUJD" * 21 + "QQ==",
]


def fields(**changes: Any) -> dict[str, Any]:
    """Return a right report; ``changes`` use underscores, the value None removes a field."""
    usual: dict[str, Any] = {
        "report-id": str(uuid.uuid4()),
        "date-time": "2026-03-04T05:06:07.25Z",
        "hostname": "api.acme.test",
        "port": 443,
        "served-certificate-chain": CHAIN,
        "known-pins": PINS,
        "error": "PinsMismatch",
        "device": "phone-1",
    }
    usual.update({name.replace("_", "-"): value for name, value in changes.items()})
    return {name: value for name, value in usual.items() if value is not None}


def body(**changes: Any) -> bytes:
    return json.dumps(fields(**changes)).encode()


def report(**changes: Any) -> FailureReport:
    usual: dict[str, Any] = {
        "id": str(uuid.uuid4()),
        "host": "api.acme.test",
        "port": 443,
        "at": 1.5,
        "received_at": 0.0,
        "error": "PinsMismatch",
        "served_chain": SERVED.digests,
        "known_pins": tuple(PINS),
        "device": "phone-1",
    }
    return FailureReport(**{**usual, **changes})
