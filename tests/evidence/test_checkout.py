"""What CI systems say of the sources under test."""

from __future__ import annotations

import pytest

from lab.evidence.context import Checkout, context_from_json, make_context
from lab.evidence.record import to_json

GITHUB = {
    "GITHUB_SERVER_URL": "https://github.example",
    "GITHUB_REPOSITORY": "acme/app",
    "GITHUB_SHA": "c0ffee",
    "GITHUB_REF_NAME": "main",
}
GITLAB = {
    "CI_PROJECT_URL": "https://gitlab.example/acme/app",
    "CI_COMMIT_SHA": "c0ffee",
    "CI_COMMIT_REF_NAME": "v1",
}


@pytest.mark.parametrize(
    ("variables", "checkout"),
    [
        (GITHUB, Checkout("https://github.example/acme/app", "c0ffee", "main")),
        (GITLAB, Checkout("https://gitlab.example/acme/app", "c0ffee", "v1")),
        (GITLAB | {"CI_COMMIT_SHA": ""}, Checkout(GITLAB["CI_PROJECT_URL"], None, "v1")),
        ({}, None),
    ],
)
def test_it_is_told_by_the_variables_of_each(
    variables: dict[str, str], checkout: Checkout | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (*GITHUB, *GITLAB):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    context = make_context("run", 0.0, ())
    assert context.checkout == checkout
    assert context_from_json(to_json(context)) == context
