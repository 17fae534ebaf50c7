"""The command line: ``trustpin-lab``."""

from __future__ import annotations

import typer

from lab.cli.devices import devices, doctor
from lab.cli.diff import diff
from lab.cli.gate import gate
from lab.cli.phone import phone
from lab.cli.pins import pins
from lab.cli.profile import profile
from lab.cli.report import report
from lab.cli.restore import restore
from lab.cli.selftest import selftest
from lab.cli.verify import verify
from lab.cli.wifi import wifi
from lab.cli.wireguard import wireguard

app = typer.Typer(
    name="trustpin-lab",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(devices)
app.command()(doctor)
app.command()(diff)
app.command()(gate)
app.command()(phone)
app.command()(pins)
app.command()(report)
app.command()(restore)
app.command()(selftest)
app.command()(verify)
app.command()(wireguard)
app.add_typer(profile)
app.add_typer(wifi)


@app.callback()
def trustpin_lab() -> None:
    """Find out whether an app's certificate pinning holds."""


def main() -> None:
    """Run the command line and exit: 0 for done, 2 for a mistake of the user."""
    app()
