"""``trustpin-lab diff``: what changed from one run to the next?"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lab.cli.bundles import checked_bundles, read_reports
from lab.cli.saying import fail

if TYPE_CHECKING:
    from lab.gate.diff import Run

EXIT_WORSE = 1


def diff(
    old: Annotated[Path, typer.Argument(metavar="OLD", help="The folder of the earlier run.")],
    new: Annotated[Path, typer.Argument(metavar="NEW", help="The folder of the later run.")],
    match: Annotated[
        list[str] | None,
        typer.Option(
            metavar="OLD=NEW",
            help="A device that has another id in NEW. May be given more than once.",
            show_default=False,
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write one JSON object.")] = False,
    as_markdown: Annotated[
        bool, typer.Option("--markdown", help="Write Markdown, for a pull request.")
    ] = False,
    unverified: Annotated[
        bool, typer.Option("--unverified", help="Compare runs that do not verify, too.")
    ] = False,
) -> None:
    """Show which verdicts changed between two runs, regressions first.

    Exit code 0: nothing was better before. 1: something was. 2: a mistake in the options. 3: a
    bundle does not verify.
    """
    # Here, not above: other commands need nothing of this.
    from lab.evidence.record import to_json
    from lab.gate.diff import difference
    from lab.gate.diff_markdown import markdown
    from lab.gate.diff_table import render

    if as_json and as_markdown:
        fail("give one of --json and --markdown")
    before, after = (_run(folder, unverified=unverified) for folder in (old, new))
    told = difference(before, after, _renamed(match or [], before, after))
    if as_json:
        typer.echo(json.dumps(to_json(told), indent=2, ensure_ascii=False))
    elif as_markdown:
        typer.echo(markdown(told), nl=False)
    else:
        width = shutil.get_terminal_size((100, 24)).columns
        typer.echo(render(told, width, sys.stdout.isatty()))
    if told.regressions:
        raise typer.Exit(EXIT_WORSE)


def _run(folder: Path, *, unverified: bool) -> Run:
    from lab.gate.diff import Run

    ((report, checked),) = read_reports(checked_bundles([folder], unverified=unverified))
    return Run(str(folder), report.info.lab, checked.verification.complete, report.results)


def _renamed(match: list[str], before: Run, after: Run) -> dict[str, str]:
    """Return the new ids of devices. The command ends where one is not there, or is meant twice."""
    from lab.devices.problems import nearest, quote

    found: dict[str, str] = {}
    old, new = ({r.device for r in run.results} for run in (before, after))
    for text in match:
        was, _, now = text.partition("=")
        if not was or not now:
            fail(f"--match: give OLD=NEW, not {quote(text)}")
        for name, known, run in ((was, old, before), (now, new, after)):
            if name not in known:
                told = f"--match: {run.name} has no device {quote(name)}{nearest(name, known)}"
                fail(told)
        if was in found or now in found.values() or (now in old and now != was):
            fail(f"--match: {quote(text)}: one of the two is already another device")
        found[was] = now
    return found
