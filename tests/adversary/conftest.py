from __future__ import annotations

import asyncio
import logging
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from lab.adversary.engine import Engine
from lab.backend import Backend
from lab.loop import LabLoop
from lab.model.device import Endpoint
from lab.model.serving import Terminate
from lab.model.wire import TlsVersion
from lab.network.kernel.check import check
from lab.network.kernel.wifi import KernelWifi
from lab.pki.credential import Credential
from lab.pki.hierarchy import LabPki
from tests.adversary.inhabitants import Inhabitant, joined
from tests.adversary.peers import HOST, WEBSITE, Attached, Curl, Gateway, Proxy, Way
from tests.network.needed import or_skip

DECLARED = (HOST, WEBSITE)
TIMER = "wakeup timer"


@pytest.fixture(scope="session")
def pki() -> LabPki:
    return LabPki(("acme.test",))


@pytest.fixture(scope="session")
def forged(pki: LabPki) -> Credential:
    """What the adversary serves: a leaf for the host from a CA of its own."""
    return pki.compromised.issue(HOST)


@pytest.fixture(scope="session")
def forgery(forged: Credential) -> Terminate:
    return Terminate(forged.chain_der, forged.key_der)


@pytest.fixture(scope="session")
def root(pki: LabPki, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """PEM file of the root that honest clients trust."""
    path = tmp_path_factory.mktemp("trust") / "root.pem"
    path.write_bytes(pki.public_root.certificate.public_bytes(Encoding.PEM))
    return path


@pytest.fixture(scope="session")
def fooled_root(pki: LabPki, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """PEM file of the root of the adversary's CA."""
    path = tmp_path_factory.mktemp("trust") / "fooled.pem"
    path.write_bytes(pki.compromised_root.certificate.public_bytes(Encoding.PEM))
    return path


@pytest.fixture(scope="session")
def curl(root: Path) -> Curl:
    """curl as an honest client."""
    return Curl(root)


@pytest.fixture(scope="session")
def fooled_curl(fooled_root: Path) -> Curl:
    """curl on a device in whose store the adversary's CA is."""
    return Curl(fooled_root)


class Complaints(logging.Handler):
    """Keeps every error that mitmproxy logs: what it calls a crash, and exceptions of addons."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(self.format(record))


@pytest.fixture
def complaints() -> Iterator[list[str]]:
    handler = Complaints()
    logger = logging.getLogger("lab.adversary.mitmproxy")
    logger.addHandler(handler)
    yield handler.texts
    logger.removeHandler(handler)


async def _others() -> set[str]:
    # mitmproxy's timers of a connection that is gone run out by themselves.
    tasks = {task for task in asyncio.all_tasks() if not task.get_name().startswith(TIMER)}
    return {str(task) for task in tasks if task is not asyncio.current_task()}


def _threads() -> set[threading.Thread]:
    """Return Python's own threads: one of mitmproxy_rs that has once logged something stays."""
    return {t for t in threading.enumerate() if not t.name.startswith("Dummy-")}


@pytest.fixture
def loop(complaints: list[str]) -> Iterator[LabLoop]:
    """A loop on which nothing may be left behind, and nothing may have been complained about."""
    before = _threads()
    unhandled: list[str] = []
    with LabLoop() as loop:
        loop.loop.set_exception_handler(lambda _, context: unhandled.append(str(context)))
        yield loop
        left = loop.run(_others())
    assert left == set()
    assert unhandled == []
    assert complaints == []
    assert _threads() <= before


@pytest.fixture
def backend(loop: LabLoop, pki: LabPki, tmp_path: Path) -> Iterator[Backend]:
    with Backend(loop, pki, tmp_path / "backend") as backend:
        yield backend


class Dials:
    """Every address that was dialled, and every name looked up, by the loop and its helpers."""

    def __init__(self) -> None:
        self.seen: list[object] = []
        self.on = False
        sys.addaudithook(self._audit)

    def _audit(self, event: str, arguments: tuple[object, ...]) -> None:
        if self.on and threading.current_thread().name.startswith(("trustpin-lab", "asyncio")):
            if event == "socket.connect":
                self.seen.append(arguments[1])
            elif event == "socket.getaddrinfo":
                self.seen.append(arguments[:2])


_DIALS = Dials()


@pytest.fixture
def dials() -> Iterator[list[object]]:
    """What the engine dials while the test runs."""
    _DIALS.seen.clear()
    _DIALS.on = True
    yield _DIALS.seen
    _DIALS.on = False


@pytest.fixture
def upstream() -> Callable[[str], Endpoint | None]:
    """Where genuine servers are. Without a backend there are none."""
    return lambda host: None


@pytest.fixture
def engine(loop: LabLoop, upstream: Callable[[str], Endpoint | None]) -> Iterator[Engine]:
    with Engine(loop, upstream, DECLARED) as engine:
        yield engine


@pytest.fixture
def device(engine: Engine) -> Attached:
    return Attached(engine, "phone", engine.attach("phone"))


@pytest.fixture(scope="session")
def _kernel() -> None:
    with or_skip():
        check()


@pytest.fixture
def wifi(_kernel: None, loop: LabLoop, tmp_path: Path) -> Iterator[KernelWifi]:
    with KernelWifi(loop, tmp_path / "air") as wifi:
        yield wifi


@pytest.fixture
def inhabitant(engine: Engine, wifi: KernelWifi) -> Iterator[Inhabitant]:
    with joined(engine, wifi, "phone") as inhabitant:
        yield inhabitant


@pytest.fixture(params=["proxy", "gateway"])
def way(request: pytest.FixtureRequest, device: Attached) -> Way:
    around = device.surroundings
    return Proxy(around) if request.param == "proxy" else Gateway(around.rogue)


@pytest.fixture(params=list(TlsVersion))
def version(request: pytest.FixtureRequest) -> TlsVersion:
    return TlsVersion(request.param)
