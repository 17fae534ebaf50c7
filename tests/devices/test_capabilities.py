from __future__ import annotations

from collections.abc import Callable

import pytest

from lab.devices.capabilities import NO_SEGMENT, lack
from lab.devices.settings import CommandSettings, Settings, load
from lab.model.attack import Need
from tests.devices.conftest import ROOT
from tests.devices.test_settings import COMMAND, command

Yaml = Callable[[str], Settings]


def lacking(settings: CommandSettings) -> set[Need]:
    return {need for need in Need if lack(settings, need) is not None}


def test_what_curl_cannot_do() -> None:
    curl = load(ROOT / "devices.yaml").device("curl")
    assert isinstance(curl, CommandSettings)
    can = {Need.SYSTEM_STORE, Need.PROXY, Need.WIFI, Need.ED25519, Need.MODERN_TLS}
    can.add(Need.PLAIN_X509)
    assert lacking(curl) == set(Need) - can
    assert lack(curl, Need.CONFIGURATION) == "curl has static pins: it fetches no configuration"
    for need in lacking(curl) - {Need.SEGMENT}:
        assert (lack(curl, need) or "").startswith("curl ")
    assert lack(curl, Need.SEGMENT) == NO_SEGMENT
    assert lack(curl, Need.SEGMENT, lodged=True) is None


@pytest.mark.parametrize(
    ("pins", "met"),
    [
        ("{pinnedpubkey}", set()),
        ("{pin_sha256}", {Need.LEAF_PINS}),
        ("{pin_spki_sha512_b64}", {Need.SHA512_PINS}),
        ("{pin_sha256}{pin_spki_sha512}", {Need.LEAF_PINS}),
        ("{pin_sha256}{pin_spki_sha512}{pin_sha512}", {Need.LEAF_PINS, Need.SHA512_PINS}),
        ("{trust_store}", {Need.SYSTEM_STORE}),
    ],
)
def test_the_placeholders_tell_what_a_program_can_use(
    yaml: Yaml, pins: str, met: set[Need]
) -> None:
    plain = lacking(command(yaml))
    given = lacking(command(yaml, text=COMMAND.replace('[tool, "', f'[tool, "{pins}", "')))
    assert plain - given == met


def test_a_route_makes_its_cases_applicable(yaml: Yaml) -> None:
    text = COMMAND.replace("routes: {", 'routes: {wifi: ["{socks}"], ')
    assert Need.WIFI in lacking(command(yaml))
    assert Need.WIFI not in lacking(command(yaml, text=text))
    alone = COMMAND.replace('{proxy: ["{proxy}"]}', '{wifi: ["{socks}"]}')
    assert Need.PROXY not in lacking(command(yaml))
    assert Need.PROXY in lacking(command(yaml, text=alone))


def test_the_settings_can_take_away(yaml: Yaml) -> None:
    more = "    capabilities: {san_only: it looks at the CN, clock: false, report: to the owner}\n"
    device = command(yaml, more)
    assert lack(command(yaml), Need.SAN_ONLY) is None
    assert lack(device, Need.SAN_ONLY) == "it looks at the CN"
    assert lack(device, Need.REPORT) == "to the owner"
    assert lack(device, Need.CLOCK) == "devices.yaml says that this device cannot do that"
