from __future__ import annotations

import contextlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.phone.services import BadUrl
from lab.phone.url import MAX_URL, Url, parse_url


@pytest.mark.parametrize(
    ("text", "url", "written"),
    [
        ("https://api.acme.test", ("https", "api.acme.test", 443, "/"), None),
        (" HTTPS://API.Acme.Test/A?b#c ", ("https", "api.acme.test", 443, "/A?b"), None),
        ("http://api.acme.test:8080/", ("http", "api.acme.test", 8080, "/"), None),
        ("https://x:y@api.acme.test/", ("https", "api.acme.test", 443, "/"), None),
        ("https://api.acme.test?a=b", ("https", "api.acme.test", 443, "/?a=b"), None),
        ("https://[::1]:8443/", ("https", "::1", 8443, "/"), "https://[::1]:8443/"),
        ("https://127.0.0.1/", ("https", "127.0.0.1", 443, "/"), None),
        ("https://b\xfccher.test/\xfc", ("https", "xn--bcher-kva.test", 443, "/%C3%BC"), None),
        ("https://a.test/b c?d e", ("https", "a.test", 443, "/b%20c?d%20e"), None),
        ("https://a.test/%41?%zz&+", ("https", "a.test", 443, "/%41?%zz&+"), None),
        ("https://a_b.test./", ("https", "a_b.test.", 443, "/"), None),
        ("https://a.test:/", ("https", "a.test", 443, "/"), None),
        ("https://a.test/\ud800", ("https", "a.test", 443, "/%3F"), None),
    ],
)
def test_reads(text: str, url: tuple[str, str, int, str], written: str | None) -> None:
    read = parse_url(text)
    assert (read.scheme, read.host, read.port, read.target) == url
    assert read.secure == (url[0] == "https")
    if written is not None:
        assert str(read) == written


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "Expected URL scheme 'http' or 'https' but no scheme was found for "),
        ("api.acme.test", "but no scheme was found for api.acme.test"),
        ("//api.acme.test", "but no scheme was found"),
        ("ftp://api.acme.test", "Expected URL scheme 'http' or 'https' but was 'ftp'"),
        ("https://", 'Invalid URL host: ""'),
        ("https:api.acme.test", 'Invalid URL host: ""'),
        ("https:///path", 'Invalid URL host: ""'),
        ("https://a b/", 'Invalid URL host: "a b"'),
        ("https://a..b/", "Invalid URL host"),
        ("https://-a.test/", "Invalid URL host"),
        ("https://a.test\\b/", "Invalid URL host"),
        ("https://" + "a" * 64 + ".test/", "Invalid URL host"),
        ("https://" + "a." * 130 + "test/", "Invalid URL host"),
        ("https://\u2028.test/", "Invalid URL host"),
        ("https://[::1/", "Invalid URL"),
        ("https://[v1.x]/", "Invalid URL"),
        ("https://[a.test]/", "Invalid URL"),
        ("https://[127.0.0.1]/", "Invalid URL"),
        ("https://[fe80::1%eth0]/", "Invalid URL host"),
        ("https://a.test:0/", 'Invalid URL port: "0"'),
        ("https://a.test:65536/", "Invalid URL"),
        ("https://a.test:https/", "Invalid URL"),
        ("https://a.test/" + "x" * MAX_URL, "URL longer than"),
    ],
)
def test_refuses(text: str, words: str) -> None:
    with pytest.raises(BadUrl, match=re.escape(words)) as raised:
        parse_url(text)
    assert len(str(raised.value)) < 200


@pytest.mark.parametrize(
    ("location", "there"),
    [
        ("/b", "https://a.test/b"),
        ("b", "https://a.test/dir/b"),
        ("../b?c", "https://a.test/b?c"),
        ("?x", "https://a.test/dir/page?x"),
        ("//b.test/", "https://b.test/"),
        ("http://b.test", "http://b.test/"),
        (" https://b.test:444/x ", "https://b.test:444/x"),
        ("", "https://a.test/dir/page?q"),
        ("https://", None),
        ("https:b", None),
        ("ftp://b.test/", None),
        ("javascript:alert(1)", None),
        ("//[", None),
    ],
)
def test_resolves(location: str, there: str | None) -> None:
    found = parse_url("https://a.test/dir/page?q").resolve(location)
    assert (found and str(found)) == there


LINE = re.compile(r"https?://[!-~]+\Z")
SHREDS = st.lists(
    st.sampled_from(["http", "https", "://", "a.test", "@", ":", "80", "[", "]", "::1", "/", "?"])
    | st.text(max_size=3),
    max_size=8,
).map("".join)


@given(text=SHREDS | SHREDS.map("https://a.test/".__add__))
def test_what_is_read_is_fit_for_a_request_line(text: str) -> None:
    with contextlib.suppress(BadUrl):
        url = parse_url(text)
        assert LINE.match(str(url))
        assert parse_url(str(url)) == url


@given(location=SHREDS)
def test_no_location_makes_trouble(location: str) -> None:
    found = Url("https", "a.test", 443, "/").resolve(location)
    assert found is None or LINE.match(str(found))
