"""Commands about processes: ps, pidof, pgrep, kill."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime

from lab.phone.android.accounts import name_of
from lab.phone.android.processes import Task
from lab.phone.android.shell.process import CommandFailed, Process, options
from lab.phone.android.shell.text import matcher

USAGE = """usage: ps [-Aaedf] [-o FIELD,] [-p PID,]

List processes.

Which processes to show:

-A\tAll
-a\tHas terminal not session leader
-d\tAll but session leaders
-e\tSynonym for -A
-p\tIDs to show

Which FIELDs to show:

-f\tFull listing
-o\tShow FIELDs in this order
"""
"""Of toybox."""

SIGNALS = {"HUP": 1, "INT": 2, "QUIT": 3, "KILL": 9, "TERM": 15, "CONT": 18, "STOP": 19}
"""Signals that there are, and 0, which only asks."""
_ENDING = (1, 2, 3, 9, 15)

Field = Callable[[Process, Task], str]

_FIELDS: dict[str, tuple[str, Field]] = {
    "USER": ("{:<12}", lambda _, task: name_of(task.uid)),
    "UID": ("{:<12}", lambda _, task: name_of(task.uid)),
    "PID": ("{:>6}", lambda _, task: str(task.pid)),
    "PPID": ("{:>6}", lambda _, task: str(task.parent)),
    "VSZ": ("{:>8}", lambda *_: "0"),
    "RSS": ("{:>6}", lambda *_: "0"),
    "C": ("{:>1}", lambda *_: "0"),
    "STIME": ("{:>5}", lambda _, task: f"{datetime.fromtimestamp(task.started, UTC):%H:%M}"),
    "TTY": ("{:<7}", lambda *_: "?"),
    "TIME": ("{:>8}", lambda *_: "00:00:00"),
    "WCHAN": ("{:<15}", lambda *_: "0"),
    "ADDR": ("{:>8}", lambda *_: "0"),
    "S": ("{}", lambda process, task: _state(process, task)),
    "NAME": ("{}", lambda _, task: task.name),
    "CMD": ("{}", lambda _, task: task.name),
    "ARGS": ("{}", lambda _, task: task.name),
}
_USUAL = ("USER", "PID", "PPID", "VSZ", "RSS", "WCHAN", "ADDR", "S", "NAME")
_FULL = ("UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD")


def _state(process: Process, task: Task) -> str:
    return "T" if process.system.faults.frozen(task.name) else "S"


def _ps(process: Process) -> int:
    if "--help" in process.arguments:
        process.out.write(USAGE.encode())
        return 0
    found, rest = options(process, "Aaefdlnw", "op")
    if rest:
        raise CommandFailed("ps: this phone's ps has -A, -e, -f, -o FIELD, and -p PID,")
    shown: tuple[str, ...] = _FULL if "f" in found else _USUAL
    if "o" in found:
        shown = tuple(found["o"].upper().replace(",", " ").split())
    unknown = next((name for name in shown if name not in _FIELDS), None)
    if unknown is not None:
        raise CommandFailed(f"ps: bad -o {unknown[:40]}")
    tasks: Iterable[Task] = process.system.processes.all()
    if "p" in found:
        wanted = found["p"].replace(",", " ").split()
        tasks = [task for task in tasks if str(task.pid) in wanted]
    elif not {"A", "a", "e"} & found.keys():
        # Without -A it shows the shell's own processes; this shell has none.
        tasks = []
    process.out.line(_row(shown, list(shown)))
    for task in tasks:
        process.out.line(_row(shown, [_FIELDS[name][1](process, task) for name in shown]))
    return 0


def _row(names: Sequence[str], values: Sequence[str]) -> str:
    return " ".join(
        _FIELDS[name][0].format(value) for name, value in zip(names, values, strict=True)
    )


def _pidof(process: Process) -> int:
    found, names = options(process, "s", "o")
    omitted = found.get("o", "").split(",")
    pids = [
        str(pid)
        for name in names
        for pid in reversed(process.system.processes.pids(name))
        if str(pid) not in omitted
    ]
    if not pids:
        return 1
    process.out.line(" ".join(pids[:1] if "s" in found else pids))
    return 0


def _pgrep(process: Process) -> int:
    found, patterns = options(process, "flnox", "P")
    if len(patterns) > 1 or not (patterns or "P" in found):
        raise CommandFailed("pgrep: needs a pattern")
    wanted = {"E": "", **({"x": ""} if "x" in found else {})}
    expression = matcher(patterns[0], wanted)[0] if patterns else None
    hits = [
        task
        for task in process.system.processes.all()
        if (expression is None or expression.search(task.name))
        and found.get("P", str(task.parent)) == str(task.parent)
    ]
    if "o" in found or "n" in found:
        hits = hits[:1] if "o" in found else hits[-1:]
    for task in hits:
        process.out.line(f"{task.pid} {task.name}" if "l" in found else str(task.pid))
    return 0 if hits else 1


def _kill(process: Process) -> int:
    signal, pids = _signal(list(process.arguments))
    if not pids:
        raise CommandFailed("kill: needs a process id")
    code = 0
    for pid in pids:
        complaint = _send(process, signal, pid)
        if complaint:
            process.complain(f"{pid[:20]}: {complaint}")
            code = 1
    return code


def _signal(arguments: list[str]) -> tuple[int, list[str]]:
    """Return the signal, and to whom it is to go. Raises CommandFailed."""
    name = "TERM"
    if arguments[:1] == ["-s"] and len(arguments) > 1:
        name, arguments = arguments[1], arguments[2:]
    elif arguments and arguments[0].startswith("-") and arguments[0] != "--":
        name, arguments = arguments[0][1:], arguments[1:]
    if arguments[:1] == ["--"]:
        del arguments[0]
    name = name.upper().removeprefix("SIG")
    number = SIGNALS.get(name)
    if number is None and name in ("0", *map(str, SIGNALS.values())):
        number = int(name)
    if number is None:
        raise CommandFailed(f"kill: bad signal '{name[:20]}'")
    return number, arguments


def _send(process: Process, signal: int, pid: str) -> str:
    """Send a signal; return what there is to complain about."""
    if not pid.isascii() or not pid.isdigit():
        return "bad process id"
    system = process.system
    task = system.processes.get(int(pid[:9]))
    if task is None:
        return "No such process"
    if not process.identity.root and process.identity.uid != task.uid:
        return "Operation not permitted"
    if signal in _ENDING:
        process.phone.log("Zygote", "INFO", f"Process {task.pid} exited due to signal {signal}")
        if not system.processes.kill(task.pid):
            return "this phone cannot live without it"
    elif signal == SIGNALS["STOP"]:
        system.faults.freeze(task.name)
    elif signal == SIGNALS["CONT"]:
        system.faults.thaw(task.name)
    return ""


COMMANDS = {"kill": _kill, "pgrep": _pgrep, "pidof": _pidof, "ps": _ps}
