"""Whether this machine can have networks of the kernel's at all."""

from __future__ import annotations

from lab.network.kernel.access_point import NFT, lay_out
from lab.network.kernel.namespace import Namespace, find_programs, link


def check() -> None:
    """Try what a run needs, in namespaces that are gone afterwards. Raises Unavailable with the
    first thing that is missing, in one sentence."""
    find_programs(NFT)
    with Namespace("trial") as one, Namespace("other trial", within=one) as other:
        lay_out(one, "192.0.2.1/24")
        link(one, "port0", other, "wlan0")
