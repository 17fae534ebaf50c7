"""``com.apple.mobile.diagnostics_relay`` and ``com.apple.misagent``, as far as tools ask."""

from __future__ import annotations

from lab.phone.ios.lockdown.handset import Handset
from lab.phone.ios.lockdown.messages import send
from lab.phone.ios.lockdown.plist import Plist
from lab.phone.ios.lockdown.wire import Wire
from lab.phone.ios.services.wiring import Message, next_message, text, texts

BATTERY = "com.apple.mobile.battery"
"""The domain of lockdown's values that tells of the battery."""


class DiagnosticsRelay:
    """Tells of the battery and of what the phone is. It does not restart the phone."""

    def __init__(self, handset: Handset) -> None:
        self._handset = handset

    def __call__(self, wire: Wire) -> None:
        while True:
            request = next_message(wire)
            name = text(request, "Request")
            send(wire, self._answer(name, request))
            if name == "Goodbye":
                return

    def _answer(self, name: str, request: Message) -> Message:
        if name == "Goodbye":
            return {"Status": "Success"}
        if name in ("All", "GasGauge"):
            found: dict[str, Plist] = {"GasGauge": self._battery()}
        elif name == "MobileGestalt":
            values = self._handset.values("")
            keys = texts(request.get("MobileGestaltKeys"))
            answers: dict[str, Plist] = {key: values[key] for key in keys if key in values}
            found = {"MobileGestalt": {**answers, "Status": "Success"}}
        else:
            return {"Status": "UnknownRequest"}
        return {"Status": "Success", "Diagnostics": found}

    def _battery(self) -> dict[str, Plist]:
        return {**self._handset.values(BATTERY), "Status": "Success"}


class ProvisioningProfiles:
    """``com.apple.misagent``: there are no provisioning profiles on the phone, and none are needed,
    as nobody looks at an app's signature."""

    def __call__(self, wire: Wire) -> None:
        while True:
            kind = text(next_message(wire), "MessageType")
            if kind in ("Copy", "CopyAll"):
                send(wire, {"Status": 0, "Payload": []})
            else:
                # kMISProvisioningProfileNotFound would be for one; this is for all that is asked.
                send(wire, {"Status": UNSUPPORTED})


UNSUPPORTED = 0xE8008001
"""What misagent says where it cannot do what it is asked for."""
