"""``com.apple.syslog_relay``: the phone's log, as it grows."""

from __future__ import annotations

from datetime import UTC, datetime

from lab.phone.ios.lockdown.handset import Handset
from lab.phone.ios.lockdown.wire import Wire
from lab.phone.logcat import LogLine

LOOK = 0.5
"""Seconds after which it is looked whether the client is still there."""
STARTED = "spawned com.apple.syslog_relay"
LEVELS = {"V": "Debug", "D": "Debug", "I": "Notice", "W": "Warning", "E": "Error"}
"""What the phone's levels are called by syslog."""


class SyslogRelay:
    """The service. What was logged before the connection is not told.

    A real phone is never silent for long, which tells a client that it is listened for him; this
    one says so once.
    """

    def __init__(self, handset: Handset) -> None:
        self._handset = handset

    def __call__(self, wire: Wire) -> None:
        log = self._handset.logcat
        count = log.written
        self._send(wire, LogLine(self._handset.now(), "lockdownd", "I", STARTED))
        while not wire.ended():
            count, lines = log.since(count, LOOK)
            if lines:
                self._send(wire, *lines)

    def _send(self, wire: Wire, *lines: LogLine) -> None:
        name = self._handset.values("").get("DeviceName")
        wire.send(b"".join(_written(line, str(name or "iPhone")) for line in lines))


def _written(line: LogLine, device: str) -> bytes:
    """Return a line as syslog_relay sends it: with a newline and a NUL behind it."""
    when = datetime.fromtimestamp(line.at, UTC)
    # In the way of ctime(3): the day of the month is filled up with a blank.
    stamp = f"{when:%b} {when.day:2} {when:%H:%M:%S}"
    host = device.replace(" ", "-")
    level = LEVELS.get(line.letter, "Notice")
    said = f"{stamp} {host} {line.tag}[{line.pid}] <{level}>: {line.message}"
    return said.replace("\0", "").encode("utf-8", "replace") + b"\n\0"
