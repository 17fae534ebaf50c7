"""Chapter D, continued: wildcards, international names, very many names."""

from __future__ import annotations

from lab.catalogue.attackers import COMPROMISED
from lab.catalogue.ground import Ground
from lab.catalogue.hosts import DOMAIN, EVIL, IDN, REGIONAL
from lab.catalogue.make import TLS13_ONLY, defect, oddity, pinned, terminate
from lab.catalogue.names import raw_dns_names
from lab.catalogue.registry import entry
from lab.model.attack import refuse
from lab.model.outcome import ErrorKind
from lab.model.serving import Terminate
from lab.pki.authority import Leaf

U_LABELS = f"bücher.{DOMAIN}"
HOMOGRAPH = f"xn--pi-6kc.{DOMAIN}"
"""In A-labels; it is shown as ``api.acme.test``, its first letter the Cyrillic one (U+0430)."""
MANY = 1000
MOST = 5000
"""About as many short names as fit into the 100 KB at which TLS stacks cap a certificate
message."""


@oddity("D5", "Wildcard for the left-most label")
def wildcard(ground: Ground) -> Terminate:
    """Served: a trusted certificate with the pinned key for ``*.acme.test``.

    Correct client: accepts: the wildcard stands for the whole left-most label (RFC 9525
    section 6.3).

    Why it goes wrong: a client that compares names as text locks its users out.

    On the wire: the handshake is finished and the request is read by the responder.
    """
    return terminate(pinned(ground, Leaf((f"*.{DOMAIN}",))))


@defect("D5", "Wildcard for two labels", ErrorKind.NAME, host=REGIONAL)
def wildcard_for_two_labels(ground: Ground) -> Terminate:
    """Served: a trusted certificate with the pinned key for ``*.acme.test`` to a client that
    asked for ``eu.api.acme.test``.

    Correct client: refuses the name: a wildcard stands for exactly one label.

    Why it goes wrong: a pattern whose asterisk also matches dots lets the holder of a wildcard
    certificate stand in for every name below.

    On the wire: no application data, or an alert.
    """
    return terminate(pinned(ground, Leaf((f"*.{DOMAIN}",))))


@defect("D5", "Wildcard for no label", ErrorKind.NAME)
def wildcard_for_no_label(ground: Ground) -> Terminate:
    """Served: a trusted certificate with the pinned key for ``*.api.acme.test`` to a client that
    asked for ``api.acme.test``.

    Correct client: refuses the name.

    Why it goes wrong: patterns in which the asterisk may stand for nothing, and rules of
    thumb that drop the ``*.`` and compare the end, accept it.

    On the wire: no application data, or an alert.
    """
    return terminate(pinned(ground, Leaf((f"*.{ground.host}",))))


@defect("D5", "Wildcard inside a label", ErrorKind.NAME)
def wildcard_inside_a_label(ground: Ground) -> Terminate:
    """Served: a trusted certificate with the pinned key for ``ap*.acme.test``.

    Correct client: refuses the name: the wildcard must be the whole label (RFC 9525
    section 6.3); OkHttp never took another.

    Why it goes wrong: RFC 2818 allowed ``f*.com``, so old matchers do.

    On the wire: no application data, or an alert.
    """
    return terminate(pinned(ground, Leaf((f"ap*.{DOMAIN}",))))


@defect("D5", "Wildcard in the second label", ErrorKind.NAME, host=REGIONAL)
def wildcard_in_the_second_label(ground: Ground) -> Terminate:
    """Served: a trusted certificate with the pinned key for ``eu.*.acme.test`` to a client that
    asked for ``eu.api.acme.test``.

    Correct client: refuses the name: only the left-most label may be a wildcard.

    Why it goes wrong: matchers that go label by label let each of them be one.

    On the wire: no application data, or an alert.
    """
    return terminate(pinned(ground, Leaf((f"eu.*.{DOMAIN}",))))


@defect("D5", "Two wildcards", ErrorKind.NAME, host=REGIONAL)
def two_wildcards(ground: Ground) -> Terminate:
    """Served: a trusted certificate with the pinned key for ``*.*.acme.test`` to a client that
    asked for ``eu.api.acme.test``.

    Correct client: refuses the name.

    Why it goes wrong: as with a wildcard in the second label.

    On the wire: no application data, or an alert.
    """
    return terminate(pinned(ground, Leaf((f"*.*.{DOMAIN}",))))


@entry(
    "D5",
    "Wildcard, another key",
    adversaries=COMPROMISED,
    expect=refuse(ErrorKind.PIN),
    versions=TLS13_ONLY,
)
def wildcard_other_key(ground: Ground) -> Terminate:
    """Served: a certificate for ``*.acme.test`` with the attacker's key, from a CA in the system
    store.

    Correct client: refuses it, because no pin matches: the name is right.

    Why it goes wrong: pins that are looked up by the certificate's name instead of the host's
    are not found for a wildcard, and no pins found is taken for no pins set.

    On the wire: typically no application data after a finished handshake.
    """
    return terminate(ground.pki.compromised.issue(Leaf((f"*.{DOMAIN}",))))


@oddity("D7", "International name in A-labels", host=IDN)
def international_name(ground: Ground) -> Terminate:
    """Served: the genuine certificate of ``bücher.acme.test``, its name written
    ``xn--bcher-kva.acme.test``.

    Correct client: accepts: names are compared as A-labels (RFC 9525 section 6.3).

    Why it goes wrong: a client that shows names in Unicode compares them in Unicode, too.

    On the wire: the handshake is finished and the request is read by the responder.
    """
    return terminate(ground.pki.genuine(ground.host))


@defect("D7", "International name in U-labels", *(ErrorKind.NAME, ErrorKind.CHAIN), host=IDN)
def international_name_in_unicode(ground: Ground) -> Terminate:
    """Served: a trusted certificate with the pinned key whose dNSName is ``bücher.acme.test`` in
    UTF-8, to a client that asked for ``xn--bcher-kva.acme.test``.

    Correct client: refuses the name, or the certificate as malformed: a dNSName is ASCII
    (RFC 5280 section 7.2).

    Why it goes wrong: a client that converts what it finds accepts names that no CA could check,
    and different Unicode forms of one name at that.

    On the wire: no application data, or an alert.
    """
    leaf = Leaf((), extensions=((raw_dns_names(U_LABELS.encode()), True),))
    return terminate(pinned(ground, leaf))


@defect("D7", "A name that looks like the host's", ErrorKind.NAME)
def homograph(ground: Ground) -> Terminate:
    """Served: a trusted certificate with the pinned key for ``xn--pi-6kc.acme.test``, which is
    shown as the host's name, its first letter the Cyrillic one.

    Correct client: refuses the name: it is another one, whatever it looks like.

    Why it goes wrong: comparing what is shown, or "normalised" names, instead of the A-labels
    (Zheng, 2017: ``xn--80ak6aa92e.com`` shown as apple.com).

    On the wire: no application data, or an alert.
    """
    return terminate(pinned(ground, Leaf((HOMOGRAPH,))))


@oddity("D9", "A thousand names")
def thousand_names(ground: Ground) -> Terminate:
    """Served: a trusted certificate with the pinned key and 1,000 dNSNames, the host last.

    Correct client: accepts, and as fast as ever.

    Why it goes wrong: a client that looks at the first names only, or caps their number, breaks
    on the shared certificates of large hosters.

    On the wire: the handshake is finished and the request is read by the responder.
    """
    return terminate(pinned(ground, Leaf((*_others(MANY - 1), ground.host))))


@oddity("D9", "Five thousand names")
def five_thousand_names(ground: Ground) -> Terminate:
    """Served: a trusted certificate with the pinned key and 5,000 short dNSNames, the host in
    their midst: as long as TLS stacks let a certificate message be.

    Correct client: accepts in bounded time and memory.

    Why it goes wrong: comparing every name with every name constraint, or building text of all
    names for a log, takes seconds on a phone.

    On the wire: the handshake is finished and the request is read by the responder.
    """
    half = MOST // 2
    names = _others(MOST - 1)
    return terminate(pinned(ground, Leaf((*names[:half], ground.host, *names[half:]))))


@defect("D9", "A thousand names of others", ErrorKind.NAME)
def thousand_other_names(ground: Ground) -> Terminate:
    """Served: a trusted certificate with the pinned key and 1,000 dNSNames, none of them the
    host's.

    Correct client: refuses the name.

    Why it goes wrong: a client that gives up comparing after some names must not take that for
    a match.

    On the wire: no application data, or an alert.
    """
    return terminate(pinned(ground, Leaf((*_others(MANY - 1), EVIL))))


def _others(count: int) -> tuple[str, ...]:
    return tuple(f"{number:x}.{DOMAIN}" for number in range(count))
