"""NSKeyedArchiver: how Apple's programs write objects down that are sent over DTX.

A binary property list with all objects in one table, which refer to each other by their place in
it (Foundation, NSKeyedArchiver; version 100000). What comes from outside is bounded, and of the
classes only those are known that stand for values.
"""

from __future__ import annotations

import plistlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lab.phone.ios.lockdown.plist import BadPlist, load

MAX_DEPTH = 32
MAX_VALUES = 20_000
"""Values of one archive; what is shared counts as often as it is reached."""
VERSION = 100_000

_LISTS = frozenset({"NSArray", "NSMutableArray", "NSSet", "NSMutableSet"})
_DICTIONARIES = frozenset({"NSDictionary", "NSMutableDictionary"})
_WRAPPED = {
    "NSData": "NS.data",
    "NSMutableData": "NS.data",
    "NSString": "NS.string",
    "NSMutableString": "NS.string",
}
"""Classes that hold one value, by the key that it is under."""


@dataclass(frozen=True, slots=True)
class Failure:
    """An NSError: what a method came to that could not be carried out."""

    domain: str
    code: int
    description: str
    """NSLocalizedDescription."""


Value = (
    None | bool | int | float | str | bytes | Failure | Sequence["Value"] | Mapping[str, "Value"]
)
"""What an archive can hold, as far as it is known here."""


class BadArchive(Exception):
    """It is no archive, or holds what is no value."""


def archive(value: Value) -> bytes:
    """Write a value down."""
    writer = _Writer()
    top = writer.place(value)
    whole = {
        "$version": VERSION,
        "$archiver": "NSKeyedArchiver",
        "$top": {"root": top},
        "$objects": writer.objects,
    }
    return plistlib.dumps(whole, fmt=plistlib.FMT_BINARY, sort_keys=False)


def unarchive(content: bytes) -> Value:
    """Read what was written down. Raises BadArchive."""
    try:
        whole = load(content)
    except BadPlist as error:
        raise BadArchive(str(error)) from None
    match whole:
        case {"$archiver": "NSKeyedArchiver", "$top": {"root": root}, "$objects": list(objects)}:
            return _Reader(objects).value(root, MAX_DEPTH)
        case _:
            raise BadArchive("a property list that is no archive")


class _Writer:
    def __init__(self) -> None:
        self.objects: list[Any] = ["$null"]
        self._classes: dict[str, plistlib.UID] = {}

    def place(self, value: Value) -> plistlib.UID:
        """Put a value into the table, and return where it is."""
        if value is None:
            return plistlib.UID(0)
        at = len(self.objects)
        self.objects.append(None)
        self.objects[at] = self._written(value)
        return plistlib.UID(at)

    def _written(self, value: Value) -> object:
        if isinstance(value, Failure):
            said: Value = {"NSLocalizedDescription": value.description}
            return {
                "NSDomain": self.place(value.domain),
                "NSCode": value.code,
                "NSUserInfo": self.place(said),
                "$class": self._class("NSError"),
            }
        if isinstance(value, Mapping):
            return {
                "NS.keys": [self.place(key) for key in value],
                "NS.objects": [self.place(each) for each in value.values()],
                "$class": self._class("NSDictionary"),
            }
        if isinstance(value, Sequence) and not isinstance(value, str | bytes):
            places = [self.place(each) for each in value]
            return {"NS.objects": places, "$class": self._class("NSArray")}
        return value

    def _class(self, name: str) -> plistlib.UID:
        if name not in self._classes:
            self._classes[name] = plistlib.UID(len(self.objects))
            self.objects.append({"$classname": name, "$classes": [name, "NSObject"]})
        return self._classes[name]


class _Reader:
    def __init__(self, objects: list[Any]) -> None:
        self._objects = objects
        self._left = MAX_VALUES

    def value(self, place: object, depth: int) -> Value:
        """Return the value at a place. Raises BadArchive."""
        self._left -= 1
        if depth == 0 or self._left < 0:
            raise BadArchive("an archive that is too deep or too large")
        match self._at(place):
            case "$null":
                return None
            case bool() | int() | float() | str() | bytes() as single:
                return single
            case dict() as held if "$class" in held:
                return self._held(held, self._name(held["$class"]), depth - 1)
            case other:
                raise BadArchive(f"an archive with a {type(other).__name__}")

    def _held(self, held: dict[object, object], name: str, depth: int) -> Value:
        if name == "NSNull":
            return None
        if name in _WRAPPED:
            return self._wrapped(held.get(_WRAPPED[name]))
        if name == "NSError":
            return self._failure(held, depth)
        places = held.get("NS.objects")
        if not isinstance(places, list) or name not in _LISTS | _DICTIONARIES:
            raise BadArchive(f"an archive with a {name[:80]}")
        if name in _LISTS:
            return [self.value(place, depth) for place in places]
        keys = held.get("NS.keys")
        if not isinstance(keys, list) or len(keys) != len(places):
            raise BadArchive("a dictionary without a key for each of its values")
        found: dict[str, Value] = {}
        for key, place in zip(keys, places, strict=True):
            named = self.value(key, depth)
            if not isinstance(named, str):
                raise BadArchive("a dictionary whose keys are no texts")
            found[named] = self.value(place, depth)
        return found

    def _wrapped(self, inside: object) -> Value:
        # Some writers put the value here, some its place.
        value = self._at(inside) if isinstance(inside, plistlib.UID) else inside
        if not isinstance(value, str | bytes):
            raise BadArchive("an empty wrapping")
        return value

    def _failure(self, held: dict[object, object], depth: int) -> Failure:
        domain, code = self.value(held.get("NSDomain"), depth), held.get("NSCode")
        about = self.value(held.get("NSUserInfo", plistlib.UID(0)), depth)
        said = about.get("NSLocalizedDescription") if isinstance(about, Mapping) else None
        if not isinstance(domain, str) or not isinstance(code, int):
            raise BadArchive("an error without domain and code")
        return Failure(domain, code, said if isinstance(said, str) else "")

    def _name(self, place: object) -> str:
        match self._at(place):
            case {"$classname": str(name)}:
                return name
            case _:
                raise BadArchive("an object without a class")

    def _at(self, place: object) -> object:
        if not isinstance(place, plistlib.UID) or place.data >= len(self._objects):
            raise BadArchive("an object that is in no place")
        return self._objects[place.data]
