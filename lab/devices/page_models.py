"""What the description of an app's screen may say. docs/app-page.schema.json is generated from
these models."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated, Literal

from lxml import etree
from pydantic import BeforeValidator, ConfigDict, Field, Strict, field_validator, model_validator

from lab.apps.finding import How, Named
from lab.apps.page_script import (
    REQUEST_BLANKS,
    SETUP_BLANKS,
    Action,
    Asking,
    PageScript,
    Reading,
    Refusal,
    Step,
)
from lab.devices.fields import TEMPLATE_SCHEMA, Kinds, Pattern, blanks, template, wrong
from lab.devices.phone_fields import PackageName
from lab.devices.phone_models import Section
from lab.devices.problems import quote
from lab.devices.template import Template
from lab.model.outcome import ErrorKind

PageText = Annotated[
    Template, BeforeValidator(template(SETUP_BLANKS | REQUEST_BLANKS)), TEMPLATE_SCHEMA
]
ShortText = Annotated[str, Strict(), Field(min_length=1, max_length=1000)]
ActivityName = Annotated[str, Strict(), Field(pattern=r"^\.?[A-Za-z][\w.$]*$")]
Patience = Annotated[int, Strict(), Field(ge=1, le=120)]

GROUPS = frozenset({"kind", "code", "message"})
"""The groups that a refusal's pattern may have."""


class ElementSection(Section):
    """Something on the screen, by one of its names."""

    model_config = ConfigDict(populate_by_name=False)

    id: ShortText | None = None
    """Its resource id, such as ``com.example.app:id/go`` or ``go``."""
    text: ShortText | None = None
    """Its text; capitals and the form of apostrophes do not matter."""
    accessibility_id: ShortText | None = None
    """Its content description."""
    class_name: ShortText | None = Field(default=None, alias="class")
    """Its class, such as ``android.widget.EditText``; with ``index`` where there are several."""
    xpath: ShortText | None = None
    """An XPath expression over Appium's page source."""
    uiautomator: ShortText | None = None
    """An expression of UiAutomator's, such as ``new UiSelector().textContains("Go")``."""
    index: Annotated[int, Strict(), Field(ge=0, le=999)] = 0
    """Which of several, from top to bottom; 0 is the first."""

    @model_validator(mode="after")
    def _has_one_name(self) -> ElementSection:
        if sum(value is not None for value in self._names.values()) != 1:
            raise wrong(f"name the element by one of {', '.join(How)}")
        return self

    @field_validator("xpath")
    @classmethod
    def _is_xpath(cls, value: str | None) -> str | None:
        try:
            if value is not None:
                etree.XPath(value)
        except etree.XPathError as error:
            raise wrong(f"{quote(value)} is not XPath: {error}") from None
        return value

    @property
    def named(self) -> Named:
        """What is looked for."""
        how, value = next((how, text) for how, text in self._names.items() if text is not None)
        return Named(how, value, self.index)

    @property
    def _names(self) -> dict[How, str | None]:
        return {
            How.ID: self.id,
            How.TEXT: self.text,
            How.ACCESSIBILITY_ID: self.accessibility_id,
            How.CLASS: self.class_name,
            How.XPATH: self.xpath,
            How.UIAUTOMATOR: self.uiautomator,
        }


class StepSection(Section):
    """One thing to do: one of tap, fill, wait, back."""

    tap: ElementSection | None = None
    """What is tapped."""
    fill: ElementSection | None = None
    """The field that is filled in."""
    with_: PageText | None = Field(default=None, alias="with")
    """What goes into the field, with placeholders in braces; where that is empty, the field is
    left as it is."""
    wait: ElementSection | None = None
    """What must appear."""
    back: Literal[True] | None = None
    """The back key."""
    optional: Annotated[bool, Strict()] = False
    """Left out where the element is not on the screen."""
    seconds: Patience = 10
    """How long the element may take to appear."""

    @model_validator(mode="after")
    def _does_one_thing(self) -> StepSection:
        done = [how for how in Action if getattr(self, how) is not None]
        if len(done) != 1:
            raise wrong(f"a step does one thing: give one of {', '.join(Action)}")
        if (self.fill is None) is not (self.with_ is None):
            raise wrong("'fill' and 'with' go together: the field, and what goes into it")
        return self

    @property
    def step(self) -> Step:
        """What is done."""
        action = next(how for how in Action if getattr(self, how) is not None)
        element = self.tap or self.fill or self.wait
        named = None if element is None else element.named
        return Step(action, named, self.with_, self.optional, self.seconds)


class RefusalSection(Section):
    """Words by which the app says that a request failed."""

    match: Pattern
    """A regular expression (Python's), searched for in the result. A group ``(?P<code>...)``
    holds the error's name, ``(?P<message>...)`` what the app says of it, ``(?P<kind>...)`` one
    of the lab's kinds of error."""
    kinds: Kinds | None = None
    """What they mean; where nothing is said, the groups tell, or the words themselves."""

    @field_validator("match")
    @classmethod
    def _has_known_groups(cls, pattern: re.Pattern[str]) -> re.Pattern[str]:
        unknown = sorted(set(pattern.groupindex) - GROUPS)
        if unknown:
            raise wrong(f"unknown group {quote(unknown[0])}; known are {', '.join(sorted(GROUPS))}")
        return pattern

    @property
    def refusal(self) -> Refusal:
        """What is looked for."""
        return Refusal(self.match, self.kinds or frozenset[ErrorKind]())


class ReadingSection(Section):
    """Where the app says how something went, and what its words mean."""

    result: ElementSection
    """The element whose text says how it went."""
    accepted: Annotated[tuple[Pattern, ...], Field(min_length=1)]
    """Regular expressions (Python's), searched for in the result: one that fits means that the
    request was answered."""
    refused: Annotated[tuple[RefusalSection, ...], Field(min_length=1)]
    """Words that mean that it failed; the first that fits counts."""
    busy: tuple[Pattern, ...] = ()
    """What is to be read while the app is still at it."""
    seconds: Patience = 25
    """How long the app may take."""

    @property
    def reading(self) -> Reading:
        """How it is read."""
        refused = tuple(section.refusal for section in self.refused)
        return Reading(self.result.named, self.accepted, refused, self.busy, self.seconds)


class RequestSection(ReadingSection):
    """How the app is made to request a URL of the lab's choice."""

    before: tuple[StepSection, ...] = ()
    """What is done first, such as clearing the last result."""
    fill: ElementSection | None = None
    """The field that takes the URL."""
    deep_link: PageText | None = None
    """An address that makes the app request ``{url}`` (filled in percent-encoded) by itself."""
    trigger: ElementSection | None = None
    """What is tapped for the request to be made."""

    @model_validator(mode="after")
    def _can_ask(self) -> RequestSection:
        if (self.fill is None) is (self.deep_link is None):
            raise wrong("give one of 'fill' (the field for the URL) and 'deep_link'")
        if self.fill is not None and self.trigger is None:
            raise wrong("'trigger' is missing; add what is to be tapped for the request")
        if self.deep_link is not None and not self.deep_link.blanks & REQUEST_BLANKS:
            raise wrong("'deep_link' has no {url}: the app would not know what to request")
        return self

    @property
    def asking(self) -> Asking:
        """How it is asked."""
        return Asking(
            self.reading,
            steps(self.before),
            None if self.fill is None else self.fill.named,
            self.deep_link,
            None if self.trigger is None else self.trigger.named,
        )


class PageFile(Section):
    """The screen of an app under test."""

    package: PackageName
    """What Android calls the app."""
    activity: ActivityName | None = None
    """The activity to start; the one of its icon where nothing is said."""
    start: tuple[StepSection, ...] = ()
    """What is done each time that the app has been started, such as skipping a greeting."""
    setup: tuple[StepSection, ...] = ()
    """How its pinning SDK is set up: ``{configuration_url}``, ``{organization_id}``,
    ``{project_id}``, ``{public_key}``, ``{report_url}`` and ``{mode}`` (strict, permissive)."""
    setup_result: ReadingSection | None = None
    """How the app says whether the setup worked; where nothing is said, it is taken to have."""
    request: RequestSection
    """How it is made to request a URL, and how it says what came of that."""

    @model_validator(mode="after")
    def _knows_its_blanks(self) -> PageFile:
        link = () if self.request.deep_link is None else (self.request.deep_link,)
        for where, texts, known in (
            ("start", _texts(self.start), frozenset[str]()),
            ("setup", _texts(self.setup), SETUP_BLANKS),
            ("request", [*_texts(self.request.before), *link], REQUEST_BLANKS),
        ):
            unknown = sorted(blanks(texts) - known)
            if unknown:
                raise wrong(f"{{{unknown[0]}}} is not known yet in '{where}'")
        return self

    @property
    def script(self) -> PageScript:
        """What is done."""
        return PageScript(
            package=self.package,
            asking=self.request.asking,
            activity=self.activity or "",
            start=steps(self.start),
            setup=steps(self.setup),
            setup_reading=None if self.setup_result is None else self.setup_result.reading,
        )

    @property
    def texts(self) -> dict[tuple[str | int, ...], Template]:
        """Every text with blanks, by its place in the file."""
        found: dict[tuple[str | int, ...], Template] = {}
        places = ((("start",), self.start), (("setup",), self.setup))
        for place, sections in (*places, (("request", "before"), self.request.before)):
            for index, section in enumerate(sections):
                if section.with_ is not None:
                    found[(*place, index, "with")] = section.with_
        if self.request.deep_link is not None:
            found["request", "deep_link"] = self.request.deep_link
        return found


def steps(sections: Iterable[StepSection]) -> tuple[Step, ...]:
    """Return what is done."""
    return tuple(section.step for section in sections)


def _texts(sections: Iterable[StepSection]) -> list[Template]:
    return [section.with_ for section in sections if section.with_ is not None]
