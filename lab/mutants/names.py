"""Mutants: whom a certificate is for."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable

from cryptography import x509
from cryptography.x509.oid import NameOID

from lab.mutants.registry import LEAK, LOCKED_OUT, mutant
from lab.phone.host_names import Names
from lab.phone.path_rules import PlatformRules
from lab.phone.sdk.client import ReferenceClient


def dns_names(names: Iterable[x509.GeneralName]) -> tuple[str, ...]:
    """Return the DNS names among ``names``."""
    return tuple(name.value for name in names if isinstance(name, x509.DNSName))


def common_names(certificate: x509.Certificate) -> Names:
    """Return the common names of the subject as if they stood in the subjectAltName."""
    found = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return tuple(x509.DNSName(str(name.value)) for name in found)


@mutant("does not check names", killed_by=["parent_domain", "subdomain", "no_name"])
class NoHostName(ReferenceClient):
    """A ``HostnameVerifier`` that returns true, as it is copied from answers to "certificate
    doesn't match" (Fahl et al., CCS 2012). Whoever has any certificate and the pinned key, such
    as another tenant of the same server, is believed."""

    class _Rules(PlatformRules):
        def matches(self, host: str, names: Names) -> bool:
            return True

    platform_rules = _Rules()


@mutant(
    "a raw TLS socket: a trusted chain is all it asks for",
    killed_by=["other_host", "parent_domain_other_key", "nul_in_san_other_key"],
)
class RawSocket(ReferenceClient):
    """``SSLSocketFactory`` checks no names (Georgiev et al., CCS 2012), and what does not go
    through the SDK's HTTP client is not pinned."""

    platform_rules = NoHostName.platform_rules

    def check(self, host: str, port: int, chain: tuple[bytes, ...]) -> None:
        """Accept."""


@mutant(
    "the common name counts wherever there is a subject",
    killed_by=[
        "common_name_right_san_wrong",
        "common_name_wrong_san_right",
        "san_without_common_name",
    ],
    rules=[*LEAK, *LOCKED_OUT],
)
class CommonNameFirst(ReferenceClient):
    """A home-made verifier that reads ``getSubjectX500Principal()``, as Apache HttpClient did
    (CVE-2012-5783, CVE-2014-3577)."""

    class _Rules(PlatformRules):
        def names(self, certificate: x509.Certificate) -> Names:
            named = bool(list(certificate.subject))
            return common_names(certificate) if named else super().names(certificate)

    platform_rules = _Rules()


@mutant(
    "falls back to the common name",
    killed_by=["common_name_without_san", "address_only"],
)
class CommonNameFallback(ReferenceClient):
    """What RFC 2818 asked for and RFC 9525 forbids; Android until version 8, curl and wget to
    this day. No CA checks a common name any more."""

    class _Rules(PlatformRules):
        def names(self, certificate: x509.Certificate) -> Names:
            names = super().names(certificate)
            return names if dns_names(names) else common_names(certificate)

    platform_rules = _Rules()


@mutant("a certificate without names is for everybody", killed_by=["no_name"])
class NoNameIsAnyName(ReferenceClient):
    """The loop over the names ends without a mismatch, and that is taken for a match."""

    class _Rules(PlatformRules):
        def matches(self, host: str, names: Names) -> bool:
            return not names or super().matches(host, names)

    platform_rules = _Rules()


@mutant("compares names as text", killed_by=["name_in_upper_case"], rules=LOCKED_OUT)
class CaseSensitive(ReferenceClient):
    """``equals`` where ``equalsIgnoreCase`` was due. Its users are locked out when the CA writes
    the name in another way."""

    class _Rules(PlatformRules):
        def matches(self, host: str, names: Names) -> bool:
            same = [n for n in names if not isinstance(n, x509.DNSName) or n.value.islower()]
            return super().matches(host, tuple(same))

    platform_rules = _Rules()


@mutant("a name stands for all that ends in it", killed_by=["parent_domain"])
class SuffixMatch(ReferenceClient):
    """``host.endsWith(name)``. The certificate of ``acme.test``, or of a hoster's domain above
    the app's, is one for every host below."""

    class _Rules(PlatformRules):
        def matches(self, host: str, names: Names) -> bool:
            return super().matches(host, names) or host.endswith(dns_names(names))

    platform_rules = _Rules()


@mutant("the host may stand anywhere in the name", killed_by=["subdomain"])
class ContainsMatch(ReferenceClient):
    """``name.contains(host)``, or a pattern without anchors: ``api.acme.test.evil.test`` will
    do."""

    class _Rules(PlatformRules):
        def matches(self, host: str, names: Names) -> bool:
            return super().matches(host, names) or any(host in n for n in dns_names(names))

    platform_rules = _Rules()


@mutant("names end at a NUL byte", killed_by=["nul_in_san"])
class NulEndsNames(ReferenceClient):
    """Names go through C strings (CVE-2013-4073, CVE-2013-4238): the CA reads the attacker's
    domain behind the NUL, the client the host's name before it."""

    class _Rules(PlatformRules):
        def matches(self, host: str, names: Names) -> bool:
            cut = (x509.DNSName(name.partition("\0")[0]) for name in dns_names(names))
            return super().matches(host, tuple(cut))

    platform_rules = _Rules()


@mutant("the common name counts, too, and ends at a NUL byte", killed_by=["nul_in_common_name"])
class NulEndsCommonName(ReferenceClient):
    """CVE-2009-2408, in the browsers of 2009."""

    class _Rules(PlatformRules):
        def names(self, certificate: x509.Certificate) -> Names:
            whole = dns_names(common_names(certificate))
            cut = (x509.DNSName(name.partition("\0")[0]) for name in whole if "\0" in name)
            return (*super().names(certificate), *cut)

    platform_rules = _Rules()


@mutant("an address is a name", killed_by=["address_only"])
class AddressSuffices(ReferenceClient):
    """The verifier is given the address of the connection instead of the host's name
    (``socket.getInetAddress()``), and whoever answers the look-up chooses that."""

    class _Rules(PlatformRules):
        def matches(self, host: str, names: Names) -> bool:
            return super().matches(host, names) or super().matches("127.0.0.1", names)

    platform_rules = _Rules()


@mutant("knows no wildcards", killed_by=["wildcard"], rules=LOCKED_OUT)
class NoWildcards(ReferenceClient):
    """Compares names letter by letter. Its users are locked out when the server gets a wildcard
    certificate."""

    class _Rules(PlatformRules):
        def matches(self, host: str, names: Names) -> bool:
            return super().matches(host, tuple(n for n in names if "*" not in str(n.value)))

    platform_rules = _Rules()


@mutant("a wildcard stands for any number of labels", killed_by=["wildcard_for_two_labels"])
class DeepWildcards(ReferenceClient):
    """``*`` turned into ``.*`` of a regular expression. A wildcard certificate is one for every
    depth."""

    class _Rules(PlatformRules):
        def matches(self, host: str, names: Names) -> bool:
            return super().matches(host, names) or any(
                n.startswith("*.") and fnmatch.fnmatchcase(host, n) for n in dns_names(names)
            )

    platform_rules = _Rules()


@mutant("a wildcard may stand for no label", killed_by=["wildcard_for_no_label"])
class EmptyWildcards(ReferenceClient):
    """``*.`` is dropped, and the rest is a name, too."""

    class _Rules(PlatformRules):
        def matches(self, host: str, names: Names) -> bool:
            bare = (x509.DNSName(name.removeprefix("*.")) for name in dns_names(names))
            return super().matches(host, names) or super().matches(host, tuple(bare))

    platform_rules = _Rules()


@mutant("a wildcard may stand inside a label", killed_by=["wildcard_inside_a_label"])
class PartialWildcards(ReferenceClient):
    """As RFC 2818 had it: ``ap*.acme.test`` is for ``api`` and for whatever else begins so."""

    class _Rules(PlatformRules):
        def matches(self, host: str, names: Names) -> bool:
            first, _, rest = host.partition(".")
            return super().matches(host, names) or any(
                "*" not in tail and tail == rest and fnmatch.fnmatchcase(first, head)
                for head, _, tail in (name.partition(".") for name in dns_names(names))
            )

    platform_rules = _Rules()


@mutant(
    "any label may be a wildcard",
    killed_by=["wildcard_in_the_second_label", "two_wildcards"],
)
class WildcardsEverywhere(ReferenceClient):
    """Goes label by label, and lets each of them be ``*``: ``*.*`` would be everybody."""

    class _Rules(PlatformRules):
        def matches(self, host: str, names: Names) -> bool:
            wanted = host.split(".")
            return super().matches(host, names) or any(
                len(labels) == len(wanted)
                and all(own in ("*", due) for own, due in zip(labels, wanted, strict=True))
                for labels in (name.split(".") for name in dns_names(names))
            )

    platform_rules = _Rules()
