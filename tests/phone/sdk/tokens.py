"""Signed configurations, right and wrong, and a project that they belong to."""

from __future__ import annotations

from lab.model.pins import Mode, Pin, PinConfiguration, PinKind, PinnedDomain
from lab.phone.sdk.project import Project
from lab.pinning.jws import (
    claims_of,
    new_signing_key,
    public_key_text,
    sign_claims,
    sign_configuration,
)

KEY = new_signing_key()
STRANGER = new_signing_key()
SOURCE = "https://config.acme.test/pins.jws"
PIN = Pin(PinKind.SPKI_SHA256, "SZOpfz5NlDKsR1ZS1/Q8i5BEpnoEXY6Y5a8ALZJ3Vrk=")
PROJECT = Project("org", "project", public_key_text(KEY), Mode.STRICT, (SOURCE,))


def numbered(version: int) -> PinConfiguration:
    return PinConfiguration((PinnedDomain("api.acme.test", (PIN,)),), version)


def right(version: int) -> bytes:
    return sign_configuration(numbered(version), KEY, issued_at=0)


def tampered(version: int) -> bytes:
    token = right(version)
    middle = token.index(b".") + 20
    return (
        token[:middle]
        + (b"A" if token[middle : middle + 1] != b"A" else b"B")
        + token[middle + 1 :]
    )


def foreign(version: int) -> bytes:
    return sign_configuration(numbered(version), STRANGER, issued_at=0)


def future(version: int) -> bytes:
    return sign_configuration(numbered(version), KEY, issued_at=4_000_000_000)


def without_domains(version: int) -> bytes:
    claims = claims_of(numbered(version), issued_at=0)
    del claims["domains"]
    return sign_claims(claims, KEY)
