"""``trustpin-lab gate``: do these runs show what a release must have shown?"""

from __future__ import annotations

import json
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from lab.cli.bundles import CHANGED, EXIT_FORGED, checked_bundles
from lab.cli.saying import EXIT_USAGE, fail

EXIT_CLOSED = 1


def gate(
    bundles: Annotated[
        list[Path],
        typer.Argument(metavar="BUNDLE...", help="Folders of runs: reports/<run>."),
    ],
    policy: Annotated[
        Path, typer.Option("--policy", metavar="FILE", help="What must have been shown, in YAML.")
    ],
    app: Annotated[
        list[Path] | None,
        typer.Option(
            "--app",
            metavar="FILE",
            help="The build that is to be released: it must be the one that was tested. May be "
            "given more than once.",
            show_default=False,
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write one JSON object.")] = False,
) -> None:
    """Open or close the gate for a release, by a policy and the evidence of runs.

    Every bundle is verified first. Exit code 0: the gate is open. 1: it is closed; what is missing
    is said, the most important first. 2: a mistake in the options or in the policy. 3: a bundle
    does not verify, so that nothing is decided.
    """
    # Here, not above: other commands need nothing of this.
    from lab.devices.problems import SettingsError
    from lab.evidence.record import RecordInvalid, to_json
    from lab.gate.deciding import decide
    from lab.gate.inputs import read_inputs
    from lab.gate.reading import read_source
    from lab.gate.reading_policy import read_policy
    from lab.gate.telling import render

    try:
        asked = read_policy(policy)
        inputs = read_inputs(asked, policy, app or (), datetime.now(UTC))
    except SettingsError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(EXIT_USAGE) from None
    checked = checked_bundles(bundles)
    try:
        sources = [read_source(each) for each in checked]
    except (RecordInvalid, OSError) as error:
        fail(f"{CHANGED}: {error}", EXIT_FORGED)
    decision = decide(asked, sources, inputs)
    if as_json:
        typer.echo(json.dumps(to_json(decision), indent=2, ensure_ascii=False))
    else:
        width = shutil.get_terminal_size((100, 24)).columns
        typer.echo(render(decision, width, sys.stdout.isatty()))
    if not decision.open:
        raise typer.Exit(EXIT_CLOSED)
