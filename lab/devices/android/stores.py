"""What the trust stores of a phone have in common: folders of certificates under hashed names."""

from __future__ import annotations

import hashlib
import re
import shlex
import ssl
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from cryptography import x509

from lab.devices.android.facts import fact
from lab.devices.android.link import CommandRefused, Ran
from lab.pki.store_names import subject_hash_old

MOST_FILES = 1000
"""Files of a store; the largest known has some 150."""
MOST_CERTIFICATES = 50
"""Certificates of the lab's at a time: they travel in a command line."""

_THERE = "there"
_HASHED = re.compile(r"([0-9a-f]{64})\s+\*?(?:\./)?([^\s/]{1,255})", re.ASCII)
_NOTHING = re.compile(r"\*: (No such file|not found)", re.IGNORECASE)


class CaStore(Protocol):
    """A trust store that the lab can add to."""

    def hold(self, certificates: Sequence[bytes]) -> None:
        """Make the store hold exactly these DER certificates beside what was there before the
        lab came. Raises DeviceLost, CommandRefused, and ValueError for what is no
        certificate."""


@dataclass(frozen=True, slots=True)
class StoreFile:
    """One certificate as a file of a store."""

    name: str
    """``HASH.N``: without the right one, nobody reads it."""
    content: str
    """PEM."""

    @property
    def sha256(self) -> str:
        """Of the content as it is on the phone."""
        return hashlib.sha256(self.content.encode("ascii")).hexdigest()


def store_files(certificates: Sequence[bytes], taken: Collection[str]) -> tuple[StoreFile, ...]:
    """Return the files of DER certificates in a store that has the names ``taken`` already: their
    numbers go on where those end, for a store is read up to the first gap (AOSP,
    TrustedCertificateStore). Raises ValueError for what is no certificate."""
    if len(certificates) > MOST_CERTIFICATES:
        raise ValueError(f"{len(certificates)} certificates; a store takes {MOST_CERTIFICATES}")
    names = set(taken)
    files: dict[bytes, StoreFile] = {}
    for der in certificates:
        if der in files:
            continue
        subject = subject_hash_old(x509.load_der_x509_certificate(der))
        number = 0
        while f"{subject}.{number}" in names:
            number += 1
        name = f"{subject}.{number}"
        names.add(name)
        files[der] = StoreFile(name, ssl.DER_cert_to_PEM_cert(der))
    return tuple(files.values())


def listing(folder: str) -> str:
    """Return the command that lists a folder's files with their hashes."""
    return f"cd {shlex.quote(folder)} && echo {_THERE} && sha256sum *"


def read_listing(ran: Ran) -> dict[str, str]:
    """Return the hash of each file by its name, from what ``listing`` got; none for an empty
    folder. Raises CommandRefused where there is no such folder, or a file that cannot be read."""
    if not ran.output.startswith(_THERE) or (ran.code and not _NOTHING.search(ran.output)):
        raise CommandRefused(f"the trust store cannot be read: {fact(ran.output)}")
    found = {name: digest for digest, name in _HASHED.findall(ran.output)}
    if len(found) > MOST_FILES:
        raise CommandRefused(f"a trust store of more than {MOST_FILES} files")
    return found


def write_command(folder: str, files: Sequence[StoreFile], unwanted: Collection[str]) -> str:
    """Return the command that puts files into a folder and takes others out of it; it ends well
    only where all of that did."""
    steps = [f"cd {shlex.quote(folder)}"]
    if unwanted:
        steps.append(f"rm -f {' '.join(map(shlex.quote, sorted(unwanted)))}")
    # Nobody reads a file that is half there: a name is given to a whole one.
    for file in files:
        begun = f"lab.{file.name}"
        steps.append(f"echo -n {shlex.quote(file.content)} > {begun}")
        steps.append(f"chmod 644 {begun} && mv -f {begun} {file.name}")
    return " && ".join(steps)


def as_value(files: Mapping[str, str]) -> list[str]:
    """Return a store's files as a journal keeps them: sorted, each with its hash."""
    return [f"{name} {digest}" for name, digest in sorted(files.items())]


def names_of(lines: Sequence[str]) -> set[str]:
    """Return the names from ``as_value``'s lines."""
    return {line.partition(" ")[0] for line in lines}
