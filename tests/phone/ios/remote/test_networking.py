"""Connections of the phone's apps as the network monitor tells them."""

from __future__ import annotations

import socket
from collections.abc import Sequence

import pytest

from lab.phone.ios.remote.dtx import Message
from lab.phone.ios.remote.traffic import End, read_frame
from lab.phone.ios.services.pcap import packed
from tests.phone.ios.remote.tunnelled import NETWORKING, Dtx, Tunnelled

HERE, THERE = ("127.0.0.1", 50123), ("127.0.0.1", 8443)
SIX = ("fd00::1", 50124), ("fd00::2", 443)


def told(hub: Dtx) -> list[object]:
    value = hub.next().value
    assert isinstance(value, Sequence)
    return list(value)


@pytest.fixture
def monitor(phone: Tunnelled, hub: Dtx) -> Dtx:
    """The developer services, monitoring."""
    hub.open(NETWORKING)
    hub.send(1, "startMonitoring", reply=False)
    assert told(hub) == [0, [3, "en0"]]
    return hub


def test_a_connection_is_told_with_what_it_carries(phone: Tunnelled, monitor: Dtx) -> None:
    talk = phone.handset.frames.opened(HERE, THERE, process="TestApp", pid=412)
    assert told(monitor)[0] == 1
    traffic = told(monitor)
    talk.sent(b"x" * 3000)
    while traffic[1][3] < 3000:  # type: ignore[index]
        traffic = told(monitor)
    talk.received(b"y" * 500)
    while traffic[1][1] < 500:  # type: ignore[index]
        traffic = told(monitor)
    assert traffic[0] == 2
    values = traffic[1]
    assert isinstance(values, Sequence)
    assert (values[1], values[3], values[9]) == (500, 3000, 1)
    assert values[0] >= 2
    assert values[2] >= 4


def test_addresses_are_socket_addresses(phone: Tunnelled, monitor: Dtx) -> None:
    phone.handset.frames.opened(HERE, THERE, process="TestApp", pid=412)
    (_, values), _ = told(monitor), told(monitor)
    four = bytes([16, 2]) + (50123).to_bytes(2, "big") + socket.inet_aton(HERE[0]) + bytes(8)
    assert isinstance(values, Sequence)
    assert list(values) == [four, End(*THERE).packed, 3, 412, 0, 0, 1, 1]
    phone.handset.frames.opened(*SIX, process="TestApp", pid=413)
    (_, values), _ = told(monitor), told(monitor)
    assert isinstance(values, Sequence)
    assert bytes(values[1])[:4] == bytes([28, 30]) + (443).to_bytes(2, "big")
    assert bytes(values[1])[8:24] == socket.inet_pton(socket.AF_INET6, "fd00::2")
    assert values[6] == 2


def test_the_same_ends_again_are_another_connection(phone: Tunnelled, monitor: Dtx) -> None:
    for serial in (1, 2):
        talk = phone.handset.frames.opened(HERE, THERE, process="TestApp", pid=412)
        kind, values = told(monitor)
        while kind != 1:
            kind, values = told(monitor)
        assert isinstance(values, Sequence)
        assert values[6] == serial
        talk.closed()


def test_what_was_before_is_told_once_it_carries_something(phone: Tunnelled, hub: Dtx) -> None:
    talk = phone.handset.frames.opened(HERE, THERE, process="TestApp", pid=412)
    hub.open(NETWORKING)
    hub.send(1, "startMonitoring", reply=False)
    assert told(hub)[0] == 0
    talk.sent(b"x")
    assert told(hub)[0] == 1


def test_it_is_stopped_and_started_again(phone: Tunnelled, monitor: Dtx) -> None:
    monitor.ask(1, "startMonitoring")
    monitor.ask(1, "stopMonitoring")
    phone.handset.frames.opened(HERE, THERE, process="TestApp", pid=412)
    answer: Message = monitor.ask(1, "monitorEverything")
    assert "is not known" in str(answer.value)
    monitor.send(1, "startMonitoring", reply=False)
    assert told(monitor)[0] == 0
    phone.handset.frames.opened(*SIX, process="TestApp", pid=413)
    _, values = told(monitor)
    assert isinstance(values, Sequence)
    assert values[3] == 413


def test_the_tap_is_that_of_the_capture(phone: Tunnelled, monitor: Dtx) -> None:
    phone.handset.frames.opened(HERE, THERE, process="TestApp", pid=412)
    _, frames = phone.handset.frames.since(0, 0)
    read = [read_frame(frame) for frame in frames]
    assert read == [((End(*HERE), End(*THERE)), 0, index == 0) for index in range(3)]
    assert all(frame.content in packed(frame) for frame in frames)


@pytest.mark.parametrize("size", [0, 13, 14, 20, 33, 34, 46])
def test_frames_that_break_off_are_left_out(phone: Tunnelled, size: int) -> None:
    from dataclasses import replace

    phone.handset.frames.opened(HERE, THERE, process="TestApp", pid=412)
    _, frames = phone.handset.frames.since(0, 0)
    assert read_frame(replace(frames[0], content=frames[0].content[:size])) is None
