"""mitmproxy as the lab uses it: its core, in-process, without its programs and their log."""

from __future__ import annotations

import logging
import warnings
from asyncio import AbstractEventLoop

with warnings.catch_warnings():
    # mitmproxy imports all of its addons, and one of them what its authors have deprecated.
    warnings.simplefilter("ignore", DeprecationWarning)
    from mitmproxy.addons.proxyserver import Proxyserver
    from mitmproxy.master import Master
    from mitmproxy.options import Options

__all__ = ["Master", "master_with"]


def master_with(addon: object, loop: AbstractEventLoop) -> Master:
    """Return a master that asks ``addon`` what becomes of connections, and listens nowhere.

    Call it on ``loop``. What mitmproxy logs goes to the lab's log, never to the user's terminal.
    """
    _quieten()
    master = Master(Options(), event_loop=loop)
    # For the options that it defines alone. What mitmproxy's NextLayer guesses, addon decides.
    master.addons.add(Proxyserver(), addon)
    # No genuine server is contacted before it is needed.
    master.options.update(connection_strategy="lazy")
    return master


def _quieten() -> None:
    theirs = logging.getLogger("mitmproxy")
    theirs.parent = logging.getLogger("lab.adversary.mitmproxy")
    ours = logging.getLogger("lab.adversary")
    if not ours.handlers:
        ours.addHandler(logging.NullHandler())
        ours.propagate = False
