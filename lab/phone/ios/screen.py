"""The screen of an iPhone, and what its apps have in common."""

from __future__ import annotations

from lab.phone.activity import BaseActivity
from lab.phone.ios.screen_nodes import ALERT, SPRINGBOARD, application, keyboard
from lab.phone.node import Node
from lab.phone.ui import Screen

_RETURN = "return"


class IPhoneScreen(Screen):
    """A screen that looks and measures like an iPhone's."""

    def picture(self) -> bytes:
        # Pillow takes a while to load, and many a phone is never looked at.
        from lab.phone.ios.screen_picture import IPhonePainter
        from lab.phone.picture import drawn_by

        return drawn_by(IPhonePainter, self._frame())

    def dismiss_keyboard(self) -> bool:
        """Put the keyboard away, and tell whether it was there."""
        front = self.foreground
        return isinstance(front, IPhoneActivity) and front.dismiss_keyboard()

    def wait_front(self, cap: float) -> None:
        """Wait ``cap`` seconds at most until an app is in front."""
        self.lock.wait_for(lambda: self.foreground is not None, cap)

    def _home_screen(self) -> Node:
        return application(SPRINGBOARD, " ")


class IPhoneActivity(BaseActivity):
    """An app of the iPhone: while one of its text fields has the focus, the keyboard is up.

    Tapping ``return`` does what the field is for, where it is for anything, and puts the keyboard
    away. While an alert is up, nothing but its buttons can be tapped.
    """

    def enter(self) -> None:
        with self._changes.edit():
            super().enter()
            self._put_away()

    def tap(self, node: Node) -> None:
        with self._changes.edit():
            over = next((n for n in self._root.walk() if n.class_name == ALERT), None)
            if over is not None and all(each is not node for each in over.walk()):
                return
            if node.key == _RETURN:
                self.enter()
            else:
                super().tap(node)

    def dismiss_keyboard(self) -> bool:
        """Put the keyboard away, and tell whether it was there."""
        with self._changes.edit():
            return self._put_away()

    def _put_away(self) -> bool:
        was_up = any(node.focused for node in self._root.walk())
        for node in self._root.walk():
            node.focused = False
        self._show_keyboard(shown=False)
        return was_up

    def _focus(self, chosen: Node) -> None:
        super()._focus(chosen)
        self._show_keyboard(shown=True)

    def _show_keyboard(self, *, shown: bool) -> None:
        rest = [node for node in self._root.children if node.key != "keyboard"]
        self._root.children = [*rest, keyboard(self.package)] if shown else rest
