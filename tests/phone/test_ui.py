from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.phone import activity, app_view, browser
from lab.phone.app import SampleActivity
from lab.phone.browser import BrowserActivity
from lab.phone.files import FileError
from lab.phone.installed import make_screen
from lab.phone.node import FRAME, LAUNCHER, Node, one_line, speakable
from lab.phone.sdk.errors import PinsMismatch
from lab.phone.services import (
    Cancellation,
    HttpResponse,
    PlatformError,
    SslHandshakeError,
)
from lab.phone.state import PhoneState
from lab.phone.ui import App, Changes, Screen
from tests.patience import CAP
from tests.phone.scripted import OK, Gate, ScriptedSdk, make_phone

SAMPLE = f"{app_view.PACKAGE}/.MainActivity"
BROWSER = f"{browser.PACKAGE}/.BrowserActivity"
URL = "https://api.acme.test/"


class Web:
    """A web client that finds every certificate bad."""

    def __init__(self, verify: bool) -> None:
        self._verify = verify

    def request(self, url: str, *, cancellation: Cancellation | None = None) -> HttpResponse:
        if self._verify:
            raise SslHandshakeError("no anchor")
        return OK


def screen_of(phone: PhoneState, sdk: ScriptedSdk) -> Screen:
    """Return a phone's screen whose browser stays off the network."""
    screen = make_screen(phone, sdk)
    return Screen(
        phone,
        [
            app
            if app.package == app_view.PACKAGE
            else type(app)(
                app.package,
                app.version,
                app.activity,
                lambda _, changes: BrowserActivity(phone, changes, Web),
                app.schemes,
            )
            for app in screen._apps.values()
        ],
    )


@pytest.fixture
def phone(tmp_path: Path) -> PhoneState:
    return make_phone(tmp_path)


@pytest.fixture
def sdk() -> ScriptedSdk:
    return ScriptedSdk()


@pytest.fixture
def screen(phone: PhoneState, sdk: ScriptedSdk) -> Iterator[Screen]:
    screen = screen_of(phone, sdk)
    yield screen
    screen.close()


def set_up(screen: Screen, component: str = SAMPLE) -> None:
    screen.launch(component)
    for key in ("organization", "project", "public_key"):
        assert screen.set_text(key, "x")
    assert screen.tap("setup")
    assert screen.wait_idle(CAP)


def test_begins_on_the_home_screen(screen: Screen) -> None:
    assert screen.foreground is None
    home = screen.snapshot()
    assert (home.package, home.class_name, home.children) == (LAUNCHER, FRAME, [])
    assert screen.wait_idle(0)
    assert not screen.tap("home")
    assert not screen.set_text("home", "x")
    with pytest.raises(LookupError):
        screen.tap("setup")


def test_tells_what_is_installed(phone: PhoneState, sdk: ScriptedSdk) -> None:
    screen = make_screen(phone, sdk)
    assert screen.packages == (
        ("cloud.trustpin.android.sample", "1.0.0"),
        ("com.android.browser", "1.0"),
        ("com.android.settings", "14"),
    )
    assert not screen.running(browser.PACKAGE)


@pytest.mark.parametrize(
    ("component", "package"),
    [
        (SAMPLE, app_view.PACKAGE),
        (f"{app_view.PACKAGE}/{app_view.PACKAGE}.MainActivity", app_view.PACKAGE),
        (app_view.PACKAGE, app_view.PACKAGE),
        (BROWSER, browser.PACKAGE),
    ],
)
def test_launches_by_any_name(screen: Screen, component: str, package: str) -> None:
    screen.launch(component)
    front = screen.foreground
    assert front is not None
    assert front.package == package
    assert screen.running(package)
    assert screen.snapshot().package == package


@pytest.mark.parametrize(
    ("component", "data"),
    [
        ("com.acme/.Main", None),
        (f"{app_view.PACKAGE}/.Other", None),
        ("/", None),
        ("x\0\ud800\n", None),
        ("", None),
        ("", "ftp://a.test/"),
        ("", "https://[x"),
        ("", "\ud800:"),
    ],
)
def test_an_unknown_app_is_refused(screen: Screen, component: str, data: str | None) -> None:
    with pytest.raises(ValueError, match=r"^no (activity|app)"):
        screen.launch(component, data=data)
    assert screen.foreground is None


def test_the_sample_gets_its_directory_and_the_phones_name(
    phone: PhoneState, sdk: ScriptedSdk
) -> None:
    screen = make_screen(phone, sdk)
    set_up(screen)
    ((_, storage),) = sdk.made
    assert storage == phone.files.host_path(f"/data/data/{app_view.PACKAGE}")
    assert storage.is_dir()
    assert sdk.settings[0].device == "phone-1"
    screen.close()


def test_reports_may_give_another_name(phone: PhoneState, sdk: ScriptedSdk) -> None:
    screen = make_screen(phone, sdk, "lab-7")
    set_up(screen)
    assert sdk.settings[0].device == "lab-7"
    screen.close()


def test_launching_again_brings_the_same_process_to_the_front(
    screen: Screen, sdk: ScriptedSdk
) -> None:
    set_up(screen)
    first = screen.foreground
    screen.launch("", data=URL)
    assert screen.foreground is not first
    assert screen.wait_idle(CAP)
    screen.launch(SAMPLE)
    assert screen.foreground is first
    assert screen.node("setup").text == "TrustPin Configured ✓"
    assert len(sdk.made) == 1


@pytest.mark.parametrize("component", ["", BROWSER])
def test_a_view_intent_opens_the_browser(screen: Screen, component: str) -> None:
    for _ in range(2):
        screen.launch(component, data=URL)
        assert screen.wait_idle(CAP)
        assert screen.node("status").text == "Your connection is not private"
        assert screen.tap("advanced")
        assert screen.tap("proceed")
        assert screen.wait_idle(CAP)
        assert screen.node("body").text == '{"status":"ok"}'


def test_the_sample_takes_no_intent(screen: Screen) -> None:
    screen.launch(SAMPLE, data=URL)
    assert screen.node("url").text == app_view.DEFAULT_URL


def test_a_snapshot_is_a_deep_copy(screen: Screen) -> None:
    screen.launch(SAMPLE)
    front = screen.foreground
    assert front is not None
    before = screen.snapshot()
    assert [n.key for n in before.walk()] == [n.key for n in front.root().walk()]
    assert not {id(n) for n in before.walk()} & {id(n) for n in front.root().walk()}
    screen.set_text("url", "https://x.test/")
    assert before.find("url").text == app_view.DEFAULT_URL
    before.find("url").text = "changed"
    assert screen.node("url").text == "https://x.test/"
    screen.node("url").text = "changed"
    assert screen.node("url").text == "https://x.test/"


def test_nodes_stay_the_same_while_their_activity_lives(screen: Screen) -> None:
    set_up(screen)
    front = screen.foreground
    assert front is not None
    before = list(front.root().walk())
    screen.tap("test")
    assert screen.wait_idle(CAP)
    assert all(a is b for a, b in zip(before, front.root().walk(), strict=True))


def test_what_is_disabled_takes_nothing(screen: Screen, sdk: ScriptedSdk) -> None:
    set_up(screen)
    assert not screen.tap("setup")
    assert not screen.tap("permissive")
    assert not screen.set_text("project", "other")
    assert (screen.node("permissive").checked, screen.node("project").text) == (False, "x")
    assert len(sdk.settings) == 1
    assert "ignored" not in screen.node("log").text


def test_what_is_no_field_or_button_takes_nothing(screen: Screen) -> None:
    screen.launch(SAMPLE)
    assert not screen.tap("log")
    assert not screen.set_text("setup", "x")
    assert screen.node("setup").text == "Setup TrustPin"


@pytest.mark.parametrize("act", [Screen.tap, Screen.node, lambda s, k: s.set_text(k, "x")])
def test_a_node_that_is_gone_is_said_to_be(
    screen: Screen, act: Callable[[Screen, str], Any]
) -> None:
    screen.launch("", data=URL)
    assert screen.wait_idle(CAP)
    act(screen, "advanced")
    screen.home()
    with pytest.raises(LookupError, match="advanced"):
        act(screen, "advanced")


def test_back_leaves_the_page_then_the_app(screen: Screen) -> None:
    screen.launch("", data=URL)
    assert screen.wait_idle(CAP)
    screen.back()
    assert screen.node("address").text == ""
    screen.back()
    assert screen.foreground is None
    assert screen.running(browser.PACKAGE)
    screen.back()


def test_stopping_ends_the_process_and_keeps_what_it_stored(
    screen: Screen, sdk: ScriptedSdk
) -> None:
    set_up(screen)
    (_, storage) = sdk.made[0]
    (storage / "kept").write_bytes(b"x")
    screen.stop(app_view.PACKAGE)
    assert sdk.closed.is_set()
    assert screen.foreground is None
    assert not screen.running(app_view.PACKAGE)
    assert (storage / "kept").exists()
    screen.launch(SAMPLE)
    assert screen.node("setup").text == "Setup TrustPin"
    assert screen.node("organization").text == ""


def test_stopping_what_is_behind_leaves_the_front_alone(screen: Screen) -> None:
    screen.launch(SAMPLE)
    screen.launch(BROWSER)
    screen.stop(app_view.PACKAGE)
    front = screen.foreground
    assert front is not None
    assert front.package == browser.PACKAGE


@pytest.mark.parametrize("package", [app_view.PACKAGE, browser.PACKAGE, "com.acme"])
def test_stopping_what_does_not_run_does_nothing(screen: Screen, package: str) -> None:
    screen.stop(package)
    assert screen.foreground is None


def test_clearing_ends_the_process_and_deletes_what_it_stored(
    screen: Screen, sdk: ScriptedSdk
) -> None:
    set_up(screen)
    (_, storage) = sdk.made[0]
    (storage / "deep").mkdir()
    (storage / "deep" / "gone").write_bytes(b"x")
    screen.clear(app_view.PACKAGE)
    assert sdk.closed.is_set()
    assert not storage.exists()
    screen.clear(app_view.PACKAGE)
    screen.launch(SAMPLE)
    assert list(storage.iterdir()) == []


def test_clearing_needs_a_package(screen: Screen) -> None:
    with pytest.raises(ValueError, match=r"no package 'com\.acme'"):
        screen.clear("com.acme")


def test_a_directory_that_cannot_be_made_is_said_to_be(screen: Screen, phone: PhoneState) -> None:
    phone.files.write("/data/data", b"in the way")
    with pytest.raises(FileError):
        screen.launch(SAMPLE)
    assert screen.foreground is None
    assert not screen.running(app_view.PACKAGE)


def hanging() -> tuple[Gate, ScriptedSdk]:
    gate = Gate()

    def get(url: str) -> HttpResponse:
        gate()
        return OK

    return gate, ScriptedSdk(get=get, close=gate.opened.set)


def complaints(phone: PhoneState) -> list[str]:
    return [line.message for line in phone.logcat.lines(("ActivityManager",))]


def test_stopping_during_a_test_ends_it(phone: PhoneState) -> None:
    gate, sdk = hanging()
    screen = screen_of(phone, sdk)
    set_up(screen)
    screen.tap("test")
    assert gate.entered.wait(CAP)
    assert not screen.wait_idle(0.01)
    screen.stop(app_view.PACKAGE)
    # Else there would be a complaint, after ``CLOSE_CAP``: less than a second.
    assert complaints(phone) == []
    assert activity.CLOSE_CAP < 1
    assert screen.wait_idle(0)
    screen.launch(SAMPLE)
    assert screen.node("status").text == "TrustPin not configured"
    assert "Response" not in screen.node("log").text
    screen.close()


def test_closing_ends_all_apps_at_once(phone: PhoneState, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(activity, "CLOSE_CAP", CAP)
    gates = (Gate(), Gate())

    def end(own: Gate, others: Gate) -> None:
        others.opened.set()
        own()

    # Each is let go by the other's end: one after the other would run into ``CLOSE_CAP``.
    sdks = iter(
        [
            ScriptedSdk(close=partial(end, *gates)),
            ScriptedSdk(close=partial(end, *reversed(gates))),
        ]
    )
    screen = Screen(
        phone,
        [
            App(
                package,
                "1",
                ".Main",
                lambda folder, changes: SampleActivity(
                    phone, lambda *_: next(sdks), folder, "", changes
                ),
            )
            for package in ("one", "two")
        ],
    )
    for package in ("one", "two"):
        set_up(screen, package)
    screen.close()
    assert complaints(phone) == []
    assert (screen.running("one"), screen.running("two")) == (False, False)
    assert screen.foreground is None


def test_waiting_for_idle_is_over_when_the_app_is_stopped(phone: PhoneState) -> None:
    gate, sdk = hanging()
    screen = screen_of(phone, sdk)
    set_up(screen)
    screen.tap("test")
    assert gate.entered.wait(CAP)
    results: list[bool] = []
    waiting = threading.Thread(target=lambda: results.append(screen.wait_idle(60)))
    waiting.start()
    screen.stop(app_view.PACKAGE)
    waiting.join(CAP)
    assert results == [True]


def test_waiting_for_a_change(screen: Screen) -> None:
    screen.launch(SAMPLE)
    since = screen.changes
    assert screen.wait_change(since, 0.01) == since
    results: list[int] = []
    waiting = threading.Thread(target=lambda: results.append(screen.wait_change(since, 60)))
    waiting.start()
    screen.tap("clear")
    waiting.join(CAP)
    assert results
    assert results[0] > since
    assert screen.wait_change(since, 60) > since


def test_a_change_is_told_even_where_it_went_wrong() -> None:
    changes = Changes()

    def fail() -> None:
        with changes.edit():
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert changes.count == 1


def test_readers_see_all_of_an_edit_or_nothing() -> None:
    changes = Changes()
    pair = [0, 0]
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            with changes.edit():
                pair[0] += 1
                pair[1] += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(2000):
            with changes.read():
                assert pair[0] == pair[1]
    finally:
        stop.set()
        writer.join(CAP)


@given(st.text(st.characters()), st.integers(0, 50))
def test_any_text_becomes_what_xml_can_hold(text: str, limit: int) -> None:
    from lxml import etree

    clean = speakable(text, limit)
    assert len(clean) == len(text[:limit])
    element = etree.Element("node", text=clean)
    assert etree.fromstring(etree.tostring(element)).tag == "node"
    flat = one_line(text, limit)
    assert len(flat.splitlines()) <= 1
    assert one_line(flat) == flat


KEYS = [
    *(node.key for node in app_view.SampleView().root.walk()),
    *("address", "go", "status", "body", "code", "back", "advanced", "proceed", "none"),
]
TYPED = st.sampled_from(["", " ", "x", "https://a.test/", "\ud800\0", "https://[", "y" * 3000])
ACTIONS = st.one_of(
    st.tuples(st.just("tap"), st.sampled_from(KEYS)),
    st.tuples(st.just("set_text"), st.sampled_from(KEYS), TYPED),
    st.tuples(st.just("launch"), st.sampled_from([SAMPLE, BROWSER])),
    st.tuples(st.just("view"), st.sampled_from([URL, "http://a.test/"])),
    st.tuples(st.just("stop"), st.sampled_from([app_view.PACKAGE, browser.PACKAGE])),
    st.tuples(st.just("clear"), st.just(app_view.PACKAGE)),
    st.tuples(st.sampled_from(["home", "back", "snapshot", "wait"])),
)


def moody(moods: list[int]) -> Callable[..., Any]:
    """Return a function that succeeds, refuses, or does what nobody foresaw, in turn."""
    turns = iter(moods * 1000)

    def act(*_: object) -> HttpResponse:
        mood = next(turns)
        if mood == 1:
            raise PinsMismatch("no")
        if mood == 2:
            raise PlatformError("no")
        if mood == 3:
            raise SystemExit(1)
        return OK

    return act


def perform(screen: Screen, action: tuple[str, ...]) -> None:
    """Do one thing; only a node that is gone may be complained about."""
    name, *arguments = action
    try:
        if name == "view":
            screen.launch("", data=arguments[0])
        elif name == "wait":
            assert screen.wait_idle(CAP)
        else:
            getattr(screen, name)(*arguments)
    except LookupError as gone:
        if not str(gone).startswith("no node "):
            raise


def consistent(root: Node) -> None:
    """Check what must be true of the sample's screen at any time."""
    if root.package != app_view.PACKAGE:
        return
    setup, status = root.find("setup"), root.find("status").text
    assert setup.enabled == (setup.text == app_view.SETUP)
    assert root.find("project").enabled == setup.enabled
    assert root.find("test").enabled == root.find("fetch").enabled
    assert root.find("test").enabled == (status in (app_view.READY, app_view.NOT_CONFIGURED))
    assert sum(node.focused for node in root.walk()) <= 1


@settings(max_examples=40, deadline=None)
@given(st.lists(ACTIONS, max_size=40), st.lists(st.integers(0, 3), min_size=1, max_size=5))
def test_no_order_of_actions_breaks_the_screen(
    actions: list[tuple[str, ...]], moods: list[int]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        sdk = ScriptedSdk(setup=moody(moods), get=moody(moods), fetch=moody(moods))
        screen = screen_of(make_phone(Path(folder)), sdk)
        for key in ("organization", "project", "public_key"):
            screen.launch(SAMPLE)
            screen.set_text(key, "x")
        for action in actions:
            perform(screen, action)
            consistent(screen.snapshot())
        assert screen.wait_idle(CAP)
        consistent(screen.snapshot())
        screen.close()


def test_many_hands_on_one_screen(phone: PhoneState) -> None:
    sdk = ScriptedSdk(get=moody([0, 1, 2]))
    screen = screen_of(phone, sdk)
    set_up(screen)
    failures: list[BaseException] = []
    plans: list[list[tuple[str, ...]]] = [
        [("launch", SAMPLE), ("tap", "test"), ("wait",)],
        [("view", URL), ("tap", "advanced"), ("tap", "proceed"), ("back",)],
        [("snapshot",), ("home",), ("set_text", "url", "https://a.test/")],
        [("stop", app_view.PACKAGE), ("clear", browser.PACKAGE)],
    ]

    def work(plan: list[tuple[str, ...]]) -> None:
        try:
            for action in plan * 30:
                perform(screen, action)
        except BaseException as error:  # noqa: BLE001 - looked at below
            failures.append(error)

    hands = [threading.Thread(target=work, args=(plan,)) for plan in plans]
    for hand in hands:
        hand.start()
    for hand in hands:
        hand.join(CAP)
    assert not any(hand.is_alive() for hand in hands)
    assert failures == []
    screen.close()
    assert not [t.name for t in threading.enumerate() if app_view.PACKAGE in t.name]


def test_the_screens_apps_are_the_real_ones(phone: PhoneState, sdk: ScriptedSdk) -> None:
    screen = make_screen(phone, sdk)
    for component, kind in ((SAMPLE, SampleActivity), (BROWSER, BrowserActivity)):
        screen.launch(component)
        assert type(screen.foreground) is kind
    screen.close()
