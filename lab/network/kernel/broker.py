"""The process that holds a namespace, and makes sockets in it for others.

Run by its file name, by a Python without site-packages, so that it is there within milliseconds:
``python -I -S broker.py OPTIONS``, where OPTIONS is a JSON object:

- ``channel``: descriptor of a SOCK_SEQPACKET socket to whoever started it;
- ``world``: process id of another broker whose user namespace is to be shared, or null;
- ``cover``: what programs in the namespace see in place of the machine's own files;
- ``ip``, ``ss``: the files of these programs.

Each request is one packet, a JSON object, and so is its answer: ``{"error": TEXT}`` where it could
not be done.

- ``{"ask": "socket", "family": N, "type": N, "proto": N}``: the socket comes with the answer;
- ``{"ask": "ip", "lines": [TEXT …]}``: commands to ``ip -batch``, the first that fails is the last;
- ``{"ask": "cut"}``: every TCP connection in the namespace is ended, at both of its ends;
- ``{"ask": "share"}``, which comes with a socket: requests on that one are answered, too.

It ends when its channel does, which the kernel sees to even where the lab is killed; as the first
process of a process namespace it takes everything with it that was started there. A signal at the
end of the parent (PR_SET_PDEATHSIG) would not do: it comes at the end of the parent's *thread*.
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import signal
import socket
import sys

NEW_MOUNTS, NEW_USER, NEW_PROCESSES, NEW_NETWORK = 0x20000, 0x10000000, 0x20000000, 0x40000000
"""Kinds of namespaces (linux/sched.h)."""
SET_PDEATHSIG, SET_DUMPABLE = 1, 4
"""Of prctl (linux/prctl.h). The latter lets others of the user's processes find the namespaces in
/proc."""
BIND, RECURSIVE, PRIVATE = 0x1000, 0x4000, 0x40000
"""Flags of mount (linux/mount.h)."""

MAX_REQUEST = 65536
MAX_CLIENTS = 256
MAX_COMPLAINT = 500
"""Bytes of what a program says that are passed on."""

_libc = ctypes.CDLL(None, use_errno=True)


def main(options: dict[str, object]) -> int:
    """Hold the namespaces until the channel ends."""
    channel = socket.socket(fileno=options["channel"])  # type: ignore[arg-type]
    try:
        own_user = _enter(options["world"])  # type: ignore[arg-type]
        # The first process of the process namespace is the next one that is started.
        pid = os.fork()
        if pid:
            channel.close()
            _, status = os.waitpid(pid, 0)
            return os.waitstatus_to_exitcode(status)
        _hide(options["cover"])  # type: ignore[arg-type]
        # The parent has one thread only.
        _libc.prctl(SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        _libc.prctl(SET_DUMPABLE, 1, 0, 0, 0)
    except OSError as error:
        _answer(channel, {"error": error.strerror or str(error)})
        return 1
    # Seen through the machine's own /proc, it is not process 1.
    _answer(channel, {"user": own_user, "pid": int(os.readlink("/proc/self"))})  # noqa: PTH115
    _serve(channel, {name: str(options[name]) for name in ("ip", "ss")})
    return 0


def _enter(world: int | None) -> bool:
    """Make the namespaces, and tell whether they belong to a user namespace of the lab's own."""
    kinds = NEW_NETWORK | NEW_MOUNTS | NEW_PROCESSES
    if world is not None:
        with open(f"/proc/{world}/ns/user", "rb") as user:  # noqa: PTH123 - pathlib is slow to load
            _checked(_libc.setns(user.fileno(), NEW_USER))
        _checked(_libc.unshare(kinds))
        return True
    try:
        _checked(_libc.unshare(kinds))
    except PermissionError:
        uid, gid = os.geteuid(), os.getegid()
        _checked(_libc.unshare(kinds | NEW_USER))
        _write("/proc/self/setgroups", "deny")
        _write("/proc/self/uid_map", f"0 {uid} 1")
        _write("/proc/self/gid_map", f"0 {gid} 1")
        return True
    return False


def _hide(cover: dict[str, str]) -> None:
    """Cover files, for what runs in the namespace alone."""
    _checked(_libc.mount(b"none", b"/", None, RECURSIVE | PRIVATE, None))
    for covered, by in cover.items():
        if os.path.exists(covered):  # noqa: PTH110
            _checked(_libc.mount(os.fsencode(by), os.fsencode(covered), None, BIND, None))


def _write(file: str, text: str) -> None:
    with open(file, "w") as opened:  # noqa: PTH123
        opened.write(text)


def _checked(result: int) -> None:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _serve(channel: socket.socket, programs: dict[str, str]) -> None:
    """Answer requests until ``channel`` ends."""
    clients = {channel.fileno(): channel}
    poll = select.poll()
    poll.register(channel, select.POLLIN)
    while True:
        for number, _ in poll.poll():
            client = clients[number]
            try:
                data, received, _, _ = socket.recv_fds(client, MAX_REQUEST, 1)
            except OSError:
                data, received = b"", []
            if not data:
                if client is channel:
                    return
                poll.unregister(client)
                clients.pop(number).close()
                continue
            if received and len(clients) < MAX_CLIENTS:
                other = socket.socket(fileno=received[0])
                clients[other.fileno()] = other
                poll.register(other, select.POLLIN)
                _answer(client, {})
            else:
                _do(client, data, programs)
        _bury()


def _do(client: socket.socket, data: bytes, programs: dict[str, str]) -> None:
    try:
        request = json.loads(data)
        if request["ask"] == "socket":
            wanted = (request[key] for key in ("family", "type", "proto"))
            with socket.socket(*wanted) as made:
                _answer(client, {}, made)
        elif request["ask"] == "ip":
            lines = "".join(f"{line}\n" for line in request["lines"])
            _answer(client, _run([programs["ip"], "-batch", "-"], lines))
        elif request["ask"] == "cut":
            # What it says is of those that had ended before.
            _run([programs["ss"], "--kill", "--tcp"], "")
            _answer(client, {})
        else:
            _answer(client, {"error": "no such request"})
    except OSError as error:
        _answer(client, {"error": error.strerror or str(error), "number": error.errno})
    except (ValueError, LookupError, TypeError) as error:
        _answer(client, {"error": f"malformed request: {error}"})


def _run(argv: list[str], given: str) -> dict[str, object]:
    """Run a program, and answer with its complaints, if any."""
    reads, writes = os.memfd_create("input"), os.memfd_create("output")
    try:
        os.write(reads, given.encode())
        os.lseek(reads, 0, os.SEEK_SET)
        streams = [(os.POSIX_SPAWN_DUP2, reads, 0)]
        streams += [(os.POSIX_SPAWN_DUP2, writes, number) for number in (1, 2)]
        pid = os.posix_spawn(argv[0], argv, os.environ, file_actions=streams)
        _, status = os.waitpid(pid, 0)
        if status == 0:
            return {}
        os.lseek(writes, 0, os.SEEK_SET)
        said = os.read(writes, MAX_COMPLAINT).decode("utf-8", "replace").strip()
        return {"error": said or f"{argv[0]} failed"}
    finally:
        os.close(reads)
        os.close(writes)


def _bury() -> None:
    """As the first process, wait for those whose parents have ended."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def _answer(client: socket.socket, answer: dict[str, object], made: object = None) -> None:
    packet = json.dumps(answer).encode()
    try:
        if isinstance(made, socket.socket):
            socket.send_fds(client, [packet], [made.fileno()])
        else:
            client.send(packet)
    except OSError:
        # It is gone; the next look at its socket says so.
        pass


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # What the terminal sends is for the lab, which has things to put in order first.
        signal.signal(number, signal.SIG_IGN)
    sys.exit(main(json.loads(sys.argv[1])))
