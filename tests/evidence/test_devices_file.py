from __future__ import annotations

from pathlib import Path

from lab.devices.settings import load
from lab.evidence.devices_file import secrets_of, shown
from lab.evidence.redaction import Concealer

CANARY = "c4n4ry-of-the-owner"

DEVICES = f"""
devices:  # {CANARY} in a comment
  - id: program
    platform: command
    argv: [tool, --password, {CANARY}, "--key=${{ACME_ACCESS}}", "{{url}}"]
    env: {{ACME_ACCESS: {CANARY}-2, HOST_NAME: api.acme.test}}
    routes: {{proxy: []}}
    exits: {{0: accepted, 1: [chain]}}
    control: {{unpinned: [curl, "{{url}}"], careless: [curl, "{{url}}"],
      cleartext: [curl, "{{url}}"]}}
"""


def test_devices_yaml_is_handed_on_without_comments_and_secrets(tmp_path: Path) -> None:
    file = tmp_path / "devices.yaml"
    file.write_text(DEVICES)
    settings = load(file)
    environ = {"ACME_ACCESS": "from-the-environment", "SIGNING_TOKEN": "a-token-of-ci", "A": "b"}
    secrets = set(secrets_of(settings.devices, environ))
    assert {f"{CANARY}-2", "from-the-environment", "a-token-of-ci"} <= secrets
    assert "api.acme.test" not in secrets, "or every record would lose its hosts"
    text = shown(file, Concealer(secrets))
    assert CANARY not in text
    assert "#" not in text
    file.write_text(text)
    assert load(file).ids == ("program",), "it is still a devices.yaml"


def test_what_cannot_be_read_any_more_is_left_out(tmp_path: Path) -> None:
    assert shown(tmp_path / "gone.yaml", Concealer()) == ""
