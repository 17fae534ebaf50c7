"""The apps that a virtual iPhone can play."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from lab.phone.ios.app_shelf import RUNNER, BuiltIn

TEST_APP = "cloud.trustpin.TestApp"
SAFARI = "com.apple.mobilesafari"
SETTINGS = "com.apple.Preferences"

BUILT_IN: Final[Mapping[str, BuiltIn]] = {
    TEST_APP: BuiltIn("TestApp", "TestApp"),
    SAFARI: BuiltIn("Safari", "MobileSafari", system=True),
    SETTINGS: BuiltIn("Settings", "Preferences", system=True),
    RUNNER: BuiltIn("WebDriverAgentRunner-Runner", "WebDriverAgentRunner-Runner"),
}
"""What comes with the phone, by bundle id; the automation server is on it already."""
