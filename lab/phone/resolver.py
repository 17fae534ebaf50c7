"""A stub resolver: one question to one resolver over UDP, and a close look at the answer."""

from __future__ import annotations

import ipaddress
import secrets
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from dnslib import AAAA, QTYPE, RCODE, A, DNSError, DNSHeader, DNSQuestion, DNSRecord
from dnslib.label import DNSLabelError

from lab.model.device import Endpoint
from lab.phone.services import Cancellation, UnknownHost

MAX_ANSWER = 4096
"""Bytes of an answer; more is cut off and then unreadable."""
MAX_ALIASES = 8
MakeSocket = Callable[[int, int], socket.socket]
"""From a family and a type to a socket."""

_GLANCE = 0.1
"""Seconds between two looks at whether the caller still wants an answer."""


def is_address(host: str) -> bool:
    """Tell whether ``host`` is an IP address rather than a name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def resolve(
    host: str,
    resolver: Endpoint,
    timeout: float,
    source: str | None = None,
    cancellation: Cancellation | None = None,
    make: MakeSocket = socket.socket,
) -> tuple[str, ...]:
    """Return the addresses of ``host``: IPv4, or IPv6 where it has no IPv4.

    ``make`` makes the socket in the network that is asked.

    ``timeout`` in seconds is for each question. Raises UnknownHost for every failure: a name
    that does not exist, a refusal, silence.
    """
    cancellation = cancellation or Cancellation()
    try:
        asked = partial(_ask, host, resolver, timeout, source, cancellation, make)
        addresses = asked(QTYPE.A) or asked(QTYPE.AAAA)
    except (OSError, UnicodeError, ValueError, DNSError, DNSLabelError) as error:
        cancellation.check()
        raise UnknownHost(host) from error
    if not addresses:
        raise UnknownHost(host)
    return addresses


def question(host: str, kind: int, identifier: int) -> bytes:
    """Return the packet that asks for the ``kind`` of record (a QTYPE number) of ``host``."""
    header = DNSHeader(id=identifier, bitmap=0, rd=1)
    packed: bytes = DNSRecord(header, questions=[DNSQuestion(host, kind)]).pack()
    return packed


def read_answer(packet: bytes, host: str, kind: int, identifier: int) -> tuple[str, ...] | None:
    """Return the addresses in ``packet``; None where it is not the answer to this question.

    Aliases (CNAME) are followed within the packet. Raises UnknownHost where the answer is that
    there is no such name or that the resolver failed.
    """
    try:
        record = DNSRecord.parse(packet)
        header, asked = record.header, record.q
        name = str(asked.qname).rstrip(".").lower()
    except (DNSError, DNSLabelError, UnicodeError, ValueError, IndexError, AttributeError):
        return None
    if header.id != identifier or not header.qr or (name, asked.qtype) != (_plain(host), kind):
        return None
    if header.rcode != RCODE.NOERROR:
        raise UnknownHost(host)
    wanted = A if kind == QTYPE.A else AAAA
    owner = _plain(host)
    for _ in range(MAX_ALIASES):
        own = [rr for rr in record.rr if str(rr.rname).rstrip(".").lower() == owner]
        found = tuple(str(rr.rdata) for rr in own if isinstance(rr.rdata, wanted))
        aliases = [str(rr.rdata) for rr in own if rr.rtype == QTYPE.CNAME]
        if found or not aliases:
            return found
        owner = _plain(aliases[0])
    return ()


def _plain(name: str) -> str:
    return name.rstrip(".").lower()


def _ask(
    host: str,
    resolver: Endpoint,
    timeout: float,
    source: str | None,
    cancellation: Cancellation,
    make: MakeSocket,
    kind: int,
) -> tuple[str, ...]:
    identifier = secrets.randbits(16)
    packet = question(host, kind, identifier)
    deadline = time.monotonic() + timeout
    family = socket.AF_INET6 if ":" in resolver.host else socket.AF_INET
    with make(family, socket.SOCK_DGRAM) as sock:
        cancellation.watch(sock)
        if source is not None:
            with suppress(OSError):
                sock.bind((source, 0))
        # A connected socket takes packets from the resolver's address and port only.
        sock.connect((resolver.host, resolver.port))
        sock.send(packet)
        while (left := deadline - time.monotonic()) > 0:
            sock.settimeout(min(left, _GLANCE))
            try:
                received = sock.recv(MAX_ANSWER)
            except TimeoutError:
                # Shutting a UDP socket down does not wake who waits on it.
                cancellation.check()
                continue
            cancellation.check()
            answer = read_answer(received, host, kind, identifier)
            if answer is not None:
                return answer
    raise TimeoutError
