"""What Android's Settings call the way to CA certificates: one table, a row for each family.

Each row names, from the first page of the way to the last, what is to be tapped; where a maker
used several names for one step, all of them. The rows are tried in their order, by what is on the
screen. A phone that words things otherwise needs a row more, nothing else.

Those of AOSP are exercised on the virtual phone (as Android 10 to 16); Samsung's come from its
manuals and were not exercised here. All are English.
"""

from __future__ import annotations

from dataclasses import dataclass

Step = tuple[str, ...]
"""Names of the same thing."""


@dataclass(frozen=True, slots=True)
class Wording:
    """The names of one family of phones."""

    family: str
    security: Step
    """The page about security, and below it the pages on the way to certificates."""
    more: Step
    certificates: Step
    install: Step
    """What begins an installation."""
    authority: Step
    """What says that it is to be that of a CA."""
    installed: Step
    """The list of trusted certificates."""

    @property
    def to_install(self) -> tuple[Step, ...]:
        """The way to the installation of a CA."""
        return (self.security, self.more, self.certificates, self.install, self.authority)

    @property
    def to_list(self) -> tuple[Step, ...]:
        """The way to the list of what the user has installed."""
        return (self.security, self.more, self.certificates, self.installed, USER_TAB)


USER_TAB = ("User",)

WORDINGS = (
    Wording(
        "AOSP, Android 11 to 16",
        security=("Security & privacy", "Security and privacy", "Security"),
        more=(
            *("More security & privacy", "More security and privacy", "More security settings"),
            *("Advanced settings", "Advanced"),
        ),
        certificates=("Encryption & credentials", "Encryption and credentials"),
        install=("Install a certificate",),
        authority=("CA certificate",),
        installed=("Trusted credentials",),
    ),
    Wording(
        "AOSP, Android 10 and older",
        security=("Security & location", "Security"),
        more=("Advanced",),
        certificates=("Encryption & credentials", "Credential storage"),
        install=("Install from storage", "Install from SD card"),
        authority=(),
        installed=("Trusted credentials",),
    ),
    Wording(
        "Samsung, One UI",
        security=("Security and privacy", "Biometrics and security", "Lock screen and security"),
        more=("More security settings", "Other security settings"),
        certificates=(),
        install=("Install from device storage", "Install from phone storage"),
        authority=("CA certificate",),
        installed=("View security certificates",),
    ),
)

ANYWAY = ("Install anyway",)
"""The answer to the warning that data will not be private."""
CONFIRMATIONS = ("Next", "Continue", "OK", "Done")
"""What takes a PIN where the keyboard does not."""
ROOTS = ("Show roots",)
DOWNLOADS = ("Downloads", "Download")
NAME_FIELD = ("Name the certificate", "Certificate name", "Name this certificate")
OK = ("OK",)
REFUSALS = (
    "Can't install CA certificate",
    "Can't install CA certificates",
    "Couldn't install because the certificate file couldn't be located",
    "No certificate to install",
    "Can't use this file",
)
"""How the installer says no."""
REMOVE = ("Uninstall", "Remove")
SURE = ("OK", "Remove", "Uninstall")
"""The answers to whether a certificate is really to go."""
