"""The judge is not fooled. Each client here goes through the real engine and the real phone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from lab.catalogue import hosts
from lab.catalogue.core import core
from lab.devices.registry import make_device
from lab.devices.settings import VirtualSettings
from lab.model.attack import Adversary, Control
from lab.model.device import Endpoint
from lab.model.outcome import Answer
from lab.model.verdict import Judgement, Verdict, Witness
from lab.model.wire import LEAKED
from lab.trial import reports
from lab.trial.bench import REPORT_URL, Bench
from lab.trial.case import Case
from lab.trial.conductor import conduct
from lab.trial.seat import Seat
from tests.trial.conftest import attacks_on_the_app, case_of, judged

Phone = Callable[[str], Seat]

pytestmark = pytest.mark.whole


def one_of_each(attacks: Sequence[Case]) -> list[Case]:
    """Return one case of each row of the catalogue."""
    return list({case.entry.id: case for case in attacks if case.entry.slug in core()}.values())


def decisive(judgement: Judgement) -> list[str]:
    return [r.text for r in judgement.reasons if r.verdict is judgement.verdict]


def test_a_client_that_trusts_everything_fails_every_attack_that_forges(phone: Phone) -> None:
    seat = phone("TrustsEverything")
    # One case of each row is enough here: the self-test asks it of every attack, and
    # of every wrong client.
    forging = [
        case
        for case in one_of_each(attacks_on_the_app())
        if case.entry.expectation().answer is Answer.REFUSED
        and case.entry.control in (Control.UNPINNED, Control.CARELESS)
    ]
    told = {
        f"{case.adversary} {case.id}": judged(seat, case)
        for case in forging
        if case.entry.slug not in NOT_REACHED
    }
    assert len(told) > 40
    spared = {name: j for name, j in told.items() if j.verdict is not Verdict.FAIL}
    assert not spared


NOT_REACHED = {"tls_stripping", "redirect_into_cleartext"}
"""No chain is served."""


def test_what_a_trusting_client_leaked_is_said(phone: Phone) -> None:
    judgement = judged(phone("TrustsEverything"), case_of("device_trusted_ca"))
    assert any("The adversary read" in t and "GET / HTTP" in t for t in decisive(judgement))


def test_a_client_without_pins_fails_where_only_pins_help(phone: Phone) -> None:
    seat = phone("IgnoresPins")
    assert judged(seat, case_of("device_trusted_ca")).verdict is Verdict.FAIL
    untrusted = judged(seat, case_of("untrusted_ca", Adversary.ROGUE_CA))
    assert untrusted.verdict is Verdict.PASS, untrusted


def test_a_client_that_never_connects_is_inconclusive(phone: Phone) -> None:
    seat = phone("NeverConnects")
    for slug in ("device_trusted_ca", "good_chain", "no_interception"):
        judgement = judged(seat, case_of(slug))
        assert judgement.verdict is Verdict.INCONCLUSIVE, (slug, judgement)
    assert any("did not work" in text for text in decisive(judgement))


def test_a_client_that_pretends_is_inconclusive(phone: Phone) -> None:
    seat = phone("Pretends")
    for slug in ("device_trusted_ca", "good_chain", "no_interception"):
        judgement = judged(seat, case_of(slug))
        assert judgement.verdict is Verdict.INCONCLUSIVE, (slug, judgement)
    assert any("takes another way than the lab's route" in t for t in decisive(judgement))


def test_a_client_that_makes_its_errors_up_is_inconclusive(phone: Phone) -> None:
    """It works before and after, and blames the pin for an attack that it never met."""
    judgement = judged(phone("CriesPin"), case_of("device_trusted_ca"))
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert any("silence is no pass" in text for text in decisive(judgement))


def test_a_client_that_refuses_everything_passes_nothing(
    phone: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    # It says "pin" every time and reports nothing: each case would wait for a report.
    monkeypatch.setattr(reports, "REPORT_CAP", 0.05)
    seat = phone("RefusesEverything")
    # In a black hole even the benign requests of a right client take seconds.
    quick = [c for c in one_of_each(attacks_on_the_app()) if c.entry.slug != "black_hole"]
    verdicts = Counter(judged(seat, case).verdict for case in quick)
    assert sum(verdicts.values()) > 60
    assert not verdicts[Verdict.PASS]


def test_a_client_that_looks_too_late_fails(phone: Phone) -> None:
    """Its user sees the right error; the request had left before."""
    judgement = judged(phone("LooksTooLate"), case_of("device_trusted_ca"))
    assert judgement.verdict is Verdict.FAIL
    assert any("The adversary read" in text for text in decisive(judgement))


@pytest.mark.parametrize(
    ("client", "said"),
    [
        ("KeepsSilent", f"No failure report about {hosts.HOST} reached the collector"),
        ("ReportsAnotherCertificate", "is about another certificate"),
        ("ReportsTwice", "2 failure reports arrived for 1 refused connection"),
    ],
)
def test_a_wrong_report_fails_and_is_named(phone: Phone, client: str, said: str) -> None:
    judgement = judged(phone(client), case_of("mismatch_is_reported"))
    assert judgement.verdict is Verdict.FAIL
    assert any(said in text for text in decisive(judgement)), judgement
    assert {r.witness for r in judgement.reasons if r.verdict is Verdict.FAIL} == {Witness.REPORT}


def test_a_client_that_reports_nothing_at_all_passes_no_case_of_silence(phone: Phone) -> None:
    """That there was no report on success is worth nothing where there never is one."""
    judgement = judged(phone("KeepsSilent"), case_of("no_report_on_success"))
    assert judgement.verdict is Verdict.INCONCLUSIVE, judgement


def test_a_report_that_goes_to_the_adversary_fails(phone: Phone) -> None:
    judgement = judged(phone("ReportsToAnybody"), case_of("mismatch_is_reported"))
    assert judgement.verdict is Verdict.FAIL
    assert any("was delivered to the adversary" in text for text in decisive(judgement))


@pytest.mark.parametrize("slug", ["device_trusted_ca", "no_interception", "connection_refused"])
def test_with_the_gateway_cut_nothing_is_concluded(bench: Bench, slug: str) -> None:
    """A right client in a network that leads nowhere: not even a network error passes."""
    case = case_of(slug, Adversary.ROGUE_WIFI)
    settings = VirtualSettings(id=f"cut-{slug}", platform="virtual")
    around = bench.engine.attach(settings.id)
    cut = replace(around, rogue=replace(around.rogue, gateway=Endpoint("127.0.0.1", 1)))
    device = make_device(
        settings,
        cut,
        bench.directory / settings.id,
        factory_anchors=(bench.pki.public_root.der,),
        report_url=REPORT_URL,
        source=None,
    )
    try:
        judgement = judged(Seat(bench, device, lambda png: None), case)
    finally:
        device.close()
        bench.engine.detach(settings.id)
    assert judgement.verdict is Verdict.INCONCLUSIVE, judgement


def test_the_reference_client_holds(phone: Phone, bench: Bench) -> None:
    """The other side of the coin: without this, a lab that fails everything would pass here."""
    settings = VirtualSettings(id="reference", platform="virtual")
    with bench.device(settings, index=200) as device:
        seat = Seat(bench, device, lambda png: None)
        trial = conduct(seat, case_of("device_trusted_ca"))
        assert judged(seat, case_of("good_chain")).verdict is Verdict.PASS
    assert not any(c.wire_class in LEAKED for c in trial.attack.connections)
    assert any(r.host == hosts.HOST for r in trial.reports)
