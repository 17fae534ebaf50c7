from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from lab.devices.settings import VirtualSettings
from lab.judge import judge
from lab.model.attack import Adversary, Subject
from lab.model.verdict import Judgement
from lab.model.wire import TlsVersion
from lab.trial import reports
from lab.trial.bench import Bench
from lab.trial.case import Case, cases
from lab.trial.conductor import conduct
from lab.trial.seat import Seat


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with Bench(tmp_path_factory.mktemp("bench")) as running:
        yield running


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clients that owe a report and send none are waited for; here that costs less."""
    monkeypatch.setattr(reports, "REPORT_CAP", 0.5)


@pytest.fixture
def phone(bench: Bench, request: pytest.FixtureRequest) -> Iterator[Callable[[str], Seat]]:
    """Start a virtual phone whose app has the client called ``name`` of tests/mutants.py."""
    with ExitStack() as stack:

        def start(name: str) -> Seat:
            settings = VirtualSettings(id=name, platform="virtual", sdk=f"tests.mutants:{name}")
            device = stack.enter_context(bench.device(settings, index=len(name)))
            return Seat(bench, device, lambda png: None)

        yield start


def case_of(slug: str, adversary: Adversary = Adversary.COMPROMISED_CA) -> Case:
    """Return a case of the attack called ``slug``, under TLS 1.3 where there is a handshake."""
    return next(c for c in cases(adversary) if c.entry.slug == slug and c.version != "tls1.2")


def attacks_on_the_app() -> list[Case]:
    """Return every attack on the app itself, under TLS 1.3 where there is a handshake."""
    return [
        case
        for case in cases()
        if case.entry.subject is Subject.APP and case.version != TlsVersion.TLS12
    ]


def judged(seat: Seat, case: Case) -> Judgement:
    return judge(conduct(seat, case))
