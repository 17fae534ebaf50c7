"""The TLS stack of the mutants is right, and each wrong one is wrong in its own way."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from dataclasses import dataclass, replace

import pytest

from lab.adversary.oddities import handmade_connection
from lab.adversary.recorder import Recorder
from lab.adversary.track import Track
from lab.model.anomaly import Anomaly
from lab.model.serving import Terminate
from lab.model.wire import TlsVersion
from lab.mutants import loose_stacks, wrong_stacks
from lab.mutants.stack import OwnTls, Stack, open_by_hand
from lab.phone.link import Link, Patience
from lab.phone.services import PlatformError, SslHandshakeError, SslPeerUnverifiedError
from lab.phone.verify import Judge
from lab.pki.credential import Credential
from lab.pki.hierarchy import LabPki
from lab.pki.kept_keys import kept_key
from lab.pki.keys import KeyType
from tests.adversary.served import RSA_ONLY

HOST = "api.acme.test"
ANSWER = b"answered"
ONLY_12, ONLY_13 = (TlsVersion.TLS12,), (TlsVersion.TLS13,)

FOOLED: list[tuple[type[Stack], Anomaly, tuple[TlsVersion, ...]]] = [
    (wrong_stacks.SignatureNotVerified, Anomaly.OTHER_KEY, ONLY_12),
    (wrong_stacks.SignatureNotVerified, Anomaly.OTHER_KEY, ONLY_13),
    (wrong_stacks.SignatureNotVerified, Anomaly.BAD_SIGNATURE, ONLY_13),
    (wrong_stacks.PossessionOptional, Anomaly.NO_SIGNATURE, ONLY_13),
    (wrong_stacks.FinishedNotCompared, Anomaly.BAD_FINISHED, ONLY_12),
    (wrong_stacks.FinishedNotCompared, Anomaly.BAD_FINISHED, ONLY_13),
    (wrong_stacks.OffersAnonymous, Anomaly.ANONYMOUS, ONLY_12),
    (wrong_stacks.DownToSsl3, Anomaly.SSL3, ONLY_12),
    (wrong_stacks.DownToTls10, Anomaly.TLS10, ONLY_12),
    (wrong_stacks.DownToTls11, Anomaly.TLS11, ONLY_12),
    (wrong_stacks.NothingNewer, Anomaly.ALERTS_MODERN, ONLY_12),
    (wrong_stacks.NothingNewer, Anomaly.DROPS_MODERN, ONLY_12),
    (wrong_stacks.WithNull, Anomaly.NULL_SUITE, ONLY_12),
    (wrong_stacks.WithRc4, Anomaly.RC4_SUITE, ONLY_12),
    (wrong_stacks.WithTripleDes, Anomaly.TRIPLE_DES_SUITE, ONLY_12),
    (wrong_stacks.AnySuite, Anomaly.UNOFFERED_SUITE, ONLY_13),
    (wrong_stacks.AnyCurve, Anomaly.WEAK_CURVE, ONLY_12),
    (wrong_stacks.WithDh, Anomaly.DH1024, ONLY_12),
    (wrong_stacks.WithShortDh, Anomaly.DH512, ONLY_12),
    (wrong_stacks.TakesExportKeys, Anomaly.EXPORT_KEY, ONLY_12),
    (wrong_stacks.BlindToDowngrades, Anomaly.SENTINEL, ONLY_12),
    (loose_stacks.EarlyKeys, Anomaly.EARLY_CCS, ONLY_12),
    (loose_stacks.AnyCompression, Anomaly.COMPRESSION, ONLY_12),
    (loose_stacks.AnyProtocol, Anomaly.UNOFFERED_PROTOCOL, ONLY_12),
    (loose_stacks.AnyProtocol, Anomaly.UNOFFERED_PROTOCOL, ONLY_13),
]
"""Who falls for what. Nobody else of these does."""

HARMLESS = (
    Anomaly.NAME_WARNING,
    Anomaly.ASKS_CERTIFICATE,
    Anomaly.ONE_BYTE_RECORDS,
    Anomaly.SMALL_PIECES,
    Anomaly.READS_HELLO,
)


@dataclass
class Server:
    """The adversary's side of a connection, on a thread of its own."""

    pki: LabPki
    track: Track | None = None
    read: bytes = b""

    def credential(self, anomaly: Anomaly) -> Credential:
        if anomaly in RSA_ONLY:
            return self.pki.intermediate.issue(HOST, key=kept_key(KeyType.RSA2048))
        return self.pki.genuine(HOST)

    def connect(
        self,
        stack: type[Stack],
        anomaly: Anomaly,
        versions: tuple[TlsVersion, ...],
        credential: Credential | None = None,
    ) -> OwnTls:
        """Let ``stack`` do a handshake and send a request. Raises PlatformError."""
        used = credential or self.credential(anomaly)
        serving = Terminate(used.chain_der, used.key_der, anomaly=anomaly)
        if anomaly is Anomaly.UNOFFERED_PROTOCOL:
            serving = replace(serving, protocols=())
        recorder = Recorder()
        recorder.begin("phone", 1)
        self.track = recorder.open("phone", 1, ("127.0.0.1", 1), None)
        made = handmade_connection(serving, versions, self.track)
        near, far = socket.socketpair()

        def serve() -> None:
            # A client that refuses does not wait for what is still sent to it.
            with far, contextlib.suppress(OSError):
                while not made.over and (part := far.recv(1 << 16)):
                    far.sendall(made.feed(part))
                    if plain := made.take():
                        self.read += plain
                        # Old versions send the first byte by itself.
                        if self.read.endswith(b"\r\n\r\n"):
                            far.sendall(made.say(ANSWER))

        thread = threading.Thread(target=serve)
        thread.start()
        judge = Judge((self.pki.public_root.der,), time.time())
        try:
            opened = open_by_hand(stack, Link(near, Patience(10)), HOST, judge)
            opened.send(b"GET / HTTP/1.1\r\n\r\n")
            answer = b""
            # Old versions send the first byte by itself.
            while len(answer) < len(ANSWER) and (part := opened.receive()):
                answer += part
            assert answer == ANSWER
            opened.close()
            return opened
        finally:
            near.close()
            thread.join()


@pytest.fixture
def server(pki: LabPki) -> Server:
    return Server(pki)


@pytest.mark.parametrize(("stack", "anomaly", "versions"), FOOLED)
def test_who_falls_for_it(
    server: Server, stack: type[Stack], anomaly: Anomaly, versions: tuple[TlsVersion, ...]
) -> None:
    server.connect(stack, anomaly, versions)
    assert server.read.startswith(b"GET / ")
    assert server.track is not None
    # Who does not offer anything modern has seen nothing odd.
    assert server.track.anomaly is (None if stack is wrong_stacks.NothingNewer else anomaly)


@pytest.mark.parametrize(
    ("anomaly", "versions"), sorted({(anomaly, versions) for _, anomaly, versions in FOOLED})
)
def test_who_does_not(server: Server, anomaly: Anomaly, versions: tuple[TlsVersion, ...]) -> None:
    with pytest.raises(PlatformError):
        server.connect(Stack, anomaly, versions)
    assert server.read == b""
    assert server.track is not None
    assert server.track.anomaly is anomaly


@pytest.mark.parametrize("anomaly", HARMLESS)
def test_what_is_harmless_is_taken(server: Server, anomaly: Anomaly) -> None:
    opened = server.connect(Stack, anomaly, ONLY_12)
    assert opened.chain == server.pki.genuine(HOST).chain_der
    assert server.read.startswith(b"GET / ")


def test_chain_and_name_are_validated(server: Server) -> None:
    with pytest.raises(SslHandshakeError):
        server.connect(Stack, Anomaly.READS_HELLO, ONLY_13, server.pki.rogue.issue(HOST))
    other = server.pki.genuine("www.acme.test")
    with pytest.raises(SslPeerUnverifiedError):
        server.connect(Stack, Anomaly.READS_HELLO, ONLY_13, other)
    assert server.read == b""


def test_heartbleed(server: Server) -> None:
    server.connect(loose_stacks.Bleeding, Anomaly.HEARTBEAT, ONLY_12)
    assert server.track is not None
    assert server.track.misstep == "answered the heartbeat request with 4096 bytes of its memory"
