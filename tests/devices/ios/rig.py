"""A virtual iPhone's lower half in this process: state, apps, lockdownd and usbmuxd, no screen that
anybody drives."""

from __future__ import annotations

import atexit
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from lab.devices.ios.reach import Reach
from lab.devices.ios.supervision import Supervisor
from lab.devices.ios.usbmux import Usbmux
from lab.phone.ios.app_shelf import AppShelf
from lab.phone.ios.apps import BUILT_IN
from lab.phone.ios.installed import make_screen
from lab.phone.ios.lockdown import Lockdownd
from lab.phone.ios.lockdown.frames import FrameBuffer
from lab.phone.ios.phone import IPhone
from lab.phone.ios.screen import IPhoneScreen
from lab.phone.ios.services import make_services
from lab.phone.ios.state import IPhoneState
from lab.phone.ios.usbmux import Usbmuxd
from lab.phone.sdk.client import ReferenceClient


@dataclass(frozen=True)
class Rig:
    """An iPhone on a cable, and the way to it."""

    state: IPhoneState
    screen: IPhoneScreen
    usbmux: Usbmux
    reach: Reach
    supervisor: Supervisor | None


def make_supervisor() -> Supervisor:
    """Return an identity that is good for a day."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Desk")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(days=1))
    builder = builder.not_valid_after(now + timedelta(days=1))
    return Supervisor(builder.sign(key, hashes.SHA256()), key)


_KEYS = ("computer", "phone/files/private/var/root/Library/Lockdown")
"""Where the keys are that phone and computer know each other by; they take a while to make."""
_paired: dict[str, Path] = {}
_folders = ExitStack()
atexit.register(_folders.close)


@contextmanager
def iphone(folder: Path, *, supervised: bool = True, name: str = "desk") -> Iterator[Rig]:
    """Run an iPhone for the length of the block."""
    supervisor = make_supervisor() if supervised else None
    with ExitStack() as stack:
        if name in _paired:
            for part in _KEYS:
                shutil.copytree(_paired[name] / part, folder / part)
        air = folder / "air"
        air.mkdir(parents=True, exist_ok=True)
        supervisors = () if supervisor is None else (supervisor.der,)
        state = IPhoneState(folder / "phone", air, name=name, supervisors=supervisors)
        screen = make_screen(state, ReferenceClient)
        stack.callback(screen.close)
        apps = AppShelf(state.kept, screen, BUILT_IN, state.open_process)
        phone = IPhone(state, apps, FrameBuffer(state.now))
        lockdownd = Lockdownd(phone, make_services(phone))
        stack.callback(lockdownd.close)
        usbmuxd = Usbmuxd(folder / "computer")
        stack.callback(usbmuxd.close)
        usbmuxd.attach(lockdownd, paired=True)
        usbmux = Usbmux(f"127.0.0.1:{usbmuxd.port}")
        reach = Reach(usbmux, state.udid)
        stack.callback(reach.close)
        if name not in _paired:
            reach.values()
            _paired[name] = Path(_folders.enter_context(TemporaryDirectory()))
            for part in _KEYS:
                shutil.copytree(folder / part, _paired[name] / part)
        yield Rig(state, screen, usbmux, reach, supervisor)
