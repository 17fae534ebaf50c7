"""What the catalogue leaves out, and why: rows of the reference that a network lab cannot show, and
variants about which nobody has laid down what a correct client does.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A row, or a variant of one, that has no entry."""

    id: str
    """Of the row."""
    what: str
    why: str


LEFT_OUT: tuple[LeftOut, ...] = (
    # B: who signed. C: pins.
    LeftOut(
        "B12",
        "A CA that only the debug configuration of the app trusts",
        "Such a CA is built into the app, and the lab's are made anew for each run. What "
        "Android's debug overrides usually add is the user's store, without pins for it: to the "
        "release build that is B5, CA in the user store, and a wrong client of this kind is "
        "caught there. A debug build that accepts would prove nothing about the release.",
    ),
    LeftOut(
        "C14",
        "The genuine chain for a host name with a final dot",
        "No document says whether the SDK takes it for the registered host, so that neither "
        "answer could be wrong. Where it is attacked, letting it through is.",
    ),
    # D: names.
    LeftOut(
        "D5",
        "Wildcards right below a top-level domain or a public suffix (`*.test` for `acme.test`)",
        "The lab's authorities can vouch for `acme.test` and what is below it only, so such a "
        "certificate would be refused for its name constraints before its name is looked at. "
        "OkHttp has no list of public suffixes either.",
    ),
    LeftOut(
        "D6",
        "URLs with an IP address in the host's place",
        "TrustPin registers domain names; what it does about addresses is not documented. The "
        "lab intercepts names: a device that dials an address without a look-up tells nobody "
        "which host it means. How the phone compares addresses is covered by the lab's tests.",
    ),
    LeftOut(
        "D9",
        "10,000 names",
        "The certificate message would be longer than 100 KB, where BoringSSL and OpenSSL end the "
        "handshake before anybody sees a certificate: neither client nor control could differ. "
        "5,000 names are the most that fit.",
    ),
    # E: time.
    LeftOut(
        "E3",
        "Expired roots on platforms other than Android",
        "Left to the platform (RFC 5280 section 6.1.1): Android goes on trusting them, OpenSSL "
        "and Apple do not.",
    ),
    LeftOut(
        "E4",
        "The very second of notBefore and notAfter, and fractions of it",
        "A scenario takes a second or two on a clock that goes on, so it keeps a minute's "
        "distance. The second itself is in the lab's tests of the phone.",
    ),
    LeftOut(
        "E5",
        "Revocation by CRL or OCSP; must-staple without a staple",
        "Android does not look at revocation when it validates a server (Conscrypt calls "
        "`setRevocationEnabled(false)`), and the SDK's documents do not mention it: nothing that "
        "an app does could be wrong. Short lifetimes and removed pins are what remains.",
    ),
    # F: chain mechanics.
    LeftOut(
        "F6",
        "Completing a chain from the issuer's address in the leaf (AIA)",
        "Android does not fetch issuers. The incomplete chain names no address, so that refusing "
        "it is right everywhere.",
    ),
    LeftOut(
        "F8",
        "MD2 and MD4",
        "The rule is MD5's; the library that the lab makes certificates with has neither.",
    ),
    LeftOut(
        "F9",
        "RSA keys of 1,024 bits",
        "Android takes them (Conscrypt's ChainStrengthAnalyzer refuses less than 1,024), iOS has "
        "not since version 13: an app can do nothing about either.",
    ),
    LeftOut(
        "F9",
        "DSA keys",
        "No TLS 1.3 suite can use one in a leaf, and of those in an issuer Android's documents "
        "and code say different things.",
    ),
    LeftOut(
        "F9",
        "A leaf with a weak RSA key",
        "The pinned key itself would be the weak one, which is the owner's doing and not the "
        "network's; and the control clients of today refuse to finish such a handshake, so "
        "nothing would show that the attack has teeth.",
    ),
    LeftOut(
        "F11",
        "Serial numbers that are zero or negative",
        "RFC 5280 section 4.1.2.2 asks clients to handle them gracefully and says no more. The "
        "library that the lab reads certificates with has announced to refuse them.",
    ),
    LeftOut(
        "F11",
        "Key identifiers that do not fit",
        "Android ignores them, OpenSSL takes them for a part of the issuer's name, and the virtual "
        "phone builds its paths with OpenSSL: it would not show what Android does.",
    ),
    LeftOut(
        "F12",
        "More than a million comparisons of names with constraints",
        "OpenSSL refuses, others count on: any verdict is right that comes in time. What is just "
        "below is in the catalogue.",
    ),
    LeftOut(
        "F13",
        "Certificate Transparency: no SCTs, or invalid ones",
        "Only logs that the platform knows can issue SCTs that it believes, and a lab has none. "
        "Android asks for them from version 16 on, where the app says so.",
    ),
    # G: the handshake. What is served instead is said in the chapters on it.
    LeftOut(
        "G1",
        "SSL 2.0",
        "No client of today can even read its hello, and no library on the lab's side writes it. "
        "SSL 3.0 stands for what should be long gone.",
    ),
    LeftOut(
        "G2",
        "The attack under TLS 1.2 alone and under TLS 1.3 alone",
        "It is no attack of its own: the adversary never speaks both. Entries that name both "
        "versions are tried under each, one scenario after the other.",
    ),
    LeftOut(
        "G3",
        "A connection under an export suite, or under one with DES",
        "Nobody's library can finish such a handshake any more. Whether a client offers these "
        "suites is read from its hello, and the short key of FREAK is sent to it.",
    ),
    LeftOut(
        "G4",
        "Composite and small-subgroup Diffie-Hellman, 480 bits, RSA key exchange",
        "A client cannot be asked to prove that a prime is one in every handshake; groups that "
        "are too short stand for them. RSA key exchange is deprecated, not broken: Android "
        "offers it.",
    ),
    LeftOut(
        "G6",
        "Padding oracles; a Heartbleed request after the handshake",
        "An oracle is in a server, which is asked; what a client would tell takes thousands of "
        "connections that it makes itself. In the handshake a heartbeat request comes before any "
        "pin is looked at, which is the worse case.",
    ),
    LeftOut(
        "G11",
        "The attacker's certificate over QUIC",
        "The lab's networks carry no QUIC. An alternative service over TCP is offered along with "
        "one over QUIC, and the network counts what comes to UDP ports where it sees them.",
    ),
    LeftOut(
        "G12",
        "Encrypted ClientHello; a server that picks its certificate by another name",
        "No client here can do the first without keys in DNS over HTTPS. The second is D1, a "
        "certificate for another host.",
    ),
    LeftOut(
        "G14",
        "Half-open connections; a TCP reset in place of an end",
        "How long a client waits is its own affair, and waiting for it is no proof: H4's black "
        "holes show that it fails cleanly. To the client, a reset in mid-handshake and an end "
        "there come to the same.",
    ),
    LeftOut(
        "G15",
        "DTLS, STARTTLS",
        "The apps under test speak HTTPS.",
    ),
    LeftOut(
        "H5",
        "Every network stack of the app",
        "Which stacks an app has, and how each is made to ask for a host, only its owner knows: "
        "one entry in devices.yaml, with a page of its own, for each of them. The sample app has "
        "one stack.",
    ),
    LeftOut(
        "H6",
        "Traffic off the route",
        "It is judged in every scenario: an app that succeeds while the route shows nothing is "
        "INCONCLUSIVE, never PASS. On a network that the lab owns the other ways are closed and "
        "counted, and IPv6 is its own; a phone's mobile data is for its owner to switch off.",
    ),
    LeftOut(
        "H7",
        "In-process bypass",
        "It is about resilience and not about pins, takes instrumentation of the app, and no "
        "network shows it.",
    ),
    LeftOut(
        "H8",
        "Script injected into a WebView",
        "It takes an app that loads pages in clear; that it sends anything in clear is a FAIL "
        "already (H1).",
    ),
)
"""In the order of the rows."""
