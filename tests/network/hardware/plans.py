"""An access point for tests."""

from __future__ import annotations

from typing import Any

from lab.network.hardware.plan import AccessPlan

LAB = ("198.51.100.0/24", "203.0.113.66")


def a_plan(**fields: Any) -> AccessPlan:
    """Return a plan that can be, but for ``fields``."""
    usual: dict[str, Any] = {
        "interface": "wlan7",
        "ssid": "Free Wi-Fi",
        "country": "DE",
        "channel": 6,
        "domain": "acme.test",
        "addresses": LAB,
    }
    return AccessPlan(**usual | fields)
