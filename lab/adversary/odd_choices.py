"""Handmade servers that choose what nobody should agree to: old versions, weak suites."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tlslite.constants import (
    AlertDescription,
    CipherSuite,
    ContentType,
    ExtensionType,
    GroupName,
)
from tlslite.handshakesettings import HandshakeSettings
from tlslite.mathtls import RFC2409_GROUP2
from tlslite.messages import Message, ServerHello, ServerHelloDone, ServerKeyExchange

from lab.adversary.handmade_keys import export_key, rsa_signature
from lab.adversary.handmade_server import (
    SSL3,
    TLS10,
    TLS11,
    TLS12,
    TLS13,
    HandmadeServer,
    HungUp,
    OddServer,
    Version,
    limit,
    without,
)
from lab.adversary.offers import highest

_OLD_SUITE = CipherSuite.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA
_PRIME_OF_512_BITS = int(
    "bd477fbbcd0a7fcda1ddba6999e1f5db4a9987bb89602737509d246528d0c2fc"
    "3bbd89e5f3b26ffdc9f6bcb232ebe189c2426cf88169acb10088a2e66907bebf",
    16,
)
"""A safe one; made for this purpose."""
_SERVER_KEY_EXCHANGE = 12
_RSA_SHA256 = bytes([4, 1])
_CCM_SUITES = (
    CipherSuite.TLS_AES_128_CCM_SHA256,
    CipherSuite.TLS_AES_128_CCM_8_SHA256,
    CipherSuite.TLS_ECDHE_ECDSA_WITH_AES_128_CCM,
    CipherSuite.TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8,
)
"""Suites that hardly anybody offers."""


def _insist(hello: Any, suite: int) -> None:
    """Take ``suite`` for offered: the client has to notice that it was not."""
    if suite not in hello.cipher_suites:
        hello.cipher_suites.append(suite)


def _only_these(hello: Any, suites: list[int]) -> None:
    """Take ``suites`` for all that was offered."""
    signal = CipherSuite.TLS_EMPTY_RENEGOTIATION_INFO_SCSV
    hello.cipher_suites = [*suites, *(s for s in hello.cipher_suites if s == signal)]


# -- versions -----------------------------------------------------------------------------------


class Old(OddServer):
    """A server that knows nothing newer than ``version``."""

    version_spoken: Version

    def configure(self, settings: HandshakeSettings) -> None:
        limit(settings, self.version_spoken)

    def heard(self, hello: Any) -> Iterator[int]:
        without(hello, ExtensionType.supported_versions)
        _insist(hello, _OLD_SUITE)
        yield from ()


class Ssl3(Old):
    """A server of before 1999 (RFC 7568 forbids its version), which knows no extensions."""

    version_spoken = SSL3

    def heard(self, hello: Any) -> Iterator[int]:
        hello.extensions = None
        yield from super().heard(hello)


class Tls10(Old):
    """A server of before 2006 (RFC 8996 forbids its version)."""

    version_spoken = TLS10


class Tls11(Old):
    """A server of before 2008 (RFC 8996 forbids its version)."""

    version_spoken = TLS11


class Sentinel(OddServer):
    """As if somebody on the way had taken TLS 1.3 out of the ClientHello (RFC 8446 4.1.3)."""

    def configure(self, settings: HandshakeSettings) -> None:
        limit(settings, TLS12, TLS13)

    def heard(self, hello: Any) -> Iterator[int]:
        self._offered = highest(hello) >= TLS13
        without(hello, ExtensionType.supported_versions)
        yield from ()

    def spoil(self, said: Any) -> Iterator[Any]:
        # To who offers no TLS 1.3, the mark says nothing.
        self.done = self._offered
        said.random[-8:] = b"DOWNGRD\x01"
        yield said


class Intolerant(HandmadeServer):
    """Fails with every hello newer than TLS 1.1 and waits for an older one."""

    def configure(self, settings: HandshakeSettings) -> None:
        limit(settings, TLS10, TLS11)

    def heard(self, hello: Any) -> Iterator[int]:
        if highest(hello) > TLS11:
            self.done = True
            yield from self.fail()
        without(hello, ExtensionType.supported_versions)
        _insist(hello, _OLD_SUITE)

    def fail(self) -> Iterator[int]:
        """End the connection."""
        yield from self._sendError(AlertDescription.handshake_failure)


class Dropping(Intolerant):
    """The same, without a word."""

    def fail(self) -> Iterator[int]:
        raise HungUp


# -- suites and groups --------------------------------------------------------------------------


class Insisting(OddServer):
    """Chooses ``suite``, whether it was offered or not."""

    suite: int
    cipher: str

    def configure(self, settings: HandshakeSettings) -> None:
        limit(settings, TLS12)
        settings.cipherNames = [self.cipher]

    def heard(self, hello: Any) -> Iterator[int]:
        without(hello, ExtensionType.supported_versions)
        _only_these(hello, [self.suite])
        yield from ()


class Null(Insisting):
    """What is said can be read on the wire (RFC 9325 section 4.1)."""

    suite, cipher = CipherSuite.TLS_ECDHE_ECDSA_WITH_NULL_SHA, "null"


class Rc4(Insisting):
    """RFC 7465 forbids it."""

    suite, cipher = CipherSuite.TLS_ECDHE_ECDSA_WITH_RC4_128_SHA, "rc4"


class TripleDes(Insisting):
    """Blocks of 64 bits (Sweet32, CVE-2016-2183)."""

    suite, cipher = CipherSuite.TLS_ECDHE_ECDSA_WITH_3DES_EDE_CBC_SHA, "3des"


class Anonymous(Insisting):
    """Nobody proves who he is (RFC 5246 appendix F.1.1.1)."""

    suite, cipher = CipherSuite.TLS_ECDH_ANON_WITH_AES_128_CBC_SHA, "aes128"

    def configure(self, settings: HandshakeSettings) -> None:
        super().configure(settings)
        settings.keyExchangeNames = ["ecdh_anon"]
        self.track.served_chain = ()

    def options(self) -> dict[str, Any]:
        return {"anon": True}


class Unoffered(OddServer):
    """Chooses a suite that is good, but was not offered."""

    def configure(self, settings: HandshakeSettings) -> None:
        settings.cipherNames = ["aes128ccm", "aes128ccm_8"]

    def heard(self, hello: Any) -> Iterator[int]:
        offered = frozenset(hello.cipher_suites)
        _only_these(hello, [suite for suite in _CCM_SUITES if suite not in offered])
        yield from ()


class WeakCurve(OddServer):
    """A curve of 192 bits, which TLS 1.3 and browsers have given up."""

    spoilt = ServerKeyExchange

    def configure(self, settings: HandshakeSettings) -> None:
        limit(settings, TLS12)
        settings.eccCurves, settings.keyShares = ["secp192r1"], []

    def heard(self, hello: Any) -> Iterator[int]:
        without(hello, ExtensionType.supported_versions)
        groups = hello.getExtension(ExtensionType.supported_groups)
        if groups is not None:
            # The certificate's own curve must remain among them.
            groups.groups = [GroupName.secp192r1, GroupName.secp256r1, GroupName.secp384r1]
        yield from ()


class Dh1024(Insisting):
    """A group that a state could break in 2015 (Logjam): group 2 of RFC 2409, in use everywhere."""

    spoilt = ServerKeyExchange
    suite, cipher = CipherSuite.TLS_DHE_RSA_WITH_AES_128_GCM_SHA256, "aes128gcm"
    group = RFC2409_GROUP2

    def configure(self, settings: HandshakeSettings) -> None:
        super().configure(settings)
        settings.dhParams, settings.dhGroups = self.group, []

    def heard(self, hello: Any) -> Iterator[int]:
        yield from super().heard(hello)
        # With the groups of RFC 7919 on offer, tlslite-ng would take no other.
        without(hello, ExtensionType.supported_groups)


class Dh512(Dh1024):
    """Export grade (Logjam, CVE-2015-4000)."""

    group = 2, _PRIME_OF_512_BITS


class ExportKey(OddServer):
    """Puts a short key in the place of the certificate's (FREAK, CVE-2015-0204)."""

    spoilt = (ServerHello, ServerHelloDone)
    _randoms = b""

    def configure(self, settings: HandshakeSettings) -> None:
        limit(settings, TLS12)
        settings.keyExchangeNames = ["rsa"]

    def heard(self, hello: Any) -> Iterator[int]:
        without(hello, ExtensionType.supported_versions)
        _only_these(hello, [CipherSuite.TLS_RSA_WITH_AES_128_GCM_SHA256])
        self._randoms = bytes(hello.random)
        yield from ()

    def spoil(self, said: Any) -> Iterator[Any]:
        if isinstance(said, ServerHello):
            self._randoms += bytes(said.random)
            self.done = False
        else:
            yield Message(ContentType.handshake, self._key_exchange())
        yield said

    def _key_exchange(self) -> bytearray:
        """Return a ServerKeyExchange message as export suites have it (RFC 2246 section 7.4.3)."""
        key = export_key()
        parameters = b"".join(
            len(part).to_bytes(2, "big") + part
            for part in (key.n.to_bytes(64, "big"), key.e.to_bytes(3, "big"))
        )
        signed = rsa_signature(self.serving.key, self._randoms + parameters)
        body = parameters + _RSA_SHA256 + len(signed).to_bytes(2, "big") + signed
        return bytearray(bytes([_SERVER_KEY_EXCHANGE]) + len(body).to_bytes(3, "big") + body)

    def _serverCertKeyExchange(self, *arguments: Any) -> Iterator[Any]:  # noqa: N802
        key_exchange = arguments[4]
        key_exchange.privateKey = export_key()
        yield from super()._serverCertKeyExchange(*arguments)
