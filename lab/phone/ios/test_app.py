"""TrustPin's iOS TestApp (contract section 6.2), on the same core as the Android sample."""

from __future__ import annotations

from collections.abc import Callable

from lab.phone.app import SampleActivity, View, Words
from lab.phone.app_words import Said
from lab.phone.ios import test_app_words
from lab.phone.ios.screen import IPhoneActivity
from lab.phone.ios.test_app_view import BUNDLE_ID, TestAppView
from lab.phone.node import Node


class TestAppActivity(IPhoneActivity, SampleActivity):
    """The TestApp. A second setup is the SDK's business: of 4.1 it is no error (Swift 4.1.0)."""

    __test__ = False

    package = BUNDLE_ID
    name = "TestApp"
    tag = "TestApp"
    words: Words = test_app_words
    make_view: Callable[[], View] = TestAppView
    setup_once = False

    def tap(self, node: Node) -> None:
        with self._changes.edit():
            super().tap(node)
            if node is self._view.permissive:
                self._refresh()

    def _fetch(self, host: str) -> Said:
        name, _, port = host.rpartition(":")
        return self.words.fetched(self._sdk().fetch_certificate(name, int(port)))

    def _rows(self, entry: str) -> list[str]:
        # A text node for each entry, whatever breaks of lines are in it.
        return [entry]
