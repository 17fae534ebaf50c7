"""All reports together: in the bundle, the same whoever makes them, and made again by verify."""

from __future__ import annotations

import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

import lab
from lab.evidence.canonical import digest_of
from lab.evidence.context import commit, make_context
from lab.evidence.layout import CHECKLIST
from lab.evidence.renderers import RENDERERS, rendered
from lab.evidence.run import RunReport
from lab.evidence.signing import Seal
from lab.evidence.verify import verify
from lab.evidence.writer import reader
from tests.evidence.builders import failed, info, passed
from tests.evidence.bundles import context, make, sign_again
from tests.evidence.hostile import alone, beside, reports
from tests.patience import CAP

DIGESTS = """
from lab.evidence.canonical import digest_of
from lab.evidence.renderers import rendered
from lab.evidence.run import RunReport
from tests.evidence.builders import failed, info
told = tuple(failed(slug="device_trusted_ca", device=f"phone{n}") for n in range(6))
for name, content in rendered(RunReport(info(), told), lambda name: None).items():
    print(name, digest_of(content).sha256)
"""
REPORT = RunReport(
    info(), tuple(failed(slug="device_trusted_ca", device=f"phone{n}") for n in range(6))
)


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Seal]:
    """A bundle that was made by this very lab."""
    seal = Seal.fresh()
    tools = make_context("", 0.0, ()).tools
    begun = context(lab=lab.__version__, lab_commit=commit(), tools=tools)
    told = (passed(slug="device_trusted_ca"), failed(slug="device_trusted_ca"))
    return make(tmp_path_factory.mktemp("reports"), seal, told, begun=begun), seal


def findings(folder: Path) -> list[str]:
    return [str(finding) for finding in verify(folder).findings if "catalogue" not in finding.text]


def test_users_know_them_by_name_and_file() -> None:
    names = [renderer.name for renderer in RENDERERS]
    assert names == ["html", "junit", "sarif", "sarif-failures", "xlsx", "markdown"]
    assert len({renderer.file for renderer in RENDERERS}) == len(RENDERERS)
    assert all("/" in renderer.media_type for renderer in RENDERERS)


def test_a_run_writes_them_all(signed: tuple[Path, Seal]) -> None:
    folder, _ = signed
    assert {renderer.file for renderer in RENDERERS} <= {path.name for path in folder.iterdir()}
    assert findings(folder) == []


@pytest.mark.parametrize("file", [renderer.file for renderer in RENDERERS])
def test_a_report_that_was_changed_and_signed_anew_is_named(
    file: str, signed: tuple[Path, Seal], tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(signed[0], folder)
    content = (folder / file).read_bytes()
    (folder / file).write_bytes(content.replace(b"FAIL", b"PASS", 1) + b" ")
    sign_again(folder, signed[1])
    assert findings(folder) == [f"{file}: it does not follow from the results"]
    assert not verify(folder).good


def test_what_another_version_of_a_library_wrote_is_not_called_forged(
    signed: tuple[Path, Seal], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(signed[0], folder)
    (folder / CHECKLIST).write_bytes(b"as another xlsxwriter would write it")
    sign_again(folder, signed[1])
    monkeypatch.setattr(
        "lab.evidence.verify_reports.version",
        lambda name: "99" if name == "xlsxwriter" else version(name),
    )
    told = [
        f"{CHECKLIST}: not made again: it was made with another version of xlsxwriter",
    ]
    assert findings(folder) == told
    assert verify(folder).good


def test_another_process_makes_the_same_bytes() -> None:
    """Whatever order sets and dictionaries have there."""
    told = subprocess.run(
        [sys.executable, "-c", DIGESTS],
        env={"PYTHONHASHSEED": "7", "PATH": ""},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=CAP,
        check=True,
    )
    made = {name: digest_of(content).sha256 for name, content in rendered(REPORT, alone).items()}
    assert dict(line.split() for line in told.stdout.splitlines()) == made


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(reports())
def test_the_same_run_gives_the_same_bytes(report: RunReport) -> None:
    some = [renderer for renderer in RENDERERS if renderer.name != "html"]
    assert rendered(report, beside(), some) == rendered(report, beside(), some)


def test_nothing_outside_of_the_folder_is_read(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "inside").write_bytes(b"x")
    (folder / "link").symlink_to(tmp_path / "secret")
    read = reader(folder)
    assert read("inside") == b"x"
    for name in ("../secret", "link", str(tmp_path / "secret"), "missing", "", "a\0b"):
        assert read(name) is None
