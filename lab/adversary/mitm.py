"""mitmproxy as the lab uses it: its core, in-process, without its programs, addons and log."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Iterator
from typing import Any

from mitmproxy.options import Options
from mitmproxy.proxy.commands import Command, StartHook
from mitmproxy.proxy.events import Event, HookCompleted
from mitmproxy.proxy.layer import Layer
from mitmproxy.proxy.mode_specs import ProxyMode
from mitmproxy.proxy.server import LiveConnectionHandler

__all__ = ["Handler", "Options", "core_options"]

_log = logging.getLogger("lab.adversary")


def core_options() -> Options:
    """Return the options that mitmproxy's core reads. What it logs goes to the lab's log from now
    on, never to the user's terminal.

    Some of them are defined by its addon ``Proxyserver``; whoever imports one addon imports all,
    which takes as long as all the rest.
    """
    _quieten()
    options = Options()
    # No genuine server is contacted before it is needed.
    options.add_option("connection_strategy", str, "lazy", "")
    for name in ("stream_large_bodies", "body_size_limit"):
        options.add_option(name, str | None, None, "")
    for name in ("normalize_outbound_headers", "validate_inbound_headers"):
        options.add_option(name, bool, True, "")
    for name in ("keep_host_header", "store_streamed_bodies"):
        options.add_option(name, bool, False, "")
    return options


class Handler(LiveConnectionHandler):
    """Serves one client. ``adversary`` has a method for each of mitmproxy's hooks that it wants
    to hear of, under the hook's name; none of them waits for anything."""

    def __init__(
        self,
        adversary: object,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        options: Options,
        mode: ProxyMode,
    ) -> None:
        super().__init__(reader, writer, options, mode)
        self._adversary = adversary

    def begin_with(self, layer: Layer) -> None:
        """Let ``layer`` be the outermost."""
        outermost: Any = _Answered(self._adversary, layer)
        self.layer = outermost

    async def handle_hook(self, hook: StartHook) -> None:
        _answer(self._adversary, hook)


class _Answered:
    """A layer whose hooks are answered where they come up. mitmproxy makes a task of each, and
    comes back to the connection in a later turn of the loop."""

    def __init__(self, adversary: object, layer: Layer) -> None:
        self._adversary = adversary
        self._layer = layer

    def handle_event(self, event: Event) -> Iterator[Command]:
        events = deque([event])
        while events:
            for command in self._layer.handle_event(events.popleft()):
                if not isinstance(command, StartHook):
                    yield command
                    continue
                _answer(self._adversary, command)
                if command.blocking:
                    events.append(HookCompleted(command))


def _answer(adversary: object, hook: StartHook) -> None:
    method = getattr(adversary, hook.name, None)
    if method is None:
        return
    try:
        method(*hook.args())
    except Exception:  # noqa: BLE001 - as mitmproxy has it: the connection goes on without
        _log.exception("the adversary failed at %s", hook.name)


def _quieten() -> None:
    theirs = logging.getLogger("mitmproxy")
    theirs.parent = logging.getLogger("lab.adversary.mitmproxy")
    ours = logging.getLogger("lab.adversary")
    if not ours.handlers:
        ours.addHandler(logging.NullHandler())
        ours.propagate = False
