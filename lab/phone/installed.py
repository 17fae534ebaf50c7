"""The apps that a virtual phone comes with."""

from __future__ import annotations

from pathlib import Path

from lab.phone import app_view, browser
from lab.phone.app import SampleActivity
from lab.phone.browser import BrowserActivity
from lab.phone.services import SdkFactory
from lab.phone.state import PhoneState
from lab.phone.ui import App, Changes, Screen


def make_screen(phone: PhoneState, make_sdk: SdkFactory, device: str = "") -> Screen:
    """Return the screen of a phone with the sample app, built on the SDK that ``make_sdk``
    makes, and the unpinned browser. ``device`` is the name that failure reports give; the
    phone's own where it is left out."""

    def start_sample(storage: Path, changes: Changes) -> SampleActivity:
        return SampleActivity(phone, make_sdk, storage, device or phone.name, changes)

    def start_browser(storage: Path, changes: Changes) -> BrowserActivity:
        return BrowserActivity(phone, changes)

    return Screen(
        phone,
        [
            App(app_view.PACKAGE, "1.0.0", SampleActivity.name, start_sample),
            App(
                browser.PACKAGE,
                "1.0",
                BrowserActivity.name,
                start_browser,
                frozenset({"http", "https"}),
            ),
        ],
    )
