from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from lab.apps.page import AppPage
from lab.apps.trustpin_android import LONG_LOG, PACKAGE, TrustPinAndroidApp
from lab.model.device import AppSetup
from lab.model.outcome import Answer, ErrorKind
from lab.model.pins import Mode, PinConfiguration
from lab.phone.app import MAX_LOG
from lab.phone.sdk.errors import ErrorFetchingPinningInfo, PinsMismatch
from lab.phone.services import ConnectionLost, HttpResponse
from tests.phone.android.webdriver.rigs import BROWSER, Rig
from tests.phone.scripted import OK, Gate, ScriptedSdk, raising

URL = "https://api.acme.test/"
SETUP = AppSetup(
    PinConfiguration(()),
    organization_id="acme-org",
    project_id="acme-shop",
    public_key="MFkwEwYH",
    configuration_url="https://pins.acme.test/",
    report_url="https://reports.acme.test/",
)


def ready(rig: Rig, setup: AppSetup = SETUP) -> TrustPinAndroidApp:
    """Return the page of an app that has been set up."""
    app = TrustPinAndroidApp(rig.driver())
    app.start(fresh=True)
    assert app.set_up(setup).answer is Answer.ACCEPTED
    return app


@pytest.mark.parametrize("mode", Mode)
def test_every_field_is_filled_in(rig: Rig, mode: Mode) -> None:
    page: AppPage = ready(
        rig,
        AppSetup(
            PinConfiguration(()),
            mode,
            "acme-org",
            "acme-shop",
            "MFkwEwYH",
            "https://pins.acme.test/",
            "https://reports.acme.test/",
        ),
    )
    (settings,) = rig.sdk.settings
    assert settings.organization_id == "acme-org"
    assert settings.project_id == "acme-shop"
    assert settings.public_key == "MFkwEwYH"
    assert settings.configuration_url == "https://pins.acme.test/"
    assert settings.report_url == "https://reports.acme.test/"
    assert settings.mode is mode
    assert settings.device == "phone-1"
    assert page.package == PACKAGE


def test_a_setup_that_fails(tmp_path: Path) -> None:
    sdk = ScriptedSdk(setup=raising(ErrorFetchingPinningInfo("no source answered")))
    with Rig(tmp_path, sdk) as rig:
        app = TrustPinAndroidApp(rig.driver())
        app.start(fresh=True)
        outcome = app.set_up(SETUP)
        assert outcome.answer is Answer.REFUSED
        assert outcome.kinds == {ErrorKind.CONFIGURATION}
        assert outcome.code == "ErrorFetchingPinningInfo"
        asked = app.request(URL)
        assert asked.answer is Answer.SILENT
        assert "Test connection failed: TrustPin not configured" in asked.message
        assert rig.sdk.urls == []


def test_a_setup_that_lacks_something_is_no_setup(rig: Rig) -> None:
    app = TrustPinAndroidApp(rig.driver())
    app.start(fresh=True)
    outcome = app.set_up(AppSetup(PinConfiguration(())))
    assert outcome.answer is Answer.SILENT
    assert "Configuration failed: Missing required fields" in outcome.message


def test_requests(rig: Rig) -> None:
    app = ready(rig)
    other = "https://other.acme.test/a?b=c&d#e"
    for url in (URL, URL, other, URL):
        outcome = app.request(url)
        assert outcome.answer is Answer.ACCEPTED
        assert outcome.log[0] == f"Testing connection to: {url}"
    assert rig.sdk.urls == [URL, URL, other, URL]


def test_every_outcome_is_of_its_own_request(tmp_path: Path) -> None:
    """Also where the log has been full several times over, and every line looks like another."""
    errors = (None, PinsMismatch("no"), ConnectionLost("Connection reset"))
    order = [errors[number % 7 % 3] for number in range(150)]
    waiting = iter(order)

    def answer(url: str) -> HttpResponse:
        error = next(waiting)
        if error is not None:
            raise error
        return OK

    with Rig(tmp_path, ScriptedSdk(get=answer)) as rig:
        app = ready(rig)
        for number, error in enumerate(order):
            outcome = app.request(URL)
            expected = Answer.ACCEPTED if error is None else Answer.REFUSED
            assert outcome.answer is expected, number
            assert outcome.kinds == (set() if error is None else {error.kind})
        log = rig.screen.node("log").text
        assert log.count("\n") < LONG_LOG + 20 < MAX_LOG


def test_an_app_that_does_not_come_to_an_end_is_silent(tmp_path: Path) -> None:
    gate = Gate()
    with Rig(tmp_path, ScriptedSdk(get=gate)) as rig:
        driver = rig.driver()
        app = TrustPinAndroidApp(driver, answer_cap=0.2)
        app.start(fresh=True)
        app.set_up(SETUP)
        driver.update_settings({"waitForIdleTimeout": 100})
        outcome = app.request(URL)
        assert outcome.answer is Answer.SILENT
        assert "did not say how it went" in outcome.message
        # The app is still busy: it does not take the tap, and nothing of that is its answer.
        assert app.request(URL).answer is Answer.SILENT
        assert len(rig.sdk.urls) == 1
        gate.opened.set()
        assert rig.screen.wait_idle(5)
        late = app.request(URL)
        assert late.log[0] == f"Testing connection to: {URL}"
        assert len(rig.sdk.urls) == 2


def test_an_earlier_answer_is_not_taken_for_this_one(tmp_path: Path) -> None:
    """While the app is busy with something else it takes no tap and says nothing."""
    gate = Gate()
    with Rig(tmp_path, ScriptedSdk(fetch=lambda host, port: gate())) as rig:
        driver = rig.driver()
        app = TrustPinAndroidApp(driver)
        app.start(fresh=True)
        app.set_up(SETUP)
        assert app.request(URL).answer is Answer.ACCEPTED
        driver.update_settings({"waitForIdleTimeout": 50})
        rig.screen.tap("fetch")
        assert gate.entered.wait(5)
        assert app.request(URL).answer is Answer.SILENT
        gate.opened.set()
        assert rig.screen.wait_idle(5)
        assert rig.sdk.urls == [URL]


def test_waiting_goes_on_as_long_as_the_app_is_busy(tmp_path: Path) -> None:
    gate = Gate()

    def answer(url: str) -> HttpResponse:
        gate()
        return OK

    with Rig(tmp_path, ScriptedSdk(get=answer)) as rig:
        driver = rig.driver()
        app = TrustPinAndroidApp(driver)
        app.start(fresh=True)
        app.set_up(SETUP)
        driver.update_settings({"waitForIdleTimeout": 50})
        waited = itertools.count()
        wait_idle = rig.screen.wait_idle

        def counted(cap: float) -> bool:
            if next(waited) == 3:
                gate.opened.set()
            return wait_idle(cap)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(rig.screen, "wait_idle", counted)
            assert app.request(URL).answer is Answer.ACCEPTED
        assert next(waited) > 3


def test_the_app_comes_back_as_it_was(rig: Rig) -> None:
    app = ready(rig)
    assert app.request(URL).answer is Answer.ACCEPTED
    rig.screen.launch(BROWSER)
    app.come_back()
    assert app.request(URL).answer is Answer.ACCEPTED
    assert len(rig.sdk.made) == 1


def test_an_app_that_is_not_in_front_could_not_be_asked(rig: Rig) -> None:
    app = ready(rig)
    rig.screen.launch(BROWSER)
    outcome = app.request(URL)
    assert outcome.answer is Answer.SILENT
    assert outcome.message.startswith("the app could not be asked: the app shows 1 text fields")
    assert rig.sdk.urls == []


def test_an_app_that_was_restarted_is_not_taken_for_the_one_before(rig: Rig) -> None:
    app = ready(rig)
    assert app.request(URL).answer is Answer.ACCEPTED
    rig.screen.stop(PACKAGE)
    rig.screen.launch(PACKAGE)
    outcome = app.request(URL)
    assert outcome.answer is Answer.SILENT
    assert "TrustPin not configured" in outcome.message
    # What is in its URL field is not what was there before either.
    assert rig.screen.node("url").text == URL


def test_another_request_than_the_one_wanted_does_not_count(rig: Rig) -> None:
    app = ready(rig)
    assert app.request(URL).answer is Answer.ACCEPTED
    rig.screen.set_text("url", "https://elsewhere.test/")
    outcome = app.request(URL)
    assert outcome.answer is Answer.SILENT
    assert "another request: Testing connection to: https://elsewhere.test/" in outcome.message


@pytest.mark.parametrize("fresh", [True, False])
def test_what_the_app_stored_is_forgotten_only_when_it_is_to_be(rig: Rig, fresh: bool) -> None:
    app = ready(rig)
    rig.phone.files.write(f"/data/data/{PACKAGE}/kept", b"")
    app.start(fresh=fresh)
    assert rig.phone.files.host_path(f"/data/data/{PACKAGE}/kept").exists() is not fresh
    assert app.set_up(SETUP).answer is Answer.ACCEPTED
    assert len(rig.sdk.made) == 2


def test_a_screen_without_the_apps_fields_could_not_be_asked(rig: Rig) -> None:
    app = TrustPinAndroidApp(rig.driver())
    rig.screen.launch(BROWSER)
    outcome = app.set_up(SETUP)
    assert outcome.answer is Answer.SILENT
    assert "1 text fields, too few" in outcome.message
