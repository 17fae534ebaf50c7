"""Chapter G, continued: rough transport. The same handshakes, cut up, slowed down or cut off."""

from __future__ import annotations

from lab.catalogue.anomalous import ONLY_12, ONLY_13, forged, genuine, handshake_entry
from lab.catalogue.attackers import COMPROMISED, ROGUE
from lab.catalogue.ground import Ground
from lab.catalogue.registry import entry
from lab.model.anomaly import Anomaly
from lab.model.attack import Concern, accept, refuse
from lab.model.outcome import ErrorKind
from lab.model.serving import Terminate


@entry(
    "G14",
    "Forged, in records of one byte",
    adversaries=COMPROMISED,
    expect=refuse(ErrorKind.PIN),
    versions=ONLY_12,
)
def forged_in_tiny_records(ground: Ground) -> Terminate:
    """Served: the certificate of the device-trusted attacker, every byte of the handshake in a TLS
    record of its own.

    Correct client: refuses the pin: records are no messages (RFC 5246 section 6.2.1).

    Why it goes wrong: code that looks for the certificate in the first record (in a VPN or a
    proxy on the device that pins for others) does not find it there and lets the rest pass.

    On the wire: typically a finished handshake that is closed without application data.
    """
    return forged(ground, Anomaly.ONE_BYTE_RECORDS)


@handshake_entry(
    "G14",
    "Genuine, in records of one byte",
    expect=accept(),
    concern=Concern.AVAILABILITY,
    versions=ONLY_12,
)
def genuine_in_tiny_records(ground: Ground) -> Terminate:
    """Served: the genuine chain, every byte of the handshake in a TLS record of its own.

    Correct client: connects.

    Why it goes wrong: a parser that wants a whole message in a record. Bad links and cautious
    middleboxes make such records.

    On the wire: the request.
    """
    return genuine(ground, Anomaly.ONE_BYTE_RECORDS)


@entry(
    "G14",
    "Forged, in small pieces",
    adversaries=COMPROMISED,
    expect=refuse(ErrorKind.PIN),
    versions=ONLY_13,
)
def forged_in_small_pieces(ground: Ground) -> Terminate:
    """Served: the certificate of the device-trusted attacker, in TCP segments of 64
    bytes, a little apart.

    Correct client: refuses the pin.

    Why it goes wrong: a check with a time limit that passes what it could not look at in time.

    On the wire: typically a finished handshake that is closed without application data.
    """
    return forged(ground, Anomaly.SMALL_PIECES)


@handshake_entry(
    "G14",
    "Cut off in mid-handshake",
    adversaries=ROGUE,
    expect=refuse(ErrorKind.TLS, ErrorKind.NETWORK),
    versions=ONLY_13,
)
def cut_off(ground: Ground) -> Terminate:
    """Served: one half of the server's first flight, then the end of the connection.

    Correct client: fails with a clean error. It may try again, by the same rules.

    Why it goes wrong: whoever can cut a connection off can do it every time: a client that then
    goes on over http://, or without its pins so as to "at least work", has left the decision to
    the attacker.

    On the wire: handshakes broken off, and nothing in clear.
    """
    return genuine(ground, Anomaly.CUT_OFF)
