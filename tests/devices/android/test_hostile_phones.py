"""What a phone may send that no phone should: a clear error in time, and nothing else."""

from __future__ import annotations

import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lab.devices.android import shell_link
from lab.devices.android.facts import identify
from lab.devices.android.keys import AdbKey, find_keys
from lab.devices.android.link import CommandRefused
from lab.devices.android.shell_link import AdbShellLink
from lab.devices.android.tcp_pipe import TcpPipe
from lab.model.device import DeviceLost
from tests.devices.android.fake_adbd import (
    BANNER,
    MAX_DATA,
    OURS,
    VERSION,
    FakeAdbd,
    Peer,
    Script,
    message,
)
from tests.patience import CAP, LONG, not_waiting

SHORT = 0.2
"""Seconds: the limit of what is there to run into it."""
IN_TIME = 1.0
"""The same, where something has to come before it."""
Act = Callable[[AdbShellLink], object]


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> tuple[AdbKey, ...]:
    home = tmp_path_factory.mktemp("keys")
    return find_keys(environ={"HOME": str(home), "TRUSTPIN_LAB_STATE": str(home / "state")})


@contextmanager
def _linked(script: Script, keys: tuple[AdbKey, ...], cap: float = LONG) -> Iterator[AdbShellLink]:
    phone = FakeAdbd(script)
    link = AdbShellLink(
        str(phone.endpoint),
        TcpPipe(phone.endpoint),
        lambda: keys,
        connect_cap=cap,
        allow_cap=cap,
        transfer_cap=cap,
    )
    try:
        yield link
    finally:
        link.close()
        phone.close()


def _run(link: AdbShellLink) -> object:
    return link.run("true", cap=link._transfer_cap)


def _pull(link: AdbShellLink) -> object:
    return link.pull("/x", limit=100_000)


def _push(link: AdbShellLink) -> object:
    link.push(b"content", "/x")
    return None


def _sync(*answers: bytes) -> Script:
    """Answer whatever is asked over ``sync:`` with these bytes."""

    def script(peer: Peer) -> None:
        assert peer.opened() == b"sync:"
        peer.taken()
        for answer in answers:
            peer.write(answer)
        peer.closed()
        peer.wait()

    return script


def _writes(*chunks: bytes, marked: bytes | None = None) -> Script:
    """Answer a command with these chunks, then with a mark of this exit code."""

    def script(peer: Peer) -> None:
        peer.opened()
        for chunk in chunks:
            peer.write(chunk)
        if marked is not None:
            peer.write(peer.mark() + b".0." + marked + b"\n")
        peer.end()
        peer.wait()

    return script


def _says(*content: bytes) -> Script:
    """Answer the greeting with these bytes and nothing more."""

    def script(peer: Peer) -> None:
        peer.read()
        for each in content:
            peer.raw(each)
        peer.wait()

    return script


def _after_open(act: Callable[[Peer], None]) -> Script:
    def script(peer: Peer) -> None:
        peer.opened()
        act(peer)

    return script


def _floods(content: bytes) -> Script:
    def script(peer: Peer) -> None:
        peer.read()
        peer.flood(content)

    return script


def _refuses_keys(peer: Peer) -> None:
    while True:
        peer.read()
        peer.say(b"AUTH", 1, 0, b"t" * 20)


def _hangs_up_in_sync(peer: Peer) -> None:
    peer.opened()
    peer.taken()
    peer.raw(message(b"WRTE", OURS, peer.theirs, b"DATA" + struct.pack("<I", 4) + b"ab"))
    peer.hang_up()


def _fails_and_stays_open(peer: Peer) -> None:
    peer.opened()
    peer.taken()
    peer.write(b"FAIL" + struct.pack("<I", 2) + b"no")
    peer.wait()


def _never_acknowledges(peer: Peer) -> None:
    peer.opened()
    peer.wait()


def _trickles(peer: Peer) -> None:
    peer.opened()
    for _ in range(500):
        peer.write(b"I/chatty: one more line\n")
        time.sleep(0.02)


def _endless(peer: Peer) -> None:
    peer.opened()
    while True:
        peer.write(b"y\n" * 32_000)


def _endless_data(peer: Peer) -> None:
    peer.opened()
    peer.taken()
    while True:
        peer.write(b"DATA" + struct.pack("<I", 60_000) + b"z" * 60_000)


def _endless_dent(peer: Peer) -> None:
    peer.opened()
    peer.taken()
    entry = b"DENT" + struct.pack("<4I", 0o100644, 1, 1, 4) + b"name"
    while True:
        peer.write(entry * 1000)


def _short_header(peer: Peer) -> None:
    peer.raw(message(b"WRTE", OURS, peer.theirs, b"x")[:10])
    peer.hang_up()


def _short_payload(peer: Peer) -> None:
    peer.raw(message(b"WRTE", OURS, peer.theirs, b"x", length=500, checksum=0))
    peer.hang_up()


def _wrong_checksum(peer: Peer) -> None:
    peer.raw(message(b"WRTE", OURS, peer.theirs, b"hello", checksum=1))
    peer.wait()


def _wrong_magic(peer: Peer) -> None:
    peer.raw(message(b"WRTE", OURS, peer.theirs, b"hello", magic=1))
    peer.wait()


def _absurd_length(peer: Peer) -> None:
    peer.raw(message(b"WRTE", OURS, peer.theirs, b"hello", length=0xFFFFFFFF))
    peer.wait()


def _other_streams(peer: Peer) -> None:
    peer.flood(message(b"WRTE", 99, 12345, b"for nobody" * 1000))


def _empty_messages(peer: Peer) -> None:
    peer.flood(message(b"WRTE", OURS, peer.theirs))


def _refuses_open(peer: Peer) -> None:
    peer.greet()
    _, theirs, _, _ = peer.read()
    peer.say(b"CLSE", 0, theirs)
    peer.wait()


def _closes_at_once(peer: Peer) -> None:
    peer.hang_up()


def _greets_and_hangs_up(peer: Peer) -> None:
    peer.greet()
    peer.hang_up()


LOST, REFUSED = DeviceLost, CommandRefused
EITHER = (DeviceLost, CommandRefused)
"""Which, depends on how much of it comes in time."""
Expected = type[Exception] | tuple[type[Exception], ...]
HOSTILE: dict[str, tuple[Script, Act, Expected, str]] = {
    # Before there is a connection.
    "never answers": (_says(), _run, LOST, "did not answer within 0.2 seconds"),
    "hangs up at once": (_closes_at_once, _run, LOST, "ended the connection|gone"),
    "an HTTP server": (
        _says(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"),
        _run,
        LOST,
        "does not speak the adb protocol",
    ),
    "half a greeting": (_says(message(b"CNXN", VERSION, MAX_DATA)[:12]), _run, LOST, "answer"),
    "greeting of wrong magic": (
        _says(message(b"CNXN", VERSION, MAX_DATA, BANNER, magic=0)),
        _run,
        LOST,
        "does not speak the adb protocol",
    ),
    "greeting of wrong checksum": (
        _says(message(b"CNXN", VERSION, MAX_DATA, BANNER, checksum=1)),
        _run,
        LOST,
        "checksum",
    ),
    "greeting of absurd length": (
        _says(message(b"CNXN", VERSION, MAX_DATA, length=0x7FFFFFFF)),
        _run,
        LOST,
        "a message of 2147483647 bytes",
    ),
    "greeting without end": (
        _says(message(b"CNXN", VERSION, MAX_DATA, b"x" * 100, length=1 << 20)),
        _run,
        LOST,
        "did not answer",
    ),
    "no greeting, but writes": (
        _floods(message(b"WRTE", 1, 1, b"x" * 1000)),
        _run,
        LOST,
        "goes on and on|did not answer",
    ),
    "a greeting after the other": (
        _floods(message(b"CNXN", VERSION, MAX_DATA, BANNER)),
        _run,
        EITHER,
        "did not answer|has no end",
    ),
    "messages of nothing at all": (_says(b"\0" * 4800), _run, LOST, "does not speak the adb"),
    # Keys.
    "accepts no key": (_refuses_keys, _run, LOST, "does not accept the key .*allow USB debugging"),
    "asks for keys without end": (
        _floods(message(b"AUTH", 1, 0, b"t" * 20)),
        _run,
        LOST,
        "does not accept the key",
    ),
    "a token of the wrong size": (
        _says(message(b"AUTH", 1, 0, b"short")),
        _run,
        LOST,
        "does not keep to the adb protocol",
    ),
    "an empty token": (_says(message(b"AUTH", 1, 0)), _run, LOST, "does not keep to the adb"),
    "an unknown AUTH": (
        _says(message(b"AUTH", 99, 0, b"%s%d%n")),
        _run,
        LOST,
        "does not keep to the adb protocol",
    ),
    # Streams.
    "hangs up after the greeting": (_greets_and_hangs_up, _run, LOST, "ended the conn|gone"),
    "refuses a stream": (_refuses_open, _run, LOST, "did not answer"),
    "half a header": (_after_open(_short_header), _run, LOST, "ended the connection"),
    "half a payload": (_after_open(_short_payload), _run, LOST, "ended the connection"),
    "wrong checksum": (_after_open(_wrong_checksum), _run, LOST, "checksum"),
    "wrong magic": (_after_open(_wrong_magic), _run, LOST, "does not speak the adb protocol"),
    "absurd length": (_after_open(_absurd_length), _run, LOST, "a message of 4294967295 bytes"),
    "streams of nobody": (
        _after_open(_other_streams),
        _run,
        EITHER,
        "did not answer|answer has no end",
    ),
    "empty messages": (_after_open(_empty_messages), _run, REFUSED, "still writing|no end"),
    "silence in the middle": (_never_acknowledges, _run, LOST, "did not answer within 0.2"),
    # Commands.
    "output without end": (_endless, _run, REFUSED, "longer than 300000 bytes; it was cut off"),
    "a trickle without end": (_trickles, _run, REFUSED, "after 1 seconds it was still writing"),
    "no mark": (_writes(b"hello\n"), _run, REFUSED, "did not say how it ended; it said: hello"),
    "nothing": (_writes(), _run, REFUSED, "did not say how it ended"),
    "a mark of another command": (
        _writes(b"lab-0123456789abcdef.0.0\n"),
        _run,
        REFUSED,
        "did not say how it ended",
    ),
    "a mark without a number": (_writes(marked=b"x"), _run, REFUSED, "did not say how it ended"),
    "a mark of an absurd number": (
        _writes(marked=b"9" * 5000),
        _run,
        REFUSED,
        "did not say how it ended",
    ),
    "binary": (_writes(bytes(range(256)) * 50), _run, REFUSED, "did not say how it ended"),
    # Files.
    "pull fails": (
        _sync(b"FAIL" + struct.pack("<I", 17) + b"Permission denied"),
        _pull,
        REFUSED,
        "reading /x: the phone refuses: Permission denied",
    ),
    "pull fails and never ends": (_fails_and_stays_open, _pull, REFUSED, "the phone refuses: no"),
    "pull fails in binary": (
        _sync(b"FAIL" + struct.pack("<I", 4) + b"\xff\x00\x1b["),
        _pull,
        REFUSED,
        "the phone refuses",
    ),
    "pull fails at length": (
        _sync(b"FAIL" + struct.pack("<I", 0xFFFFFFFF) + b"x"),
        _pull,
        LOST,
        "did not answer",
    ),
    "pull of absurd size": (
        _sync(b"DATA" + struct.pack("<I", 0xFFFFFFFF) + b"x" * 1000),
        _pull,
        LOST,
        "did not answer",
    ),
    "pull without end": (_endless_data, _pull, REFUSED, "longer than 100000 bytes; it was cut"),
    "other streams instead of a file": (
        _after_open(_other_streams),
        _pull,
        REFUSED,
        "answer has no end; it was cut off",
    ),
    "pull of an unknown answer": (
        _sync(b"WHAT" + struct.pack("<I", 0)),
        _pull,
        LOST,
        "does not keep to the adb protocol",
    ),
    "pull of a listing": (_endless_dent, _pull, LOST, "does not keep to the adb|ended the conn"),
    "pull of a STAT": (
        _sync(b"STAT" + struct.pack("<3I", 0o100644, 0xFFFFFFFF, 0)),
        _pull,
        LOST,
        "does not keep to the adb protocol|did not answer",
    ),
    "hangs up in a pull": (_hangs_up_in_sync, _pull, LOST, "ended the connection|gone"),
    "push fails": (
        _sync(b"FAIL" + struct.pack("<I", 21) + b"Read-only file system"),
        _push,
        REFUSED,
        "writing /x: the phone refuses: Read-only file system",
    ),
    "push is not acknowledged": (_never_acknowledges, _push, LOST, "did not answer"),
    "push is answered with nonsense": (
        _sync(b"\0" * 8),
        _push,
        LOST,
        "does not keep to the adb protocol",
    ),
}

LIMITED = {
    **dict.fromkeys(("never answers", "half a greeting", "greeting without end"), SHORT),
    **dict.fromkeys(("accepts no key", "refuses a stream", "silence in the middle"), SHORT),
    **dict.fromkeys(("pull fails at length", "pull of absurd size"), SHORT),
    "push is not acknowledged": SHORT,
    **dict.fromkeys(("empty messages", "a trickle without end"), IN_TIME),
    "pull fails and never ends": IN_TIME,
}
"""The limits of those that only a limit ends. The others must end without."""


@pytest.mark.parametrize("name", HOSTILE)
def test_what_no_phone_should_send_is_a_clear_error_in_time(
    name: str, keys: tuple[AdbKey, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shell_link, "MOST_OUTPUT", 300_000)
    script, act, expected, words = HOSTILE[name]
    with _linked(script, keys, LIMITED.get(name, LONG)) as link:
        with pytest.raises(expected, match=words) as caught, not_waiting():
            act(link)
        assert str(caught.value).isprintable()
        assert len(str(caught.value)) < 500


def test_there_are_thirty_of_them() -> None:
    assert len(HOSTILE) >= 30


def test_what_was_lost_stays_lost_until_it_is_asked_back(keys: tuple[AdbKey, ...]) -> None:
    calls = []

    def script(peer: Peer) -> None:
        calls.append(1)
        if len(calls) > 1:
            _writes(b"back\n", marked=b"0")(peer)

    with _linked(script, keys) as link:
        for _ in range(3):
            with pytest.raises(DeviceLost):
                _run(link)
        assert len(calls) == 1
        link.reconnect(CAP)
        assert link.shell("echo back") == "back\n"


def test_what_was_cut_off_does_not_spoil_what_comes_next(
    keys: tuple[AdbKey, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shell_link, "MOST_OUTPUT", 300_000)
    calls = []

    def script(peer: Peer) -> None:
        calls.append(1)
        (_endless if len(calls) == 1 else _writes(b"fine\n", marked=b"3"))(peer)

    with _linked(script, keys) as link:
        with pytest.raises(CommandRefused):
            _run(link)
        assert link.run("x", cap=LONG) == ("fine\n", 3)


def test_a_mark_in_the_output_of_a_command_is_none(keys: tuple[AdbKey, ...]) -> None:
    def script(peer: Peer) -> None:
        peer.opened()
        # As text in a line of its own, it would have to know the random word.
        peer.write(b"lab-00.0.0\n" + peer.service + b"\n" + peer.mark() + b".0.7\n")
        peer.end()

    with _linked(script, keys) as link:
        ran = link.run("x", cap=LONG)
        assert ran.code == 7
        assert ran.output.startswith("lab-00.0.0\n")


NASTY = bytes(range(1, 256)) + b"[ro.product.model]: [\x1b[2J" + b"\xff" * 500 + b"]\n"


@pytest.mark.parametrize(
    "output",
    [
        b"",
        b"\0" * 10_000,
        NASTY,
        b"[ro.product.model]: [" + b"A" * 300_000 + b"]\n",
        b"[ro.build.version.sdk]: [99999999999999999999]\n",
        b"[a]: [b]\n" * 50_000,
        b"[" * 200_000,
        b"uid=" + b"9" * 100_000,
        b"package:" + b"/" * 100_000,
    ],
)
def test_facts_of_a_liar_can_be_shown(keys: tuple[AdbKey, ...], output: bytes) -> None:
    def script(peer: Peer) -> None:
        service = peer.opened()
        # identify's own marks are inside the link's: each question gets the same answer.
        marks = [part.partition(b'"')[0] for part in service.split(b'echo "')[1:]]
        whole = b"".join(output + b"\n" + mark.replace(b"$?", b"0") + b"\n" for mark in marks)
        for at in range(0, len(whole), 200_000):
            peer.write(whole[at : at + 200_000])
        peer.end()
        _refuses_open_again(peer)

    with _linked(script, keys) as link:
        with not_waiting():
            facts = identify(link, "a.b")
        shown = (facts.serial, facts.model, facts.release, facts.fingerprint)
        assert all(text.isprintable() and len(text) <= 200 for text in shown)
        assert 0 <= facts.sdk <= 999


def _refuses_open_again(peer: Peer) -> None:
    """The APK is asked for, where its hash was not told."""
    peer.open_next()
    peer.taken()
    peer.write(b"FAIL" + struct.pack("<I", 2) + b"no")
    peer.closed()
    peer.wait()


def test_the_state_folder_keeps_the_key_for_its_owner_alone(tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path), "TRUSTPIN_LAB_STATE": str(tmp_path / "state")}
    first = find_keys(environ=environ)
    assert find_keys(environ=environ)[0].GetPublicKey() == first[0].GetPublicKey()
    assert first[0].path.stat().st_mode & 0o777 == 0o600
