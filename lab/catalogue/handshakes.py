"""Chapter B, continued: possession. The genuine, pinned certificates are shown by somebody who
cannot prove that their key is his. Anybody can show them: they are public.

Pins compare certificates; that the server holds the key is shown by its signature over the
handshake and by its Finished message, and by nothing else. A client that does not check these has
pinned a public document.
"""

from __future__ import annotations

from lab.catalogue.anomalous import ONLY_12, ONLY_13, genuine, handshake_entry
from lab.catalogue.attackers import ROGUE, ROGUE_ON_BOTH_ROUTES
from lab.catalogue.ground import Ground
from lab.model.anomaly import Anomaly
from lab.model.serving import Terminate


@handshake_entry("B10", "No certificate at all", adversaries=ROGUE, versions=ONLY_12)
def anonymous_server(ground: Ground) -> Terminate:
    """Served: TLS 1.2 with an anonymous suite (TLS_ECDH_anon_WITH_AES_128_CBC_SHA), whether the
    client offers it or not. No certificate is shown, so there is nothing to compare with a pin.

    Correct client: does not offer anonymous suites, and ends the handshake where one is chosen.
    To be mended in the list of suites: no aNULL, no ADH, no AECDH.

    Why it goes wrong: a list of suites such as ALL, copied from a forum, has the anonymous ones
    in it; a pin check that runs over the certificates shown has none to run over, and passes
    (nogotofail looks for it).

    On the wire: no Certificate message; the client's alert (illegal_parameter or
    handshake_failure), or an end without one. Application data is the finding.
    """
    return genuine(ground, Anomaly.ANONYMOUS)


@handshake_entry("B11", "Signed with another key", adversaries=ROGUE_ON_BOTH_ROUTES)
def key_not_possessed(ground: Ground) -> Terminate:
    """Served: the genuine chain, and a handshake that is signed with the attacker's own key: in
    ServerKeyExchange (TLS 1.2) or CertificateVerify (TLS 1.3).

    Correct client: verifies the signature with the key of the leaf and ends the handshake
    (RFC 5246 section 7.4.3, RFC 8446 section 4.4.3).

    Why it goes wrong: every pin matches, so whoever believes that pins authenticate a server
    stops there. iOS and macOS skipped this check after a doubled line (goto fail, CVE-2014-1266).

    On the wire: the client's alert (decrypt_error), or an end without one. A finished handshake
    already means that the signature was not looked at.
    """
    return genuine(ground, Anomaly.OTHER_KEY)


@handshake_entry("B11", "Signature damaged", adversaries=ROGUE)
def signature_damaged(ground: Ground) -> Terminate:
    """Served: the genuine chain and a signature made with the genuine key, of which the last bit
    is flipped.

    Correct client: ends the handshake: a signature is right or it is none.

    Why it goes wrong: a verifier that looks at the form of a signature, or at the answer of its
    library in the wrong way (a return value of -1 taken for true: OpenSSL CVE-2008-5077), accepts
    whatever looks like one.

    On the wire: the client's alert (decrypt_error), or an end without one.
    """
    return genuine(ground, Anomaly.BAD_SIGNATURE)


@handshake_entry("B11", "CertificateVerify left out", adversaries=ROGUE, versions=ONLY_13)
def signature_left_out(ground: Ground) -> Terminate:
    """Served: the genuine chain in TLS 1.3, then at once the Finished message: the message that
    proves possession of the key does not come.

    Correct client: ends the handshake: CertificateVerify must follow Certificate (RFC 8446
    section 4.4.3).

    Why it goes wrong: state machines that take the messages as they come, each of them optional
    (SMACK, Beurdouche et al., IEEE S&P 2015). wolfSSL's TLS 1.3 clients could be led past the
    server's proof (CVE-2020-24613).

    On the wire: the client's alert (unexpected_message), or an end without one.
    """
    return genuine(ground, Anomaly.NO_SIGNATURE)


@handshake_entry("B11", "Finished damaged", adversaries=ROGUE)
def finished_damaged(ground: Ground) -> Terminate:
    """Served: the genuine chain, properly signed, and a Finished message of which one bit is
    flipped.

    Correct client: ends the handshake: a Finished that does not verify means that the two sides
    have not seen the same handshake, so somebody may have changed it on the way (RFC 8446
    section 4.4.4).

    Why it goes wrong: nothing else breaks without this check, so no test but this one notices
    that it is missing. Java took a Finished for the end of a handshake that had hardly begun
    (SKIP-TLS, CVE-2014-6593).

    On the wire: the client's alert (decrypt_error), or an end without one. Under TLS 1.2 the server
    has finished by then: handshake finished, no application data.
    """
    return genuine(ground, Anomaly.BAD_FINISHED)
