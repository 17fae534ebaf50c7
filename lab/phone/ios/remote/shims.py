"""``….shim.remote``: the usual device services, behind the check-in of RemoteXPC."""

from __future__ import annotations

from lab.phone.ios.lockdown.messages import ProtocolBroken, receive, send
from lab.phone.ios.lockdown.service import Service
from lab.phone.ios.lockdown.wire import Wire

SUFFIX = ".shim.remote"


def shim(service: Service) -> Service:
    """Return a service that lets its client check in, and then serves it as ``service`` does.

    No TLS: on a real iPhone the tunnel is encrypted, and who is in it is paired.
    """

    def serve(wire: Wire) -> None:
        request = receive(wire, limit=wire.limits.request, cap=wire.limits.greeting)
        if request.get("Request") != "RSDCheckin":
            raise ProtocolBroken("a client that does not check in")
        for name in ("RSDCheckin", "StartService"):
            send(wire, {"Request": name})
        service(wire)

    return serve
