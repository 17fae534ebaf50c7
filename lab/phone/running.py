"""What runs on the phone: apps, their activities, and the lock that they share."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from lab.model.device import Network
from lab.phone.files import PhoneFiles
from lab.phone.node import Node


class Changes:
    """The screen's lock, and the news that something on the screen has changed."""

    def __init__(self) -> None:
        self._condition = threading.Condition(threading.RLock())
        self._count = 0

    @property
    def count(self) -> int:
        """How many changes there have been."""
        return self._count

    @contextmanager
    def read(self) -> Iterator[None]:
        """Keep the screen as it is for the length of the block."""
        with self._condition:
            yield

    @contextmanager
    def edit(self) -> Iterator[None]:
        """Hold the lock to change something; whoever waits is told when the block ends."""
        with self._condition:
            try:
                yield
            finally:
                self._count += 1
                self._condition.notify_all()

    def wait_for(self, reached: Callable[[], bool], cap: float) -> bool:
        """Wait ``cap`` seconds at most until ``reached``, asked after each change, and tell
        whether it was. It is called under the lock."""
        with self._condition:
            return self._condition.wait_for(reached, cap)


class ScreenPhone(Protocol):
    """What a screen needs of the phone that it is part of."""

    @property
    def files(self) -> PhoneFiles: ...

    @property
    def joined(self) -> Network | None:
        """The network that the phone has joined."""

    @property
    def shown_proxy(self) -> str:
        """The HTTP proxy of everything on the phone, as the screen shows it; empty for none."""

    def now(self) -> float:
        """Return the phone's clock in epoch seconds."""


class Activity(Protocol):
    """The one window of an app, together with the app's process. May be used from any thread,
    but its nodes only under the screen's lock."""

    package: str
    name: str
    """Such as ``.MainActivity``."""

    @property
    def idle(self) -> bool:
        """True once no request of this activity is under way."""

    @property
    def toast(self) -> str:
        """The short message over the activity; empty where there is none."""

    def root(self) -> Node: ...

    def open(self, url: str) -> None:
        """Take the URL of a VIEW intent."""

    def act(self, action: str) -> None:
        """Take the action of an intent, one of those that the app names."""

    def post(self, act: Callable[[], None]) -> None:
        """Do something as the app's main thread would: at once, or once it goes on."""

    def freeze(self, unanswered: Callable[[], None]) -> None:
        """Stop the process where it is. ``unanswered`` is told each time it is asked for
        something that it does not do."""

    def thaw(self) -> None:
        """Let the process go on, with everything that it has been asked for meanwhile."""

    def tap(self, node: Node) -> None:
        """Take a touch on ``node``, which is one of this activity's own."""

    def set_text(self, node: Node, text: str) -> None:
        """Replace the text of a text field."""

    def scroll(self, *, down: bool) -> bool:
        """Move what is shown, and tell whether there is more to come that way."""

    def enter(self) -> None:
        """Take the key ``Enter``, as the last one of what was typed."""

    def back(self) -> bool:
        """Take the back gesture; False where there is nothing to go back to."""

    def wait_idle(self, cap: float) -> bool:
        """Wait ``cap`` seconds at most until idle, and tell whether it is."""

    def close(self) -> None:
        """End the app's process: nothing of it is shown or sent any more. Takes a second at
        most, whatever hangs."""


@dataclass(frozen=True, slots=True)
class App:
    """An installed app. ``start`` begins its process: called with its private directory and the
    screen's lock."""

    package: str
    version: str
    activity: str
    start: Callable[[Path, Changes], Activity]
    schemes: frozenset[str] = frozenset()
    """URL schemes whose VIEW intents it takes."""
    actions: frozenset[str] = frozenset()
    """Actions of intents that it takes, beside VIEW."""
    label: str = ""
    """What the phone calls the app to its user; its package where that is empty."""
    version_code: int = 1
    """Grows from version to version."""
    system: bool = False
    """It belongs to the system image, and cannot be uninstalled."""
    container: str = ""
    """Path of its private directory on the phone; Android's for its package where empty."""

    @property
    def storage(self) -> str:
        """Path of the private directory on the phone."""
        return self.container or f"/data/data/{self.package}"


class ProcessWatcher(Protocol):
    """Is told of the processes of the apps. Called under a lock of the screen's: must not launch
    or stop anything."""

    def starting(self, package: str) -> None:
        """A process of the app is about to be."""

    def ended(self, package: str) -> None:
        """The app has no process any more, or could not be started."""
