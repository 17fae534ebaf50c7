"""Chapter F, continued: what a certificate says that it is for, and odd things that it says."""

from __future__ import annotations

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID

from lab.catalogue.ground import Ground
from lab.catalogue.make import defect, oddity, pinned, terminate
from lab.model.attack import Need
from lab.model.outcome import ErrorKind
from lab.model.serving import Terminate
from lab.pki.authority import Leaf
from lab.pki.surgery import resigned

UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.55555.7"), b"\x05\x00")
"""An extension that nobody knows, below a private enterprise number."""
NO_USAGE = x509.UnrecognizedExtension(ExtensionOID.EXTENDED_KEY_USAGE, b"\x30\x00")
LONG_SERIAL = 1 << 200
"""26 octets, where RFC 5280 allows 20."""

_CODE = (ExtendedKeyUsageOID.CODE_SIGNING,)


@defect("F4", "Certificate for signing code", ErrorKind.CHAIN)
def for_code_signing(ground: Ground) -> Terminate:
    """Served: the pinned key in a trusted certificate whose extendedKeyUsage is codeSigning alone.

    Correct client: refuses the chain: the certificate is not for servers (RFC 5280
    section 4.2.1.12).

    Why it goes wrong: CAs check less who a code signer's server is; a validator without the
    extension makes such certificates good for both.

    On the wire: an alert (unsupported_certificate), or no application data.
    """
    return terminate(pinned(ground, Leaf((ground.host,), usages=_CODE)))


@defect("F4", "Certificate for signing code, critical", ErrorKind.CHAIN)
def for_code_signing_critical(ground: Ground) -> Terminate:
    """Served: the same with the extendedKeyUsage marked critical.

    Correct client: refuses the chain.

    Why it goes wrong: critical extensions are ticked off by their names, unread.

    On the wire: an alert (unsupported_certificate), or no application data.
    """
    usage = x509.ExtendedKeyUsage(_CODE)
    return terminate(pinned(ground, Leaf((ground.host,), extensions=((usage, True),))))


@defect("F4", "Certificate for nothing", ErrorKind.CHAIN)
def for_nothing(ground: Ground) -> Terminate:
    """Served: the pinned key in a trusted certificate with an empty list of extended key usages.

    Correct client: refuses the chain, or the certificate as malformed: serverAuth is not in the
    list.

    Why it goes wrong: an empty list is taken for a missing one, which allows everything.

    On the wire: an alert (unsupported_certificate), or no application data.
    """
    return terminate(pinned(ground, Leaf((ground.host,), extensions=((NO_USAGE, False),))))


@oddity("F4", "Certificate without extended key usages", needs=[Need.PLAIN_X509])
def for_whatever(ground: Ground) -> Terminate:
    """Served: the pinned key in a trusted certificate that has no extendedKeyUsage.

    Correct client: accepts: without the extension there is no limit.

    Why it goes wrong: a client that insists on serverAuth breaks on companies' own CAs.

    On the wire: the handshake is finished and the request is read by the responder.
    """
    return terminate(pinned(ground, Leaf((ground.host,), usages=None)))


@oddity("F4", "Certificate for any usage", needs=[Need.ANDROID_RULES])
def for_any_usage(ground: Ground) -> Terminate:
    """Served: the pinned key in a trusted certificate whose extendedKeyUsage is
    anyExtendedKeyUsage alone.

    Correct client: accepts, on Android (Conscrypt, TrustManagerImpl). RFC 5280 leaves it to the
    application; other platforms want serverAuth.

    Why it goes wrong: a TLS stack of the app's own is stricter than the phone.

    On the wire: the handshake is finished and the request is read by the responder.
    """
    usages = (ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,)
    return terminate(pinned(ground, Leaf((ground.host,), usages=usages)))


@defect("F5", "Unknown critical extension", ErrorKind.CHAIN)
def unknown_critical_extension(ground: Ground) -> Terminate:
    """Served: the pinned key in a trusted certificate with a critical extension that nobody knows.

    Correct client: refuses the chain: it cannot know what the certificate is limited to
    (RFC 5280 section 4.2).

    Why it goes wrong: extensions are looked up by those one needs, and nobody asks what is left.

    On the wire: an alert, or no application data.
    """
    return terminate(pinned(ground, Leaf((ground.host,), extensions=((UNKNOWN, True),))))


@defect("F5", "Unknown critical extension of the intermediate", ErrorKind.CHAIN)
def unknown_critical_extension_above(ground: Ground) -> Terminate:
    """Served: the pinned key in a leaf below a CA with a critical extension that nobody knows.

    Correct client: refuses the chain.

    Why it goes wrong: critical extensions are checked for the leaf alone, where a limit of the
    CA's is the one that matters.

    On the wire: an alert, or no application data.
    """
    authority = ground.pki.public_root.subordinate("Strange CA", extensions=[(UNKNOWN, True)])
    return terminate(pinned(ground, below=authority))


@oddity("F5", "Unknown extension that is not critical")
def unknown_extension(ground: Ground) -> Terminate:
    """Served: the pinned key in a trusted certificate with an extension that nobody knows and that
    is not critical.

    Correct client: accepts: it may be ignored (RFC 5280 section 4.2).

    Why it goes wrong: a client with a list of extensions that it allows breaks as soon as CAs
    add one, as they did for Certificate Transparency.

    On the wire: the handshake is finished and the request is read by the responder.
    """
    return terminate(pinned(ground, Leaf((ground.host,), extensions=((UNKNOWN, False),))))


@oddity("F11", "Over-long serial number", needs=[Need.ANDROID_RULES])
def long_serial(ground: Ground) -> Terminate:
    """Served: the pinned key in a trusted certificate whose serial number has 26 octets; RFC 5280
    section 4.1.2.2 allows 20.

    Correct client: accepts, on Android, where the number's length is nobody's concern. It must
    not crash anywhere.

    Why it goes wrong: serial numbers in integers or buffers of a fixed size overflow.

    On the wire: the handshake is finished and the request is read by the responder.
    """
    made = pinned(ground)
    odd = resigned(made.certificate, ground.pki.intermediate.key, serial=LONG_SERIAL)
    return terminate(made.with_chain(odd, *made.issuers))


@oddity("F11", "CA certificate as the server's own", needs=[Need.ANDROID_RULES])
def ca_as_leaf(ground: Ground) -> Terminate:
    """Served: the pinned key in a trusted certificate for the host that is a CA's as well.

    Correct client: accepts, on Android: RFC 5280 does not forbid it. Mozilla's library does.

    Why it goes wrong: routers and test servers use such certificates; a stack of the app's own
    is stricter than the phone.

    On the wire: the handshake is finished and the request is read by the responder.
    """
    return terminate(pinned(ground, Leaf((ground.host,), authority=True)))
