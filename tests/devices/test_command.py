from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lab.devices.command import CommandDevice, NoUsablePin
from lab.devices.lodging import Lodging
from lab.devices.pin_blanks import pin_values
from lab.devices.registry import source_address
from lab.devices.settings import CommandSettings, Settings
from lab.model.attack import Control, RouteKind, Trust
from lab.model.device import AppSetup, DeviceLost, NotReady
from lab.model.outcome import Answer, AppOutcome, ErrorKind
from lab.model.pins import Pin, PinConfiguration, PinKind, PinnedDomain
from lab.pinning.pins import pin_of
from lab.pki.hierarchy import LabPki
from tests.devices.peers import ADDRESS, Surrounds
from tests.patience import CAP

HOST = "api.acme.test"
URL = f"https://{HOST}/"

Made = Callable[[CommandSettings], CommandDevice]
Yaml = Callable[[str], Settings]


def setup(pki: LabPki) -> AppSetup:
    pins = tuple(
        pin_of(credential.certificate, PinKind.SPKI_SHA256)
        for credential in (pki.genuine(HOST), pki.backup(HOST))
    )
    leaf = pin_of(pki.genuine("leaf.acme.test").certificate, PinKind.LEAF_SHA256)
    domains = (PinnedDomain(HOST, pins), PinnedDomain("leaf.acme.test", (leaf,)))
    return AppSetup(PinConfiguration(domains))


@pytest.fixture
def made(around: Surrounds, pki: LabPki, tmp_path: Path) -> Iterator[Made]:
    running: list[CommandDevice] = []

    def make(settings: CommandSettings) -> CommandDevice:
        device = CommandDevice(
            settings,
            around.surroundings,
            tmp_path / "device",
            factory_anchors=(pki.public_root.der,),
            source=source_address(7),
            cap=CAP,
        )
        running.append(device)
        device.take_route(RouteKind.PROXY)
        assert device.set_up(setup(pki)).answer is Answer.ACCEPTED
        return device

    yield make
    for device in running:
        device.close()


@pytest.fixture
def program(yaml: Yaml, made: Made) -> Callable[..., CommandDevice]:
    """Make a device of a short Python program, which gets the arguments given."""

    def make(script: str, *args: str, more: str = "") -> CommandDevice:
        client = [sys.executable, "-I", "-S", "-c", script]
        argv = json.dumps([*client, *args, "{url}"])
        plain = json.dumps([*client, "{port}", "{source}", "{url}"])
        text = (
            "devices:\n  - id: tool\n    platform: command\n"
            f"    argv: {argv}\n    routes: {{proxy: [], wifi: ['{{address}}']}}\n"
            "    exits: {0: accepted, 1: [chain]}\n"
            f"    control: {{unpinned: {plain}, careless: {plain}, cleartext: {plain}}}\n{more}"
        )
        settings = yaml(text).device("tool")
        assert isinstance(settings, CommandSettings)
        return made(settings)

    return make


SAY = "import sys; sys.stderr.write('|'.join(sys.argv[1:])); sys.exit(1)"


def said(outcome: AppOutcome) -> list[str]:
    return outcome.message.split("|")


def test_placeholders(program: Callable[..., CommandDevice], around: Surrounds) -> None:
    device = program(SAY, "{host}", "{port}", "{timeout}", "{source}", "{trust_store}")
    host, port, timeout, source, store, url = said(device.request(f"https://{HOST}:8443/x"))
    assert (host, port, timeout, url) == (HOST, "8443", "5", f"https://{HOST}:8443/x")
    assert source == device.source == source_address(7)
    assert store.endswith("trust-store.pem")
    told = device.control("http://a.test/", Control.CLEARTEXT)
    assert said(told) == ["80", source, "http://a.test/"]


def test_a_program_that_is_not_told_its_source_has_none(
    program: Callable[..., CommandDevice],
) -> None:
    device = program(SAY)
    assert device.source is None
    assert said(device.control(URL, Control.UNPINNED))[1] == "127.0.0.1"


def test_the_routes_arguments_come_last_or_where_they_are_told_to(
    program: Callable[..., CommandDevice],
) -> None:
    device = program(SAY)
    device.take_route(RouteKind.WIFI)
    assert said(device.request(URL)) == [URL, ADDRESS]
    device = program(SAY, "{route}")
    device.take_route(RouteKind.WIFI)
    assert said(device.request(URL)) == [ADDRESS, URL]


def test_a_route_that_was_not_taken_leaves_none(
    program: Callable[..., CommandDevice], monkeypatch: pytest.MonkeyPatch
) -> None:
    device, moves = program(SAY), list[bool]()

    class Broken(Lodging):
        """On the rogue Wi-Fi, and held fast there once."""

        def __init__(self) -> None:
            """It has no place."""

        @property
        def address(self) -> str | None:
            return None

        @property
        def enter(self) -> tuple[str, ...]:
            return ()

        def move(self, *, in_: bool) -> None:
            moves.append(in_)
            if not in_:
                raise NotReady("the rogue Wi-Fi does not let go")

        def close(self) -> None:
            """Nothing is held."""

    monkeypatch.setattr(device, "_lodging", Broken())
    device.take_route(RouteKind.WIFI)
    with pytest.raises(NotReady):
        device.take_route(RouteKind.PROXY)
    with pytest.raises(ValueError, match="no route taken"):
        device.request(URL)
    device.take_route(RouteKind.WIFI)
    assert moves == [True, False, True]


def test_pins_in_every_form(program: Callable[..., CommandDevice], pki: LabPki) -> None:
    key, backup = (
        pin_of(c.certificate, PinKind.SPKI_SHA256).digest
        for c in (pki.genuine(HOST), pki.backup(HOST))
    )
    device = program(
        SAY, "{pinnedpubkey}", "{pin_spki_sha256}", "{pin_spki_sha256_b64}", "{pin_sha256}"
    )
    every, as_hex, as_base64, leaf, _ = said(device.request(URL))
    assert every == f"sha256//{key};sha256//{backup}"
    assert as_base64 == key
    assert as_hex == ssl_digest(pki)
    assert leaf == ""
    assert said(device.request("https://leaf.acme.test/"))[3] != ""
    with pytest.raises(NoUsablePin, match=r"www\.acme\.test has no pin of the kind that tool can"):
        device.request("https://www.acme.test/")


def ssl_digest(pki: LabPki) -> str:
    """The pin of the genuine key, by hand rather than by the lab's own code."""
    import hashlib

    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    key = pki.genuine(HOST).certificate.public_key()
    return hashlib.sha256(
        key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    ).hexdigest()


def test_a_malformed_pin_is_passed_on_as_it_is() -> None:
    values = pin_values((Pin(PinKind.SPKI_SHA256, "not base64"),), frozenset({PinKind.SPKI_SHA256}))
    assert values["pin_spki_sha256"] == values["pin_spki_sha256_b64"] == "not base64"
    assert values["pinnedpubkey"] == "sha256//not base64"


def test_a_program_that_takes_no_pins_requests_any_host(
    program: Callable[..., CommandDevice],
) -> None:
    assert program(SAY).request("https://www.acme.test/").answer is Answer.REFUSED


ENVIRONMENT = "import os, sys; sys.stderr.write(repr(dict(os.environ))); sys.exit(1)"


def test_the_environment_is_clean_and_the_home_empty_and_new(
    program: Callable[..., CommandDevice], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("https_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE", "CURL_HOME"):
        monkeypatch.setenv(name, "/elsewhere")
    # What a program says is cut off, and paths can be long.
    monkeypatch.setenv("PATH", os.defpath)
    found = json.loads(program(ENVIRONMENT).request(URL).message.replace("'", '"'))
    assert set(found) - {"LC_CTYPE"} == {"PATH", "HOME", "TMPDIR", "LC_ALL"}
    look = (
        "import os, sys; home = os.environ['HOME']; assert os.getcwd() == os.path.realpath(home);"
        "sys.stderr.write(str(os.listdir(home))); open('left', 'w').close(); sys.exit(1)"
    )
    device = program(look)
    assert device.request(URL).message == "[]"
    assert device.request(URL).message == "[]"


def test_environment_variables_of_the_settings(
    program: Callable[..., CommandDevice], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET", "hunter2")
    env = "    env: {TOKEN: 'a ${SECRET}', HTTPS_PROXY: '{proxy}', ADDRESS: '{address}'}\n"
    script = (
        "import os, sys; e = os.environ; assert e['TOKEN'] == 'a ' + 'hunter' + '2';"
        "found = [e.get(name, '-') for name in ('TOKEN', 'HTTPS_PROXY', 'ADDRESS')];"
        "sys.stderr.write('|'.join(found)); sys.exit(1)"
    )
    device = program(script, more=env)
    token, proxy, address = said(device.request(URL))
    assert (token, address) == ("a ***", "-")
    assert proxy.startswith("http://127.0.0.1:")
    device.take_route(RouteKind.WIFI)
    assert said(device.request(URL)) == ["a ***", "-", ADDRESS]
    assert "hunter2" not in repr(device.facts)
    monkeypatch.delenv("SECRET")
    with pytest.raises(DeviceLost, match="SECRET is not set any more"):
        device.request(URL)


def test_a_crash_is_silence(program: Callable[..., CommandDevice]) -> None:
    outcome = program("import os; os.kill(os.getpid(), 11)").request(URL)
    assert (outcome.answer, outcome.message) == (
        Answer.SILENT,
        "the program was killed by SIGSEGV",
    )


def test_a_program_that_hangs_is_silence(
    yaml: Yaml, around: Surrounds, program: Callable[..., CommandDevice], tmp_path: Path
) -> None:
    settings = program("import time; time.sleep(600)")._settings
    device = CommandDevice(
        settings, around.surroundings, tmp_path / "d", factory_anchors=(), source=None, cap=0.3
    )
    device.take_route(RouteKind.PROXY)
    outcome = device.request(URL)
    assert (outcome.answer, outcome.message) == (
        Answer.SILENT,
        "the program did not end in time and was killed",
    )
    device.close()


def test_a_program_that_went_away_is_a_lost_device(yaml: Yaml, made: Made, tmp_path: Path) -> None:
    (tmp_path / "tool").write_text("#!/bin/sh\nexit 0\n")
    (tmp_path / "tool").chmod(0o700)
    text = (
        "devices: [{id: tool, platform: command, argv: [./tool, '{url}'], routes: {proxy: []},"
        " exits: {0: accepted}, control: {unpinned: [./tool, '{url}'],"
        " careless: [./tool, '{url}'], cleartext: [./tool, '{url}']}}]"
    )
    settings = yaml(text).device("tool")
    assert isinstance(settings, CommandSettings)
    device = made(settings)
    assert device.request(URL).answer is Answer.ACCEPTED
    (tmp_path / "tool").unlink()
    with pytest.raises(DeviceLost, match="could not be started"):
        device.request(URL)


def test_without_an_address_the_program_is_not_started(
    program: Callable[..., CommandDevice], around: Surrounds
) -> None:
    device = program(SAY)
    device.take_route(RouteKind.WIFI)
    around.addresses = ()
    outcome = device.request(URL)
    assert outcome.answer is Answer.REFUSED
    assert outcome.kinds == {ErrorKind.NETWORK}
    assert "NXDOMAIN" in outcome.message
    assert "not started" in outcome.message
    assert outcome.commands == 0
    assert around.asked == [HOST]


def test_an_address_needs_no_resolver(
    program: Callable[..., CommandDevice], around: Surrounds
) -> None:
    device = program(SAY)
    device.take_route(RouteKind.WIFI)
    assert said(device.request("https://192.0.2.1/"))[1] == "192.0.2.1"
    assert around.asked == []


def test_what_it_cannot_do_is_an_error_rather_than_nothing(
    program: Callable[..., CommandDevice], yaml: Yaml, made: Made
) -> None:
    device = program(SAY)
    device.set_clock_offset(0.0)
    with pytest.raises(ValueError, match="this machine's clock"):
        device.set_clock_offset(1.0)
    with pytest.raises(ValueError, match="one trust store"):
        device.trust(Trust.USER, ())
    with pytest.raises(ValueError, match="not an http or https address"):
        device.request("ftp://x/")
    assert device.screenshot() is None
    assert device.reports == frozenset()
    device._route = None
    with pytest.raises(ValueError, match="no route taken yet"):
        device.request(URL)


def test_a_route_that_the_settings_lack_cannot_be_taken(
    around: Surrounds, yaml: Yaml, made: Made
) -> None:
    from tests.devices.test_settings import command

    device = made(command(yaml))
    with pytest.raises(ValueError, match="no route wifi"):
        device.take_route(RouteKind.WIFI)


def test_close_removes_its_files_and_nothing_else(
    program: Callable[..., CommandDevice], tmp_path: Path
) -> None:
    home = tmp_path / "device"
    device = program(SAY)
    assert home.stat().st_mode & 0o777 == 0o700
    (home / "evidence").touch()
    device.close()
    assert [file.name for file in home.iterdir()] == ["evidence"]
    (home / "evidence").unlink()
    device.close()
    assert not home.exists()
