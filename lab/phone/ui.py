"""What is on the phone's screen: the activities, and which of them is in front."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from lab.phone.node import FRAME, HEIGHT, LAUNCHER, WIDTH, one_line
from lab.phone.node import Node as Node
from lab.phone.running import Activity as Activity
from lab.phone.running import App as App
from lab.phone.running import Changes as Changes
from lab.phone.running import ProcessWatcher as ProcessWatcher
from lab.phone.running import ScreenPhone as ScreenPhone

if TYPE_CHECKING:
    from lab.phone.picture import Frame


class Screen:
    """Which activity is in front, and all that can be done to it. May be used from any thread.

    Methods that name a node of the activity in front raise LookupError when it is gone.
    """

    def __init__(self, phone: ScreenPhone, apps: Sequence[App]) -> None:
        self._phone = phone
        self.shipped = tuple(apps)
        """The apps that the phone came with, whether or not they are still installed."""
        # Replaced, never changed: whoever reads it has it whole.
        self._apps = {app.package: app for app in apps}
        self._watchers: tuple[ProcessWatcher, ...] = ()
        self._changes = Changes()
        # Starting and ending an app takes time: under a lock of its own, the screen stays alive.
        self._processes = threading.RLock()
        self._running: dict[str, Activity] = {}
        self._front: Activity | None = None
        self._over: list[tuple[str, Activity]] = []
        self._home = self._home_screen()

    @property
    def packages(self) -> tuple[tuple[str, str], ...]:
        """The installed packages and their versions."""
        return tuple((app.package, app.version) for app in self._apps.values())

    @property
    def apps(self) -> tuple[App, ...]:
        """The installed apps."""
        return tuple(self._apps.values())

    def add(self, app: App) -> None:
        """Install an app, or another version of one, whose process then ends."""
        with self._processes:
            self.stop(app.package)
            self._apps = {**self._apps, app.package: app}

    def remove(self, package: str) -> None:
        """Uninstall an app; what it stored stays."""
        with self._processes:
            self.stop(package)
            self._apps = {name: app for name, app in self._apps.items() if name != package}

    def watch(self, watcher: ProcessWatcher) -> None:
        """Tell ``watcher`` of the processes there are, and of all that come and go from now on."""
        with self._processes:
            self._watchers = (*self._watchers, watcher)
            for package in self._running:
                watcher.starting(package)

    @property
    def foreground(self) -> Activity | None:
        """The activity in front, which may be a dialog of the system; None on the home screen."""
        over = self._over
        return over[-1][1] if over else self._front

    @property
    def changes(self) -> int:
        """Grows with every change of the screen."""
        return self._changes.count

    def running(self, package: str) -> bool:
        """Tell whether the app has a process."""
        return package in self._running

    def process(self, package: str) -> Activity | None:
        """Return the running app of this name."""
        return self._running.get(package)

    def label(self, package: str) -> str:
        """Return what the phone calls an app to its user."""
        app = self._apps.get(package)
        return app.label or package if app is not None else package

    def show_over(self, package: str, dialog: Activity) -> None:
        """Show a dialog of the system about an app, over everything else. It goes with the app's
        process."""
        with self._changes.edit():
            self._over.append((package, dialog))

    def dismiss(self, dialog: Activity) -> None:
        """Take a dialog of the system away."""
        with self._changes.edit():
            self._over = [(package, shown) for package, shown in self._over if shown is not dialog]

    @property
    def lock(self) -> Changes:
        """The screen's lock, for those who make activities."""
        return self._changes

    def launch(self, component: str, *, data: str | None = None, action: str = "") -> None:
        """Bring an app to the front, and start it where it does not run.

        ``component`` is ``package/.Activity``, a package, or empty for whichever app takes the
        ``action``, or a VIEW intent with ``data``. Raises ValueError where no app is meant,
        FileError where its directory cannot be made.
        """
        with self._processes:
            app = self.resolve(component, data, action)
            activity = self._running.get(app.package)
            if activity is None:
                activity = self._start(app)
            with self._changes.edit():
                self._running[app.package] = activity
                self._front = activity
                if data is not None:
                    activity.post(lambda: activity.open(data))
                if action in app.actions:
                    activity.post(lambda: activity.act(action))

    def stop(self, package: str) -> None:
        """End an app's process; what it stored stays."""
        with self._processes:
            with self._changes.edit():
                activity = self._running.pop(package, None)
                self._over = [over for over in self._over if over[0] != package]
                if activity is not None and activity is self._front:
                    self._front = None
            if activity is not None:
                activity.close()
                for watcher in self._watchers:
                    watcher.ended(package)

    def clear(self, package: str) -> None:
        """End an app's process and delete what it stored. Raises ValueError where there is no
        such app, FileError where something cannot be deleted."""
        app = self._apps.get(package)
        if app is None:
            raise ValueError(f"no package {one_line(package, 100)!r}")
        with self._processes:
            self.stop(package)
            folder = self._phone.files.host_path(app.storage)
            if folder.exists():
                self._phone.files.remove(app.storage, recursive=True)

    def home(self) -> None:
        """Leave the app in front; it goes on in the background."""
        with self._changes.edit():
            self._front = None

    def back(self) -> None:
        """Go back within the activity in front, else to the home screen."""
        with self._changes.edit():
            front = self._front
            if self._over:
                self._over[-1][1].back()
            elif front is not None:
                front.post(lambda: self._go_back(front))

    def scroll(self, *, down: bool) -> bool:
        """Scroll in what is in front, and tell whether there is more to come that way."""
        with self._changes.edit():
            front = self.foreground
            return front is not None and front.scroll(down=down)

    def enter(self) -> None:
        """Press the key ``Enter``."""
        with self._changes.edit():
            front = self.foreground
            if front is not None:
                front.post(front.enter)

    def snapshot(self) -> Node:
        """Return a consistent deep copy of everything in front."""
        with self._changes.read():
            return self._root().copy()

    def node(self, key: str) -> Node:
        """Return a copy of one node of the activity in front."""
        with self._changes.read():
            return self._root().find(key).copy()

    def tap(self, key: str) -> bool:
        """Touch a node, and tell whether it took that: what is disabled does not."""
        with self._changes.edit():
            node = self._root().find(key)
            front = self.foreground
            if front is None or not (node.enabled and node.clickable):
                return False
            front.post(lambda: front.tap(node))
            return True

    def touch(self, x: float, y: float) -> bool:
        """Touch the topmost node there that takes touches, and tell whether there was one that
        is enabled."""
        with self._changes.edit():
            hit = None
            for node in self._root().walk():
                left, top, right, bottom = node.bounds
                if node.clickable and left <= x < right and top <= y < bottom:
                    hit = node
            return hit is not None and self.tap(hit.key)

    def type(self, change: Callable[[str], str]) -> bool:
        """Change the text of the field that is focused, and tell whether there is one."""
        with self._changes.edit():
            fields = (node for node in self._root().walk() if node.takes_text)
            focused = next((node for node in fields if node.focused), None)
            return focused is not None and self.set_text(focused.key, change(focused.text))

    def set_text(self, key: str, text: str) -> bool:
        """Replace a field's text, and tell whether it took that: other nodes do not."""
        with self._changes.edit():
            node = self._root().find(key)
            front = self.foreground
            if front is None or not (node.enabled and node.takes_text):
                return False
            front.post(lambda: front.set_text(node, text))
            return True

    def wait_idle(self, cap: float) -> bool:
        """Wait ``cap`` seconds at most until the activity in front has no request under way."""

        def idle() -> bool:
            front = self.foreground
            return front is None or front.idle

        return self._changes.wait_for(idle, cap)

    def wait_change(self, since: int, cap: float) -> int:
        """Wait ``cap`` seconds at most until ``changes`` is no longer ``since``; return it."""
        self._changes.wait_for(lambda: self._changes.count != since, cap)
        return self._changes.count

    def picture(self) -> bytes:
        """Return the screen as a PNG."""
        # Pillow takes a while to load, and many a phone is never looked at.
        from lab.phone.picture import draw

        return draw(self._frame())

    def _frame(self) -> Frame:
        from lab.phone.picture import Frame

        with self._changes.read():
            root = self._root().copy()
            front = self.foreground
            toast = front.toast if front is not None else ""
        joined = self._phone.joined
        return Frame(
            root=root,
            at=self._phone.now(),
            network=joined.ssid if joined is not None else "",
            proxy=self._phone.shown_proxy,
            toast=toast,
        )

    def close(self) -> None:
        """End every app, all at once."""
        with self._processes:
            with self._changes.edit():
                packages = list(self._running)
                activities = list(self._running.values())
                self._running.clear()
                self._over.clear()
                self._front = None
            threads = [threading.Thread(target=activity.close) for activity in activities]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            for watcher in self._watchers:
                for package in packages:
                    watcher.ended(package)

    def _start(self, app: App) -> Activity:
        folder = self._phone.files.make_folder(app.storage)
        for watcher in self._watchers:
            watcher.starting(app.package)
        try:
            return app.start(folder, self._changes)
        except BaseException:
            for watcher in self._watchers:
                watcher.ended(app.package)
            raise

    def _home_screen(self) -> Node:
        return Node("home", FRAME, (0, 0, WIDTH, HEIGHT), LAUNCHER)

    def _root(self) -> Node:
        front = self.foreground
        return front.root() if front is not None else self._home

    def _go_back(self, activity: Activity) -> None:
        if not activity.back() and activity is self._front:
            self._front = None

    def resolve(self, component: str, data: str | None, action: str) -> App:
        """Return the app that ``launch`` would bring to the front. Raises ValueError."""
        if component:
            package, _, name = component.partition("/")
            app = self._apps.get(package)
            if app is not None and name in ("", app.activity, app.package + app.activity):
                return app
            raise ValueError(f"no activity {one_line(component, 200)!r}")
        named = next((app for app in self._apps.values() if action in app.actions), None)
        if named is not None:
            return named
        scheme = ""
        with suppress(ValueError):
            scheme = urlsplit(data or "").scheme
        for app in self._apps.values():
            if scheme in app.schemes:
                return app
        raise ValueError(f"no app takes {one_line(data or '', 200)!r}")
