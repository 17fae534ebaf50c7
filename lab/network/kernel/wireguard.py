"""A WireGuard client in a namespace of its own: Debian's ``wireguard-go`` and ``wg``, no root.

The namespace has no other network. What the tunnel's packets go through is a pair of sockets, one
inside and one outside, with a thread in between: the peer need not be reachable from inside.
"""

from __future__ import annotations

import configparser
import contextlib
import selectors
import socket
import subprocess
import threading
import time
from dataclasses import dataclass, field
from typing import Self

from lab.model.device import Endpoint
from lab.network.kernel.namespace import Namespace, Unavailable, find_programs

PROGRAMS = {"wireguard-go": "wireguard-go", "wg": "wireguard-tools", "mount": "mount"}
"""What is needed beside a namespace, and the package that has it."""
INSIDE = ("127.0.0.1", 51820)
"""Where the peer seems to be, inside."""
MTU = 1420
UP_CAP = 5.0
"""Seconds for the interface to appear."""
POLL = 0.02
MAX_DATAGRAM = 65_535


class BadProfile(ValueError):
    """A text is no WireGuard profile, or one that takes more than this client can."""


@dataclass(frozen=True, slots=True)
class Profile:
    """What a wg-quick profile with one peer says."""

    private_key: str = field(repr=False)
    address: str
    """With the prefix length."""
    resolver: str
    peer_key: str
    peer: Endpoint
    allowed: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a profile. Raises BadProfile."""
        parser = configparser.ConfigParser(interpolation=None)
        try:
            parser.read_string(text)
            interface, peer = parser["Interface"], parser["Peer"]
            host, _, port = peer["Endpoint"].rpartition(":")
            return cls(
                interface["PrivateKey"],
                interface["Address"],
                interface["DNS"],
                peer["PublicKey"],
                Endpoint(host, int(port)),
                peer["AllowedIPs"],
            )
        except (configparser.Error, KeyError, ValueError) as error:
            words = str(error).splitlines()
            raise BadProfile(f"no WireGuard profile with one peer: {words[0]}") from None


def lacking() -> str | None:
    """Say why this machine cannot have a tunnel, None where it can."""
    try:
        find_programs(PROGRAMS)
        Namespace("trial").close()
    except Unavailable as error:
        return str(error)
    return None


class WireGuardClient:
    """A tunnel that is up, in a namespace of its own. Use as a context manager, or ``close`` it.

    ``name`` is the interface's. Raises Unavailable where the machine cannot do it, OSError where
    the profile cannot be put in force.
    """

    def __init__(self, name: str, profile: Profile) -> None:
        programs = find_programs(PROGRAMS)
        self.name = name
        self.address = profile.address
        self.resolver = Endpoint(profile.resolver, 53)
        self._stack = contextlib.ExitStack()
        try:
            self.namespace = self._stack.enter_context(Namespace(name))
            self._stack.enter_context(_Ferry(self.namespace, profile.peer))
            # wireguard-go is talked to by a socket in /run, which is not everybody's to write to.
            self._do("mount", "-t", "tmpfs", "tmpfs", "/run")
            self._stack.callback(self._end, self._start(programs["wireguard-go"]))
            place = f"{INSIDE[0]}:{INSIDE[1]}"
            self._do(
                *(programs["wg"], "set", name, "private-key", "/dev/stdin"),
                *("peer", profile.peer_key, "endpoint", place),
                *("allowed-ips", profile.allowed.replace(" ", "")),
                told=profile.private_key,
            )
            self.namespace.ip(
                f"address add {profile.address} dev {name}",
                f"link set {name} up mtu {MTU}",
                f"route add default dev {name}",
            )
        except BaseException:
            self._stack.close()
            raise

    def close(self) -> None:
        """Take the tunnel down, and its namespace with it. May be repeated."""
        self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _start(self, program: str) -> subprocess.Popen[bytes]:
        process = self.namespace.popen(
            [program, "-f", self.name],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + UP_CAP
        while self.namespace.run(["ip", "link", "show", self.name]).returncode != 0:
            if process.poll() is not None or time.monotonic() > deadline:
                process.kill()
                process.wait()
                raise Unavailable("wireguard-go makes no interface here (is there /dev/net/tun?)")
            time.sleep(POLL)
        return process

    def _do(self, *argv: str, told: str = "") -> None:
        done = self.namespace.run(list(argv), input=told)
        if done.returncode != 0:
            raise OSError(f"{argv[0].rpartition('/')[2]}: {done.stderr.strip()}")

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        # It ends with the namespace; a signal would reach no more than what led into it.
        self.namespace.close()
        process.wait()


class _Ferry:
    """Carries datagrams between a port inside a namespace and a peer outside."""

    def __init__(self, namespace: Namespace, peer: Endpoint) -> None:
        namespace.ip("link set lo up")
        self._inside = namespace.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._outside = socket.socket(_family(peer.host), socket.SOCK_DGRAM)
        self._ended, self._end = socket.socketpair()
        self._inside.bind(INSIDE)
        self._outside.connect((peer.host, peer.port))
        self._thread = threading.Thread(target=self._run, name="wireguard ferry", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.close()
        self._thread.join()
        for each in (self._inside, self._outside, self._ended):
            each.close()

    def _run(self) -> None:
        client: tuple[str, int] | None = None
        with selectors.DefaultSelector() as selector:
            for each in (self._inside, self._outside, self._ended):
                selector.register(each, selectors.EVENT_READ)
            while True:
                for key, _ in selector.select():
                    if key.fileobj is self._ended:
                        return
                    # A peer that is not there, or not yet, is WireGuard's to deal with.
                    with contextlib.suppress(OSError):
                        if key.fileobj is self._inside:
                            datagram, client = self._inside.recvfrom(MAX_DATAGRAM)
                            self._outside.send(datagram)
                        elif client is not None:
                            self._inside.sendto(self._outside.recv(MAX_DATAGRAM), client)


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
