"""The iPhone's log, as com.apple.syslog_relay sends it: from the moment that it is listened to."""

from __future__ import annotations

import re
import threading
import time
from collections import deque
from itertools import islice

from lab.devices.ios.reach import Reach
from lab.devices.ios.service import Service
from lab.devices.journal_entry import shown
from lab.model.device import DeviceLost, LoggedLine

SERVICE = "com.apple.syslog_relay"
MAX_LINES = 20_000
LONGEST = 16 * 1024
"""Bytes of a line; a longer one is cut."""
QUIET = 0.3
"""Seconds without a line after which what was said is taken to have arrived."""
CAP = 3.0
"""Seconds to wait for that; a real phone never says nothing."""
FIRST = 2.0
"""Seconds to wait for the first line: what is said before the relay listens is not told."""

_PART = 64 * 1024
_LISTEN = 0.5
_LINE = re.compile(
    r"(?P<at>\w{3} +\d{1,2} \d\d:\d\d:\d\d) \S+ (?P<process>[^\[]{1,200})\[(?P<pid>\d+)\] "
    r"<(?P<level>\w+)>: (?P<text>.*)",
    re.DOTALL,
)


class DeviceLog:
    """Listens to the log from the first ``moment`` on. Methods raise DeviceLost, CommandRefused."""

    def __init__(self, reach: Reach) -> None:
        self._reach = reach
        self._arrived = threading.Condition()
        self._lines: deque[LoggedLine] = deque(maxlen=MAX_LINES)
        self._count = 0
        self._service: Service | None = None
        self._heard = False
        self._ended = ""

    def moment(self) -> str:
        """Return the log's now, for ``lines``."""
        with self._arrived:
            if self._service is None or self._ended:
                self._begin()
                # That it is connected does not say that it listens.
                self._arrived.wait_for(lambda: self._heard or self._ended, FIRST)
            return str(self._count)

    def lines(self, since: str) -> tuple[LoggedLine, ...]:
        """Return what the log says since a ``moment``, once it has been quiet for a while.

        The relay has no mark that could be waited for: what comes later than that is missed.
        """
        deadline = time.monotonic() + CAP
        with self._arrived:
            while not self._ended and (left := deadline - time.monotonic()) > 0:
                if not self._arrived.wait(min(QUIET, left)):
                    break
            if self._ended:
                raise DeviceLost(self._ended)
            new = max(0, min(self._count - int(since), len(self._lines)))
            return tuple(islice(self._lines, len(self._lines) - new, None))

    def close(self) -> None:
        """Listen no longer. May be repeated."""
        service, self._service = self._service, None
        if service is not None:
            service.close()

    def _begin(self) -> None:
        self.close()
        service = self._service = self._reach.open(SERVICE)
        self._heard, self._ended = False, ""
        threading.Thread(target=self._listen, args=(service,), daemon=True).start()

    def _listen(self, service: Service) -> None:
        waiting = bytearray()
        while self._service is service:
            try:
                part = service.take(_PART, _LISTEN)
            except TimeoutError:
                continue
            except DeviceLost as error:
                part, ended = b"", str(error)
            else:
                ended = "the iPhone ended its log"
            if not part:
                with self._arrived:
                    if self._service is service:
                        self._ended = ended
                    self._arrived.notify_all()
                return
            waiting += part
            *lines, rest = bytes(waiting).split(b"\0")
            waiting = bytearray(rest[-LONGEST:])
            with self._arrived:
                self._heard = self._heard or bool(lines)
                for raw in lines:
                    line = read_line(raw[:LONGEST])
                    if line is not None:
                        self._lines.append(line)
                        self._count += 1
                self._arrived.notify_all()


def read_line(raw: bytes) -> LoggedLine | None:
    """Read a line of the relay; None for what is none."""
    match = _LINE.fullmatch(raw.decode("utf-8", "replace").strip("\r\n"))
    if match is None:
        return None
    try:
        # The relay leaves the year out; only differences of times mean anything.
        at = time.mktime(time.strptime(f"2000 {match['at']}", "%Y %b %d %H:%M:%S"))
    except (ValueError, OverflowError):
        return None
    return LoggedLine(at, shown(match["process"]), shown(match["text"]))
