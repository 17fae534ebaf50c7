"""How Android names the files of its trust stores."""

from __future__ import annotations

import hashlib

from cryptography import x509


def subject_hash_old(certificate: x509.Certificate) -> str:
    """Return the name that OpenSSL before 1.0 gave a certificate's subject, and Android's trust
    stores still do (AOSP, TrustedCertificateStore): 8 hex digits, without the number after it.

    Raises ValueError for a subject that cannot be read.
    """
    digest = hashlib.md5(certificate.subject.public_bytes(), usedforsecurity=False).digest()
    return f"{int.from_bytes(digest[:4], 'little'):08x}"
