"""A resolver that answers as the network's owner pleases (RFC 1035 over UDP)."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any

from dnslib import AAAA, QTYPE, RCODE, RR, A, DNSRecord

from lab.model.device import Endpoint

Answer = Callable[[str, str], tuple[str, ...] | None]
"""From a name (lower case, without the final dot) and a type (``A``, ``AAAA`` …) to the addresses
that it has, of whatever kind; an empty tuple stands for NXDOMAIN, None for no answer at all."""

TTL = 1
"""Seconds: nothing that a lab's resolver says is worth remembering."""


class Resolver(asyncio.DatagramProtocol):
    """One resolver on one port."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._transport: asyncio.DatagramTransport | None = None

    async def start(
        self, address: str = "127.0.0.1", sock: socket.socket | None = None
    ) -> Endpoint:
        """Listen on a free port of ``address``, or on a socket that is bound already, and return
        where. Raises OSError."""
        loop = asyncio.get_running_loop()
        local = None if sock is not None else (address, 0)
        self._transport, _ = await loop.create_datagram_endpoint(
            lambda: self, local_addr=local, sock=sock
        )
        host, port = self._transport.get_extra_info("sockname")[:2]
        return Endpoint(host, port)

    def stop(self) -> None:
        """Stop listening."""
        if self._transport is not None:
            self._transport.close()
            self._transport = None

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        reply = respond(data, self._answer)
        if reply is not None and self._transport is not None:
            self._transport.sendto(reply, addr)


def respond(packet: bytes, answer: Answer) -> bytes | None:
    """Return the reply to ``packet``, None where there is to be none or it is no question."""
    try:
        question = DNSRecord.parse(packet)
        name = str(question.q.qname).rstrip(".").lower()
        kind = str(QTYPE[question.q.qtype])
        is_question = question.header.qr == 0 and len(question.questions) == 1
    except Exception:  # noqa: BLE001 - dnslib raises what struct and codecs raise, too
        return None
    if not is_question:
        return None
    addresses = answer(name, kind)
    if addresses is None:
        return None
    reply = question.reply()
    if not addresses:
        reply.header.rcode = RCODE.NXDOMAIN
    for address in addresses:
        own, record = (QTYPE.AAAA, AAAA) if ":" in address else (QTYPE.A, A)
        if own == question.q.qtype:
            reply.add_answer(RR(question.q.qname, own, ttl=TTL, rdata=record(address)))
    return bytes(reply.pack())
