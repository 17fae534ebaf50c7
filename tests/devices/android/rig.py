"""A virtual phone in this process, behind its adb daemon."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cryptography import x509

from lab.model.device import Endpoint
from lab.phone.android.access import RootMode
from lab.phone.android.adbd import Adbd
from lab.phone.android.system import AndroidSystem
from lab.phone.installed import make_screen
from lab.phone.state import PhoneState
from tests.patience import CAP
from tests.phone.scripted import ScriptedSdk

HOME, ROGUE = "Home", "Café 1"


class Rig:
    """A phone with the networks ``Home``, which it has joined, and ``Café 1`` in reach."""

    def __init__(
        self,
        folder: Path,
        *,
        android: str = "14",
        root: RootMode = RootMode.ADBD,
        factory: Sequence[x509.Certificate] = (),
    ) -> None:
        air = folder / "air"
        air.mkdir(parents=True, exist_ok=True)
        for number, ssid in enumerate((HOME, ROGUE)):
            (air / f"{number}.json").write_text(
                f'{{"ssid": "{ssid}", "resolver": "127.0.0.1:53", '
                f'"gateway": "127.0.0.1:{number + 1}"}}'
            )
        self.phone = PhoneState(folder / "home", air, name="phone-1", factory_anchors=factory)
        self.screen = make_screen(self.phone, ScriptedSdk())
        self.system = AndroidSystem(self.phone, self.screen, android=android, root=root)
        self.phone.join(HOME)
        self.adbd = Adbd(self.system)

    @property
    def endpoint(self) -> Endpoint:
        return Endpoint("127.0.0.1", self.adbd.port)

    def restart_adbd(self) -> None:
        """End the daemon, with all connections, and start it anew on its port."""
        port = self.adbd.port
        self.adbd.close()
        self.adbd = Adbd(self.system, port=port)

    def reboot(self) -> None:
        """Restart the phone, and wait until it is up."""
        self.system.boot.down_time = 0.05
        self.system.boot.reboot()
        assert self.system.boot.wait(CAP)

    def trusted_by(self, package: str, *, user: bool = False) -> tuple[bytes, ...]:
        """Return what an app's process trusts; the user's as well where ``user`` says so."""
        return self.phone.open_process(package).trust_anchors(user)

    def close(self) -> None:
        self.adbd.close()
        self.screen.close()
