"""Writes docs/catalogue.md from the attacks themselves. ``python -m lab.catalogue.page``."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path

from lab.catalogue.profile_table import either, profile_table
from lab.catalogue.registry import CHAPTERS, SECTIONS, CatalogueEntry, entries
from lab.model.attack import Adversary, Attempt, Control, Expectation, Subject, Trust
from lab.model.outcome import Answer
from lab.model.profile import PROFILES, Profile

FILE = Path(__file__).parents[2] / "docs" / "catalogue.md"

HEAD = """# Attack catalogue

Written by `make docs` from the attacks in `lab/catalogue/`; do not edit it here. Each entry is
tried by every adversary and under every TLS version that it names: {cases} cases for a device that
lacks nothing.

What is expected of the app depends on the version of its SDK in a few points. `profile` in
devices.yaml says which version's documents count; where an entry names no version, all agree.

{profiles}
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
    parts = [HEAD.format(cases=count, profiles=profile_table())]
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
    yield "Expected", _by_profile(entry)
    if entry.subject is not Subject.APP:
        yield "Attacked", f"the {entry.subject} control client instead of the app"
    yield "Control", CONTROLS[entry.control]
    if entry.needs:
        yield "Needs", ", ".join(f"`{need}`" for need in sorted(entry.needs))
    yield "About", str(entry.concern)


def _by_profile(entry: CatalogueEntry) -> str:
    """Say what is expected: what all profiles agree on at once, the rest in a list."""
    said = _grouped(lambda profile: _expected(entry, profile))
    if len(said) > 1:
        return "it depends on the SDK" + _list(said)
    told = _grouped(lambda profile: _told(entry.expectation(profile)))
    return next(iter(said)) + (_list(told) if len(told) > 1 else "")


def _grouped(say: Callable[[Profile], str]) -> dict[str, list[str]]:
    """Return what is said of the profiles, and the names of those of which it is said."""
    said: dict[str, list[str]] = {}
    for profile in PROFILES:
        said.setdefault(say(profile), []).append(profile.name)
    return said


def _list(said: Mapping[str, Sequence[str]]) -> str:
    return "".join(f"\n  - SDK {' and '.join(names)}: {text}" for text, names in said.items())


def _expected(entry: CatalogueEntry, profile: Profile) -> str:
    why_not = next(filter(None, map(profile.lacks, sorted(entry.needs))), None)
    if why_not is not None:
        return f"not applicable: {why_not}"
    if entry.must_be_caught:
        return "this client is wrong on purpose: the judge must say FAIL"
    expected = entry.expectation(profile)
    if expected.answer is Answer.ACCEPTED:
        return "accepted"
    kinds = " or ".join(f"`{kind}`" for kind in sorted(expected.kinds))
    seen = {
        Attempt.REQUIRED: "",
        Attempt.LOOKED_UP: "; a look-up of the name must be seen",
        Attempt.OPTIONAL: "; the app may refuse before it connects",
    }[expected.attempt]
    return f"refused, with an error of the kind {kinds}{seen}"


def _told(expected: Expectation) -> str:
    usual, *others = [f"{either(way.codes)} at the {way.step}" for way in expected.told] or [""]
    return usual + "".join(f"; or {other}" for other in others)


def main(argv: Sequence[str] = ()) -> None:
    """Write the page to the file named first, else to its place in docs/."""
    target = Path(argv[0]) if argv else FILE
    target.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
