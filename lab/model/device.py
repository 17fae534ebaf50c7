"""The seam between scenarios and devices: what every device under test can do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from lab.model.attack import Control, Need, RouteKind, Trust
from lab.model.failure_report import ReportWay
from lab.model.outcome import AppOutcome, ErrorKind
from lab.model.pins import Mode, PinConfiguration
from lab.model.profile import Profile


class DeviceLost(Exception):
    """The device stopped answering; the message says how that showed."""


class NotReady(Exception):
    """The device answers, but could not be brought into the state that was asked for; the
    message says why. It may do better next time."""


class RootMode(StrEnum):
    """How a phone is rooted."""

    NONE = "none"
    """Not at all: a phone as it is sold."""
    SU = "su"
    """With an ``su`` that gives root to the shell (Magisk)."""
    ADBD = "adbd"
    """A userdebug image, whose adbd runs as root (``adb root``)."""

    @property
    def debuggable(self) -> bool:
        """Whether the system image is one for developers: userdebug, test-keys."""
        return self is RootMode.ADBD


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An address and port that something listens on."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class WifiKind(StrEnum):
    """What the networks are that devices of this machine join."""

    KERNEL = "kernel"
    """Real ones, in network namespaces: every packet of the device goes there."""
    SIMULATED = "simulated"
    """A resolver and a SOCKS gateway, which the device has to ask itself; needs no rights."""
    HARDWARE = "hardware"
    """An access point with a radio, for phones that are not of this machine; this machine's
    devices join the kernel's, or simulated ones."""


@dataclass(frozen=True, slots=True)
class Network:
    """A network that a device can join: its resolver and its gateway.

    Without root the gateway is a SOCKS5 listener (RFC 1928): it takes the address that the
    device dialled, as a default gateway would, and decides what becomes of the connection.
    """

    ssid: str
    resolver: Endpoint
    gateway: Endpoint
    interface: str | None = None
    """Where the device has network interfaces of its own, the one that leads to this network:
    what else it needs is handed out there by DHCP, and its kernel finds the way."""


@dataclass(frozen=True, slots=True)
class Tunnel:
    """The adversary as a WireGuard peer: what a device needs to send its traffic through it."""

    endpoint: Endpoint
    """Where the adversary listens, UDP."""
    server_key: str
    """The adversary's public key, base64."""
    client_key: str = field(repr=False)
    """The device's private key, base64."""
    address: str
    """The device's own inside the tunnel."""
    resolver: str
    """The address of the resolver inside the tunnel."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the lab offers one device to connect through."""

    proxy: Endpoint
    """The adversary as an HTTP proxy."""
    rogue: Network
    """The adversary's access point."""
    home: Network
    """The honest network."""
    direct: Endpoint | None = None
    """The adversary as the server itself, for TLS that a phone's own DNAT rules lead here: it
    goes by the name that the client asks for (SNI)."""
    direct_clear: Endpoint | None = None
    """The same for plain HTTP."""
    tunnel: Tunnel | None = None
    """The adversary at the other end of a WireGuard tunnel, for devices that have one."""


@dataclass(frozen=True, slots=True)
class AppSetup:
    """What the app is set up with before it is attacked."""

    configuration: PinConfiguration
    mode: Mode = Mode.STRICT
    organization_id: str = ""
    project_id: str = ""
    public_key: str = ""
    """Verification key: base64 of the P-256 SPKI DER (contract section 1.4)."""
    configuration_url: str = ""
    report_url: str = ""


@dataclass(frozen=True, slots=True)
class LoggedLine:
    """One line of a device's log."""

    at: float
    """Seconds on the device's clock, in whole milliseconds; only differences mean anything."""
    tag: str
    message: str


@dataclass(frozen=True, slots=True)
class DeviceFacts:
    """Who was tested, for the evidence."""

    id: str
    platform: str
    model: str
    os: str
    app: str
    app_version: str
    sdk: str
    details: Mapping[str, str] = field(default_factory=dict)


class Device(Protocol):
    """A device under test, leased and ready. All methods raise DeviceLost when it is gone, and
    those that change its state raise NotReady where it says no."""

    @property
    def id(self) -> str: ...

    @property
    def facts(self) -> DeviceFacts: ...

    @property
    def source(self) -> str | None:
        """The address that the device's own connections come from, where it has its own."""

    @property
    def profile(self) -> Profile:
        """What the app's SDK is documented to do."""

    @property
    def reports(self) -> frozenset[ErrorKind]:
        """The kinds of error that the app reports to the collector."""

    @property
    def report_way(self) -> ReportWay:
        """Where the app reports to."""

    @property
    def names(self) -> frozenset[str]:
        """What a failure report of the app may call the device; one that names none may be any
        device's."""

    @property
    def clock_error(self) -> float:
        """Seconds that the device's clock is ahead of true time where the lab does not move it."""

    def lacks(self, need: Need) -> str | None:
        """Say why ``need`` cannot be met, or None where it can."""

    def take_route(self, kind: RouteKind) -> None:
        """Send the device's traffic over this route from now on."""

    def trust(self, store: Trust, certificates: tuple[bytes, ...]) -> None:
        """Make ``store`` hold exactly these DER certificates beside what it shipped with,
        and the other stores none. ``Trust.NONE`` removes them all."""

    def set_clock_offset(self, seconds: float) -> None:
        """Move the device's clock this far ahead of true time."""

    def set_up(self, setup: AppSetup, *, fresh: bool = True) -> AppOutcome:
        """Start the app and set its SDK up. ``fresh`` forgets everything the app stored."""

    def request(self, url: str) -> AppOutcome:
        """Let the app under test request ``url`` and say how that went."""

    def control(self, url: str, kind: Control) -> AppOutcome:
        """Let the unpinned control client request ``url``."""

    def log_moment(self) -> str:
        """Return the device's now, for ``log_lines``. Only where ``Need.LOG`` is met."""

    def log_lines(self, since: str) -> tuple[LoggedLine, ...]:
        """Return what the device's log says since a ``log_moment``, oldest first."""

    def screenshot(self) -> bytes | None:
        """Return a PNG of the screen, or None where there is none."""

    def recover(self) -> None:
        """Reach the device again after it was lost, within a cap. Nothing is known of its state
        afterwards. Raises DeviceLost where it stays lost."""

    def close(self) -> None:
        """Undo every change and let go of the device."""
