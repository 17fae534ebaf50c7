from __future__ import annotations

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


def test_every_attack_with_a_handshake_is_tried_under_both_versions() -> None:
    seen: dict[tuple[str, Adversary], set[TlsVersion | None]] = {}
    for case in cases():
        seen.setdefault((case.entry.slug, case.adversary), set()).add(case.version)
    assert set(map(frozenset, seen.values())) == {frozenset(ALL_VERSIONS), frozenset({None})}


def test_the_route_belongs_to_the_needs() -> None:
    for case in cases():
        wanted = Need.WIFI if case.route is RouteKind.WIFI else Need.PROXY
        assert wanted in case.needs
