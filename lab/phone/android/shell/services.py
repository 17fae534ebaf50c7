"""Commands that set up a phone for a test: services that are asked for one thing or another."""

from __future__ import annotations

from collections.abc import Sequence

from lab.phone.android.screen_lock import ScreenLock
from lab.phone.android.shell.arguments import first, take
from lab.phone.android.shell.process import EXIT_USAGE, CommandFailed, Process
from lab.phone.android.shell.wifi import enable
from lab.phone.node import DENSITY, HEIGHT, WIDTH

Rest = Sequence[str]

SERVICES = {
    "activity": "android.app.IActivityManager",
    "battery": "",
    "bluetooth_manager": "android.bluetooth.IBluetoothManager",
    "connectivity": "android.net.IConnectivityManager",
    "deviceidle": "android.os.IDeviceIdleController",
    "display": "android.hardware.display.IDisplayManager",
    "input_method": "com.android.internal.view.IInputMethodManager",
    "lock_settings": "com.android.internal.widget.ILockSettings",
    "notification": "android.app.INotificationManager",
    "package": "android.content.pm.IPackageManager",
    "power": "android.os.IPowerManager",
    "statusbar": "com.android.internal.statusbar.IStatusBarService",
    "wifi": "android.net.wifi.IWifiManager",
    "window": "android.view.IWindowManager",
}
"""Names and interfaces of the services that there are."""

_STAY_ON = {"true": "7", "false": "0", "ac": "1", "usb": "2", "wireless": "4"}
"""``BatteryManager.BATTERY_PLUGGED_...``, all of them for ``true``."""


def notification(process: Process, rest: Rest) -> int:
    """Allow somebody to hear of notifications: this phone has none. Raises CommandFailed."""
    name, rest = first(rest)
    if name not in ("allow_listener", "disallow_listener", "allow_dnd", "disallow_dnd"):
        raise CommandFailed(f"Unknown command: {name}", EXIT_USAGE)
    component = rest[0] if rest else ""
    if process.system.packages.get(component.partition("/")[0]) is None:
        raise CommandFailed(f"Error: no such component: {component[:200]}", EXIT_USAGE)
    return 0


def statusbar(process: Process, rest: Rest) -> int:
    """Open and close what comes down from the top: nothing does. Raises CommandFailed."""
    name, _ = first(rest)
    if name not in ("collapse", "expand-notifications", "expand-settings"):
        raise CommandFailed(f"Unknown command: {name}", EXIT_USAGE)
    return 0


def lock_settings(process: Process, rest: Rest) -> int:
    """Ask for the screen lock, or change it. Raises CommandFailed."""
    name, rest = first(rest)
    found, given = take(rest, ("--old", "--user"), ())
    lock = ScreenLock(process.phone.files)
    if name == "get-disabled":
        process.out.line(str(not lock.is_set).lower())
        return 0
    if name not in ("verify", "set-pin", "clear"):
        raise CommandFailed(f"Unknown command: {name}", EXIT_USAGE)
    if not lock.fits(found.get("--old", "")):
        process.out.line("Old password provided but didn't match" if "--old" in found else _NO_OLD)
        return EXIT_USAGE
    if name == "verify":
        process.out.line("Lock credential verified successfully")
    elif name == "clear":
        lock.clear()
        process.out.line("Lock credential cleared")
    else:
        pin, _ = first(given)
        try:
            lock.set(pin)
        except ValueError as error:
            raise CommandFailed(f"Error: {error}", EXIT_USAGE) from None
        process.out.line(f"Pin set to '{pin}'")
    return 0


_NO_OLD = "Old password not provided but expected"


def _appops(process: Process) -> int:
    """Allow an app something: no app of this phone asks for a permission, so that is all."""
    name, rest = first(process.arguments)
    if name not in ("set", "get", "reset"):
        raise CommandFailed(f"Unknown command: {name}", EXIT_USAGE)
    _, given = take(rest, ("--user", "--uid"), ())
    if name == "set" and len(given) != 3:
        raise CommandFailed("Error: usage: appops set PACKAGE OP MODE", EXIT_USAGE)
    if given and process.system.packages.get(given[0]) is None:
        raise CommandFailed(f"Error: No UID for {given[0][:200]} in user 0", EXIT_USAGE)
    if name == "get":
        process.out.line("No operations.")
    return 0


def _svc(process: Process) -> int:
    service, rest = first(process.arguments)
    verb, rest = first(rest)
    if (service, verb) == ("power", "stayon"):
        return _stay_on(process, rest)
    if (service, verb) == ("power", "reboot"):
        process.system.boot.reboot()
        return 0
    if service == "wifi" and verb in ("enable", "disable"):
        enable(process, verb == "enable")
        return 0
    raise CommandFailed("usage: svc power stayon|reboot ..., svc wifi enable|disable")


def _stay_on(process: Process, rest: Rest) -> int:
    name, _ = first(rest)
    if name not in _STAY_ON:
        raise CommandFailed("usage: svc power stayon true|false|usb|ac|wireless", EXIT_USAGE)
    process.phone.put_setting("global", "stay_on_while_plugged_in", _STAY_ON[name])
    if name != "false":
        process.system.power.awake = True
    return 0


def _wm(process: Process) -> int:
    name, rest = first(process.arguments)
    if name == "dismiss-keyguard":
        # There is none: the phone is not locked, whether or not it has a PIN.
        return 0
    if rest or name not in ("size", "density"):
        raise CommandFailed("Error: this phone's 'wm' tells size and density", EXIT_USAGE)
    process.out.line(
        f"Physical size: {WIDTH}x{HEIGHT}" if name == "size" else f"Physical density: {DENSITY}"
    )
    return 0


def _service(process: Process) -> int:
    name, rest = first(process.arguments)
    if name == "list":
        process.out.line(f"Found {len(SERVICES)} services:")
        for number, (service, interface) in enumerate(sorted(SERVICES.items())):
            process.out.line(f"{number}\t{service}: [{interface}]")
    elif name == "check" and len(rest) == 1:
        found = "found" if rest[0] in SERVICES else "not found"
        process.out.line(f"Service {rest[0]}: {found}")
    else:
        raise CommandFailed("usage: service list | service check SERVICE", 10)
    return 0


COMMANDS = {"appops": _appops, "service": _service, "svc": _svc, "wm": _wm}
