"""The platform's HTTP client as a test uses it."""

from __future__ import annotations

from collections.abc import Callable

from lab.phone.http import HttpClient, LeafCheck
from lab.pki.hierarchy import LabPki
from tests.phone.conftest import HOST
from tests.phone.direct import DirectPhone
from tests.phone.peers import OK, TlsScript, server_context

URL = f"https://{HOST}/"
AGENT = "Phone/1.0"


class Refused(Exception):
    """What a pin check raises."""


def client(
    phone: DirectPhone, *, check: LeafCheck | None = None, verify: bool = True
) -> HttpClient:
    return HttpClient(phone, user_agent=AGENT, check=check, verify=verify)


def replying(
    pki: LabPki, answer: Callable[[bytes], bytes] = lambda _: OK, host: str = HOST
) -> TlsScript:
    return TlsScript(server_context(pki.genuine(host)), answer)


def lines(request: bytes) -> list[str]:
    return request.decode().split("\r\n")
