"""Commands about the phone itself: date, dumpsys, getprop, id, logcat, settings, whoami."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from lab.phone.android.shell.apps import dump
from lab.phone.android.shell.process import EXIT_USAGE, CommandFailed, Process, options
from lab.phone.logcat import MAX_LINES
from lab.phone.state import NAMESPACES

MAX_FORMAT = 200
"""Characters of date's format."""

PROPERTIES = {
    "init.svc.bootanim": "stopped",
    "persist.sys.timezone": "UTC",
    "ro.build.characteristics": "default",
    "ro.build.type": "userdebug",
    "ro.build.version.release": "14",
    "ro.build.version.sdk": "34",
    "ro.debuggable": "1",
    "ro.product.brand": "TrustPinLab",
    "ro.product.device": "virtual",
    "ro.product.manufacturer": "TrustPin MITM Lab",
    "ro.product.model": "VirtualPhone",
    "ro.product.name": "virtual",
    "sys.boot_completed": "1",
}


def _getprop(process: Process) -> int:
    known = {**PROPERTIES, "ro.serialno": process.phone.name}
    if process.arguments:
        default = process.arguments[1] if len(process.arguments) > 1 else ""
        process.out.line(known.get(process.arguments[0], default))
    else:
        process.print_lines(f"[{key}]: [{value}]" for key, value in sorted(known.items()))
    return 0


def _settings(process: Process) -> int:
    rest = list(process.arguments)
    if "--user" in rest:
        at = rest.index("--user")
        del rest[at : at + 2]
    verb, rest = (rest[0], rest[1:]) if rest else ("", [])
    wanted = {"get": 2, "put": 3, "delete": 2, "list": 1}.get(verb)
    if wanted is None or len(rest) < wanted:
        raise CommandFailed(
            "usage: settings get|put|delete|list NAMESPACE [KEY [VALUE]]", EXIT_USAGE
        )
    namespace = rest[0]
    if namespace not in NAMESPACES:
        raise CommandFailed(f"Error: Invalid namespace '{namespace}'", EXIT_USAGE)
    phone = process.phone
    if verb == "list":
        process.print_lines(f"{key}={value}" for key, value in phone.settings_of(namespace))
    elif verb == "get":
        value = phone.setting(namespace, rest[1])
        process.out.line("null" if value is None else value)
    else:
        existed = phone.setting(namespace, rest[1]) is not None
        try:
            phone.put_setting(namespace, rest[1], rest[2] if verb == "put" else None)
        except ValueError as error:
            raise CommandFailed(f"Error: {error}", EXIT_USAGE) from None
        if verb == "delete":
            process.out.line(f"Deleted {int(existed)} rows")
    return 0


_POSIX_DATE = re.compile(
    r"(?P<month>\d\d)(?P<day>\d\d)(?P<hour>\d\d)(?P<minute>\d\d)"
    r"(?P<year>\d\d(?:\d\d)?)?(?:\.(?P<second>\d\d))?",
    re.ASCII,
)
_EPOCH = re.compile(r"@(\d{1,12}(?:\.\d{1,9})?)", re.ASCII)


def _date(process: Process) -> int:
    _, rest = options(process, "u")
    if len(rest) > 1:
        raise CommandFailed("date: Max 1 argument")
    shown = "+%a %b %e %H:%M:%S %Z %Y"
    if rest and rest[0].startswith("+"):
        shown = rest[0]
    elif rest:
        try:
            process.phone.set_clock(_moment(rest[0], process.phone.now()))
        except ValueError:
            raise CommandFailed(f"date: bad date '{rest[0][:40]}'") from None
    if len(shown) > MAX_FORMAT:
        raise CommandFailed("date: the format is too long")
    now = datetime.fromtimestamp(process.phone.now(), UTC)
    try:
        process.out.line(now.strftime(shown[1:]))
    except ValueError:
        raise CommandFailed(f"date: bad format '{shown[:40]}'") from None
    return 0


def _moment(text: str, now: float) -> float:
    """Read ``@EPOCH`` or ``MMDDhhmm[[CC]YY][.ss]``, in UTC. Raises ValueError."""
    if (match := _EPOCH.fullmatch(text)) is not None:
        return float(match[1])
    match = _POSIX_DATE.fullmatch(text)
    if match is None:
        raise ValueError(text)
    year = match["year"] or str(datetime.fromtimestamp(now, UTC).year)
    if len(year) == 2:
        # POSIX, date: 69 to 99 are of the twentieth century.
        year = f"{19 if int(year) >= 69 else 20}{year}"
    month, day, hour, minute, second = (
        int(match[part] or 0) for part in ("month", "day", "hour", "minute", "second")
    )
    return datetime(int(year), month, day, hour, minute, second, tzinfo=UTC).timestamp()


def _logcat(process: Process) -> int:
    found, rest = options(process, "dcs", "tTvb")
    if found.get("v", "threadtime") != "threadtime":
        raise CommandFailed("logcat: this phone has the format 'threadtime' only")
    if "c" in found:
        process.phone.logcat.clear()
        return 0
    if not {"d", "t", "T"} & found.keys():
        raise CommandFailed("logcat: this phone does not stream its log: give -d, -t N or -c")
    tags = {spec.partition(":")[0] for spec in rest} - {"*"}
    if "s" not in found and not any(spec in ("*:S", "*:s") for spec in rest):
        # A tag without -s or *:S only changes that tag's level; everything else is shown, too.
        tags = set()
    lines = process.phone.logcat.lines(tags)
    count = found.get("t", found.get("T", str(MAX_LINES)))
    if not count.isascii() or not count.isdigit():
        raise CommandFailed(f"logcat: not a number of lines: {count[:20]}")
    kept = lines[max(0, len(lines) - int(count[:9])) :]
    process.print_lines(line.threadtime() for line in kept)
    return 0


def _dumpsys(process: Process) -> int:
    service, rest = (process.arguments[0], process.arguments[1:]) if process.arguments else ("", [])
    front = process.screen.foreground
    if service == "package":
        for package in rest:
            process.print_lines(dump(process.screen, package))
    elif service == "window":
        name = "null" if front is None else f"{front.package}/{front.package}{front.name}"
        app = "null" if front is None else f"{front.package}/{front.name}"
        process.print_lines(
            [
                "WINDOW MANAGER DISPLAY CONTENTS (dumpsys window displays)",
                f"  mCurrentFocus=Window{{1 u0 {name}}}",
                f"  mFocusedApp=ActivityRecord{{1 u0 {app} t1}}",
            ]
        )
    elif service == "wifi":
        joined = process.phone.joined
        ssid = "<none>" if joined is None else f'"{joined.ssid}"'
        process.print_lines(["Wi-Fi is enabled", f"mWifiInfo SSID: {ssid}"])
    else:
        raise CommandFailed(f"Can't find service: {service}")
    return 0


def _id(process: Process) -> int:
    found, _ = options(process, "u")
    process.out.line("0" if "u" in found else "uid=0(root) gid=0(root) groups=0(root)")
    return 0


def _whoami(process: Process) -> int:
    process.out.line("root")
    return 0


COMMANDS = {
    "date": _date,
    "dumpsys": _dumpsys,
    "getprop": _getprop,
    "id": _id,
    "logcat": _logcat,
    "settings": _settings,
    "whoami": _whoami,
}
