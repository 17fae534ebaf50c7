"""The kinds of value that stand in devices.yaml, each with its own reader and clear error."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, Strict, ValidationInfo, WithJsonSchema
from pydantic_core import PydanticCustomError

from lab.devices.problems import nearest, quote
from lab.devices.template import Template, TemplateError
from lab.model.outcome import ErrorKind
from lab.model.pins import PinKind

PIN_BLANKS: Mapping[str, PinKind] = {
    "pinnedpubkey": PinKind.SPKI_SHA256,
    **{f"pin_{kind}": kind for kind in PinKind},
    **{f"pin_{kind}_b64": kind for kind in PinKind},
}
"""The placeholders that carry pins, and the kind of pin that each of them carries."""

HERE = "here"
"""The placeholder that is filled in as the file is read: the folder that it lies in."""

_PLAIN = frozenset({HERE})
_CLIENT = frozenset({"url", "host", "port", "trust_store", "timeout", "source"}) | _PLAIN
_PINNED = _CLIENT | frozenset(PIN_BLANKS)
_PROXY = frozenset({"proxy"})
_WIFI = frozenset({"socks", "address"})
_ROUTE = frozenset({"route"})

LONGEST_TIMEOUT = 14
"""Seconds: the program must have given up by itself before the lab's own cap ends it."""


def wrong(text: str) -> PydanticCustomError:
    """Return an error that says exactly ``text``."""
    return PydanticCustomError("wrong", "{text}", {"text": text})


def folder_of(info: ValidationInfo) -> Path:
    """Return the folder of the file that is being read."""
    context = info.context
    folder = context.get("folder") if isinstance(context, Mapping) else None
    return folder if isinstance(folder, Path) else Path.cwd()


def not_a(what: str, value: object) -> str:
    """Say that ``value`` is not what it has to be."""
    if value is None:
        return f"has no value; give {what}"
    advice = "; put it in quotes" if what == "text" and isinstance(value, int | float) else ""
    return f"must be {what}, not {quote(value)}{advice}"


def template(*known: frozenset[str]) -> Callable[[object, ValidationInfo], Template]:
    """Return a reader of texts with blanks, those that are ``known``."""
    names = frozenset[str]().union(*known)

    def parse(value: object, info: ValidationInfo) -> Template:
        if isinstance(value, Template):
            return value
        if not isinstance(value, str):
            raise wrong(not_a("text", value))
        try:
            text = Template.parse(value, names)
        except TemplateError as error:
            raise wrong(str(error)) from None
        return text.given(HERE, str(folder_of(info)))

    return parse


def _meaning(value: object) -> frozenset[ErrorKind]:
    """Read ``accepted`` (kept as the empty set) or a list of error kinds."""
    if value == "accepted":
        return frozenset()
    if not isinstance(value, list) or not value:
        raise wrong(not_a("'accepted' or a list of error kinds", value))
    return _kinds(value)


def _kinds(value: object) -> frozenset[ErrorKind]:
    if not isinstance(value, list) or not value:
        raise wrong(not_a("a list of at least one error kind", value))
    for name in value:
        if not isinstance(name, str) or name not in set(ErrorKind):
            raise wrong(f"unknown error kind {quote(name)}{nearest(str(name), ErrorKind)}")
    return frozenset(ErrorKind(name) for name in value)


def _lacking(value: object) -> str:
    """Read ``false``, or the reason why a need is not met."""
    if value is False:
        return "devices.yaml says that this device cannot do that"
    # More than one word, because "yes" and "no" are words in YAML 1.2.
    if isinstance(value, str) and len(value.split()) > 1:
        return value
    raise wrong(not_a("false or a sentence that says why the device cannot do that", value))


def _pattern(value: object) -> re.Pattern[str]:
    if not isinstance(value, str):
        raise wrong(not_a("text", value))
    try:
        return re.compile(value)
    except (re.error, RecursionError, OverflowError) as error:
        raise wrong(f"{quote(value)} is not a regular expression: {error}") from None


TEMPLATE_SCHEMA = WithJsonSchema({"type": "string"})
_KINDS: dict[str, Any] = {
    "type": "array",
    "minItems": 1,
    "items": {"enum": sorted(ErrorKind)},
}

PlainText = Annotated[Template, BeforeValidator(template(_PLAIN)), TEMPLATE_SCHEMA]
AppText = Annotated[Template, BeforeValidator(template(_PINNED, _ROUTE)), TEMPLATE_SCHEMA]
ControlText = Annotated[Template, BeforeValidator(template(_CLIENT, _ROUTE)), TEMPLATE_SCHEMA]
ProxyText = Annotated[Template, BeforeValidator(template(_PINNED, _PROXY)), TEMPLATE_SCHEMA]
WifiText = Annotated[Template, BeforeValidator(template(_PINNED, _WIFI)), TEMPLATE_SCHEMA]
EnvironmentText = Annotated[
    Template, BeforeValidator(template(_CLIENT, _PROXY, _WIFI)), TEMPLATE_SCHEMA
]

Kinds = Annotated[frozenset[ErrorKind], BeforeValidator(_kinds), WithJsonSchema(_KINDS)]
Meaning = Annotated[
    frozenset[ErrorKind],
    BeforeValidator(_meaning),
    WithJsonSchema({"anyOf": [{"const": "accepted"}, _KINDS]}),
]
Lacking = Annotated[
    str,
    BeforeValidator(_lacking),
    WithJsonSchema({"anyOf": [{"const": False}, {"type": "string", "pattern": r"\S\s+\S"}]}),
]
Pattern = Annotated[
    re.Pattern[str],
    BeforeValidator(_pattern),
    WithJsonSchema({"type": "string", "format": "regex"}),
]
ExitCode = Annotated[int, Strict(), Field(ge=0, le=255)]
Seconds = Annotated[int, Strict(), Field(ge=1, le=LONGEST_TIMEOUT)]
VariableName = Annotated[str, Strict(), Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
DeviceId = Annotated[str, Strict(), Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
"""Also the name of the device's folder in the run's directory."""
ClassName = Annotated[str, Strict(), Field(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$")]


def blanks(argv: Iterable[Template]) -> frozenset[str]:
    """Return the placeholders that occur in ``argv``."""
    return frozenset(blank for template in argv for blank in template.blanks)


def command(argv: tuple[Template, ...], info: ValidationInfo) -> tuple[Template, ...]:
    """Check a command that makes a request."""
    if not blanks(argv) & {"url", "host"}:
        raise wrong("has neither {url} nor {host}: the program would not know what to request")
    routes = [template for template in argv if "route" in template.blanks]
    if len(routes) > 1 or any(template.source != "{route}" for template in routes):
        raise wrong("{route} stands for several arguments: give it once, as an item of its own")
    return located(argv, info)


def located(argv: tuple[Template, ...], info: ValidationInfo) -> tuple[Template, ...]:
    """Return ``argv`` with a relative path of the program made absolute: it is started in an
    empty folder."""
    program = argv[0]
    if program.blanks or not program.source:
        raise wrong("the first item must be the program, without placeholders")
    if "/" not in program.source or program.source.startswith(("/", "$", f"{{{HERE}}}")):
        return argv
    absolute = str(folder_of(info) / program.source).replace("{", "{{").replace("}", "}}")
    return (Template.parse(absolute, frozenset()), *argv[1:])
