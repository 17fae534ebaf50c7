"""What the phone's activities have in common: fields, toasts, and work beside the screen."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from lab.phone.node import SWITCHES, Node, one_line, speakable
from lab.phone.services import PhoneServices
from lab.phone.ui import Changes

TOAST_SECONDS = 3.5
"""How long a toast stays: Android's ``LENGTH_LONG``."""
CLOSE_CAP = 0.9
"""Seconds to wait for what a closed app still does; then it is left alone."""
MAX_WORK = 8
"""Pieces of work at once: only what hangs for ever adds up."""
MAX_HELD = 100
"""What a frozen app can be asked for before the rest is lost."""

Show = Callable[[], None]
"""Puts the result of some work on the screen."""


def described(error: BaseException) -> str:
    """Return the type and the words of an error that nobody foresaw, on one line."""
    return one_line(f"{type(error).__name__}: {words(error)}")


def words(error: BaseException) -> str:
    """Return what ``error`` says, on one line."""
    try:
        return one_line(str(error))
    except Exception:  # noqa: BLE001 - a stand-in's error may not even be able to say its name
        return "?"


class BaseActivity:
    """An activity with text fields, switches and buttons, and work in threads of its own.

    A button acts through ``self._buttons``, and so does ``Enter`` in a text field. Nothing
    changes on a closed activity any more.
    """

    package: str
    name: str

    def __init__(self, phone: PhoneServices, changes: Changes, root: Node) -> None:
        self._phone = phone
        self._changes = changes
        self._root = root
        self._buttons: dict[str, Callable[[], None]] = {}
        self._closed = False
        self._unanswered: Callable[[], None] | None = None
        """Set while the process is frozen."""
        self._held: list[Callable[[], None]] = []
        self._work: set[threading.Thread] = set()
        self._toast, self._toast_until = "", 0.0

    @property
    def idle(self) -> bool:
        # To the system, a frozen app is one that has nothing to show.
        return self._closed or self._unanswered is not None or not self._work

    @property
    def toast(self) -> str:
        return self._toast if time.monotonic() < self._toast_until else ""

    def root(self) -> Node:
        return self._root

    def open(self, url: str) -> None:
        """Do nothing with the URL of a VIEW intent."""

    def act(self, action: str) -> None:
        """Do nothing with the action of an intent."""

    def post(self, act: Callable[[], None]) -> None:
        with self._changes.edit():
            if self._unanswered is None:
                act()
            else:
                self._hold(act)
                self._unanswered()

    def freeze(self, unanswered: Callable[[], None]) -> None:
        """Stop the process where it is. What it does on the network goes on, unseen."""
        with self._changes.edit():
            self._unanswered = unanswered

    def thaw(self) -> None:
        with self._changes.edit():
            self._unanswered = None
            held, self._held = self._held, []
            for act in held:
                act()

    def scroll(self, *, down: bool) -> bool:
        return False

    def enter(self) -> None:
        focused = next((n for n in self._root.walk() if n.focused and n.takes_text), None)
        if focused is not None and focused.key in self._buttons:
            self._buttons[focused.key]()

    def back(self) -> bool:
        return False

    def tap(self, node: Node) -> None:
        with self._changes.edit():
            if node.takes_text:
                self._focus(node)
            elif node.class_name in SWITCHES:
                node.checked = not node.checked
            elif node.key in self._buttons:
                self._buttons[node.key]()

    def set_text(self, node: Node, text: str) -> None:
        with self._changes.edit():
            self._focus(node)
            node.text = speakable(text) if node.multiline else one_line(text)

    def wait_idle(self, cap: float) -> bool:
        return self._changes.wait_for(lambda: self.idle, cap)

    def close(self) -> None:
        deadline = time.monotonic() + CLOSE_CAP
        with self._changes.edit():
            self._closed = True
            working = tuple(self._work)
        ending = threading.Thread(target=self._end, name=f"{self.package} end", daemon=True)
        ending.start()
        for thread in (ending, *working):
            thread.join(max(0.0, deadline - time.monotonic()))
            if thread.is_alive():
                self._phone.log("ActivityManager", "WARN", f"{thread.name} did not end")

    def _end(self) -> None:
        """Let go of what the process holds. May hang: nobody waits for long."""

    def _hold(self, act: Callable[[], None]) -> None:
        if not self._closed and len(self._held) < MAX_HELD:
            self._held.append(act)

    def _focus(self, chosen: Node) -> None:
        for node in self._root.walk():
            node.focused = node is chosen

    def _say(self, toast: str) -> None:
        """Show a toast."""
        self._toast, self._toast_until = toast, time.monotonic() + TOAST_SECONDS

    def _start(self, name: str, work: Callable[[], Show]) -> bool:
        """Do ``work`` in a thread, then what it returns under the screen's lock, unless the
        activity has been closed meanwhile. False where too much is under way already.

        Called under the screen's lock. ``work`` handles its errors itself.
        """
        if self._closed or len(self._work) >= MAX_WORK:
            return False

        def run() -> None:
            show: Show | None = None
            try:
                show = work()
            finally:
                with self._changes.edit():
                    self._work.discard(thread)
                    if show is not None and self._unanswered is not None:
                        self._hold(show)
                    elif show is not None and not self._closed:
                        show()

        thread = threading.Thread(target=run, name=f"{self.package} {name}", daemon=True)
        self._work.add(thread)
        thread.start()
        return True
