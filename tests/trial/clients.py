"""Clients that are wrong about their configuration, or about their version. They get into the
phone by their names: ``sdk: tests.trial.clients:TakesAnyVersion``."""

from __future__ import annotations

import base64
import json

from lab.model.pins import PinConfiguration
from lab.phone.sdk.client import ReferenceClient, ReferenceClient41
from lab.phone.sdk.configuration import ConfigurationKeeper
from lab.phone.sdk.errors import ConfigIntegrityError
from lab.phone.services import SdkSettings
from lab.pinning.jws import new_signing_key, public_key_text, sign_claims, verify_configuration

KEY = new_signing_key()
"""Nobody else's."""


class _AnySigner(ConfigurationKeeper):
    def verify(self, token: bytes) -> PinConfiguration:
        claims = json.loads(base64.urlsafe_b64decode(token.split(b".")[1] + b"=="))
        return verify_configuration(sign_claims(claims, KEY), public_key_text(KEY), now=2e9)


class _AnyVersion(ConfigurationKeeper):
    def accepts(self, version: int, highest: int) -> bool:
        return True


class BelievesAnySigner(ReferenceClient):
    """Reads a configuration without a look at its signature."""

    keeper_class = _AnySigner


class TakesAnyVersion(ReferenceClient):
    """Remembers no version."""

    keeper_class = _AnyVersion


class NamesANewerError(ReferenceClient41):
    """Sets up as SDK 4.1 does, and fails with an error that came later."""

    def setup(self, settings: SdkSettings) -> None:
        try:
            super().setup(settings)
        except Exception as error:
            raise ConfigIntegrityError(str(error)) from error
