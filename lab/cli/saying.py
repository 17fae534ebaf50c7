"""What commands say alike: why they end, and QR codes."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Never

import typer

EXIT_USAGE = 2
"""A mistake of the user's."""
PICTURES = frozenset({".svg", ".png"})


def fail(message: str, code: int = EXIT_USAGE) -> Never:
    """Say why the command ends, and end it."""
    typer.echo(f"trustpin-lab: {message}", err=True)
    raise typer.Exit(code)


def check_picture(picture: Path | None) -> None:
    """End the command where ``picture`` is no file that a QR code can be written to."""
    if picture is not None and picture.suffix.lower() not in PICTURES:
        fail(f"{picture}: give a name that ends in .svg or .png")


def show_qr(text: str, picture: Path | None, scan: str) -> None:
    """Print a QR code, or write it into a file that is its owner's alone: it may hold a secret.

    ``scan`` says how it is scanned. Raises OSError.
    """
    import segno

    from lab.pki.credential import write_private

    code = segno.make(text, micro=False)
    if picture is None:
        code.terminal(compact=True)
        return
    made = io.BytesIO()
    code.save(made, kind=picture.suffix.lower().removeprefix("."), scale=6)
    write_private(picture, made.getvalue())
    typer.echo(f"{picture}: {scan}")
