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

Delay = Callable[[str], float]
"""From a name (lower case, without the final dot) to the seconds that its answer is held back."""

MAX_HELD_BACK = 256
"""Answers that are held back at a time; questions beyond are not answered."""

TTL = 1
"""Seconds: nothing that a lab's resolver says is worth remembering."""


class Resolver(asyncio.DatagramProtocol):
    """One resolver on one port."""

    def __init__(self, answer: Answer, delay: Delay = lambda _: 0.0) -> None:
        self._answer = answer
        self._delay = delay
        self._held_back: set[asyncio.TimerHandle] = set()
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
        """Stop listening; what is held back is not sent any more."""
        for timer in self._held_back:
            timer.cancel()
        self._held_back.clear()
        if self._transport is not None:
            self._transport.close()
            self._transport = None

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        asked = question_in(data)
        reply = None if asked is None else answered(asked, self._answer)
        if asked is None or reply is None:
            return
        if delay := self._delay(name_of(asked)):
            self._hold_back(reply, addr, delay)
        else:
            self._send(reply, addr)

    def _hold_back(self, reply: bytes, addr: tuple[str | Any, int], delay: float) -> None:
        def send() -> None:
            self._held_back.discard(timer)
            self._send(reply, addr)

        if len(self._held_back) < MAX_HELD_BACK:
            timer = asyncio.get_running_loop().call_later(delay, send)
            self._held_back.add(timer)

    def _send(self, reply: bytes, addr: tuple[str | Any, int]) -> None:
        if self._transport is not None:
            self._transport.sendto(reply, addr)


def respond(packet: bytes, answer: Answer) -> bytes | None:
    """Return the reply to ``packet``, None where there is to be none or it is no question."""
    question = question_in(packet)
    return None if question is None else answered(question, answer)


def question_in(packet: bytes) -> DNSRecord | None:
    """Return the question that a packet asks, None where it asks none."""
    try:
        question = DNSRecord.parse(packet)
        name_of(question)
        is_question = question.header.qr == 0 and len(question.questions) == 1
    except Exception:  # noqa: BLE001 - dnslib raises what struct and codecs raise, too
        return None
    return question if is_question else None


def name_of(question: DNSRecord) -> str:
    """Return the name that is asked for, lower case, without the final dot."""
    return str(question.q.qname).rstrip(".").lower()


def answered(question: DNSRecord, answer: Answer) -> bytes | None:
    """Return the reply to a question, None where there is to be none."""
    addresses = answer(name_of(question), str(QTYPE[question.q.qtype]))
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
