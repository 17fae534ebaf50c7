"""The terminal that summaries are laid out for."""

from __future__ import annotations

from typing import IO

from rich.console import Console


def plain_console(out: IO[str], width: int, color: bool) -> Console:
    """Return a console that writes to ``out``, whatever the environment says of this terminal.
    Without ``color`` it writes no escape sequence."""
    return Console(
        file=out,
        width=width,
        force_terminal=color,
        color_system="standard" if color else None,
        no_color=not color,
        highlight=False,
        legacy_windows=False,
        _environ={},
    )
