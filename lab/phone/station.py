"""The phone's Wi-Fi: on or off, which networks it knows, and the one that it has joined."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from lab.model.device import Network
from lab.phone.kept import Json, Kept
from lab.phone.means import Wire
from lab.phone.radio import Radio
from lab.phone.wifi import MAX_SSID, SavedNetwork, SavedNetworks, in_reach

_ENABLED, _SAVED, _NEXT = "wifi enabled", "wifi saved", "wifi next id"

Log = Callable[[str, str], None]
"""Writes a line to the phone's log: its level and its message."""

Joined = Callable[[Network | None, Wire | None], None]
"""Takes the network that was joined, and the way there where that is the kernel's."""


class Station:
    """Joins networks of the folder ``air``, by itself those that it knows. Remembers them in
    ``kept``. May be used from any thread.

    ``joined`` is told of each change of the network that the phone has joined. ``radio`` joins
    those to which the phone has an interface of its own.
    """

    def __init__(
        self, air: Path, kept: Kept, joined: Joined, log: Log, radio: Radio | None = None
    ) -> None:
        self._air = air
        self._kept = kept
        self._tell = joined
        self._log = log
        self._radio = radio
        self._lock = threading.RLock()
        before = kept.load()
        saved = before.get(_SAVED)
        next_id = before.get(_NEXT)
        self.saved = SavedNetworks(
            [n for each in saved if (n := _network(each))] if isinstance(saved, list) else (),
            next_id if isinstance(next_id, int) else 0,
        )
        self._enabled = before.get(_ENABLED) is not False
        self._joined: tuple[SavedNetwork, Network] | None = None

    @property
    def enabled(self) -> bool:
        """Whether Wi-Fi is on."""
        return self._enabled

    @property
    def joined(self) -> SavedNetwork | None:
        """The network that the phone has joined."""
        return None if self._joined is None else self._joined[0]

    def access_points(self) -> list[Network]:
        """Return what a scan finds."""
        if not self._enabled:
            return []
        found, complaints = in_reach(self._air)
        for complaint in complaints:
            self._log("WARN", complaint)
        return found

    def enable(self, on: bool) -> None:
        """Turn Wi-Fi on or off."""
        with self._lock:
            self._enabled = on
            self._kept.set(_ENABLED, on)
            if not on:
                self._change(None)
        self.look()

    def join(self, ssid: str, security: str = "open", *, auto_join: bool = True) -> bool:
        """Join a network and remember it; False where none of that name is in reach, it does not
        let the phone in, or there is no room to remember it."""
        with self._lock:
            network = next((n for n in self.access_points() if n.ssid == ssid), None)
            if network is None:
                return False
            try:
                saved = self.saved.save(ssid, security, auto_join=auto_join)
            except ValueError as error:
                self._log("WARN", str(error))
                return False
            self._keep()
            return self._change((saved, network))

    def remember(self, ssid: str, security: str = "open", *, auto_join: bool = True) -> None:
        """Know a network that need not be in reach; it is joined by itself where nothing else
        is."""
        with self._lock:
            try:
                self.saved.save(ssid, security, auto_join=auto_join)
            except ValueError as error:
                self._log("WARN", str(error))
                return
            self._keep()
        self.look()

    def leave(self) -> None:
        """Leave the network that is joined; it is known as before."""
        with self._lock:
            self._change(None)

    def forget(self, network_id: int) -> bool:
        """Forget a saved network, and leave it for another; False where there is no such id."""
        with self._lock:
            gone = self.saved.forget(network_id)
            if gone is None:
                return False
            self._keep()
            if self.joined is not None and self.joined.id == network_id:
                self._change(None)
        self.look()
        return True

    def look(self) -> None:
        """Where nothing is joined, join what is known and in reach: the latest joined first."""
        with self._lock:
            if self._joined is not None or not self._enabled:
                return
            known = [each for each in self.saved.by_age() if each.auto_join]
            if not known:
                return
            found = {network.ssid: network for network in reversed(self.access_points())}
            for saved in reversed(known):
                if saved.ssid in found and self._change((saved, found[saved.ssid])):
                    return

    def _change(self, joined: tuple[SavedNetwork, Network] | None) -> bool:
        """Leave what is joined for another network, or for none; False where that does not let
        the phone in."""
        wire = None
        try:
            if self._radio is not None:
                self._radio.leave()
                if joined is not None and joined[1].interface is not None:
                    wire = self._radio.join(joined[1].interface)
        except OSError as error:
            self._log("WARN", str(error))
            joined = None
        is_in = joined is not None
        self._joined = joined
        self._tell(None if joined is None else joined[1], wire)
        if joined is not None:
            self._log("INFO", f'joined "{joined[0].ssid}"')
        return is_in

    def _keep(self) -> None:
        self._kept.set(_NEXT, self.saved.next_id)
        saved: list[Json] = [
            [each.id, each.ssid, each.security, each.auto_join] for each in self.saved.by_age()
        ]
        self._kept.set(_SAVED, saved)


def _network(told: Json) -> SavedNetwork | None:
    """Read a network that was kept; None for what is none."""
    if not isinstance(told, list) or len(told) != 4:
        return None
    id, ssid, security, auto_join = told
    if not (isinstance(id, int) and isinstance(ssid, str) and isinstance(security, str)):
        return None
    if not 0 < len(ssid.encode("utf-8", "replace")) <= MAX_SSID:
        return None
    return SavedNetwork(id, ssid, security, auto_join is True)
