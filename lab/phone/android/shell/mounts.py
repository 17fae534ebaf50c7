"""``mount``, ``umount`` and ``nsenter``: what is seen where, and by whom."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from lab.phone.android.mounts import MountError
from lab.phone.android.processes import INIT
from lab.phone.android.shell.process import Command, CommandFailed, Process
from lab.phone.files import FileError

_FLAGS = frozenset({"ro", "rw", "remount", "bind", "rbind", "rec", "noatime", "relatime"})
_MODE = re.compile(r"0*([0-7]{1,4})")
_FILE = re.compile(r"/proc/(\d{1,9})/ns/mnt", re.ASCII)
NOT_PERMITTED = "Operation not permitted"


@dataclass(slots=True)
class _Wanted:
    """What a mount command asks for."""

    kind: str = ""
    flags: set[str] = field(default_factory=set)
    mode: int = 0o1777
    paths: list[str] = field(default_factory=list)


def _mount(process: Process) -> int:
    wanted = _read(process)
    namespace = process.identity.namespace
    mounts = process.system.mounts
    if not wanted.paths and not wanted.flags:
        for each in mounts.table(namespace).mounts:
            ways = "ro" if each.read_only else "rw"
            process.out.line(f"{each.device} on {each.point} type {each.kind} ({ways},relatime)")
        return 0
    if not wanted.paths:
        raise CommandFailed("mount: Needs 1 argument")
    device = wanted.paths[0] if len(wanted.paths) > 1 else (wanted.kind or "none")
    point = wanted.paths[-1]
    try:
        clean = process.files.clean_path(point)
        if not process.identity.root:
            raise MountError(NOT_PERMITTED)
        if "remount" in wanted.flags:
            mounts.remount(namespace, clean, read_only="rw" not in wanted.flags)
        elif {"bind", "rbind"} & wanted.flags:
            mounts.bind(namespace, process.files.clean_path(device), clean)
        elif wanted.kind == "tmpfs":
            mounts.mount_tmpfs(namespace, device, clean, wanted.mode)
        else:
            raise MountError("No such device")
    except (MountError, FileError) as error:
        reason = error.reason if isinstance(error, FileError) else str(error)
        raise CommandFailed(f"mount: '{device}'->'{point}': {reason}") from None
    return 0


def _read(process: Process) -> _Wanted:
    wanted = _Wanted()
    waiting = list(process.arguments)
    while waiting:
        word = waiting.pop(0)
        if word in ("-t", "-o", "-O") and not waiting:
            raise CommandFailed(f"mount: Missing argument to {word}")
        if word == "-t":
            wanted.kind = waiting.pop(0)
        elif word.startswith("-o"):
            _read_options(wanted, word[2:] or waiting.pop(0))
        elif word in ("--bind", "-B"):
            wanted.flags.add("bind")
        elif word in ("--rbind", "-R"):
            wanted.flags.add("rbind")
        elif word in ("-r", "-w"):
            wanted.flags.add(f"{'ro' if word == '-r' else 'rw'}")
        elif word == "-v":
            continue
        elif word.startswith("-"):
            raise CommandFailed(f"mount: Unknown option '{word.lstrip('-')[:40]}'")
        else:
            wanted.paths.append(word)
    return wanted


def _read_options(wanted: _Wanted, text: str) -> None:
    for option in text.split(","):
        key, _, value = option.partition("=")
        if option in _FLAGS:
            wanted.flags.add(option)
        elif key == "mode" and (match := _MODE.fullmatch(value)) is not None:
            wanted.mode = int(match[1], 8)
        elif key not in ("size", "context", "uid", "gid", "nosuid", "nodev", "noexec", "seclabel"):
            raise CommandFailed(f"mount: this phone's mount has no option '{option[:40]}'")


def _umount(process: Process) -> int:
    flags = [word for word in process.arguments if word.startswith("-")]
    paths = [word for word in process.arguments if not word.startswith("-")]
    if not set(flags) <= {"-l", "-f", "-v", "-lf", "-fl"}:
        raise CommandFailed(f"umount: Unknown option '{flags[0].lstrip('-')[:40]}'")
    if not paths:
        raise CommandFailed("umount: Needs 1 argument")
    code = 0
    for path in paths:
        try:
            if not process.identity.root:
                raise MountError(NOT_PERMITTED)
            clean = process.files.clean_path(path)
            lazy = any("l" in flag for flag in flags)
            process.system.mounts.unmount(process.identity.namespace, clean, lazy=lazy)
        except MountError as error:
            process.complain(f"{path}: {error}")
            code = 1
        except FileError as error:
            process.complain(str(error))
            code = 1
    return code


def _nsenter(process: Process) -> int:
    pid: int | None = None
    enters = False
    waiting = list(process.arguments)
    while waiting:
        word = waiting.pop(0)
        if word in ("-t", "--target"):
            pid = _pid(waiting.pop(0) if waiting else "")
        elif word.startswith("--target="):
            pid = _pid(word.partition("=")[2])
        elif word.startswith(("--mount=", "-m/")):
            match = _FILE.fullmatch(word.removeprefix("--mount=").removeprefix("-m"))
            if match is None:
                raise CommandFailed(f"nsenter: {word.partition('=')[2][:80]}: Invalid argument")
            pid, enters = int(match[1]), True
        elif word in ("-m", "--mount"):
            enters = True
        elif word == "--":
            break
        elif word.startswith("-"):
            raise CommandFailed(f"nsenter: this phone's nsenter has no '{word[:40]}'")
        else:
            waiting.insert(0, word)
            break
    if pid is None or not enters:
        raise CommandFailed("nsenter: -t PID -m, or --mount=/proc/PID/ns/mnt, is needed")
    file = f"/proc/{pid}/ns/mnt"
    if process.system.processes.get(pid) is None:
        raise CommandFailed(f"nsenter: Couldn't open {file}: No such file or directory")
    if not process.identity.root:
        reason = NOT_PERMITTED if pid == INIT else "Permission denied"
        raise CommandFailed(f"nsenter: Couldn't open {file}: {reason}")
    identity = replace(process.identity, namespace=pid)
    if not waiting:
        return process.script(process.stdin.decode("utf-8", "replace"), identity=identity)
    return process.call(waiting, identity)


def _pid(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise CommandFailed(f"nsenter: bad pid '{text[:20]}'")
    return int(text)


COMMANDS: dict[str, Command] = {"mount": _mount, "nsenter": _nsenter, "umount": _umount}
