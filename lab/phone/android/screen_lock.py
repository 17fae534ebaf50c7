"""The screen lock's PIN, which Android asks for before it changes what it trusts."""

from __future__ import annotations

import hmac
from contextlib import suppress

from lab.phone.files import FileError, PhoneFiles

FILE = "/data/system/gatekeeper.password.key"
SHORTEST, LONGEST = 4, 17
"""Digits of a PIN (AOSP, LockPatternUtils and DevicePolicyManager)."""


class ScreenLock:
    """A PIN, or none. It is kept in a file: this phone's secrets are a lab's."""

    def __init__(self, files: PhoneFiles) -> None:
        self._files = files

    @property
    def is_set(self) -> bool:
        """Whether the phone has a PIN."""
        return bool(self._pin)

    def fits(self, pin: str) -> bool:
        """Tell whether ``pin`` is the phone's; without one, the empty text is."""
        return hmac.compare_digest(self._pin, pin.encode("utf-8", "replace"))

    def set(self, pin: str) -> None:
        """Give the phone a PIN. Raises ValueError for what is none."""
        if not (pin.isascii() and pin.isdigit() and SHORTEST <= len(pin) <= LONGEST):
            raise ValueError(f"a PIN has {SHORTEST} to {LONGEST} digits")
        self._files.write(FILE, pin.encode("ascii"))

    def clear(self) -> None:
        """Take the PIN away."""
        with suppress(FileError):
            self._files.remove(FILE)

    @property
    def _pin(self) -> bytes:
        try:
            return self._files.read(FILE)
        except FileError:
            return b""
