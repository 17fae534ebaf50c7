"""The last gate before anything is dialled. No way is known that leads there unbidden."""

from __future__ import annotations

from mitmproxy.connection import Client, Server
from mitmproxy.proxy.server_hooks import ServerConnectionHookData

import lab.adversary.mitm  # noqa: F401 - the first to import mitmproxy, without its warnings
from lab.adversary.addon import Adversary
from lab.adversary.names import Names
from lab.adversary.recorder import Recorder
from lab.adversary.track import Passage
from lab.model.device import Endpoint
from lab.model.serving import Arming, HostPlan, Relay

GENUINE = Endpoint("127.0.0.1", 9)


def test_only_what_was_decided_is_dialled() -> None:
    recorder = Recorder()
    recorder.begin("phone", 1)
    track = recorder.open("phone", 1, ("127.0.0.1", 40_000), None)
    passage = Passage(track, Arming("relay", (("a.test", HostPlan(Relay())),)))
    client = Client(peername=("127.0.0.1", 40_000), sockname=("127.0.0.1", 1))
    adversary = Adversary(recorder, {client.id: passage}, lambda host: GENUINE, Names(["a.test"]))
    track.host, track.port, track.course.relayed = "a.test", 443, True

    data = ServerConnectionHookData(server=Server(address=("a.test", 443)), client=client)
    adversary.server_connect(data)
    assert data.server.error

    passage.genuine = GENUINE
    data = ServerConnectionHookData(server=Server(address=("bank.example", 443)), client=client)
    adversary.server_connect(data)
    assert (data.server.error, data.server.address) == (None, ("127.0.0.1", 9))
