"""Platform rules that are laxer or stricter than Android's in one point; mutants are given them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from cryptography import x509

from lab.phone.path_rules import Fault, PlatformRules

Path = tuple[x509.Certificate, ...]
"""Leaf first, the anchor last."""


def always(_: Fault) -> bool:
    """Whichever certificate the fault is of."""
    return True


def on_leaf(fault: Fault) -> bool:
    """Whether the fault is of the leaf."""
    return fault.depth == 0


def above_leaf(fault: Fault) -> bool:
    """Whether the fault is of an issuer."""
    return fault.depth > 0


class Lax(PlatformRules):
    """Forgives faults of these ``codes`` (openssl/x509_vfy.h), where ``when`` says so."""

    def __init__(self, *codes: int, when: Callable[[Fault], bool] = always) -> None:
        self._codes = codes
        self._when = when

    def forgives(self, fault: Fault) -> bool:
        return (fault.code in self._codes and self._when(fault)) or super().forgives(fault)


class Strict(PlatformRules):
    """Minds every path for which ``minds`` is true, which is called with the path and the phone's
    time in epoch seconds."""

    def __init__(self, minds: Callable[[Path, float], bool]) -> None:
        self._minds = minds

    def objections(self, path: Path, now: float) -> Iterator[str]:
        if self._minds(path, now):
            yield "this client does not like the certificate"
        yield from super().objections(path, now)


def extension(certificate: x509.Certificate | None, oid: x509.ObjectIdentifier) -> object | None:
    """Return the value of an extension, None where there is none."""
    if certificate is None:
        return None
    found = (e.value for e in certificate.extensions if e.oid == oid)
    return next(found, None)
