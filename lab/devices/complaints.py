"""pydantic's findings about devices.yaml, said in the words of the file and of its reader."""

from __future__ import annotations

import typing
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from lab.devices.document import Document
from lab.devices.fields import not_a
from lab.devices.models import PLATFORMS, DevicesFile
from lab.devices.page_models import PageFile
from lab.devices.problems import Path, Problem, nearest, quote
from lab.model.attack import Need

_FORMS = {
    "activity": "an activity such as .MainActivity",
    "id": "letters, digits, '.', '_' and '-', at most 64, the first a letter or digit",
    "sdk": "package.module:Class",
    "bundle_id": "a bundle id such as com.example.App",
    "package": "an Android package such as com.example.app",
    "browser": "an app such as com.android.chrome or com.apple.mobilesafari",
    "udid": "a udid such as 00008110-001A2B3C4D5E6F70",
    "version": "a version such as 18.5",
    "page": "'trustpin-android', package.module:Class or the path of a .yaml file",
}

_FIRST: Mapping[type[BaseModel], str] = {
    DevicesFile: "add 'devices:' with at least one device",
    PageFile: "add 'package:' and 'request:'",
}
"""What a file begins with."""

_MAPPINGS = ("exits", "env", "capabilities")

_WANTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "tuple_type": "a list",
    "list_type": "a list",
    "mapping_type": "a mapping (key: value)",
    "dict_type": "a mapping (key: value)",
    "model_type": "a mapping (key: value)",
    "model_attributes_type": "a mapping (key: value)",
}


def complaints(
    document: Document, error: ValidationError, root: type[BaseModel] = DevicesFile
) -> Iterator[Problem]:
    """Yield one problem for each of pydantic's findings, on the line that it is about. ``root``
    is the model of the whole file."""
    for detail in error.errors(include_url=False):
        path, is_key = _path(detail["loc"]) if root is DevicesFile else (detail["loc"], False)
        if detail["type"] == "too_short" and _at(document.content, path):
            continue  # A list is not empty only because all of its items are wrong.
        yield _complaint(document, detail, path, is_key, root)


def _complaint(
    document: Document, detail: ErrorDetails, path: Path, is_key: bool, root: type[BaseModel]
) -> Problem:
    kind = detail["type"]
    value = _at(document.content, path)
    limits: Mapping[str, Any] = detail.get("ctx", {})
    if kind == "missing":
        return document.at(path, "is missing; add it" + _purpose(document.content, path, root))
    if kind in ("extra_forbidden", "invalid_key"):
        return document.at(path, _unknown_key(document.content, path, root))
    if kind == "union_tag_not_found":
        return _no_platform(document, path)
    if kind == "union_tag_invalid":
        named = value.get("platform") if isinstance(value, dict) else value
        text = f"unknown platform {quote(named)}; known are: {', '.join(PLATFORMS)}"
        return document.at((*path, "platform"), text)
    if is_key:
        return document.at(path, _wrong_key(path, kind))
    if not path and value is None and kind in _WANTED:
        return document.at(path, f"the file is empty; {_FIRST[root]}")
    return document.at(path, _wrong_value(kind, path, value, limits, detail["msg"]))


def _wrong_value(
    kind: str, path: Path, value: object, limits: Mapping[str, Any], message: str
) -> str:
    if kind in _WANTED:
        return not_a(_WANTED[kind], value)
    if kind in ("enum", "literal_error"):
        return f"must be {str(limits['expected']).replace('True', 'true')}, not {quote(value)}"
    if kind == "string_too_short":
        return "is empty; give a text"
    if kind == "string_too_long":
        return f"must have {limits['max_length']} characters at most, not {len(str(value))}"
    if kind == "too_short":
        return "is empty; give at least one item"
    if kind == "greater_than_equal":
        return f"must be {limits['ge']} or more, not {quote(value)}"
    if kind == "less_than_equal":
        return f"must be {limits['le']} or less, not {quote(value)}"
    if kind == "string_pattern_mismatch":
        return f"must be {_FORMS.get(str(path[-1]), 'of another form')}, not {quote(value)}"
    return message


def _wrong_key(path: Path, kind: str) -> str:
    section, key = path[-2:]
    if section == "exits":
        return f"an exit code is a whole number from 0 to 255, not {quote(key)}"
    if section == "capabilities":
        return f"unknown capability {quote(key)}{nearest(str(key), Need)}"
    return f"{quote(key)} is not the name of an environment variable"


def _no_platform(document: Document, path: Path) -> Problem:
    content = _at(document.content, path)
    for key in content:
        hint = nearest(str(key), ("platform",))
        if "did you mean" in hint:
            return document.at((*path, key), f"unknown key {quote(key)}{hint}")
    missing = f"is missing; add one of: {', '.join(PLATFORMS)}"
    return document.at((*path, "platform"), missing)


def _unknown_key(content: object, path: Path, root: type[BaseModel]) -> str:
    known = _fields(_model(content, path[:-1], root))
    return f"unknown key {quote(path[-1])}{nearest(str(path[-1]), known)}"


def _purpose(content: object, path: Path, root: type[BaseModel]) -> str:
    field = _fields(_model(content, path[:-1], root)).get(str(path[-1]))
    first = (field.description or "").partition("\n")[0] if field is not None else ""
    return f". {first}" if first else ""


def _path(loc: tuple[str | int, ...]) -> tuple[Path, bool]:
    """Turn pydantic's location into one of the file, and tell whether it is about a key.

    pydantic puts the platform behind the number of a device, and ``[key]`` behind a key of one
    of the mappings; neither stands in the file.
    """
    path = (*loc[:2], *loc[3:])
    is_key = len(path) == 5 and path[2] in _MAPPINGS and path[4] == "[key]"
    return path[:4] if is_key else path, is_key


def _at(content: object, path: Path) -> Any:
    for step in path:
        if isinstance(content, dict):
            content = content.get(step)
        elif isinstance(content, list) and isinstance(step, int):
            content = content[step]
        else:
            return None
    return content


def _fields(model: type[BaseModel]) -> Mapping[str, FieldInfo]:
    """Return the fields of a model by the names that they have in the file."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _model(content: object, path: Path, root: type[BaseModel]) -> type[BaseModel]:
    """Return the model that describes the mapping at ``path``."""
    model = root
    for index, step in enumerate(path):
        if isinstance(step, str):
            found = tuple(_models(_fields(model)[step].annotation))
            item = _at(content, path[: index + 2])
            platform = item.get("platform") if isinstance(item, dict) else None
            model = next((m for m in found if _platform(m) == platform), found[0])
    return model


def _models(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in typing.get_args(annotation):
        yield from _models(argument)


def _platform(model: type[BaseModel]) -> object:
    field = model.model_fields.get("platform")
    return None if field is None else typing.get_args(field.annotation)[0]
