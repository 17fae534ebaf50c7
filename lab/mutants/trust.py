"""Mutants: what is asked of the platform before any pin is looked at, and what makes pins idle."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from OpenSSL.SSL import X509VerificationCodes as Code

from lab.model.verdict import Verdict
from lab.mutants.certificates import read
from lab.mutants.registry import LEAK, mutant
from lab.mutants.stack import Stack, open_by_hand
from lab.phone.link import Link
from lab.phone.path_rules import Fault, PlatformRules
from lab.phone.sdk.client import ReferenceClient
from lab.phone.services import PhoneServices
from lab.phone.tls import Secured
from lab.phone.verify import Judge


@mutant("trusts every certificate and has no pins", killed_by=["untrusted_ca"])
class TrustAll(ReferenceClient):
    """An empty ``X509TrustManager``, as it is copied into apps to silence certificate errors
    (CWE-295). Everything is accepted from everybody."""

    verify_chain = False

    def check(self, host: str, port: int, chain: tuple[bytes, ...]) -> None:
        """Accept."""


@mutant(
    "has no pins: what the system's CAs vouch for is right",
    killed_by=["device_trusted_ca", "stolen_sub_ca", "genuine_ca_mis_issues", "no_matching_pin"],
)
class SystemCaOnly(ReferenceClient):
    """The pinning code was never called: a second HTTP client beside the pinned one, a factory
    that nobody set. Most findings in the field look like this (IMC 2022)."""

    def check(self, host: str, port: int, chain: tuple[bytes, ...]) -> None:
        """Accept."""


@mutant("trusts the CAs that the user has installed", killed_by=["right_key_user_ca"])
class TrustsUserStore(ReferenceClient):
    """``<certificates src="user"/>`` in the network security configuration. The pins still hold;
    who has got hold of the key needs no public CA any more."""

    user_store = True


@mutant("has no pins for the CAs that the user has installed", killed_by=["user_store_ca"])
class DebugOverrideLeftIn(ReferenceClient):
    """``<debug-overrides>`` for everybody: Android trusts the user's CAs there, and by default
    overrides pins for them (``overridePins``), so that a debugging proxy works."""

    user_store = True

    def check(self, host: str, port: int, chain: tuple[bytes, ...]) -> None:
        added = set(self.phone.trust_anchors(True)) - set(self.phone.trust_anchors(False))
        top = read(chain[-1]).issuer
        if all(read(anchor).subject != top for anchor in added):
            super().check(host, port, chain)


@mutant(
    "lets pins make way for roots that are not public ones",
    killed_by=["published_key_root_present", "user_store_ca_moved_to_system"],
)
class LocalRootsOverridePins(ReferenceClient):
    """As Chrome did for company proxies ("private trust anchors"): Superfish's root was local,
    too. A public root is told by its name here, for want of a list."""

    def check(self, host: str, port: int, chain: tuple[bytes, ...]) -> None:
        if "Public" in read(chain[-1]).issuer.rfc4514_string():
            super().check(host, port, chain)


@mutant(
    "checks the pins in place of chain and name",
    killed_by=[
        "right_key_wrong_host",
        "right_key_expired",
        "right_key_self_signed",
        "right_key_untrusted_issuer",
        "untrusted_ca",
        "self_signed_right_name",
        "self_signed_other_name",
        "signed_by_end_entity",
        "same_name_ca",
    ],
    rules=[*LEAK, "error_is_right"],
)
class PinsInsteadOfChain(ReferenceClient):
    """A custom trust manager whose only check is the pin: "the pin is enough". An old certificate
    with the key, or one for another host, will do (Spinner, ACSAC 2017). Whoever has another key
    is refused, but for the wrong reason: that shows it, too."""

    verify_chain = False


class _SelfSignedIsFine(PlatformRules):
    def forgives(self, fault: Fault) -> bool:
        return fault.code == Code.ERR_DEPTH_ZERO_SELF_SIGNED_CERT or super().forgives(fault)


@mutant(
    "accepts a self-signed certificate where its key is pinned", killed_by=["right_key_self_signed"]
)
class SelfSignedWithPin(ReferenceClient):
    """For the test server, which has no other certificate. Who got hold of the key can then use
    it when every certificate of it has been revoked."""

    platform_rules = _SelfSignedIsFine()


class _VendorsRoot(PlatformRules):
    def forgives(self, fault: Fault) -> bool:
        unknown = (
            Code.ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
            Code.ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE,
        )
        vendors = fault.read is not None and "Published" in fault.read.issuer.rfc4514_string()
        return (vendors and fault.code in unknown) or super().forgives(fault)


@mutant(
    "has the vendor's own root in a store of its own",
    killed_by=["published_key_root_absent"],
    rules=["error_is_right"],
)
class BringsTheVendorsRoot(ReferenceClient):
    """A bundled CA file with the vendor's root in it, whose key is in every copy of the product
    (Superfish). With pins the attack fails all the same, but for the last reason that is left."""

    platform_rules = _VendorsRoot()


@mutant("has no pins behind a proxy", killed_by=["device_trusted_ca"])
class PinsOffBehindProxy(ReferenceClient):
    """``if (BuildConfig.DEBUG || proxyIsSet())``: for the testers with their debugging proxy. The
    attacker is the proxy."""

    def check(self, host: str, port: int, chain: tuple[bytes, ...]) -> None:
        clear = self.phone.connect_clear(host, 80, 1.0)
        clear.socket.close()
        if not clear.absolute_form:
            super().check(host, port, chain)


@mutant(
    "has two TLS stacks, of which one makes the requests that are attacked",
    killed_by=["same_client_throughout"],
    rules=["same_client_throughout"],
    outcome=Verdict.INCONCLUSIVE,
)
class TwoStacks(ReferenceClient):
    """A WebView or an image loader beside the pinned client: whose refusal was seen? Here every
    second connection to a host is the other one's. Nothing leaks; but of the client that was not
    attacked the refusal says nothing, and no verdict may speak well of it."""

    def __init__(self, phone: PhoneServices, storage: Path) -> None:
        super().__init__(phone, storage)
        self._connections: Counter[str] = Counter()

    def open_tls(self, link: Link, host: str, judge: Judge) -> Secured:
        self._connections[host] += 1
        if self._connections[host] % 2:
            return super().open_tls(link, host, judge)
        return open_by_hand(Stack, link, host, judge)
