"""``trustpin-lab verify``: is this bundle what was signed, and do its verdicts follow?"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lab.cli.saying import fail

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

    from lab.evidence.verify import Verification

EXIT_BAD, EXIT_USAGE, EXIT_INCOMPLETE = 1, 2, 3


def verify(
    bundle: Annotated[
        Path, typer.Argument(metavar="BUNDLE", help="The folder of a run: reports/<run>.")
    ],
    key: Annotated[
        Path | None,
        typer.Option(
            "--key",
            metavar="PEM",
            help="The public key that must have signed it. Without, the bundle's own is taken: "
            "that shows what was changed since, not who made it.",
            show_default=False,
        ),
    ] = None,
    timestamp_ca: Annotated[
        Path | None,
        typer.Option(
            "--timestamp-ca",
            metavar="PEM",
            help="The roots under which a timestamp authority must be.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Check a bundle, offline: every file, the signature, and that each verdict follows.

    Exit code 0: it verifies. 1: it does not; every file that is not as it was signed is named.
    2: a mistake in the options, or it could not be looked at. 3: it verifies, but the run did not
    get to its end.
    """
    # Here, not above: other commands need nothing of this.
    from lab.evidence.signing import KeyUnusable, Verifier
    from lab.evidence.verify import verify as check
    from lab.evidence.verify_crew import NotChecked

    try:
        named = None if key is None else Verifier.load(key)
        roots = () if timestamp_ca is None else _roots(timestamp_ca)
        told = check(bundle, named, roots, _progress)
    except (KeyUnusable, NotChecked) as error:
        fail(str(error))
    except OSError as error:
        fail(f"{error.filename or bundle}: {error.strerror or error}")
    for finding in told.findings:
        typer.echo(str(finding), err=finding.breaks)
    for line in _summary(told, bundle):
        typer.echo(line)
    if not told.good:
        raise typer.Exit(EXIT_BAD)
    if not told.complete:
        raise typer.Exit(EXIT_INCOMPLETE)


def _progress(done: int, total: int) -> None:
    """Say on a terminal how far it is; a small bundle is done before anybody could read that."""
    if sys.stderr.isatty():
        line = f"\r{done} of {total} scenarios judged again"
        sys.stderr.write(line if done < total else f"\r{' ' * len(line)}\r")
        sys.stderr.flush()


def _summary(told: Verification, bundle: Path) -> list[str]:
    broken = sum(finding.breaks for finding in told.findings)
    if broken:
        return [f"{bundle} DOES NOT VERIFY: {broken} findings."]
    captures = f" and compared with {told.captures} captures" if told.captures else ""
    lines = [
        f"{told.files} files are as they were signed; {told.judged} scenarios judged again"
        f"{captures}: every verdict follows.",
        f"Signed with key {told.key_id}"
        + ("." if told.key_was_named else ", which is in the bundle: is it the signer's?"),
    ]
    if told.stamped is not None:
        trust = "" if told.stamp_trusted else ", by an authority that nobody vouches for here"
        lines.append(f"It was there at {told.stamped:%Y-%m-%d %H:%M:%S} UTC{trust}.")
    state = "verifies" if told.complete else "verifies, but is INCOMPLETE"
    return [*lines, f"{bundle} {state}."]


def _roots(path: Path) -> tuple[Certificate, ...]:
    from cryptography import x509

    try:
        return tuple(x509.load_pem_x509_certificates(path.read_bytes()))
    except ValueError:
        fail(f"{path}: no certificates in PEM")
