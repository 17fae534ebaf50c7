"""The page in a real browser: accessibility by axe-core, at a phone's and a laptop's width, in
light and in dark, and what the script does."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from lab.evidence.html import render
from lab.evidence.run import RunReport
from lab.model.trial import Measurement
from tests.evidence.builders import PHONE, failed, inconclusive, info, judged, passed, png, skipped
from tests.judge import builders

AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")

pytestmark = pytest.mark.skipif(
    CHROMIUM is None or DRIVER is None or not AXE.exists(),
    reason="needs chromium, chromedriver and axe-core (apt install chromium-driver; make node)",
)

GRAVE = ("serious", "critical")
OPTIONS = (
    "--headless=new",
    "--no-sandbox",  # the page is the lab's own, and root has no sandbox
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--no-first-run",
)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page with one of everything."""
    slow = Measurement("Setting up", (0.25, 0.31), 0.1, "the phone's log")
    results = (
        failed(slug="device_trusted_ca", screenshots=(("attack", "screenshots/a.png"),)),
        inconclusive(slug="pin_stuffing", case="C6", device="other"),
        passed(slug="untrusted_ca", case="B1", adversary="rogue_ca", variant="tls1.2"),
        judged(builders.trial(measurements=(slow,)), slug="setup_in_time", case="P7"),
        skipped("The clock cannot be set.", slug="expired_leaf", case="E1"),
    )
    report = RunReport(
        info(devices=(PHONE,), complete=False, incomplete_because="Stopped."), results
    )
    path = tmp_path_factory.mktemp("page") / "index.html"
    path.write_text(render(report, lambda name: png() if name.endswith(".png") else None))
    return path


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    assert CHROMIUM is not None
    options = ChromeOptions()
    options.binary_location = CHROMIUM
    profile = tmp_path_factory.mktemp("profile")
    for option in (*OPTIONS, f"--user-data-dir={profile}"):
        options.add_argument(option)
    driver = Chrome(options=options, service=Service(DRIVER))
    try:
        yield driver
    finally:
        driver.quit()


def opened(browser: Chrome, page: Path, *, width: int = 1366, scheme: str = "light") -> None:
    shape = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", shape)
    wanted = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", wanted)
    browser.get("about:blank")
    browser.get(page.as_uri())


def faults(browser: Chrome, *rules: str) -> list[str]:
    """Return what axe finds by ``rules``, all where none is named, each with its place."""
    # The page's own policy lets no other script in; a debugger is not bound by it.
    browser.execute_cdp_cmd("Runtime.evaluate", {"expression": AXE.read_text(encoding="utf-8")})
    found: dict[str, Any] = browser.execute_async_script(
        "const [rules, done] = arguments;"
        "axe.run(document, rules.length ? {runOnly: rules} : {}).then(done);",
        rules,
    )
    if not rules:
        looked_at = {one["id"] for one in found["passes"]}
        assert {"color-contrast", "link-name", "aria-allowed-attr", "list"} <= looked_at
    return [
        f"{fault['id']} ({fault['impact']}): {fault['help']}: {fault['nodes'][0]['html'][:160]}"
        for fault in found["violations"]
        if fault["impact"] in GRAVE
    ]


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1366, "light")])
def test_axe_finds_nothing_grave(browser: Chrome, page: Path, width: int, scheme: str) -> None:
    opened(browser, page, width=width, scheme=scheme)
    # The lists of what was not exercised are long, and all their lines are alike.
    browser.execute_script("for (const d of document.querySelectorAll('.v, .a')) d.open = true")
    browser.execute_script("for (const l of document.querySelectorAll('.more li+li')) l.remove()")
    assert faults(browser) == []


def test_axe_would_find_a_fault(browser: Chrome, page: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.html"
    text = page.read_text(encoding="utf-8").replace('<html lang="en">', "<html>")
    broken.write_text(text, encoding="utf-8")
    opened(browser, broken)
    (fault,) = faults(browser, "html-has-lang")
    assert fault.startswith("html-has-lang (serious)")


def test_a_page_is_no_wider_than_its_screen(browser: Chrome, page: Path) -> None:
    for width in (390, 1366):
        opened(browser, page, width=width)
        assert browser.execute_script("return document.documentElement.scrollWidth") <= width


def test_a_link_unfolds_its_verdict_with_and_without_the_script(
    browser: Chrome, page: Path, tmp_path: Path
) -> None:
    text = page.read_text(encoding="utf-8")
    bare = tmp_path / "bare.html"
    bare.write_text(text.replace("addEventListener", "void"), encoding="utf-8")
    for path in (page, bare):
        opened(browser, path)
        cell = browser.find_element(By.CSS_SELECTOR, ".matrix .p a")
        target = (cell.get_attribute("href") or "").rpartition("#")[2]
        story = browser.find_element(By.ID, target).find_element(By.XPATH, "..")
        assert story.get_attribute("open") is None
        browser.execute_script("arguments[0].focus()", cell)
        cell.send_keys(Keys.ENTER)
        assert story.get_attribute("open") == "true"


def test_verdicts_can_be_filtered_and_found_by_keyboard(browser: Chrome, page: Path) -> None:
    opened(browser, page)
    find = browser.find_element(By.ID, "find")
    find.send_keys("untrusted rogue")
    assert browser.find_element(By.ID, "shown").text == "0 shown"
    find.clear()
    find.send_keys("b1")
    assert browser.find_element(By.ID, "shown").text == "1 shown"
    find.clear()
    button = browser.find_element(By.CSS_SELECTOR, "button[data-show=f]")
    button.send_keys(Keys.SPACE)
    assert button.get_attribute("aria-pressed") == "true"
    shown = [
        group for group in browser.find_elements(By.CLASS_NAME, "group") if group.is_displayed()
    ]
    assert [group.get_attribute("data-verdict") for group in shown] == ["f"]


def test_what_failed_is_unfolded_on_paper(browser: Chrome, page: Path) -> None:
    opened(browser, page)
    browser.execute_script("for (const d of document.querySelectorAll('details')) d.open = false")
    wanted = "return document.querySelector('details.i .body').checkVisibility()"
    assert not browser.execute_script(wanted)
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        assert browser.execute_script(wanted)
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
