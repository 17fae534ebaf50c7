"""``com.apple.mobile.MCInstall``: configuration profiles, as a computer manages them."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping

from cryptography import x509

from lab.phone.ios.lockdown.cms import BadCms, content_of
from lab.phone.ios.lockdown.handset import Handset, InstalledProfile, Management, ProfileRefused
from lab.phone.ios.lockdown.messages import send
from lab.phone.ios.lockdown.plist import BadPlist, Plist, decode, encode
from lab.phone.ios.lockdown.wire import Wire
from lab.phone.ios.services.wiring import Message, next_message, text

ACKNOWLEDGED: Message = {"Status": "Acknowledged"}
CHALLENGE = 32
"""Bytes of a challenge."""
SUPERVISION, CONNECTION = (
    "MCSupervisionErrorDomain",
    "MCHTTPTransactionErrorDomain",
)
NOT_SUPERVISED, NOT_ESCALATED, UNKNOWN = 54000, 54001, 12004


class ProfileService:
    """The service."""

    def __init__(self, handset: Handset) -> None:
        self._handset = handset

    def __call__(self, wire: Wire) -> None:
        session = _Session(self._handset)
        while True:
            send(wire, session.answer(next_message(wire)))


class _Session:
    """One connection: only here does it count that a supervisor has shown who he is."""

    def __init__(self, handset: Handset) -> None:
        self._handset = handset
        self._management: Management = handset.management
        self._challenge: bytes | None = None
        self._claimed: x509.Certificate | None = None
        self._escalated = False
        self._requests: dict[str, Callable[[Message], Message]] = {
            "HelloHostIdentifier": lambda _: ACKNOWLEDGED,
            "Flush": lambda _: ACKNOWLEDGED,
            "GetProfileList": self._list,
            "InstallProfile": self._offer,
            "InstallProfileSilent": self._install,
            "RemoveProfile": self._remove,
            "Escalate": self._escalate,
            "EscalateResponse": self._escalated_by,
            "ProceedWithKeybagMigration": self._proceed,
            "GetCloudConfiguration": self._configuration,
        }

    def answer(self, request: Message) -> Message:
        carry_out = self._requests.get(text(request, "RequestType"))
        try:
            if carry_out is None:
                raise ProfileRefused("The request is not known.", domain=CONNECTION, code=UNKNOWN)
            return carry_out(request)
        except ProfileRefused as refusal:
            reason: dict[str, Plist] = {
                "ErrorCode": refusal.code,
                "ErrorDomain": refusal.domain,
                "LocalizedDescription": str(refusal),
                "USEnglishDescription": str(refusal),
            }
            return {"Status": "Error", "ErrorChain": [reason]}

    def _list(self, _: Message) -> Message:
        profiles = self._management.installed()
        return {
            **ACKNOWLEDGED,
            "OrderedIdentifiers": [each.identifier for each in profiles],
            "ProfileManifest": {
                each.identifier: {"Description": each.name or each.identifier, "IsActive": True}
                for each in profiles
            },
            "ProfileMetadata": {each.identifier: _metadata(each) for each in profiles},
        }

    def _offer(self, request: Message) -> Message:
        self._management.offer(_payload(request))
        return ACKNOWLEDGED

    def _install(self, request: Message) -> Message:
        if not self._escalated:
            raise ProfileRefused(
                "Only a supervisor may do that.", domain=SUPERVISION, code=NOT_ESCALATED
            )
        self._management.install(_payload(request))
        return ACKNOWLEDGED

    def _remove(self, request: Message) -> Message:
        self._management.remove(_identifier(request.get("ProfileIdentifier")))
        return ACKNOWLEDGED

    def _escalate(self, request: Message) -> Message:
        self._escalated, self._challenge = False, None
        supervisors = self._management.supervisors
        certificate = request.get("SupervisorCertificate")
        if not supervisors:
            raise ProfileRefused(
                "The device is not supervised.", domain=SUPERVISION, code=NOT_SUPERVISED
            )
        if not isinstance(certificate, bytes) or certificate not in supervisors:
            raise _stranger()
        try:
            self._claimed = x509.load_der_x509_certificate(certificate)
        except ValueError:
            raise _stranger() from None
        self._challenge = secrets.token_bytes(CHALLENGE)
        return {**ACKNOWLEDGED, "Challenge": self._challenge}

    def _escalated_by(self, request: Message) -> Message:
        signed, challenge, claimed = request.get("SignedRequest"), self._challenge, self._claimed
        self._challenge = None
        if challenge is None or claimed is None or not isinstance(signed, bytes):
            raise _stranger()
        try:
            opened = content_of(signed, content=challenge, trusted=claimed)
        except BadCms:
            raise _stranger() from None
        if opened.content != challenge:
            raise _stranger()
        self._escalated = True
        self._handset.log("profiled", "INFO", "a supervisor is connected")
        return ACKNOWLEDGED

    def _proceed(self, _: Message) -> Message:
        if not self._escalated:
            raise _stranger()
        return ACKNOWLEDGED

    def _configuration(self, _: Message) -> Message:
        supervisors = self._management.supervisors
        configuration: dict[str, Plist] = {
            "AllowPairing": True,
            "CloudConfigurationUIComplete": True,
            "ConfigurationSource": 2 if supervisors else 0,
            "ConfigurationWasApplied": True,
            "IsMDMUnremovable": False,
            "IsMandatory": bool(supervisors),
            "IsMultiUser": False,
            "IsSupervised": bool(supervisors),
            "PostSetupProfileWasInstalled": True,
        }
        if supervisors:
            configuration["SupervisorHostCertificates"] = list(supervisors)
        return {**ACKNOWLEDGED, "CloudConfiguration": configuration}


def _metadata(profile: InstalledProfile) -> dict[str, Plist]:
    return {
        "PayloadDescription": profile.description,
        "PayloadDisplayName": profile.name or profile.identifier,
        "PayloadOrganization": profile.organization,
        "PayloadRemovalDisallowed": not profile.removable,
        "PayloadUUID": profile.uuid,
        "PayloadVersion": profile.version,
    }


def _payload(request: Message) -> bytes:
    """Return the profile in a request. Some clients send it as bytes, Appium's as a dictionary."""
    payload = request.get("Payload")
    if isinstance(payload, bytes):
        return payload
    if isinstance(payload, Mapping):
        return encode(payload)
    raise ProfileRefused("There is no profile in the request.", code=4000)


def _identifier(value: object) -> str:
    """Return which profile a client means. Apple's own clients send a property list that says so,
    others the bare identifier."""
    if isinstance(value, bytes):
        try:
            found: object = decode(value).get("PayloadIdentifier")
        except BadPlist:
            found = value.decode("utf-8", "replace")
    else:
        found = value
    if not isinstance(found, str):
        raise ProfileRefused("There is no identifier in the request.", code=4000)
    return found


def _stranger() -> ProfileRefused:
    return ProfileRefused(
        "The computer is not one that supervises this device.",
        domain=SUPERVISION,
        code=NOT_ESCALATED,
    )
