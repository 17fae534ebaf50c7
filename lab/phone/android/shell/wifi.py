"""``cmd wifi``: joining and leaving networks (Android 11 and later)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from lab.phone.android.shell.arguments import command_of
from lab.phone.android.shell.process import EXIT_USAGE, CommandFailed, Process
from lab.phone.wifi import MAX_SSID, SavedNetwork

SINCE = 30
"""API level."""
_SHOWN = {"open": "open", "owe": "owe", "wpa2": "wpa2-psk", "wpa3": "wpa3-sae"}
"""Ways to secure a network, and what a list calls them."""
_NEEDS_PASSPHRASE = frozenset({"wpa2", "wpa3"})
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2}){1,32}")


def wifi(process: Process, arguments: list[str]) -> int:
    """Carry out ``cmd wifi`` with these arguments. Raises CommandFailed."""
    if process.system.version.sdk < SINCE:
        raise CommandFailed("No shell command implementation.", EXIT_USAGE)
    name, rest = (arguments[0], arguments[1:]) if arguments else ("help", [])
    command_of(_WIFI, name, "'cmd wifi'")(process, rest)
    return 0


def enable(process: Process, on: bool) -> None:
    """Turn Wi-Fi on or off."""
    process.phone.station.enable(on)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What ``connect-network`` and ``add-network`` are told."""

    ssid: str
    security: str
    auto_join: bool


def _status(process: Process, _: list[str]) -> None:
    station = process.phone.station
    joined = station.joined
    if not station.enabled:
        process.print_lines(["Wifi is disabled", "Wifi scanning is only available when wifi is on"])
        return
    process.print_lines(
        [
            "Wifi is enabled",
            "Wifi scanning is always available",
            "==== Primary ClientModeManager instance ====",
            "Wifi is not connected" if joined is None else f'Wifi is connected to "{joined.ssid}"',
        ]
    )


def _wanted(name: str, arguments: list[str]) -> _Wanted:
    """Read the arguments of ``connect-network`` (AOSP, WifiShellCommand). Raises
    CommandFailed."""
    if len(arguments) < 2:
        raise CommandFailed(
            f"Error: {name} needs <ssid> open|owe|wpa2|wpa3 [<passphrase>]", EXIT_USAGE
        )
    (ssid, security), rest = arguments[:2], arguments[2:]
    if security not in _SHOWN:
        raise CommandFailed(f"Error: Unknown network type {security}", EXIT_USAGE)
    if security in _NEEDS_PASSPHRASE:
        if not rest:
            raise CommandFailed(f"Error: {security} needs a passphrase", EXIT_USAGE)
        # This phone's access points ask for none.
        del rest[0]
    flags = set()
    while rest:
        option = rest.pop(0)
        if option in ("-b", "-r", "-p") and rest:
            rest.pop(0)
        elif option in ("-x", "-m", "-d", "-h", "-a", "-s", "-u", "-o"):
            flags.add(option)
        else:
            raise CommandFailed(f"Error: Unknown option: {option[:40]}", EXIT_USAGE)
    if "-x" in flags:
        if _HEX.fullmatch(ssid) is None:
            raise CommandFailed(f"Error: {ssid[:80]} is no SSID in hex digits", EXIT_USAGE)
        ssid = bytes.fromhex(ssid).decode("utf-8", "replace")
    if not 0 < len(ssid.encode("utf-8", "replace")) <= MAX_SSID or not ssid.isprintable():
        raise CommandFailed(f"Error: no SSID: {ssid[:80]!r}", EXIT_USAGE)
    return _Wanted(ssid, security, "-d" not in flags)


def _connect(process: Process, arguments: list[str]) -> None:
    wanted = _wanted("connect-network", arguments)
    station = process.phone.station
    if not station.enabled:
        raise CommandFailed("Connection failed: Wi-Fi is disabled")
    if not station.join(wanted.ssid, wanted.security, auto_join=wanted.auto_join):
        raise CommandFailed(f'Connection failed: no network "{wanted.ssid}" in reach')
    process.out.line("Connection initiated ")


def _list(process: Process, _: list[str]) -> None:
    saved = process.phone.saved_networks.items()
    if not saved:
        process.out.line("No networks")
        return
    process.out.line("Network Id      SSID                         Security type")
    process.print_lines(map(_listed, saved))


def _listed(network: SavedNetwork) -> str:
    return f"{network.id:<12} {network.ssid:<32} {_SHOWN[network.security]:<4}"


def _forget(process: Process, arguments: list[str]) -> None:
    if len(arguments) != 1 or not arguments[0].isascii() or not arguments[0].isdigit():
        raise CommandFailed("Error: forget-network needs <networkId>", EXIT_USAGE)
    number = int(arguments[0][:9])
    if not process.phone.forget(number):
        raise CommandFailed("Forget failed with reason code: 2")
    process.out.line("Forget successful")


def _set_enabled(process: Process, arguments: list[str]) -> None:
    if arguments not in (["enabled"], ["disabled"]):
        raise CommandFailed("Error: set-wifi-enabled needs enabled|disabled", EXIT_USAGE)
    enable(process, arguments == ["enabled"])


def _start_scan(process: Process, _: list[str]) -> None:
    process.phone.station.look()


def _scan_results(process: Process, _: list[str]) -> None:
    found = process.phone.access_points()
    if not found:
        process.out.line("No scan results")
        return
    process.out.line("    BSSID              Frequency      RSSI           SSID")
    for number, network in enumerate(found):
        process.out.line(
            f"  02:00:00:00:00:{number:02x}     5180         -45           {network.ssid}"
        )


_WIFI: dict[str, Callable[[Process, list[str]], None]] = {
    "connect-network": _connect,
    "forget-network": _forget,
    "list-networks": _list,
    "list-scan-results": _scan_results,
    "set-wifi-enabled": _set_enabled,
    "start-scan": _start_scan,
    "status": _status,
}
