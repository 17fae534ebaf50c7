"""The rogue Wi-Fi in the kernel: setting it up, and throughput beside the explicit proxy's."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from lab.catalogue import hosts
from lab.catalogue.make import terminate
from lab.loop import LabLoop
from lab.model.device import WifiKind
from lab.model.serving import HostPlan
from lab.network.kernel.check import check
from lab.network.kernel.namespace import Unavailable
from lab.network.kernel.wifi import KernelWifi, Place
from lab.trial.bench import Bench
from lab.trial.seat import arming
from tests.bench.figures import Figure, spread, timed
from tests.killing import ROOT

ROUNDS = 5
REQUESTS = 200
SOMEWHERE = "198.51.100.1"
"""Any address: whatever is dialled is taken, and the SNI tells for whom it is."""
NO_PROXY = 0


def measure() -> list[Figure]:
    """Return the network's figures, or why there are none."""
    try:
        check()
    except Unavailable as error:
        return [Figure("rogue Wi-Fi in the kernel", f"not here: {error}")]
    return [_setting_up(), _throughput()]


def _setting_up() -> Figure:
    def up() -> None:
        with KernelWifi(loop, folder / "air") as wifi, wifi.admitted("phone") as place:
            member = place.member()
            member.join(place.rogue.interface)
            member.close()
            for door in (place.rogue, place.home):
                for sock in (*door.listeners, door.resolver):
                    sock.close()

    with tempfile.TemporaryDirectory() as files, LabLoop() as loop:
        folder = Path(files)
        times = [timed(up) for _ in range(ROUNDS)]
    what = "network set up, one device on it with a lease, and taken down"
    return Figure(what, spread(times), "< 1 s", max(times) < 1.0)


def _throughput() -> Figure:
    with tempfile.TemporaryDirectory() as folder, Bench(Path(folder), WifiKind.KERNEL) as bench:
        air = bench.air
        assert air is not None
        with air.admitted("bench") as place:
            around = bench.engine.attach("bench", place=place)
            forged = HostPlan(terminate(bench.pki.rogue.issue(hosts.HOST)))
            bench.engine.arm("bench", arming("forged", {hosts.HOST: forged}))
            member = place.member()
            member.join(place.rogue.interface)
            transparent, explicit = [], []
            for _ in range(ROUNDS):
                transparent.append(REQUESTS / _inside(place))
                explicit.append(REQUESTS / _through(around.proxy.port))
            member.close()
            bench.engine.detach("bench")
    ratios = [a / b for a, b in zip(transparent, explicit, strict=True)]
    return Figure(
        "forged connections over the kernel's Wi-Fi against the explicit proxy",
        f"{spread(ratios, 'times', 1)}; Wi-Fi {spread(transparent, 'per second', 1)}, "
        f"proxy {spread(explicit, 'per second', 1)}",
    )


def _inside(place: Place) -> float:
    """Return the seconds that the requests of a client on the Wi-Fi take, which has no proxy."""
    command = _client(NO_PROXY, SOMEWHERE)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = place.namespace.run(command, env=environment)
    done.check_returncode()
    return float(done.stdout)


def _through(proxy: int) -> float:
    """Return the seconds that the same requests take through a proxy."""
    done = subprocess.run(
        _client(proxy, hosts.HOST), check=True, capture_output=True, text=True, cwd=ROOT
    )
    return float(done.stdout)


def _client(proxy: int, host: str) -> list[str]:
    wanted = (proxy, host, hosts.PORT, hosts.HOST, REQUESTS)
    return [sys.executable, "-m", "tests.bench.client", *map(str, wanted)]
