"""Tells an Appium server of the lab's own where the registry of iPhones' tunnels listens.

Appium's XCUITest driver (12, with appium-ios-remotexpc 5.20) reads the port from a file in the data
folder of whoever runs it (``@appium/strongbox``), on Linux ``$XDG_DATA_HOME``. The lab's servers
have a data folder of their own, so that nothing of the user's is read or changed.
"""

from __future__ import annotations

from pathlib import Path

USUAL_PORT = 42314
"""Where ``appium driver run xcuitest tunnel-creation`` keeps the registry unless told otherwise."""
FILE = Path("appium-xcuitest-driver-nodejs", "strongbox", "tunnelRegistryPort")
"""Below the data folder."""
ADDON = Path("tuntap", "build", "Release", "none.node", "index.js")
"""Where the stand-in for the addon that makes tunnels is, below a server's folder."""

_STAND_IN = """\
// The driver loads the addon that makes tunnels before it uses one that somebody else has made.
// This server makes none, and the addon as it is published runs with glibc 2.38 or newer alone.
module.exports = {};
"""


def without_tunnels(folder: Path) -> dict[str, str]:
    """Return what lets a server in ``folder`` load a stand-in for the addon that makes tunnels
    (``node-gyp-build``: a folder of the user's own comes before what is published). Raises
    OSError."""
    file = folder / ADDON
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    file.write_text(_STAND_IN, encoding="ascii")
    return {"APPIUM_IOS_TUNTAP_PREBUILD": str(folder / ADDON.parts[0])}


def note_registry(data: Path, port: int) -> None:
    """Note the port in a server's data folder; a file of a registry that is gone does no harm.
    Raises OSError."""
    file = data / FILE
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    file.write_text(str(port), encoding="ascii")
