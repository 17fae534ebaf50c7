"""A network of one's own: a network namespace, held by a process that ends with the lab.

    with Namespace("access point") as ap, Namespace("phone", within=ap) as phone:
        link(ap, "port0", phone, "wlan0")
        ap.ip("address add 192.168.43.1/24 dev port0", "link set port0 up")
        phone.ip("address add 192.168.43.2/24 dev wlan0", "link set wlan0 up")
        listener = ap.socket(socket.AF_INET, socket.SOCK_STREAM)
        phone.run(["curl", "http://192.168.43.1:8080/"])

``Namespace.socket`` returns an ordinary socket of this process, which was made inside; it may be
used in any thread and any event loop, and is closed like any other. ``run`` and ``popen`` start a
program inside, ``enter`` is what to put before an argv for those who start programs themselves.
``share`` gives a line to the namespace that another process can use (``lab.network.kernel.
channel.Channel``). ``link`` joins two namespaces by a cable, ``Unavailable`` says in one sentence
why this machine cannot do any of it.

Root needs nothing more; anybody else gets a user namespace, one for all namespaces that are
``within`` the same first one. Nothing has a name on the machine, no interface of the machine is
touched, and nothing is left where the lab is killed: the namespace ends with the process that holds
it, and that with the lab's end of a socket. Programs inside have process ids of their own, so that
they all end with it, too.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from lab.network.kernel import broker
from lab.network.kernel.channel import Channel, Gone, Socket

PROGRAMS = {"ip": "iproute2", "ss": "iproute2", "nsenter": "util-linux"}
"""What is needed of the machine, and the package that has it."""
SYSTEM_FOLDERS = ("/usr/sbin", "/sbin")
"""Where to look for them, too: what mostly root uses is not in everybody's path."""
END_CAP = 2.0
"""Seconds that the holding process has to end by itself."""


class Unavailable(Exception):
    """This machine cannot do it; the message says what is missing, in one sentence."""


class Namespace:
    """A network namespace with a mount and a process namespace. Use as a context manager, or
    ``close`` it.

    ``name`` is for messages. ``within`` is another namespace, with which a user namespace is
    shared: only such can be linked. ``cover``: files of the machine, and what programs inside see
    instead of them. Raises Unavailable.
    """

    def __init__(
        self,
        name: str,
        *,
        within: Namespace | None = None,
        cover: Mapping[str, Path] | None = None,
    ) -> None:
        programs = find_programs(PROGRAMS)
        self.name = name
        self._nsenter = programs["nsenter"]
        world = None if within is None or not within.own_user else within.pid
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.channel = Channel(ours)
        with theirs:
            options = {
                "channel": theirs.fileno(),
                "world": world,
                "cover": {file: str(by.absolute()) for file, by in (cover or {}).items()},
                "ip": programs["ip"],
                "ss": programs["ss"],
            }
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", broker.__file__, json.dumps(options)],
                stdin=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
            )
        try:
            started = self._started()
        except BaseException:
            self.close()
            raise
        self.own_user: bool = started["user"]
        """Whether it is in a user namespace of the lab's own."""
        self.pid: int = started["pid"]
        """Process id of the process that holds it."""

    def _started(self) -> dict[str, Any]:
        try:
            answer = self.channel.first_answer()
        except Gone:
            answer = {"error": "the process that was to hold it ended"}
        if "error" in answer:
            raise Unavailable(f"this system gives no network namespace: {answer['error']}")
        return answer

    @property
    def enter(self) -> tuple[str, ...]:
        """What to put before an argv to run it inside. Its working directory is then the root."""
        kinds = ["--net", "--mount", "--pid"]
        if self.own_user:
            kinds += ["--user", "--preserve-credentials"]
        return (self._nsenter, f"--target={self.pid}", *kinds, "--")

    def socket(self, family: int, type: int, proto: int = 0) -> Socket:
        """Return a socket of this process that was made inside. Raises OSError."""
        return self.channel.socket(family, type, proto)

    def ip(self, *lines: str) -> None:
        """Carry out ``lines`` of the program ``ip``. Raises OSError with its complaint."""
        self.channel.ip(lines)

    def share(self) -> Socket:
        """Return a line to the namespace for another process. Raises OSError."""
        return self.channel.share()

    def run(self, argv: Sequence[str], **options: Any) -> subprocess.CompletedProcess[str]:
        """Run a program inside and return how it ended, with its output as text. ``options`` are
        subprocess.run's."""
        options = {"capture_output": True, "text": True, **options}
        done: subprocess.CompletedProcess[str] = subprocess.run(
            [*self.enter, *argv], check=False, **options
        )
        return done

    def popen(self, argv: Sequence[str], **options: Any) -> subprocess.Popen[Any]:
        """Start a program inside. ``options`` are subprocess.Popen's."""
        process: subprocess.Popen[Any] = subprocess.Popen([*self.enter, *argv], **options)
        return process

    def close(self) -> None:
        """Give the namespace up, with all that runs in it. May be repeated."""
        self.channel.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(END_CAP)
        if self._process.returncode is None:
            self._process.kill()
            self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.close()


def link(one: Namespace, its_name: str, other: Namespace, others_name: str) -> None:
    """Join two namespaces of one user namespace by a pair of interfaces, both of them still down.
    Raises OSError."""
    there = f"netns /proc/{other.pid}/ns/net"
    one.ip(f"link add name {its_name} type veth peer name {others_name} {there}")


def find_programs(wanted: Mapping[str, str]) -> dict[str, str]:
    """Return the files of programs. Raises Unavailable where one is missing, or this is no Linux.

    ``wanted`` gives the package that has each of them.
    """
    if sys.platform != "linux":
        raise Unavailable("network namespaces are Linux's")
    path = os.pathsep.join((os.environ.get("PATH", os.defpath), *SYSTEM_FOLDERS))
    found: dict[str, str] = {}
    for program, package in wanted.items():
        file = shutil.which(program, path=path)
        if file is None:
            raise Unavailable(f"the program {program} is not installed (package {package})")
        found[program] = file
    return found
