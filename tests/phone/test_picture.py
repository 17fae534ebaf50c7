from __future__ import annotations

import io
import itertools
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from lab.model.device import Endpoint, Network
from lab.phone import app_view, typeface
from lab.phone.app_view import SampleView
from lab.phone.installed import make_screen
from lab.phone.node import HEIGHT, LAUNCHER, WIDTH, Bounds, Look, Node
from lab.phone.palette import BLUE, GREY, INK, PALETTE, SURFACE, WHITE, blank
from lab.phone.picture import Frame, draw
from tests.patience import CAP
from tests.phone.scripted import NOON, ScriptedSdk, make_phone

STATUS_BAR: Bounds = (0, 0, WIDTH, 80)
SAMPLE = f"{app_view.PACKAGE}/.MainActivity"


def opened(png: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(png), formats=["PNG"])
    image.load()
    assert image.size == (WIDTH, HEIGHT)
    return image.convert("RGB")


def seen(frame: Frame) -> Image.Image:
    return opened(draw(frame))


def framed(view: SampleView, **changes: object) -> Frame:
    return Frame(view.root, NOON, **changes)  # type: ignore[arg-type]


def differs(a: Image.Image, b: Image.Image) -> set[str]:
    """Return the keys of the sample's leaf nodes within which two pictures differ."""
    leaves = [node for node in SampleView().root.walk() if not node.children]
    return {n.key for n in leaves if a.crop(n.bounds).tobytes() != b.crop(n.bounds).tobytes()}


def colours(image: Image.Image, bounds: Bounds) -> set[object]:
    return {colour for _, colour in image.crop(bounds).getcolors(100_000) or ()}


@pytest.fixture
def view() -> SampleView:
    return SampleView()


def test_is_a_small_png_of_the_palette(view: SampleView) -> None:
    view.log.text = "\n".join(f"[12:00:00] Line {n} of what the app says" for n in range(400))
    png = draw(framed(view, network="Home", proxy="127.0.0.1:8080"))
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    assert len(png) < 100_000
    assert colours(opened(png), (0, 0, WIDTH, HEIGHT)) <= set(PALETTE)


def test_is_the_same_for_the_same_frame(view: SampleView) -> None:
    assert draw(framed(view)) == draw(framed(view))


def test_shows_each_state_where_it_is(view: SampleView) -> None:
    start = seen(framed(view))
    view.show_setup(under_way=True, done=False)
    busy = seen(framed(view))
    inputs = {node.key for node in view.inputs}
    assert differs(start, busy) == {"setup", *inputs}
    view.show_setup(under_way=False, done=True)
    view.show_status("", configured=True)
    done = seen(framed(view))
    assert differs(busy, done) == {"setup", "status"}
    view.show_status(app_view.TESTING, configured=True)
    testing = seen(framed(view))
    assert differs(done, testing) == {"status", "test", "fetch"}


@pytest.mark.parametrize(
    ("key", "change"),
    [
        ("organization", {"text": "acme"}),
        ("organization", {"focused": True}),
        ("public_key", {"text": "MFkw" * 31}),
        ("url", {"text": "https://x.test/"}),
        ("url", {"password": True}),
        ("permissive", {"checked": True}),
        ("log", {"text": "[12:00:00] x"}),
        ("test", {"enabled": False}),
    ],
)
def test_shows_a_change_of_one_node(view: SampleView, key: str, change: dict[str, object]) -> None:
    before = seen(framed(view))
    for name, value in change.items():
        setattr(view.root.find(key), name, value)
    assert differs(before, seen(framed(view))) == {key}


def test_greys_what_is_disabled(view: SampleView) -> None:
    assert BLUE in colours(seen(framed(view)), view.setup.bounds)
    view.setup.enabled = False
    disabled = colours(seen(framed(view)), view.setup.bounds)
    assert BLUE not in disabled
    assert GREY in disabled


def test_shows_the_phones_clock_network_and_proxy(view: SampleView) -> None:
    frames = [
        framed(view),
        framed(view, network="Home"),
        framed(view, network="Cafe"),
        framed(view, network="Home", proxy="127.0.0.1:8080"),
        Frame(view.root, NOON + 60),
        Frame(view.root, NOON + 86400 * 400),
    ]
    pictures = [seen(frame) for frame in frames]
    for a, b in itertools.combinations(pictures, 2):
        assert a.crop(STATUS_BAR).tobytes() != b.crop(STATUS_BAR).tobytes()
        assert differs(a, b) == set()


def test_a_toast_covers_nothing(view: SampleView) -> None:
    view.log.text = "\n".join(["[12:00:00] x" * 10] * 100)
    before = seen(framed(view))
    after = seen(framed(view, toast="Connection failed: " + "very much so, " * 40))
    assert differs(before, after) == set()
    assert before.tobytes() != after.tobytes()


def test_shows_the_last_lines_of_the_log(view: SampleView) -> None:
    lines = [f"[12:00:00] {number}" for number in range(400)]
    view.log.text = "\n".join(lines)
    whole = seen(framed(view))
    view.log.text = "\n".join(lines[-30:])
    assert differs(whole, seen(framed(view))) == set()
    view.log.text = "\n".join([*lines[:-1], "[12:00:00] other"])
    assert differs(whole, seen(framed(view))) == {"log"}


def test_folds_long_lines_of_the_log(view: SampleView) -> None:
    view.log.text = "x" * 500
    left, top, right, bottom = view.log.bounds
    picture = seen(framed(view))
    rows = [
        INK in colours(picture, (left, y, right, y + 31)) for y in range(top + 10, bottom - 31, 31)
    ]
    assert rows[:9] == [True] * 8 + [False]


def test_folded_lines_never_push_the_last_one_out(view: SampleView) -> None:
    pictures = []
    for last in ("a", "b"):
        view.log.text = "\n".join([*["x" * 500] * 10, last])
        pictures.append(seen(framed(view)).tobytes())
    assert pictures[0] != pictures[1]


def test_the_home_screen_shows_the_time() -> None:
    root = Node("home", "android.widget.FrameLayout", (0, 0, WIDTH, HEIGHT), LAUNCHER)
    before, after = seen(Frame(root, NOON)), seen(Frame(root, NOON + 3600))
    middle = (0, 420, WIDTH, 640)
    assert before.crop(middle).tobytes() != after.crop(middle).tobytes()


def test_the_browsers_pages_differ(tmp_path: Path) -> None:
    root = Node("root", "android.widget.FrameLayout", (0, 0, WIDTH, HEIGHT), "com.android.browser")
    heading = Node("status", "android.widget.TextView", (64, 300, 1016, 400), root.package, "Oh")
    root.children = [heading]
    pictures = []
    for look in (Look.HEADING, Look.WARNING, Look.PLAIN, Look.NONE):
        heading.look = look
        pictures.append(seen(Frame(root, NOON)).tobytes())
    assert len(set(pictures)) == 4


def test_a_screens_picture_is_what_is_in_front(tmp_path: Path) -> None:
    phone = make_phone(tmp_path)
    screen = make_screen(phone, ScriptedSdk())
    home = opened(screen.picture())
    screen.launch(SAMPLE)
    start = opened(screen.picture())
    assert home.tobytes() != start.tobytes()
    screen.tap("test")
    assert screen.wait_idle(CAP)
    tested = opened(screen.picture())
    assert differs(start, tested) == {"log"}
    toast = (0, 2270, WIDTH, 2350)
    assert colours(tested, toast) > {SURFACE, INK}

    before = tested.crop(STATUS_BAR).tobytes()
    phone.put_setting("global", "http_proxy", "127.0.0.1:9")
    proxied = opened(screen.picture()).crop(STATUS_BAR).tobytes()
    assert proxied != before
    phone.put_setting("global", "http_proxy", ":0")
    assert opened(screen.picture()).crop(STATUS_BAR).tobytes() == before
    air = tmp_path / "air"
    air.mkdir()
    network = Network("Home", Endpoint("127.0.0.1", 9), Endpoint("127.0.0.1", 9))
    (air / "home.json").write_text(
        f'{{"ssid":"{network.ssid}","resolver":"{network.resolver}","gateway":"{network.gateway}"}}'
    )
    assert phone.join("Home")
    assert opened(screen.picture()).crop(STATUS_BAR).tobytes() != before
    screen.close()


ANY = st.text(st.characters(exclude_categories=["Cs"]), max_size=120)


@settings(max_examples=25, deadline=None)
@given(ANY, ANY, ANY, ANY)
def test_any_text_can_be_drawn(text: str, log: str, toast: str, network: str) -> None:
    view = SampleView()
    for node in view.root.walk():
        node.text = text
    view.log.text = log
    seen(framed(view, toast=toast, network=network, proxy=text))


@given(st.text("abc WM.✓", max_size=200), st.integers(1, 4), st.integers(120, 600))
def test_wrapped_lines_fit(text: str, most: int, width: int) -> None:
    lines = typeface.wrapped(text, 34, width, most)
    assert 1 <= len(lines) <= most
    assert all(typeface.length(line, 34) <= width for line in lines)
    shown = "".join("".join(lines).split())
    wanted = "".join(text.split())
    assert shown == wanted or (shown.endswith("...") and wanted.startswith(shown[:-3].rstrip(".")))


def test_the_check_mark_is_drawn() -> None:
    def ink(text: str) -> int:
        image = blank(200, 60, INK)
        typeface.write(image, text, (0, 0, 200, 60), 34, WHITE)
        return 200 * 60 - image.histogram()[PALETTE.index(INK)]

    assert ink("✓") > 50
    assert ink("✓") != ink("\uffff")


def test_fixed_pitch_is_fixed() -> None:
    def width_of(text: str) -> int:
        image = blank(400, 40)
        typeface.write_log(image, f"{text}|", (0, 0, 400, 40), INK)
        box = Image.eval(image.convert("L"), lambda value: 255 - value).getbbox()
        assert box is not None
        return box[2]

    assert width_of("iiii") == width_of("WWWW") == width_of("m.@l")
