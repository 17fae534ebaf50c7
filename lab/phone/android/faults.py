"""Apps that crash or stop answering, and what Android then shows its user.

As in Android's ActivityManager (AppErrors, AnrHelper): an app that is asked for something and does
nothing for five seconds "isn't responding"; one that crashes is gone, and the user is told only
when that happens again within a minute, unless the setting ``show_first_crash_dialog`` is on.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from lab.phone.activity import BaseActivity
from lab.phone.node import BUTTON, FRAME, HEIGHT, TEXT, WIDTH, Look, Node

if TYPE_CHECKING:
    from lab.phone.services import PhoneServices
    from lab.phone.state import PhoneState
    from lab.phone.ui import Activity, Changes, Screen

NOT_RESPONDING_AFTER = 5.0
"""Seconds that an app may leave an input unanswered (InputDispatcher's default)."""
AGAIN_WITHIN = 60.0
"""Seconds within which a second crash is told to the user."""

NOT_RESPONDING = "{} isn't responding"
STOPPED = "{} has stopped"
KEEPS_STOPPING = "{} keeps stopping"
CLOSE, WAIT, REOPEN = "Close app", "Wait", "Open app again"

_TAG = "ActivityManager"


class FaultDialog(BaseActivity):
    """A dialog of the system about an app: a title, and buttons below it."""

    package = "android"
    name = ".server.am.AppErrorDialog"

    def __init__(self, phone: PhoneServices, changes: Changes, title: str) -> None:
        root = Node("root", FRAME, (0, 0, WIDTH, HEIGHT), self.package)
        super().__init__(phone, changes, root)
        heading = Node("title", TEXT, (140, 980, 940, 1080), self.package, title)
        heading.resource_id, heading.look = "android:id/alertTitle", Look.HEADING
        panel = Node("panel", FRAME, (100, 940, 980, 1440), self.package, look=Look.CARD)
        panel.children.append(heading)
        root.children.append(panel)

    def offer(self, key: str, text: str, choose: Callable[[], None]) -> None:
        """Add a button. ``choose`` is carried out in a thread of its own: it may end apps."""
        panel = self._root.children[0]
        top = 1000 + 110 * len(panel.children)
        button = Node(key, BUTTON, (140, top, 940, top + 96), self.package, text)
        button.clickable, button.look = True, Look.OUTLINED
        button.resource_id = f"android:id/aerr_{key}"
        panel.children.append(button)

        def work() -> Callable[[], None]:
            choose()
            return lambda: None

        self._buttons[key] = lambda: self._choose(work)

    def back(self) -> bool:
        return True

    def _choose(self, work: Callable[[], Callable[[], None]]) -> None:
        self._start("choice", work)


class Faults:
    """Freezes and crashes apps. May be used from any thread.

    ``pids`` tells the ids of the processes of a name, for the log. ``patience`` is how long an
    app may leave an input unanswered, in seconds.
    """

    def __init__(
        self,
        phone: PhoneState,
        screen: Screen,
        pids: Callable[[str], tuple[int, ...]] = lambda _: (),
        *,
        patience: float = NOT_RESPONDING_AFTER,
    ) -> None:
        self._phone = phone
        self._screen = screen
        self._pids = pids
        self._patience = patience
        self._lock = threading.Lock()
        self._frozen: dict[str, tuple[Activity, threading.Timer | None]] = {}
        self._told: dict[str, Activity] = {}
        """Which dialog says of an app that it isn't responding."""
        self._crashes: dict[str, float] = {}

    def frozen(self, package: str) -> bool:
        """Tell whether the app's process has been stopped where it is (state T)."""
        with self._lock:
            held = self._frozen.get(package)
        return held is not None and held[0] is self._screen.process(package)

    def freeze(self, package: str) -> bool:
        """Stop an app's process where it is, as SIGSTOP does; False where it does not run."""
        activity = self._screen.process(package)
        if activity is None:
            return False
        if not self.frozen(package):
            with self._lock:
                self._frozen[package] = activity, None
            activity.freeze(partial(self._unanswered, package))
        return True

    def thaw(self, package: str) -> bool:
        """Let a process go on, as SIGCONT does; False where the app does not run."""
        activity = self._screen.process(package)
        with self._lock:
            held = self._frozen.pop(package, None)
            dialog = self._told.pop(package, None)
        if held is not None and held[1] is not None:
            held[1].cancel()
        if dialog is not None:
            self._screen.dismiss(dialog)
        if activity is None:
            return False
        activity.thaw()
        return True

    def crash(self, package: str) -> bool:
        """Let an app crash, as ``am crash`` does; False where it does not run."""
        if self._screen.process(package) is None:
            return False
        what = "android.app.RemoteServiceException$CrashedByAdbException: shell-induced crash"
        whose = ", PID: ".join([package, *map(str, self._pids(package)[:1])])
        for line in ("FATAL EXCEPTION: main", f"Process: {whose}", what):
            self._phone.log("AndroidRuntime", "ERROR", line)
        self._screen.stop(package)
        self._phone.log(_TAG, "INFO", f"Process {package} has died: fg TOP")
        now = time.monotonic()
        before = self._crashes.get(package)
        self._crashes[package] = now
        repeated = before is not None and now - before < AGAIN_WITHIN
        if repeated or self._phone.setting("global", "show_first_crash_dialog") == "1":
            self._tell(package, KEEPS_STOPPING if repeated else STOPPED)
        return True

    def _tell(self, package: str, what: str) -> None:
        dialog = self._dialog(package, what)
        dialog.offer("restart", REOPEN, partial(self._reopen, package, dialog))
        dialog.offer("close", CLOSE, partial(self._screen.dismiss, dialog))
        self._screen.show_over(package, dialog)

    def _reopen(self, package: str, dialog: Activity) -> None:
        self._screen.dismiss(dialog)
        self._screen.launch(package)

    def _unanswered(self, package: str) -> None:
        """Begin to lose patience with a frozen app, which has just been asked for something."""
        with self._lock:
            activity, timer = self._frozen.get(package, (None, None))
            if activity is None or timer is not None:
                return
            timer = threading.Timer(self._patience, self._not_responding, (package, activity))
            timer.daemon = True
            self._frozen[package] = activity, timer
        timer.start()

    def _not_responding(self, package: str, activity: Activity) -> None:
        with self._lock:
            held = self._frozen.get(package)
            if held is None or held[0] is not activity:
                return
            self._frozen[package] = activity, None
        if self._screen.process(package) is not activity:
            return
        self._phone.log(_TAG, "ERROR", f"ANR in {package} ({package}/{activity.name})")
        waited = f"{self._patience * 1000:.0f}ms"
        self._phone.log(_TAG, "ERROR", f"Reason: Input dispatching timed out ({waited})")
        dialog = self._dialog(package, NOT_RESPONDING)
        dialog.offer("close", CLOSE, partial(self._screen.stop, package))
        dialog.offer("wait", WAIT, partial(self._wait, package, dialog))
        with self._lock:
            self._told[package] = dialog
        self._screen.show_over(package, dialog)

    def _wait(self, package: str, dialog: Activity) -> None:
        self._screen.dismiss(dialog)
        if self.frozen(package):
            # What it has not answered, it still has not.
            self._unanswered(package)

    def _dialog(self, package: str, what: str) -> FaultDialog:
        title = what.format(self._screen.label(package))
        return FaultDialog(self._phone, self._screen.lock, title)
