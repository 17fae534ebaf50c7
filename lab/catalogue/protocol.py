"""Chapter G: what is agreed on. Versions, suites, groups, and attempts to lower them.

Chain, name and key are the genuine ones throughout, so that the pins hold and nothing but the
handshake can be refused: an attacker who can break an old version or a weak suite reads along
behind the best of pins. The server insists: it chooses the weak thing whether the client has
offered it or not, and the client has to notice.
"""

from __future__ import annotations

from dataclasses import replace

from lab.catalogue.anomalous import ONLY_12, genuine, handshake_entry
from lab.catalogue.ground import Ground
from lab.catalogue.hosts import of_type
from lab.catalogue.make import terminate
from lab.model.anomaly import Anomaly
from lab.model.attack import Need, accept, refuse
from lab.model.outcome import ErrorKind
from lab.model.serving import Terminate
from lab.pki.keys import KeyType

MODERN = (Need.MODERN_TLS,)
FAILED = refuse(ErrorKind.TLS, ErrorKind.NETWORK)


@handshake_entry("G1", "SSL 3.0 only", versions=ONLY_12)
def ssl3_only(ground: Ground) -> Terminate:
    """Served: a server that answers every ClientHello in SSL 3.0.

    Correct client: ends the handshake; SSL 3.0 must not be used (RFC 7568).

    Why it goes wrong: an old library, or a minimum version that was lowered for one old server
    and never raised again. SSL 3.0 gives away what it encrypts byte by byte (POODLE,
    CVE-2014-3566).

    On the wire: the client's alert (protocol_version), or an end without one.
    """
    return genuine(ground, Anomaly.SSL3)


@handshake_entry("G1", "TLS 1.0 only", versions=ONLY_12, needs=MODERN)
def tls10_only(ground: Ground) -> Terminate:
    """Served: a server that answers every ClientHello in TLS 1.0.

    Correct client: ends the handshake; TLS 1.0 must not be used (RFC 8996).

    Why it goes wrong: the platform's default is left as it was (Android before 10 still speaks
    it), or a compatibility list of the HTTP client, such as OkHttp's COMPATIBLE_TLS, is chosen.
    TLS 1.0 has BEAST (CVE-2011-3389) and signs with MD5 and SHA-1.

    On the wire: the client's alert (protocol_version), or an end without one.
    """
    return genuine(ground, Anomaly.TLS10)


@handshake_entry("G1", "TLS 1.1 only", versions=ONLY_12, needs=MODERN)
def tls11_only(ground: Ground) -> Terminate:
    """Served: a server that answers every ClientHello in TLS 1.1.

    Correct client: ends the handshake; TLS 1.1 must not be used (RFC 8996).

    Why it goes wrong: as with TLS 1.0; a client that was told "not 1.0" is often told no more.

    On the wire: the client's alert (protocol_version), or an end without one.
    """
    return genuine(ground, Anomaly.TLS11)


@handshake_entry("G3", "No encryption", versions=ONLY_12)
def null_suite(ground: Ground) -> Terminate:
    """Served: TLS 1.2 with a suite that signs but does not encrypt
    (TLS_ECDHE_ECDSA_WITH_NULL_SHA).

    Correct client: ends the handshake (RFC 9325 section 4.1).

    Why it goes wrong: a list of suites such as ALL:COMPLEMENTOFALL or eNULL, left over from
    looking at traffic during development. Everything that follows can be read by whoever listens.

    On the wire: the client's alert (illegal_parameter or handshake_failure), or an end without
    one.
    """
    return genuine(ground, Anomaly.NULL_SUITE)


@handshake_entry("G3", "RC4", versions=ONLY_12)
def rc4_suite(ground: Ground) -> Terminate:
    """Served: TLS 1.2 with RC4 (TLS_ECDHE_ECDSA_WITH_RC4_128_SHA).

    Correct client: ends the handshake; RC4 must not be used (RFC 7465).

    Why it goes wrong: a suite list from the time when RC4 was the advice against BEAST. Cookies
    can be recovered from many encryptions (AlFardan et al., USENIX Security 2013).

    On the wire: the client's alert (illegal_parameter or handshake_failure), or an end without
    one.
    """
    return genuine(ground, Anomaly.RC4_SUITE)


@handshake_entry("G3", "3DES", versions=ONLY_12)
def triple_des_suite(ground: Ground) -> Terminate:
    """Served: TLS 1.2 with 3DES (TLS_ECDHE_ECDSA_WITH_3DES_EDE_CBC_SHA).

    Correct client: ends the handshake: blocks of 64 bits are too short.

    Why it goes wrong: 3DES was mandatory in TLS 1.0 and stayed in suite lists. Long connections
    give their cookies away (Sweet32, CVE-2016-2183).

    On the wire: the client's alert (illegal_parameter or handshake_failure), or an end without
    one.
    """
    return genuine(ground, Anomaly.TRIPLE_DES_SUITE)


@handshake_entry(
    "G3", "What the client offers", expect=accept(), versions=ONLY_12, needs=[Need.MODERN_HELLO]
)
def nothing_weak_offered(ground: Ground) -> Terminate:
    """Served: the genuine chain, by a server that does everything right and reads what the
    client offers.

    Correct client: connects, and offers no version below TLS 1.2, no suite that is anonymous, of
    export grade, without encryption, with DES, 3DES or RC4, and no compression.

    Why it goes wrong: what is offered is what an attacker on the way, or a neglected server, can
    choose. No modern server does, so nobody notices: export suites were on offer for fifteen
    years after they were of any use (FREAK, CVE-2015-0204; Logjam, CVE-2015-4000); compression
    gives cookies away by their length (CRIME, CVE-2012-4929).

    On the wire: the request, as it should be; the finding is in the ClientHello.
    """
    return genuine(ground, Anomaly.READS_HELLO)


@handshake_entry("G12", "A suite that was not offered")
def suite_not_offered(ground: Ground) -> Terminate:
    """Served: a good suite (AES-128-CCM) that is not among those that the client offered.

    Correct client: ends the handshake (RFC 8446 section 4.1.3: illegal_parameter).

    Why it goes wrong: a library that looks the suite up among those that it knows, not among
    those that it was allowed to offer: then every suite that it has code for can be forced on it.

    On the wire: the client's alert (illegal_parameter), or an end without one.
    """
    return genuine(ground, Anomaly.UNOFFERED_SUITE)


@handshake_entry("G4", "A weak curve", versions=ONLY_12)
def weak_curve(ground: Ground) -> Terminate:
    """Served: TLS 1.2, its key exchange on the curve secp192r1, which was not offered.

    Correct client: ends the handshake: the group must be one of those that it offered
    (RFC 8422 section 5.4).

    Why it goes wrong: a library that takes the curve from the server's message. Whoever solves
    the discrete logarithm on the weakest curve that it knows reads everything (CurveSwap,
    Valenta et al., EuroS&P 2018).

    On the wire: the client's alert (illegal_parameter or handshake_failure), or an end without
    one.
    """
    return genuine(ground, Anomaly.WEAK_CURVE)


@handshake_entry("G5", "The mark of a downgrade", versions=ONLY_12)
def downgrade_mark(ground: Ground) -> Terminate:
    """Served: an answer in TLS 1.2 to a client that offers TLS 1.3, with the mark in the server's
    random by which a server that speaks 1.3 says that it would have (DOWNGRD and 01).

    Correct client: ends the handshake: somebody on the way has taken TLS 1.3 out of its hello
    (RFC 8446 section 4.1.3: illegal_parameter).

    Why it goes wrong: a library without this check, or one where it was switched off for a
    middlebox that copies randoms. What protects TLS 1.3 can then be had by attacking TLS 1.2.

    On the wire: the client's alert (illegal_parameter), or an end without one.
    """
    return genuine(ground, Anomaly.SENTINEL)


@handshake_entry("G5", "Lowered by alerts", expect=FAILED, versions=ONLY_12)
def lowered_by_alerts(ground: Ground) -> Terminate:
    """Served: the alert handshake_failure for every ClientHello that offers TLS 1.2 or 1.3; the
    genuine chain, in TLS 1.1 or 1.0, for one that does not.

    Correct client: fails. It may try again, but never with a lower version.

    Why it goes wrong: the fallback dance: clients tried again one version lower, so as to reach
    servers that choke on new hellos; whoever can break a connection could lower it so (POODLE,
    CVE-2014-3566; nogotofail plays it). OkHttp's list of connection specs is such a ladder.

    On the wire: the server's alert on each hello, and no hello below TLS 1.2.
    """
    return genuine(ground, Anomaly.ALERTS_MODERN)


@handshake_entry("G5", "Lowered by hanging up", expect=FAILED, versions=ONLY_12)
def lowered_by_hanging_up(ground: Ground) -> Terminate:
    """Served: an end without a word for every ClientHello that offers TLS 1.2 or 1.3; the genuine
    chain, in TLS 1.1 or 1.0, for one that does not.

    Correct client: fails. It may try again, but never with a lower version.

    Why it goes wrong: as with alerts; some clients fall back only where a server hangs up, which
    is what a firewall in the way does.

    On the wire: a hello and the end of the connection, and no hello below TLS 1.2.
    """
    return genuine(ground, Anomaly.DROPS_MODERN)


def _with_rsa(ground: Ground, anomaly: Anomaly) -> Terminate:
    credential = of_type(ground.pki, ground.host, KeyType.RSA2048)
    return replace(terminate(credential), anomaly=anomaly)


@handshake_entry("G4", "A group of 512 bits", versions=ONLY_12, configuration="key_types")
def group_of_512_bits(ground: Ground) -> Terminate:
    """Served: TLS 1.2, its key exchange in a Diffie-Hellman group of 512 bits
    (TLS_DHE_RSA_WITH_AES_128_GCM_SHA256), signed with the owner's RSA key.

    Correct client: ends the handshake; better still, it offers no finite-field Diffie-Hellman
    (RFC 9325 section 4.1).

    Why it goes wrong: the group comes from the server, and few libraries used to measure it. A
    group of 512 bits was broken in a minute once the work for its prime was done (Logjam,
    CVE-2015-4000).

    On the wire: the client's alert (illegal_parameter, handshake_failure or
    insufficient_security), or an end without one.
    """
    return _with_rsa(ground, Anomaly.DH512)


@handshake_entry("G4", "A group of 1024 bits", versions=ONLY_12, configuration="key_types")
def group_of_1024_bits(ground: Ground) -> Terminate:
    """Served: TLS 1.2, its key exchange in the Diffie-Hellman group of 1024 bits that half the
    world once shared (group 2 of RFC 2409), signed with the owner's RSA key.

    Correct client: ends the handshake: less than 2048 bits must not be used (RFC 9325 section
    4.1).

    Why it goes wrong: after Logjam the limit was put at 1024 bits or below, so as to lose no
    server (Java 7 could do no more), and stayed there.

    On the wire: the client's alert (illegal_parameter, handshake_failure or
    insufficient_security), or an end without one.
    """
    return _with_rsa(ground, Anomaly.DH1024)


@handshake_entry("G4", "An export key", versions=ONLY_12, configuration="key_types")
def export_key_sent(ground: Ground) -> Terminate:
    """Served: a suite in which the client encrypts a secret for the key in the certificate
    (TLS_RSA_WITH_AES_128_GCM_SHA256), and then, signed by that key, another RSA key of 512 bits to
    be used in its place, as export suites had it.

    Correct client: ends the handshake (unexpected_message): there is no such message with this
    suite.

    Why it goes wrong: the code for export suites was still there, and nobody asked whether one
    had been chosen (FREAK, CVE-2015-0204: OpenSSL, Secure Transport, Schannel; Android's browser
    and many apps). A key of 512 bits can be factored overnight.

    On the wire: the client's alert (unexpected_message), or an end without one.
    """
    return _with_rsa(ground, Anomaly.EXPORT_KEY)
