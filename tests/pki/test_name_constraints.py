from __future__ import annotations

import pytest
from cryptography import x509
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.pki.authority import Authority, Leaf
from lab.pki.certificates import name_constraints
from lab.pki.credential import Credential
from lab.pki.keys import KeyType
from tests.pki import verifiers
from tests.pki.samples import (
    HOST,
    ISSUER,
    ROOT,
    key,
)
from tests.pki.verifiers import Verifier

KEY = key(KeyType.P256)


class TestNameConstraints:
    """Nothing that is signed below a constrained root may be believed for other names."""

    @verifiers.each
    @pytest.mark.parametrize("host", ["acme.test", HOST, "a.b.c.acme.test", "127.8.9.10", "::1"])
    def test_inside(self, verifier: Verifier, host: str) -> None:
        assert verifier(self.made(ROOT, host), ROOT.certificate, host) is None
        assert verifier(self.made(ISSUER, host), ROOT.certificate, host) is None

    @verifiers.each
    @pytest.mark.parametrize(
        "host",
        [
            "example.test",
            "test",
            "evilacme.test",
            "acme.test.example",
            "api.acme.tes",
            "128.0.0.1",
            "192.0.2.1",
            "::2",
            "2001:db8::1",
        ],
    )
    def test_outside(self, verifier: Verifier, host: str) -> None:
        for authority in (ROOT, ISSUER):
            reason = verifier(self.made(authority, host), ROOT.certificate, host)
            assert reason is not None
            # The constraint stops it, not something else that is wrong with it.
            free = Authority.root("Free")
            assert verifier(self.made(free, host), free.certificate, host) is None

    @verifiers.each
    def test_one_name_outside_is_enough(self, verifier: Verifier) -> None:
        both = ISSUER.issue(Leaf((HOST, "example.test")))
        assert verifier(both, ROOT.certificate, HOST) is not None

    @verifiers.each
    def test_an_intermediate_cannot_widen_them(self, verifier: Verifier) -> None:
        wider = ROOT.subordinate("Wider", permitted=["acme.test", "example.test"])
        assert verifier(wider.issue(HOST), ROOT.certificate, HOST) is None
        outside = wider.issue("example.test")
        assert verifier(outside, ROOT.certificate, "example.test") is not None

    def test_they_are_critical(self) -> None:
        read = ROOT.certificate.extensions.get_extension_for_class(x509.NameConstraints)
        assert read.critical
        assert read.value == name_constraints(["acme.test"])
        assert read.value.excluded_subtrees is None

    @settings(deadline=None)
    @given(
        st.lists(st.sampled_from(["acme", "test", "api", "evilacme", "x"]), min_size=1, max_size=5)
    )
    def test_two_verifiers_agree_with_the_rule(self, labels: list[str]) -> None:
        host = ".".join(labels)
        inside = labels[-2:] == ["acme", "test"]
        made = ISSUER.issue(host, key=KEY)
        assert (verifiers.rust(made, ROOT.certificate, host) is None) is inside
        assert (verifiers.handshake(made, ROOT.certificate, host) is None) is inside

    @staticmethod
    def made(authority: Authority, host: str) -> Credential:
        numeric = verifiers.address(host) is not None
        return authority.issue(Leaf(addresses=(host,)) if numeric else Leaf((host,)), key=KEY)


def test_the_addresses_that_constraints_permit_are_loopback_s() -> None:
    permitted = name_constraints(["acme.test"]).permitted_subtrees
    assert permitted is not None
    networks = [str(name.value) for name in permitted if isinstance(name, x509.IPAddress)]
    assert networks == ["127.0.0.0/8", "::1/128"]
