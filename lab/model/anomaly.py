"""What an adversary can do wrong in a handshake, or with the bytes that carry it."""

from __future__ import annotations

from enum import StrEnum


class Anomaly(StrEnum):
    """One departure from the rules of TLS, or from what a server usually does.

    The value says what the adversary did, in words that go on from "The adversary ...". It is in
    a connection's record only where it really went out on that connection.
    """

    SSL3 = "answered in SSL 3.0"
    TLS10 = "answered in TLS 1.0"
    TLS11 = "answered in TLS 1.1"
    """As a server that knows nothing newer: whatever the client offers."""
    NULL_SUITE = "chose a suite without encryption (TLS_ECDHE_ECDSA_WITH_NULL_SHA)"
    RC4_SUITE = "chose a suite with RC4 (TLS_ECDHE_ECDSA_WITH_RC4_128_SHA)"
    TRIPLE_DES_SUITE = "chose a suite with 3DES (TLS_ECDHE_ECDSA_WITH_3DES_EDE_CBC_SHA)"
    ANONYMOUS = (
        "chose an anonymous suite (TLS_ECDH_anon_WITH_AES_128_CBC_SHA) and showed no certificate"
    )
    UNOFFERED_SUITE = "chose a suite that was not offered"
    WEAK_CURVE = "did its key exchange on secp192r1"
    DH512 = "did its key exchange in a Diffie-Hellman group of 512 bits"
    DH1024 = "did its key exchange in a Diffie-Hellman group of 1024 bits"
    EXPORT_KEY = "sent an RSA export key of 512 bits to replace the certificate's"
    SENTINEL = "answered in TLS 1.2 with the mark of a downgrade (DOWNGRD) in its random"
    ALERTS_MODERN = "answered a hello newer than TLS 1.1 with the alert handshake_failure"
    DROPS_MODERN = "hung up on a hello newer than TLS 1.1"
    OTHER_KEY = "signed the handshake with a key that is not the certificate's"
    BAD_SIGNATURE = "sent a signature of the handshake with one bit flipped"
    NO_SIGNATURE = "left out the CertificateVerify message"
    BAD_FINISHED = "sent a Finished message with one bit flipped"
    EARLY_CCS = "sent a ChangeCipherSpec before any key was agreed on"
    HEARTBEAT = "sent a heartbeat request that claims to hold 16,384 bytes and holds none"
    COMPRESSION = "chose DEFLATE compression, which was not offered"
    UNOFFERED_PROTOCOL = "chose an application protocol (ALPN) that was not offered"
    NAME_WARNING = "warned that it does not know the name (alert unrecognized_name)"
    ASKS_CERTIFICATE = "asked for a client certificate"
    ONE_BYTE_RECORDS = "sent its handshake in records of one byte each"
    SMALL_PIECES = "sent its handshake in pieces of a few bytes each"
    CUT_OFF = "ended the connection in the middle of its handshake"
    READS_HELLO = "read what the ClientHello offers"
