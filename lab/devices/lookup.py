"""One DNS question to the network's resolver, as a program's stub resolver asks it (RFC 1035)."""

from __future__ import annotations

import secrets
import socket
import time

from dnslib import QTYPE, RCODE, DNSHeader, DNSQuestion, DNSRecord

from lab.model.device import Endpoint

CAP = 2.0
"""Seconds to wait for the answer."""

_LARGEST = 4096


class NotFound(Exception):
    """The name has no address; the message is the DNS status, or TIMEOUT."""


def look_up(resolver: Endpoint, name: str, *, source: str | None = None, cap: float = CAP) -> str:
    """Return the first IPv4 address of ``name``. Raises NotFound.

    ``source`` is the address that the question comes from. What is not an answer to this very
    question is dropped, as any resolver does.
    """
    question = DNSRecord(DNSHeader(id=secrets.randbelow(1 << 16), rd=1))
    try:
        question.add_question(DNSQuestion(name, QTYPE.A))
        packet = question.pack()
    except Exception:  # noqa: BLE001 - a label too long, not ASCII: dnslib raises its own and others
        raise NotFound("not a host name") from None
    deadline = time.monotonic() + cap
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        try:
            if source is not None:
                asking.bind((source, 0))
            asking.connect((resolver.host, resolver.port))
            asking.send(packet)
            while (left := deadline - time.monotonic()) > 0:
                asking.settimeout(left)
                answer = _answer(asking.recv(_LARGEST), question)
                if answer is not None:
                    return _address(answer)
        except TimeoutError:
            pass
        except OSError as error:
            raise NotFound(f"the resolver cannot be reached: {error.strerror}") from None
    raise NotFound("TIMEOUT")


def _answer(packet: bytes, question: DNSRecord) -> DNSRecord | None:
    try:
        answer = DNSRecord.parse(packet)
        fits = answer.header.id == question.header.id and answer.header.qr == 1
        return answer if fits and answer.q.qname == question.q.qname else None
    except Exception:  # noqa: BLE001 - dnslib raises what struct and codecs raise, too
        return None


def _address(answer: DNSRecord) -> str:
    status = answer.header.rcode
    if status != RCODE.NOERROR:
        raise NotFound(str(RCODE.get(status, f"status {status}")))
    for record in answer.rr:
        if record.rtype == QTYPE.A:
            return str(record.rdata)
    raise NotFound("no address")
