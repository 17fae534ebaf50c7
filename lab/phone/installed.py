"""The apps that a virtual phone comes with."""

from __future__ import annotations

from pathlib import Path

from lab.phone import app_view, browser
from lab.phone.android import settings_app, settings_view
from lab.phone.android.settings_app import SettingsActivity
from lab.phone.app import SampleActivity
from lab.phone.browser import BrowserActivity
from lab.phone.services import SdkFactory
from lab.phone.state import PhoneState
from lab.phone.ui import App, Changes, Screen


def make_screen(
    phone: PhoneState, make_sdk: SdkFactory, device: str = "", *, release: int = 14
) -> Screen:
    """Return the screen of a phone with the sample app, built on the SDK that ``make_sdk``
    makes, the unpinned browser, and Settings. ``device`` is the name that failure reports give;
    the phone's own where it is left out. ``release`` is the version of Android."""

    def start_sample(storage: Path, changes: Changes) -> SampleActivity:
        services = phone.open_process(app_view.PACKAGE)
        return SampleActivity(services, make_sdk, storage, device or phone.name, changes)

    def start_browser(storage: Path, changes: Changes) -> BrowserActivity:
        return BrowserActivity(phone.open_process(browser.PACKAGE), changes)

    def start_settings(storage: Path, changes: Changes) -> SettingsActivity:
        return SettingsActivity(phone, changes, release)

    return Screen(
        phone,
        [
            App(
                app_view.PACKAGE,
                "1.0.0",
                SampleActivity.name,
                start_sample,
                label="TrustPin Sample",
            ),
            App(
                browser.PACKAGE,
                "1.0",
                BrowserActivity.name,
                start_browser,
                frozenset({"http", "https"}),
                label="Browser",
                system=True,
            ),
            App(
                settings_view.PACKAGE,
                str(release),
                SettingsActivity.name,
                start_settings,
                actions=settings_app.ACTIONS,
                label="Settings",
                system=True,
            ),
        ],
    )
