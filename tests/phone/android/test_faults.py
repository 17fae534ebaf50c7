from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.phone.android.faults import Faults
from lab.phone.installed import make_screen
from lab.phone.state import PhoneState
from lab.phone.ui import Screen
from tests.patience import CAP, eventually
from tests.phone.scripted import OK, Gate, ScriptedSdk, make_phone

SAMPLE = "cloud.trustpin.android.sample"
BROWSER = "com.android.browser"
LABEL = "TrustPin Sample"


@pytest.fixture
def phone(tmp_path: Path) -> PhoneState:
    return make_phone(tmp_path)


@pytest.fixture
def screen(phone: PhoneState) -> Iterator[Screen]:
    screen = make_screen(phone, ScriptedSdk())
    screen.launch(SAMPLE)
    yield screen
    screen.close()


@pytest.fixture
def faults(phone: PhoneState, screen: Screen) -> Faults:
    return Faults(phone, screen, patience=0.05)


def title(screen: Screen) -> str:
    """Return what the system's dialog says; empty where there is none."""
    texts = [n.text for n in screen.snapshot().walk() if n.resource_id == "android:id/alertTitle"]
    return texts[0] if texts else ""


def until(screen: Screen, wanted: str) -> None:
    """Wait until the system says this."""
    seen = screen.changes
    while title(screen) != wanted:
        now = screen.wait_change(seen, CAP)
        assert now != seen, title(screen)
        seen = now


def log(phone: PhoneState, tag: str) -> list[str]:
    return [line.message for line in phone.logcat.lines((tag,))]


def test_a_frozen_app_takes_nothing_until_it_goes_on(screen: Screen, faults: Faults) -> None:
    assert faults.freeze(SAMPLE)
    assert faults.frozen(SAMPLE)
    before = screen.node("log").text
    assert screen.set_text("url", "https://a.test/")
    assert screen.tap("clear")
    assert screen.node("log").text == before
    assert screen.node("url").text != "https://a.test/"
    assert screen.wait_idle(0)
    assert faults.thaw(SAMPLE)
    assert not faults.frozen(SAMPLE)
    assert "Log cleared" in screen.node("log").text
    assert screen.node("url").text == "https://a.test/"


def test_what_a_frozen_app_had_begun_is_not_seen(phone: PhoneState) -> None:
    gate = Gate()

    def answer(url: str) -> object:
        gate()
        return OK

    screen = make_screen(phone, ScriptedSdk(get=answer))
    faults = Faults(phone, screen)
    screen.launch(SAMPLE)
    for key in ("organization", "project", "public_key"):
        screen.set_text(key, "x")
    screen.tap("setup")
    assert screen.wait_idle(CAP)
    screen.tap("test")
    assert gate.entered.wait(CAP)
    faults.freeze(SAMPLE)
    gate.opened.set()
    for thread in [t for t in threading.enumerate() if t.name.startswith(SAMPLE)]:
        thread.join(CAP)
    assert "successful!" not in screen.node("log").text
    faults.thaw(SAMPLE)
    assert "successful!" in screen.node("log").text
    screen.close()


def test_without_input_nobody_complains(screen: Screen, faults: Faults) -> None:
    faults.freeze(SAMPLE)
    assert screen.wait_change(screen.changes, 0.2) == screen.changes
    assert title(screen) == ""


def test_an_app_that_does_not_respond_can_be_waited_for(
    phone: PhoneState, screen: Screen, faults: Faults
) -> None:
    faults.freeze(SAMPLE)
    screen.tap("clear")
    until(screen, f"{LABEL} isn't responding")
    front = screen.foreground
    assert front is not None
    assert front.package == "android"
    assert f"ANR in {SAMPLE} ({SAMPLE}/.MainActivity)" in log(phone, "ActivityManager")
    # The system's dialog stays whatever one does, but answer it.
    screen.back()
    screen.home()
    assert title(screen)
    screen.tap("wait")
    # What it was asked for it still has not done.
    said = f"ANR in {SAMPLE} ({SAMPLE}/.MainActivity)"
    assert eventually(lambda: log(phone, "ActivityManager").count(said) == 2)
    until(screen, f"{LABEL} isn't responding")
    assert faults.thaw(SAMPLE)
    assert title(screen) == ""


def test_an_app_that_does_not_respond_can_be_closed(screen: Screen, faults: Faults) -> None:
    faults.freeze(SAMPLE)
    screen.tap("clear")
    until(screen, f"{LABEL} isn't responding")
    screen.tap("close")
    until(screen, "")
    assert not screen.running(SAMPLE)
    assert not faults.frozen(SAMPLE)
    screen.launch(SAMPLE)
    assert screen.tap("clear")
    assert "Log cleared" in screen.node("log").text


def test_the_dialog_goes_with_the_process(screen: Screen, faults: Faults) -> None:
    faults.freeze(SAMPLE)
    screen.tap("clear")
    until(screen, f"{LABEL} isn't responding")
    screen.stop(SAMPLE)
    assert title(screen) == ""


def test_an_intent_is_held_back_too(screen: Screen, faults: Faults) -> None:
    screen.launch(BROWSER)
    faults.freeze(BROWSER)
    screen.launch("", data="http://127.0.0.1:1/")
    assert screen.node("address").text == ""
    until(screen, "Browser isn't responding")
    faults.thaw(BROWSER)
    assert screen.node("address").text == "http://127.0.0.1:1/"
    assert screen.wait_idle(CAP)


def test_a_first_crash_is_silent(phone: PhoneState, screen: Screen, faults: Faults) -> None:
    assert faults.crash(SAMPLE)
    assert screen.foreground is None
    assert not screen.running(SAMPLE)
    lines = log(phone, "AndroidRuntime")
    assert lines[0] == "FATAL EXCEPTION: main"
    assert lines[1] == f"Process: {SAMPLE}"
    assert "shell-induced crash" in lines[2]
    assert {line.letter for line in phone.logcat.lines(("AndroidRuntime",))} == {"E"}


def test_a_second_crash_is_told(screen: Screen, faults: Faults) -> None:
    faults.crash(SAMPLE)
    screen.launch(SAMPLE)
    faults.crash(SAMPLE)
    assert title(screen) == f"{LABEL} keeps stopping"
    screen.tap("restart")
    assert screen.lock.wait_for(lambda: screen.running(SAMPLE), CAP)
    assert title(screen) == ""


def test_a_first_crash_is_told_where_the_phone_is_set_so(
    phone: PhoneState, screen: Screen, faults: Faults
) -> None:
    phone.put_setting("global", "show_first_crash_dialog", "1")
    faults.crash(SAMPLE)
    assert title(screen) == f"{LABEL} has stopped"
    screen.tap("close")
    until(screen, "")
    assert screen.foreground is None


def test_what_does_not_run_can_neither_freeze_nor_crash(screen: Screen, faults: Faults) -> None:
    for act in (faults.freeze, faults.thaw, faults.crash):
        assert not act(BROWSER)
        assert not act("no.such.app")
    assert not faults.frozen(BROWSER)


def test_a_new_process_is_not_frozen(screen: Screen, faults: Faults) -> None:
    faults.freeze(SAMPLE)
    screen.stop(SAMPLE)
    screen.launch(SAMPLE)
    assert not faults.frozen(SAMPLE)
    assert screen.tap("clear")
    assert "Log cleared" in screen.node("log").text
