"""The phone as a whole: its state, and its HTTP client on top of it."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lab.backend import Backend
from lab.loop import LabLoop
from lab.model.device import Endpoint, Network
from lab.network.gateway import Destination, Reply
from lab.phone.http import HttpClient
from lab.phone.kept import Json, Kept
from lab.phone.means import Wire
from lab.phone.services import (
    CertificateTimeError,
    ConnectError,
    PhoneServices,
    SslHandshakeError,
    UnknownHost,
)
from lab.phone.state import LATEST, MAX_SETTINGS, MAX_VALUE, PhoneState
from lab.phone.trust import SYSTEM_STORE, USER_STORE
from lab.phone.wifi import MAX_SAVED
from lab.pki.hierarchy import LabPki
from lab.pki.store_names import subject_hash_old
from tests.phone.air import Air
from tests.phone.peers import (
    OK,
    Server,
    TlsScript,
    answering,
    read_request,
    server_context,
    tunnel,
)

HOST = "api.acme.test"
DAY = 86_400


def publish(air: Path, *networks: Network) -> None:
    air.mkdir(exist_ok=True)
    for network in networks:
        content = {
            "ssid": network.ssid,
            "resolver": str(network.resolver),
            "gateway": str(network.gateway),
        }
        (air / f"{network.ssid}.json").write_text(json.dumps(content))


@pytest.fixture
def state(tmp_path: Path, pki: LabPki) -> PhoneState:
    return PhoneState(
        tmp_path / "home", tmp_path / "air", factory_anchors=[pki.public_root.certificate]
    )


NOBODY = Endpoint("127.0.0.1", 1)


def test_it_is_what_apps_are_offered(state: PhoneState) -> None:
    services: PhoneServices = state
    services.log("App", "WARN", "hello")
    assert [(line.tag, line.letter) for line in state.logcat.lines()] == [("App", "W")]


# Clock.


def test_the_clock_goes_on_from_where_it_is_set(state: PhoneState) -> None:
    assert abs(state.now() - time.time()) < 1
    for epoch in (0.0, 1_000_000_000.0, LATEST):
        state.set_clock(epoch)
        first, second = state.now(), state.now()
        assert epoch <= first <= second < epoch + 5
    state.log("App", "INFO", "x")
    assert state.logcat.lines()[-1].at >= LATEST


@pytest.mark.parametrize("epoch", [-1.0, LATEST + 1, float("nan"), float("inf")])
def test_times_that_no_phone_takes(epoch: float, state: PhoneState) -> None:
    with pytest.raises(ValueError, match="bad date"):
        state.set_clock(epoch)
    assert abs(state.now() - time.time()) < 1


# Wi-Fi.


def joined(state: PhoneState) -> str | None:
    return None if state.joined is None else state.joined.ssid


def test_joining_and_forgetting(state: PhoneState, tmp_path: Path) -> None:
    home, rogue = Network("Home", NOBODY, NOBODY), Network("Rogue", NOBODY, NOBODY)
    publish(tmp_path / "air", home, rogue)
    (tmp_path / "air/bad.json").write_text("{}")
    assert joined(state) is None
    assert state.access_points() == [home, rogue]
    assert "bad.json" in state.logcat.lines(("wifi",))[0].message
    assert not state.join("Elsewhere")
    assert state.saved_networks.items() == []
    assert state.join("Home")
    assert state.join("Rogue")
    assert joined(state) == "Rogue"
    assert [(n.id, n.ssid) for n in state.saved_networks.items()] == [(0, "Home"), (1, "Rogue")]
    assert state.forget(0)
    assert joined(state) == "Rogue"
    assert state.forget(1)
    assert joined(state) is None
    assert not state.forget(1)


def test_another_known_network_is_joined_where_one_is_forgotten(
    state: PhoneState, tmp_path: Path
) -> None:
    publish(tmp_path / "air", *(Network(name, NOBODY, NOBODY) for name in ("A", "B", "C")))
    for ssid in ("A", "C", "B"):
        assert state.join(ssid)
    (tmp_path / "air/C.json").unlink()
    assert state.forget(2)
    assert joined(state) == "A"


# Settings.


def test_settings(state: PhoneState) -> None:
    state.put_setting("global", "b", "1")
    state.put_setting("global", "a", "2")
    state.put_setting("secure", "a", "3")
    assert state.settings_of("global") == [("a", "2"), ("auto_time", "1"), ("b", "1")]
    assert state.setting("secure", "a") == "3"
    state.put_setting("global", "a", None)
    state.put_setting("global", "none", None)
    assert state.setting("global", "a") is None
    assert state.settings_of("global") == [("auto_time", "1"), ("b", "1")]


def test_settings_have_their_limits(state: PhoneState) -> None:
    with pytest.raises(ValueError, match="longer than"):
        state.put_setting("global", "a", "x" * (MAX_VALUE + 1))
    for number in range(MAX_SETTINGS - len(state.settings_of("global"))):
        state.put_setting("global", str(number), "x" * MAX_VALUE)
    with pytest.raises(ValueError, match="too many settings"):
        state.put_setting("global", "more", "x")
    state.put_setting("global", "1", "changed")
    assert state.setting("global", "1") == "changed"


def test_a_bad_proxy_changes_nothing(state: PhoneState) -> None:
    state.put_setting("global", "http_proxy", "127.0.0.1:1")
    with pytest.raises(ValueError, match="is not host:port"):
        state.put_setting("global", "http_proxy", "nonsense")
    assert state.setting("global", "http_proxy") == "127.0.0.1:1"
    with pytest.raises(ConnectError, match=r"127\.0\.0\.1:1"):
        state.connect(HOST, 443, 1)
    state.put_setting("global", "http_proxy", None)
    with pytest.raises(UnknownHost):
        state.connect(HOST, 443, 1)


def test_a_key_of_another_namespace_is_no_proxy(state: PhoneState) -> None:
    state.put_setting("secure", "http_proxy", "127.0.0.1:1")
    with pytest.raises(UnknownHost):
        state.connect(HOST, 443, 1)


def test_settings_from_many_threads(state: PhoneState) -> None:
    def put(name: str) -> None:
        for number in range(100):
            state.put_setting("global", f"{name}{number}", name)
            state.put_setting("global", "http_proxy", f"127.0.0.1:{number + 1}")

    threads = [threading.Thread(target=put, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        state.settings_of("global")
    assert len(state.settings_of("global")) == 402


# What outlives a start.


def again(tmp_path: Path) -> PhoneState:
    return PhoneState(tmp_path / "home", tmp_path / "air")


def test_files_and_settings_outlive_a_start(state: PhoneState, tmp_path: Path, pki: LabPki) -> None:
    state.files.write("/sdcard/a", b"kept")
    state.put_setting("global", "a", "kept")
    state.put_setting("secure", "b/c", "kept")
    state.put_setting("global", "gone", "x")
    state.put_setting("global", "gone", None)
    state.put_setting("global", "auto_time", None)
    state.put_setting("global", "http_proxy", "127.0.0.1:7")
    started = again(tmp_path)
    assert started.files.read("/sdcard/a") == b"kept"
    assert started.trust_anchors(False) == (pki.public_root.der,)
    assert started.settings_of("global") == [("a", "kept"), ("http_proxy", "127.0.0.1:7")]
    assert started.setting("secure", "b/c") == "kept"
    assert started.network.settings.http_proxy == Endpoint("127.0.0.1", 7)


def test_what_a_phone_ships_with_is_of_its_last_start(
    state: PhoneState, tmp_path: Path, pki: LabPki
) -> None:
    other = PhoneState(
        tmp_path / "home", tmp_path / "air", factory_anchors=[pki.user_root.certificate]
    )
    assert other.trust_anchors(False) == (pki.user_root.der,)
    # Added by somebody, it stays.
    name = subject_hash_old(pki.compromised_root.certificate)
    other.files.write(f"{SYSTEM_STORE}/{name}.0", pki.compromised_root.der)
    assert set(again(tmp_path).trust_anchors(False)) == {
        pki.user_root.der,
        pki.compromised_root.der,
    }


def test_networks_are_joined_again_where_they_are_in_reach(
    state: PhoneState, tmp_path: Path
) -> None:
    publish(tmp_path / "air", *(Network(name, NOBODY, NOBODY) for name in ("A", "B", "C")))
    assert state.join("A")
    assert state.station.join("B", "wpa2")
    assert state.station.join("C", auto_join=False)
    started = again(tmp_path)
    assert joined(started) == "B"
    assert [(n.id, n.ssid, n.security) for n in started.saved_networks.items()] == [
        (0, "A", "open"),
        (1, "B", "wpa2"),
        (2, "C", "open"),
    ]
    (tmp_path / "air/B.json").unlink()
    assert joined(again(tmp_path)) == "A"
    (tmp_path / "air/A.json").unlink()
    started = again(tmp_path)
    assert joined(started) is None
    started.forget(2)
    # An id is not given out again, not even after a start.
    assert again(tmp_path).saved_networks.next_id == 3


def test_as_many_networks_as_there_can_be_are_kept(state: PhoneState, tmp_path: Path) -> None:
    for number in range(MAX_SAVED):
        publish(tmp_path / "air", Network(f"☕{number:028}"[:30], NOBODY, NOBODY))
        name = next((tmp_path / "air").iterdir())
        assert state.join(f"☕{number:028}"[:30])
        name.unlink()
    assert len(again(tmp_path).saved_networks.items()) == MAX_SAVED


def test_wifi_stays_off(state: PhoneState, tmp_path: Path) -> None:
    publish(tmp_path / "air", Network("A", NOBODY, NOBODY))
    assert state.join("A")
    state.station.enable(False)
    assert (joined(state), state.access_points(), state.join("A")) == (None, [], False)
    started = again(tmp_path)
    assert (started.station.enabled, joined(started)) == (False, None)
    started.station.enable(True)
    assert joined(started) == "A"


def test_a_wrong_clock_outlives_a_start_only_where_it_is_not_set_by_itself(
    state: PhoneState, tmp_path: Path
) -> None:
    state.set_clock(time.time() + DAY)
    assert abs(again(tmp_path).now() - time.time()) < 2
    state.put_setting("global", "auto_time", "0")
    state.set_clock(time.time() + DAY)
    assert abs(again(tmp_path).now() - time.time() - DAY) < 2
    state.put_setting("global", "auto_time", "1")
    assert abs(state.now() - time.time()) < 2
    state.put_setting("global", "auto_time", "0")
    assert abs(again(tmp_path).now() - time.time()) < 2


@pytest.mark.parametrize(
    "rows",
    [
        {"wifi saved": [[1], [1, 2, 3, 4], ["a", "b", "c", True], "x", None, [2**70, "A", "", 1]]},
        {"wifi saved": 5, "wifi next id": "x", "wifi enabled": "no", "clock offset": "late"},
        {"global/http_proxy": "nonsense", "galaxy/x": "y", "global/y": 5, "noslash": "z"},
        {"global/auto_time": "0", "clock offset": [1]},
        {f"factory {SYSTEM_STORE}": [1, "../../../x", None]},
    ],
)
def test_whatever_was_kept_the_phone_starts(
    rows: dict[str, Json], state: PhoneState, tmp_path: Path
) -> None:
    kept = Kept(tmp_path / "home/state.db")
    for key, value in rows.items():
        kept.set(key, value)
    started = PhoneState(tmp_path / "home", tmp_path / "air")
    assert abs(started.now() - time.time()) < 2
    assert joined(started) is None


def test_a_restart_forgets_what_does_not_outlive_it(state: PhoneState, tmp_path: Path) -> None:
    publish(tmp_path / "air", Network("A", NOBODY, NOBODY))
    assert state.join("A")
    state.set_clock(time.time() + DAY)
    state.put_setting("global", "a", "kept")
    state.restart()
    assert (joined(state), list(state.logcat.lines(("wifi",)))) == (None, [])
    assert abs(state.now() - time.time()) < 2
    assert state.setting("global", "a") == "kept"
    state.station.look()
    assert joined(state) == "A"


# The phone's HTTP client on the phone's network.


@pytest.fixture(scope="module")
def loop() -> Iterator[LabLoop]:
    with LabLoop() as loop:
        yield loop


@pytest.fixture
def backend(loop: LabLoop, pki: LabPki, tmp_path: Path) -> Iterator[Backend]:
    with Backend(loop, pki, tmp_path / "backend") as backend:
        yield backend


ADDRESS = "127.0.0.77"


@pytest.fixture
def home(
    loop: LabLoop, backend: Backend, state: PhoneState, tmp_path: Path
) -> Iterator[dict[int, Endpoint]]:
    """The honest network, joined. What it gives: where each port of the host leads."""
    ports = {443: backend.addresses()[HOST]}

    def resolve(name: str, kind: str) -> tuple[str, ...]:
        return (ADDRESS,) if name == HOST else ()

    def route(destination: Destination) -> Endpoint | Reply:
        assert destination.host == ADDRESS
        return ports.get(destination.port, Reply.REFUSED)

    with Air(loop, resolve, route) as air:
        publish(tmp_path / "air", air.network)
        assert state.join("Home")
        yield ports


def app(state: PhoneState, *, user_store: bool = False) -> HttpClient:
    return HttpClient(state, user_agent="App/1", user_store=user_store)


def test_a_request_on_the_joined_network(home: dict[int, Endpoint], state: PhoneState) -> None:
    answer = app(state).request(f"https://{HOST}/health")
    assert (answer.status, answer.http_version) == (200, "HTTP/2")
    with pytest.raises(UnknownHost):
        app(state).request("https://other.acme.test/")
    with pytest.raises(ConnectError):
        app(state).request(f"https://{HOST}:8443/")
    state.forget(0)
    with pytest.raises(UnknownHost):
        app(state).request(f"https://{HOST}/health")


def test_cleartext_on_the_joined_network(home: dict[int, Endpoint], state: PhoneState) -> None:
    with Server(answering(OK)) as server:
        home[80] = server.endpoint
        assert app(state).request(f"http://{HOST}/").body == b"hello"


def test_a_moved_clock_decides(home: dict[int, Endpoint], state: PhoneState) -> None:
    for offset in (-400 * DAY, 400 * DAY, 1.5 * DAY):
        state.set_clock(time.time() + offset)
        if abs(offset) > 2 * DAY:
            with pytest.raises(CertificateTimeError):
                app(state).request(f"https://{HOST}/health")
        else:
            assert app(state).request(f"https://{HOST}/health").status == 200


def test_certificates_installed_on_the_phone(
    home: dict[int, Endpoint], state: PhoneState, pki: LabPki
) -> None:
    with Server(TlsScript(server_context(pki.user.issue(HOST)))) as server:
        home[443] = server.endpoint
        url = f"https://{HOST}/"
        for client in (app(state), app(state, user_store=True)):
            with pytest.raises(SslHandshakeError):
                client.request(url)
        name = f"{subject_hash_old(pki.user_root.certificate)}.0"
        state.files.write(f"{USER_STORE}/{name}", pki.user_root.der)
        assert app(state, user_store=True).request(url).status == 200
        with pytest.raises(SslHandshakeError):
            app(state).request(url)
        state.files.write(f"{SYSTEM_STORE}/{name}", pki.user_root.der)
        assert app(state).request(url).status == 200
        state.files.remove(f"{SYSTEM_STORE}/{name}")
        with pytest.raises(SslHandshakeError):
            app(state).request(url)


def test_the_global_proxy(loop: LabLoop, backend: Backend, state: PhoneState) -> None:
    """Both kinds of request go to it, each in the form that a proxy needs."""
    heard: list[bytes] = []
    there = backend.addresses()[HOST]

    def clear(sock: socket.socket) -> None:
        heard.append(read_request(sock))
        sock.sendall(OK)

    with Server(clear) as proxy:
        state.put_setting("global", "http_proxy", str(proxy.endpoint))
        assert app(state).request(f"http://{HOST}:8080/a?b").body == b"hello"
    assert heard[0].startswith(
        f"GET http://{HOST}:8080/a?b HTTP/1.1\r\nhost: {HOST}:8080\r\n".encode()
    )
    with Server(tunnel(there)) as proxy:
        state.put_setting("global", "http_proxy", str(proxy.endpoint))
        assert app(state).request(f"https://{HOST}/health").http_version == "HTTP/2"


def test_changes_of_network_come_one_by_one(
    state: PhoneState, monkeypatch: pytest.MonkeyPatch
) -> None:
    both, at_once = threading.Barrier(2), []

    def patient() -> None:
        # Broken where nobody else is let in meanwhile.
        with contextlib.suppress(threading.BrokenBarrierError):
            at_once.append(both.wait(0.05))

    monkeypatch.setattr(state.network, "changed", patient)
    wires = [Wire(socket, Endpoint("127.0.0.1", port)) for port in (1, 2)]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(state.use_tunnel, wires))
    assert at_once == []
