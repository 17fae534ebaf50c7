from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from lab.pki.hierarchy import LabPki
from tests.phone.direct import DirectPhone
from tests.phone.peers import Script, Server

HOST = "api.acme.test"


@pytest.fixture(scope="session")
def pki() -> LabPki:
    return LabPki()


@pytest.fixture
def phone(pki: LabPki) -> DirectPhone:
    """A phone in its factory state whose clock is right."""
    return DirectPhone(
        clock=time.time(), anchors=(pki.public_root.der,), user_anchors=(pki.user_root.der,)
    )


@pytest.fixture
def serve(phone: DirectPhone) -> Iterator[Callable[..., Server]]:
    """Starts servers that are found under the given hosts."""
    with ExitStack() as stack:

        def start(script: Script, *hosts: str) -> Server:
            server = stack.enter_context(Server(script))
            phone.find(dict.fromkeys(hosts or (HOST,), server.endpoint))
            return server

        yield start


@pytest.fixture(params=[ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"])
def version(request: pytest.FixtureRequest) -> ssl.TLSVersion:
    chosen: ssl.TLSVersion = request.param
    return chosen
