"""The openssl program: it makes certificates, computes pins and verifies signatures."""

from __future__ import annotations

import base64
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from lab.model.pins import PinKind
from tests.patience import CAP

KEYS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "rsa2048": ("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"),
        "rsa-pss": ("-algorithm", "RSA-PSS", "-pkeyopt", "rsa_keygen_bits:2048"),
        "p256": ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"),
        "p384": ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"),
        "p521": ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-521"),
        "p256-compressed": (
            *("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-pkeyopt", "point-format:compressed"),
        ),
        "ed25519": ("-algorithm", "ED25519"),
        "ed448": ("-algorithm", "ED448"),
    }
)
"""How to make a key of each kind."""


def run(*arguments: str | Path, content: bytes = b"") -> bytes:
    command = ["openssl", *map(str, arguments)]
    done = subprocess.run(command, input=content, capture_output=True, check=True, timeout=CAP)
    return done.stdout


def make(directory: Path, kind: str) -> tuple[Path, Path]:
    """Make a key of this kind and a self-signed certificate for it; return their PEM files."""
    key, certificate = directory / f"{kind}.key", directory / f"{kind}.crt"
    run("genpkey", *KEYS[kind], "-out", key)
    run("req", "-x509", "-key", key, "-subj", f"/CN={kind}", "-days", "2", "-out", certificate)
    return certificate, key


def pins(certificate: Path, form: str = "PEM") -> dict[PinKind, bytes]:
    """Compute the digests that the pins of ``certificate`` must have (contract section 1.2)."""
    read = ("x509", "-in", certificate, "-inform", form)
    whole = run(*read, "-outform", "DER")
    public = run("pkey", "-pubin", "-outform", "DER", content=run(*read, "-noout", "-pubkey"))
    return {
        PinKind.LEAF_SHA256: digest(whole, "sha256"),
        PinKind.LEAF_SHA512: digest(whole, "sha512"),
        PinKind.SPKI_SHA256: digest(public, "sha256"),
        PinKind.SPKI_SHA512: digest(public, "sha512"),
    }


def base64_pins(certificate: Path, form: str = "PEM") -> dict[PinKind, str]:
    found = pins(certificate, form).items()
    return {kind: base64.b64encode(raw).decode() for kind, raw in found}


def digest(content: bytes, name: str) -> bytes:
    return run("dgst", f"-{name}", "-binary", content=content)
