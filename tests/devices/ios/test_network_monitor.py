"""The phone's network monitor as the lab hears it: over its tunnel, and through Appium's driver."""

from __future__ import annotations

import queue
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium.common.exceptions import WebDriverException

from lab.devices.ios.monitor_by_driver import EVENT, DriverMonitor
from lab.devices.ios.monitor_by_tunnel import HUB, TunnelMonitor, find_service
from lab.devices.ios.network_monitor import NetworkMonitor, NoMonitor, Source
from lab.devices.ios.network_news import EMPTY, Interface, News, Opened, Traffic
from lab.devices.kept import free_port
from lab.model.monitored import MonitoredConnection
from tests.devices.ios.test_network_news import EVENT as OPENED_EVENT
from tests.devices.ios.test_network_news import OPENED, anywhere
from tests.devices.ios.websockets import Answer, Say, websocket_server
from tests.patience import CAP, LONG, eventually, not_waiting
from tests.phone.ios.cable import UDID
from tests.phone.ios.remote.tunnelled import Tunnelled, tunnelled

EN0 = Interface(3, "en0")


class MemorySource:
    def __init__(self) -> None:
        self.waiting: queue.SimpleQueue[News | NoMonitor | None] = queue.SimpleQueue()
        self.closed = False

    def next(self) -> News | None:
        news = self.waiting.get(timeout=CAP)
        if isinstance(news, NoMonitor):
            raise news
        return news

    def close(self) -> None:
        self.closed = True
        self.waiting.put(NoMonitor("closed"))

    def tell(self, *news: News | NoMonitor | None) -> None:
        for each in news:
            self.waiting.put(each)


@pytest.fixture
def source() -> MemorySource:
    return MemorySource()


@pytest.fixture
def monitor(source: MemorySource) -> Iterator[NetworkMonitor]:
    made = NetworkMonitor(lambda: source)
    yield made
    made.close()
    assert eventually(lambda: source.closed)


def locals_of(found: tuple[MonitoredConnection, ...] | None) -> list[str] | None:
    return None if found is None else [each.local for each in found]


def test_it_waits_for_the_first_connection(source: MemorySource, monitor: NetworkMonitor) -> None:
    since = monitor.moment()
    assert since == EMPTY
    source.tell(EN0, None, OPENED, Traffic(7, 5, 6))
    with not_waiting():
        assert locals_of(monitor.used(since, 412, anywhere, LONG)) == [OPENED.local]


def test_it_waits_no_longer_than_it_may(source: MemorySource, monitor: NetworkMonitor) -> None:
    since = monitor.moment()
    assert since is not None
    source.tell(Opened(1, 999, "a", "b", 3, "tcp"))
    assert monitor.used(since, 412, anywhere, 0.05) == ()


def test_what_fell_silent_is_no_witness(source: MemorySource, monitor: NetworkMonitor) -> None:
    since = monitor.moment()
    assert since is not None
    source.tell(OPENED)
    assert monitor.used(since, 412, anywhere, LONG)
    source.tell(NoMonitor("the tunnel is gone"))
    assert eventually(lambda: monitor.trouble)
    assert monitor.used(since, 412, anywhere, LONG) is None
    assert (monitor.moment(), monitor.trouble) == (None, "the tunnel is gone")


def test_who_waits_is_woken_when_it_falls_silent(
    source: MemorySource, monitor: NetworkMonitor
) -> None:
    since = monitor.moment()
    assert since is not None
    source.tell(NoMonitor("gone"))
    with not_waiting():
        assert monitor.used(since, 412, anywhere, LONG) is None


def test_after_a_close_it_begins_anew(source: MemorySource) -> None:
    sources: list[Source] = [source, MemorySource()]
    monitor = NetworkMonitor(lambda: sources.pop(0))
    monitor.moment()
    source.tell(OPENED)
    monitor.close()
    assert eventually(lambda: source.closed)
    assert monitor.moment() == EMPTY
    monitor.close()


def test_without_one_nobody_asks_twice() -> None:
    asked: list[int] = []

    def begin() -> Source:
        asked.append(1)
        raise NoMonitor("no tunnel")

    monitor = NetworkMonitor(begin)
    assert (monitor.moment(), monitor.moment(), asked) == (None, None, [1])
    assert monitor.used(EMPTY, 412, anywhere, LONG) is None
    assert monitor.trouble == "no tunnel"


# -- over the tunnel ------------------------------------------------------------------------------


@pytest.fixture
def phone(tmp_path: Path) -> Iterator[Tunnelled]:
    with tunnelled(tmp_path) as made:
        yield made


def test_over_the_tunnel_it_tells_of_every_connection(phone: Tunnelled) -> None:
    monitor = NetworkMonitor(lambda: TunnelMonitor(phone.way.registry_port, UDID))
    since = monitor.moment()
    assert since == EMPTY
    # The call needs no reply: what comes after its first answer was not missed.
    assert eventually(lambda: monitor.moment() != EMPTY)
    here, there = ("127.0.0.1", 50000), ("127.0.0.1", 8080)
    phone.handset.frames.opened(here, there, process="TestApp", pid=412).sent(b"x" * 60)
    assert locals_of(monitor.used(since, 412, anywhere, LONG)) == ["127.0.0.1:50000"]
    phone.way.close()
    assert eventually(lambda: monitor.trouble)
    monitor.close()


@pytest.mark.parametrize(
    ("udid", "service", "why"),
    [("00008120-1", HUB, "no tunnel to this machine"), (UDID, "none", "leads to no none")],
)
def test_services_that_a_tunnel_does_not_lead_to(
    phone: Tunnelled, udid: str, service: str, why: str
) -> None:
    with pytest.raises(NoMonitor, match=why):
        find_service(phone.way.registry_port, udid, service)


def test_without_a_registry_there_is_no_monitor() -> None:
    port = free_port()
    with pytest.raises(NoMonitor, match=f"no registry of tunnels at port {port}"):
        TunnelMonitor(port, UDID)


def test_a_hub_that_speaks_otherwise_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    from lab.devices.ios import monitor_by_tunnel
    from lab.model.device import Endpoint

    listener = socket.create_server(("127.0.0.1", 0))
    where = Endpoint(*listener.getsockname())
    monkeypatch.setattr(monitor_by_tunnel, "find_service", lambda *_: where)

    def serve() -> None:
        sock, _ = listener.accept()
        with sock:
            sock.sendall(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")

    thread = threading.Thread(target=serve)
    thread.start()
    with listener, pytest.raises(NoMonitor):
        TunnelMonitor(1, UDID)
    thread.join(CAP)


# -- through the driver ---------------------------------------------------------------------------


class Driver:
    """A session, as far as the monitor needs one."""

    def __init__(self, address: str | None, trouble: str = "") -> None:
        self.capabilities = {} if address is None else {"webSocketUrl": address}
        self.trouble = trouble
        self.ran: list[str] = []

    def execute_script(self, script: str, *_: object) -> None:
        if self.trouble:
            raise WebDriverException(self.trouble)
        self.ran.append(script)


def listening() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "monitor"]


def told(*messages: object) -> Answer:
    """Take the subscription, and say what is to be said."""

    def answer(asked: dict[str, object], say: Say) -> None:
        params: Any = asked["params"]
        assert (asked["method"], params["events"]) == ("session.subscribe", [EVENT])
        assert params["contexts"] == ["NATIVE_APP"]
        say({"method": "log.entryAdded", "params": {}})
        say({"type": "success", "id": asked["id"], "result": {}})
        for message in messages:
            say(message)

    return answer


def begun(address: str | None, trouble: str = "") -> tuple[DriverMonitor, Driver]:
    driver = Driver(address, trouble)
    return DriverMonitor(driver), driver  # type: ignore[arg-type]


def test_through_the_driver_it_tells_what_the_events_say() -> None:
    event = {"method": EVENT, "context": "NATIVE_APP", "params": {"event": OPENED_EVENT}}
    odd = ["[]", "no JSON", '"x"', {"method": EVENT}, {"method": EVENT, "params": 5}]
    with websocket_server(told(*odd, event)) as address:
        source, driver = begun(address)
        assert [source.next() for _ in range(len(odd) + 1)] == [*([None] * len(odd)), OPENED]
        assert driver.ran == ["mobile: startNetworkMonitor"]
        source.close()
        with pytest.raises(NoMonitor):
            source.next()


def test_who_waits_for_an_event_is_woken_by_the_close() -> None:
    with websocket_server(told()) as address:
        source, _ = begun(address)
        monitor = NetworkMonitor(lambda: source)
        assert monitor.moment() == EMPTY
        assert listening()
        monitor.close()
        assert eventually(lambda: not listening())


def test_a_server_without_events_is_no_monitor() -> None:
    with pytest.raises(NoMonitor, match="offers no WebDriver BiDi"):
        begun(None)
    with pytest.raises(NoMonitor, match=r"127\.0\.0\.1"):
        begun(f"ws://127.0.0.1:{free_port()}/bidi/1")
    with pytest.raises(NoMonitor):
        begun("gopher://example.org")


def test_a_driver_that_cannot_is_told() -> None:
    with websocket_server(told()) as address, pytest.raises(NoMonitor, match="no tunnel found"):
        begun(address, "no tunnel found")


def refuse(asked: dict[str, object], say: Say) -> None:
    say({"type": "error", "id": asked["id"], "error": "invalid argument", "message": "no such"})


def hang_up(*_: object) -> None:
    raise StopIteration


@pytest.mark.parametrize(("answer", "why"), [(refuse, "no such"), (hang_up, "BiDi")])
def test_a_subscription_that_is_not_taken(answer: Answer, why: str) -> None:
    with websocket_server(answer) as address, pytest.raises(NoMonitor, match=why):
        begun(address)
