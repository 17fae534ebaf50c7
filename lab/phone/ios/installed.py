"""The apps that a virtual iPhone has on its screen."""

from __future__ import annotations

from pathlib import Path

from lab.phone.ios import safari, settings_view, test_app_view
from lab.phone.ios.app_shelf import container_of
from lab.phone.ios.safari import SafariActivity
from lab.phone.ios.screen import IPhoneScreen
from lab.phone.ios.screen_seam import ScreenedPhone
from lab.phone.ios.settings_app import SettingsActivity
from lab.phone.ios.test_app import TestAppActivity
from lab.phone.services import SdkFactory
from lab.phone.ui import App, Changes


def make_screen(phone: ScreenedPhone, make_sdk: SdkFactory, device: str = "") -> IPhoneScreen:
    """Return the screen of a phone with the TestApp, built on the SDK that ``make_sdk`` makes,
    Safari, and Settings. ``device`` is the name that failure reports give; the phone's udid where
    it is left out."""

    def start_test_app(storage: Path, changes: Changes) -> TestAppActivity:
        services = phone.open_process(test_app_view.BUNDLE_ID)
        named = device or phone.identity.udid
        return TestAppActivity(services, make_sdk, storage, named, changes)

    def start_safari(_: Path, changes: Changes) -> SafariActivity:
        return SafariActivity(phone.open_process(safari.BUNDLE_ID), phone.profiles, changes)

    def start_settings(_: Path, changes: Changes) -> SettingsActivity:
        services = phone.open_process(settings_view.BUNDLE_ID)
        return SettingsActivity(services, phone, changes)

    return IPhoneScreen(
        phone,
        [
            App(
                test_app_view.BUNDLE_ID,
                "4.1.0",
                TestAppActivity.name,
                start_test_app,
                label=test_app_view.NAME,
                container=container_of(test_app_view.BUNDLE_ID),
            ),
            App(
                safari.BUNDLE_ID,
                "18.5",
                SafariActivity.name,
                start_safari,
                frozenset({"http", "https"}),
                label="Safari",
                system=True,
                container=container_of(safari.BUNDLE_ID),
            ),
            App(
                settings_view.BUNDLE_ID,
                "18.5",
                SettingsActivity.name,
                start_settings,
                label=settings_view.NAME,
                system=True,
                container=container_of(settings_view.BUNDLE_ID),
            ),
        ],
    )
