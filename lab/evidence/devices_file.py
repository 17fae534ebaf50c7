"""devices.yaml as it may be handed on: what it says, without comments and without secrets."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from lab.catalogue import hosts
from lab.devices.settings import (
    AndroidSettings,
    CommandSettings,
    DeviceSettings,
    IosSettings,
)
from lab.devices.template import Template
from lab.evidence.redaction import GONE, Concealer, redact, redact_command

SECRET_NAMES = re.compile("PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN|API_?KEY|CREDENTIAL", re.I)
SECRET_KEYS = frozenset({"passphrase", "unlock_pin", "password", "token", "secret"})
"""Keys whose value is secret whatever it looks like."""


def shown(path: Path, concealer: Concealer) -> str:
    """Return the content of devices.yaml without comments and secrets, as YAML. Empty where it
    cannot be read any more."""
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    out = io.StringIO()
    try:
        yaml.dump(_shown(yaml.load(path.read_text(encoding="utf-8")), concealer), out)
    except (OSError, YAMLError, ValueError):
        return ""
    return out.getvalue()


def secrets_of(devices: Iterable[DeviceSettings], environ: Mapping[str, str]) -> Iterator[str]:
    """Yield what must not be handed on: the values of the environment variables that devices.yaml
    names, or that are called like secrets, and what stands in a secret's place in it. The lab's own
    host names are no secrets."""
    own = " ".join(hosts.DECLARED)
    yield from (secret for secret in _secrets(devices, environ) if secret not in own)


def _secrets(devices: Iterable[DeviceSettings], environ: Mapping[str, str]) -> Iterator[str]:
    yield from (value for name, value in environ.items() if SECRET_NAMES.search(name))
    for device in devices:
        for template, is_secret in _templates(device):
            yield from (environ[name] for name in template.variables if name in environ)
            if is_secret:
                yield template.source


def _templates(device: DeviceSettings) -> Iterator[tuple[Template, bool]]:
    match device:
        case AndroidSettings() | IosSettings():
            for place, template in device.secrets.items():
                yield template, place[-1] in SECRET_KEYS
        case CommandSettings():
            for argv in device.commands.values():
                yield from ((template, False) for template in argv)
            yield from ((template, True) for template in device.env.values())


def _shown(value: Any, concealer: Concealer, key: str = "") -> Any:
    if isinstance(value, dict):
        # What a program is given in its environment is nobody else's business.
        if key == "env":
            return dict.fromkeys(value, GONE)
        return {name: _shown(inner, concealer, str(name)) for name, inner in value.items()}
    if isinstance(value, list):
        if value and all(isinstance(item, str) for item in value):
            return [concealer.text(item) for item in redact_command(value)]
        return [_shown(item, concealer) for item in value]
    if key in SECRET_KEYS and value is not None:
        return GONE
    return concealer.text(redact(value)) if isinstance(value, str) else value
