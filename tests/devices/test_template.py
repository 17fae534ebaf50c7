from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.devices.template import Template, TemplateError, Unset

KNOWN = frozenset({"url", "port"})
TEXT = st.text(st.characters(exclude_characters="\0"), max_size=40)


def fill(source: str, **environ: str) -> str:
    return Template.parse(source, KNOWN).fill({"url": "U", "port": "1"}, environ)


@pytest.mark.parametrize(
    ("source", "filled"),
    [
        ("plain", "plain"),
        ("", ""),
        ("{url}", "U"),
        ("a{url}:{port}b", "aU:1b"),
        ("{{url}}", "{url}"),
        ("{{{url}}}", "{U}"),
        ("$5 {url}", "$5 U"),
        ("Bearer ${TOKEN}", "Bearer t"),
        ("${{TOKEN}}", "${TOKEN}"),
    ],
)
def test_blanks_variables_and_braces(source: str, filled: str) -> None:
    assert fill(source, TOKEN="t") == filled


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("{uri}", "unknown placeholder '{uri}'; did you mean '{url}'?"),
        ("{xyzzy}", "unknown placeholder '{xyzzy}'; known are: {port}, {url}"),
        ("{}", "unknown placeholder '{}'"),
        ("{url", "a single '{'"),
        ("url}", "a single '}'"),
        ("${1A}", "names no environment variable"),
        ("${}", "names no environment variable"),
        ("a\0b", "NUL"),
    ],
)
def test_what_is_no_template_is_said(source: str, message: str) -> None:
    with pytest.raises(TemplateError) as caught:
        Template.parse(source, KNOWN)
    assert message in str(caught.value)


def test_a_variable_that_is_not_set_is_named() -> None:
    with pytest.raises(Unset, match="TOKEN"):
        fill("${TOKEN}")


def test_a_variables_value_is_not_a_template() -> None:
    assert fill("${TOKEN}", TOKEN="{url} ${X}") == "{url} ${X}"


def test_given_fills_in_for_good_and_keeps_the_source() -> None:
    template = Template.parse("{url}/{port}", KNOWN).given("url", "{port}")
    assert template.blanks == {"port"}
    assert template.source == "{url}/{port}"
    assert template.fill({"port": "1"}, {}) == "{port}/1"


def test_what_it_asks_for() -> None:
    template = Template.parse("{url} ${A} ${B} {{port}}", KNOWN)
    assert template.blanks == {"url"}
    assert template.variables == {"A", "B"}


@given(TEXT)
def test_any_text_can_be_written_with_doubled_braces(text: str) -> None:
    doubled = text.replace("{", "{{").replace("}", "}}")
    assert fill(doubled) == text


@given(TEXT)
def test_any_text_is_a_template_or_an_error(text: str) -> None:
    try:
        template = Template.parse(text, KNOWN)
    except TemplateError:
        return
    environ = dict.fromkeys(template.variables, "")
    assert len(template.fill(dict.fromkeys(KNOWN, ""), environ)) <= len(text)
