"""What a policy file may say. docs/policy.schema.json is generated from these models."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import (
    BeforeValidator,
    Field,
    Strict,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)

from lab.devices.fields import not_a, wrong
from lab.devices.phone_models import Section
from lab.devices.problems import nearest, quote
from lab.gate.selectors import (
    AttackSelector,
    DeviceSelector,
    Scenario,
    any_matches,
    known_words,
    names_an_attack,
)

BUNDLE = "bundle"
"""Where the self-test is looked for: in the bundle itself."""

_KEY_ID = re.compile(r"[0-9a-f]{64}")


class State(StrEnum):
    """What a scenario that must pass came to."""

    PASS = "PASS"  # noqa: S105 - a verdict, not a password
    FAIL = "FAIL"
    INCONCLUSIVE = "INCONCLUSIVE"
    NOT_APPLICABLE = "NOT_APPLICABLE"
    MISSING = "MISSING"
    """It was not run."""


class Usual(StrEnum):
    """What becomes of what is NOT_APPLICABLE where no waiver names it."""

    REFUSED = "refused"
    ALLOWED = "allowed"


class Others(StrEnum):
    """What becomes of a FAIL in a scenario that no rule names."""

    CLOSE = "close"
    TELL = "tell"


def _attack(value: object) -> AttackSelector:
    if isinstance(value, AttackSelector):
        return value
    if not isinstance(value, str):
        raise wrong(not_a("text", value))
    if not names_an_attack(value):
        hint = nearest(value, known_words())
        hint = hint if "did you mean" in hint else "; docs/catalogue.md has their names"
        raise wrong(f"no attack of the catalogue is meant by {quote(value)}{hint}")
    return AttackSelector(value)


def _device(value: object) -> DeviceSelector:
    if isinstance(value, DeviceSelector):
        return value
    if isinstance(value, str) and value:
        return DeviceSelector(id=value)
    if isinstance(value, dict) and len(value) == 1:
        ((key, word),) = value.items()
        if key in ("platform", "pool") and isinstance(word, str) and word:
            return DeviceSelector(**{key: word})
    wanted = "a device's id, a pattern such as 'pixel-*', {platform: NAME} or {pool: NAME}"
    raise wrong(not_a(wanted, value))


def _day(value: object) -> date:
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(value if isinstance(value, str) else "")
    except ValueError:
        raise wrong(not_a("a day such as 2027-03-31", value)) from None


def _key_id(value: object) -> str:
    if isinstance(value, str) and _KEY_ID.fullmatch(value.lower()):
        return value.lower()
    what = "a key's id of 64 hexadecimal digits, as 'trustpin-lab verify' prints it"
    raise wrong(not_a(what, value))


_DEVICE_SCHEMA: dict[str, Any] = {
    "anyOf": [
        {"type": "string", "minLength": 1},
        *(
            {
                "type": "object",
                "properties": {key: {"type": "string", "minLength": 1}},
                "required": [key],
                "additionalProperties": False,
            }
            for key in ("platform", "pool")
        ),
    ]
}
Attack = Annotated[
    AttackSelector, BeforeValidator(_attack), WithJsonSchema({"type": "string", "minLength": 1})
]
Device = Annotated[DeviceSelector, BeforeValidator(_device), WithJsonSchema(_DEVICE_SCHEMA)]
Day = Annotated[date, BeforeValidator(_day), WithJsonSchema({"type": "string", "format": "date"})]
KeyId = Annotated[
    str, BeforeValidator(_key_id), WithJsonSchema({"type": "string", "pattern": "^[0-9a-f]{64}$"})
]
Text = Annotated[
    str, Strict(), StringConstraints(strip_whitespace=True, min_length=1, max_length=500)
]
Number = Annotated[int, Strict(), Field(ge=1, le=100_000)]
Attacks = Annotated[tuple[Attack, ...], Field(min_length=1)]
Devices = Annotated[tuple[Device, ...], Field(min_length=1)]

EVERY_DEVICE = (DeviceSelector(id="*"),)


class RuleSection(Section):
    """Scenarios that must pass, and where."""

    attacks: Attacks
    """Which attacks: ``all``, ``core``, an adversary, a chapter (its letter, or the name of its
    file in lab/catalogue), a row's id, an attack's name, or a pattern of ids or names."""
    devices: Devices
    """On which devices: an id, a pattern of ids, ``{platform: NAME}`` or ``{pool: NAME}``. Each
    item must stand for at least one device on which something passed."""
    os: tuple[Text, ...] = ()
    """Patterns of operating systems, such as ``Android 15*``: for each there must be one of these
    devices on which something passed."""


class WaiverSection(Section):
    """What the gate is opened in spite of."""

    attacks: Attacks
    """Which attacks, named as in a rule."""
    devices: Devices = Field(default_factory=lambda: EVERY_DEVICE)
    """On which devices, named as in a rule; on all where left out."""
    verdict: State
    """What is put up with. FAIL is the most: who puts up with that puts up with the others."""
    reason: Text
    """Why, in a sentence."""
    until: Day | None = None
    """The last day on which it holds, in UTC. Needed, but with NOT_APPLICABLE."""
    ticket: Text | None = None
    """Where the mending is tracked. Needed with FAIL."""

    @model_validator(mode="after")
    def _is_accounted_for(self) -> WaiverSection:
        if self.verdict is State.PASS:
            raise wrong("a PASS needs no waiver: 'verdict' is what is put up with")
        if self.until is None and self.verdict is not State.NOT_APPLICABLE:
            raise wrong(f"{self.verdict} is not put up with for ever: add 'until' with a day")
        if self.ticket is None and self.verdict is State.FAIL:
            raise wrong("a FAIL is not put up with unless somebody mends it: add 'ticket'")
        return self

    def means(self, scenario: Scenario, state: State) -> bool:
        """Tell whether it is for such a scenario's attack, and for what the scenario came to."""
        return self.verdict in (state, State.FAIL) and any_matches(self.attacks, scenario)

    def holds(self, now: datetime) -> bool:
        """Tell whether it has not ended yet."""
        return self.until is None or now.astimezone(UTC).date() <= self.until


class EvidenceSection(Section):
    """What a bundle must be before its verdicts count."""

    complete: Annotated[bool, Strict()] = True
    """Every run must have got to its end, and its bundle be whole."""
    max_age_days: Number | None = None
    """How long ago a run may have begun, in days."""
    minimum_passed: Number | None = None
    """How many scenarios must have passed, over all devices."""
    signers: tuple[KeyId, ...] = ()
    """Ids of the keys that may have signed a bundle; any key where left out."""
    selftest: Text | None = None
    """Where the self-test is by which the lab vouches for itself: ``bundle`` for the one that each
    bundle holds, else the path of a selftest.json, from this file's folder on."""
    app: Devices | None = None
    """The devices on which the build that was tested must be one of those given with ``--app``."""


class PolicyFile(Section):
    """What a release must have shown before the gate opens."""

    rules: Annotated[tuple[RuleSection, ...], Field(min_length=1)]
    """What must pass, and where."""
    not_applicable: Usual = Usual.REFUSED
    """What becomes of a scenario that is NOT_APPLICABLE, where no waiver names it: refused like a
    FAIL, or allowed."""
    other_failures: Others = Others.CLOSE
    """What becomes of a FAIL that no rule asks for: it closes the gate, or is only told."""
    waivers: tuple[WaiverSection, ...] = ()
    """What the gate is opened in spite of, each with its reason and its end."""
    evidence: EvidenceSection = EvidenceSection()
    """What a bundle must be before its verdicts count."""

    def waivers_of(self, scenario: Scenario, state: State) -> Iterator[WaiverSection]:
        """Yield the waivers, ended ones, too, for such an attack that came to ``state``; their
        devices are not looked at."""
        yield from (waiver for waiver in self.waivers if waiver.means(scenario, state))
