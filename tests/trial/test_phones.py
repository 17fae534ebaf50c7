"""The same attacks on every kind of Android phone: versions, ways to be rooted, routes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab.devices.phone_models import AndroidVersion, ProxyWay, RootMode
from lab.devices.settings import VirtualSettings
from lab.judge import judge
from lab.model.attack import Adversary, RouteKind
from lab.model.verdict import Verdict
from lab.network.kernel import wireguard
from lab.trial.bench import Bench
from lab.trial.case import Case, cases
from lab.trial.conductor import conduct
from lab.trial.seat import Seat

pytestmark = pytest.mark.whole

SLUGS = (
    "device_trusted_ca",
    "user_store_ca",
    "user_store_ca_moved_to_system",
    "clock_behind_trusted_ca",
)
"""Between them they need every store, both routes and the clock."""

PHONES: dict[str, dict[str, str]] = {
    "Android 10": {"android": AndroidVersion.V10, "root": RootMode.SU},
    "Android 13": {"android": AndroidVersion.V13},
    "Android 16, Magisk": {"android": AndroidVersion.V16, "root": RootMode.SU},
    "as it is sold": {"root": RootMode.NONE},
    "rewritten addresses": {"proxy": ProxyWay.DNAT},
    "tunnel": {"proxy": ProxyWay.WIREGUARD},
}


@pytest.fixture(params=PHONES)
def phone(request: pytest.FixtureRequest, bench: Bench) -> Iterator[tuple[str, Seat]]:
    if request.param == "tunnel" and (why := wireguard.lacking()) is not None:
        pytest.skip(why)
    number = list(PHONES).index(request.param)
    settings = VirtualSettings.model_validate(
        {"id": f"kind-{number}", "platform": "virtual", **PHONES[request.param]}
    )
    with bench.device(settings, index=230 + number) as device:
        yield request.param, Seat(bench, device, lambda _: None)


def chosen() -> list[Case]:
    return [c for c in cases() if c.entry.slug in SLUGS and c.version != "tls1.2"]


def test_every_kind_of_phone_shows_what_it_can(phone: tuple[str, Seat]) -> None:
    name, seat = phone
    told: dict[str, str] = {}
    for case in chosen():
        unmet = case.unmet(seat.device, seat.profile)
        key = f"{case.adversary} {case.id}"
        if unmet is not None:
            told[key] = unmet
            continue
        judgement = judge(conduct(seat, case))
        assert judgement.verdict is Verdict.PASS, (key, judgement.reasons)
        told[key] = "PASS"
    assert any("user_store_ca-" in key and text == "PASS" for key, text in told.items())
    skipped = {key: text for key, text in told.items() if text != "PASS"}
    if name == "as it is sold":
        assert set(skipped.values()) == {
            "the phone is not rooted: nobody can add a CA to its system store",
            "the phone is not rooted: its clock cannot be moved",
        }
    elif name == "Android 10":
        # It has no command to join a network.
        assert {case.route for case in chosen() if f"{case.adversary} {case.id}" in skipped} <= {
            RouteKind.WIFI
        }
    else:
        assert not skipped
    assert {Adversary.COMPROMISED_CA, Adversary.ROGUE_CA} <= {case.adversary for case in chosen()}
