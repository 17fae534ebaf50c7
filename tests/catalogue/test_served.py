"""Each attack serves what it says: compared by a client that shares no line with the engine."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from lab.adversary.engine import Engine
from lab.catalogue import CatalogueEntry, Ground, entries, hosts
from lab.loop import LabLoop
from lab.model.attack import Control
from lab.model.device import Surroundings
from lab.model.serving import Arming, HostPlan, Relay, Terminate
from lab.model.wire import TlsVersion
from lab.pki.hierarchy import LabPki
from tests.adversary.peers import Proxy, s_client, shown_chain
from tests.catalogue.hello import Refused, Shown, look

DEVICE = "phone"


@dataclass(frozen=True)
class Lab:
    """An engine with one device, and the authorities that attacks are made from."""

    engine: Engine
    around: Surroundings
    pki: LabPki

    def arm(self, plans: dict[str, HostPlan], version: TlsVersion) -> None:
        """Put this in force, as a scenario does; hosts without a plan are relayed."""
        every = tuple((host, plans.get(host, HostPlan(Relay()))) for host in hosts.DECLARED)
        self.engine.arm(DEVICE, Arming("served", every, (version,)))

    def look(self, host: str, port: int, version: TlsVersion) -> Shown:
        """Return what a client that comes through the device's proxy is shown. Raises Refused."""
        with Proxy(self.around).open(host, port) as sock:
            return look(sock, host, version)


@pytest.fixture(scope="module")
def lab(pki: LabPki) -> Iterator[Lab]:
    with LabLoop() as loop, Engine(loop, lambda host: None, hosts.DECLARED) as engine:
        yield Lab(engine, engine.attach(DEVICE), pki)


@dataclass(frozen=True)
class Sight:
    """One host at one stage of an attack, under one version."""

    entry: CatalogueEntry
    stage: int
    version: TlsVersion

    @property
    def id(self) -> str:
        stage = f"-stage{self.stage}" if self.entry.before else ""
        return f"{self.entry.slug}{stage}-{self.version}"


def sights() -> Iterator[Sight]:
    """Every attack and every stage of it once; where it is tried under two versions, under one of
    them, the other one in the next attack."""
    for number, entry in enumerate(entries()):
        for stage in range(len(entry.stages)):
            relays = (entry.slug, stage) in RELAYED_STAGES
            if entry.versions and not is_seen_elsewhere(entry) and not relays:
                yield Sight(entry, stage, entry.versions[number % len(entry.versions)])


ELSEWHERE = frozenset(
    {
        "no_interception",
        "behind_the_first_connection",
        "client_certificate_asked_for",
        "forged_in_tiny_records",
        "forged_in_small_pieces",
    }
)
"""Attacks that relay, at first or at all, and anomalies with a control of their own."""
RELAYED_STAGES = frozenset({("neighbour_takes_gateway", 0)})
"""Stages before an attack in which the device is with its genuine server."""


def is_seen_elsewhere(entry: CatalogueEntry) -> bool:
    """Tell whether an attack serves no chain of which all is right but the certificates: the
    tests of anomalies are beside their makers."""
    return entry.control is Control.ANOMALY or entry.slug in ELSEWHERE


def terminated(plan: HostPlan, port: int) -> Terminate | None:
    """Return what the plan serves on a port in TLS, None for nothing, or for what goes wrong in
    the handshake on purpose: the tests of such anomalies are beside their makers."""
    serving = plan.serving if port == hosts.PORT else plan.cleartext
    if isinstance(serving, Terminate) and serving.anomaly is None and not plan.spared:
        return serving
    return None


def chains(entry: CatalogueEntry, plans: Mapping[str, HostPlan]) -> dict[str, Terminate]:
    """Return what the hosts of an attack serve in TLS."""
    return {
        host: serving
        for host, plan in plans.items()
        if (serving := terminated(plan, entry.port if host == entry.host else hosts.PORT))
    }


@pytest.mark.parametrize("sight", list(sights()), ids=lambda sight: sight.id)
def test_a_client_is_shown_what_the_attack_says(sight: Sight, lab: Lab) -> None:
    entry = sight.entry.stages[sight.stage]
    plans = entry.plans(Ground(lab.pki, entry.host, datetime.now(UTC)))
    due = chains(entry, plans)
    assert due, "it serves no chain: see ELSEWHERE"
    lab.arm(plans, sight.version)
    for host, serving in due.items():
        shown = lab.look(host, entry.port if host == entry.host else hosts.PORT, sight.version)
        assert shown.digests == serving.digests
        assert shown.version is sight.version


def test_what_is_seen_elsewhere_serves_no_chain(lab: Lab) -> None:
    for entry in filter(is_seen_elsewhere, entries()):
        plans = entry.plans(Ground(lab.pki, entry.host, datetime.now(UTC)))
        assert not chains(entry, plans), entry.slug
    by_slug = {entry.slug: entry for entry in entries()}
    for slug, stage in RELAYED_STAGES:
        entry = by_slug[slug].stages[stage]
        plan = entry.plans(Ground(lab.pki, entry.host, datetime.now(UTC)))[entry.host]
        assert isinstance(plan.serving, Relay)


@pytest.mark.parametrize("version", TlsVersion)
def test_the_other_version_is_not_to_be_had(version: TlsVersion, lab: Lab) -> None:
    plan = HostPlan(_genuine(lab))
    other = next(one for one in TlsVersion if one is not version)
    lab.arm({hosts.HOST: plan}, other)
    with pytest.raises(Refused, match="alert 70"):
        lab.look(hosts.HOST, hosts.PORT, version)


@pytest.mark.parametrize("version", TlsVersion)
def test_openssl_is_shown_the_same(version: TlsVersion, lab: Lab) -> None:
    lab.arm({hosts.HOST: HostPlan(_genuine(lab))}, version)
    mine = lab.look(hosts.HOST, hosts.PORT, version)
    theirs = s_client(lab.around.proxy, hosts.HOST)
    assert shown_chain(theirs.stdout) == mine.chain
    assert {TlsVersion.TLS12: b"TLSv1.2", TlsVersion.TLS13: b"TLSv1.3"}[version] in theirs.stdout


def test_what_was_armed_before_is_not_shown_any_more(lab: Lab) -> None:
    first, second = (lab.pki.compromised.issue(hosts.HOST) for _ in range(2))
    for made in (first, second):
        serving = Terminate(made.chain_der, made.key_der)
        lab.arm({hosts.HOST: HostPlan(serving)}, TlsVersion.TLS13)
        shown = lab.look(hosts.HOST, hosts.PORT, TlsVersion.TLS13)
        assert shown.digests == serving.digests
        assert hashlib.sha256(shown.chain[0]).hexdigest() == serving.digests[0]


def _genuine(lab: Lab) -> Terminate:
    made = lab.pki.genuine(hosts.HOST)
    return Terminate(made.chain_der, made.key_der)
