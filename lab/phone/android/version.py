"""The versions of Android that the phone can be, from one table."""

from __future__ import annotations

from dataclasses import dataclass

DEFAULT = "14"


@dataclass(frozen=True, slots=True)
class AndroidVersion:
    """One version of Android, as a phone's system image tells of it."""

    release: str
    """What its users call it, such as ``14``."""
    sdk: int
    """API level."""
    security_patch: str
    """Date of its security patches, ISO 8601."""
    build: str
    """Id of the build."""
    kernel: str
    """Release of the kernel."""


_VERSIONS = {
    version.release: version
    for version in (
        AndroidVersion("10", 29, "2019-09-05", "QP1A.190711.020", "4.14.112"),
        AndroidVersion("12", 31, "2021-10-05", "SP1A.210812.015", "5.10.43-android12-9"),
        AndroidVersion("13", 33, "2022-08-05", "TP1A.220624.014", "5.15.41-android13-8"),
        AndroidVersion("14", 34, "2023-10-05", "UP1A.231005.007", "6.1.23-android14-4"),
        AndroidVersion("15", 35, "2024-09-05", "AP3A.240905.015", "6.6.30-android15-7"),
        AndroidVersion("16", 36, "2025-06-05", "BP2A.250605.031", "6.12.23-android16-5"),
    )
}

RELEASES = tuple(_VERSIONS)
"""The versions that there are, oldest first."""


def android_version(release: str) -> AndroidVersion:
    """Return the version of that name. Raises ValueError where there is none."""
    version = _VERSIONS.get(release)
    if version is None:
        raise ValueError(f"no Android {release[:20]!r}: there are {', '.join(RELEASES)}")
    return version
