"""A handmade server's bytes in pieces: all of them, in order, one at a time."""

from __future__ import annotations

import socket

from mitmproxy.connection import Client
from mitmproxy.options import Options
from mitmproxy.proxy import commands, events
from mitmproxy.proxy.context import Context

from lab.adversary.layers import TerminatedByHand
from lab.adversary.oddities import handmade_connection
from lab.adversary.recorder import Recorder
from lab.model.anomaly import Anomaly
from lab.model.serving import Terminate
from lab.model.wire import TlsVersion
from lab.pki.hierarchy import LabPki
from tests.adversary.peers import HOST, Tls, context
from tests.adversary.served import messages, records


def test_a_flight_in_pieces(pki: LabPki) -> None:
    genuine = pki.genuine(HOST)
    serving = Terminate(genuine.chain_der, genuine.key_der, anomaly=Anomaly.SMALL_PIECES)
    recorder = Recorder()
    recorder.begin("phone", 1)
    track = recorder.open("phone", 1, ("127.0.0.1", 1), None)
    client = Client(peername=("127.0.0.1", 1), sockname=("127.0.0.1", 2), timestamp_start=0)
    made = handmade_connection(serving, (TlsVersion.TLS12,), track)
    layer = TerminatedByHand(Context(client, Options()), made, track)
    list(layer.handle_event(events.Start()))
    near, far = socket.socketpair()
    with near, far:
        hello = Tls(near, context(version=TlsVersion.TLS12)).hello()
    said = list(layer.handle_event(events.DataReceived(client, hello)))
    pieces = []
    while said:
        sent, *pause = said
        assert isinstance(sent, commands.SendData), "one piece, and then a pause"
        pieces.append(sent.data)
        said = []
        for wait in pause:
            assert isinstance(wait, commands.RequestWakeup)
            said = list(layer.handle_event(events.Wakeup(wait)))
    assert {len(piece) for piece in pieces[:-1]} == {64}
    flight = messages(b"".join(content for _, content in records(b"".join(pieces))))
    assert [message[0] for message in flight] == [2, 11, 12, 14]
    assert track.anomaly is Anomaly.SMALL_PIECES
