from __future__ import annotations

import json
import subprocess
import sys

import pytest

from lab.phone.sparing import without


def test_a_module_is_missing_for_a_while() -> None:
    assert "this" not in sys.modules
    with without("this"), pytest.raises(ImportError):
        import this  # noqa: F401
    assert "this" not in sys.modules


def test_what_is_loaded_stays() -> None:
    with without("json"):
        import json as again
    assert again is json is sys.modules["json"]


def test_it_is_there_again_after_an_error() -> None:
    with pytest.raises(ZeroDivisionError), without("this"):
        raise ZeroDivisionError
    assert "this" not in sys.modules


def test_a_phone_does_without_what_it_does_not_need() -> None:
    """And a client of the user's may still have it."""
    program = (
        "import sys, lab.phone.sdk.client; before = 'trio' in sys.modules; import trio; "
        "print(before, 'trio' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.stdout.split(), done.stderr) == (["False", "True"], "")
