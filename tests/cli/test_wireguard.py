from __future__ import annotations

import stat
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lab.cli import app
from lab.network.kernel.wireguard import Profile

DEVICES = """
devices:
  - id: galaxy
    platform: android
    adb: {server: R58N123}
    appium: {lab: true}
    routes: {proxy: wireguard, wireguard: {listen: "192.0.2.10:51820"}}
  - id: pixel
    platform: android
    adb: {server: 9A123}
    appium: {lab: true}
    routes: {proxy: reverse}
"""


@pytest.fixture(autouse=True)
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRUSTPIN_LAB_STATE", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    Path("devices.yaml").write_text(DEVICES, encoding="utf-8")


def wireguard(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["wireguard", *arguments], catch_exceptions=False)
    return result.exit_code, result.stdout, result.stderr


def test_the_profile_stays_the_same() -> None:
    for name in ("a.conf", "b.conf"):
        code, told, _ = wireguard("galaxy", "--output", name)
        assert (code, "'trustpinlab'" in told) == (0, True)
    first = Path("a.conf").read_text(encoding="ascii")
    assert first == Path("b.conf").read_text(encoding="ascii")
    assert str(Profile.parse(first).peer) == "192.0.2.10:51820"
    assert stat.S_IMODE(Path("a.conf").stat().st_mode) == 0o600


def test_its_qr_code_is_printed_but_not_its_key() -> None:
    wireguard("galaxy", "--output", "a.conf")
    code, told, _ = wireguard("galaxy")
    assert (code, "\u2588" in told or "\u2584" in told) == (0, True)
    assert Profile.parse(Path("a.conf").read_text(encoding="ascii")).private_key not in told


@pytest.mark.parametrize(("name", "begin"), [("code.png", b"\x89PNG"), ("code.svg", b"<?xml")])
def test_its_qr_code_as_a_picture(name: str, begin: bytes) -> None:
    assert wireguard("galaxy", "--qr", name)[0] == 0
    assert Path(name).read_bytes().startswith(begin)
    assert stat.S_IMODE(Path(name).stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("pixel",), 2, "not led through a tunnel"),
        (("nobody",), 2, "nobody"),
        (("galaxy", "--qr", "code.gif"), 2, ".svg or .png"),
        (("galaxy", "--output", "nowhere/a.conf"), 1, "nowhere/a.conf: No such file"),
        (("galaxy", "--devices-file", "none.yaml"), 2, "none.yaml"),
    ],
)
def test_mistakes_are_told(arguments: tuple[str, ...], code: int, words: str) -> None:
    found, _, complaint = wireguard(*arguments)
    assert (found, words in complaint) == (code, True), complaint


def test_a_file_that_holds_no_keys(tmp_path: Path) -> None:
    wireguard("galaxy", "--output", "a.conf")
    (file,) = (tmp_path / "state/wireguard").iterdir()
    file.write_text("{}", encoding="ascii")
    code, _, complaint = wireguard("galaxy")
    assert (code, str(file) in complaint) == (1, True)
