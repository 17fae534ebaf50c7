"""A virtual phone that nobody's run has started, and what there is to see on it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lab.devices.android.clock import ClockItem
from lab.devices.android.root import RootShell
from lab.devices.android.shell_link import tcp_link
from lab.devices.phone_process import PhoneProcess
from lab.devices.virtual import put_on_air
from lab.model.device import Endpoint, Network

SEEN: Mapping[str, str] = {
    "global settings": "settings list global",
    "secure settings": "settings list secure",
    "system settings": "settings list system",
    "Wi-Fi": "cmd wifi status",
    "saved networks": "cmd wifi list-networks",
    "apps": "pm list packages --show-versioncode",
    "mounts of init": "cat /proc/1/mounts",
    "mounts of zygote": "cat /proc/$(pidof zygote64)/mounts",
    "system store": "cd /system/etc/security/cacerts && sha256sum *",
    "apex store": "cd /apex/com.android.conscrypt/cacerts && sha256sum *",
    "user store": "cd /data/misc/user/0/cacerts-added && sha256sum *",
    "removed": "ls /data/misc/user/0/cacerts-removed",
    "rules": "iptables-save",
    "files": "find /data/local/tmp /sdcard -type f",
}
"""What a run must leave as it was."""
CLOSE = 2.0
"""Seconds by which the clock may differ."""


@dataclass(frozen=True)
class Standing:
    """The phone, and where a run finds it."""

    process: PhoneProcess
    air: Path

    @property
    def adb(self) -> Endpoint:
        return Endpoint("127.0.0.1", self.process.adb_port)

    def entry(self, device_id: str = "standing", **more: object) -> dict[str, object]:
        """Return its entry in devices.yaml."""
        return {
            "id": device_id,
            "platform": "android",
            "adb": {"tcp": str(self.adb)},
            "appium": {"direct": f"http://127.0.0.1:{self.process.port}"},
            "browser": "com.android.browser",
            "routes": {"proxy": "lan", "air": str(self.air)},
            **more,
        }

    def seen(self) -> dict[str, object]:
        """Return all that a run could have changed."""
        link = tcp_link(self.adb, lambda: ())
        try:
            told: dict[str, object] = {what: link.run(c).output for what, c in SEEN.items()}
            told["clock"] = ClockItem(RootShell(link)).read()
        finally:
            link.close()
        return told

    def pull(self, path: str) -> bytes:
        """Return a file of it."""
        link = tcp_link(self.adb, lambda: ())
        try:
            return link.pull(path, limit=16 << 20)
        finally:
            link.close()

    def shell(self, command: str) -> str:
        """Run a command on it."""
        link = tcp_link(self.adb, lambda: ())
        try:
            return link.shell(command)
        finally:
            link.close()


def differences(
    before: dict[str, object], now: dict[str, object]
) -> dict[str, tuple[object, object]]:
    """Return what is not as it was, by its name."""
    found = {what: (before[what], now[what]) for what in before if before[what] != now[what]}
    clock, clock_now = before["clock"], now["clock"]
    assert isinstance(clock, dict)
    assert isinstance(clock_now, dict)
    close = abs(clock["offset"] - clock_now["offset"]) <= CLOSE
    if close and clock["auto_time"] == clock_now["auto_time"]:
        found.pop("clock", None)
    return found


@contextmanager
def standing_phone(folder: Path, **options: str) -> Iterator[Standing]:
    """Start a phone in a folder of its own, with a network that it has joined, an HTTP proxy of
    its owner's and a CA of its user's."""
    air = folder / "air"
    air.mkdir(parents=True)
    nowhere = Endpoint("127.0.0.1", 9)
    put_on_air(air, Network("Owner's own", nowhere, nowhere))
    arguments = ["--name", options.pop("name", "standing"), "--adb-keys", "open"]
    arguments += ["--sdk", options.pop("sdk", "lab.phone.sdk.client:ReferenceClient")]
    arguments += ["--home", str(folder / "phone"), "--air", str(air)]
    for name, value in options.items():
        arguments += [f"--{name}", value]
    process = PhoneProcess(arguments)
    phone = Standing(process, air)
    try:
        phone.shell('cmd wifi connect-network "Owner\'s own" open')
        phone.shell("settings put global http_proxy 192.0.2.1:3128")
        if options.get("root") != "none":
            phone.shell(f"settings put global auto_time 0; date @{time.time() + 90:.0f}")
        yield phone
    finally:
        process.end()


def devices_file(folder: Path, *entries: dict[str, object]) -> Path:
    """Write a devices.yaml (JSON is YAML)."""
    file = folder / "devices.yaml"
    file.write_text(json.dumps({"devices": entries}), encoding="utf-8")
    return file
