"""An app as it is shipped: a zip archive with ``Payload/NAME.app/Info.plist``."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from lab.phone.archive import BadArchive, NotInArchive, read_one
from lab.phone.ios.lockdown.handset import InstalledApp, InstallRefused
from lab.phone.ios.lockdown.plist import BadPlist, Plist, decode

MAX_INFO = 1024 * 1024
"""Bytes of an Info.plist."""
MAX_TEXT = 500
"""Characters of a text of it."""

_INFO = re.compile(r"Payload/[^/]+\.app/Info\.plist")
_BUNDLE_ID = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9_-]+)*", re.ASCII)


def read_ipa(ipa: Path) -> InstalledApp:
    """Return what an app says of itself. Raises InstallRefused."""
    try:
        info = decode(read_one(ipa, _info_plist, MAX_INFO))
    except BadArchive as error:
        raise InstallRefused("PackageExtractionFailed", str(error)) from None
    except (NotInArchive, BadPlist) as error:
        raise InstallRefused("PackageInspectionFailed", f"Info.plist: {error}") from None
    return describe(info)


def describe(info: Mapping[str, Plist]) -> InstalledApp:
    """Return the app that an Info.plist is of. Raises InstallRefused."""
    bundle_id, executable = _text(info, "CFBundleIdentifier"), _text(info, "CFBundleExecutable")
    if len(bundle_id) > 255 or _BUNDLE_ID.fullmatch(bundle_id) is None:
        raise InstallRefused("PackageInspectionFailed", "Info.plist: no CFBundleIdentifier")
    if not executable or "/" in executable:
        raise InstallRefused("PackageInspectionFailed", "Info.plist: no CFBundleExecutable")
    platforms = info.get("CFBundleSupportedPlatforms")
    if isinstance(platforms, list) and "iPhoneOS" not in platforms:
        raise InstallRefused(
            "DeviceNotSupportedByThinning", "the app has not been built for an iPhone"
        )
    build = _text(info, "CFBundleVersion")
    name = _text(info, "CFBundleDisplayName") or _text(info, "CFBundleName") or bundle_id
    return InstalledApp(
        bundle_id=bundle_id,
        name=name,
        version=_text(info, "CFBundleShortVersionString") or build,
        build=build,
        executable=executable,
        info=info,
    )


def _info_plist(names: Sequence[str]) -> str | None:
    found = [name for name in names if _INFO.fullmatch(name)]
    return found[0] if len(found) == 1 else None


def _text(info: Mapping[str, Plist], key: str) -> str:
    value = info.get(key)
    return value[:MAX_TEXT] if isinstance(value, str) else ""
