"""What devices.yaml may say. docs/devices.schema.json is generated from these models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from lab.devices.fields import (
    PIN_BLANKS,
    AppText,
    ControlText,
    DeviceId,
    EnvironmentText,
    ExitCode,
    Kinds,
    Lacking,
    Meaning,
    Pattern,
    PlainText,
    ProxyText,
    Seconds,
    VariableName,
    WifiText,
    blanks,
    command,
    located,
    wrong,
)
from lab.devices.iphone_models import IosSettings, VirtualIosSettings
from lab.devices.phone_models import AndroidSettings, Section, VirtualSettings
from lab.devices.template import Template
from lab.model.attack import Control, Need, RouteKind
from lab.model.outcome import ErrorKind
from lab.model.pins import PinKind

Argv = tuple[Template, ...]


class Routes(Section):
    """Arguments that send a program's traffic over a route. A route that is missing cannot be
    taken; one that needs no argument is an empty list."""

    proxy: tuple[ProxyText, ...] | None = None
    """The global HTTP proxy: ``{proxy}``."""
    wifi: tuple[WifiText, ...] | None = None
    """The rogue network: ``{socks}`` is its gateway, ``{address}`` what its resolver answered."""

    @model_validator(mode="after")
    def _some(self) -> Routes:
        if not self.kinds:
            raise wrong("give at least one of 'proxy' and 'wifi'")
        return self

    @property
    def kinds(self) -> frozenset[RouteKind]:
        """The routes that can be taken."""
        return frozenset(kind for kind in RouteKind if self.argv(kind) is not None)

    def argv(self, kind: RouteKind) -> Argv | None:
        """Return the arguments for a route, None where it cannot be taken."""
        return {RouteKind.PROXY: self.proxy, RouteKind.WIFI: self.wifi}[kind]


class Refinement(Section):
    """Words on the program's standard error that say more than its exit code."""

    match: Pattern
    """A regular expression (Python's), searched for in each line of the standard error."""
    kinds: Kinds
    """What it means. Applies where the exit code can mean all of these."""


class Controls(Section):
    """Clients without pins, which show that an attack has teeth. Exit code 0 is accepted."""

    unpinned: Annotated[tuple[ControlText, ...], Field(min_length=1)]
    """Trusts what is in ``{trust_store}``."""
    careless: Annotated[tuple[ControlText, ...], Field(min_length=1)]
    """Ignores certificate errors."""
    cleartext: Annotated[tuple[ControlText, ...], Field(min_length=1)]
    """Requests an ``http://`` address."""
    routes: Routes | None = None
    """Where these are other programs than the device's own: their arguments for its routes."""

    @field_validator("unpinned", "careless", "cleartext")
    @classmethod
    def _usable(cls, argv: Argv, info: ValidationInfo) -> Argv:
        return command(argv, info)

    def argv(self, kind: Control) -> Argv:
        """Return the command of the client called ``kind``. Raises KeyError for
        ``Control.NONE``."""
        return {
            Control.UNPINNED: self.unpinned,
            Control.CARELESS: self.careless,
            Control.CLEARTEXT: self.cleartext,
        }[kind]


class CommandSettings(Section):
    """Any program as a device under test."""

    id: DeviceId
    """The device's name in every report."""
    platform: Literal["command"]
    """A program on this machine."""
    argv: Annotated[tuple[AppText, ...], Field(min_length=1)]
    """The program and its arguments, no shell. Placeholders in braces are filled in."""
    routes: Routes
    """Arguments that send the program's traffic over a route."""
    exits: Annotated[Mapping[ExitCode, Meaning], Field(min_length=1)]
    """What each exit code says: ``accepted``, or all the kinds of error that it can mean."""
    errors: tuple[Refinement, ...] = ()
    """Words on the standard error that narrow an exit code down; the first to fit a line counts."""
    control: Controls
    """Clients without pins, run instead of the program."""
    version: Annotated[tuple[PlainText, ...], Field(min_length=1)] | None = None
    """A command whose first line of output says which version of the program this is."""
    env: Mapping[VariableName, EnvironmentText] = Field(default_factory=dict)
    """Environment variables. One that fills in to nothing is not set."""
    timeout: Seconds = 5
    """Seconds after which the program is to give up, for ``{timeout}``; the lab's cap is 15."""
    optional: bool = False
    """Left out, and said so, where the program is not on this machine."""
    capabilities: Mapping[Need, Lacking] = Field(default_factory=dict)
    """What the program cannot do, with the reason, though the lab would assume that it can."""

    @field_validator("argv")
    @classmethod
    def _usable(cls, argv: Argv, info: ValidationInfo) -> Argv:
        return command(argv, info)

    @field_validator("version")
    @classmethod
    def _startable(cls, argv: Argv | None, info: ValidationInfo) -> Argv | None:
        return None if argv is None else located(argv, info)

    @field_validator("exits")
    @classmethod
    def _can_accept(
        cls, exits: Mapping[int, frozenset[ErrorKind]]
    ) -> Mapping[int, frozenset[ErrorKind]]:
        if all(exits.values()):
            raise wrong("no exit code means 'accepted': the program could never pass; add one")
        return exits

    @field_validator("errors")
    @classmethod
    def _can_apply(
        cls, errors: tuple[Refinement, ...], info: ValidationInfo
    ) -> tuple[Refinement, ...]:
        exits: Mapping[int, frozenset[ErrorKind]] = info.data.get("exits", {})
        for number, refinement in enumerate(errors):
            if exits and not any(refinement.kinds <= kinds for kinds in exits.values()):
                named = ", ".join(sorted(refinement.kinds))
                raise wrong(f"item {number} can never apply: no exit code means {named}")
        return errors

    @field_validator("control")
    @classmethod
    def _goes_everywhere(cls, control: Controls, info: ValidationInfo) -> Controls:
        routes: Routes | None = info.data.get("routes")
        if routes is not None and control.routes is not None:
            missing = routes.kinds - control.routes.kinds
            if missing:
                raise wrong(f"its routes lack {', '.join(sorted(missing))}, which the device has")
        return control

    @property
    def commands(self) -> Mapping[tuple[str, ...], Argv]:
        """Every command that is ever started, by its place under the device."""
        return {
            ("argv",): self.argv,
            ("control", "unpinned"): self.control.unpinned,
            ("control", "careless"): self.control.careless,
            ("control", "cleartext"): self.control.cleartext,
            **({} if self.version is None else {("version",): self.version}),
        }

    @property
    def pin_kinds(self) -> frozenset[PinKind]:
        """The kinds of pin that the program is given."""
        return frozenset(PIN_BLANKS[blank] for blank in self._own & frozenset(PIN_BLANKS))

    @property
    def reads_trust_store(self) -> bool:
        """Tell whether the program is given the lab's trust store."""
        return "trust_store" in self._own

    @property
    def binds_source(self) -> bool:
        """Tell whether program and controls are all told the address to connect from."""
        requests = (argv for place, argv in self.commands.items() if place != ("version",))
        common = blanks(self.env.values())
        return all("source" in blanks(argv) | common for argv in requests)

    @property
    def _own(self) -> frozenset[str]:
        routes = (*(self.routes.proxy or ()), *(self.routes.wifi or ()))
        return blanks((*self.argv, *routes, *self.env.values()))


DeviceSettings = Annotated[
    AndroidSettings | CommandSettings | IosSettings | VirtualSettings | VirtualIosSettings,
    Field(discriminator="platform"),
]

PLATFORMS = ("android", "command", "ios", "virtual", "virtual-ios")


class DevicesFile(Section):
    """The devices of a lab."""

    devices: Annotated[tuple[DeviceSettings, ...], Field(min_length=1)]
    """Every device that the lab may use."""
