"""Whether a bundle's files are those that were signed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from lab.evidence.canonical import Digest, digest_of_file
from lab.evidence.finding import Finding
from lab.evidence.manifest import is_file, walk


def compare(
    folder: Path, signed: Mapping[str, Digest], *, apart: frozenset[str], closed: bool
) -> Iterator[Finding]:
    """Yield every file that is not as it was signed: changed, swapped with another, missing, added.

    Those called ``apart`` are looked at elsewhere. Where the list is not ``closed``, what is not in
    it is only told: it was written after the last line of the journal.
    """
    present = [name for name in walk(folder) if name not in apart]
    owners = {digest: name for name, digest in signed.items()}
    for name in present:
        if not is_file(folder / name):
            yield Finding(name, "not a file of its own, but a link or a device")
        elif name not in signed:
            text = "added: it is not among what was signed"
            if closed:
                yield Finding(name, text)
            else:
                yield Finding(name, "not signed: it came after the last signature", breaks=False)
        else:
            yield from _changed(name, digest_of_file(folder / name), signed[name], owners)
    for name in sorted(signed.keys() - set(present) - apart):
        yield Finding(name, "missing")


def _changed(
    name: str, found: Digest, signed: Digest, owners: Mapping[Digest, str]
) -> Iterator[Finding]:
    if found == signed:
        return
    other = owners.get(found)
    if other is not None:
        yield Finding(name, f"swapped: it holds what was signed as {other}")
    else:
        yield Finding(name, f"changed: SHA-256 {found.sha256[:16]}…, signed {signed.sha256[:16]}…")
