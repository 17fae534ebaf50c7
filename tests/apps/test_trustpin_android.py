from __future__ import annotations

import itertools
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from lab.apps.messages import entries
from lab.apps.page import AppPage
from lab.apps.trustpin_android import LONG_LOG, PACKAGE, TrustPinAndroidApp
from lab.model.device import AppSetup
from lab.model.outcome import Answer, ErrorKind
from lab.model.pins import Mode, PinConfiguration
from lab.phone.android.faults import Faults
from lab.phone.app import MAX_LOG
from lab.phone.sdk.errors import ErrorFetchingPinningInfo, PinsMismatch
from lab.phone.services import ConnectionLost, HttpResponse
from tests.patience import CAP, LONG, not_waiting
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
        app = TrustPinAndroidApp(driver, answer_cap=CAP)
        app.start(fresh=True)
        app.set_up(SETUP)
        driver.update_settings({"waitForIdleTimeout": 100})
        app._answer_cap = 0.2
        outcome = app.request(URL)
        assert gate.entered.wait(CAP)
        assert outcome.answer is Answer.SILENT
        assert "did not say how it went" in outcome.message
        # The app is still busy: it does not take the tap, and nothing of that is its answer.
        assert app.request(URL).answer is Answer.SILENT
        assert len(rig.sdk.urls) == 1
        gate.opened.set()
        assert rig.screen.wait_idle(CAP)
        app._answer_cap = CAP
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
        assert gate.entered.wait(CAP)
        app._reaction_cap = 0.3
        assert app.request(URL).answer is Answer.SILENT
        gate.opened.set()
        assert rig.screen.wait_idle(CAP)
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
    assert outcome.message.startswith(f"the app could not be asked: {PACKAGE} is not in front")
    assert BROWSER in outcome.message
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
    assert f"{PACKAGE} is not in front" in outcome.message


def publish(rig: Rig, *absent: str) -> TrustPinAndroidApp:
    """Return the page of a sample that has not all the inputs of a lab build."""
    app = TrustPinAndroidApp(rig.driver())
    app.start(fresh=True)
    front = rig.screen.foreground
    assert front is not None
    card = front.root().find("configuration")
    card.children = [node for node in card.children if node.key not in absent]
    return app


PUBLISHED = ("configuration_url", "report_url", "permissive")


def test_the_sample_as_it_is_published_takes_what_it_has_fields_for(rig: Rig) -> None:
    app = publish(rig, *PUBLISHED)
    own = replace(SETUP, configuration_url="")
    assert app.set_up(own).answer is Answer.ACCEPTED
    (settings,) = rig.sdk.settings
    assert (settings.organization_id, settings.public_key) == ("acme-org", "MFkwEwYH")
    assert (settings.configuration_url, settings.report_url) == ("", "")
    assert app.request("https://other.acme.test/").answer is Answer.ACCEPTED
    assert rig.sdk.urls == ["https://other.acme.test/"]


@pytest.mark.parametrize(
    ("absent", "mode", "what"),
    [
        (PUBLISHED, Mode.STRICT, "configuration's URL"),
        (("permissive",), Mode.PERMISSIVE, "permissive mode"),
    ],
)
def test_what_cannot_be_entered_needs_a_lab_build(
    rig: Rig, absent: tuple[str, ...], mode: Mode, what: str
) -> None:
    outcome = publish(rig, *absent).set_up(replace(SETUP, mode=mode))
    assert outcome.answer is Answer.REFUSED
    assert outcome.kinds == {ErrorKind.CONFIGURATION}
    assert "lab build" in outcome.message
    assert what in outcome.message
    assert rig.sdk.settings == []


def test_a_lab_build_may_do_without_reports(rig: Rig) -> None:
    assert publish(rig, "report_url").set_up(SETUP).answer is Answer.ACCEPTED
    (settings,) = rig.sdk.settings
    assert settings.configuration_url == SETUP.configuration_url
    assert settings.report_url == ""


def test_a_crash_is_told_at_once(rig: Rig) -> None:
    rig.phone.put_setting("global", "show_first_crash_dialog", "1")
    app = ready(rig)
    app._answer_cap = app._reaction_cap = LONG
    assert rig.system.faults.crash(PACKAGE)
    with not_waiting():
        outcome = app.request(URL)
    assert outcome.answer is Answer.SILENT
    assert 'the phone says "TrustPin Sample has stopped"' in outcome.message.replace("'", '"')
    rig.screen.tap("close")
    app.start(fresh=True)
    rig.system.faults.crash(PACKAGE)
    with not_waiting():
        assert "TrustPin Sample keeps stopping" in app.request(URL).message


def test_an_app_that_is_gone_is_said_to_be(rig: Rig) -> None:
    app = ready(rig)
    rig.screen.stop(PACKAGE)
    outcome = app.request(URL)
    assert outcome.answer is Answer.SILENT
    assert f"{PACKAGE} is not in front, but com.android.launcher3" in outcome.message


def test_an_app_that_crashes_while_it_is_waited_for(tmp_path: Path) -> None:
    gate = Gate()
    with Rig(tmp_path, ScriptedSdk(get=gate)) as rig:
        driver = rig.driver()
        app = TrustPinAndroidApp(driver)
        app.start(fresh=True)
        app.set_up(SETUP)
        driver.update_settings({"waitForIdleTimeout": 50})
        crash = threading.Thread(
            target=lambda: gate.entered.wait(CAP) and rig.system.faults.crash(PACKAGE)
        )
        crash.start()
        outcome = app.request(URL)
        gate.opened.set()
        crash.join(CAP)
        assert outcome.answer is Answer.SILENT
        assert outcome.message.startswith("the app did not answer: cloud.trustpin")


def test_an_app_that_hangs_is_told_as_soon_as_the_phone_says_so(rig: Rig) -> None:
    rig.system.faults = Faults(rig.phone, rig.screen, patience=0.1)
    app = ready(rig)
    assert rig.system.faults.freeze(PACKAGE)
    outcome = app.request(URL)
    assert outcome.answer is Answer.SILENT
    assert "TrustPin Sample isn't responding" in outcome.message
    # Nor is it asked again while the phone says so.
    assert "TrustPin Sample isn't responding" in app.request(URL).message
    assert rig.sdk.urls == []
    app.start(fresh=True)
    assert app.set_up(SETUP).answer is Answer.ACCEPTED


def test_an_app_that_does_not_react_is_not_waited_for_long(rig: Rig) -> None:
    app = ready(rig)
    quick = TrustPinAndroidApp(rig.driver(), answer_cap=LONG, reaction_cap=0.3)
    quick._seen = len(entries(rig.screen.node("log").text))
    assert rig.system.faults.freeze(PACKAGE)
    started = time.monotonic()
    with not_waiting():
        assert quick.request(URL).answer is Answer.SILENT
    assert time.monotonic() - started >= 0.3
    assert app is not quick
