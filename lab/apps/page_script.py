"""An app's screen as somebody described it in YAML: what is done on it, and what it means.

Values only; ``lab.apps.yaml_page`` works the screen, ``lab.devices.app_pages`` reads the file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from lab.apps import messages
from lab.apps.finding import Named
from lab.model.outcome import DOCUMENTED_ERRORS, Answer, AppOutcome, ErrorKind

MAX_RESULT = 20_000
"""Characters of a result that are looked at: the last ones."""
MAX_QUOTED = 200
SETUP_BLANKS = frozenset(
    {"configuration_url", "organization_id", "project_id", "public_key", "report_url", "mode"}
)
REQUEST_BLANKS = frozenset({"url", "host"})


class Text(Protocol):
    """A text with blanks."""

    def fill(self, values: Mapping[str, str], environ: Mapping[str, str], /) -> str:
        """Return the text with every blank filled in."""


class Action(StrEnum):
    """What a step does."""

    TAP = "tap"
    FILL = "fill"
    WAIT = "wait"
    BACK = "back"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do on the screen."""

    action: Action
    element: Named | None = None
    """None for ``BACK`` alone."""
    text: Text | None = None
    """What is entered."""
    optional: bool = False
    """Whether it is left out where the element is not there."""
    seconds: int = 10
    """How long the element may take to appear."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Words by which an app says that something failed."""

    match: re.Pattern[str]
    """May have groups called ``kind``, ``code`` and ``message``."""
    kinds: frozenset[ErrorKind] = frozenset()
    """What they mean; empty where the groups, or else the words, tell."""

    def meaning(self, found: re.Match[str]) -> tuple[frozenset[ErrorKind], str | None]:
        """Return the kinds of error and the error's name that an app's words tell."""
        groups: dict[str, str] = {name: text for name, text in found.groupdict().items() if text}
        code: str | None = groups.get("code")
        if self.kinds:
            return self.kinds, code
        if groups.get("kind") in set(ErrorKind):
            return frozenset({ErrorKind(groups["kind"])}), code
        if code is not None and code in DOCUMENTED_ERRORS:
            return frozenset({DOCUMENTED_ERRORS[code]}), code
        told = messages.read_error(groups.get("message", found.string), code or "")
        return frozenset({told.kind}), code or told.code


@dataclass(frozen=True, slots=True)
class Reading:
    """How a result is read."""

    result: Named
    accepted: tuple[re.Pattern[str], ...]
    refused: tuple[Refusal, ...]
    busy: tuple[re.Pattern[str], ...] = ()
    """What is to be read while the app is still at it."""
    seconds: int = 25

    def outcome(self, text: str) -> AppOutcome | None:
        """Return what a result means; None for what is none yet. Pure."""
        text = text[-MAX_RESULT:]
        if not text.strip() or any(busy.search(text) for busy in self.busy):
            return None
        accepted = any(pattern.search(text) for pattern in self.accepted)
        refusal, found = next(
            ((r, found) for r in self.refused if (found := r.match.search(text))), (None, None)
        )
        log = tuple(text.splitlines()[-messages.MAX_LOG :])
        if accepted and found is not None:
            both = "the result fits both 'accepted' and 'refused'; make the patterns narrower"
            return AppOutcome(Answer.SILENT, message=f"{both}: {short(text)}", log=log)
        if accepted:
            return AppOutcome(Answer.ACCEPTED, message=short(text), log=log)
        if refusal is None or found is None:
            return None
        kinds, code = refusal.meaning(found)
        return AppOutcome(Answer.REFUSED, kinds, code=code, message=short(text), log=log)


@dataclass(frozen=True, slots=True)
class Asking:
    """How the app is made to request a URL."""

    reading: Reading
    before: tuple[Step, ...] = ()
    fill: Named | None = None
    """The field that takes the URL."""
    deep_link: Text | None = None
    """An address that makes the app request the URL by itself."""
    trigger: Named | None = None


@dataclass(frozen=True, slots=True)
class PageScript:
    """An app's screen, as a file describes it."""

    package: str
    asking: Asking
    activity: str = ""
    start: tuple[Step, ...] = ()
    setup: tuple[Step, ...] = ()
    setup_reading: Reading | None = None


def short(text: str) -> str:
    """Return the end of what an app says, on one line, for a message."""
    flat = " ".join(text.split())
    return flat if len(flat) <= MAX_QUOTED else f"…{flat[-MAX_QUOTED:]}"
