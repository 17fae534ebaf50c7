"""The mitmproxy addon: what happens to each connection is looked up in its device's arming."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mitmproxy import http, tls
from mitmproxy.proxy import layers, server_hooks
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layer import Layer, NextLayer
from mitmproxy.proxy.layers.http import HTTPMode
from mitmproxy.proxy.layers.tls import parse_client_hello

from lab.adversary import witness
from lab.adversary.classify import Opening, opening
from lab.adversary.fingerprint import EARLY_DATA, fingerprint
from lab.adversary.layers import BlackHole, Closed, Relayed, Terminated, TerminatedByHand
from lab.adversary.names import Names, normal, printable
from lab.adversary.oddities import handmade_connection
from lab.adversary.recorder import Recorder
from lab.adversary.track import Passage, Track
from lab.model.device import Endpoint
from lab.model.serving import (
    HostPlan,
    HttpAnswer,
    Interfere,
    Interference,
    Plain,
    Relay,
    Serving,
    Terminate,
)

TLS_PORT = 443

MAX_REQUEST = 400
"""Characters of a request line with its header names that are kept."""

MAX_AUTHORITIES = 8
"""Hosts that the requests of one connection were for of which note is taken."""

MAX_OFFERS = 16
"""ALPN protocols of one ClientHello that are kept."""

OUT_OF_SCOPE = HttpAnswer(403, (("content-type", "text/plain"),), b"out of the lab's scope\n")
REFUSED = HttpAnswer(502, (("content-type", "text/plain"),), b"connection refused\n")
NOTHING_HERE = HttpAnswer(502, (("content-type", "text/plain"),), b"nothing here\n")


def serving_on(plan: HostPlan, port: int | None) -> Serving:
    """Return what ``plan`` has for connections to ``port``."""
    return plan.serving if port == TLS_PORT else plan.cleartext


class Adversary:
    """Decides per connection; keeps no state but what the passages hold.

    ``passages`` are by the id of mitmproxy's client connection.
    """

    def __init__(
        self,
        recorder: Recorder,
        passages: Mapping[str, Passage],
        upstream: Callable[[str], Endpoint | None],
        names: Names,
    ) -> None:
        self._recorder = recorder
        self._passages = passages
        self._upstream = upstream
        self._names = names
        self._spared: dict[tuple[str, str], tuple[int, int]] = {}
        """By device and host: under which arming how many connections were passed through."""

    # -- where to -------------------------------------------------------------------------

    def _aim(self, passage: Passage, host: str, port: int) -> None:
        """Note where the client wants to go: its name for it, or what its address stands for."""
        if passage.track.host is None:
            passage.track.host = self._names.name_of(host)
        passage.track.port = port

    def http_connect(self, flow: http.HTTPFlow) -> None:
        """An explicit proxy is asked for a tunnel."""
        passage = self._passages[flow.client_conn.id]
        self._aim(passage, flow.request.host, flow.request.port)
        passage.track.preamble = passage.track.head_size
        plan = passage.plan
        if plan is None:
            # Nobody is named by the attacker's own address; the SNI will tell.
            if passage.track.host is not None:
                self._out_of_scope(passage.track)
                flow.response = _response(OUT_OF_SCOPE, flow.request)
        elif serving_on(plan, flow.request.port) == Interfere(Interference.REFUSE):
            passage.track.note = "refused by the network"
            flow.response = _response(REFUSED, flow.request)

    def next_layer(self, nextlayer: NextLayer) -> None:
        """The first bytes of something are there: decide what it is and what becomes of it."""
        context = nextlayer.context
        passage = self._passages[context.client.id]
        data = nextlayer.data_client()
        if not data:
            return
        if context.client.tls:
            is_http = bool(context.client.alpn) or opening(data) is Opening.HTTP
            nextlayer.layer = _http_or_closed(context, HTTPMode.transparent, is_http)
        elif context.server.address is None:
            is_http = opening(data) is Opening.HTTP
            nextlayer.layer = _http_or_closed(context, HTTPMode.regular, is_http)
            if not is_http:
                passage.track.note = "no request to a proxy"
        else:
            self._aim(passage, *context.server.address[:2])
            nextlayer.layer = self._through(context, passage, data)
        passage.track.changed()

    def _through(self, context: Context, passage: Passage, data: bytes) -> Layer | None:
        """Return what becomes of a connection whose destination is known, None for not yet."""
        if opening(data) is not Opening.TLS:
            return self._in_clear(context, passage, data)
        try:
            hello = parse_client_hello(data)
        except ValueError:
            passage.track.note = "malformed ClientHello"
            return Closed(context)
        if hello is None:
            return None
        _note_hello(passage.track, hello)
        return self._secured(context, passage)

    def _in_clear(self, context: Context, passage: Passage, data: bytes) -> Layer:
        passage.track.cleartext()
        plan = passage.plan
        if plan is not None:
            if serving_on(plan, passage.track.port) == Interfere(Interference.BLACK_HOLE):
                return BlackHole(context)
        elif passage.track.host is not None:
            self._out_of_scope(passage.track)
            return Closed(context)
        return _http_or_closed(context, HTTPMode.transparent, opening(data) is Opening.HTTP)

    def _secured(self, context: Context, passage: Passage) -> Layer:
        track, plan = passage.track, passage.plan
        if plan is None:
            self._out_of_scope(track)
            return Closed(context)
        if track.port == TLS_PORT and self._spare(passage, plan):
            return self._relayed(context, passage)
        match serving_on(plan, track.port):
            case Terminate() as serving:
                passage.answer = serving.answer
                versions = passage.arming.versions
                if serving.anomaly is not None:
                    by_hand = handmade_connection(serving, versions, track)
                    return TerminatedByHand(context, by_hand, track)
                return Terminated(context, witness.connection(serving, versions, track))
            case Relay() if track.port == TLS_PORT:
                return self._relayed(context, passage)
            case Interfere(Interference.BLACK_HOLE):
                return BlackHole(context)
            case Interfere(Interference.REFUSE):
                track.note = "refused by the network"
            case _:
                track.note = "no TLS on this port"
        return Closed(context)

    def _relayed(self, context: Context, passage: Passage) -> Layer:
        track = passage.track
        passage.genuine = self._upstream(track.target or "")
        if passage.genuine is None:
            track.note = "there is no genuine endpoint"
            return Closed(context)
        track.course.relayed = True
        return Relayed(context, track)

    def _spare(self, passage: Passage, plan: HostPlan) -> bool:
        """Tell whether this is one of the connections that the attack waits for to pass."""
        track = passage.track
        if not plan.spared or track.foreign:
            return False
        place = (track.device, track.target or "")
        arming, count = self._spared.get(place, (track.arming, 0))
        count = count if arming == track.arming else 0
        self._spared[place] = (track.arming, count + 1)
        return count < plan.spared

    def _out_of_scope(self, track: Track) -> None:
        track.note = "out of scope"
        self._recorder.out_of_scope(track.target)

    def server_connect(self, data: server_hooks.ServerConnectionHookData) -> None:
        """A connection is about to be made: to the genuine endpoint of a relayed one, or not."""
        genuine = self._passages[data.client.id].genuine
        if genuine is None:
            data.server.error = "out of the lab's scope"
        else:
            data.server.address = (genuine.host, genuine.port)

    # -- what is said ---------------------------------------------------------------------

    def requestheaders(self, flow: http.HTTPFlow) -> None:
        """The client was willing to send a request: keep its line and the names of its headers."""
        passage = self._passages[flow.client_conn.id]
        track, request = passage.track, flow.request
        track.requests += 1
        if not flow.client_conn.tls:
            self._aim(passage, self._clear_host(request), request.port)
            track.cleartext()
        else:
            self._note_authority(track, request)
        if track.request is None and passage.plan is not None:
            names = ", ".join(dict.fromkeys(name.lower() for name in request.headers))
            path = request.path.partition("?")[0]
            line = f"{request.method} {path} {request.http_version} [{names}]"
            track.request = printable(line[:MAX_REQUEST])[:MAX_REQUEST]
        track.changed()

    def _note_authority(self, track: Track, request: http.Request) -> None:
        host = normal(request.pretty_host)
        if host not in track.authorities and len(track.authorities) < MAX_AUTHORITIES:
            track.authorities = (*track.authorities, host)

    def _clear_host(self, request: http.Request) -> str:
        """Return whom a cleartext request is for: the route's target, else the Host header."""
        return self._names.name_of(request.host) or request.pretty_host

    def request(self, flow: http.HTTPFlow) -> None:
        """Answer in the genuine server's place."""
        passage = self._passages[flow.client_conn.id]
        plan = passage.plan
        if passage.answer is not None:
            flow.response = _response(passage.answer, flow.request)
        elif plan is None:
            self._out_of_scope(passage.track)
            flow.response = _response(OUT_OF_SCOPE, flow.request)
        elif isinstance(plan.cleartext, Plain):
            flow.response = _response(plan.cleartext.answer, flow.request)
        elif isinstance(plan.cleartext, Interfere):
            flow.kill()
        else:
            flow.response = _response(NOTHING_HERE, flow.request)


def _note_hello(track: Track, hello: tls.ClientHello) -> None:
    track.course.hello = True
    track.sni = hello.sni.lower() if hello.sni else None
    offered = hello.alpn_protocols[:MAX_OFFERS]
    track.alpn_offered = tuple(printable(p.decode("latin-1")) for p in offered)
    track.early_data = any(kind == EARLY_DATA for kind, _ in hello.extensions)
    track.fingerprint = fingerprint(hello.cipher_suites, hello.extensions)


def _http_or_closed(context: Context, mode: HTTPMode, is_http: bool) -> Layer:
    return layers.HttpLayer(context, mode) if is_http else Closed(context)


def _response(answer: HttpAnswer, request: http.Request) -> http.Response:
    body = b"" if request.method == "HEAD" else answer.body
    headers = http.Headers([(name.encode(), value.encode()) for name, value in answer.headers])
    response = http.Response.make(answer.status, body, headers)
    # The next request could slip past the next arming; in clear, be for another host. mitmproxy
    # leaves this away in HTTP/2, where it must not be.
    response.headers["connection"] = "close"
    return response
