"""What lockdownd and the device services need of the phone that they run on.

All methods may be called from any thread, and none of them waits for the network or for a user.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from lab.phone.files import PhoneFiles
from lab.phone.ios.lockdown.plist import Plist
from lab.phone.logcat import LogLine


class Prohibited(Exception):
    """A value cannot be changed from a computer."""


class InstallRefused(Exception):
    """An app cannot be installed or removed.

    ``name`` is installation_proxy's word for why, such as ``ApplicationVerificationFailed`` or
    ``MismatchedApplicationIdentifierEntitlement``; ``str()`` is the description.
    """

    def __init__(self, name: str, description: str) -> None:
        super().__init__(description)
        self.name = name


class ProfileRefused(Exception):
    """A profile cannot be installed or removed; ``str()`` is what MCInstall says about it."""

    def __init__(
        self, description: str, *, domain: str = "MCInstallationErrorDomain", code: int = 4001
    ) -> None:
        super().__init__(description)
        self.domain = domain
        self.code = code


@dataclass(frozen=True, slots=True)
class InstalledApp:
    """An app as installation_proxy tells of it."""

    bundle_id: str
    """CFBundleIdentifier."""
    name: str
    """CFBundleDisplayName, else CFBundleName."""
    version: str
    """CFBundleShortVersionString."""
    build: str
    """CFBundleVersion."""
    executable: str
    """CFBundleExecutable."""
    system: bool = False
    """It belongs to iOS (ApplicationType ``System``): it cannot be uninstalled this way."""
    container: str = ""
    """Path of its private directory on the phone."""
    info: Mapping[str, Plist] = field(default_factory=dict)
    """What else its Info.plist says."""


class Apps(Protocol):
    """The apps of the phone."""

    def installed(self) -> tuple[InstalledApp, ...]:
        """Return what is installed, sorted by bundle id."""

    def install(self, app: InstalledApp, ipa: Path) -> None:
        """Install ``ipa``, a file of this machine that has been read already: ``app`` is what it
        says. One of that bundle id that is there already is replaced, and keeps its data. The
        file is gone after the call. Raises InstallRefused."""

    def uninstall(self, bundle_id: str) -> None:
        """Remove an app and its data; one that is not installed is no matter. Raises
        InstallRefused for one that belongs to iOS."""


@dataclass(frozen=True, slots=True)
class InstalledProfile:
    """A configuration profile as MCInstall tells of it. Names of keys: Apple's configuration
    profile reference."""

    identifier: str
    """PayloadIdentifier: one installed profile each."""
    uuid: str
    """PayloadUUID."""
    version: int = 1
    """PayloadVersion."""
    name: str = ""
    """PayloadDisplayName."""
    description: str = ""
    """PayloadDescription."""
    organization: str = ""
    """PayloadOrganization."""
    removable: bool = True
    """Not PayloadRemovalDisallowed."""


class Management(Protocol):
    """The configuration profiles of the phone, as a computer manages them.

    ``content`` is always what came: a plist, or a signed one (CMS).
    """

    @property
    def supervisors(self) -> tuple[bytes, ...]:
        """The certificates (DER) of those who supervise the phone; none where it is not
        supervised."""

    def offer(self, content: bytes) -> None:
        """Take a profile, which then waits for its user to install it in Settings, instead of the
        one that waited before. Raises ProfileRefused where it is no profile, or one that this
        phone would not install."""

    def install(self, content: bytes) -> None:
        """Install a profile without asking its user. Raises ProfileRefused.

        Called for a supervisor only: the roots in it are trusted for TLS at once.
        """

    def installed(self) -> tuple[InstalledProfile, ...]:
        """Return what is installed, the oldest first."""

    def remove(self, identifier: str) -> None:
        """Remove a profile with all that it brought. Raises ProfileRefused where it is not
        installed, or not removable."""


class Log(Protocol):
    """The phone's log: ``lab.phone.logcat.LogBuffer`` is one.

    The tag of a line is the process, with the part of it that speaks in brackets, if there is one:
    ``TestApp(CFNetwork)``.
    """

    @property
    def written(self) -> int:
        """How many lines there have been, those included that are gone."""

    def since(self, count: int, cap: float) -> tuple[int, tuple[LogLine, ...]]:
        """Wait ``cap`` seconds at most until ``written`` is more than ``count``. Return it, and
        the lines since then that are still held."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One Ethernet frame that the phone sent or received."""

    at: float
    """Epoch seconds on the phone's clock."""
    outgoing: bool
    process: str
    """Name of the process whose connection it belongs to."""
    pid: int
    content: bytes
    """From the Ethernet header on, without the checksum at the end."""


class Frames(Protocol):
    """The frames of the phone's connections: ``lab.phone.ios.lockdown.frames.FrameBuffer`` is
    one."""

    @property
    def written(self) -> int:
        """How many frames there have been, those included that are gone."""

    def since(self, count: int, cap: float) -> tuple[int, tuple[Frame, ...]]:
        """Wait ``cap`` seconds at most until ``written`` is more than ``count``. Return it, and
        the frames since then that are still held."""


class Handset(Protocol):
    """The phone below lockdownd."""

    @property
    def udid(self) -> str:
        """UniqueDeviceID: letters, digits and hyphens."""

    @property
    def files(self) -> PhoneFiles:
        """Its file system. lockdownd keeps its key and who is paired below
        ``/private/var/root/Library/Lockdown``; AFC serves ``/private/var/mobile/Media``."""

    @property
    def apps(self) -> Apps: ...

    @property
    def management(self) -> Management: ...

    @property
    def logcat(self) -> Log: ...

    @property
    def frames(self) -> Frames: ...

    def now(self) -> float:
        """Return the phone's clock in epoch seconds."""

    def log(self, tag: str, level: str, message: str) -> None:
        """Write a line to the phone's log. ``level`` is DEBUG, INFO, WARN or ERROR."""

    def values(self, domain: str) -> Mapping[str, Plist]:
        """Return lockdown's values of a domain; empty is the global one, nothing where there is
        no such domain.

        Of the global one the phone gives what it is and how it is set: ``DeviceName``,
        ``DeviceClass``, ``ProductName``, ``ProductType``, ``ProductVersion``, ``BuildVersion``,
        ``HardwareModel``, ``CPUArchitecture``, ``SerialNumber``, ``WiFiAddress``,
        ``BluetoothAddress``, ``TimeZone``, ``TimeZoneOffsetFromUTC``, ``PasswordProtected``,
        ``ActivationState`` and whatever else it likes. lockdownd adds what it knows by itself:
        ``UniqueDeviceID``, ``TimeIntervalSince1970``, ``DevicePublicKey``, ``ProtocolVersion``.
        """

    def set_value(self, domain: str, key: str, value: Plist | None) -> None:
        """Change a value; None removes it. Raises Prohibited. A computer may change the name
        (``DeviceName``) and the time zone, and, where the phone does not set its clock itself,
        ``TimeIntervalSince1970`` (epoch seconds)."""
