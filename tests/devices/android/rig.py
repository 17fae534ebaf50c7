"""A virtual phone in this process, behind its adb daemon."""

from __future__ import annotations

from pathlib import Path

from lab.model.device import Endpoint
from lab.phone.android.adbd import Adbd
from lab.phone.android.system import AndroidSystem
from lab.phone.installed import make_screen
from lab.phone.state import PhoneState
from tests.phone.scripted import ScriptedSdk

HOME, ROGUE = "Home", "Café 1"


class Rig:
    """A phone with the networks ``Home``, which it has joined, and ``Café 1`` in reach."""

    def __init__(self, folder: Path, *, port: int = 0) -> None:
        self._air = folder / "air"
        self._air.mkdir(parents=True, exist_ok=True)
        for number, ssid in enumerate((HOME, ROGUE)):
            (self._air / f"{number}.json").write_text(
                f'{{"ssid": "{ssid}", "resolver": "127.0.0.1:53", '
                f'"gateway": "127.0.0.1:{number + 1}"}}'
            )
        self.phone = PhoneState(folder / "home", self._air, name="phone-1")
        self.screen = make_screen(self.phone, ScriptedSdk())
        self.system = AndroidSystem(self.phone, self.screen)
        self.phone.join(HOME)
        self.adbd = Adbd(self.system, port=port)

    @property
    def endpoint(self) -> Endpoint:
        return Endpoint("127.0.0.1", self.adbd.port)

    def restart_adbd(self) -> None:
        """End the daemon, with all connections, and start it anew on its port."""
        port = self.adbd.port
        self.adbd.close()
        self.adbd = Adbd(self.system, port=port)

    def close(self) -> None:
        self.adbd.close()
        self.screen.close()
