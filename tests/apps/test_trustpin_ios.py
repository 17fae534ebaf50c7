from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from lab.apps.page import AppPage
from lab.apps.trustpin_ios import LONG_LOG, TrustPinIosApp
from lab.model.device import AppSetup
from lab.model.outcome import Answer, ErrorKind
from lab.model.pins import Mode, PinConfiguration
from lab.phone.ios.screen_nodes import SWITCH
from lab.phone.ios.test_app import TestAppActivity
from lab.phone.sdk.errors import ErrorFetchingPinningInfo, PinsMismatch
from lab.phone.services import HttpResponse
from tests.patience import CAP
from tests.phone.ios.rigs import SAFARI, IosRig
from tests.phone.scripted import OK, Gate, ScriptedSdk, raising

URL = "https://api.acme.test/v1"
SETUP = AppSetup(
    PinConfiguration(()),
    Mode.PERMISSIVE,
    "acme",
    "shop",
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE",
    "https://config.acme.test/c",
    "https://reports.acme.test/r",
)


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[IosRig]:
    with IosRig(tmp_path) as made:
        yield made


@pytest.fixture
def app(rig: IosRig) -> TrustPinIosApp:
    page = TrustPinIosApp(rig.driver(), answer_cap=CAP, reaction_cap=CAP)
    page.start(fresh=False)
    return page


def test_sets_up_with_all_that_was_wanted(app: AppPage, rig: IosRig) -> None:
    outcome = app.set_up(SETUP)
    assert (outcome.answer, *outcome.kinds) == (Answer.ACCEPTED,)
    settings = rig.sdk.settings[-1]
    assert settings.mode is Mode.PERMISSIVE
    assert settings.configuration_url == SETUP.configuration_url
    assert settings.report_url == SETUP.report_url
    assert settings.public_key == SETUP.public_key
    assert "Mode: Permissive" in outcome.log


def test_tells_why_a_setup_failed(tmp_path: Path) -> None:
    sdk = ScriptedSdk(setup=raising(ErrorFetchingPinningInfo("nobody answered")))
    with IosRig(tmp_path, sdk) as rig:
        app = TrustPinIosApp(rig.driver())
        app.start(fresh=True)
        outcome = app.set_up(SETUP)
    assert outcome.answer is Answer.REFUSED
    assert outcome.code == "ErrorFetchingPinningInfo"
    assert outcome.kinds == {ErrorKind.CONFIGURATION}


def test_requests(tmp_path: Path) -> None:
    answers: list[object] = [OK, PinsMismatch("no pin fits"), OK]

    def answer(url: str) -> HttpResponse:
        given = answers.pop(0)
        if isinstance(given, Exception):
            raise given
        assert isinstance(given, HttpResponse)
        return given

    with IosRig(tmp_path, ScriptedSdk(get=answer)) as rig:
        app = TrustPinIosApp(rig.driver())
        app.start(fresh=False)
        app.set_up(SETUP)
        assert app.request(URL).answer is Answer.ACCEPTED
        refused = app.request(URL)
        assert (refused.answer, *refused.kinds) == (Answer.REFUSED, ErrorKind.PIN)
        assert app.request(f"{URL}/other").answer is Answer.ACCEPTED
        assert rig.sdk.urls == [URL, URL, f"{URL}/other"]


def test_an_app_that_says_nothing_is_silent(app: TrustPinIosApp, rig: IosRig) -> None:
    app.set_up(SETUP)
    app._answer_cap = app._reaction_cap = 0.5
    gate = Gate()

    def hang(url: str) -> HttpResponse:
        gate(url)
        return OK

    rig.sdk._get = hang
    app._driver.update_settings({"waitForIdleTimeout": 0})
    outcome = app.request(URL)
    gate.opened.set()
    assert outcome.answer is Answer.SILENT
    assert "did not say how it went" in outcome.message


def test_without_a_setup_nothing_is_asked(app: TrustPinIosApp) -> None:
    app._reaction_cap = 0.5
    outcome = app.request(URL)
    assert outcome.answer is Answer.SILENT
    assert "never said" in outcome.message


def test_another_app_in_front_is_told(app: AppPage, rig: IosRig) -> None:
    app.set_up(SETUP)
    rig.screen.launch(SAFARI)
    outcome = app.request(URL)
    assert outcome.answer is Answer.SILENT
    assert f"is not in front, but {SAFARI}" in outcome.message
    app.come_back()
    assert app.request(URL).answer is Answer.ACCEPTED


def test_a_published_build_is_told_from_a_lab_build(app: AppPage, rig: IosRig) -> None:
    activity = rig.screen.foreground
    assert isinstance(activity, TestAppActivity)
    page = activity.root().find("page")
    page.children = [n for n in page.children if n.key not in ("configuration_url", "report_url")]
    toggle = next(n for n in page.children if n.class_name == SWITCH)
    outcome = app.set_up(SETUP)
    assert (outcome.answer, *outcome.kinds) == (Answer.REFUSED, ErrorKind.CONFIGURATION)
    assert "no input for the configuration's URL" in outcome.message
    plain = replace(SETUP, configuration_url="", report_url="")
    toggle.enabled = False
    assert "no input for the permissive mode" in app.set_up(plain).message
    strict = replace(plain, mode=Mode.STRICT)
    assert app.set_up(strict).answer is Answer.ACCEPTED


def test_a_long_log_is_cleared(app: AppPage, rig: IosRig) -> None:
    app.set_up(SETUP)
    for _ in range(LONG_LOG // 10 + 2):
        assert app.request(URL).answer is Answer.ACCEPTED
    log = rig.screen.snapshot().find("log")
    assert len(log.children) < LONG_LOG


def test_an_app_that_was_ended_is_found_anew(app: AppPage, rig: IosRig) -> None:
    app.set_up(SETUP)
    assert app.request(URL).answer is Answer.ACCEPTED
    rig.screen.stop(app.package)
    app.come_back()
    assert "never said" in app.request(URL).message
    app.start(fresh=False)
    assert app.set_up(SETUP).answer is Answer.ACCEPTED
