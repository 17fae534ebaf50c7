"""The mitmproxy addon: what happens to each connection is looked up in its device's arming."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from mitmproxy import http, tls
from mitmproxy.proxy import commands, events, layer, server_hooks
from mitmproxy.proxy.layer import NextLayer

from lab.adversary import witness
from lab.adversary.fingerprint import fingerprint
from lab.adversary.recorder import MAX_REQUEST, Recorder, Track
from lab.model.device import Endpoint
from lab.model.serving import (
    Arming,
    HostPlan,
    HttpAnswer,
    Interfere,
    Interference,
    Plain,
    Relay,
    Terminate,
)

logger = logging.getLogger("lab.adversary")

TLS_PORT = 443
_HANDSHAKE_RECORD = 0x16


@dataclass(slots=True)
class Passage:
    """A connection on its way through the adversary: its record and the arming it came under."""

    track: Track
    arming: Arming

    @property
    def plan(self) -> HostPlan | None:
        """What happens to the host that this connection is for, None out of scope."""
        host = self.track.host or self.track.sni
        return None if host is None else self.arming.plan_for(host)


class BlackHole(layer.Layer):
    """Takes everything and answers nothing."""

    def _handle_event(self, event: events.Event) -> layer.CommandGenerator[None]:
        if isinstance(event, events.ConnectionClosed):
            yield commands.CloseConnection(self.context.client)


class Adversary:
    """Decides per connection; keeps no state but what the passages hold."""

    def __init__(
        self,
        recorder: Recorder,
        passages: Mapping[tuple[str, int], Passage],
        upstream: Callable[[str], Endpoint | None],
        name_of: Callable[[str], str | None],
    ) -> None:
        self._recorder = recorder
        self._passages = passages
        self._upstream = upstream
        self._name_of = name_of

    def _passage(self, peer: tuple[str, int] | None) -> Passage | None:
        return None if peer is None else self._passages.get((peer[0], peer[1]))

    def _aim(self, passage: Passage, host: str, port: int) -> None:
        """Note where the client wants to go: its name for it, or what its address stands for."""
        if passage.track.host is None:
            passage.track.host = self._name_of(host)
        passage.track.port = port

    # -- where to -------------------------------------------------------------------------

    def http_connect(self, flow: http.HTTPFlow) -> None:
        """An explicit proxy is asked for a tunnel."""
        passage = self._passage(flow.client_conn.peername)
        if passage is None:
            return
        self._aim(passage, flow.request.host, flow.request.port)
        plan = passage.plan
        if plan is None:
            self._recorder.counters[f"out of scope: {passage.track.host}"] += 1
            passage.track.note = "out of scope"
            flow.response = http.Response.make(403, b"out of the lab's scope\n")
        elif _serving(plan, flow.request.port) == Interfere(Interference.REFUSE):
            passage.track.note = "refused by the network"
            flow.response = http.Response.make(502, b"connection refused\n")

    def next_layer(self, nextlayer: NextLayer) -> None:
        """Somebody has said where to go and sends the first bytes there."""
        context = nextlayer.context
        passage = self._passage(context.client.peername)
        if passage is None or context.server.address is None or context.client.tls:
            return
        self._aim(passage, *context.server.address[:2])
        data = nextlayer.data_client()
        plan = passage.plan
        if plan is not None and isinstance(
            serving := _serving(plan, passage.track.port), Interfere
        ):
            if serving.how is Interference.BLACK_HOLE:
                nextlayer.layer = BlackHole(context)
        elif data and data[0] != _HANDSHAKE_RECORD:
            passage.track.cleartext(len(data))
            self._recorder.touched()

    # -- TLS ------------------------------------------------------------------------------

    def tls_clienthello(self, data: tls.ClientHelloData) -> None:
        """A complete ClientHello is there: open the connection or let it pass."""
        passage = self._passage(data.context.client.peername)
        if passage is None:
            data.ignore_connection = True
            return
        track, hello = passage.track, data.client_hello
        track.course.hello = True
        track.sni = hello.sni.lower() if hello.sni else None
        track.alpn_offered = tuple(p.decode("ascii", "replace") for p in hello.alpn_protocols)
        track.fingerprint = fingerprint(hello.cipher_suites, hello.extensions)
        plan = passage.plan
        if plan is None or not isinstance(_serving(plan, track.port), Terminate):
            data.ignore_connection = True
            track.course.relayed = plan is not None

    def tls_start_client(self, data: tls.TlsData) -> None:
        """Serve the chain that the arming holds for this host."""
        passage = self._passage(data.context.client.peername)
        if passage is None or passage.plan is None:
            return
        serving = _serving(passage.plan, passage.track.port)
        if isinstance(serving, Terminate):
            data.ssl_conn = witness.connection(serving, passage.arming.versions, passage.track)

    def tls_established_client(self, data: tls.TlsData) -> None:
        self._recorder.touched()

    # -- requests -------------------------------------------------------------------------

    def requestheaders(self, flow: http.HTTPFlow) -> None:
        """The client was willing to send a request: keep its line and the names of its headers."""
        passage = self._passage(flow.client_conn.peername)
        if passage is None:
            return
        track, request = passage.track, flow.request
        if not flow.client_conn.tls:
            self._aim(passage, _clear_host(flow, self._name_of), request.port)
            track.cleartext(_size(request))
        if track.request is None:
            names = ", ".join(dict.fromkeys(name.lower() for name in request.headers))
            path = request.path.partition("?")[0]
            line = f"{request.method} {path} {request.http_version} [{names}]"
            track.request = line[:MAX_REQUEST]
        self._recorder.touched()

    def request(self, flow: http.HTTPFlow) -> None:
        """Answer in the genuine server's place."""
        passage = self._passage(flow.client_conn.peername)
        if passage is None:
            return
        plan = passage.plan
        if plan is None:
            flow.response = http.Response.make(403, b"out of the lab's scope\n")
        elif flow.client_conn.tls:
            serving = _serving(plan, passage.track.port)
            assert isinstance(serving, Terminate)
            flow.response = _response(serving.answer)
        elif isinstance(plan.cleartext, Plain):
            flow.response = _response(plan.cleartext.answer)
        elif isinstance(plan.cleartext, Interfere):
            flow.kill()
        else:
            flow.response = http.Response.make(502, b"nothing here\n")

    # -- onwards --------------------------------------------------------------------------

    def server_connect(self, data: server_hooks.ServerConnectionHookData) -> None:
        """A connection is about to be made: to the genuine endpoint of a declared host, or not."""
        passage = self._passage(data.client.peername)
        host = None if passage is None else passage.track.host or passage.track.sni
        target = None if host is None else self._upstream(host)
        port = None if passage is None else passage.track.port
        if passage is None or target is None or passage.plan is None or port != TLS_PORT:
            data.server.error = "out of the lab's scope"
            if passage is not None:
                passage.track.course.relayed = False
                passage.track.note = passage.track.note or "out of scope"
                self._recorder.counters[f"out of scope: {host}"] += 1
            return
        data.server.address = (target.host, target.port)


def _serving(plan: HostPlan, port: int | None) -> Terminate | Relay | Interfere | Plain:
    return plan.serving if port == TLS_PORT else plan.cleartext


def _clear_host(flow: http.HTTPFlow, name_of: Callable[[str], str | None]) -> str:
    """Return whom a cleartext request is for: the proxy's target, else the Host header."""
    return name_of(flow.request.host) or flow.request.pretty_host


def _size(request: http.Request) -> int:
    head = len(request.method) + len(request.path) + 12
    return head + sum(len(k) + len(v) + 4 for k, v in request.headers.fields)


def _response(answer: HttpAnswer) -> http.Response:
    return http.Response.make(answer.status, answer.body, dict(answer.headers))
