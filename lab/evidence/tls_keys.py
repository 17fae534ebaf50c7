"""TLS 1.3 records, opened with a traffic secret (RFC 8446 sections 5.2, 7.1 and 7.3)."""

from __future__ import annotations

from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

Aead = AESGCM | ChaCha20Poly1305

TAG = 16
NONCE = 12
_HEADER = 5

_SUITES: dict[int, tuple[hashes.HashAlgorithm, type[AESGCM] | type[ChaCha20Poly1305], int]] = {
    0x1301: (hashes.SHA256(), AESGCM, 16),
    0x1302: (hashes.SHA384(), AESGCM, 32),
    0x1303: (hashes.SHA256(), ChaCha20Poly1305, 32),
}
"""Hash, cipher and bytes of its key, by suite (RFC 8446 appendix B.4)."""


@dataclass(slots=True)
class Opener:
    """Opens the records of one direction under one secret, in their order."""

    _aead: Aead
    _nonce: int
    _records: int = field(default=0)

    @classmethod
    def of(cls, suite: int, secret: bytes) -> Opener | None:
        """Return what opens records under ``secret``, None where the suite is not known or the
        secret is none of its."""
        known = _SUITES.get(suite)
        if known is None or len(secret) != known[0].digest_size:
            return None
        hashed, aead, size = known
        key = _expanded(hashed, secret, b"key", size)
        return cls(aead(key), int.from_bytes(_expanded(hashed, secret, b"iv", NONCE), "big"))

    def opened(self, record: bytes) -> tuple[int, bytes] | None:
        """Return the type and content of a record, which is given with its header; None where it
        is not under this secret, or not the next."""
        nonce = (self._nonce ^ self._records).to_bytes(NONCE, "big")
        try:
            inner = self._aead.decrypt(nonce, record[_HEADER:], record[:_HEADER])
        except InvalidTag:
            return None
        self._records += 1
        content = inner.rstrip(b"\0")
        return (content[-1], content[:-1]) if content else None


def _expanded(hashed: hashes.HashAlgorithm, secret: bytes, label: bytes, size: int) -> bytes:
    """HKDF-Expand-Label with an empty context (section 7.1)."""
    name = b"tls13 " + label
    info = size.to_bytes(2, "big") + bytes([len(name)]) + name + b"\0"
    return HKDFExpand(hashed, size, info).derive(secret)
