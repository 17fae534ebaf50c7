"""Who wants to know about pin verdicts (contract section 5)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lab.phone.sdk.errors import TrustPinError


@dataclass(frozen=True, slots=True)
class ValidationEvent:
    """A definitive verdict about one connection."""

    host: str
    error: TrustPinError | None = None
    """PinsMismatch, AllPinsExpired or DomainNotRegistered; None where a pin vouches."""
    leaf: bytes | None = None
    """The certificate that was refused, DER; None where none was."""


ValidationListener = Callable[[ValidationEvent], None]
"""Called in the middle of a handshake: it must be quick and not call the SDK back. It cannot
change the verdict, not even by raising."""


class Listeners:
    """Calls every listener; what they raise is logged and goes no further."""

    def __init__(self, complain: Callable[[str], None]) -> None:
        self._complain = complain
        self._listeners: tuple[ValidationListener, ...] = ()

    def add(self, listener: ValidationListener) -> None:
        self._listeners = (*self._listeners, listener)

    def tell(self, event: ValidationEvent) -> None:
        for listener in self._listeners:
            try:
                listener(event)
            except Exception as error:  # noqa: BLE001 - whatever a listener does, the verdict stands
                self._complain(f"a validation listener failed: {type(error).__name__}: {error}")
