"""Android's system properties: what the phone is, and what its services say of themselves."""

from __future__ import annotations

import json
import re
import threading
from typing import TYPE_CHECKING

from lab.phone.android.access import RootMode
from lab.phone.files import FileError
from lab.phone.node import DENSITY

if TYPE_CHECKING:
    from lab.phone.android.system import AndroidSystem

MAX_VALUE = 91
"""Bytes of a value (AOSP, ``PROP_VALUE_MAX`` less one)."""
MAX_SET = 500
"""Properties that somebody has set."""
FILE = "/data/property/persistent_properties.json"
"""Where those that begin with ``persist.`` outlive a reboot."""
BRAND, MANUFACTURER, MODEL, DEVICE = "TrustPinLab", "TrustPin MITM Lab", "VirtualPhone", "virtual"
ABI = "arm64-v8a"

_NAME = re.compile(r"[A-Za-z0-9_@:-][A-Za-z0-9_.@:-]{0,199}", re.ASCII)
_ANYBODYS = "debug.", "log.", "persist.log.tag", "persist.debug.", "sys.powerctl"
"""How those begin that the shell may set without root."""
_FIXED = "ro.", "persist.sys.timezone", "init.svc."
"""How those begin that nobody can set: they tell what is so."""


class Properties:
    """The properties. May be used from any thread."""

    def __init__(self, system: AndroidSystem) -> None:
        self._system = system
        self._lock = threading.Lock()
        self._set: dict[str, str] = self._kept()

    def all(self) -> dict[str, str]:
        """Return every property that has a value."""
        return {**self._set, **self._told()}

    def get(self, name: str) -> str:
        """Return a property's value; empty where it has none."""
        return self.all().get(name, "")

    def set(self, name: str, value: str, *, root: bool) -> bool:
        """Set a property, and tell whether it was; ``root`` says whether root does it."""
        fits = _NAME.fullmatch(name) and len(value.encode("utf-8", "replace")) <= MAX_VALUE
        if not fits or name in self._told() or name.startswith(_FIXED):
            return False
        if not root and not name.startswith(_ANYBODYS):
            return False
        with self._lock:
            if name not in self._set and len(self._set) == MAX_SET:
                return False
            self._set = {**self._set, name: value}
            self._keep()
        return True

    def restart(self) -> None:
        """Forget what does not outlive a reboot."""
        with self._lock:
            self._set = self._kept()

    def _told(self) -> dict[str, str]:
        """Return the properties that tell of the phone as it is."""
        system, version = self._system, self._system.version
        debuggable = system.root.debuggable
        build_type, tags = ("userdebug", "dev-keys") if debuggable else ("user", "release-keys")
        locked = system.root is RootMode.NONE
        product = f"{BRAND}/{DEVICE}/{DEVICE}"
        incremental = version.security_patch.replace("-", "")
        fingerprint = (
            f"{product}:{version.release}/{version.build}/{incremental}:{build_type}/{tags}"
        )
        return {
            "gsm.sim.state": "ABSENT",
            "init.svc.adbd": "running",
            "init.svc.bootanim": "stopped",
            "persist.sys.locale": "en-US",
            "persist.sys.timezone": "UTC",
            "ro.boot.flash.locked": str(int(locked)),
            "ro.boot.verifiedbootstate": "green" if locked else "orange",
            "ro.build.characteristics": "default",
            "ro.build.date.utc": "1696464000",
            "ro.build.display.id": f"{version.build} {build_type}",
            "ro.build.fingerprint": fingerprint,
            "ro.build.id": version.build,
            "ro.build.tags": tags,
            "ro.build.type": build_type,
            "ro.build.version.codename": "REL",
            "ro.build.version.incremental": incremental,
            "ro.build.version.release": version.release,
            "ro.build.version.sdk": str(version.sdk),
            "ro.build.version.security_patch": version.security_patch,
            "ro.crypto.state": "encrypted",
            "ro.debuggable": str(int(debuggable)),
            "ro.hardware": DEVICE,
            "ro.product.brand": BRAND,
            "ro.product.cpu.abi": ABI,
            "ro.product.cpu.abilist": ABI,
            "ro.product.device": DEVICE,
            "ro.product.locale": "en-US",
            "ro.product.manufacturer": MANUFACTURER,
            "ro.product.model": MODEL,
            "ro.product.name": DEVICE,
            "ro.secure": "1",
            "ro.serialno": system.phone.name,
            "ro.sf.lcd_density": str(DENSITY),
            "ro.zygote": "zygote64",
            **({"sys.boot_completed": "1"} if system.boot.completed else {}),
        }

    def _kept(self) -> dict[str, str]:
        try:
            read = json.loads(self._system.phone.files.read(FILE))
        except (FileError, ValueError, RecursionError):
            return {}
        items = read.items() if isinstance(read, dict) else ()
        return {
            name: value
            for name, value in list(items)[:MAX_SET]
            if isinstance(value, str) and _NAME.fullmatch(name)
        }

    def _keep(self) -> None:
        kept = {name: value for name, value in self._set.items() if name.startswith("persist.")}
        self._system.phone.files.write(FILE, json.dumps(kept).encode(), mode=0o600)
