from __future__ import annotations

import logging
import re
from collections.abc import Generator
from pathlib import Path
from typing import Any

import mitmproxy.proxy
import pytest
from mitmproxy.proxy import commands, events
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layer import Layer
from mitmproxy.proxy.layers.tls import TlsStartClientHook
from mitmproxy.proxy.server_hooks import ClientConnectedHook
from mitmproxy.test import tflow

from lab.adversary.mitm import _Answered, core_options


def context() -> Context:
    return Context(tflow.tclient_conn(), core_options())


class Asking(Layer):
    """Asks twice, waiting for the first answer alone, and sends what it was told meanwhile."""

    def __init__(self, made: Context) -> None:
        super().__init__(made)
        self.told: list[str] = []

    def _handle_event(self, event: events.Event) -> Generator[commands.Command, Any, None]:
        blocking: Any = TlsStartClientHook(self.told)  # type: ignore[arg-type]
        passing: Any = ClientConnectedHook(self.told)  # type: ignore[arg-type]
        passing.blocking = False
        yield blocking
        yield passing
        yield commands.SendData(self.context.client, ",".join(self.told).encode())


class Adversary:
    def tls_start_client(self, told: list[str]) -> None:
        told.append("start")

    def client_connected(self, told: list[str]) -> None:
        told.append("connected")


class Failing(Adversary):
    def tls_start_client(self, told: list[str]) -> None:
        raise RuntimeError("a defect")


def sent(adversary: object, *happened: events.Event) -> list[bytes]:
    layer: Any = _Answered(adversary, Asking(context()))
    out = [command for event in happened for command in layer.handle_event(event)]
    assert not any(isinstance(command, commands.StartHook) for command in out)
    return [command.data for command in out if isinstance(command, commands.SendData)]


def test_hooks_are_answered_before_the_layer_goes_on() -> None:
    assert sent(Adversary(), events.Start()) == [b"start,connected"]


def test_a_hook_that_nobody_wants_holds_nothing_up() -> None:
    assert sent(object(), events.Start()) == [b""]


def test_a_defect_is_logged_and_the_connection_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    logger = logging.getLogger("lab.adversary")
    logger.addHandler(caplog.handler)
    try:
        assert sent(Failing(), events.Start()) == [b"connected"]
    finally:
        logger.removeHandler(caplog.handler)
    assert "failed at tls_start_client" in caplog.text


def test_every_option_that_the_core_reads_is_there() -> None:
    """Some are defined by addons, which are not loaded: a new mitmproxy may have more of them."""
    options = core_options()
    core = Path(mitmproxy.proxy.__path__[0])
    read = re.compile(r"context\.options\.(\w+)")
    names = {name for file in core.rglob("*.py") for name in read.findall(file.read_text("utf-8"))}
    # Of the modes and layers that the lab has no use for.
    assert {name for name in names if name not in options} <= {"proxyauth"}
    assert "connection_strategy" in names
    assert options.connection_strategy == "lazy"
