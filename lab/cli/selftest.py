"""``trustpin-lab selftest``: would the lab notice?"""

from __future__ import annotations

import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lab.cli.saying import fail

if TYPE_CHECKING:
    from lab.selftest.findings import Tried
    from lab.selftest.report import SelftestReport

EXIT_BAD = 1
EXIT_INTERRUPTED = 2
EXIT_USAGE = 4
EXIT_OPEN = 6


def selftest(
    mutant: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Only this mutant; may be repeated.", show_default=False),
    ] = None,
    attack: Annotated[
        list[str] | None,
        typer.Option(metavar="SLUG", help="Only this attack; may be repeated.", show_default=False),
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="Every mutant under every attack.")] = False,
    workers: Annotated[
        int | None,
        typer.Option("-n", min=0, help="Processes; one a processor where left out.", metavar="N"),
    ] = None,
    reports: Annotated[Path, typer.Option(metavar="DIR", help="Where the report goes.")] = Path(
        "reports"
    ),
) -> None:
    """Show that the lab would notice: put clients that are wrong on purpose under its attacks.

    Every mutant must die for the right reason, every attack must kill one, and the reference
    client must survive them all. Exit code 0: so it is. 1: not so. 2: ended early. 4: a mistake
    in the options. 6: something was inconclusive.
    """
    # Here, not above: other commands need nothing of this.
    from lab.evidence.run import new_run_id
    from lab.evidence.writer import ReportsUnwritable
    from lab.selftest.crew import WorkersLost
    from lab.selftest.findings import Standing
    from lab.selftest.folder import made_folder, write
    from lab.selftest.report import make_report
    from lab.selftest.run import Unknown, Wish, carry_out, scope_of

    wish = Wish(frozenset(mutant or ()), frozenset(attack or ()), full)
    run_id, started_at = new_run_id(), time.time()
    try:
        scope_of(wish)
        folder = made_folder(reports, run_id)
        with _sigterm_as_ctrl_c():
            outcome = carry_out(wish, _progress(), workers=workers)
        report = make_report(wish, outcome, run_id, started_at)
        page = write(folder, report)
    except Unknown as error:
        fail(str(error), EXIT_USAGE)
    except ReportsUnwritable as error:
        fail(str(error), EXIT_USAGE)
    except WorkersLost as error:
        fail(str(error), EXIT_OPEN)
    _show(report, page)
    if not report.complete:
        raise typer.Exit(EXIT_INTERRUPTED)
    codes = {Standing.BAD: EXIT_BAD, Standing.OPEN: EXIT_OPEN}
    raise typer.Exit(codes.get(report.standing, 0))


@contextmanager
def _sigterm_as_ctrl_c() -> Iterator[None]:
    """Let a job that is cut short keep what was found so far."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _progress() -> Callable[[Tried, int], None]:
    """Return what keeps a line on a terminal up to date; on anything else it says nothing."""
    from lab.evidence.progress import progress_line
    from lab.model.verdict import Verdict

    terminal = sys.stderr.isatty()
    started = time.monotonic()
    counts: dict[Verdict, int] = {}

    def tell(tried: Tried, left: int) -> None:
        counts[tried.verdict] = counts.get(tried.verdict, 0) + 1
        if terminal:
            done = sum(counts.values())
            now = f"{tried.client} {tried.attack}"
            width = shutil.get_terminal_size().columns - 1
            line = progress_line(done, done + left, {}, now, time.monotonic() - started, width)
            sys.stderr.write(f"\r\x1b[K{line}")
            sys.stderr.flush()

    return tell


def _show(report: SelftestReport, page: Path) -> None:
    from lab.selftest.table import render

    if sys.stderr.isatty():
        sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()
    width = shutil.get_terminal_size((100, 24)).columns
    typer.echo(render(report, width, sys.stdout.isatty(), str(page)))
