from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lab.devices.document import LARGEST
from lab.devices.settings import CommandSettings, Settings, SettingsError, VirtualSettings, load
from lab.model.outcome import ErrorKind
from lab.model.pins import PinKind
from tests.devices.conftest import ROOT, with_examples

Yaml = Callable[[str], Settings]

COMMAND = """\
devices:
  - id: tool
    platform: command
    argv: [tool, "{url}"]
    routes: {proxy: ["{proxy}"]}
    exits: {0: accepted, 1: [pin, chain]}
    control: {unpinned: [c, "{url}"], careless: [c, "{url}"], cleartext: [c, "{url}"]}
"""


def errors(yaml: Yaml, text: str) -> str:
    with pytest.raises(SettingsError) as caught:
        yaml(text)
    return "\n".join(line.partition("devices.yaml")[2] for line in str(caught.value).splitlines())


def command(yaml: Yaml, more: str = "", text: str = COMMAND) -> CommandSettings:
    device = yaml(text + more).device("tool")
    assert isinstance(device, CommandSettings)
    return device


def test_the_shipped_file_is_good() -> None:
    shipped = load(ROOT / "devices.yaml")
    assert shipped.ids == ("phone", "curl")
    phone = shipped.device("phone")
    assert isinstance(phone, VirtualSettings)
    assert phone.client == "lab.phone.sdk.client:ReferenceClient"
    curl = shipped.device("curl")
    assert isinstance(curl, CommandSettings)
    assert curl.pin_kinds == {PinKind.SPKI_SHA256}
    assert curl.binds_source
    assert curl.reads_trust_store


def test_the_examples_in_its_comments_are_good(yaml: Yaml) -> None:
    assert yaml(with_examples()).ids == (
        "phone",
        "curl",
        "careless-curl",
        "wget",
        "openssl",
        "requests",
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", ":1: the file is empty; add 'devices:' with at least one device"),
        ("[]", ":1: must be a mapping (key: value), not []"),
        ("\ndevices: []", ":2: devices: is empty; give at least one item"),
        ("devices:", ":1: devices: has no value; give a list"),
        ("devices:\n  - phone", ":2: devices[0]: must be a mapping (key: value), not 'phone'"),
        (
            "devices:\n  - {}",
            ":2: devices[0].platform: is missing; add one of: android, command, ios, virtual, "
            "virtual-ios",
        ),
        (
            "devices:\n  - id: a\n    platfrom: virtual",
            ":3: devices[0].platfrom: unknown key 'platfrom'; did you mean 'platform'?",
        ),
        (
            "devices:\n  - id: a\n    platform: andriod",
            ":3: devices[0].platform: unknown platform 'andriod'; "
            "known are: android, command, ios, virtual, virtual-ios",
        ),
        (
            "devices:\n  - id: a\n    platform: virtual\n    sdkk: x",
            ":4: devices[0].sdkk: unknown key 'sdkk'; did you mean 'sdk'?",
        ),
        (
            "devices:\n  - id: a\n    platform: virtual\n    color: x",
            ":4: devices[0].color: unknown key 'color'; "
            "known are: android, appium, id, optional, platform, profile, proxy, report, root, sdk",
        ),
        (
            "devices:\n  - id: a\n    platform: virtual\n    sdk: my.module",
            ":4: devices[0].sdk: must be package.module:Class, not 'my.module'",
        ),
        (
            "devices:\n  - platform: virtual",
            ":2: devices[0].id: is missing; add it. The device's name in every report.",
        ),
        (
            "devices:\n  - id: 5\n    platform: virtual",
            ":2: devices[0].id: must be text, not 5; put it in quotes",
        ),
        (
            "devices:\n  - id: ../x\n    platform: virtual",
            ":2: devices[0].id: must be letters, digits, '.', '_' and '-', at most 64, the first "
            "a letter or digit, not '../x'",
        ),
        (
            "devices:\n  - {id: A, platform: virtual}\n  - {id: a, platform: virtual}",
            ":3: devices[1].id: duplicate id 'a'; it is taken on line 2, choose another",
        ),
        (
            "devices:\n  - id: a\n    platform: virtual\n    id: b",
            ":4: devices[0].id: duplicate key; the same key stands on line 2; remove one of them",
        ),
        (
            "devices: [\n",
            ":2: not valid YAML: while parsing a flow node expected the node content, but found "
            "'<stream end>'",
        ),
        (
            "devices:\n\t- a",
            ":2: not valid YAML: while scanning for the next token found character '\\t' that "
            "cannot start any token",
        ),
        (
            "---\na: 1\n---\nb: 1",
            ":3: not valid YAML: expected a single document in the stream but found another "
            "document",
        ),
        ("a:\n - *x", ":2: not valid YAML: found undefined alias 'x'"),
        ("a: &x 1\nb: &x 2", ":2: found duplicate anchor 'x'; rename one of them"),
        ("a: \x01", ":1: not valid YAML: character U+0001 is not allowed; remove it"),
        ("devices: &a [*a]", ":1: devices[0][0]: nested too deeply; simplify it"),
        ("[\n" * 500, ":1: not valid YAML: nested too deeply"),
    ],
)
def test_each_mistake_is_one_line_with_its_place(yaml: Yaml, text: str, message: str) -> None:
    assert errors(yaml, text) == message


@pytest.mark.parametrize(
    ("was", "becomes", "message"),
    [
        (
            '"{url}"]\n',
            '"{uri}"]\n',
            ":4: devices[0].argv[1]: unknown placeholder '{uri}'; did you",
        ),
        ('[tool, "{url}"]', "[tool]", ":4: devices[0].argv: has neither {url} nor {host}"),
        ('[tool, "{url}"]', "[]", ":4: devices[0].argv: is empty; give at least one item"),
        ('[tool, "{url}"]', "tool {url}", ":4: devices[0].argv: must be a list, not 'tool {url}'"),
        ('[tool, "{url}"]', '[tool, "{url}", 5]', ":4: devices[0].argv[2]: must be text, not 5; p"),
        ('[tool, "{url}"]', '["{url}"]', ":4: devices[0].argv: the first item must be the program"),
        (
            '[tool, "{url}"]',
            '[tool, "{url}", "x{route}"]',
            ":4: devices[0].argv: {route} stands for several arguments",
        ),
        ('["{proxy}"]', '["{socks}"]', ":5: devices[0].routes.proxy[0]: unknown placeholder"),
        ("proxy:", "proxi:", ":5: devices[0].routes.proxi: unknown key 'proxi'; did you mean"),
        (
            'proxy: ["{proxy}"]',
            "",
            ":5: devices[0].routes: give at least one of 'proxy' and 'wifi'",
        ),
        ("0: accepted", "0: [tls]", ":6: devices[0].exits: no exit code means 'accepted'"),
        ("0: accepted", "0: accept", ":6: devices[0].exits[0]: must be 'accepted' or a list of er"),
        (
            "pin, chain",
            "pin, chian",
            ":6: devices[0].exits[1]: unknown error kind 'chian'; did you",
        ),
        ("pin, chain", "", ":6: devices[0].exits[1]: must be 'accepted' or a list of error kinds"),
        ("1: [", "256: [", ":6: devices[0].exits[256]: an exit code is a whole number from 0 to 2"),
        ("1: [", '"1": [', ":6: devices[0].exits['1']: an exit code is a whole number from 0 to 2"),
        ("[c,", '["{pin_sha256}",', ":7: devices[0].control.unpinned[0]: unknown placeholder"),
        ("careless:", "carless:", ":7: devices[0].control.careless: is missing; add it."),
    ],
)
def test_each_mistake_in_a_command_is_said(
    yaml: Yaml, was: str, becomes: str, message: str
) -> None:
    assert was in COMMAND
    assert message in errors(yaml, COMMAND.replace(was, becomes, 1))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("timeout: 99", ":8: devices[0].timeout: must be 14 or less, not 99"),
        ("timeout: 0", ":8: devices[0].timeout: must be 1 or more, not 0"),
        ("timeout: true", ":8: devices[0].timeout: must be a whole number, not true"),
        ("env: {1A: x}", ":8: devices[0].env['1A']: '1A' is not the name of an environment"),
        (
            "errors: [{match: '(', kinds: [pin]}]",
            ":8: devices[0].errors[0].match: '(' is not a reg",
        ),
        ("errors: [{match: x, kinds: [tls]}]", ":8: devices[0].errors: item 0 can never apply: no"),
        ("capabilities: {clokc: false}", ":8: devices[0].capabilities.clokc: unknown capability '"),
        ("capabilities: {clock: true}", ":8: devices[0].capabilities.clock: must be false or a s"),
        ("capabilities: {clock: yes}", ":8: devices[0].capabilities.clock: must be false or a sen"),
        ("version: [tool, '{url}']", ":8: devices[0].version[1]: unknown placeholder '{url}'"),
        ("version: ['${A B}']", ":8: devices[0].version[0]: '${A B}' names no environment"),
        ("argv: !tool [x]", ":8: devices[0].argv: duplicate key"),
        ("version: !tool [x]", ":8: devices[0].version: unknown tag '!tool'; remove it"),
    ],
)
def test_each_mistake_in_an_optional_key_is_said(yaml: Yaml, line: str, message: str) -> None:
    assert message in errors(yaml, f"{COMMAND}    {line}\n")


def test_all_mistakes_are_told_at_once_in_the_order_of_the_file(yaml: Yaml) -> None:
    text = "devices:\n  - id: a\n    platform: vrtual\n  - id: a b\n    platform: virtual\nx: 1\n"
    assert [line[:3] for line in errors(yaml, text).splitlines()] == [":3:", ":4:", ":6:"]


def test_controls_that_lack_a_route_of_the_device_are_refused(yaml: Yaml) -> None:
    text = COMMAND.replace("{unpinned", "{routes: {wifi: []}, unpinned")
    assert "its routes lack proxy" in errors(yaml, text)


def test_a_file_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    def message(file: Path) -> str:
        with pytest.raises(SettingsError) as caught:
            load(file)
        return str(caught.value).removeprefix(str(file))

    file = tmp_path / "devices.yaml"
    assert message(file).startswith(": no such file; create it")
    assert message(tmp_path) == ": not a file; give the path of a YAML file"
    os.mkfifo(file)
    assert message(file) == ": not a file; give the path of a YAML file"
    file.unlink()
    file.write_bytes(b"devices:\n  - \xff\n")
    assert message(file) == ":2: not UTF-8 (byte 0xff); save the file as UTF-8"
    file.write_bytes(b"#" * (LARGEST + 1))
    assert message(file) == ": larger than 256 KiB; this is not a list of devices"
    file.write_bytes(b"#" * LARGEST)
    assert message(file).startswith(":1: the file is empty")
    assert ": cannot be read: " in message(Path("a\0b"))
    assert message(file / "x").endswith("cannot be read: Not a directory")


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    file = tmp_path / "devices.yaml"
    file.write_bytes(b"\xef\xbb\xbfdevices: [{id: a, platform: virtual}]")
    assert load(file).ids == ("a",)


def test_an_alias_shares_a_value_but_cannot_blow_the_file_up(yaml: Yaml) -> None:
    bomb = "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
    for name, inner in zip("bcdef", "abcde", strict=True):
        bomb += f"{name}: &{name} [{', '.join([f'*{inner}'] * 10)}]\n"
    assert errors(yaml, bomb).endswith("too many values; simplify it")


def test_exit_codes_and_refinements_are_read(yaml: Yaml) -> None:
    device = command(yaml, "    errors: [{match: 'x+', kinds: [pin]}]\n")
    assert device.exits == {0: frozenset(), 1: {ErrorKind.PIN, ErrorKind.CHAIN}}
    assert device.errors[0].kinds == {ErrorKind.PIN}
    assert device.errors[0].match.search("axxb")
    assert device.timeout == 5
    assert not device.binds_source
    assert not device.reads_trust_store
    assert device.pin_kinds == frozenset()


def test_a_relative_program_lies_beside_the_file(yaml: Yaml, tmp_path: Path) -> None:
    device = command(yaml, text=COMMAND.replace("[tool,", '[bin/tool, "{here}/x",'))
    assert [text.fill({"url": "U"}, {}) for text in device.argv] == [
        f"{tmp_path}/bin/tool",
        f"{tmp_path}/x",
        "U",
    ]


def test_a_folder_with_braces_in_its_name_is_no_template(tmp_path: Path) -> None:
    folder = tmp_path / "{url}"
    folder.mkdir()
    (folder / "devices.yaml").write_text(COMMAND.replace("[tool,", "[./tool,"))
    device = load(folder / "devices.yaml").device("tool")
    assert isinstance(device, CommandSettings)
    assert device.argv[0].fill({}, {}) == f"{folder}/tool"


def test_only_the_devices_asked_for_need_their_programs(yaml: Yaml, tmp_path: Path) -> None:
    extra = "    version: [nothere]\n    env: {T: '${SECRET}'}\n  - {id: p, platform: virtual}\n"
    loaded = yaml(COMMAND.replace("[c,", "[sh,") + extra)
    loaded.check_programs(["p"])
    with pytest.raises(SettingsError) as caught:
        loaded.check_programs(["p", "tool"], {"PATH": os.environ["PATH"]})
    assert [line.partition("devices.yaml")[2] for line in str(caught.value).splitlines()] == [
        ":4: devices[0].argv[0]: program 'tool' not found; install it or correct its name",
        ":8: devices[0].version[0]: program 'nothere' not found; install it or correct its name",
        ":9: devices[0].env.T: the environment variable SECRET is not set; set it, or remove "
        "${SECRET}",
    ]
    for name in ("tool", "nothere"):
        program = tmp_path / name
        program.write_text("#!/bin/sh\n")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
    path = f"{tmp_path}:{os.environ['PATH']}"
    loaded.check_programs(["p", "tool"], {"PATH": path, "SECRET": ""})


def test_a_device_that_is_not_there_is_named(yaml: Yaml) -> None:
    loaded = yaml("devices: [{id: phone, platform: virtual}]")
    for ask in (loaded.device, lambda name: loaded.check_programs([name])):
        with pytest.raises(SettingsError, match="no device 'fone'; did you mean 'phone'"):
            ask("fone")


def test_secrets_are_never_part_of_the_settings(
    yaml: Yaml, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET", "hunter2")
    assert "hunter2" not in repr(yaml(f"{COMMAND}    env: {{T: '${{SECRET}}'}}\n"))


_FILE = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150
)
_WORDS = st.sampled_from(
    [
        *("a:B", "{url}", "{proxy}", "${A}", "[key]", "{}", "{", "1", "accepted", "pin", "clock"),
        *("devices", "id", "platform", "virtual", "command", "sdk", "argv", "routes", "proxy"),
        *("wifi", "exits", "errors", "match", "kinds", "control", "unpinned", "careless"),
        *("cleartext", "version", "env", "timeout", "capabilities"),
    ]
)
_LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | _WORDS | st.text(max_size=8)
_VALUES = st.recursive(
    _LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(_WORDS | st.integers(-1, 300).map(str), inner, max_size=6)
    ),
    max_leaves=25,
)


def loads_or_says_so(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    said: list[str] = []
    try:
        load(file)
    except SettingsError as error:
        said = str(error).split("\n")
    assert all(line.startswith(str(file)) for line in said)


@_FILE
@given(content=st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_any_bytes_give_settings_or_a_clear_error(tmp_path: Path, content: bytes) -> None:
    loads_or_says_so(tmp_path / "devices.yaml", content)


@_FILE
@given(value=_VALUES)
def test_any_values_give_settings_or_a_clear_error(tmp_path: Path, value: object) -> None:
    loads_or_says_so(tmp_path / "devices.yaml", json.dumps({"devices": [value]}).encode())


@_FILE
@given(key=_WORDS, value=_VALUES)
def test_any_value_of_a_key_gives_settings_or_a_clear_error(
    tmp_path: Path, key: str, value: object
) -> None:
    lines = [line for line in COMMAND.splitlines() if not line.startswith(f"    {key}:")]
    lines.append(f"    {json.dumps(key)}: {json.dumps(value)}")
    loads_or_says_so(tmp_path / "devices.yaml", "\n".join(lines).encode())


@_FILE
@given(
    at=st.integers(0, len(COMMAND)),
    gone=st.integers(0, 12),
    new=st.text(max_size=4)
    | st.sampled_from(["\n", "  ", "- ", ": ", "*a", "&a ", "!x ", "{", "}"]),
)
def test_any_slip_of_the_pen_gives_settings_or_a_clear_error(
    tmp_path: Path, at: int, gone: int, new: str
) -> None:
    text = COMMAND[:at] + new + COMMAND[at + gone :]
    loads_or_says_so(tmp_path / "devices.yaml", text.encode("utf-8", "surrogatepass"))
