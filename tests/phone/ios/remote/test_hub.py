"""The developer services, as a computer talks to them over DTX."""

from __future__ import annotations

import struct

import pytest

from lab.phone.ios.remote.archive import Failure, Value
from lab.phone.ios.remote.dtx import HEADER, MAGIC, Kind, Message, packed, read_header
from lab.phone.ios.remote.hub import MAX_CHANNELS
from tests.phone.ios.remote.tunnelled import LAUNCH, NETWORKING, PROCESSES, Dtx, Tunnelled

APP = "cloud.trustpin.TestApp"


def refused(answer: Message) -> str:
    assert (answer.kind, answer.conversation) == (Kind.FAILED, 1)
    assert isinstance(answer.value, Failure)
    return answer.value.description


def test_it_tells_what_it_has(phone: Tunnelled) -> None:
    with Dtx(phone.connect("com.apple.instruments.dtservicehub")) as dtx:
        answer = dtx.greet()
    assert answer.arguments == ({PROCESSES: 1, NETWORKING: 1},)


def test_apps_are_launched_looked_up_and_killed(phone: Tunnelled, hub: Dtx) -> None:
    assert hub.open(PROCESSES).kind is Kind.DONE
    assert hub.ask(1, "processIdentifierForBundleIdentifier:", APP).value == 0
    options: Value = {"StartSuspendedKey": False, "KillExisting": True}
    pid = hub.ask(1, LAUNCH, "", APP, {"A": "b", "C": 1}, [], options).value
    assert phone.processes.launched == [(APP, {"A": "b"}, False)]
    assert hub.ask(1, "processIdentifierForBundleIdentifier:", APP).value == pid
    hub.send(1, "killPid:", pid, reply=False)
    assert hub.ask(1, "processIdentifierForBundleIdentifier:", APP).value == 0


def test_an_app_that_runs_is_ended_first_unless_told_otherwise(phone: Tunnelled, hub: Dtx) -> None:
    hub.open(PROCESSES)
    first = hub.ask(1, LAUNCH, "", APP, {}, [], {}).value
    kept = hub.ask(1, LAUNCH, "", APP, {}, [], {"KillExisting": False}).value
    again = hub.ask(1, LAUNCH, None, APP, {}, [], {"StartSuspendedKey": True}).value
    assert kept == first
    assert again != first
    assert [suspended for _, _, suspended in phone.processes.launched] == [False, False, True]


def test_signals(phone: Tunnelled, hub: Dtx) -> None:
    hub.open(PROCESSES)
    pid = hub.ask(1, LAUNCH, "", APP, {}, [], {"StartSuspendedKey": True}).value
    assert hub.ask(1, "sendSignal:toPid:", 19, pid).kind is Kind.DONE
    assert hub.ask(1, "resumePid:", pid).kind is Kind.DONE
    assert hub.ask(1, "startObservingPid:", pid).kind is Kind.DONE
    assert phone.processes.resumed == [pid, pid]
    assert refused(hub.ask(1, "sendSignal:toPid:", 2, pid)) == "signal 2 is not known"
    assert hub.ask(1, "sendSignal:toPid:", 9, pid).kind is Kind.DONE
    assert refused(hub.ask(1, "sendSignal:toPid:", 15, pid)) == f"there is no process {pid}"


@pytest.mark.parametrize(
    ("selector", "arguments", "why"),
    [
        (LAUNCH, ("", "not.there", {}, [], {}), "not.there is not installed"),
        (LAUNCH, ("", 5, {}, [], {}), "not with such arguments"),
        ("killPid:", (4711,), "there is no process 4711"),
        ("killPid:", ("x",), "not with such arguments"),
        ("processIdentifierForBundleIdentifier:", (), "not with such arguments"),
        ("takeOver", (), "takeOver is not known"),
    ],
)
def test_what_cannot_be_done_is_refused(
    hub: Dtx, selector: str, arguments: tuple[Value, ...], why: str
) -> None:
    hub.open(PROCESSES)
    assert why in refused(hub.ask(1, selector, *arguments))
    assert hub.ask(1, "processIdentifierForBundleIdentifier:", APP).value == 0


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ((1, "com.apple.instruments.server.services.none"), "there is no service"),
        ((0, PROCESSES), "cannot be called 0"),
        ((-3, PROCESSES), "cannot be called -3"),
        (("1", PROCESSES), "is not known"),
        ((1,), "is not known"),
    ],
)
def test_channels_that_cannot_be_had(hub: Dtx, arguments: tuple[Value, ...], why: str) -> None:
    assert why in refused(hub.ask(0, "_requestChannelWithCode:identifier:", *arguments))
    assert hub.open(PROCESSES).kind is Kind.DONE


def test_a_channel_is_opened_once_and_ends(hub: Dtx) -> None:
    hub.open(PROCESSES)
    assert "cannot be called 1" in refused(hub.open(NETWORKING))
    hub.send(0, "_channelCanceled:", 1, 99, "x", reply=False)
    assert "no channel 1" in refused(hub.ask(1, "killPid:", 1))
    assert "no channel 7" in refused(hub.ask(7, "killPid:", 1))


def test_channels_are_limited(hub: Dtx) -> None:
    for code in range(1, MAX_CHANNELS + 1):
        assert hub.open(PROCESSES, code).kind is Kind.DONE
    assert "have been opened already" in refused(hub.open(PROCESSES, MAX_CHANNELS + 1))


def test_replies_and_what_wants_none_are_not_answered(hub: Dtx) -> None:
    hub.wire.send(packed(Message(Kind.REPLY, "x", (), 99, 1, 0)))
    hub.send(3, "unknown", reply=False)
    assert hub.open(PROCESSES).identifier == 3


def test_messages_come_in_pieces(hub: Dtx) -> None:
    whole = packed(
        Message(
            Kind.CALL,
            "_requestChannelWithCode:identifier:",
            (1, PROCESSES),
            2,
            0,
            0,
            expects_reply=True,
        )
    )
    header, body = read_header(whole[: HEADER.size], len(whole)), whole[HEADER.size :]
    sizes = (header.length, 10, len(body) - 10)
    for index, size in enumerate(sizes):
        head = struct.pack("<IIHHIIIiI", MAGIC, 32, index, 3, size, 2, 0, 0, 1)
        at = sum(sizes[1:index])
        hub.wire.send(head + (body[at : at + size] if index else b""))
    answer = hub.next()
    assert (answer.kind, answer.identifier) == (Kind.DONE, 2)
