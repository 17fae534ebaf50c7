from __future__ import annotations

import io
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest
from PIL import Image

from lab.devices.android.device import AndroidDevice
from lab.devices.capabilities import NO_SEGMENT
from lab.devices.owner import BY_HAND
from lab.devices.phone_process import PhoneProcess
from lab.devices.registry import make_device, source_address
from lab.devices.settings import VirtualSettings
from lab.devices.virtual import USUAL, Caps, start_virtual
from lab.loop import LabLoop
from lab.model.attack import Control, Need, RouteKind, Trust
from lab.model.device import AppSetup, Device, DeviceLost, NotReady
from lab.model.outcome import PIN_KINDS, Answer, AppOutcome, ErrorKind
from lab.model.pins import PinConfiguration
from lab.pki.authority import Authority, Leaf
from lab.pki.hierarchy import LabPki
from lab.pki.store_names import subject_hash_old
from tests.devices.peers import Surrounds
from tests.patience import CAP, LONG, eventually, not_waiting

pytestmark = pytest.mark.whole

HOST = "api.acme.test"
URL = f"https://{HOST}/"
STAND_INS = "tests.phone.stand_ins"
SETUP = AppSetup(
    PinConfiguration(()), organization_id="acme-org", project_id="acme-shop", public_key="MFkw"
)
SOURCE = source_address(7)
SAMPLE = "cloud.trustpin.android.sample"
STORED = f"/data/data/{SAMPLE}/settings"

Start = Callable[..., AndroidDevice]


def make(around: Surrounds, home: Path, pki: LabPki, sdk: str, caps: Caps = USUAL) -> AndroidDevice:
    return start_virtual(
        VirtualSettings(id="phone", platform="virtual", sdk=f"{STAND_INS}:{sdk}"),
        around.surroundings,
        home,
        factory_anchors=(pki.public_root.der,),
        report_url="https://reports.acme.test/",
        source=SOURCE,
        owner=BY_HAND,
        caps=caps,
    )


@pytest.fixture(scope="module")
def around(
    loop: LabLoop, tmp_path_factory: pytest.TempPathFactory, pki: LabPki
) -> Iterator[Surrounds]:
    surrounds = Surrounds(loop, tmp_path_factory.mktemp("served"))
    surrounds.serve(pki.genuine(HOST))
    yield surrounds
    surrounds.close()


@pytest.fixture(scope="module")
def shared(
    around: Surrounds, tmp_path_factory: pytest.TempPathFactory, pki: LabPki
) -> Iterator[AndroidDevice]:
    phone = make(around, tmp_path_factory.mktemp("home"), pki, "Unpinned")
    yield phone
    phone.close()


@pytest.fixture
def phone(shared: AndroidDevice, around: Surrounds, pki: LabPki) -> AndroidDevice:
    """A phone that has been set up, in the state that a scenario starts from."""
    around.serve(pki.genuine(HOST))
    around.arrivals.clear()
    around.requests.clear()
    around.refuse = False
    shared.take_route(RouteKind.PROXY)
    shared.trust(Trust.NONE, ())
    shared.set_clock_offset(0.0)
    assert shared.set_up(SETUP).answer is Answer.ACCEPTED
    return shared


@pytest.fixture
def start(around: Surrounds, tmp_path: Path, pki: LabPki) -> Iterator[Start]:
    """Start phones of one's own."""
    with ExitStack() as stack:

        def started(sdk: str, caps: Caps = USUAL) -> AndroidDevice:
            phone = make(around, tmp_path / "home", pki, sdk, caps)
            stack.callback(phone.close)
            return phone

        yield started


def process_of(phone: AndroidDevice) -> psutil.Process:
    """Return the process of the phone that was started last."""
    phones = [p for p in psutil.Process().children() if "lab.phone" in p.cmdline()]
    return max(phones, key=lambda process: process.create_time())


def assert_refused(outcome: AppOutcome, *kinds: ErrorKind) -> None:
    assert outcome.answer is Answer.REFUSED, outcome
    assert outcome.kinds == set(kinds), outcome


# -- what it is ---------------------------------------------------------------------------


def test_it_is_a_device_that_can_do_everything(phone: AndroidDevice) -> None:
    device: Device = phone
    assert device.id == "phone"
    assert device.source == SOURCE
    assert device.reports == PIN_KINDS
    lacking = {need: why for need in Need if (why := device.lacks(need)) is not None}
    # Its Wi-Fi is simulated here.
    assert lacking == {Need.SEGMENT: NO_SEGMENT}


def test_the_registry_makes_it(
    around: Surrounds, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = make_device(
        VirtualSettings(id="mine", platform="virtual", sdk=f"{STAND_INS}:Quiet"),
        around.surroundings,
        tmp_path / "mine",
        factory_anchors=(),
        report_url="",
        source=None,
    )
    try:
        assert isinstance(device, AndroidDevice)
        assert device.facts.id == "mine"
    finally:
        device.close()


def test_the_facts(phone: AndroidDevice) -> None:
    facts = phone.facts
    assert (facts.id, facts.platform, facts.model) == ("phone", "virtual", "VirtualPhone")
    assert facts.os.startswith("Android 14 (API level 34, security patch 20")
    assert (facts.app, facts.app_version) == (SAMPLE, "1.0.0")
    assert facts.sdk == f"{STAND_INS}:Unpinned"
    assert facts.details["serial"] == "phone"
    assert facts.details["automation"].startswith("Appium Python client ")
    assert facts.details["root"] == "adbd"


def test_a_screenshot(phone: AndroidDevice) -> None:
    picture = phone.screenshot()
    assert picture is not None
    assert Image.open(io.BytesIO(picture)).size == (1080, 2400)


# -- routes -------------------------------------------------------------------------------


@pytest.mark.parametrize("route", RouteKind)
def test_requests_take_the_route(phone: AndroidDevice, around: Surrounds, route: RouteKind) -> None:
    around.asked.clear()
    phone.take_route(route)
    outcome = phone.request(URL)
    assert outcome.answer is Answer.ACCEPTED, outcome
    (arrival,) = around.arrivals
    assert (arrival.via, arrival.port) == (route.value, 443)
    assert arrival.source == (SOURCE or "127.0.0.1")
    # By the proxy it is asked for by name; on a network the name is looked up first.
    assert around.asked == ([] if route is RouteKind.PROXY else [HOST])


def test_routes_can_be_changed_back_and_forth(phone: AndroidDevice, around: Surrounds) -> None:
    for route in (RouteKind.WIFI, RouteKind.PROXY, RouteKind.WIFI, RouteKind.PROXY):
        phone.take_route(route)
        assert phone.request(URL).answer is Answer.ACCEPTED
    assert [arrival.via for arrival in around.arrivals] == ["wifi", "proxy", "wifi", "proxy"]


@pytest.mark.parametrize("route", RouteKind)
def test_a_route_that_refuses(phone: AndroidDevice, around: Surrounds, route: RouteKind) -> None:
    phone.take_route(route)
    around.refuse = True
    assert_refused(phone.request(URL), ErrorKind.NETWORK)


def test_the_users_own_proxies_play_no_part(
    start: Start, around: Surrounds, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("SSLKEYLOGFILE", "/nowhere/keys")
    monkeypatch.setenv("KEPT_FOR_THE_SDK", "1")
    phone = start("Environment")
    phone.take_route(RouteKind.PROXY)
    assert phone.set_up(SETUP).answer is Answer.ACCEPTED
    said = " ".join(phone.request(URL).log).lower()
    names = process_of(phone).environ()
    assert "KEPT_FOR_THE_SDK" in names
    assert not {name for name in names if name.lower().endswith("_proxy")}
    assert "SSLKEYLOGFILE" not in names
    assert "_proxy" not in said


# -- trust, clock -------------------------------------------------------------------------


def trust(phone: AndroidDevice, store: Trust, certificates: tuple[bytes, ...]) -> None:
    """Change what the phone trusts; its apps are started anew for that."""
    phone.trust(store, certificates)
    assert phone.set_up(SETUP).answer is Answer.ACCEPTED


def test_trust(phone: AndroidDevice, around: Surrounds, pki: LabPki) -> None:
    around.serve(pki.rogue.issue(HOST))
    rogue = (pki.rogue_root.der,)
    assert_refused(phone.request(URL), ErrorKind.CHAIN)
    assert_refused(phone.control(URL, Control.UNPINNED), ErrorKind.CHAIN)
    trust(phone, Trust.USER, rogue)
    # A browser trusts what its user trusts; an app does not.
    assert_refused(phone.request(URL), ErrorKind.CHAIN)
    assert phone.control(URL, Control.UNPINNED).answer is Answer.ACCEPTED
    trust(phone, Trust.SYSTEM, rogue)
    assert phone.request(URL).answer is Answer.ACCEPTED
    trust(phone, Trust.SYSTEM, (pki.compromised_root.der, pki.user_root.der))
    assert_refused(phone.request(URL), ErrorKind.CHAIN)
    trust(phone, Trust.NONE, ())
    assert_refused(phone.request(URL), ErrorKind.CHAIN)
    # What the phone came with is untouched by all that.
    around.serve(pki.genuine(HOST))
    assert phone.request(URL).answer is Answer.ACCEPTED


def test_the_stores_hold_exactly_what_they_are_to_hold(phone: AndroidDevice, pki: LabPki) -> None:
    def held() -> tuple[set[str], set[str]]:
        stores = "/apex/com.android.conscrypt/cacerts", "/data/misc/user/0/cacerts-added"
        zygote = phone.link.shell("pidof zygote64").split()[0]
        enter = f"nsenter --mount=/proc/{zygote}/ns/mnt -- ls"
        system, user = (set(phone.link.shell(f"{enter} {s}").split()) for s in stores)
        return system, user

    def names(*anchors: Authority) -> set[str]:
        return {f"{subject_hash_old(a.certificate)}.0" for a in anchors}

    shipped = names(pki.public_root)
    phone.trust(Trust.USER, (pki.user_root.der, pki.rogue_root.der))
    assert held() == (shipped, names(pki.user_root, pki.rogue_root))
    phone.trust(Trust.SYSTEM, (pki.rogue_root.der,))
    assert held() == (shipped | names(pki.rogue_root), set())
    phone.trust(Trust.NONE, ())
    assert held() == (shipped, set())


@pytest.mark.parametrize("years", [-3, 3])
def test_the_clock_decides_about_validity(
    phone: AndroidDevice, around: Surrounds, years: int
) -> None:
    phone.set_clock_offset(years * 365.25 * 86400)
    assert_refused(phone.request(URL), ErrorKind.TIME)
    phone.set_clock_offset(0.0)
    assert phone.request(URL).answer is Answer.ACCEPTED


def test_the_clock_is_moved_by_that_much(phone: AndroidDevice) -> None:
    for offset in (0.0, 12345.5, -86400.0):
        phone.set_clock_offset(offset)
        before = time.time()
        told = float(phone.link.shell("date +%s"))
        assert before + offset - 1.1 <= told <= time.time() + offset
    phone.set_clock_offset(0.0)


def test_an_expired_certificate_is_fine_for_a_phone_of_the_past(
    phone: AndroidDevice, around: Surrounds, pki: LabPki
) -> None:
    now = datetime.now(UTC)
    leaf = Leaf(
        (HOST,), not_before=now - timedelta(minutes=30), not_after=now - timedelta(minutes=10)
    )
    around.serve(pki.intermediate.issue(leaf))
    assert_refused(phone.request(URL), ErrorKind.TIME)
    phone.set_clock_offset(-1200.0)
    assert phone.request(URL).answer is Answer.ACCEPTED


# -- the app ------------------------------------------------------------------------------


def test_a_name_that_is_not_the_hosts(phone: AndroidDevice, around: Surrounds, pki: LabPki) -> None:
    around.serve(pki.intermediate.issue("other.acme.test"))
    assert_refused(phone.request(URL), ErrorKind.NAME)


def test_an_answer_that_is_no_success(phone: AndroidDevice, around: Surrounds, pki: LabPki) -> None:
    around.serve(pki.genuine(HOST), "503 Service Unavailable")
    assert_refused(phone.request(URL), ErrorKind.HTTP)


def test_what_an_attempt_costs(phone: AndroidDevice) -> None:
    first = phone.request(URL)
    again = phone.request(URL)
    other = phone.request(f"{URL}other")
    assert (first.commands, again.commands, other.commands) == (4, 2, 3)
    assert 0 < again.seconds < 5


def test_what_the_app_is_told(start: Start) -> None:
    phone = start("Quiet")
    assert phone.set_up(SETUP).answer is Answer.ACCEPTED
    assert "report_url='https://reports.acme.test/'" in stored(phone)
    phone.set_up(
        AppSetup(
            PinConfiguration(()),
            organization_id="a",
            project_id="b",
            public_key="c",
            report_url="https://other.acme.test/",
        )
    )
    assert "report_url='https://other.acme.test/'" in stored(phone)


def stored(phone: AndroidDevice) -> str:
    return phone.link.pull(STORED, limit=10_000).decode()


def test_starting_afresh_forgets_what_the_app_stored(start: Start) -> None:
    phone = start("Quiet")
    mark = f"/data/data/{SAMPLE}/mark"
    phone.set_up(SETUP)
    phone.link.shell(f"echo x > {mark}")
    phone.set_up(SETUP, fresh=False)
    assert phone.link.shell(f"cat {mark}") == "x\n"
    phone.set_up(SETUP, fresh=True)
    assert "No such file" in phone.link.run(f"cat {mark}").output


def test_an_app_that_was_never_set_up_is_silent(start: Start) -> None:
    phone = start("Quiet")
    outcome = phone.request(URL)
    assert outcome.answer is Answer.SILENT


# -- the control client -------------------------------------------------------------------


@pytest.mark.parametrize("route", RouteKind)
def test_the_controls(
    phone: AndroidDevice, around: Surrounds, pki: LabPki, route: RouteKind
) -> None:
    phone.take_route(route)
    around.serve(pki.rogue.issue(HOST))
    assert_refused(phone.control(URL, Control.UNPINNED), ErrorKind.CHAIN)
    assert around.requests == []
    assert phone.control(URL, Control.CARELESS).answer is Answer.ACCEPTED
    assert len(around.requests) == 1
    assert phone.control(f"http://{HOST}/", Control.CLEARTEXT).answer is Answer.ACCEPTED
    assert len(around.requests) == 2
    assert {a.source for a in around.arrivals} <= {SOURCE or "127.0.0.1"}


def test_the_app_survives_the_control(phone: AndroidDevice) -> None:
    assert phone.request(URL).answer is Answer.ACCEPTED
    assert phone.control(URL, Control.UNPINNED).answer is Answer.ACCEPTED
    again = phone.request(URL)
    assert again.answer is Answer.ACCEPTED
    assert again.commands == 2


def test_a_control_before_the_app_was_ever_started(start: Start, around: Surrounds) -> None:
    phone = start("Quiet")
    phone.take_route(RouteKind.PROXY)
    assert phone.control(URL, Control.UNPINNED).answer is Answer.ACCEPTED


def test_there_is_no_control_called_none(phone: AndroidDevice) -> None:
    with pytest.raises(ValueError, match="no control client"):
        phone.control(URL, Control.NONE)


# -- the end ------------------------------------------------------------------------------


def test_closing_leaves_nothing_behind(start: Start, tmp_path: Path) -> None:
    phone = start("Quiet")
    phone.set_up(SETUP)
    process = process_of(phone)
    ports = {c.laddr.port for c in process.net_connections() if c.status == "LISTEN"}
    assert ports
    assert (tmp_path / "home/phone").is_dir()
    phone.close()
    assert not process.is_running()
    for port in ports:
        with socket.socket() as sock:
            assert sock.connect_ex(("127.0.0.1", port)) != 0
    assert not (tmp_path / "home").exists()
    phone.close()
    with pytest.raises(DeviceLost, match="phone is gone"):
        phone.request(URL)


def test_what_was_in_the_folder_stays_and_what_a_phone_left_behind_goes(
    start: Start, tmp_path: Path
) -> None:
    left = tmp_path / "home/phone/files/data/misc/user/0/cacerts-added"
    left.mkdir(parents=True)
    (left / "old.0").write_text("of a run that died")
    (tmp_path / "home/notes").write_text("mine")
    phone = start("Quiet")
    assert phone.link.shell("ls /data/misc/user/0/cacerts-added") == ""
    phone.close()
    assert [file.name for file in (tmp_path / "home").iterdir()] == ["notes"]


def test_a_killed_phone_is_lost_at_once(start: Start) -> None:
    phone = start("Quiet", Caps(command=LONG))
    phone.set_up(SETUP)
    process = process_of(phone)
    process.kill()
    assert eventually(lambda: process.status() == psutil.STATUS_ZOMBIE)
    with (
        not_waiting(),
        pytest.raises(DeviceLost, match=r"phone: its process ended \(signal 9\)"),
    ):
        phone.request(URL)
    for ask in (
        lambda: phone.request(URL),
        lambda: phone.take_route(RouteKind.WIFI),
        lambda: phone.set_clock_offset(5.0),
        lambda: phone.trust(Trust.NONE, ()),
        lambda: phone.control(URL, Control.CARELESS),
        lambda: phone.set_up(SETUP),
        phone.screenshot,
    ):
        with pytest.raises(DeviceLost, match="phone is gone"):
            ask()
    phone.close()


def test_a_phone_that_crashes_says_its_last_words(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    # However long it takes to write them.
    monkeypatch.setattr(PhoneProcess.obituary, "__defaults__", (CAP,))
    monkeypatch.setattr("lab.devices.phone_process.GONE_CAP", CAP)
    phone = start("Crashing")
    phone.set_up(SETUP)
    with pytest.raises(DeviceLost, match=r"\(exit code 139\): Segmentation fault, so to speak"):
        phone.request(URL)


def test_a_phone_that_hangs_is_lost_within_the_cap(start: Start) -> None:
    phone = start("Quiet")
    phone.set_up(SETUP)
    assert phone._driving._begun is not None
    phone._driving._begun.connection.limit(0.5)
    process = process_of(phone)
    os.kill(process.pid, signal.SIGSTOP)
    with pytest.raises(DeviceLost, match=r"did not answer \w+ within 0\.5 seconds"):
        phone.request(URL)
    phone.close()
    assert not process.is_running()


def test_a_phone_that_hangs_is_closed_all_the_same(start: Start) -> None:
    phone = start("Quiet")
    process = process_of(phone)
    os.kill(process.pid, signal.SIGSTOP)
    phone.close()
    assert not process.is_running()


def test_what_an_sdk_started_ends_with_the_phone(start: Start) -> None:
    phone = start("Stubborn")
    phone.set_up(SETUP)
    (child,) = process_of(phone).children()
    phone.close()
    psutil.wait_procs([child], 5)
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE


@pytest.mark.parametrize(
    ("sdk", "words"),
    [("Missing", "has no class Missing"), ("NOT_A_CLASS", "has no class NOT_A_CLASS")],
)
def test_a_phone_that_cannot_be_started(start: Start, tmp_path: Path, sdk: str, words: str) -> None:
    before = psutil.Process().children()
    with pytest.raises(DeviceLost, match=f"phone: it did not start: .*{words}"):
        start(sdk)
    assert psutil.Process().children() == before
    assert not (tmp_path / "home").exists()


def test_a_phone_that_does_not_get_ready(start: Start, tmp_path: Path) -> None:
    before = psutil.Process().children()
    with pytest.raises(DeviceLost, match=r"phone: it was not ready within 0\.01 seconds"):
        start("Quiet", Caps(start=0.01))
    assert psutil.Process().children() == before
    assert not (tmp_path / "home").exists()


def test_a_command_that_a_phone_refuses(phone: AndroidDevice) -> None:
    with pytest.raises(NotReady, match=r"phone: .*(bad|invalid|Invalid|set) date"):
        phone.set_clock_offset(1e12)
    # It is not gone for that.
    assert phone.request(URL).answer is Answer.ACCEPTED
