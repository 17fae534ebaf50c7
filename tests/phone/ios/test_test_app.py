from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lab.model.pins import Mode
from lab.phone.ios.screen_nodes import HEIGHT, STATIC_TEXT, WIDTH
from lab.phone.ios.test_app import TestAppActivity
from lab.phone.node import Node
from lab.phone.sdk.errors import AlreadyInitialized, PinsMismatch
from tests.patience import CAP
from tests.phone.ios.rigs import TEST_APP, IosRig
from tests.phone.scripted import Gate, ScriptedSdk, enter, find, press, raising

Phone = Callable[[ScriptedSdk], TestAppActivity]


@pytest.fixture
def phone(tmp_path: Path) -> Iterator[Phone]:
    rigs: list[IosRig] = []

    def make(sdk: ScriptedSdk) -> TestAppActivity:
        rig = IosRig(tmp_path, sdk)
        rigs.append(rig)
        rig.screen.launch(TEST_APP)
        app = rig.screen.foreground
        assert isinstance(app, TestAppActivity)
        return app

    yield make
    for rig in rigs:
        rig.__exit__()


def log_of(app: TestAppActivity) -> list[str]:
    rows = find(app, "log").children
    assert all(row.class_name == STATIC_TEXT and row.text.startswith("[12:00:") for row in rows)
    return [row.text.partition("] ")[2] for row in rows]


def fill(app: TestAppActivity) -> None:
    enter(app, "organization_id", "acme")
    enter(app, "project_id", "shop")
    enter(app, "public_key", "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE")


def set_up(app: TestAppActivity) -> None:
    fill(app)
    press(app, "setup")
    assert app.wait_idle(CAP)
    press(app, "clear")


def status(app: TestAppActivity) -> str:
    return find(app, "status").text


def test_begins(phone: Phone) -> None:
    app = phone(ScriptedSdk())
    assert log_of(app) == ["📱 TrustPin iOS Sample started"]
    assert status(app) == "Status: TrustPin not configured"
    assert find(app, "setup").enabled
    assert not find(app, "test").enabled
    assert find(app, "fetch").enabled


def test_sets_up(phone: Phone) -> None:
    sdk = ScriptedSdk()
    app = phone(sdk)
    fill(app)
    press(app, "permissive")
    assert find(app, "mode").text == "Permissive Mode"
    assert find(app, "hint").text == "Allows connections to unregistered domains"
    press(app, "setup")
    assert app.wait_idle(CAP)
    assert log_of(app)[1:] == [
        "📱 Configuring TrustPin...",
        "📱 Organization ID: acme",
        "📱 Project ID: shop",
        "📱 Public Key: MFkwEwYHKoZIzj0CAQYI...",
        "📱 Mode: Permissive",
        "✅ TrustPin configuration successful",
    ]
    assert sdk.settings[-1].mode is Mode.PERMISSIVE
    assert status(app) == "Status: TrustPin configured"
    assert find(app, "test").enabled
    assert find(app, "organization_id").enabled


def test_wants_every_field(phone: Phone) -> None:
    app = phone(ScriptedSdk())
    press(app, "setup")
    assert log_of(app)[-1] == "❌ Configuration failed: Missing required fields"


def test_a_second_setup_is_the_sdks_business(phone: Phone) -> None:
    sdk = ScriptedSdk()
    app = phone(sdk)
    set_up(app)
    press(app, "setup")
    assert app.wait_idle(CAP)
    assert len(sdk.settings) == 2
    assert log_of(app)[-1] == "✅ TrustPin configuration successful"
    sdk._setup = raising(AlreadyInitialized("once"))
    press(app, "setup")
    assert app.wait_idle(CAP)
    failed = "❌ TrustPin configuration failed: TrustPinErrors.alreadyInitialized: once"
    assert log_of(app)[-1] == failed


def test_tests(phone: Phone) -> None:
    gate = Gate()
    sdk = ScriptedSdk()
    app = phone(sdk)
    set_up(app)
    enter(app, "url", "https://api.acme.test/v1")
    answer = sdk._get

    def slow(url: str) -> object:
        gate(url)
        return answer(url)

    sdk._get = slow
    press(app, "test")
    assert gate.entered.wait(CAP)
    assert status(app) == "Status: Testing connection..."
    assert not find(app, "test").enabled
    assert not find(app, "fetch").enabled
    gate.opened.set()
    assert app.wait_idle(CAP)
    assert status(app) == "Status: TrustPin configured"
    assert log_of(app)[1:] == [
        "📱 Testing connection to: https://api.acme.test/v1",
        "📱 Making HTTP request...",
        "📱 Method: GET",
        "📱 URL: https://api.acme.test/v1",
        "📱 User-Agent: TrustPin-iOS-Sample/1.0",
        "🔍 Using TrustPin SSL certificate validation",
        "✅ Connection test successful!",
        "📱 Response received:",
        "📱 Status: 200",
        '📱 Response: {"status":"ok"}',
    ]


def test_tells_of_a_failed_test(phone: Phone) -> None:
    app = phone(ScriptedSdk(get=raising(PinsMismatch("no pin\nfits"))))
    set_up(app)
    press(app, "test")
    assert app.wait_idle(CAP)
    assert log_of(app)[-1] == "❌ Connection failed: TrustPinErrors.pinsMismatch: no pin fits"
    assert status(app) == "Status: TrustPin configured"


def test_fetches_a_certificate(phone: Phone) -> None:
    sdk = ScriptedSdk(fetch=lambda host, port: "-----BEGIN\nx\n")
    app = phone(sdk)
    enter(app, "url", "https://api.acme.test:8443/v1")
    press(app, "fetch")
    assert app.wait_idle(CAP)
    assert sdk.hosts == [("api.acme.test", 8443)]
    digest = hashlib.sha256(b"-----BEGIN\nx\n").hexdigest()
    assert log_of(app)[1:] == [
        "📱 Fetching certificate from: api.acme.test:8443",
        "✅ Certificate fetched successfully!",
        f"📱 Certificate SHA256: {digest}",
        "📱 Certificate PEM:\n-----BEGIN\nx",
    ]


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("", "❌ Fetch certificate failed: No URL provided"),
        ("nonsense", "❌ Fetch certificate failed: Invalid URL format"),
        ("https://a.test:99999/", "❌ Fetch certificate failed: Invalid URL format"),
    ],
)
def test_minds_urls(phone: Phone, url: str, says: str) -> None:
    app = phone(ScriptedSdk())
    enter(app, "url", url)
    press(app, "fetch")
    assert log_of(app)[-1] == says


def test_the_last_rows_of_the_log_are_in_view(phone: Phone) -> None:
    app = phone(ScriptedSdk())
    set_up(app)
    for _ in range(5):
        press(app, "test")
        assert app.wait_idle(CAP)
    box = find(app, "log")
    assert box.children[-1].bounds[3] <= box.bounds[3]
    assert box.children[0].bounds[1] < 0 or box.children[0].bounds[3] < box.bounds[1]
    press(app, "clear")
    assert log_of(app) == ["📱 Log cleared"]


def test_everything_is_on_the_screen(phone: Phone) -> None:
    def inside(node: Node) -> bool:
        left, top, right, bottom = node.bounds
        return 0 <= left < right <= WIDTH and 0 <= top < bottom <= HEIGHT

    app = phone(ScriptedSdk())
    nodes = list(app.root().walk())
    assert all(map(inside, nodes))
    assert len({node.key for node in nodes}) == len(nodes)
