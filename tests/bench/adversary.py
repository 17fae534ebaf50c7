"""Arming, and forged connections a second beside stock mitmdump's with the same client."""

from __future__ import annotations

import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from lab.catalogue import Ground, hosts
from lab.catalogue.make import terminate
from lab.model.serving import HostPlan
from lab.pki.keys import new_key
from lab.trial.bench import Bench
from lab.trial.case import cases
from lab.trial.seat import arming
from tests.bench.figures import Figure, spread, timed

ROUNDS = 5
REQUESTS = 200


def measure(bench: Bench) -> list[Figure]:
    """Return the adversary's figures."""
    return [_minting(bench), *_arming(bench), _throughput(bench)]


def _minting(bench: Bench) -> Figure:
    key, count = new_key(), 2000

    def mint() -> None:
        for n in range(count):
            bench.pki.rogue.issue(f"host-{n}.{hosts.DOMAIN}", key=key)

    rates = [count / timed(mint) for _ in range(3)]
    return Figure(
        "leaves minted (P-256)", spread(rates, "per second", 1), "> 2000", min(rates) > 2000
    )


def _arming(bench: Bench) -> Iterator[Figure]:
    bench.engine.attach("bench-arming")
    making, swapping = [], []
    for case in cases():
        ground = Ground(bench.pki, case.entry.host, datetime.now(UTC))
        started = time.perf_counter()
        armed = arming(case.id, case.entry.plans(ground), case.versions)
        made = time.perf_counter()
        bench.engine.arm("bench-arming", armed)
        swapping.append(time.perf_counter() - made)
        making.append(made - started)
    bench.engine.detach("bench-arming")
    yield Figure("arming another attack", spread(swapping), "<= 10 ms", max(swapping) <= 0.01)
    yield Figure("making its certificates", spread(making))


def _throughput(bench: Bench) -> Figure:
    around = bench.engine.attach("bench-throughput")
    forged = HostPlan(terminate(bench.pki.rogue.issue(hosts.HOST)))
    bench.engine.arm("bench-throughput", arming("forged", {hosts.HOST: forged}))
    origin = bench.upstream(hosts.HOST)
    assert origin is not None
    ours, theirs = [], []
    with _mitmdump() as stock:
        for _ in range(ROUNDS):
            ours.append(REQUESTS / _client(around.proxy.port, hosts.HOST, hosts.PORT))
            theirs.append(REQUESTS / _client(stock, origin.host, origin.port))
    bench.engine.detach("bench-throughput")
    ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
    return Figure(
        "forged connections against stock mitmdump",
        f"{spread(ratios, 'times', 1)}; ours {spread(ours, 'per second', 1)}, "
        f"theirs {spread(theirs, 'per second', 1)}",
        ">= 1.0 times",
        sorted(ratios)[len(ratios) // 2] >= 1.0,
    )


def _client(proxy: int, host: str, port: int) -> float:
    command = [sys.executable, "-m", "tests.bench.client"]
    command += [str(proxy), host, str(port), hosts.HOST, str(REQUESTS)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


@contextmanager
def _mitmdump() -> Iterator[int]:
    """Run stock mitmdump as a proxy that forges certificates; yield its port."""
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    program = Path(sys.executable).with_name("mitmdump")
    with tempfile.TemporaryDirectory() as folder:
        command = [str(program), "-q", "--listen-host", "127.0.0.1", "--listen-port", str(port)]
        command += ["--set", f"confdir={folder}", "--ssl-insecure"]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
            try:
                _wait_for(port)
                yield port
            finally:
                process.terminate()


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return
