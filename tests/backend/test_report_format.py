from __future__ import annotations

import hashlib
import json
import ssl
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lab.backend.report_format import MAX_CHAIN, MAX_SIZE, MalformedReport, NotJson, parse
from lab.model.failure_report import FailureReport
from lab.model.pins import PinKind
from tests.backend.samples import CHAIN, PINS, SERVED, body, fields
from tests.pinning import openssl

ID = "6f1d2c3b-0a9e-4b7c-8d6e-5f4a3b2c1d0e"


def test_reads_every_field() -> None:
    assert parse(body(report_id=ID)) == FailureReport(
        id=ID,
        host="api.acme.test",
        port=443,
        at=datetime(2026, 3, 4, 5, 6, 7, 250000, UTC).timestamp(),
        received_at=0.0,
        error="PinsMismatch",
        served_chain=SERVED.digests,
        known_pins=tuple(PINS),
        device="phone-1",
    )


def test_names_certificates_as_openssl_does() -> None:
    told = openssl.run("x509", "-noout", "-fingerprint", "-sha256", content=CHAIN[0].encode())
    digest = told.decode().strip().partition("=")[2].replace(":", "").lower()
    assert parse(body()).served_chain[0] == digest


def test_device_is_optional() -> None:
    assert parse(body(device=None)).device == ""


def test_no_pins_are_known_for_a_host_that_is_not_registered() -> None:
    assert parse(body(known_pins=[])).known_pins == ()


def test_other_fields_of_rfc_7469_are_ignored() -> None:
    more = {"noted-hostname": "acme.test", "include-subdomains": False}
    assert parse(json.dumps({**fields(), **more}).encode()).host == "api.acme.test"


def test_host_and_identifier_are_lowered() -> None:
    read = parse(body(report_id=ID.upper(), hostname="API.Acme.Test"))
    assert (read.id, read.host) == (ID, "api.acme.test")


def armoured(der: bytes) -> str:
    return ssl.DER_cert_to_PEM_cert(der)


@pytest.mark.parametrize(
    "der", [b"\x30\x00", b"\x30\x03\x02\x01\x07", b"\x30\x81\x80" + b"\x05\x00" * 64]
)
def test_a_certificate_that_no_library_reads_is_named_all_the_same(der: bytes) -> None:
    read = parse(body(served_certificate_chain=[armoured(der)]))
    assert read.served_chain == (hashlib.sha256(der).hexdigest(),)


def test_pins_are_quoted_as_they_stand_even_where_the_digest_is_too_short() -> None:
    assert parse(body(known_pins=["sha256=QUJD"])).known_pins == ("sha256=QUJD",)


@pytest.mark.parametrize("kind", PinKind)
def test_every_kind_of_pin_is_known(kind: PinKind) -> None:
    assert parse(body(known_pins=[f"{kind}=QUJD"])).known_pins == (f"{kind}=QUJD",)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("1970-01-01T00:00:01Z", 1.0),
        ("1970-01-01t00:00:01z", 1.0),
        ("1970-01-01T01:00:01.5+01:00", 1.5),
        ("1970-01-01T00:00:00.123456789-00:00", 0.123456789),
        # RFC 3339 section 5.8: the leap second at the end of 1990.
        ("1990-12-31T23:59:60Z", 662688000.0),
        ("0001-01-01T00:00:00+23:59", -62135683140.0),
    ],
)
def test_reads_rfc_3339_times(text: str, at: float) -> None:
    assert parse(body(date_time=text)).at == at


@given(
    st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(2200, 1, 1)),
    st.integers(-23 * 60, 23 * 60),
)
def test_agrees_with_the_standard_library_on_times(naive: datetime, minutes: int) -> None:
    moment = naive.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    read = parse(body(date_time=moment.isoformat()))
    assert read.at == pytest.approx(moment.timestamp(), abs=1e-5)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("report-id", None),
        ("report-id", 7),
        ("report-id", ""),
        ("report-id", "{" + ID + "}"),
        ("report-id", ID.replace("-", "")),
        ("report-id", ID + "\n"),
        ("date-time", None),
        ("date-time", 1767225600),
        ("date-time", "2026-03-04"),
        ("date-time", "2026-03-04T05:06:07"),
        ("date-time", "2026-03-04 05:06:07Z"),
        ("date-time", "2026-W10-3T05:06:07Z"),
        ("date-time", "2026-02-30T05:06:07Z"),
        ("date-time", "0000-01-01T00:00:00Z"),
        ("date-time", "2026-03-04T05:06:61Z"),
        ("date-time", "9999-12-31T23:59:60Z"),
        ("date-time", "2026-03-04T05:06:07+99:00"),
        ("date-time", "2026-03-04T05:06:0\N{ARABIC-INDIC DIGIT SEVEN}Z"),
        ("hostname", None),
        ("hostname", ["api.acme.test"]),
        ("hostname", ""),
        ("hostname", "api..acme.test"),
        ("hostname", "-api.acme.test"),
        ("hostname", "api.acme.test."),
        ("hostname", "api.acme.test:443"),
        ("hostname", "a" * 64 + ".test"),
        ("hostname", ".".join(["abcdefg"] * 32)),
        ("hostname", "\N{KELVIN SIGN}acme.test"),
        ("port", None),
        ("port", "443"),
        ("port", True),
        ("port", 443.0),
        ("port", 0),
        ("port", 65536),
        ("error", None),
        ("error", ""),
        ("error", "Pins mismatch"),
        ("error", "E" * 65),
        ("device", 7),
        ("device", "d" * 129),
        ("device", "line\nbreak"),
        ("device", "\ud800"),
        ("served-certificate-chain", None),
        ("served-certificate-chain", CHAIN[0]),
        ("served-certificate-chain", []),
        ("served-certificate-chain", [7]),
        ("served-certificate-chain", [CHAIN[0] + CHAIN[0]]),
        ("served-certificate-chain", [CHAIN[0].replace("CERTIFICATE", "PUBLIC KEY")]),
        ("served-certificate-chain", [CHAIN[0].replace("\nM", "\n*")]),
        ("served-certificate-chain", [CHAIN[0].replace("\nM", "\n")]),
        ("served-certificate-chain", [CHAIN[0][:300]]),
        ("served-certificate-chain", [armoured(b"")]),
        ("served-certificate-chain", [armoured(b"ABC")]),
        ("served-certificate-chain", [armoured(b"\x30\x03\x02\x01")]),
        ("served-certificate-chain", [armoured(b"\x30\x03\x02\x01\x07\x00")]),
        ("served-certificate-chain", [armoured(b"\x30\x80\x00\x00")]),
        ("served-certificate-chain", [armoured(b"\x30\x85\x00\x00\x00\x00\x00")]),
        ("served-certificate-chain", CHAIN[:1] * (MAX_CHAIN + 1)),
        ("known-pins", None),
        ("known-pins", "sha256=QUJD"),
        ("known-pins", [None]),
        ("known-pins", ["QUJD"]),
        ("known-pins", ["sha1=QUJD"]),
        ("known-pins", ["sha256="]),
        ("known-pins", ["sha256=QUJ"]),
        ("known-pins", ["sha256=QU D"]),
        ("known-pins", ["sha256=é"]),
        ("known-pins", ["sha256=" + "QUJD" * 100]),
        ("known-pins", ["sha256=QUJD"] * 257),
    ],
)
def test_says_which_field_is_wrong(field: str, value: object) -> None:
    changed = {**fields(), field: value}
    if value is None:
        del changed[field]
    with pytest.raises(MalformedReport) as refused:
        parse(json.dumps(changed).encode())
    assert refused.value.field == field
    assert not isinstance(refused.value, NotJson)
    assert str(refused.value).startswith(field)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b"{",
        b"[]",
        b'"report"',
        b"nul",
        b"{} {}",
        body() + b"\x00",
        body().replace(b"443", b"NaN"),
        body().replace(b"443", b"9" * 5000),
        body().replace(b'"port": 443', b'"port": 443, "port": 444'),
        b"[" * 200_000,
        b" " * MAX_SIZE + body(),
    ],
)
def test_refuses_what_is_not_one_json_object(content: bytes) -> None:
    with pytest.raises(NotJson) as refused:
        parse(content)
    assert refused.value.field == "body"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)


def refused_or_read(content: bytes) -> None:
    """Nothing but the documented refusal comes out of the parser, and no half-read report."""
    read: FailureReport | MalformedReport
    try:
        read = parse(content)
    except MalformedReport as refused:
        read = refused
    if isinstance(read, MalformedReport):
        assert read.why
        assert read.field in {*fields(), "body"}
        # Must be fit to be sent back.
        json.dumps({"why": read.why}).encode()
        return
    assert read.served_chain
    assert all(len(digest) == 64 for digest in read.served_chain)
    assert read.host == read.host.lower()


@given(st.binary())
def test_survives_any_bytes(content: bytes) -> None:
    refused_or_read(content)


@given(JSON)
def test_survives_any_json(content: Any) -> None:
    refused_or_read(json.dumps(content).encode())


@given(st.sampled_from(sorted(fields())), JSON | st.lists(st.text(), max_size=3))
def test_survives_any_value_of_a_field(field: str, value: Any) -> None:
    refused_or_read(json.dumps({**fields(), field: value}).encode())


@given(
    st.sampled_from(["date-time", "hostname", "error", "known-pins", "served-certificate-chain"]),
    st.data(),
)
def test_survives_almost_right_values(field: str, data: st.DataObject) -> None:
    value = fields()[field]
    right = value if isinstance(value, str) else value[0]
    at = data.draw(st.integers(0, len(right) - 1))
    spoilt = (
        right[:at] + data.draw(st.text(max_size=2)) + right[at + data.draw(st.integers(0, 2)) :]
    )
    wrong = spoilt if isinstance(value, str) else [spoilt]
    refused_or_read(json.dumps({**fields(), field: wrong}).encode())


@given(st.integers(0, 2000), st.binary(max_size=3))
@example(0, b"\xef\xbb\xbf")
def test_survives_spoilt_bytes(at: int, inserted: bytes) -> None:
    right = body()
    refused_or_read(right[:at] + inserted + right[at + 1 :])
