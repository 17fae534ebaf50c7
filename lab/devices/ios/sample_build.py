"""The .ipa of the virtual iPhone's sample app: the phone plays what is in it itself."""

from __future__ import annotations

import io
import plistlib
import zipfile
from typing import Final

from lab.devices.iphone_models import TEST_APP

VERSION: Final = "4.1.0"
"""Of the sample app (contract section 6.2)."""
_FIRST = (1980, 1, 1, 0, 0, 0)
"""The earliest date that an archive can hold: the same content is the same file."""


def sample_build(bundle_id: str = TEST_APP, version: str = VERSION, build: str = "1") -> bytes:
    """Return an .ipa with an Info.plist and an executable that does nothing."""
    info = {
        "CFBundleIdentifier": bundle_id,
        "CFBundleName": "TestApp",
        "CFBundleExecutable": "TestApp",
        "CFBundleShortVersionString": version,
        "CFBundleVersion": build,
        "CFBundleSupportedPlatforms": ["iPhoneOS"],
        "MinimumOSVersion": "15.0",
        "UIDeviceFamily": [1],
        "NSAppTransportSecurity": {"NSAllowsArbitraryLoads": True},
    }
    files = {
        "Payload/TestApp.app/Info.plist": plistlib.dumps(info, fmt=plistlib.FMT_BINARY),
        "Payload/TestApp.app/TestApp": b"\xcf\xfa\xed\xfe",
    }
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, _FIRST), content)
    return written.getvalue()
