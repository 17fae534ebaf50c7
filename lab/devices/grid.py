"""A Selenium Grid hub in front of Appium: which phones it has, and which one it gave.

Grid 4.48 (https://www.selenium.dev/documentation/grid/). A phone is asked for by its udid, with
one alternative for each phone that would do: a request that fits several phones of one node may
be booked for one and be given another. Which phone it is, is known once the session exists.
"""

from __future__ import annotations

import json
import random
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import urllib3
from urllib3.exceptions import HTTPError
from urllib3.util import make_headers

from lab.devices.appium import split_credentials
from lab.model.device import DeviceLost

MAX_STATUS = 4 * 1024 * 1024
"""Bytes of a hub's status that are read."""
STATUS_CAP = 10.0
"""Seconds in which the hub must have told its status."""
UDID = "appium:udid"
GRANTED = "deviceUDID"
"""The capability in which Appium says which phone it drives."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A phone of the grid."""

    udid: str
    node: str
    """Address of the node that has it."""
    up: bool
    """Whether the node takes sessions."""
    busy: bool
    """Whether a session has it, as far as the hub knows."""
    stereotype: Mapping[str, Any]
    """Its capabilities, as the node's configuration gives them."""


def read_hub(address: str, *, cap: float = STATUS_CAP) -> tuple[Slot, ...]:
    """Ask a hub for its phones. Raises DeviceLost where it does not answer as a hub does."""
    plain, credentials = split_credentials(address)
    headers = {} if credentials is None else make_headers(basic_auth=":".join(credentials))
    try:
        with urllib3.PoolManager(retries=False) as client:
            answer = client.request(
                "GET", f"{plain}/status", headers=headers, timeout=cap, preload_content=False
            )
            content = answer.read(MAX_STATUS + 1)
            answer.close()
    except (HTTPError, OSError) as error:
        raise DeviceLost(f"the hub {plain} cannot be reached: {error}") from None
    if answer.status != 200 or len(content) > MAX_STATUS:
        raise DeviceLost(f"the hub {plain} answered with status {answer.status}")
    try:
        return read_status(json.loads(content))
    except (ValueError, LookupError, TypeError, RecursionError):
        raise DeviceLost(f"the hub {plain} did not tell its nodes") from None


def read_status(status: Mapping[str, Any]) -> tuple[Slot, ...]:
    """Return the phones of a hub's status. Slots without a udid are no phones.

    Raises LookupError, TypeError for what is no status.
    """
    found: list[Slot] = []
    for node in status["value"]["nodes"]:
        for slot in node["slots"]:
            stereotype: Mapping[str, Any] = slot["stereotype"]
            if not isinstance(stereotype, Mapping):
                raise TypeError("a stereotype is an object")
            udid = stereotype.get(UDID)
            if isinstance(udid, str):
                up, busy = node["availability"] == "UP", slot["session"] is not None
                found.append(Slot(udid, str(node["uri"]), up, busy, stereotype))
    return tuple(found)


def free_udids(slots: Iterable[Slot], **wanted: object) -> tuple[str, ...]:
    """Return the phones that could be had now, of those whose stereotype says what is wanted:
    ``free_udids(slots, **{"lab:pool": "a"})``."""
    return tuple(
        slot.udid
        for slot in slots
        if slot.up
        and not slot.busy
        and all(slot.stereotype.get(name) == value for name, value in wanted.items())
    )


def duplicates(slots: Iterable[Slot]) -> tuple[str, ...]:
    """Return the udids that more than one slot has: a mistake in the nodes' configuration."""
    seen: set[str] = set()
    twice: dict[str, None] = {}
    for slot in slots:
        if slot.udid in seen:
            twice[slot.udid] = None
        seen.add(slot.udid)
    return tuple(twice)


def shuffled(udids: Sequence[str], chance: random.Random | None = None) -> list[str]:
    """Return the phones in an order of chance: not everybody is to ask for the same one first."""
    order = list(udids)
    (chance or random.Random()).shuffle(order)  # noqa: S311 - nothing depends on it
    return order


def granted(capabilities: Mapping[str, Any], wanted: Collection[str]) -> str:
    """Return the udid of the phone that a session has. Raises DeviceLost where that is none of
    those ``wanted``, or where grid and Appium do not agree on it."""
    driven = capabilities.get(GRANTED)
    booked = capabilities.get(UDID, capabilities.get("udid", driven))
    if not isinstance(driven, str):
        raise DeviceLost(f"the session does not say which phone it has ({GRANTED})")
    if driven != booked:
        raise DeviceLost(f"the hub booked the phone {booked!r}, but Appium drives {driven!r}")
    if driven not in wanted:
        raise DeviceLost(f"the session has the phone {driven!r}, which was not asked for")
    return driven
