"""Whether what a bundle has beside its records agrees with them: results, derived files,
certificates."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import lab
from lab.evidence.canonical import digest_of
from lab.evidence.certificates import der_of
from lab.evidence.derived import joined
from lab.evidence.finding import Finding
from lab.evidence.layout import CERTIFICATES, DERIVED, RESULTS
from lab.evidence.verify_records import Share, digest_of_json


def results_told(folder: Path, name: str) -> tuple[bytes, ...] | None:
    """Return a digest of each result that the file called ``name`` tells, ``results.json`` or
    ``verdicts.jsonl``; None where it tells none."""
    try:
        content = (folder / name).read_bytes()
        if name == RESULTS:
            results = json.loads(content)["results"]
            return tuple(map(digest_of_json, results)) if isinstance(results, list) else None
        return tuple(digest_of_json(json.loads(line)) for line in content.splitlines())
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def compare_results(
    name: str, told: Sequence[bytes] | None, shares: Sequence[Share], *, complete: bool
) -> Iterator[Finding]:
    """Yield that the results which the file called ``name`` tells are not those of the records. In
    a run that is not ``complete`` there may be results whose record could not be written any
    more."""
    due = [result for share in shares for result in share.results]
    if told is not None and list(told) == due:
        return
    if not complete and told is not None and _in_order(due, told):
        yield Finding(name, "some of its results have no record", breaks=False)
    else:
        yield Finding(name, "its results are not those of the records")


def compare_derived(
    folder: Path, there: frozenset[str], shares: Sequence[Share]
) -> Iterator[Finding]:
    """Yield what of the derived files that are ``there`` does not follow from the records of this
    very lab. Raises OSError."""
    if there & set(DERIVED):
        made = joined((share.derived for share in shares), lab.__version__)
        for name in sorted(there & made.keys()):
            if (folder / name).read_bytes() != made[name]:
                yield Finding(name, "it does not follow from the records")


def compare_certificates(
    folder: Path, names: Iterable[str], shares: Sequence[Share]
) -> Iterator[Finding]:
    """Yield certificates that are not what their name says, and served ones that are missing.
    Raises OSError."""
    kept = set()
    for name in names:
        if not name.startswith(f"{CERTIFICATES}/"):
            continue
        der = der_of((folder / name).read_bytes())
        digest = name.partition("/")[2].removesuffix(".pem")
        if der is None or digest_of(der).sha256 != digest:
            yield Finding(name, "it is not the certificate that its name stands for")
        kept.add(digest)
    for record, served in (told for share in shares for told in share.chains):
        lacking = served - kept
        if lacking and kept:
            text = f"the served certificate {min(lacking)[:16]}… is not in the bundle"
            yield Finding(record, text)


def _in_order(some: Iterable[bytes], among: Iterable[bytes]) -> bool:
    """Tell whether ``some`` are ``among`` others, in their order."""
    rest = iter(among)
    return all(any(item == other for other in rest) for item in some)
