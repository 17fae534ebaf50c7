"""The rogue Wi-Fi as a network of the kernel's: same verdicts, for those who know nothing of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from lab.devices.settings import VirtualSettings, load
from lab.judge import judge
from lab.model.attack import Adversary, Need
from lab.model.device import WifiKind
from lab.model.trial import Trial
from lab.model.verdict import Verdict
from lab.network.kernel.check import check
from lab.network.kernel.namespace import Unavailable
from lab.trial.bench import Bench
from lab.trial.conductor import conduct
from lab.trial.seat import Seat
from lab.trial.wifi import SIMULATED, WIFI
from tests.killing import ROOT
from tests.network.needed import or_skip
from tests.trial.conftest import case_of, judged

pytestmark = pytest.mark.whole

STUBBORN = """
devices:
  - id: stubborn
    platform: command
    timeout: 4
    argv: [curl, -q, --silent, --show-error, --max-time, "3", --noproxy, "*", --cacert,
      "{trust_store}", --pinnedpubkey, "{pinnedpubkey}", "{url}"]
    routes: {proxy: []}
    exits: {0: accepted, 7: [network], 35: [tls], 60: [chain, name, time], 90: [pin]}
    control:
      unpinned: [curl, -q, --silent, --max-time, "3", --cacert, "{trust_store}", "{url}"]
      careless: [curl, -q, --silent, --max-time, "3", --insecure, "{url}"]
      cleartext: [curl, -q, --silent, --max-time, "3", "{url}"]
"""
"""A program that goes past every proxy, and has no arguments for the rogue Wi-Fi."""


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with or_skip():
        check()
    with Bench(tmp_path_factory.mktemp("bench"), WifiKind.KERNEL) as running:
        yield running


@pytest.fixture(scope="module")
def phone(bench: Bench) -> Iterator[Seat]:
    settings = VirtualSettings(id="phone", platform="virtual")
    with bench.device(settings, 0) as device:
        yield Seat(bench, device, lambda png: None)


@pytest.mark.parametrize(
    "slug",
    [
        "device_trusted_ca",
        "resolver_lies_untrusted_ca",
        "tls_stripping",
        "cleartext_seen",
        "ipv6_trusted_ca",
        "name_answered_late",
        "connection_served_late",
    ],
)
def test_the_reference_client_holds(phone: Seat, slug: str) -> None:
    trial = conduct(phone, case_of(slug, Adversary.ROGUE_WIFI))
    (fact,) = (fact for fact in trial.facts if fact.name == WIFI)
    assert fact.holds
    assert fact.text.startswith("The rogue Wi-Fi was a network of the kernel's; ")
    assert judge(trial).verdict is Verdict.PASS


def test_a_client_that_trusts_the_network_is_caught(bench: Bench) -> None:
    settings = VirtualSettings(id="trusting", platform="virtual", sdk="lab.mutants.trust:TrustAll")
    with bench.device(settings, 1) as device:
        seat = Seat(bench, device, lambda png: None)
        judgement = judged(seat, case_of("untrusted_ca", Adversary.ROGUE_WIFI))
    assert judgement.verdict is Verdict.FAIL


def test_a_neighbour_takes_the_gateways_place(bench: Bench) -> None:
    case = case_of("neighbour_takes_gateway", Adversary.ROGUE_WIFI)
    for number, (sdk, verdict) in enumerate(
        [(None, Verdict.PASS), ("lab.mutants.slow_networks:RemembersTheAddress", Verdict.FAIL)], 5
    ):
        settings = VirtualSettings(id=f"guest{number}", platform="virtual", sdk=sdk)
        with bench.device(settings, number) as device:
            trial = conduct(Seat(bench, device, lambda png: None), case)
        assert judge(trial).verdict is verdict
        *_, fact = (fact for fact in trial.facts if fact.name == WIFI)
        assert re.search(r"0 to that gateway, [1-9]\d* to the attacker, who told it by", fact.text)
        # It came over the honest gateway before.
        assert "attacker a neighbour: accepted, as it should be." in _told(trial, "stage")


def _told(trial: Trial, name: str) -> str:
    return " ".join(fact.text for fact in trial.facts if fact.name == name)


def test_a_simulated_network_has_no_neighbours(tmp_path: Path) -> None:
    case = case_of("neighbour_takes_gateway", Adversary.ROGUE_WIFI)
    with Bench(tmp_path / "bench") as bench:
        settings = load(ROOT / "devices.yaml").device("curl")
        with bench.device(settings, 0) as device:
            lack = case.unmet(device) or ""
    assert "the simulated Wi-Fi has no segment" in lack


def test_a_way_around_that_was_tried_is_told(bench: Bench) -> None:
    sdk = "lab.mutants.ways_around:GentleWhereRestricted"
    settings = VirtualSettings(id="gentle", platform="virtual", sdk=sdk)
    with bench.device(settings, 4) as device:
        seat = Seat(bench, device, lambda png: None)
        trial = conduct(seat, case_of("private_dns_refused", Adversary.ROGUE_WIFI))
    told = "Refused on the rogue Wi-Fi: DNS over TLS (port 853): 1 try."
    assert told in [fact.text for fact in trial.facts]
    assert judge(trial).verdict is Verdict.FAIL


def test_a_program_that_knows_nothing_of_it_is_attacked(bench: Bench, tmp_path: Path) -> None:
    file = tmp_path / "devices.yaml"
    file.write_text(STUBBORN)
    with bench.device(load(file).device("stubborn"), 2) as device:
        seat = Seat(bench, device, lambda png: None)
        assert device.lacks(Need.WIFI) is None
        for slug in ("device_trusted_ca", "tls_stripping", "ipv6_trusted_ca"):
            assert judged(seat, case_of(slug, Adversary.ROGUE_WIFI)).verdict is Verdict.PASS


def test_the_capture_of_a_trial_is_kept(bench: Bench) -> None:
    kept: list[bytes] = []

    def keep(content: bytes) -> str:
        kept.append(content)
        return "captures/x.pcapng"

    settings = load(ROOT / "devices.yaml").device("curl")
    with bench.device(settings, 3) as device:
        seat = Seat(bench, device, lambda png: None, keep_capture=keep)
        trial = conduct(seat, case_of("device_trusted_ca", Adversary.ROGUE_WIFI))
        conduct(seat, case_of("device_trusted_ca", Adversary.COMPROMISED_CA))
    (content,) = kept
    assert content.startswith(b"\x0a\x0d\x0d\x0a")
    assert trial.facts[-1].text == "Its packets: captures/x.pcapng."


def test_a_simulated_one_is_said_to_be(tmp_path: Path) -> None:
    settings = load(ROOT / "devices.yaml").device("curl")
    with ExitStack() as stack:
        bench = stack.enter_context(Bench(tmp_path / "bench"))
        device = stack.enter_context(bench.device(settings, 0))
        trial = conduct(
            Seat(bench, device, lambda png: None), case_of("tls_stripping", Adversary.ROGUE_WIFI)
        )
    assert bench.wifi is WifiKind.SIMULATED
    assert [fact.text for fact in trial.facts if fact.name == WIFI] == [SIMULATED]


def test_what_is_missing_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("lab.network.kernel.namespace.SYSTEM_FOLDERS", ())
    with Bench(tmp_path / "any", None) as bench:
        assert bench.wifi is WifiKind.SIMULATED
        assert bench.wifi_lacks == "the program ip is not installed (package iproute2)"
    with pytest.raises(Unavailable), Bench(tmp_path / "kernel", WifiKind.KERNEL):
        pass
