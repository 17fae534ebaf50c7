"""TLS stacks that are wrong in one way each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tlslite.constants import CipherSuite, ContentType, ExtensionType, GroupName, HandshakeType
from tlslite.handshakesettings import HandshakeSettings
from tlslite.messages import (
    CertificateVerify,
    Finished,
    ServerHello,
    ServerKeyExchange,
)
from tlslite.utils.python_rsakey import Python_RSAKey

from lab.mutants.stack import TLS10, TLS11, TLS12, Stack

SSL3 = (3, 0)
_EXPORT_RC4 = 0x0003


class _Believing:
    """A public key that takes every signature for its own."""

    def __init__(self, key: Any) -> None:
        self._key = key

    def __getattr__(self, name: str) -> Any:
        return getattr(self._key, name)

    def __len__(self) -> int:
        return len(self._key)

    def verify(self, *_: Any, **__: Any) -> bool:
        """Say yes."""
        return True

    hashAndVerify = verify  # noqa: N815 - tlslite-ng's name


class SignatureNotVerified(Stack):
    """Believes every signature of a handshake."""

    def _clientGetKeyFromChain(self, *arguments: Any) -> Iterator[Any]:  # noqa: N802
        for result in super()._clientGetKeyFromChain(*arguments):
            if isinstance(result, int):
                yield result
            else:
                key, *others = result
                yield (_Believing(key), *others)


class PossessionOptional(SignatureNotVerified):
    """Takes Finished where CertificateVerify is due, and goes on."""

    _handshake_hash: Any
    _kept: Finished | None = None
    _suite = 0

    def _getMsg(self, expected: Any, second: Any = None, kind: Any = None) -> Iterator[Any]:  # noqa: N802
        if self._kept is not None:
            kept, self._kept = self._kept, None
            self._handshake_hash.update(kept.write())
            yield kept
            return
        if second != HandshakeType.certificate_verify:
            yield from super()._getMsg(expected, second, kind)
            return
        before = self._handshake_hash.copy()
        _, size = self._getPRFParams(self._suite)
        both = (HandshakeType.certificate_verify, HandshakeType.finished)
        for result in super()._getMsg(expected, both, size):
            if isinstance(result, Finished):
                self._kept, self._handshake_hash = result, before
                yield CertificateVerify(self.version).create(bytearray(1), _ANY_SCHEME)
            else:
                yield result

    def heard(self, message: Any) -> None:
        if isinstance(message, ServerHello):
            self._suite = message.cipher_suite


_ANY_SCHEME = (4, 3)
"""ecdsa_secp256r1_sha256."""


class _Agreeable(bytearray):
    """Is equal to everything."""

    __hash__ = None

    def __eq__(self, other: object) -> bool:
        return True

    def __ne__(self, other: object) -> bool:
        return False


class FinishedNotCompared(Stack):
    """Takes a Finished message for the sign that the handshake is over, and no more."""

    def heard(self, message: Any) -> None:
        if isinstance(message, Finished):
            message.verify_data = _Agreeable(message.verify_data)


class OffersAnonymous(Stack):
    """Has the anonymous suites in its list."""

    def configure(self, settings: HandshakeSettings) -> None:
        settings.keyExchangeNames += ["ecdh_anon", "dh_anon"]

    def greet(self, hello: Any) -> None:
        hello.cipher_suites.append(CipherSuite.TLS_ECDH_ANON_WITH_AES_128_CBC_SHA)


class DownToSsl3(Stack):
    """Speaks what there is, from SSL 3.0 on."""

    def configure(self, settings: HandshakeSettings) -> None:
        settings.minVersion = SSL3
        settings.versions += [TLS11, TLS10, SSL3]


class DownToTls10(Stack):
    """Speaks TLS 1.0 and newer."""

    def configure(self, settings: HandshakeSettings) -> None:
        settings.minVersion = TLS10
        settings.versions += [TLS11, TLS10]


class DownToTls11(Stack):
    """Speaks TLS 1.1 and newer."""

    def configure(self, settings: HandshakeSettings) -> None:
        settings.minVersion = TLS11
        settings.versions += [TLS11]


class NothingNewer(Stack):
    """Speaks TLS 1.0 and 1.1: what a client comes down to that has been refused with more."""

    def configure(self, settings: HandshakeSettings) -> None:
        settings.minVersion, settings.maxVersion = TLS10, TLS11
        settings.versions = [TLS11, TLS10]


class WithNull(Stack):
    """Has the suites without encryption in its list."""

    def configure(self, settings: HandshakeSettings) -> None:
        settings.cipherNames += ["null"]


class WithRc4(Stack):
    """Has the suites with RC4 in its list."""

    def configure(self, settings: HandshakeSettings) -> None:
        settings.cipherNames += ["rc4"]


class WithTripleDes(Stack):
    """Has the suites with 3DES in its list."""

    def configure(self, settings: HandshakeSettings) -> None:
        settings.cipherNames += ["3des"]


class OffersExport(Stack):
    """Offers an export suite that it could not even use."""

    def greet(self, hello: Any) -> None:
        hello.cipher_suites.append(_EXPORT_RC4)


class OffersCompression(Stack):
    """Offers DEFLATE, which is possible up to TLS 1.2 (RFC 8446 section 4.1.2)."""

    def configure(self, settings: HandshakeSettings) -> None:
        settings.maxVersion, settings.versions = TLS12, [TLS12]

    def greet(self, hello: Any) -> None:
        hello.compression_methods = [1, 0]


class AnySuite(Stack):
    """Looks a suite up among those that it knows, not among those that it offered."""

    def configure(self, settings: HandshakeSettings) -> None:
        settings.cipherNames += ["aes128ccm", "aes128ccm_8"]

    def greet(self, hello: Any) -> None:
        known = CipherSuite.aes128CcmSuites + CipherSuite.aes128Ccm_8Suites
        hello.cipher_suites = [s for s in hello.cipher_suites if s not in known]

    def heard(self, message: Any) -> None:
        if isinstance(message, ServerHello):
            self.hello.cipher_suites.append(message.cipher_suite)


class AnyCurve(Stack):
    """Takes the curve from the server's message."""

    def configure(self, settings: HandshakeSettings) -> None:
        settings.eccCurves += ["secp192r1"]

    def greet(self, hello: Any) -> None:
        groups = hello.getExtension(ExtensionType.supported_groups)
        groups.groups = [g for g in groups.groups if g != GroupName.secp192r1]


class WithDh(Stack):
    """Offers Diffie-Hellman and takes the group that comes, from 1024 bits on."""

    def configure(self, settings: HandshakeSettings) -> None:
        settings.keyExchangeNames += ["dhe_rsa"]
        settings.dhGroups = []


class _AsIfLong(int):
    """A number that is not below any other."""

    def __lt__(self, other: object) -> bool:
        return False


class WithShortDh(WithDh):
    """Takes whatever group comes."""

    def heard(self, message: Any) -> None:
        if isinstance(message, ServerKeyExchange) and message.dh_p:
            message.dh_p = _AsIfLong(message.dh_p)


class TakesExportKeys(Stack):
    """Encrypts for the key in a ServerKeyExchange message where there should be none."""

    _key: Any = None

    def ignores(self, kind: int, content: bytes) -> bool:
        if kind != ContentType.handshake or content[0] != HandshakeType.server_key_exchange:
            return super().ignores(kind, content)
        # Behind the message's header of four bytes, two numbers with their lengths.
        size = int.from_bytes(content[4:6], "big")
        if self.suite not in CipherSuite.certSuites:
            return False
        modulus, exponent = content[6 : 6 + size], content[8 + size : 11 + size]
        self._key = Python_RSAKey(int.from_bytes(modulus, "big"), int.from_bytes(exponent, "big"))
        self._handshake_hash.update(content)
        return True

    def heard(self, message: Any) -> None:
        if isinstance(message, ServerHello):
            self.suite = message.cipher_suite

    def _clientGetKeyFromChain(self, *arguments: Any) -> Iterator[Any]:  # noqa: N802
        for result in super()._clientGetKeyFromChain(*arguments):
            if isinstance(result, int) or self._key is None:
                yield result
            else:
                yield (self._key, *result[1:])


class BlindToDowngrades(Stack):
    """Does not look for the mark of a downgrade."""

    def _clientGetServerHello(self, settings: Any, session: Any, hello: Any) -> Iterator[Any]:  # noqa: N802
        for result in super()._clientGetServerHello(settings, session, hello):
            if not isinstance(result, int) and self.version == TLS12:
                # As a client that never knew of TLS 1.3.
                settings.maxVersion = TLS12
            yield result
