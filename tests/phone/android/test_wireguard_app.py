"""The WireGuard app without a tunnel of the kernel's: what it does when several ask at once."""

from __future__ import annotations

import contextlib
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lab.model.device import Endpoint
from lab.network.kernel.wireguard import Profile
from lab.network.wireguard import kept_keys, profile, tunnel
from lab.phone.android.wireguard_app import FOLDER, UP, WireGuardApp
from lab.phone.state import PhoneState


class Patient(WireGuardApp):
    """Gives others time, once it has taken a tunnel down, to get in between."""

    def __init__(self, phone: PhoneState) -> None:
        super().__init__(phone)
        self._both = threading.Barrier(2)

    def take_down(self) -> None:
        super().take_down()
        # Broken where nobody else is let in meanwhile.
        with contextlib.suppress(threading.BrokenBarrierError):
            self._both.wait(0.05)


def test_of_two_tunnels_that_are_brought_up_at_once_one_is_left(
    phone: PhoneState, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_: set[str] = set()

    class Client:
        resolver = Endpoint("127.0.0.1", 53)
        namespace = socket

        def __init__(self, name: str, _: Profile) -> None:
            self.name = name
            open_.add(name)

        def close(self) -> None:
            open_.remove(self.name)

    monkeypatch.setattr("lab.phone.android.wireguard_app.WireGuardClient", Client)
    keys = kept_keys(tmp_path / "keys.json")
    text = profile(tunnel(keys, Endpoint("127.0.0.1", 51820))).encode()
    for name in ("one", "other"):
        phone.files.write(f"{FOLDER}/{name}.conf", text)
    app = Patient(phone)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(app.receive, [UP, UP], ["one", "other"]))
    assert app.up is not None
    assert open_ == {app.up.name}
