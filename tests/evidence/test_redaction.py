from __future__ import annotations

import base64
import time

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st

from lab.evidence.redaction import GONE, redact, redact_command, redact_lines


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer s3cr3t-value",
        "sent Bearer s3cr3t-value-1 to it",
        "Cookie: session=s3cr3t; other=s3cr3t",
        'headers {"set-cookie": "sid=s3cr3t"}',
        "x-api-key=s3cr3t",
        "https://user:s3cr3t@api.acme.test/",
        "refresh_token=s3cr3t&next=1",
        '{"password": "s3cr3t"}',
        "client-secret: s3cr3t",
        "eyJhbGciOiJI.eyJzM2NyM3Qi.s3cr3t",
        "-----BEGIN PRIVATE KEY-----\ns3cr3t\n-----END PRIVATE KEY-----",
        "-----BEGIN EC PRIVATE KEY-----\ns3cr3t, and the log was cut",
    ],
)
def test_secrets_are_gone_and_it_shows(text: str) -> None:
    cleaned = redact(text)
    assert "s3cr3t" not in cleaned
    assert GONE in cleaned


def test_a_real_private_key_is_gone() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    assert redact(f"before\n{pem}after") == f"before\n{GONE}\nafter"


def test_a_key_that_is_logged_line_by_line_is_gone_and_what_follows_is_not() -> None:
    lines = [
        "before",
        "key: -----BEGIN PRIVATE KEY-----",
        "MIGHAgEA",
        "-----END PRIVATE KEY-----",
        "after",
        "-----BEGIN PRIVATE KEY----- MIGH -----END PRIVATE KEY-----",
        "the end",
    ]
    cleaned = ["before", f"key: {GONE}", GONE, GONE, "after", GONE, "the end"]
    assert redact_lines(lines) == cleaned
    assert redact_lines(cleaned) == cleaned


@given(st.binary(min_size=32, max_size=64))
def test_digests_and_pins_survive(digest: bytes) -> None:
    pin = f"spki_sha256={base64.b64encode(digest).decode()}"
    assert redact(digest.hex()) == digest.hex()
    assert redact(pin) == pin


def test_names_of_headers_survive() -> None:
    request = "GET / HTTP/1.1 · host, authorization, cookie"
    assert redact(request) == request


@given(st.text(alphabet="token secret=:;,/@ eyJ.\n-", max_size=80))
def test_redacting_twice_is_redacting_once(text: str) -> None:
    assert redact(redact(text)) == redact(text)


@pytest.mark.parametrize("piece", ["a-", "a.", "eyJaaaa-", "a_", "bearer ", "a://b:", "token="])
def test_a_hostile_line_costs_no_more_than_its_length(piece: str) -> None:
    line = piece * (200_000 // len(piece))
    started = time.process_time()
    redact(line)
    # Quadratic patterns take minutes on this; linear ones, or bounded ones, a fraction of this.
    assert time.process_time() - started < 5


def test_secrets_on_a_command_line_are_gone() -> None:
    shown = redact_command(["pytest", "-m", "mitm", "--token=s3cr3t", "--hub-password", "s3cr3t"])
    assert shown == ("pytest", "-m", "mitm", f"--token={GONE}", "--hub-password", GONE)
