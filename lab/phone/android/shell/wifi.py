"""``cmd wifi``: joining and leaving networks (Android 11 and later)."""

from __future__ import annotations

from lab.phone.android.shell.process import EXIT_USAGE, CommandFailed, Process

_NEEDS_PASSPHRASE = {"open": False, "owe": False, "wpa2": True, "wpa3": True}


def wifi(process: Process, arguments: list[str]) -> int:
    """Carry out ``cmd wifi`` with these arguments. Raises CommandFailed."""
    name, rest = (arguments[0], arguments[1:]) if arguments else ("help", [])
    command = _WIFI.get(name)
    if command is None:
        raise CommandFailed(
            f"Unknown command: {name}; 'cmd wifi' has {', '.join(sorted(_WIFI))}", EXIT_USAGE
        )
    command(process, rest)
    return 0


def _status(process: Process, _: list[str]) -> None:
    joined = process.phone.joined
    process.print_lines(
        [
            "Wifi is enabled",
            "Wifi scanning is always available",
            "==== Primary ClientModeManager instance ====",
            "Wifi is not connected" if joined is None else f'Wifi is connected to "{joined.ssid}"',
        ]
    )


def _connect(process: Process, arguments: list[str]) -> None:
    if len(arguments) < 2:
        raise CommandFailed(
            "Error: connect-network needs <ssid> open|owe|wpa2|wpa3 [<passphrase>]", EXIT_USAGE
        )
    ssid, security = arguments[:2]
    if security not in _NEEDS_PASSPHRASE:
        raise CommandFailed(f"Error: Unknown network type {security}", EXIT_USAGE)
    if _NEEDS_PASSPHRASE[security] and len(arguments) < 3:
        raise CommandFailed(f"Error: {security} needs a passphrase", EXIT_USAGE)
    if not process.phone.join(ssid):
        raise CommandFailed(f'Connection failed: no network "{ssid}" in reach')
    process.out.line("Connection initiated ")


def _list(process: Process, _: list[str]) -> None:
    saved = process.phone.saved_networks.items()
    if not saved:
        process.out.line("No networks")
        return
    process.out.line("Network Id      SSID                         Security type")
    for number, ssid in saved:
        process.out.line(f"{number:<12} {ssid:<32} open")


def _forget(process: Process, arguments: list[str]) -> None:
    if len(arguments) != 1 or not arguments[0].isascii() or not arguments[0].isdigit():
        raise CommandFailed("Error: forget-network needs <networkId>", EXIT_USAGE)
    number = int(arguments[0][:9])
    if not process.phone.forget(number):
        raise CommandFailed("Forget failed with reason code: 2")
    process.out.line("Forget successful")


def _start_scan(_: Process, __: list[str]) -> None:
    return


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


_WIFI = {
    "connect-network": _connect,
    "forget-network": _forget,
    "list-networks": _list,
    "list-scan-results": _scan_results,
    "start-scan": _start_scan,
    "status": _status,
}
