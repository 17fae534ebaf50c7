"""Mutants: whose configuration they believe, and in what form."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import replace

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from lab.model.pins import PinConfiguration
from lab.mutants.instead import in_clear
from lab.mutants.reading import (
    believed,
    claims_of,
    decoded,
    header_of,
    is_owners,
    is_signed,
    key_of,
)
from lab.mutants.registry import mutant
from lab.phone.link import Link
from lab.phone.sdk.client import ReferenceClient
from lab.phone.sdk.configuration import ConfigurationKeeper
from lab.phone.sdk.errors import ConfigurationValidationFailed, TrustPinError
from lab.phone.services import PlatformError
from lab.phone.tls import Secured
from lab.phone.verify import Judge
from lab.pinning.jws import read_public_key


class _Keeper(ConfigurationKeeper):
    """Verifies, and believes some tokens all the same that it could not verify."""

    def verify(self, token: bytes) -> PinConfiguration:
        try:
            return super().verify(token)
        except ConfigurationValidationFailed:
            if self.excuses(token):
                return believed(claims_of(token))
            raise

    def excuses(self, token: bytes) -> bool:
        """Tell whether this token is to be believed. Raises ConfigurationValidationFailed."""
        raise NotImplementedError


# -- who signed ---------------------------------------------------------------------------


class _AnySigner(_Keeper):
    def excuses(self, token: bytes) -> bool:
        return True


@mutant(
    "does not check the signature of its configuration",
    killed_by=[
        "forged_configuration_cold",
        "forged_configuration_stale",
        "tampered_configuration",
        "tampered_configuration_stale",
        "compromised_source_cold",
    ],
)
class SignatureNotChecked(ReferenceClient):
    """Decodes the token with a call that does not verify (CWE-347). Whoever answers for the
    configuration service decides which keys the app believes."""

    keeper_class = _AnySigner


class _FirstTimeOnly(_Keeper):
    def excuses(self, token: bytes) -> bool:
        return self.held is not None


@mutant(
    "checks the signature at the first start alone",
    killed_by=["forged_configuration_stale", "tampered_configuration_stale"],
)
class RefreshNotChecked(ReferenceClient):
    """The refresh in the background goes another way through the code, where the check was
    forgotten. The attacker waits for ten minutes."""

    keeper_class = _FirstTimeOnly


class _AlgNone(_Keeper):
    def excuses(self, token: bytes) -> bool:
        return str(header_of(token).get("alg")).lower() == "none"


@mutant("accepts alg none", killed_by=["alg_none_configuration"])
class AlgNoneAccepted(ReferenceClient):
    """Does as the header says: no algorithm, no signature, nothing to check (CVE-2015-9235)."""

    keeper_class = _AlgNone


class _AlgHmac(_Keeper):
    def excuses(self, token: bytes) -> bool:
        if header_of(token).get("alg") != "HS256":
            return False
        public = read_public_key(self.project.public_key)
        secret = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        signed, _, code = token.rpartition(b".")
        return hmac.compare_digest(hmac.digest(secret, signed, hashlib.sha256), decoded(code))


@mutant("accepts an HMAC with the public key", killed_by=["key_confusion_configuration"])
class PublicKeyAsSecret(ReferenceClient):
    """Hands the same key to whatever algorithm the header names (CVE-2016-5431): the public key
    is then the secret of an HMAC, and it is in every copy of the app."""

    keeper_class = _AlgHmac


class _BlankSignature(_Keeper):
    def excuses(self, token: bytes) -> bool:
        return header_of(token).get("alg") == "ES256" and not any(decoded(token.split(b".")[2]))


@mutant("accepts a signature of zeros", killed_by=["zero_signature_configuration"])
class PsychicSignature(ReferenceClient):
    """The ECDSA of Java 15 to 18, for which r = s = 0 was anybody's signature on anything
    (CVE-2022-21449)."""

    keeper_class = _BlankSignature


class _KeyInHeader(_Keeper):
    def excuses(self, token: bytes) -> bool:
        return is_signed(token, key_of(header_of(token).get("jwk")))


@mutant("verifies with the key in the token's header", killed_by=["key_in_the_header"])
class KeyFromHeader(ReferenceClient):
    """Takes ``jwk`` of the header for the key to verify with (CVE-2018-0114), so that every token
    is signed rightly."""

    keeper_class = _KeyInHeader


class _CertificateInHeader(_Keeper):
    def excuses(self, token: bytes) -> bool:
        chain = header_of(token).get("x5c")
        if not isinstance(chain, list) or not chain:
            return False
        leaf = x509.load_der_x509_certificate(base64.b64decode(chain[0]))
        return is_signed(token, leaf.public_key())


@mutant("verifies with the certificate in the header", killed_by=["certificate_in_the_header"])
class CertificateFromHeader(ReferenceClient):
    """Takes ``x5c`` of the header for a proof: it is a certificate of a public CA, after all, only
    of anybody's host."""

    keeper_class = _CertificateInHeader


class _NamedKey(_Keeper):
    named: ec.EllipticCurvePublicKey | None = None

    def excuses(self, token: bytes) -> bool:
        return is_signed(token, self.named)


@mutant("fetches the key from where the header says", killed_by=["key_address_in_the_header"])
class KeyFromAddress(ReferenceClient):
    """Follows ``jku`` of the header, so that the owner may change the signing key, or so may
    anybody else."""

    keeper_class = _NamedKey

    def fetch(self, url: str, timeout: float) -> bytes:
        """Fetch the configuration, and where it names an address of a key, that key, too."""
        token = super().fetch(url, timeout)
        address = header_of(token).get("jku")
        if isinstance(address, str) and isinstance(self._keeper, _NamedKey):
            keys = json.loads(self._platform.request(address, timeout=timeout).body)["keys"]
            self._keeper.named = key_of(keys[0])
        return token


class _Directory(_Keeper):
    def excuses(self, token: bytes) -> bool:
        kid = header_of(token).get("kid")
        return isinstance(kid, str) and kid.startswith("tprn::project::other::")


@mutant("accepts another project's configuration", killed_by=["other_projects_configuration"])
class AnyProject(ReferenceClient):
    """Looks keys up by ``kid`` in a directory of all customers, and does not ask whether the
    project found there is its own."""

    keeper_class = _Directory


# -- when ---------------------------------------------------------------------------------


class _WheneverValid(_Keeper):
    def excuses(self, token: bytes) -> bool:
        return is_owners(token, self.project.public_key)


@mutant("ignores nbf", killed_by=["not_yet_valid_configuration"])
class NotBeforeIgnored(ReferenceClient):
    """Verifies the signature and nothing else: a configuration that was signed ahead is in force
    as soon as somebody hands it out."""

    keeper_class = _WheneverValid


class _AnyVersion(ConfigurationKeeper):
    def accepts(self, version: int, highest: int) -> bool:
        return True


@mutant(
    "accepts an older configuration",
    killed_by=["older_configuration_replayed", "compromised_source_replays"],
)
class RollbackAccepted(ReferenceClient):
    """Remembers no version, as SDK 4 is documented to do: a withdrawn key comes back with the
    configuration that vouched for it."""

    keeper_class = _AnyVersion


class _VersionInMemory(ConfigurationKeeper):
    def take_up(self) -> None:
        super().take_up()
        self._highest = self._held = None


@mutant(
    "remembers the version in memory alone",
    killed_by=["older_configuration_after_launch"],
)
class VersionForgotten(ReferenceClient):
    """Attaches no storage (contract section 7.2, item 3): after each launch of the app the first
    configuration that comes is the newest."""

    keeper_class = _VersionInMemory


# -- from where ---------------------------------------------------------------------------


@mutant(
    "does not check the certificate of its configuration service",
    killed_by=["rogue_source_cold"],
    rules=["to_the_host", "to_private_hosts"],
)
class SourceNotChecked(ReferenceClient):
    """It is signed, somebody said, so it may come from anybody. Then anybody chooses which of the
    owner's configurations it is."""

    def open_tls(self, link: Link, host: str, judge: Judge) -> Secured:
        """Do the handshake, with the configuration service whoever that is."""
        own = self._project is not None and f"//{host}/" in self._project.sources[0]
        return super().open_tls(link, host, replace(judge, verify=False) if own else judge)


@mutant(
    "follows a redirect of its configuration to plain http",
    killed_by=["configuration_moved_to_http"],
    rules=["to_private_hosts"],
)
class FollowsToClear(ReferenceClient):
    """Leaves redirects to the HTTP client, which follows them from https to http as OkHttp does
    by default (``followSslRedirects``)."""

    def fetch(self, url: str, timeout: float) -> bytes:
        """Fetch, wherever that leads."""
        return self._source.request(url, timeout=timeout).body


@mutant(
    "fetches its configuration over plain http where https fails",
    killed_by=["rogue_source_cold"],
    rules=["to_private_hosts"],
)
class FetchesInClear(ReferenceClient):
    """It is signed, so it needs no TLS, somebody said: a fallback for phones with a wrong clock or
    an old store. Everybody on the network reads which app asks, and answers as he likes."""

    def fetch(self, url: str, timeout: float) -> bytes:
        """Fetch, and once more in clear."""
        try:
            return super().fetch(url, timeout)
        except (PlatformError, TrustPinError):
            return self._source.request(in_clear(url), timeout=timeout).body
