"""Timestamps of a third party (RFC 3161): that a bundle's manifest was there at a moment."""

from __future__ import annotations

import hashlib
import http.client
import urllib.request
from collections.abc import Iterable
from datetime import datetime
from urllib.parse import urlsplit

from cryptography import x509
from rfc3161_client import (
    PKIStatus,
    TimestampRequestBuilder,
    TimeStampResponse,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)

TIMEOUT = 10.0
"""Seconds to wait for the authority."""
LARGEST_ANSWER = 1 << 20
"""Bytes."""
SHA256_OID = "2.16.840.1.101.3.4.2.1"


class Unstamped(Exception):
    """There is no timestamp, or none that fits; the message says why."""


class TimestampAuthority:
    """A timestamp authority that is asked over HTTP (RFC 3161 section 3.4)."""

    def __init__(self, url: str, timeout: float = TIMEOUT) -> None:
        """Raises Unstamped where ``url`` is none of http or https."""
        if urlsplit(url).scheme not in ("http", "https"):
            raise Unstamped(f"{url!r} is no http or https URL")
        self._url = url
        self._timeout = timeout

    def stamp(self, content: bytes) -> bytes:
        """Return the authority's response on ``content``. Raises Unstamped."""
        asked = TimestampRequestBuilder().data(content).cert_request(cert_request=True).build()
        request = urllib.request.Request(  # noqa: S310 - the scheme was looked at
            self._url,
            data=asked.as_bytes(),
            headers={"Content-Type": "application/timestamp-query"},
        )
        try:
            with urllib.request.urlopen(request, timeout=self._timeout) as answer:  # noqa: S310
                response: bytes = answer.read(LARGEST_ANSWER)
        except (OSError, http.client.HTTPException, ValueError) as error:
            reason = getattr(error, "reason", error)
            raise Unstamped(f"{self._url} gave none: {reason}") from None
        stamped = _read(response)
        _compare(stamped, content)
        if stamped.tst_info.nonce != asked.nonce:
            raise Unstamped(f"{self._url} answered another question: the nonce is not ours")
        return response


def stamped_at(response: bytes, content: bytes, roots: Iterable[x509.Certificate]) -> datetime:
    """Return the time at which ``content`` was there, by an authority under one of ``roots``;
    without any, by whoever made the response. Raises Unstamped."""
    stamped = _read(response)
    _compare(stamped, content)
    builder, trusted = VerifierBuilder(), False
    for root in roots:
        builder, trusted = builder.add_root_certificate(root), True
    if trusted:
        try:
            builder.build().verify_message(stamped, content)
        except (VerificationError, ValueError) as error:
            raise Unstamped(f"not by an authority that is trusted: {error}") from None
    return stamped.tst_info.gen_time


def _read(response: bytes) -> TimeStampResponse:
    try:
        stamped = decode_timestamp_response(response)
        granted = PKIStatus(stamped.status) is PKIStatus.GRANTED
    except ValueError:
        raise Unstamped("not a timestamp response (RFC 3161) in DER") from None
    if not granted:
        raise Unstamped("the authority refused")
    return stamped


def _compare(stamped: TimeStampResponse, content: bytes) -> None:
    imprint = stamped.tst_info.message_imprint
    if imprint.hash_algorithm.dotted_string != SHA256_OID:
        # What the request builder's default makes.
        expected = hashlib.sha512(content).digest()
    else:
        expected = hashlib.sha256(content).digest()
    if imprint.message != expected:
        raise Unstamped("it is about another content")
