"""Writes docs/catalogue.md from the attacks themselves. ``python -m lab.catalogue.page``."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path

from lab.catalogue.registry import CHAPTERS, SECTIONS, CatalogueEntry, entries
from lab.model.attack import Adversary, Attempt, Control, Subject, Trust
from lab.model.outcome import Answer

FILE = Path(__file__).parents[2] / "docs" / "catalogue.md"

HEAD = """# Attack catalogue

Written by `make docs` from the attacks in `lab/catalogue/`; do not edit it here. Each entry is
tried by every adversary and under every TLS version that it names: {cases} cases for a device that
lacks nothing.
"""

ADVERSARIES = {
    Adversary.ROGUE_CA: "rogue CA",
    Adversary.COMPROMISED_CA: "compromised CA",
    Adversary.ROGUE_WIFI: "rogue Wi-Fi",
}
STORES = {
    Trust.NONE: "in no store of the device",
    Trust.USER: "in the user's store",
    Trust.SYSTEM: "in the system store",
}
CONTROLS = {
    Control.UNPINNED: "an unpinned client must be intercepted",
    Control.CARELESS: "a client that ignores certificate errors must be intercepted",
    Control.CLEARTEXT: "a cleartext request must be read",
    Control.NONE: "none is needed: nothing is intercepted that must not be",
}


def page() -> str:
    """Return the whole page."""
    found = entries()
    count = sum(len(e.adversaries) * max(1, len(e.versions)) for e in found)
    parts = [HEAD.format(cases=count)]
    for chapter in CHAPTERS:
        module = import_module(f"lab.catalogue.{chapter}")
        own = [e for e in found if e.serve.__module__ == module.__name__]
        title, _, more = " ".join((module.__doc__ or "").split()).partition(". ")
        parts += [f"\n## {title.rstrip('.')}\n", *([f"{more}\n"] if more else [])]
        parts += [text for e in own for text in _entry(e)]
    return "\n".join(parts).rstrip() + "\n"


def _entry(entry: CatalogueEntry) -> Iterator[str]:
    yield f"### {entry.id} {entry.title}\n"
    yield "\n".join(f"- **{name}**: {text}" for name, text in _facts(entry)) + "\n"
    told = ((name, entry.sections[name]) for name in SECTIONS)
    yield "\n\n".join(f"**{name}.** {text[0].upper()}{text[1:]}" for name, text in told) + "\n"


def _facts(entry: CatalogueEntry) -> Iterator[tuple[str, str]]:
    yield "Name", f"`{entry.slug}`"
    attackers = ", ".join(ADVERSARIES[a] for a in entry.adversaries)
    versions = ", ".join(v.removeprefix("tls") for v in entry.versions)
    yield "Adversary", attackers + (f"; TLS {versions}" if versions else "")
    yield "Attacker's root", STORES[entry.trust]
    yield "Expected", _expected(entry)
    if entry.subject is not Subject.APP:
        yield "Attacked", f"the {entry.subject} control client instead of the app"
    yield "Control", CONTROLS[entry.control]
    if entry.needs:
        yield "Needs", ", ".join(f"`{need}`" for need in sorted(entry.needs))
    yield "About", str(entry.concern)


def _expected(entry: CatalogueEntry) -> str:
    if entry.must_be_caught:
        return "this client is wrong on purpose: the judge must say FAIL"
    if entry.expect.answer is Answer.ACCEPTED:
        return "accepted"
    kinds = " or ".join(f"`{kind}`" for kind in sorted(entry.expect.kinds))
    seen = {
        Attempt.REQUIRED: "",
        Attempt.LOOKED_UP: "; a look-up of the name must be seen",
        Attempt.OPTIONAL: "; the app may refuse before it connects",
    }[entry.expect.attempt]
    return f"refused, with an error of the kind {kinds}{seen}"


def main(argv: Sequence[str] = ()) -> None:
    """Write the page to the file named first, else to its place in docs/."""
    target = Path(argv[0]) if argv else FILE
    target.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
