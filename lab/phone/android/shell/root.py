"""Who one is, and becoming somebody else: id, whoami, su; and restarting the phone: reboot."""

from __future__ import annotations

from dataclasses import replace

from lab.phone.android.access import RootMode
from lab.phone.android.accounts import name_of, number_of, user
from lab.phone.android.shell.process import Command, CommandFailed, Process, options
from lab.phone.android.shell.scope import SHELL

_NOT_FOUND = 127
_MAGISK = "27.0:MAGISKSU"


def _id(process: Process) -> int:
    found, _ = options(process, "ugGnZ")
    uid = process.identity.uid
    account = user(uid)
    groups = sorted({account.gid, *account.groups})
    numbers = {"u": [uid], "g": [account.gid], "G": groups}
    for letter, wanted in numbers.items():
        if letter in found:
            named = name_of if "n" in found else str
            process.out.line(" ".join(named(number) for number in wanted))
            return 0
    context = f"context=u:r:{'su' if process.identity.root else 'shell'}:s0"
    if "Z" in found:
        process.out.line(context.removeprefix("context="))
        return 0
    all_groups = ",".join(f"{number}({name_of(number)})" for number in groups)
    gid = f"gid={account.gid}({name_of(account.gid)})"
    process.out.line(f"uid={uid}({name_of(uid)}) {gid} groups={all_groups} {context}")
    return 0


def _whoami(process: Process) -> int:
    process.out.line(name_of(process.identity.uid))
    return 0


def _su(process: Process) -> int:
    """Become root, or somebody else (Magisk's su, and the simpler one of userdebug images)."""
    if process.system.root is RootMode.NONE:
        raise CommandFailed(f"{SHELL}: su: inaccessible or not found", _NOT_FOUND)
    if process.identity.uid not in (0, user(2000).uid):
        raise CommandFailed("su: Permission denied")
    magisk = process.system.root is RootMode.SU
    command: str | None = None
    waiting = list(process.arguments)
    while waiting and waiting[0].startswith("-") and magisk:
        word = waiting.pop(0)
        if word in ("-c", "--command"):
            if not waiting:
                raise CommandFailed("su: option requires an argument -- c", 2)
            # Magisk takes all that follows for the command.
            command, waiting = " ".join(waiting), []
        elif word in ("-v", "--version", "-V"):
            process.out.line(_MAGISK if word != "-V" else "27000")
            return 0
        elif word not in ("-", "-l", "--login", "-M", "-mm", "--mount-master", "-m", "-p"):
            raise CommandFailed(f"su: invalid option -- '{word.lstrip('-')[:20]}'", 2)
    who = waiting.pop(0) if waiting else "root"
    try:
        uid = number_of(who)
    except ValueError:
        raise CommandFailed(f"su: invalid uid/gid '{who[:40]}'") from None
    # Of adbd's own namespace, the global one: for its shells there is no other.
    identity = replace(process.identity, uid=uid)
    if waiting[:1] == ["-c"] and magisk and len(waiting) > 1:
        command, waiting = " ".join(waiting[1:]), []
    if command is not None:
        return process.script(command, identity=identity)
    if waiting:
        return process.call(waiting, identity)
    return process.script(process.stdin.decode("utf-8", "replace"), identity=identity)


def _reboot(process: Process) -> int:
    process.system.boot.reboot()
    return 0


COMMANDS: dict[str, Command] = {"id": _id, "reboot": _reboot, "su": _su, "whoami": _whoami}
