"""What one scenario came to, as a value and as JSON."""

from __future__ import annotations

import dataclasses
import json
import math
import re
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from lab.evidence.redaction import redact, redact_lines
from lab.model.attack import Subject
from lab.model.device import DeviceFacts
from lab.model.trial import Trial
from lab.model.verdict import Judgement, Verdict

T = TypeVar("T")

SURROGATE = re.compile("[\ud800-\udfff]")
"""Half of a UTF-16 pair: no text in any encoding, yet devices send it."""


class RecordInvalid(ValueError):
    """A record does not have the shape of a result; the message says where and why."""


@dataclass(frozen=True, slots=True)
class ScenarioResult:
    """One scenario with its verdict and all that led to it."""

    node: str
    """The scenario's pytest node id."""
    case: str
    """The catalogue's id, such as ``B4``."""
    title: str
    variant: str
    """What tells this run of the case from its others, joined by a comma and a blank: the TLS
    version first where there is one (``tls1.2, spki_sha256``)."""
    adversary: str
    """An ``Adversary`` value, or ``none``."""
    device: str
    """The device's id."""
    verdict: Verdict
    reasons: Judgement
    """The judge's reasons. Its verdict differs from ``verdict`` where the client is wrong on
    purpose: then the judge's FAIL is the scenario's PASS."""
    trial: Trial | None
    """The witness records; None where nothing was tried (not applicable, or the lab failed)."""
    served: str
    """What was put in front of the client, in a sentence."""
    correct: str
    """What a correct client does."""
    explain: str
    """The attack's documentation."""
    seconds: float
    attempts: int = 1
    """How often the scenario was run: one, and one more for each INCONCLUSIVE retry."""
    earlier: tuple[str, ...] = ()
    """Why each earlier try was inconclusive."""
    screenshots: tuple[tuple[str, str], ...] = ()
    """Phase and file name in the run's folder of each screenshot."""
    subject: Subject = Subject.APP
    """Which client was attacked."""
    slug: str = ""
    """The catalogue's name of this very attack; variants of a row share ``case``, not this."""
    must_be_caught: bool = False
    """The client is wrong on purpose: the judge's FAIL is the scenario's PASS."""


def to_json(value: object) -> Any:
    """Return ``value`` made of JSON's types only, the same for equal values.

    Dataclasses become objects in the order of their fields, enums their values, tuples arrays,
    sets sorted arrays. Secrets are redacted and broken Unicode is replaced. Raises ValueError
    for a number that JSON has no word for, TypeError for anything else without a JSON form.
    """
    kind = type(value)
    return (_FORMS.get(kind) or _form_of(kind))(value)


def compact(data: Any) -> str:
    """Return what ``to_json`` made as text, on one line and without blanks."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))


def _itself(value: Any) -> Any:
    return value


def _text(value: str) -> str:
    return redact(_whole(value))


_FORMS: dict[type, Callable[[Any], Any]] = {
    type(None): _itself,
    bool: _itself,
    int: _itself,
    str: _text,
}
"""How a value of each class is made JSON: found out once, as a record has thousands of values."""


def _form_of(kind: type) -> Callable[[Any], Any]:
    """Find out how values of a class are made JSON. Raises TypeError where they are not."""
    if dataclasses.is_dataclass(kind):
        form = _form_of_dataclass(kind)
    elif issubclass(kind, Enum):
        form = {member: to_json(member.value) for member in kind}.__getitem__
    else:
        for base, general in _GENERAL:
            if issubclass(kind, base) and not issubclass(kind, bytes | bytearray):
                form = general
                break
        else:
            # The value itself stays out of the message: it may be a key.
            raise TypeError(f"{kind.__name__} has no JSON form")
    _FORMS[kind] = form
    return form


def _form_of_dataclass(kind: type) -> Callable[[Any], Any]:
    names = tuple(field.name for field in dataclasses.fields(kind))
    known = _FORMS.get

    def form(value: Any) -> dict[str, Any]:
        made = {}
        for name in names:
            inner = getattr(value, name)
            of = type(inner)
            made[name] = (known(of) or _form_of(of))(inner)
        return made

    return form


def _number(value: float) -> float:
    if not math.isfinite(value):
        raise ValueError(f"{value} is no number in JSON")
    return value


def _object(value: Mapping[Any, Any]) -> dict[str, Any]:
    return {str(to_json(key)): to_json(value[key]) for key in sorted(value)}


def _set(value: Set[Any]) -> list[Any]:
    return sorted(to_json(item) for item in value)


def _array(value: Sequence[Any]) -> list[Any]:
    if value and all(isinstance(item, str) and not isinstance(item, Enum) for item in value):
        return redact_lines(_whole(item) for item in value)
    return [to_json(item) for item in value]


_GENERAL: tuple[tuple[type, Callable[[Any], Any]], ...] = (
    (str, _text),
    (int, _itself),
    (float, _number),
    (Mapping, _object),
    (Set, _set),
    (Sequence, _array),
)
"""The same for whatever is derived from these, the first that fits."""


def _whole(text: str) -> str:
    if text.isascii():
        return text
    return SURROGATE.sub("\ufffd", text)


def from_json(data: object) -> ScenarioResult:
    """Return the result that ``to_json`` made ``data`` of. Raises RecordInvalid."""
    return validated(_results(), data)


def facts_from_json(data: object) -> DeviceFacts:
    """Return the facts that ``to_json`` made ``data`` of. Raises RecordInvalid."""
    return validated(_device_facts(), data)


def validated(adapter: TypeAdapter[T], data: object) -> T:
    """Return ``data`` as what ``adapter`` stands for. Raises RecordInvalid."""
    try:
        return adapter.validate_python(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(step) for step in first["loc"]) or "record"
        raise RecordInvalid(f"{where}: {first['msg']}") from None


@cache
def _results() -> TypeAdapter[ScenarioResult]:
    return TypeAdapter(ScenarioResult)


@cache
def _device_facts() -> TypeAdapter[DeviceFacts]:
    return TypeAdapter(DeviceFacts)
