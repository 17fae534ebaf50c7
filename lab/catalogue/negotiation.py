"""Chapter G, continued: messages out of place, what is agreed on beside TLS."""

from __future__ import annotations

from dataclasses import replace

from lab.catalogue.anomalous import (
    ONLY_12,
    ONLY_13,
    forged,
    genuine,
    handshake_entry,
)
from lab.catalogue.attackers import COMPROMISED
from lab.catalogue.ground import Ground
from lab.catalogue.make import terminate
from lab.catalogue.registry import entry
from lab.model.anomaly import Anomaly
from lab.model.attack import Concern, Control, Trust, accept, refuse
from lab.model.outcome import ErrorKind
from lab.model.serving import HostPlan, HttpAnswer, Terminate
from lab.model.wire import REJECTED

ALTERNATIVE_PORT = 8443
"""Where the alternative service is, by the adversary's account."""


@handshake_entry("G6", "Keys switched too early", versions=ONLY_12)
def early_change_cipher_spec(ground: Ground) -> Terminate:
    """Served: a ChangeCipherSpec message before the key exchange is done; all else is right.

    Correct client: ends the handshake (unexpected_message).

    Why it goes wrong: OpenSSL switched to keys made of an empty secret, on both sides of a
    connection that somebody sat in the middle of (CVE-2014-0224). Android apps carried such
    OpenSSLs along for years.

    On the wire: the client's alert (unexpected_message), or an end without one.
    """
    return genuine(ground, Anomaly.EARLY_CCS)


@handshake_entry(
    "G6",
    "Heartbleed",
    expect=refuse(ErrorKind.TLS, ErrorKind.PIN),
    trust=Trust.SYSTEM,
    versions=ONLY_12,
)
def heartbleed(ground: Ground) -> Terminate:
    """Served: in the middle of a handshake, a heartbeat request that claims to hold 16,384 bytes
    and holds none, in a connection with the attacker's certificate.

    Correct client: refuses, for the message or for the pin, and does not answer the request
    (RFC 6520 section 4: a request whose length is wrong is discarded).

    Why it goes wrong: OpenSSL answered with as many bytes of its memory (CVE-2014-0160); clients
    bled as well as servers, before any certificate was looked at. Android 4.1.1 did.

    On the wire: the client's alert (unexpected_message), or the end of a handshake that the pins
    refuse. A heartbeat answer is the finding: its bytes are what the client had in memory.
    """
    return forged(ground, Anomaly.HEARTBEAT)


@handshake_entry("G6", "Compression forced", versions=ONLY_12)
def compression_forced(ground: Ground) -> Terminate:
    """Served: TLS 1.2 with DEFLATE compression chosen, which was not offered.

    Correct client: ends the handshake (illegal_parameter).

    Why it goes wrong: a library that can compress and does not compare the server's choice with
    its own offer. Compression gives cookies away by their length (CRIME, CVE-2012-4929).

    On the wire: the client's alert (illegal_parameter), or an end without one.
    """
    return genuine(ground, Anomaly.COMPRESSION)


@handshake_entry("G12", "A protocol that was not offered")
def protocol_not_offered(ground: Ground) -> Terminate:
    """Served: the genuine chain, and in the ALPN extension a protocol (lab/1) that the client did
    not offer.

    Correct client: ends the handshake: it would not know what to speak.

    Why it goes wrong: a client that falls back to HTTP/1.1 for whatever it does not know lets the
    server lead it away from the protocol that was agreed on; across protocols, what is said in one
    can be taken for another (ALPACA, Brinkmann et al., USENIX Security 2021).

    On the wire: the client's alert (illegal_parameter), or a finished handshake without
    application data.
    """
    return replace(genuine(ground, Anomaly.UNOFFERED_PROTOCOL), protocols=())


@entry(
    "G12",
    "No protocol agreed on",
    adversaries=COMPROMISED,
    expect=refuse(ErrorKind.PIN),
    versions=ONLY_13,
)
def no_protocol_agreed(ground: Ground) -> Terminate:
    """Served: the certificate of the device-trusted attacker, by a server that leaves the client's
    ALPN extension unanswered.

    Correct client: refuses the pin, as with any protocol.

    Why it goes wrong: a pin check that hangs on the path that HTTP/2 takes is not there on the
    one that is taken where no protocol was agreed on.

    On the wire: typically a finished handshake that is closed without application data.
    """
    return replace(terminate(ground.pki.compromised.issue(ground.host)), protocols=())


@handshake_entry(
    "G12",
    "Genuine, and no protocol agreed on",
    expect=accept(),
    control=Control.NONE,
    concern=Concern.AVAILABILITY,
    versions=ONLY_13,
)
def genuine_without_protocol(ground: Ground) -> Terminate:
    """Served: the genuine chain, by a server that knows no ALPN.

    Correct client: goes on in HTTP/1.1 (RFC 9113 section 3.2).

    Why it goes wrong: a client that takes HTTP/2 for granted fails at the first old load balancer.

    On the wire: the request.
    """
    return replace(terminate(ground.pki.genuine(ground.host)), protocols=())


@handshake_entry(
    "G12",
    "The server does not know the name",
    expect=accept(),
    concern=Concern.AVAILABILITY,
    versions=ONLY_12,
)
def name_warning(ground: Ground) -> Terminate:
    """Served: a warning that the server does not know the name in the client's hello (alert
    unrecognized_name, not fatal), then the genuine chain.

    Correct client: goes on: the certificate decides (RFC 6066 section 3).

    Why it goes wrong: Java 7 took the warning for the end of the connection, and whole sites
    behind a badly set up virtual host were out of reach for apps.

    On the wire: the alert of the server, then the request.
    """
    return genuine(ground, Anomaly.NAME_WARNING)


@entry(
    "G13", "A client certificate asked for", adversaries=COMPROMISED, expect=refuse(ErrorKind.PIN)
)
def client_certificate_asked_for(ground: Ground) -> Terminate:
    """Served: the certificate of the device-trusted attacker, by a server that asks the client for
    a certificate, too.

    Correct client: refuses the pin. That it could prove who it is itself says nothing about the
    server.

    Why it goes wrong: mutual TLS is set up with a key manager and a trust manager of its own, and
    the pins are left behind with the other one.

    On the wire: typically a finished handshake that is closed without application data, with an
    empty Certificate message of the client. A certificate in it tells the attacker who it is.
    """
    return forged(ground, Anomaly.ASKS_CERTIFICATE)


@handshake_entry(
    "G13",
    "Genuine, and a client certificate asked for",
    expect=accept(),
    concern=Concern.AVAILABILITY,
    versions=ONLY_13,
)
def genuine_asks_for_certificate(ground: Ground) -> Terminate:
    """Served: the genuine chain, by a server that would like to have a client certificate and does
    not insist on it.

    Correct client: sends an empty Certificate message and goes on (RFC 8446 section 4.4.2).

    Why it goes wrong: a client without a certificate that fails instead cannot reach a service
    that serves those who have one and those who have none.

    On the wire: the request.
    """
    return genuine(ground, Anomaly.ASKS_CERTIFICATE)


@entry(
    "G11",
    "An alternative service",
    adversaries=COMPROMISED,
    expect=replace(accept(), wire=accept().wire | REJECTED),
    control=Control.NONE,
    repeats=2,
    versions=ONLY_13,
)
def alternative_service(ground: Ground) -> HostPlan:
    """Served: the genuine chain, and an answer that offers the same host over QUIC and over
    HTTP/2 at another port (Alt-Svc: h3=":8443", h2=":8443"). At that port, the certificate of the
    device-trusted attacker. The request is made twice.

    Correct client: stays where it is, or refuses the pin there and stays here. An alternative
    service must prove itself as the origin does (RFC 7838 section 2.1).

    Why it goes wrong: the stack that follows alternatives (QUIC, most of all) is another one than
    the stack that was given the pins: Cronet beside OkHttp, URLSession's HTTP/3.

    On the wire: two requests to port 443. Application data at port 8443 is the finding. QUIC
    itself goes nowhere in the lab's networks: nothing answers at UDP port 8443.
    """
    offer = (
        ("alt-svc", f'h3=":{ALTERNATIVE_PORT}"; ma=86400, h2=":{ALTERNATIVE_PORT}"; ma=86400'),
    )
    answer = HttpAnswer(headers=(*HttpAnswer().headers, *offer))
    return HostPlan(
        terminate(ground.pki.genuine(ground.host), answer),
        cleartext=terminate(ground.pki.compromised.issue(ground.host)),
    )
