"""``trustpin-lab profile``: configuration profiles (.mobileconfig) for iPhones."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lab.cli.saying import fail
from lab.model.device import DeviceLost, Endpoint
from lab.pki.credential import write_private

if TYPE_CHECKING:
    from lab.devices.ios.supervision import Supervisor
    from lab.network.mobileconfig import MobileConfig

EXIT_FAILED = 1
_ENDPOINT = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+):(\d{1,5})", re.ASCII)

profile = typer.Typer(
    name="profile",
    help="Write configuration profiles (.mobileconfig) for iPhones, and say how to remove them.",
    no_args_is_help=True,
)

Output = Annotated[
    Path, typer.Option("--output", "-o", help="The file to write.", metavar="FILE.mobileconfig")
]
P12 = Annotated[
    Path | None,
    typer.Option("--sign", help="Sign it with the identity in this PKCS #12 file.", metavar="P12"),
]
Install = Annotated[
    str | None,
    typer.Option(
        "--install",
        help="Hand it to the iPhone of this udid with go-ios: silently, where --sign is the "
        "identity that supervises it.",
        metavar="UDID",
    ),
]
Usbmuxd = Annotated[str, typer.Option(help="Where usbmuxd listens, with --install.")]
PASSWORD = "P12_PASSWORD"  # noqa: S105 - its name
"""The environment variable with the password of --sign."""
USBMUXD = "/var/run/usbmuxd"


@profile.command()
def root(
    certificate: Annotated[Path, typer.Argument(help="A root certificate, PEM or DER.")],
    output: Output = Path("root.mobileconfig"),
    sign: P12 = None,
    install: Install = None,
    usbmuxd: Usbmuxd = USBMUXD,
) -> None:
    """A root certificate.

    Installed by hand it does not count for TLS until it is switched on in Settings > General >
    About > Certificate Trust Settings.
    """
    from cryptography.hazmat.primitives.serialization import Encoding

    from lab.network.mobileconfig import root_profile
    from lab.pinning.pins import read_certificate

    try:
        der = read_certificate(certificate.read_bytes()).public_bytes(Encoding.DER)
    except OSError as error:
        fail(f"{certificate}: {error.strerror}")
    except ValueError as error:
        fail(f"{certificate}: no certificate: {error}")
    _deliver(root_profile(der), output, sign, install, usbmuxd)


@profile.command()
def proxy(
    address: Annotated[str, typer.Argument(help="The proxy, as the iPhone reaches it: HOST:PORT.")],
    output: Output = Path("proxy.mobileconfig"),
    sign: P12 = None,
    install: Install = None,
    usbmuxd: Usbmuxd = USBMUXD,
) -> None:
    """The global HTTP proxy; supervised iPhones alone take it."""
    from lab.network.mobileconfig import proxy_profile

    _deliver(proxy_profile(_endpoint(address)), output, sign, install, usbmuxd)


@profile.command()
def wifi(
    ssid: Annotated[str, typer.Argument(help="The network's name.")],
    through: Annotated[
        str | None, typer.Option("--proxy", help="Its HTTP proxy, HOST:PORT.", metavar="HOST:PORT")
    ] = None,
    security: Annotated[str, typer.Option(help="open, wpa2 or wpa3.")] = "open",
    passphrase: Annotated[
        str | None,
        typer.Option("--passphrase-env", help="Environment variable that holds its passphrase."),
    ] = None,
    output: Output = Path("wifi.mobileconfig"),
    sign: P12 = None,
    install: Install = None,
    usbmuxd: Usbmuxd = USBMUXD,
) -> None:
    """A Wi-Fi network, with an HTTP proxy for it where one is given."""
    from lab.network.mobileconfig import wifi_profile

    if not 0 < len(ssid.encode("utf-8", "replace")) <= 32:
        fail("the name of a network has 1 to 32 bytes")
    if security not in ("open", "wpa2", "wpa3"):
        fail(f"--security {security}: must be open, wpa2 or wpa3")
    if (security == "open") is not (passphrase is None):
        fail("--passphrase-env goes with wpa2 and wpa3, and with them alone")
    secret = None if passphrase is None else _variable(passphrase)
    endpoint = None if through is None else _endpoint(through)
    made = wifi_profile(ssid, security, secret, endpoint)  # type: ignore[arg-type]
    _deliver(made, output, sign, install, usbmuxd)


@profile.command()
def wireguard(
    configuration: Annotated[
        Path, typer.Argument(help="A tunnel of WireGuard's (wg-quick), with an Endpoint.")
    ],
    output: Output = Path("wireguard.mobileconfig"),
    sign: P12 = None,
    install: Install = None,
    usbmuxd: Usbmuxd = USBMUXD,
) -> None:
    """A tunnel of the WireGuard app, which has to be on the iPhone. Holds its private key."""
    from lab.network.mobileconfig import wireguard_profile

    try:
        text = configuration.read_text("utf-8")
    except (OSError, ValueError) as error:
        fail(f"{configuration}: {getattr(error, 'strerror', None) or 'no text'}")
    found = re.search(r"^\s*Endpoint\s*=\s*(\S+)\s*$", text, re.MULTILINE | re.IGNORECASE)
    if found is None:
        fail(f"{configuration}: no line 'Endpoint = HOST:PORT'; it is no tunnel of WireGuard's")
    made = wireguard_profile(configuration.stem, text, _endpoint(found[1]))
    _deliver(made, output, sign, install, usbmuxd)


def _deliver(
    made: MobileConfig, output: Path, sign: Path | None, install: str | None, usbmuxd: str
) -> None:
    """Write a profile, hand it over where that is wanted, and say how it is removed."""
    content = made.content
    if sign is not None:
        supervisor = _identity(sign)
        content = made.signed(supervisor.certificate, supervisor.key)
    try:
        write_private(output, content)
    except OSError as error:
        fail(f"{output}: {error.strerror}", code=EXIT_FAILED)
    typer.echo(f"{output}: {made.name}")
    if install is None:
        typer.echo("  install it: open the file on the iPhone (AirDrop, mail, a web page), then")
        typer.echo("    Settings > General > VPN & Device Management > Downloaded Profile")
    else:
        _hand_over(output, install, sign, usbmuxd)
        typer.echo(f"  handed to {install}")
    typer.echo("  remove it: Settings > General > VPN & Device Management, or over USB")
    typer.echo(f"    ios profile remove {made.identifier}")


def _identity(file: Path) -> Supervisor:
    from lab.devices.ios.supervision import read_supervisor

    try:
        return read_supervisor(file, os.environ.get(PASSWORD, ""))
    except DeviceLost as error:
        fail(f"{error} (the password is read from the environment variable {PASSWORD})")


def _hand_over(file: Path, udid: str, p12: Path | None, usbmuxd: str) -> None:
    from lab.devices.android.appium_sessions import PROJECT
    from lab.devices.android.link import CommandRefused
    from lab.devices.ios.go_ios import add_profile, find_go_ios

    program = find_go_ios(PROJECT, os.environ)
    if program is None:
        fail("go-ios is not installed: run 'npm ci', or put its program 'ios' on the PATH")
    password = os.environ.get(PASSWORD, "")
    try:
        add_profile(program, file, udid=udid, usbmuxd=usbmuxd, p12=p12, password=password)
    except CommandRefused as error:
        fail(str(error), code=EXIT_FAILED)


def _endpoint(text: str) -> Endpoint:
    match = _ENDPOINT.fullmatch(text)
    if match is None or not 0 < int(match[2]) < 65536:
        fail(f"{text}: must be HOST:PORT")
    return Endpoint(match[1].strip("[]"), int(match[2]))


def _variable(name: str) -> str:
    value = os.environ.get(name)
    if not value:
        fail(f"the environment variable {name} is not set; set it to the passphrase")
    return value
