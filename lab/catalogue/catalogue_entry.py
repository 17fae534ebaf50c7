"""One attack of the catalogue, with everything that is known about it before it is tried."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from lab.catalogue.ground import Attack, Expecting, Ground
from lab.catalogue.hosts import PORT
from lab.catalogue.stage import Launch, Stage
from lab.model.attack import (
    Adversary,
    CollectorFault,
    Concern,
    Control,
    Expectation,
    Figure,
    Need,
    ReportsDue,
    Subject,
    Trust,
)
from lab.model.profile import NEWEST, Profile
from lab.model.publication import Publication
from lab.model.serving import HostPlan
from lab.model.wire import TlsVersion


@dataclass(frozen=True)
class CatalogueEntry:
    """One attack of the catalogue with everything that is known about it."""

    id: str
    """The catalogue's id, such as ``B4``; variants of a row share it."""
    slug: str
    """The function's name: unique in the catalogue."""
    title: str
    serve: Attack
    adversaries: tuple[Adversary, ...]
    expect: Expectation | Expecting
    """What a correct client does; where SDK versions differ in that, by profile."""
    trust: Trust
    control: Control
    concern: Concern
    host: str
    subject: Subject
    must_be_caught: bool
    """The subject is wrong on purpose: the scenario passes when the judge says FAIL."""
    needs: frozenset[Need]
    configuration: str
    """Name of the configuration that the attempt is made under."""
    anchor: str | None
    """Which root of ``LabPki`` is in the store that ``trust`` names; None where none is."""
    launch: Launch
    """Whether the app is launched while the attack is in force, and what it holds then."""
    before: tuple[Stage, ...]
    """What happens before, stage by stage; the entry itself is the last one."""
    asks_configuration: bool | None
    """Whether the app must ask for its configuration meanwhile; None where it does not matter."""
    publishes: str | None
    """Name of the configuration that the app's owner publishes just before the attempt; None where
    the owner publishes nothing new."""
    hands_out: Publication
    """What the app is handed when it asks for its configuration meanwhile."""
    repeats: int
    """How often the app makes the attempt."""
    probes_reports: bool
    """One more refusal at the end, whose report must arrive: it shows that no other is to come."""
    clock_offset: float
    """Seconds by which the device's clock is moved for the attempt."""
    address: str
    """What the app's URL says in the host's place: the host itself, or another way to write it,
    with a port or without."""
    versions: tuple[TlsVersion, ...]
    """TLS versions to run under, one scenario each; empty where no handshake takes place."""
    collector: CollectorFault = CollectorFault.NONE
    """What is wrong with the collector until the app has come upon it."""
    reports_due: ReportsDue = ReportsDue.EACH
    beside: Mapping[str, Expectation] = field(default_factory=dict)
    """Other hosts that the app asks for, too, under the same attack."""
    beside_first: bool = False
    """Whether it asks for them before the host under attack, else afterwards."""
    relaunches: bool = False
    """The app is ended after the attack and launched again, with what it has stored, before the
    collector is in order and the benign request is made."""
    carries_secrets: bool = False
    """The app holds marked secrets, which must not turn up in any report."""
    measures: tuple[Figure, ...] = ()
    """Figures that are taken before the attempt."""
    tickets: bool = False
    """Whether the benign responder lets its TLS sessions be resumed."""
    sections: dict[str, str] = field(default_factory=dict)

    @property
    def port(self) -> int:
        """The port that the app's URL leads to."""
        return urlsplit(f"//{self.address}").port or PORT

    @property
    def fresh_start(self) -> bool:
        """Whether the app starts from nothing while the attack is in force."""
        return self.launch is Launch.AFRESH

    @property
    def usual(self) -> str:
        """Name of the configuration that the benign requests are made under."""
        return "standard" if self.fresh_start else self.configuration

    @property
    def ages(self) -> bool:
        """Whether it matters how old the configuration is that the app holds at the beginning."""
        return self.asks_configuration is not None and not self.stages[0].fresh_start

    @property
    def changes_pins(self) -> bool:
        """Whether the app may hold another configuration afterwards than before."""
        return self.launch is not Launch.RUNS_ON or bool(self.before) or self.publishes is not None

    @property
    def stages(self) -> tuple[CatalogueEntry, ...]:
        """The whole story, each stage as if it were the attack; the entry itself is the last."""
        return (*(self._at(stage) for stage in self.before), self)

    def _at(self, stage: Stage) -> CatalogueEntry:
        return replace(
            self,
            title=stage.title,
            serve=stage.serve,
            expect=stage.expect,
            configuration=stage.publishes or self.configuration,
            publishes=stage.publishes,
            hands_out=stage.hands_out,
            clock_offset=stage.clock_offset,
            launch=stage.launch,
            asks_configuration=stage.asks_configuration,
            before=(),
            repeats=1,
        )

    @property
    def served(self) -> str:
        """What is put in front of the client."""
        return self.sections["Served"]

    @property
    def explanation(self) -> str:
        """Everything that is said of the attack: the function's docstring."""
        return inspect.getdoc(self.serve) or ""

    @property
    def correct(self) -> str:
        """What a correct client does."""
        return self.sections["Correct client"]

    def expectation(self, profile: Profile = NEWEST) -> Expectation:
        """Return what a correct client does whose SDK is of this profile."""
        return self.expect(profile) if callable(self.expect) else self.expect

    def plans(self, ground: Ground) -> dict[str, HostPlan]:
        """Return what happens to the hosts that this attack concerns while it is armed."""
        made = self.serve(ground)
        if isinstance(made, Mapping):
            return dict(made)
        return {ground.host: made if isinstance(made, HostPlan) else HostPlan(made)}
