"""Chapter C, continued: configurations with the owner's own mistakes in them (C17).

They are signed rightly. What becomes of them is not documented: the SDK may refuse the whole
configuration, or go by what it understands of it. One thing it must not do is to leave the host
without pins; so the pinning case B4 is served, and every refusal is right.
"""

from __future__ import annotations

from collections.abc import Callable

from lab.catalogue.ground import Attack, Ground
from lab.catalogue.sourcing import closed, cold, refused_source, stale, trusted_ca
from lab.model.publication import Publication, Token
from lab.model.serving import Terminate


def _cold(title: str, token: Token) -> Callable[[Attack], Attack]:
    """Hand ``token`` to an app that starts for the first time."""
    return cold(title, closed, Publication(token), id="C17")


@_cold("Empty list of pins", Token.EMPTY_PINS)
def empty_pins(ground: Ground) -> Terminate:
    """Served: the pinning case B4, to an app that starts for the first time. Its configuration is
    signed rightly and registers the host, with an empty list of pins.

    Correct client: refuses the configuration, or the connection because no pin matches.

    Why it goes wrong: a loop over the pins that finds nothing wrong with any of none, as
    ``all()`` of an empty list is true. OkHttp and TrustKit refuse such a host at their set-up.

    On the wire: no application data, or no connection at all. To be mended twice: by the SDK,
    which must take "no pin" for "no match", and by the owner.
    """
    return trusted_ca(ground)


@_cold("One host registered twice", Token.DUPLICATE_DOMAIN)
def duplicate_domain(ground: Ground) -> Terminate:
    """Served: the pinning case B4, to an app that starts for the first time. Its configuration is
    signed rightly and registers the host twice, with other pins each time; no pin of either
    matches.

    Correct client: refuses the configuration, or the connection. Which registration counts is
    not documented (contract section 9.2 item 2).

    Why it goes wrong: a host that cannot be told from another is dropped from the table, and
    what is not in the table is not checked.

    On the wire: no application data, or no connection at all.
    """
    return trusted_ca(ground)


@_cold("Pin of an unknown kind", Token.UNKNOWN_PIN_TYPE)
def unknown_pin_kind(ground: Ground) -> Terminate:
    """Served: the pinning case B4, to an app that starts for the first time. Its configuration is
    signed rightly, and the host's only pin is of a kind that does not exist (``spki_sha3_256``),
    as an older SDK may come upon.

    Correct client: refuses the configuration, or the connection because no pin matches.

    Why it goes wrong: what a parser does not know it leaves out, and a host whose pins are all
    left out has none; or a comparison that cannot be made counts as passed.

    On the wire: no application data, or no connection at all.
    """
    return trusted_ca(ground)


@_cold("Pin that is no base64", Token.BAD_BASE64)
def pin_not_base64(ground: Ground) -> Terminate:
    """Served: the pinning case B4, to an app that starts for the first time. Its configuration is
    signed rightly; the host's only pin has a character in it that base64 does not have.

    Correct client: refuses the configuration, or the connection because no pin matches.

    Why it goes wrong: the error of the decoder is caught pin by pin, and the host is left with
    none.

    On the wire: no application data, or no connection at all.
    """
    return trusted_ca(ground)


@_cold("Pin of the wrong length", Token.WRONG_LENGTH)
def pin_of_wrong_length(ground: Ground) -> Terminate:
    """Served: the pinning case B4, to an app that starts for the first time. Its configuration is
    signed rightly; the host's only pin is a byte short.

    Correct client: refuses the configuration, or the connection because no pin matches.

    Why it goes wrong: a pin that cannot be right is sorted out, and the host is left with none.

    On the wire: no application data, or no connection at all.
    """
    return trusted_ca(ground)


@_cold("Digests that contradict each other", Token.CONFLICTING_DIGESTS)
def conflicting_digests(ground: Ground) -> Terminate:
    """Served: the pinning case B4, to an app that starts for the first time. Its configuration is
    signed rightly; the host's only pin gives the digest of the genuine key and that of another
    certificate. Neither is the attacker's.

    Correct client: refuses it, whether the two are alternatives, must both hold, or one of them
    goes before (contract section 9.1, C17): none matches.

    Why it goes wrong: a pin that contradicts itself is sorted out as invalid, and the host is
    left with none.

    On the wire: no application data, or no connection at all.
    """
    return trusted_ca(ground)


@_cold("Unknown version of the format", Token.UNKNOWN_SPEC)
def unknown_spec(ground: Ground) -> Terminate:
    """Served: the pinning case B4, to an app that starts for the first time. Its configuration is
    signed rightly and says that it is written to another version of the format (``spec``).

    Correct client: refuses the configuration, or the connection because no pin matches.

    Why it goes wrong: a client that is too old for its configuration is better off without
    pinning than without network, somebody thought.

    On the wire: no application data, or no connection at all.
    """
    return trusted_ca(ground)


@stale("Empty list of pins, stale cache", Publication(Token.EMPTY_PINS), id="C17", expected=closed)
def empty_pins_stale(ground: Ground) -> Terminate:
    """Served: the pinning case B4. The app's configuration is more than ten minutes old; the one
    that it is given now is signed rightly and registers the host with an empty list of pins.

    Correct client: refuses: by the pins that it has, or because none matches.

    Why it goes wrong: a mistake that the first start would have shown comes to apps that run,
    and takes the pins away from all of them within ten minutes.

    On the wire: an attempt at the configuration service; no application data for the host.
    """
    return trusted_ca(ground)


@_cold("Signature in another encoding (DER)", Token.DER_SIGNATURE)
def der_signature(ground: Ground) -> Terminate:
    """Served: the pinning case B4, to an app that starts for the first time. Its configuration is
    the owner's, but its signature is written as X.509 does it (DER), not as r and s.

    Correct client: refuses the configuration, as it is no ES256 (RFC 7518 section 3.4); or takes
    it, which is not documented (contract section 9.2 item 3), and refuses the connection.

    Why it goes wrong: most cryptographic libraries make DER, so the owner's own tool signs like
    this, once; an app for which a failed verification means "no pins" is then open to everybody.

    On the wire: no application data, or no connection at all.
    """
    return trusted_ca(ground)


@cold("Empty configuration", refused_source, Publication(Token.EMPTY), id="C17")
def empty_configuration(ground: Ground) -> Terminate:
    """Served: the pinning case B4, to an app that starts for the first time. The configuration
    service answers with status 200 and nothing.

    Correct client: fails closed: that is no configuration.

    Why it goes wrong: nothing published yet, ``projects jws`` run on an empty project (it exits
    with 0 and prints nothing, contract section 7.2): an empty answer is taken for an empty list.

    On the wire: an attempt at the configuration service; no application data for the host.
    """
    return trusted_ca(ground)
