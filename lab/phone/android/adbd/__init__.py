"""The phone's adb daemon: unmodified adb and libraries that speak its protocol connect to it."""

from __future__ import annotations

from lab.phone.android.adbd.auth import KeyPolicy
from lab.phone.android.adbd.daemon import FEATURES, Adbd
from lab.phone.android.adbd.limits import Limits

__all__ = ["FEATURES", "Adbd", "KeyPolicy", "Limits"]
