from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.apps.android import Page
from lab.apps.finding import How, Named, on_device, on_page, tap
from lab.apps.page import AppPage
from lab.apps.page_script import Action, Asking, PageScript, Reading, Refusal, Step
from lab.apps.yaml_page import YamlApp
from lab.devices.app_pages import load_page, read_page
from lab.model.device import AppSetup
from lab.model.outcome import DOCUMENTED_ERRORS, Answer, ErrorKind
from lab.model.pins import PinConfiguration
from lab.phone import app_words
from lab.phone.android.faults import Faults
from lab.phone.sdk import errors
from lab.phone.sdk.errors import AllPinsExpired, ErrorFetchingPinningInfo, PinsMismatch
from lab.phone.services import ConnectionLost, HttpResponse
from tests.patience import CAP
from tests.phone.android.webdriver.rigs import BROWSER, SAMPLE, Rig
from tests.phone.scripted import OK, ScriptedSdk, raising

URL = "https://api.acme.test/"
EXAMPLE = Path(__file__).parents[2] / "docs" / "app-page.example.yaml"
LOG = Named(How.XPATH, '//*[starts-with(@text, "[")]')
SETUP = AppSetup(
    PinConfiguration(()),
    organization_id="acme-org",
    project_id="acme-shop",
    public_key="MFkwEwYH",
    configuration_url="https://pins.acme.test/",
    report_url="https://reports.acme.test/",
)


@dataclass(frozen=True)
class Words:
    """A text with blanks in braces."""

    text: str

    def fill(self, values: Mapping[str, str], environ: Mapping[str, str]) -> str:
        return self.text.format(**values)


def named(text: str) -> Named:
    return Named(How.TEXT, text)


READING = Reading(
    LOG,
    accepted=(re.compile("successful"),),
    refused=(Refusal(re.compile("failed: (?P<message>.*)")),),
    seconds=int(CAP),
)
SCRIPT = PageScript(
    SAMPLE,
    Asking(
        READING,
        fill=Named(How.CLASS, "android.widget.EditText", 5),
        trigger=named("Test Connection"),
    ),
)


def ready(rig: Rig, name: str = "app-page.example.yaml") -> AppPage:
    """Return the page of an app that has been set up as the documentation's example says."""
    app = load_page(name, EXAMPLE.parent, rig.driver())
    app.start(fresh=True)
    assert app.set_up(SETUP).answer is Answer.ACCEPTED
    return app


def test_the_example_sets_the_sample_up(rig: Rig) -> None:
    app = ready(rig)
    (settings,) = rig.sdk.settings
    assert settings.organization_id == "acme-org"
    assert settings.project_id == "acme-shop"
    assert settings.public_key == "MFkwEwYH"
    assert settings.configuration_url == "https://pins.acme.test/"
    assert settings.report_url == "https://reports.acme.test/"
    assert app.package == SAMPLE


def test_the_example_asks_the_sample(tmp_path: Path) -> None:
    answers: list[Exception | None] = [
        None,
        PinsMismatch("the leaf matches no pin"),
        None,
        AllPinsExpired("all of them"),
        ConnectionLost("Connection reset"),
        None,
    ]
    waiting = iter(answers)

    def answer(url: str) -> HttpResponse:
        error = next(waiting)
        if error is not None:
            raise error
        return OK

    with Rig(tmp_path, ScriptedSdk(get=answer)) as rig:
        app = ready(rig)
        for number, error in enumerate(answers):
            outcome = app.request(f"{URL}{number}")
            if error is None:
                assert outcome.answer is Answer.ACCEPTED
            else:
                assert outcome.answer is Answer.REFUSED
                assert outcome.kinds == {error.kind}  # type: ignore[attr-defined]
            assert outcome.log
        assert rig.sdk.urls == [f"{URL}{number}" for number in range(len(answers))]


def test_the_example_tells_a_setup_that_failed(tmp_path: Path) -> None:
    sdk = ScriptedSdk(setup=raising(ErrorFetchingPinningInfo("no source answered")))
    with Rig(tmp_path, sdk) as rig:
        app = load_page("app-page.example.yaml", EXAMPLE.parent, rig.driver())
        app.start(fresh=True)
        outcome = app.set_up(SETUP)
        assert outcome.answer is Answer.REFUSED
        assert outcome.code == "ErrorFetchingPinningInfo"
        assert outcome.kinds == {ErrorKind.CONFIGURATION}


@pytest.mark.parametrize("name", sorted(DOCUMENTED_ERRORS))
def test_the_example_knows_every_documented_error(name: str) -> None:
    reading = read_page(EXAMPLE, {}).asking.reading
    error = getattr(errors, name)("something went wrong")
    lines = app_words.test_failed(error).lines
    text = "\n".join(f"[12:00:00] {line}" for line in lines)
    outcome = reading.outcome(text)
    assert outcome is not None
    assert (outcome.answer, outcome.code) == (Answer.REFUSED, name)
    assert outcome.kinds == {DOCUMENTED_ERRORS[name]}


def test_only_what_is_new_in_a_log_counts(rig: Rig) -> None:
    """Without clearing it: the app goes on writing below what was there."""
    ready(rig)
    app = YamlApp(rig.driver(), SCRIPT)
    for number in range(3):
        outcome = app.request(f"{URL}{number}")
        assert outcome.answer is Answer.ACCEPTED
        assert f"Testing connection to: {URL}{number}" in "\n".join(outcome.log)
        assert sum("Testing connection" in line for line in outcome.log) == 1


def test_a_result_that_stays_as_it_was_is_no_answer(rig: Rig) -> None:
    ready(rig)
    reading = replace(READING, seconds=1)
    asking = replace(SCRIPT.asking, reading=reading, trigger=named("TrustPin Sample App"))
    script = replace(SCRIPT, asking=asking)
    outcome = YamlApp(rig.driver(), script).request(URL)
    assert outcome.answer is Answer.SILENT
    assert "stayed as it was" in outcome.message
    assert "'before'" in outcome.message


def test_a_result_that_fits_nothing_is_quoted(rig: Rig) -> None:
    ready(rig)
    reading = replace(READING, accepted=(re.compile("never"),), seconds=2)
    script = replace(SCRIPT, asking=replace(SCRIPT.asking, reading=reading))
    outcome = YamlApp(rig.driver(), script).request(URL)
    assert outcome.answer is Answer.SILENT
    assert "fits neither 'accepted' nor 'refused'" in outcome.message
    assert '{"status":"ok"}' in outcome.message


def test_a_missing_trigger_is_said_with_what_is_there(rig: Rig) -> None:
    ready(rig)
    script = replace(SCRIPT, asking=replace(SCRIPT.asking, trigger=named("Fetch it")))
    outcome = YamlApp(rig.driver(), script).request(URL)
    assert outcome.answer is Answer.SILENT
    assert "there is no text 'Fetch it'" in outcome.message
    assert "TrustPin Sample App" in outcome.message
    assert rig.sdk.urls == []


@pytest.mark.parametrize(
    ("steps", "told"),
    [
        ((Step(Action.WAIT, named("Never"), seconds=1),), "there is no text 'Never'"),
        ((Step(Action.BACK), Step(Action.WAIT, named("Log"), seconds=1)), "is not in front"),
    ],
)
def test_a_start_that_goes_wrong_is_told_by_the_setup(
    rig: Rig, steps: tuple[Step, ...], told: str
) -> None:
    app = YamlApp(rig.driver(), replace(SCRIPT, start=steps))
    app.start(fresh=False)
    outcome = app.set_up(SETUP)
    assert outcome.answer is Answer.SILENT
    assert "could not be started as described" in outcome.message
    assert told in outcome.message
    # It is well again once it starts as described.
    app = YamlApp(rig.driver(), SCRIPT)
    app.start(fresh=False)
    assert app.set_up(SETUP).answer is Answer.ACCEPTED


def test_steps(rig: Rig) -> None:
    script = replace(
        SCRIPT,
        start=(
            Step(Action.TAP, named("Skip"), optional=True),
            Step(Action.WAIT, Named(How.UIAUTOMATOR, 'new UiSelector().text("Clear Log")')),
            Step(Action.TAP, Named(How.UIAUTOMATOR, 'new UiSelector().text("Clear Log")')),
        ),
        setup=(
            Step(Action.FILL, Named(How.CLASS, "android.widget.EditText"), Words("<{project_id}>")),
            Step(
                Action.FILL,
                Named(How.UIAUTOMATOR, 'new UiSelector().className("android.widget.EditText")'),
                Words("{mode}"),
            ),
            Step(Action.FILL, Named(How.CLASS, "android.widget.EditText", 1), Words("")),
        ),
        activity=".MainActivity",
    )
    app = YamlApp(rig.driver(), script)
    app.start(fresh=True)
    assert "Log cleared" in rig.screen.node("log").text
    assert app.set_up(SETUP).answer is Answer.ACCEPTED
    assert rig.screen.node("organization").text == "strict"
    assert rig.screen.node("project").text == ""


def test_a_deep_link(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    class Client:
        def request(self, url: str, **_: object) -> HttpResponse:
            return replace(OK, body=f"fetched {url}".encode())

    monkeypatch.setattr("lab.phone.browser.web_client", lambda phone, verify: Client())
    reading = Reading(
        Named(How.CLASS, "android.widget.TextView"),
        accepted=(re.compile("fetched"),),
        refused=(Refusal(re.compile("ERR_")),),
        seconds=int(CAP),
    )
    link = Words("https://shop.test/?u={url}&h={host}")
    app = YamlApp(rig.driver(), PageScript(BROWSER, Asking(reading, deep_link=link)))
    app.start(fresh=True)
    first = app.request("https://api.acme.test/a?b=c&d")
    assert first.answer is Answer.ACCEPTED
    assert first.message == (
        "fetched https://shop.test/?u=https%3A%2F%2Fapi.acme.test%2Fa%3Fb%3Dc%26d&h=api.acme.test"
    )
    assert app.request(URL).answer is Answer.ACCEPTED


def test_an_app_that_is_not_well_is_told_at_once(rig: Rig) -> None:
    rig.system.faults = Faults(rig.phone, rig.screen, patience=0.05)
    app = ready(rig)
    rig.system.faults.freeze(SAMPLE)
    outcome = app.request(URL)
    assert outcome.answer is Answer.SILENT
    assert "TrustPin Sample isn't responding" in outcome.message
    app.start(fresh=True)
    rig.screen.stop(SAMPLE)
    assert f"{SAMPLE} is not in front" in app.request(URL).message


def test_the_app_comes_back_as_it_was(rig: Rig) -> None:
    app = ready(rig)
    rig.screen.launch(BROWSER)
    app.come_back()
    assert app.request(URL).answer is Answer.ACCEPTED


def reading_of(refusal: Refusal) -> Reading:
    return Reading(LOG, (re.compile("yes"),), (refusal,), (re.compile("wait"),))


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("yes", Answer.ACCEPTED),
        ("no: x", Answer.REFUSED),
        ("yes no: x", Answer.SILENT),
        ("wait yes", None),
        ("", None),
        ("  ", None),
        ("maybe", None),
    ],
)
def test_what_a_result_means(text: str, answer: Answer | None) -> None:
    reading = reading_of(Refusal(re.compile("no: ")))
    outcome = reading.outcome(text)
    assert (None if outcome is None else outcome.answer) is answer


@pytest.mark.parametrize(
    ("pattern", "kinds", "text", "kind", "code"),
    [
        ("bad", {ErrorKind.TIME}, "bad", ErrorKind.TIME, None),
        ("bad (?P<code>.+)", {ErrorKind.PIN}, "bad E17", ErrorKind.PIN, "E17"),
        ("bad (?P<kind>.+)", set(), "bad chain", ErrorKind.CHAIN, None),
        ("bad (?P<kind>.+)", set(), "bad luck", ErrorKind.UNKNOWN, None),
        ("bad (?P<code>.+)", set(), "bad PinsMismatch", ErrorKind.PIN, "PinsMismatch"),
        (
            "bad (?P<code>.+)",
            set(),
            "bad java.net.UnknownHostException",
            ErrorKind.NETWORK,
            "java.net.UnknownHostException",
        ),
        ("bad (?P<message>.+)", set(), "bad Read timed out", ErrorKind.NETWORK, None),
        ("bad", set(), "bad: Trust anchor for x not found", ErrorKind.CHAIN, None),
    ],
)
def test_what_a_refusal_means(
    pattern: str, kinds: set[ErrorKind], text: str, kind: ErrorKind, code: str | None
) -> None:
    refusal = Refusal(re.compile(pattern), frozenset(kinds))
    outcome = reading_of(refusal).outcome(text)
    assert outcome is not None
    assert outcome.kinds == {kind}
    assert outcome.code == code


@given(st.text(max_size=400))
def test_any_result_is_bounded(text: str) -> None:
    reading = reading_of(Refusal(re.compile(".")))
    outcome = reading.outcome(text * 100)
    assert outcome is None or len(outcome.log) <= 40
    assert outcome is None or len(outcome.message) <= 201


def test_every_way_to_name_an_element(rig: Rig) -> None:
    driver = rig.driver()
    rig.screen.launch(SAMPLE)
    front = rig.screen.foreground
    assert front is not None
    clear = front.root().find("clear")
    clear.resource_id, clear.content_desc = f"{SAMPLE}:id/clear", "clears"
    page = Page(driver.page_source)
    names = [
        Named(How.ID, "clear"),
        Named(How.ID, f"{SAMPLE}:id/clear"),
        Named(How.TEXT, "Clear Log"),
        Named(How.ACCESSIBILITY_ID, "clears"),
        Named(How.CLASS, "android.widget.Button", 3),
        Named(How.XPATH, '//*[@content-desc="clears"]'),
        Named(How.UIAUTOMATOR, 'new UiSelector().description("clears")'),
    ]
    found = {on_device(driver, name).id for name in names}
    assert len(found) == 1
    for name in names:
        before = rig.screen.changes
        assert tap(driver, page, name, SAMPLE)
        assert rig.screen.changes > before
        if name.how is not How.UIAUTOMATOR:
            element = on_page(page, name, SAMPLE)
            assert element is not None
            assert element.text == "Clear Log"
    for how, value in itertools.product(How, ["nothing"]):
        if how not in (How.UIAUTOMATOR, How.XPATH):
            assert not tap(driver, page, Named(how, value), SAMPLE)
    assert not tap(driver, page, Named(How.TEXT, "Clear Log", 1), SAMPLE)
    assert on_page(page, Named(How.XPATH, "1 +"), SAMPLE) is None
