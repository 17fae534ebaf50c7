"""Android's settings: tables of names and texts that every service reads."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping

from lab.devices.android.link import AdbLink, CommandRefused, Ran
from lab.devices.android.marks import ask, succeeded
from lab.devices.android.values import mapping, text_or_none
from lab.devices.item import Value

NAMESPACES = ("global", "secure", "system")
UNSET = "null"
"""What Android says of a setting that is not there."""

_KEY = re.compile(r"[A-Za-z0-9_.]{1,100}")


class SettingItem:
    """Settings of one namespace, read and put back together. Raises ValueError for a namespace
    and names that are none."""

    kind = "setting"

    def __init__(self, link: AdbLink, namespace: str, *keys: str) -> None:
        if namespace not in NAMESPACES or not keys or not all(map(_KEY.fullmatch, keys)):
            raise ValueError(f"no settings: {namespace} {' '.join(keys)}")
        self._link = link
        self._namespace = namespace
        self._keys = keys

    @property
    def arguments(self) -> Mapping[str, str]:
        return {"namespace": self._namespace, "keys": " ".join(self._keys)}

    def read(self) -> Value:
        """Return what each of them is, None for one that is not set."""
        asked = {key: f"settings get {self._namespace} {key}" for key in self._keys}
        answers = ask(self._link, asked)
        return {key: setting_of(asked[key], ran) for key, ran in answers.items()}

    def put_back(self, value: Value) -> None:
        before = {key: text_or_none(each) for key, each in mapping(value).items()}
        if set(before) != set(self._keys):
            raise ValueError("the value has other settings than the item")
        commands = [setting_command(self._namespace, key, before[key]) for key in self._keys]
        check_all(self._link, commands)

    def same(self, before: Value, now: Value) -> bool:
        return before == now


def setting_of(command: str, ran: Ran) -> str | None:
    """Return what ``settings get`` told. Raises CommandRefused."""
    told = succeeded(command, ran).removesuffix("\n").removesuffix("\r")
    return None if told == UNSET else told


def setting_command(namespace: str, key: str, value: str | None) -> str:
    """Return the command that sets a setting, or with None deletes it."""
    if value is None:
        return f"settings delete {namespace} {key}"
    return f"settings put {namespace} {key} {shlex.quote(value)}"


def check_all(link: AdbLink, commands: list[str]) -> None:
    """Run commands in one round trip, all of them whatever becomes of the others. Raises
    DeviceLost, and CommandRefused for the first that failed."""
    answers = ask(link, {str(number): command for number, command in enumerate(commands)})
    for command, ran in zip(commands, answers.values(), strict=True):
        succeeded(command, ran)
        if "SecurityException" in ran.output or "Permission denial" in ran.output:
            raise CommandRefused(f"the phone does not let its shell do that: {command}")
