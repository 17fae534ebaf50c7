"""The page object of Android's Settings: CA certificates of the user, installed and removed by
hand, the way that a phone without root leaves.

Everything is found by what is to be read (``lab.apps.settings_words``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from lab.apps import settings_words as words
from lab.apps.android import EDIT, Element, NotOnScreen, Page, read, replace_text, spelt, touch
from lab.apps.finding import MOST_SCROLLS, further, seek
from lab.apps.settings_words import WORDINGS, Step

if TYPE_CHECKING:
    from appium.webdriver.webdriver import WebDriver

PACKAGE = "com.android.settings"
SECURITY = "android.settings.SECURITY_SETTINGS"
"""The action of the intent that opens the page about security."""
PICKER = "documentsui"
"""How the package of every Android's file picker ends."""
KEYCODE_ENTER = 66
MOST_STEPS = 30
"""Screens on the way to anything; a way that is longer goes round in circles."""

_TITLE = "android:id/title"
_SUMMARY = "android:id/summary"


class _Way(NamedTuple):
    """A step on the way, and how far from the end of the way it is."""

    element: Element
    left: int


class AndroidSettingsApp:
    """Works the screens of Settings. Every method raises NotOnScreen where these do not show
    what they have to, ScreenUnreadable, DeviceLost and Selenium's WebDriverException.

    ``pin`` is the screen lock's; Android asks for it where there is one.
    """

    def __init__(self, driver: WebDriver, *, pin: str = "") -> None:
        self._driver = driver
        self._pin = pin

    def install_ca(self, name: str, file_name: str) -> None:
        """Install the CA certificate in the file ``file_name`` of the downloads, and look
        whether it is then listed as ``name``. The file's name may be shown without its ending.
        """
        self._open()
        self._walk([wording.to_install for wording in WORDINGS], self._is_installing)
        self._finish(name, file_name)
        if name not in self.user_cas():
            raise NotOnScreen(f"after its installation, {name!r} is not among the user's CAs")

    def remove_ca(self, name: str) -> None:
        """Remove a CA certificate that the user installed; one that is not listed is no matter."""
        page = self._list()
        entry = seek(self._driver, page, lambda shown: _named(shown, name))
        if entry is None:
            return
        touch(self._driver, entry)
        self._answer(words.REMOVE)
        self._answer(words.SURE)
        if name in self.user_cas():
            raise NotOnScreen(f"after its removal, {name!r} is still among the user's CAs")

    def user_cas(self) -> list[str]:
        """Return the names of the CA certificates that the user installed."""
        page: Page | None = self._list()
        found: dict[str, None] = {}
        for _ in range(MOST_SCROLLS):
            if page is None:
                break
            found |= dict.fromkeys(_names(page))
            page = further(self._driver, page)
        self._driver.terminate_app(PACKAGE)
        return list(found)

    def _list(self) -> Page:
        self._open()
        return self._walk([wording.to_list for wording in WORDINGS], lambda page: False)

    def _open(self) -> None:
        intent = {"action": SECURITY, "stop": True, "wait": True}
        self._driver.execute_script("mobile: startActivity", intent)

    def _walk(self, ways: Sequence[tuple[Step, ...]], arrived: Callable[[Page], bool]) -> Page:
        """Tap from page to page until ``arrived``, or until a last step was taken; return what
        is then on the screen."""
        # The last step first: what leads furthest is taken, and nothing before it any more.
        due = [[name for step in steps for name in step] for steps in zip(*ways, strict=True)][::-1]
        for _ in range(MOST_STEPS):
            page = read(self._driver)
            if not due or arrived(page):
                return page
            step = seek(self._driver, page, partial(_furthest, due=tuple(due)))
            if step is None:
                raise NotOnScreen(self._lost([name for names in due for name in names]))
            touch(self._driver, step.element)
            # The same step may come again: a row's second line often names what is behind it.
            del due[step.left + 1 :]
            if step.left == 0:
                due.clear()
        raise NotOnScreen("the way through Settings does not come to an end")

    def _is_installing(self, page: Page) -> bool:
        return page.find(*words.ANYWAY) is not None or _is_picker(page) or _is_pin(page)

    def _finish(self, name: str, file_name: str) -> None:
        """Answer what the installer asks until it has what it needs."""
        picked = False
        for _ in range(MOST_STEPS):
            page = read(self._driver)
            refusal = next((e for e in page.elements() if _refuses(e)), None)
            if refusal is not None:
                raise NotOnScreen(f"the phone refuses the certificate: {page.summary()}")
            if _is_pin(page):
                self._enter_pin(page)
            elif _is_picker(page):
                picked = self._pick(page, file_name) or picked
            elif page.find(*words.NAME_FIELD) is not None:
                self._name(page, name)
            elif picked:
                return
            else:
                anyway = page.find(*words.ANYWAY)
                if anyway is None:
                    raise NotOnScreen(f"the installation went astray: {page.summary()}")
                touch(self._driver, anyway)
        raise NotOnScreen(f"the installation does not come to an end: {page.summary()}")

    def _pick(self, page: Page, file_name: str) -> bool:
        """Go on towards the file, and tell whether it has been picked."""
        stem = file_name.rpartition(".")[0]
        file = seek(self._driver, page, lambda shown: shown.find(file_name, stem))
        if file is not None:
            touch(self._driver, file)
            return True
        towards = page.find(*words.DOWNLOADS, tappable=True)
        if towards is None and page.find(*words.DOWNLOADS) is None:
            towards = page.find(*words.ROOTS)
        if towards is None:
            raise NotOnScreen(f"the file {file_name!r} is not offered: {page.summary()}")
        touch(self._driver, towards)
        return False

    def _enter_pin(self, page: Page) -> None:
        if not self._pin:
            raise NotOnScreen("the phone asks for its screen lock's PIN; give it as 'unlock_pin'")
        if any(spelt(element.label).startswith("wrong pin") for element in page.elements()):
            raise NotOnScreen("the phone does not take the PIN")
        replace_text(self._driver, self._driver.find_element("class name", EDIT), self._pin)
        confirm = page.find(*words.CONFIRMATIONS)
        if confirm is not None:
            touch(self._driver, confirm)
        else:
            self._driver.press_keycode(KEYCODE_ENTER)
        if _is_pin(read(self._driver)):
            raise NotOnScreen("the phone does not take the PIN")

    def _name(self, page: Page, name: str) -> None:
        replace_text(self._driver, self._driver.find_element("class name", EDIT), name)
        done = page.find(*words.OK)
        if done is None:
            raise NotOnScreen(f"the dialog for the certificate's name has no OK: {page.summary()}")
        touch(self._driver, done)

    def _answer(self, labels: Step) -> None:
        page = read(self._driver)
        button = seek(self._driver, page, lambda shown: shown.find(*labels))
        if button is None:
            raise NotOnScreen(f"there is none of {_or(labels)}: {page.summary()}")
        touch(self._driver, button)

    def _lost(self, due: Sequence[str]) -> str:
        shown = read(self._driver).summary()
        return (
            f"Settings shows none of {_or(tuple(dict.fromkeys(due)))}, but: {shown}. Where your "
            "phone words it otherwise, add a row to lab/apps/settings_words.py"
        )


def _furthest(page: Page, due: Sequence[Sequence[str]]) -> _Way | None:
    """Return the step on a page that leads furthest; ``due`` begins with the last one."""
    for left, names in enumerate(due):
        found = page.find(*names, tappable=True)
        if found is not None:
            return _Way(found, left)
    return None


def _names(page: Page) -> list[str]:
    """Return how the listed certificates are called: by their second line, where there is one."""
    found: list[str] = []
    for element in page.elements():
        if element.get("resource-id") == _TITLE and element.text:
            found.append(element.text)
        elif element.get("resource-id") == _SUMMARY and element.text and found:
            found[-1] = element.text
    return found


def _named(page: Page, name: str) -> Element | None:
    wanted = spelt(name)
    rows = (e for e in page.elements() if e.get("resource-id") in (_TITLE, _SUMMARY))
    return next((row for row in rows if spelt(row.text) == wanted), None)


def _is_picker(page: Page) -> bool:
    return any(package.endswith(PICKER) for package in page.packages)


def _is_pin(page: Page) -> bool:
    return any(element.get("password") == "true" for element in page.elements())


def _refuses(element: Element) -> bool:
    return any(spelt(element.label).startswith(spelt(no)) for no in words.REFUSALS)


def _or(names: Sequence[str]) -> str:
    return ", ".join(repr(name) for name in names)
