"""Clients that are wrong about connections are wrong there alone, and really do what is said."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from lab.adversary.engine import Engine
from lab.catalogue import hosts
from lab.catalogue.make import terminate
from lab.loop import LabLoop
from lab.model.serving import Arming, HostPlan, Terminate
from lab.model.wire import TlsVersion, WireClass
from lab.mutants.registry import Mutant, mutants
from lab.phone.http import HttpClient, LeafCheck
from lab.phone.pool import Pool
from lab.pki.hierarchy import LabPki
from tests.phone.clients import Refused
from tests.phone.direct import DirectPhone

HOST = hosts.HOST
URL = f"https://{HOST}/"
CONNECTING = [one for one in mutants() if one.client.http_class is not HttpClient]


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with LabLoop() as loop, Engine(loop, lambda host: None, (HOST,)) as engine:
        yield engine


@pytest.fixture
def phone(engine: Engine, pki: LabPki) -> Iterator[DirectPhone]:
    around = engine.attach("phone")
    assert around.direct is not None
    phone = DirectPhone(time.time(), (pki.public_root.der, pki.compromised_root.der))
    phone.find({HOST: around.direct})
    yield phone
    engine.detach("phone")


@pytest.fixture
def pool() -> Iterator[Pool]:
    pool = Pool()
    yield pool
    pool.close()


def client(one: Mutant, phone: DirectPhone, pool: Pool, check: LeafCheck) -> HttpClient:
    return one.client.http_class(
        phone,
        user_agent="Mutant/1.0",
        check=check,
        pool=pool,
        vouches=lambda *_: True,
        sessions=one.client.sessions_class(),
    )


def arm(engine: Engine, serving: Terminate, version: TlsVersion) -> int:
    return engine.arm("phone", Arming("test", ((HOST, HostPlan(serving)),), (version,)))


def named(name: str) -> Mutant:
    return next(one for one in CONNECTING if one.name == name)


@pytest.mark.parametrize("one", CONNECTING, ids=lambda one: one.name)
@pytest.mark.parametrize("protocol", ["h2", "http/1.1"])
def test_where_nothing_is_the_matter_they_are_right(
    one: Mutant, protocol: str, engine: Engine, phone: DirectPhone, pool: Pool, pki: LabPki
) -> None:
    number = arm(
        engine, replace(terminate(pki.genuine(HOST)), protocols=(protocol,)), TlsVersion.TLS13
    )
    asking = client(one, phone, pool, lambda *_: None)
    assert [asking.request(URL).status for _ in range(2)] == [200, 200]
    seen = {record.wire_class for record in engine.settle("phone", number)}
    probes = (
        {WireClass.ESTABLISHED_ZERO_APPDATA} if one.name == "ChecksAnotherConnection" else set()
    )
    assert seen == {WireClass.INTERCEPTED} | probes


@pytest.mark.parametrize("one", CONNECTING, ids=lambda one: one.name)
def test_their_check_is_the_pin_check(
    one: Mutant, engine: Engine, phone: DirectPhone, pool: Pool, pki: LabPki
) -> None:
    """What they leave out is when it is asked, never what it says."""
    asked: list[tuple[bytes, ...]] = []
    served = terminate(pki.genuine(HOST))
    arm(engine, replace(served, protocols=("h2",)), TlsVersion.TLS13)
    asking = client(one, phone, pool, lambda host, port, chain: asked.append(chain))
    asking.request(URL)
    if one.name == "Http2Unchecked":
        assert asked == []
        arm(engine, replace(served, protocols=("http/1.1",)), TlsVersion.TLS13)
        asking.request(URL)
    assert asked == [served.chain]


def test_early_data_is_sent_under_the_ticket_of_a_refused_connection(
    engine: Engine, phone: DirectPhone, pool: Pool, pki: LabPki
) -> None:
    rogue = replace(terminate(pki.compromised.issue(HOST)), tickets=True, early_data=True)
    number = arm(engine, rogue, TlsVersion.TLS13)

    def check(*_: object) -> None:
        raise Refused

    asking = client(named("SendsEarlyData"), phone, pool, check)
    with pytest.raises(Refused):
        asking.request(URL)
    assert asking.request(URL).status == 200
    first, second = engine.settle("phone", number)
    assert (first.wire_class, first.early_data) == (WireClass.ESTABLISHED_ZERO_APPDATA, False)
    assert (second.wire_class, second.early_data) == (WireClass.INTERCEPTED, True)
    assert second.resumed


@pytest.mark.parametrize("version", list(TlsVersion))
def test_the_session_of_a_refused_connection_is_resumed(
    version: TlsVersion, engine: Engine, phone: DirectPhone, pool: Pool, pki: LabPki
) -> None:
    number = arm(engine, replace(terminate(pki.compromised.issue(HOST)), tickets=True), version)

    def check(*_: object) -> None:
        raise Refused

    asking = client(named("ResumesRefusedSessions"), phone, pool, check)
    with pytest.raises(Refused):
        asking.request(URL)
    assert asking.request(URL).status == 200
    assert [record.resumed for record in engine.settle("phone", number)] == [False, True]
