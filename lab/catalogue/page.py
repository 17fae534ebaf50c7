"""Writes docs/catalogue.md from the attacks themselves. ``python -m lab.catalogue.page``."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from lab.catalogue.catalogue_entry import CatalogueEntry
from lab.catalogue.left_out import LEFT_OUT
from lab.catalogue.profile_table import either, profile_table
from lab.catalogue.registry import CHAPTERS, SECTIONS, entries
from lab.catalogue.stage import Stage
from lab.model.attack import Adversary, Attempt, Concern, Control, Expectation, Subject, Trust
from lab.model.outcome import Answer
from lab.model.profile import NEWEST, PROFILES, Profile

FILE = Path(__file__).parents[2] / "docs" / "catalogue.md"

HEAD = """# Attack catalogue

Written by `make docs` from the attacks in `lab/catalogue/`; do not edit it here. Each entry is
tried by every adversary and under every TLS version that it names: {cases} cases for a device that
lacks nothing.

What is expected of the app depends on the version of its SDK in a few points. `profile` in
devices.yaml says which version's documents count; where an entry names no version, all agree.

{profiles}

## What a FAIL means

{meanings}

## Chapters

{contents}
- [Left out, and why](#left-out-and-why)
"""

MEANINGS = (
    (
        Concern.PINNING,
        "Somebody who gets a CA that the device trusts to sign for them, or who gets one onto the "
        "device, reads and changes all that the app exchanges with the host: tokens, personal "
        "data, answers that the app acts on.",
        "Let every connection to the host go through the SDK's client, judge the leaf before the "
        "first byte is sent, and end the connection where no pin matches.",
    ),
    (
        Concern.VALIDATION,
        "The platform's own checks are off or replaced. With the pinned key in the wrong hands, "
        "or on a connection that no pin covers, nothing is left that refuses the attacker.",
        "Remove trust managers and host name verifiers of the app's own; the pin comes on top of "
        "the platform's checks and replaces none of them.",
    ),
    (
        Concern.CLEARTEXT,
        "Everybody on the way reads and changes what is sent: no certificate is needed.",
        "Forbid cleartext in the network security configuration, and follow no redirect to it.",
    ),
    (
        Concern.AVAILABILITY,
        "Nothing leaks. The app refuses a server that is right, so its users are locked out "
        "until an update reaches them.",
        "Ask for nothing that the standards do not ask for, and test with the certificates that "
        "the server will have next.",
    ),
)
"""Concern, what leaks, what to fix."""

LEFT_OUT_TITLE = "Left out, and why"

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
    Control.ANOMALY: "none on the device would fall for it: the adversary must have seen its "
    "anomaly go out on the attacked connection",
    Control.NONE: "none is needed: nothing is intercepted that must not be",
}


def page() -> str:
    """Return the whole page."""
    found = entries()
    count = sum(len(e.adversaries) * max(1, len(e.versions)) for e in found)
    chapters = [_chapter(name, found) for name in CHAPTERS]
    parts = [
        HEAD.format(
            cases=count,
            profiles=profile_table(),
            meanings=_table(("About", "What leaks", "What to fix"), MEANINGS),
            contents="\n".join(map(_content, chapters)),
        )
    ]
    for chapter in chapters:
        parts += [f"\n## {chapter.title}\n", *([f"{chapter.more}\n"] if chapter.more else [])]
        parts += [text for e in chapter.entries for text in _entry(e)]
    parts += [f"\n## {LEFT_OUT_TITLE}\n", _left_out()]
    return "\n".join(parts).rstrip() + "\n"


@dataclass(frozen=True, slots=True)
class _Chapter:
    title: str
    more: str
    """What is said of all its entries; empty for nothing."""
    entries: tuple[CatalogueEntry, ...]


def _chapter(name: str, found: Sequence[CatalogueEntry]) -> _Chapter:
    module = import_module(f"lab.catalogue.{name}")
    title, _, more = " ".join((module.__doc__ or "").split()).partition(". ")
    own = tuple(e for e in found if e.serve.__module__ == module.__name__)
    return _Chapter(title.rstrip("."), more, own)


def _content(chapter: _Chapter) -> str:
    # As GitHub and GitLab make the anchors of headings.
    anchor = re.sub(r"[^\w\- ]", "", chapter.title.lower()).replace(" ", "-")
    ids = ", ".join(dict.fromkeys(entry.id for entry in chapter.entries))
    return f"- [{chapter.title}](#{anchor}) ({ids})"


def _left_out() -> str:
    return _table(("Row", "What", "Why"), ((each.id, each.what, each.why) for each in LEFT_OUT))


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = (head, ["---"] * len(head), *rows)
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


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
    if entry.before:
        yield "Before", "in this order" + "".join(f"\n  - {_stage(s)}" for s in entry.before)
    yield "Expected", _by_profile(entry)
    if entry.subject is not Subject.APP:
        yield "Attacked", f"the {entry.subject} control client instead of the app"
    yield "Control", CONTROLS[entry.control]
    if entry.needs:
        yield "Needs", ", ".join(f"`{need}`" for need in sorted(entry.needs))
    yield "About", str(entry.concern)


def _stage(stage: Stage) -> str:
    expected = stage.expect(NEWEST) if callable(stage.expect) else stage.expect
    return f"{stage.title}: {expected.answer}"


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
