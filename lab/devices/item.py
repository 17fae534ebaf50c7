"""The seam between a device and the undo journal: one piece of a device's state at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

Value = None | bool | int | float | str | Sequence["Value"] | Mapping[str, "Value"]
"""What an item's value can be: what JSON can hold."""


class Item(Protocol):
    """One piece of a device's state that the lab changes: it can be read, and be put back.

    An item is undone by its value, not by turning a step around: that is right however far a
    run got before it died. Methods raise DeviceLost, and CommandRefused where the device
    says no.
    """

    @property
    def kind(self) -> str:
        """Which sort of item: ``setting``, ``clock``, ... Names its maker in a registry."""

    @property
    def arguments(self) -> Mapping[str, str]:
        """What the maker needs to make this very item again, in another process."""

    def read(self) -> Value:
        """Return the value as it is on the device now."""

    def put_back(self, value: Value) -> None:
        """Give the item a value that ``read`` returned earlier, whatever it is now. May be
        repeated. Raises ValueError where ``value`` is none of this item's."""

    def same(self, before: Value, now: Value) -> bool:
        """Tell whether two values of this item are the same, as far as can be expected."""
