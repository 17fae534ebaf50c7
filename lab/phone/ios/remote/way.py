"""All of an iPhone that is reached over RemoteXPC: tunnel, developer services, registry."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import ExitStack
from functools import partial

from lab.phone.ios.lockdown.daemon import OPEN_SERVICES
from lab.phone.ios.lockdown.handset import Handset
from lab.phone.ios.lockdown.limits import Limits
from lab.phone.ios.lockdown.service import Service
from lab.phone.ios.remote import networking, process_control
from lab.phone.ios.remote.hub import ServiceHub
from lab.phone.ios.remote.networking import Networking
from lab.phone.ios.remote.process_control import ProcessControl, Processes
from lab.phone.ios.remote.registry import Entry, TunnelRegistry
from lab.phone.ios.remote.shims import SUFFIX, shim
from lab.phone.ios.remote.tunnel import Tunnel

HUB = "com.apple.instruments.dtservicehub"
LOCKDOWN = "com.apple.mobile.lockdown.remote.untrusted"


class RemoteWay:
    """Open from construction until ``close``, at the phone's ``address`` in the tunnel.

    ``services`` are the device services by name, those that lockdownd starts, too; ``lockdown`` is
    what serves one connection to lockdownd. Raises OSError where there are no ports.
    """

    def __init__(
        self,
        handset: Handset,
        address: str,
        services: Mapping[str, Service],
        lockdown: Service,
        processes: Processes,
        limits: Limits | None = None,
    ) -> None:
        hub = ServiceHub(
            {
                process_control.NAME: partial(ProcessControl, processes),
                networking.NAME: partial(Networking, handset.frames),
            }
        )
        # Nobody is in the tunnel who is not paired.
        shims = {
            name + SUFFIX: shim(service)
            for name, service in services.items()
            if name not in OPEN_SERVICES
        }
        with ExitStack() as stack:
            every = {HUB: hub, LOCKDOWN: shim(lockdown), **shims}
            tunnel = Tunnel(address, every, partial(handset.log, "remoted", "INFO"), limits)
            stack.callback(tunnel.close)
            entry = Entry(handset.udid, address, tunnel.ports, time.time())
            registry = TunnelRegistry(entry)
            stack.callback(registry.close)
            self.ports = tunnel.ports
            """Where each service listens in the tunnel."""
            self.registry_port = registry.port
            """Where the registry of the tunnel listens, on 127.0.0.1."""
            self._stack = stack.pop_all()

    def close(self) -> None:
        """End every connection and stop listening. May be repeated."""
        self._stack.close()
