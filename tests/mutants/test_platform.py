from __future__ import annotations

from OpenSSL import crypto
from OpenSSL.SSL import X509VerificationCodes as Code

from lab.mutants.platform import Lax, Strict, above_leaf, on_leaf
from lab.phone.path_rules import ANDROID, Fault
from lab.pki.authority import Authority

ROOT = Authority.root("Root")
LEAF = ROOT.issue("api.acme.test").certificate


def fault(code: int, depth: int, now: float = 0.0) -> Fault:
    certificate = crypto.X509.from_cryptography(LEAF)
    return Fault(code, depth, certificate, trusted=False, below_anchor=True, now=now)


def test_lax_rules_forgive_what_they_name_and_nothing_else() -> None:
    rules = Lax(Code.ERR_INVALID_CA, Code.ERR_CERT_NOT_YET_VALID)
    assert rules.forgives(fault(Code.ERR_INVALID_CA, 1))
    assert rules.forgives(fault(Code.ERR_CERT_NOT_YET_VALID, 0))
    assert not rules.forgives(fault(Code.ERR_CERT_SIGNATURE_FAILURE, 0))


def test_lax_rules_can_be_about_the_leaf_or_about_issuers() -> None:
    for when, depth in ((on_leaf, 0), (above_leaf, 1)):
        rules = Lax(Code.ERR_CERT_NOT_YET_VALID, when=when)
        assert [rules.forgives(fault(Code.ERR_CERT_NOT_YET_VALID, d)) for d in (0, 1)] == [
            depth == 0,
            depth == 1,
        ]


def test_lax_rules_forgive_what_android_does() -> None:
    # Its very last moment is one of its own.
    last = LEAF.not_valid_after_utc.timestamp()
    ended = fault(Code.ERR_CERT_HAS_EXPIRED, 0, last)
    assert not ANDROID.forgives(fault(Code.ERR_CERT_HAS_EXPIRED, 0, last + 1))
    assert ANDROID.forgives(ended)
    assert Lax().forgives(ended)


def test_strict_rules_mind_what_they_are_told_to() -> None:
    path = (LEAF, ROOT.certificate)
    rules = Strict(lambda served, now: served == path and now > 7.0)
    assert list(rules.objections(path, 7.5)) == ["this client does not like the certificate"]
    assert list(rules.objections(path, 7.0)) == []
    assert list(rules.objections(path[1:], 7.5)) == []
    assert list(ANDROID.objections(path, 7.0)) == []
