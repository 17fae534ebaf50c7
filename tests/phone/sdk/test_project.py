from __future__ import annotations

import dataclasses

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from lab.model.pins import Mode
from lab.phone.sdk.errors import InvalidProjectConfig, InvalidServerCert
from lab.phone.sdk.project import read_settings, sanitize
from lab.phone.services import SdkSettings
from lab.pinning.jws import new_signing_key, public_key_text

KEY = new_signing_key()
RIGHT = SdkSettings(
    organization_id=" org ",
    project_id="\tproject\n",
    public_key=f"  {public_key_text(KEY)}\n",
    configuration_url=" https://config.acme.test/pins.jws ",
    report_url="https://Reports.acme.test:8443/v1/reports ",
    device="phone-1",
)


def changed(field: str, value: str) -> SdkSettings:
    return SdkSettings(**{**dataclasses.asdict(RIGHT), field: value})


def test_settings_are_trimmed() -> None:
    project = read_settings(RIGHT)
    assert (project.organization_id, project.project_id) == ("org", "project")
    assert project.public_key == public_key_text(KEY)
    assert project.sources == ("https://config.acme.test/pins.jws",)
    assert project.report_url == "https://Reports.acme.test:8443/v1/reports"
    assert project.report_host == "reports.acme.test"
    assert project.mode is Mode.STRICT


def test_both_encodings_of_the_key_are_taken() -> None:
    pem = public_key_text(KEY, pem=True)
    assert read_settings(changed("public_key", pem)).public_key == pem


def test_no_report_url_is_no_collector() -> None:
    project = read_settings(changed("report_url", " "))
    assert (project.report_url, project.report_host) == ("", "")


@pytest.mark.parametrize("field", ["organization_id", "project_id", "public_key"])
@pytest.mark.parametrize("value", ["", " \t\n"])
def test_blank_credentials_are_refused(field: str, value: str) -> None:
    with pytest.raises(InvalidProjectConfig, match="missing"):
        read_settings(changed(field, value))


@pytest.mark.parametrize(
    "key",
    [
        "no base64!",
        "AAAA",
        public_key_text(KEY)[:-4],
        public_key_text(ec.generate_private_key(ec.SECP384R1())),
    ],
)
def test_unusable_keys_are_refused(key: str) -> None:
    with pytest.raises(InvalidProjectConfig, match="public key"):
        read_settings(changed("public_key", key))


@pytest.mark.parametrize("field", ["configuration_url", "report_url"])
@pytest.mark.parametrize(
    "url",
    [
        "http://config.acme.test/pins.jws",
        "ftp://config.acme.test/",
        "config.acme.test/pins.jws",
        "https://",
        "https:///pins.jws",
        "https://config.acme.test:0/",
        "https://config.acme.test:70000/",
        "https://config.acme.test:x/",
        "https://user:secret@config.acme.test/",
        "https://con_fig.acme.test/",
        "https://config.acme.test/a b",
        "https://config.acme.test/\na",
        "https://[::1/",
        "https://\u212aonfig.acme.test/",
    ],
)
def test_only_https_urls_with_a_host_are_taken(field: str, url: str) -> None:
    with pytest.raises(InvalidProjectConfig) as caught:
        read_settings(changed(field, url))
    assert "secret" not in str(caught.value)


def test_a_configuration_url_is_needed() -> None:
    """No source is built in: the lab never contacts a host that nobody named."""
    with pytest.raises(InvalidProjectConfig, match="configuration URL is missing"):
        read_settings(changed("configuration_url", ""))


def test_stored_state_is_told_apart_by_the_project() -> None:
    scope = read_settings(RIGHT).scope
    assert scope == read_settings(changed("organization_id", "org")).scope
    other_key = public_key_text(new_signing_key())
    others = [("organization_id", "o"), ("project_id", "p"), ("public_key", other_key)]
    for field, value in others:
        assert read_settings(changed(field, value)).scope != scope


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("API.Acme.Test", "api.acme.test"),
        ("api.acme.test.", "api.acme.test"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("127.0.0.1", "127.0.0.1"),
        ("a" * 63 + ".test", "a" * 63 + ".test"),
    ],
)
def test_host_names_are_sanitized(host: str, name: str) -> None:
    assert sanitize(host) == name


@pytest.mark.parametrize(
    "host",
    [
        *("", ".", "a..b", "api.acme.test..", "-a.test", "a-.test", "a_b.test", "a b.test"),
        *("a" * 64 + ".test", ("a" * 50 + ".") * 5 + "test", "api.acme.test\n", "a\0b.test"),
        *("b\u00fccher.example", "\u212aey.test", "*.acme.test", "api.acme.test:443", "::1"),
        *("https://api.acme.test", "api.acme.test/x", "api.acme.test?x", "a#b", "a@b"),
    ],
)
def test_what_is_no_host_name_is_refused(host: str) -> None:
    with pytest.raises(InvalidServerCert):
        sanitize(host)


@given(st.one_of(st.text(max_size=300), st.from_regex(r"[A-Za-z.-]{1,70}", fullmatch=True)))
def test_a_sanitized_name_stays_as_it_is(host: str) -> None:
    name = _sanitized(host)
    if name is not None:
        assert _sanitized(name) == name == name.lower()
        assert host.lower() in (name, name + ".")


def _sanitized(host: str) -> str | None:
    try:
        return sanitize(host)
    except InvalidServerCert:
        return None


def test_refusals_are_fit_for_a_log() -> None:
    with pytest.raises(InvalidServerCert) as caught:
        sanitize("a\nTrustPin: \u2028b" * 100)
    assert str(caught.value).isascii()
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 2500
