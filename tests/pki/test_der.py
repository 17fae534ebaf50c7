from __future__ import annotations

import pytest

from lab.pki.der import OCTET_STRING, SEQUENCE, element, elements, inside, integer, oid
from tests.pinning import openssl


def as_openssl_reads(encoded: bytes) -> str:
    return openssl.run("asn1parse", "-inform", "DER", content=encoded).decode()


@pytest.mark.parametrize("size", [0, 1, 127, 128, 255, 256, 65535, 65536])
def test_elements_of_any_length_are_taken_apart_as_they_were_put_together(size: int) -> None:
    one, other = element(OCTET_STRING, b"\x30" * size), integer(7)
    assert list(elements(one + other)) == [one, other]
    assert inside(one) == b"\x30" * size
    whole = as_openssl_reads(element(SEQUENCE, one, other))
    assert f"l={size:4} prim: OCTET STRING" in whole
    assert whole.rstrip().endswith("INTEGER           :07")


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0, "00"), (127, "7F"), (128, "80"), (-1, "-01"), (-129, "-81"), (1 << 200, "01" + "00" * 25)],
)
def test_integers_are_as_openssl_reads_them(value: int, shown: str) -> None:
    assert as_openssl_reads(integer(value)).rstrip().endswith(f":{shown}")


@pytest.mark.parametrize(
    "dotted", ["1.2.840.10045.4.1", "2.5.29.17", "1.3.6.1.4.1.55555.7", "2.16.840.1.101.3.4.2.1"]
)
def test_identifiers_are_as_openssl_reads_them(dotted: str) -> None:
    named = openssl.run("asn1parse", "-genstr", f"OID:{dotted}", "-noout", "-out", "/dev/stdout")
    assert named == oid(dotted)
