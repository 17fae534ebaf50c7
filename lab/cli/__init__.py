"""The command line: ``trustpin-lab``."""

from __future__ import annotations

import typer

from lab.cli.pins import pins

app = typer.Typer(
    name="trustpin-lab",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(pins)


@app.callback()
def trustpin_lab() -> None:
    """Find out whether an app's certificate pinning holds."""


def main() -> None:
    """Run the command line and exit: 0 for done, 2 for a mistake of the user."""
    app()
