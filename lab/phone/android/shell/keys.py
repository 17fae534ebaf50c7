"""Commands that use the phone as its user would: input, monkey."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial

from lab.phone.android.shell.arguments import first, take
from lab.phone.android.shell.process import EXIT_USAGE, CommandFailed, Process

Rest = Sequence[str]

_SOURCES = frozenset({"touchscreen", "keyboard", "mouse", "touchpad", "stylus", "dpad", "gamepad"})
MAX_EVENTS = 1000
"""Events of one monkey."""
SWIPE = 100
"""Pixels from which on a swipe scrolls what is in front."""

_CODES = {
    **{f"{digit}": 7 + digit for digit in range(10)},
    **{chr(ord("A") + number): 29 + number for number in range(26)},
    "HOME": 3,
    "BACK": 4,
    "POWER": 26,
    "SPACE": 62,
    "ENTER": 66,
    "DEL": 67,
    "APP_SWITCH": 187,
    "SLEEP": 223,
    "WAKEUP": 224,
    "MENU": 82,
    "PERIOD": 56,
    "SLASH": 76,
    "TAB": 61,
    "ESCAPE": 111,
    "VOLUME_UP": 24,
    "VOLUME_DOWN": 25,
}
"""Names and numbers of keys (AOSP, KeyEvent.java)."""
_TYPED = {
    **{7 + digit: str(digit) for digit in range(10)},
    **{29 + number: chr(ord("a") + number) for number in range(26)},
    62: " ",
    56: ".",
    76: "/",
}
_WITHOUT_EFFECT = frozenset({24, 25, 61, 82})
"""Keys that this phone has, and that do nothing on it."""


def _input(process: Process) -> int:
    name, rest = first(process.arguments)
    if name in _SOURCES:
        name, rest = first(rest)
    action = _INPUT.get(name)
    if action is None:
        raise CommandFailed(
            f"Error: Unknown command: {name[:40]}; this phone's 'input' has "
            f"{', '.join(sorted(_INPUT))}",
            EXIT_USAGE,
        )
    action(process, rest)
    return 0


def _tap(process: Process, rest: Rest) -> None:
    x, y = _numbers(rest, 2)
    if process.system.power.awake:
        process.screen.touch(x, y)


def _swipe(process: Process, rest: Rest) -> None:
    numbers = _numbers(rest[:4], 4)
    if len(rest) > 4:
        _numbers(rest[4:], 1)
    x, y, to_x, to_y = numbers
    if not process.system.power.awake:
        return
    if abs(to_y - y) >= SWIPE:
        process.screen.scroll(down=to_y < y)
    elif abs(to_x - x) < SWIPE:
        # Without a way to go it is a long touch, which is all that this screen makes of it.
        process.screen.touch(x, y)


def _text(process: Process, rest: Rest) -> None:
    if not rest:
        raise CommandFailed("Error: no text specified", EXIT_USAGE)
    text = " ".join(rest).replace("%s", " ")
    if process.system.power.awake:
        process.screen.type(lambda before: before + text)


def _keyevent(process: Process, rest: Rest) -> None:
    _, given = take(rest, ("--delay", "--duration"), ("--longpress", "--doubletap", "--async"))
    codes = [_code(each) for each in given]
    if not codes:
        raise CommandFailed("Error: no key specified", EXIT_USAGE)
    for code in codes:
        press(process, code)


def _code(text: str) -> int:
    """Return the number of a key, which may be given by name. Raises CommandFailed."""
    name = text.upper().removeprefix("KEYCODE_")
    code = _CODES.get(name)
    # A number is a number: there are keys of the digits' names as well.
    if text.isascii() and text.isdigit():
        code = int(text[:4])
    if code not in _KEYS and code not in _TYPED and code not in _WITHOUT_EFFECT:
        raise CommandFailed(f"Error: this phone has no key {text[:40]}", EXIT_USAGE)
    return code


def press(process: Process, code: int) -> None:
    """Press a key that this phone has."""
    power = process.system.power
    if not power.awake and code not in (_CODES["POWER"], _CODES["WAKEUP"]):
        return
    if code in _TYPED:
        process.screen.type(partial(_append, _TYPED[code]))
    elif code in _KEYS:
        _KEYS[code](process)


def _append(sign: str, before: str) -> str:
    return before + sign


def _delete(process: Process) -> None:
    process.screen.type(lambda before: before[:-1])


def _set_awake(awake: bool, process: Process) -> None:
    process.system.power.awake = awake


def _power_key(process: Process) -> None:
    process.system.power.awake = not process.system.power.awake


_KEYS: dict[int, Callable[[Process], None]] = {
    _CODES["HOME"]: lambda process: process.screen.home(),
    _CODES["BACK"]: lambda process: process.screen.back(),
    _CODES["ESCAPE"]: lambda process: process.screen.back(),
    _CODES["APP_SWITCH"]: lambda process: process.screen.home(),
    _CODES["ENTER"]: lambda process: process.screen.enter(),
    _CODES["DEL"]: _delete,
    _CODES["POWER"]: _power_key,
    _CODES["SLEEP"]: partial(_set_awake, False),
    _CODES["WAKEUP"]: partial(_set_awake, True),
}
_INPUT: dict[str, Callable[[Process, Rest], None]] = {
    "keyevent": _keyevent,
    "swipe": _swipe,
    "tap": _tap,
    "text": _text,
}


def _numbers(rest: Rest, count: int) -> list[float]:
    """Return as many numbers as are wanted. Raises CommandFailed."""
    numbers: list[float] = []
    for text in rest:
        with suppress(ValueError):
            numbers.append(float(text[:20]))
    if len(numbers) != count or len(rest) != count:
        raise CommandFailed(f"Error: {count} numbers are needed", EXIT_USAGE)
    return numbers


def _monkey(process: Process) -> int:
    """Start an app, which is what ``monkey -p PACKAGE 1`` is used for: the launcher's intent is
    its first event. Others are left out."""
    found, rest = take(
        process.arguments,
        ("-p", "-c", "-s", "--throttle", "--pct-syskeys", "--pct-touch"),
        ("-v", "--ignore-crashes", "--ignore-timeouts"),
    )
    count = rest[0] if len(rest) == 1 else ""
    if not count.isascii() or not count.isdigit() or not 0 < int(count[:9]) <= MAX_EVENTS:
        raise CommandFailed("** Error: Count not specified", EXIT_USAGE)
    package = found.get("-p", "")
    try:
        process.screen.launch(package or "?")
    except ValueError:
        process.out.line("** No activities found to run, monkey aborted.")
        return 252
    process.print_lines([f"Events injected: {int(count)}", "// Monkey finished"])
    return 0


COMMANDS = {"input": _input, "monkey": _monkey}
