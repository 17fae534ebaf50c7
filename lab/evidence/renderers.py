"""All forms in which a run can be read. Each is a pure function of the results and of the files
that are in the bundle beside them, so that a verifier can make it again and compare."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from lab.evidence import html, junit, markdown, sarif, workbook
from lab.evidence.assessed import Read
from lab.evidence.layout import CHECKLIST, FAILURES, PAGE, SARIF, SCENARIOS, SUMMARY
from lab.evidence.run import RunReport


class Renderer(Protocol):
    """One form of a run's report."""

    @property
    def name(self) -> str:
        """How a user names it: ``sarif``."""

    @property
    def file(self) -> str:
        """What it is called in the run's folder."""

    @property
    def media_type(self) -> str: ...

    @property
    def packages(self) -> tuple[str, ...]:
        """The Python packages on whose version the bytes depend."""

    def render(self, report: RunReport, read: Read) -> bytes:
        """Return the file. ``read`` gives what else is in the bundle (screenshots, context) by
        its name. The same for the same input; nothing in a report makes it fail."""


@dataclass(frozen=True, slots=True)
class Form:
    """A renderer that is a function."""

    name: str
    file: str
    media_type: str
    of: Callable[[RunReport, Read], bytes]
    packages: tuple[str, ...] = ()

    def render(self, report: RunReport, read: Read) -> bytes:
        return self.of(report, read)


def _page(report: RunReport, read: Read) -> bytes:
    return html.render(report, read).encode("utf-8", "replace")


RENDERERS: tuple[Renderer, ...] = (
    Form("html", PAGE, "text/html", _page, ("jinja2", "pillow")),
    Form("junit", SCENARIOS, "application/xml", junit.render, ("lxml",)),
    Form("sarif", SARIF, "application/sarif+json", sarif.render),
    Form("sarif-failures", FAILURES, "application/sarif+json", sarif.render_failures),
    Form(
        "xlsx",
        CHECKLIST,
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        workbook.render,
        ("xlsxwriter",),
    ),
    Form("markdown", SUMMARY, "text/markdown", markdown.render),
)


def rendered(
    report: RunReport, read: Read, renderers: Iterable[Renderer] = RENDERERS
) -> dict[str, bytes]:
    """Return every file by its name."""
    return {renderer.file: renderer.render(report, read) for renderer in renderers}
