from __future__ import annotations

from lab.catalogue import entries
from lab.model.attack import Adversary, Need, RouteKind
from lab.model.wire import TlsVersion
from lab.trial.case import ALL_VERSIONS, cases


def test_there_are_at_least_a_hundred_and_fifty() -> None:
    assert len(list(cases())) >= 150


def test_every_id_is_unique_for_its_adversary() -> None:
    for adversary in Adversary:
        ids = [case.id for case in cases(adversary)]
        assert ids
        assert len(set(ids)) == len(ids)


def test_the_adversaries_share_out_all_cases() -> None:
    assert sum(len(list(cases(a))) for a in Adversary) == len(list(cases()))


def test_every_attack_is_tried_under_each_of_its_versions() -> None:
    seen: dict[tuple[str, Adversary], list[TlsVersion | None]] = {}
    for case in cases():
        seen.setdefault((case.entry.slug, case.adversary), []).append(case.version)
    none: list[TlsVersion | None] = [None]
    wanted = {(e.slug, a): [*e.versions] or none for e in entries() for a in e.adversaries}
    assert seen == wanted
    assert frozenset(ALL_VERSIONS) in map(frozenset, seen.values())


def test_the_route_belongs_to_the_needs() -> None:
    for case in cases():
        wanted = Need.WIFI if case.route is RouteKind.WIFI else Need.PROXY
        assert wanted in case.needs
