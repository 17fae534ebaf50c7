"""What an APK says of itself in its manifest, read with bounds; and APKs that say no more."""

from __future__ import annotations

import io
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path

from lab.phone.android import axml, axml_writer
from lab.phone.android.axml import BadXml, Element
from lab.phone.archive import BadArchive, NotInArchive, read_one

MAX_MANIFEST = 4 * 1024 * 1024
"""Bytes of a manifest."""
MAX_NAME = 223
"""Characters of a package's name: it becomes a file's (AOSP, PackageManagerService)."""
MANIFEST = "AndroidManifest.xml"
MAIN, IN_LAUNCHER = "android.intent.action.MAIN", "android.intent.category.LAUNCHER"

_PACKAGE = re.compile(r"[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z][A-Za-z0-9_]*)+", re.ASCII)
_COMPONENT = re.compile(r"[A-Za-z0-9_.$]{1,500}", re.ASCII)
_ACTIVITIES = ("activity", "activity-alias")


class BadApk(Exception):
    """The file is no APK that can be installed; ``code`` is Android's name for why."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a manifest says of an app."""

    package: str
    version_code: int
    version_name: str
    """Empty where it is none, or a resource."""
    activities: tuple[str, ...] = ()
    """In full."""
    launcher: str = ""
    """The activity that the home screen starts, in full; empty for none."""
    instrumentations: tuple[tuple[str, str], ...] = ()
    """Runners, in full, and the packages that they work on."""
    min_sdk: int = 1
    target_sdk: int = 1


def read_manifest(apk: Path) -> Manifest:
    """Return what an APK says of itself. Raises BadApk, nothing else."""
    try:
        content = read_one(apk, lambda _: MANIFEST, MAX_MANIFEST)
    except NotInArchive as error:
        raise BadApk("INSTALL_PARSE_FAILED_BAD_MANIFEST", str(error)) from None
    except BadArchive as error:
        raise BadApk("INSTALL_PARSE_FAILED_NOT_APK", str(error)) from None
    try:
        return _manifest(axml.read(content))
    except BadXml as error:
        raise BadApk("INSTALL_PARSE_FAILED_BAD_MANIFEST", f"{MANIFEST}: {error}") from None


def build(manifest: Manifest) -> bytes:
    """Return an APK without code that says this of itself; the same for the same."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr(zipfile.ZipInfo(MANIFEST), axml_writer.write(_element(manifest)))
    return content.getvalue()


def _manifest(root: Element) -> Manifest:
    package = root.text("package")
    if root.name != "manifest":
        raise BadXml("its root is not <manifest>")
    if len(package) > MAX_NAME or not _PACKAGE.fullmatch(package):
        raise BadApk(
            "INSTALL_PARSE_FAILED_BAD_PACKAGE_NAME", f"Invalid manifest package: {package[:40]!r}"
        )
    activities = [
        activity
        for kind in _ACTIVITIES
        for activity in root.all("application", kind)
        if _COMPONENT.fullmatch(activity.text("name"))
    ]
    launchers = [_full(package, a.text("name")) for a in activities if _launched(a)]
    sdk = next(root.all("uses-sdk"), Element("uses-sdk"))
    min_sdk = sdk.number("minSdkVersion") or 1
    return Manifest(
        package=package,
        version_code=root.number("versionCodeMajor") << 32 | root.number("versionCode"),
        version_name=_printable(root.text("versionName")),
        activities=tuple(_full(package, activity.text("name")) for activity in activities),
        launcher=launchers[0] if launchers else "",
        instrumentations=tuple(
            (_full(package, runner.text("name")), _printable(runner.text("targetPackage")))
            for runner in root.all("instrumentation")
            if _COMPONENT.fullmatch(runner.text("name"))
        ),
        min_sdk=min_sdk,
        target_sdk=sdk.number("targetSdkVersion") or min_sdk,
    )


def _launched(activity: Element) -> bool:
    """Tell whether the home screen shows an activity."""
    return any(
        any(action.text("name") == MAIN for action in intents.all("action"))
        and any(category.text("name") == IN_LAUNCHER for category in intents.all("category"))
        for intents in activity.all("intent-filter")
    )


def _full(package: str, name: str) -> str:
    """Return a class's name in full: in a manifest it may be short."""
    if name.startswith("."):
        return package + name
    return name if "." in name else f"{package}.{name}"


def _printable(text: str) -> str:
    return "".join(sign if sign.isprintable() else "?" for sign in text[:200])


def _element(manifest: Manifest) -> Element:
    activities = []
    for name in manifest.activities:
        activity = Element("activity", {"name": name})
        if name == manifest.launcher:
            main = Element("action", {"name": MAIN})
            shown = Element("category", {"name": IN_LAUNCHER})
            activity.children.append(Element("intent-filter", {}, [main, shown]))
        activities.append(activity)
    sdk = {"minSdkVersion": manifest.min_sdk, "targetSdkVersion": manifest.target_sdk}
    return Element(
        "manifest",
        {
            "package": manifest.package,
            "versionCode": manifest.version_code & 0xFFFFFFFF,
            "versionName": manifest.version_name,
            **(
                {"versionCodeMajor": manifest.version_code >> 32}
                if manifest.version_code >> 32
                else {}
            ),
        },
        [
            Element("uses-sdk", dict(sdk)),
            *(
                Element("instrumentation", {"name": runner, "targetPackage": target})
                for runner, target in manifest.instrumentations
            ),
            Element("application", {}, list(activities)),
        ],
    )
