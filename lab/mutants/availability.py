"""Mutants: what is right is refused, and users are locked out."""

from __future__ import annotations

from lab.mutants.registry import mutant
from lab.phone.sdk.client import ReferenceClient
from lab.phone.sdk.errors import PinsMismatch


@mutant(
    "uses its pins up with the first connection",
    killed_by=[
        "good_chain",
        "good_chain_spki_sha512",
        "good_chain_leaf_sha256",
        "good_chain_leaf_sha512",
        "no_interception",
    ],
    rules=["answer_is_right"],
)
class UsesItsPinsUp(ReferenceClient):
    """Keeps its pins in an iterator, which the first comparison leaves empty; the refusal that
    follows makes it read them anew. A test with one request finds nothing, and users find that
    every other try works."""

    _left = True

    def check(self, host: str, port: int, chain: tuple[bytes, ...]) -> None:
        """Compare with what is left of the pins."""
        self._left, left = not self._left, self._left
        if not left:
            raise PinsMismatch(f"Certificate pinning failed for domain '{host}'")
        super().check(host, port, chain)
