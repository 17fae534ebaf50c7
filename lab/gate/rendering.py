"""The forms in which a derived report is written, and where it may be written to."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from lab.evidence import writer
from lab.evidence.assessed import Read
from lab.evidence.layout import ATTESTATION, CAPTURES, JOURNAL, RESULTS, SCREENSHOTS
from lab.evidence.record import to_json
from lab.evidence.renderers import RENDERERS, Form, Renderer
from lab.evidence.run import RunReport

NAMED_BY_CONTENT = (f"{SCREENSHOTS}/", f"{CAPTURES}/")
"""Files that are the same in whichever bundle they are."""


class NotHere(Exception):
    """A report may not be written there; the message says why."""


def _results(report: RunReport, _: Read) -> bytes:
    text = json.dumps(to_json(report), indent=1, ensure_ascii=False, allow_nan=False)
    return text.encode() + b"\n"


FORMS: tuple[Renderer, ...] = (*RENDERERS, Form("json", RESULTS, "application/json", _results))


def reader(folders: Sequence[Path]) -> Read:
    """Return what gives the content of files of bundles by their names.

    Of several bundles it gives only what is named by its content: the rest is another in each.
    """

    reads = [writer.reader(folder) for folder in folders]

    def read(name: str) -> bytes | None:
        if len(reads) > 1 and not name.startswith(NAMED_BY_CONTENT):
            return None
        return next(filter(None, (each(name) for each in reads)), None)

    return read


def check_outside(target: Path) -> None:
    """Raise NotHere where a file in ``target`` would be in a bundle, which would not verify any
    more."""
    here = target.absolute().resolve()
    for folder in (here, *here.parents):
        if (folder / ATTESTATION).exists() or (folder / JOURNAL).exists():
            text = f"{target} is in the bundle {folder}, which would not verify any more"
            raise NotHere(f"{text}; give another folder")


def chosen(names: Iterable[str]) -> tuple[Renderer, ...]:
    """Return the forms that are called so, each once; all where nothing is named. Raises
    KeyError with the first name that none has."""
    by_name = {form.name: form for form in FORMS}
    wanted = dict.fromkeys(names)
    return tuple(by_name[name] for name in wanted) if wanted else FORMS
