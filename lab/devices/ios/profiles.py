"""The configuration profiles of an iPhone, over USB: MCInstall's client.

The messages: go-ios (MIT), mcinstall; each is a property list with a ``RequestType``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lab.devices.android.link import CommandRefused
from lab.devices.ios.reach import Reach
from lab.devices.ios.service import Service
from lab.devices.ios.supervision import Supervisor
from lab.devices.journal_entry import shown
from lab.phone.ios.lockdown.plist import Plist, encode

SERVICE = "com.apple.mobile.MCInstall"


@dataclass(frozen=True, slots=True)
class Installed:
    """A profile that is installed."""

    identifier: str
    name: str
    uuid: str
    version: int


class ProfileService:
    """Installs and removes profiles. Methods raise DeviceLost, CommandRefused."""

    def __init__(self, reach: Reach) -> None:
        self._reach = reach

    def installed(self) -> tuple[Installed, ...]:
        """Return the profiles that are installed, in their order."""
        with self._reach.service(SERVICE) as service:
            return _listed(service)

    def supervised(self) -> bool:
        """Tell whether the phone is supervised."""
        with self._reach.service(SERVICE) as service:
            answer = service.ask({"RequestType": "GetCloudConfiguration"})
        configuration = answer.get("CloudConfiguration")
        return isinstance(configuration, dict) and configuration.get("IsSupervised") is True

    def offer(self, content: bytes) -> None:
        """Hand a profile to the phone, whose user has to install it in Settings."""
        with self._reach.service(SERVICE) as service:
            _ask(service, {"RequestType": "InstallProfile", "Payload": content})

    def install(self, content: bytes, supervisor: Supervisor) -> None:
        """Install a profile on a supervised phone; its user is not asked."""
        with self._reach.service(SERVICE) as service:
            answer = _ask(
                service, {"RequestType": "Escalate", "SupervisorCertificate": supervisor.der}
            )
            challenge = answer.get("Challenge")
            if not isinstance(challenge, bytes):
                raise CommandRefused("the iPhone does not ask its supervisor for a signature")
            signed = supervisor.answer(challenge)
            _ask(service, {"RequestType": "EscalateResponse", "SignedRequest": signed})
            _ask(service, {"RequestType": "ProceedWithKeybagMigration"})
            _ask(service, {"RequestType": "InstallProfileSilent", "Payload": content})

    def remove(self, identifier: str) -> None:
        """Remove a profile; one that is not installed is no matter."""
        with self._reach.service(SERVICE) as service:
            found = next((p for p in _listed(service) if p.identifier == identifier), None)
            if found is None:
                return
            named: dict[str, Plist] = {
                "PayloadType": "Configuration",
                "PayloadIdentifier": found.identifier,
                "PayloadUUID": found.uuid,
                "PayloadVersion": found.version,
            }
            # A property list within the property list, as the phone wants it.
            _ask(service, {"RequestType": "RemoveProfile", "ProfileIdentifier": encode(named)})


def _listed(service: Service) -> tuple[Installed, ...]:
    answer = _ask(service, {"RequestType": "GetProfileList"})
    order, metadata = answer.get("OrderedIdentifiers"), answer.get("ProfileMetadata")
    if not isinstance(order, list) or not isinstance(metadata, dict):
        raise CommandRefused("the iPhone does not say which profiles it has")
    found = []
    for identifier in order:
        told = metadata.get(str(identifier))
        known: Mapping[str, Plist] = told if isinstance(told, dict) else {}
        version = known.get("PayloadVersion")
        found.append(
            Installed(
                str(identifier),
                str(known.get("PayloadDisplayName", identifier)),
                str(known.get("PayloadUUID", "")),
                version if isinstance(version, int) else 1,
            )
        )
    return tuple(found)


def _ask(service: Service, request: Mapping[str, Plist]) -> dict[str, Plist]:
    answer = service.ask(request)
    if answer.get("Status") == "Acknowledged":
        return answer
    raise CommandRefused(f"the iPhone refuses {request['RequestType']!s}: {_words(answer)}")


def _words(answer: Mapping[str, Plist]) -> str:
    """Return what MCInstall says is wrong, in its user's words where it has some."""
    chain = answer.get("ErrorChain")
    for link in chain if isinstance(chain, list) else []:
        if isinstance(link, dict):
            for key in ("LocalizedDescription", "USEnglishDescription"):
                if isinstance(link.get(key), str):
                    return shown(str(link[key]))
    return shown(str(answer.get("Status") or answer.get("Error") or "and does not say why"))
