"""Android's users and groups, and whose the files are that nobody gave to anybody."""

from __future__ import annotations

import re

from lab.phone.attributes import ROOT, Attributes, Place, User

FIRST_APP = 10_000
LAST_APP = 19_999
EVERYBODY = 9997
INET = 3003

_IDS = {
    "root": 0,
    "daemon": 1,
    "bin": 2,
    "system": 1000,
    "radio": 1001,
    "bluetooth": 1002,
    "graphics": 1003,
    "input": 1004,
    "audio": 1005,
    "camera": 1006,
    "log": 1007,
    "wifi": 1010,
    "adb": 1011,
    "install": 1012,
    "media": 1013,
    "dhcp": 1014,
    "sdcard_rw": 1015,
    "vpn": 1016,
    "keystore": 1017,
    "usb": 1018,
    "media_rw": 1023,
    "sdcard_r": 1028,
    "dns": 1051,
    "ext_data_rw": 1078,
    "ext_obb_rw": 1079,
    "shell": 2000,
    "cache": 2001,
    "net_bt_admin": 3001,
    "net_bt": 3002,
    "inet": INET,
    "net_raw": 3004,
    "net_admin": 3005,
    "net_bw_stats": 3006,
    "readproc": 3009,
    "uhid": 3011,
    "readtracefs": 3012,
    "everybody": EVERYBODY,
    "misc": 9998,
    "nobody": 9999,
}
"""AOSP, android_filesystem_config.h."""
_NAMES = {number: name for name, number in _IDS.items()}
_APP = re.compile(r"u0_a(\d{1,5})", re.ASCII)
_NUMBER = re.compile(r"\d{1,9}", re.ASCII)

_SHELL_GROUPS = (
    "input",
    "log",
    "adb",
    "sdcard_rw",
    "sdcard_r",
    "ext_data_rw",
    "ext_obb_rw",
    "net_bt_admin",
    "net_bt",
    "inet",
    "net_bw_stats",
    "readproc",
    "uhid",
    "readtracefs",
)
SHELL = User(2000, 2000, frozenset(_IDS[name] for name in _SHELL_GROUPS))


def user(uid: int) -> User:
    """Return the user of this number with its groups."""
    if uid == SHELL.uid:
        return SHELL
    if uid == 0:
        return ROOT
    return User(uid, uid, frozenset({EVERYBODY, INET}) if uid >= FIRST_APP else frozenset())


def name_of(number: int) -> str:
    """Return what Android calls a user or group."""
    if FIRST_APP <= number <= LAST_APP:
        return f"u0_a{number - FIRST_APP}"
    return _NAMES.get(number, str(number))


def number_of(name: str) -> int:
    """Return the number of a user or group, which may be given as that. Raises ValueError."""
    if _NUMBER.fullmatch(name):
        return int(name)
    match = _APP.fullmatch(name)
    number = _IDS.get(name) if match is None else FIRST_APP + int(match[1])
    if number is None:
        raise ValueError(f"no user {name[:40]!r}")
    return number


def defaults(place: Place, is_folder: bool) -> Attributes:
    """Return the attributes that a place has on a phone as it comes (AOSP, rootdir/init.rc and
    vold's FsCrypt.cpp)."""
    path = place.path
    if place.volume:
        return _attributes(0o755 if is_folder else 0o644)
    if path in _EXACT:
        return _EXACT[path]
    for prefix, of_folder, of_file in _BELOW:
        if path.startswith(prefix):
            return of_folder if is_folder else of_file
    return _attributes(0o755 if is_folder else 0o644)


def _attributes(mode: int, owner: str = "root", group: str = "") -> Attributes:
    return Attributes(mode, _IDS[owner], _IDS[group or owner])


_EXACT = {
    "/data": _attributes(0o771, "system"),
    "/data/app": _attributes(0o771, "system"),
    "/data/data": _attributes(0o771, "system"),
    "/data/local": _attributes(0o751, "root"),
    "/data/local/tmp": _attributes(0o771, "shell"),
    "/data/misc": _attributes(0o1771, "system", "misc"),
    "/data/misc/adb": _attributes(0o2750, "system", "shell"),
    "/data/misc/user": _attributes(0o771, "root"),
    "/data/misc/user/0": _attributes(0o750, "system", "everybody"),
    "/sdcard": _attributes(0o2771, "media_rw", "ext_data_rw"),
}
_BELOW = (
    ("/data/misc/adb/", _attributes(0o750, "system", "shell"), _attributes(0o640, "system")),
    ("/data/misc/", _attributes(0o755, "system"), _attributes(0o644, "system")),
    ("/data/app/", _attributes(0o755, "system"), _attributes(0o644, "system")),
    # Each app's own; which app that is makes no difference to the shell.
    ("/data/data/", _attributes(0o700, "system"), _attributes(0o600, "system")),
    ("/data/", _attributes(0o755), _attributes(0o644)),
    (
        "/sdcard/",
        _attributes(0o2771, "media_rw", "ext_data_rw"),
        _attributes(0o660, "media_rw", "ext_data_rw"),
    ),
)
