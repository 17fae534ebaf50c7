"""Chapter C, continued: the right bytes in the wrong form (C13).

Where the form is malformed a client may refuse the whole configuration: that is as good. What it
may not do is to match all the same, as what a pin means would then depend on how it looks.
"""

from __future__ import annotations

from collections.abc import Callable

from lab.catalogue import hosts
from lab.catalogue.attackers import COMPROMISED
from lab.catalogue.ground import Attack, Ground
from lab.catalogue.make import TLS13_ONLY, terminate
from lab.catalogue.registry import entry
from lab.model.attack import Attempt, Need, Trust, refuse
from lab.model.outcome import ErrorKind
from lab.model.serving import Terminate

_BAD_FORM = refuse(ErrorKind.PIN, ErrorKind.CONFIGURATION, attempt=Attempt.OPTIONAL)


def _form(title: str, configuration: str) -> Callable[[Attack], Attack]:
    """Start an app from nothing under a configuration with the right bytes in a wrong form."""
    return entry(
        "C13",
        title,
        adversaries=COMPROMISED,
        trust=Trust.NONE,
        expect=_BAD_FORM,
        needs=[Need.CONFIGURATION],
        configuration=configuration,
        fresh_start=True,
        versions=TLS13_ONLY,
    )


@_form("Right key, digest as SHA-1", "sha1")
def digest_as_sha1(ground: Ground) -> Terminate:
    """Served: the genuine chain, while the published pin is the SHA-1 digest of the right key.

    Correct client: refuses the connection or the whole configuration; it never matches by
    accident.

    Why it goes wrong: choosing the hash by the digest's length lets a weaker hash in.

    On the wire: no application data, or no connection at all.
    """
    return terminate(ground.pki.genuine(ground.host))


@_form("Right key, digest as hexadecimal", "hex")
def digest_as_hex(ground: Ground) -> Terminate:
    """Served: the genuine chain, while the published pin is the right digest in hexadecimal.

    Correct client: refuses the connection or the whole configuration: the wire form is base64
    (contract section 1.2), in which 64 hexadecimal digits mean 48 other bytes.

    Why it goes wrong: a lenient decoder makes what a pin means depend on how it looks.

    On the wire: no application data, or no connection at all.
    """
    return terminate(ground.pki.genuine(ground.host))


@_form("Right key, digest as upper-case hexadecimal", "hex_upper")
def digest_as_upper_hex(ground: Ground) -> Terminate:
    """Served: the genuine chain, while the published pin is the right digest as ``openssl x509
    -fingerprint`` prints one: upper-case hexadecimal with colons.

    Correct client: refuses the connection or the whole configuration.

    Why it goes wrong: a decoder that skips what it does not know, as many base64 decoders do by
    default, reads other bytes without a word.

    On the wire: no application data, or no connection at all.
    """
    return terminate(ground.pki.genuine(ground.host))


@_form("Right key, digest as base64url", "base64url")
def digest_as_base64url(ground: Ground) -> Terminate:
    """Served: the genuine chain, while the published pin is the right digest in the alphabet of
    URLs and without padding, as JOSE writes such things (RFC 7515 section 2).

    Correct client: refuses the connection or the whole configuration.

    Why it goes wrong: one decoder for the token and for what is in it. A pin that matches on one
    platform and not on the other is found out in production.

    On the wire: no application data, or no connection at all.
    """
    return terminate(ground.pki.genuine(ground.host))


@_form("Right key, digest with a line feed", "newline")
def digest_with_newline(ground: Ground) -> Terminate:
    """Served: the genuine chain, while the published pin is the right digest with the line feed
    that ``openssl base64`` puts behind it.

    Correct client: refuses the connection or the whole configuration.

    Why it goes wrong: trimming what was signed: the owner's mistake is hidden on one platform and
    locks the users of another out.

    On the wire: no application data, or no connection at all.
    """
    return terminate(ground.pki.genuine(ground.host))


@_form("Right key, digest with OkHttp's prefix", "prefixed")
def digest_with_prefix(ground: Ground) -> Terminate:
    """Served: the genuine chain, while the published pin is ``sha256/`` and the right digest, as
    OkHttp's CertificatePinner and the HPKP header (RFC 7469) have it.

    Correct client: refuses the connection or the whole configuration.

    Why it goes wrong: two notations in one code base; ``/`` is a letter of base64, so that a
    lenient decoder makes other bytes of it.

    On the wire: no application data, or no connection at all.
    """
    return terminate(ground.pki.genuine(ground.host))


@_form("Right key, truncated digest", "truncated")
def digest_truncated(ground: Ground) -> Terminate:
    """Served: the genuine chain, while the published pin is the first half of the right digest.

    Correct client: refuses the connection or the whole configuration.

    Why it goes wrong: comparing as many bytes as there are. An attacker who may choose the length
    needs one byte, and 256 keys.

    On the wire: no application data, or no connection at all.
    """
    return terminate(ground.pki.genuine(ground.host))


@_form("Right key, digest as SHA-384", "sha384")
def digest_as_sha384(ground: Ground) -> Terminate:
    """Served: the genuine chain, while the published pin is the SHA-384 digest of the right key.

    Correct client: refuses the connection or the whole configuration.

    Why it goes wrong: choosing the hash by the digest's length; what is not documented is not a
    pin.

    On the wire: no application data, or no connection at all.
    """
    return terminate(ground.pki.genuine(ground.host))


@entry(
    "C13",
    "Digests in each other's field",
    adversaries=COMPROMISED,
    trust=Trust.NONE,
    expect=refuse(ErrorKind.PIN),
    host=hosts.SWAPPED,
    needs=[Need.LEAF_PINS],
    versions=TLS13_ONLY,
)
def digests_swapped(ground: Ground) -> Terminate:
    """Served: the genuine chain of a host whose certificate digest is published as a key
    digest and the other way round.

    Correct client: refuses it: each digest is of the wrong thing.

    Why it goes wrong: comparing every digest with every hash matches by accident and hides
    the owner's mistake until it matters.

    On the wire: typically no application data after a finished handshake.
    """
    return terminate(ground.pki.genuine(ground.host))


@entry(
    "C13",
    "Letter case of the digest exchanged",
    adversaries=COMPROMISED,
    trust=Trust.NONE,
    expect=refuse(ErrorKind.PIN),
    host=hosts.OTHER_CASE,
    versions=TLS13_ONLY,
)
def letter_case_exchanged(ground: Ground) -> Terminate:
    """Served: the genuine chain of a host whose pin is the right digest in base64 with upper and
    lower case letters exchanged, which is well formed and another digest.

    Correct client: refuses it: no pin matches.

    Why it goes wrong: comparing base64 as text without regard to case, as is right for
    hexadecimal. Each letter then stands for two values.

    On the wire: typically no application data after a finished handshake.
    """
    return terminate(ground.pki.genuine(ground.host))


@entry(
    "C13",
    "Only the first half of the digest is right",
    adversaries=COMPROMISED,
    trust=Trust.NONE,
    expect=refuse(ErrorKind.PIN),
    host=hosts.SAME_BEGINNING,
    versions=TLS13_ONLY,
)
def digest_of_same_beginning(ground: Ground) -> Terminate:
    """Served: the genuine chain of a host whose pin begins like the digest of its key and ends in
    other bytes.

    Correct client: refuses it: no pin matches.

    Why it goes wrong: comparing a prefix, be it the fingerprint that a log shows or the length of
    a buffer. An attacker finds a key of his own whose digest begins like that.

    On the wire: typically no application data after a finished handshake.
    """
    return terminate(ground.pki.genuine(ground.host))
