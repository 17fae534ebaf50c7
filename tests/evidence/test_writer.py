from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from lab.evidence import writer
from lab.evidence.record import from_json, to_json
from lab.evidence.renderers import RENDERERS
from lab.evidence.run import report_from_json
from lab.evidence.schema import results_schema
from lab.evidence.writer import (
    LARGEST_SCREENSHOT,
    MARKER,
    PAGE,
    RESULTS,
    VERDICTS,
    ReportsUnwritable,
    RunFolder,
    read_results,
)
from tests.evidence.builders import failed, info, judged, lab_error, passed, png, skipped
from tests.judge import builders
from tests.patience import CAP
from tests.rights import no_rights, open_folder


def test_a_run_is_written_and_valid(tmp_path: Path) -> None:
    results = (passed(), failed(), skipped(), lab_error())
    with RunFolder(tmp_path / "reports") as folder:
        for result in results:
            folder.append(result)
        report = folder.finish(info(selected=4))
    assert folder.path == tmp_path / "reports" / folder.run_id
    assert report.results == results
    assert report.info.run_id == folder.run_id
    assert report.info.counts == {"FAIL": 1, "INCONCLUSIVE": 1, "NOT_APPLICABLE": 1, "PASS": 1}
    data = json.loads((folder.path / RESULTS).read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(results_schema()).validate(data)
    assert report_from_json(data) == report
    assert "<h1>1 of 3 attacks refused" in (folder.path / PAGE).read_text(encoding="utf-8")
    assert not (folder.path / MARKER).exists()
    assert not list(folder.path.rglob(".*")), "an unfinished file was left behind"


def test_each_verdict_is_on_record_as_soon_as_it_is_there(tmp_path: Path) -> None:
    with RunFolder(tmp_path) as folder:
        for count in (1, 2):
            folder.append(passed())
            lines = (folder.path / VERDICTS).read_text(encoding="utf-8").splitlines()
            assert [from_json(json.loads(line)) for line in lines] == [passed()] * count


DIES = """
import os, sys
from pathlib import Path
from lab.evidence.writer import RunFolder
from tests.evidence.builders import passed
folder = RunFolder(Path(sys.argv[1]), "died")
folder.append(passed())
os._exit(9)
"""


def test_verdicts_survive_the_death_of_the_process(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", DIES, tmp_path], cwd=root, timeout=CAP, check=False
    )
    assert done.returncode == 9
    assert read_results(tmp_path / "died" / VERDICTS) == ((passed(),), 0)
    assert (tmp_path / "died" / MARKER).exists()


def test_a_torn_record_makes_the_run_incomplete(tmp_path: Path) -> None:
    with RunFolder(tmp_path, "torn") as folder:
        folder.append(passed())
        with (folder.path / VERDICTS).open("ab") as file:
            file.write(b'{"node": "cut \xff off')
        report = folder.finish(info())
    assert report.results == (passed(),)
    assert not report.info.complete
    assert report.info.incomplete_because == "1 of the recorded verdicts cannot be read."


def test_a_run_with_fewer_verdicts_than_scenarios_is_incomplete(tmp_path: Path) -> None:
    with RunFolder(tmp_path) as folder:
        folder.append(passed())
        report = folder.finish(info(selected=3))
    assert report.info.incomplete_because == "Only 1 of 3 scenarios came to a verdict."
    assert "Only 1 of 3" in (folder.path / MARKER).read_text(encoding="utf-8")
    assert 'role="alert"' in (folder.path / PAGE).read_text(encoding="utf-8")


def test_an_interrupted_run_keeps_the_reason_it_was_given(tmp_path: Path) -> None:
    with RunFolder(tmp_path) as folder:
        report = folder.finish(
            info(selected=3, complete=False, incomplete_because="Ctrl-C", ended_at=None)
        )
    assert report.info.incomplete_because == "Ctrl-C"
    assert (folder.path / MARKER).read_text(encoding="utf-8") == "Ctrl-C\n"


def test_a_second_finish_replaces_the_first(tmp_path: Path) -> None:
    with RunFolder(tmp_path) as folder:
        folder.append(passed())
        folder.finish(info(selected=2))
        folder.append(skipped())
        assert folder.finish(info(selected=2)).info.complete
    assert not (folder.path / MARKER).exists()


def test_processes_share_a_run_and_a_new_run_shares_nothing(tmp_path: Path) -> None:
    with RunFolder(tmp_path, "run") as one, RunFolder(tmp_path, "run") as other:
        assert one.path == other.path
        assert one.screenshot(png()) == other.screenshot(png())
        one.append(passed())
    assert RunFolder(tmp_path).path != RunFolder(tmp_path).path


def test_a_new_run_never_takes_over_a_folder_that_exists(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "new_run_id", lambda: "taken")
    RunFolder(tmp_path)
    with pytest.raises(ReportsUnwritable, match="File exists"):
        RunFolder(tmp_path)


def test_joining_a_finished_run_does_not_mark_it_unfinished(tmp_path: Path) -> None:
    with RunFolder(tmp_path, "run") as folder:
        folder.finish(info())
    RunFolder(tmp_path, "run").close()
    assert not (folder.path / MARKER).exists()


def test_a_screenshot_is_stored_once_under_its_digest(tmp_path: Path) -> None:
    with RunFolder(tmp_path) as folder:
        names = [folder.screenshot(png()), folder.screenshot(png()), folder.screenshot(png(9))]
    assert names[0] == names[1] != names[2]
    assert names[0] is not None
    assert re.fullmatch(r"screenshots/[0-9a-f]{32}\.png", names[0])
    assert (folder.path / names[0]).read_bytes() == png()
    assert len(list((folder.path / "screenshots").iterdir())) == 2


@pytest.mark.parametrize(
    "content", [b"", b"<html>", png()[:8] + b"x" * LARGEST_SCREENSHOT], ids=["none", "html", "huge"]
)
def test_what_is_no_screenshot_is_not_kept(tmp_path: Path, content: bytes) -> None:
    with RunFolder(tmp_path) as folder:
        assert folder.screenshot(content) is None
    assert not list((folder.path / "screenshots").iterdir())


def test_screenshots_get_into_the_page_but_no_file_from_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "elsewhere.png").write_bytes(png(colour="blue"))
    with RunFolder(tmp_path / "reports") as folder:
        shot = folder.screenshot(png())
        assert shot is not None
        folder.append(passed(screenshots=(("attack", shot), ("control", "../../elsewhere.png"))))
        folder.append(passed(screenshots=(("attack", str(tmp_path / "elsewhere.png")),)))
        folder.finish(info())
    assert (folder.path / PAGE).read_text(encoding="utf-8").count("data:image/png") == 1


def test_a_folder_that_cannot_be_made_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "reports").write_text("a file, not a folder")
    with pytest.raises(ReportsUnwritable, match=r"cannot be written to .*reports.*: \w+"):
        RunFolder(tmp_path / "reports")


def test_a_read_only_folder_is_a_clear_error() -> None:
    with open_folder() as folder:
        folder.chmod(0o555)
        with no_rights(), pytest.raises(ReportsUnwritable, match="Permission denied"):
            RunFolder(folder / "reports")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_a_clear_error(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    (folder.path / VERDICTS).symlink_to("/dev/full")
    with pytest.raises(ReportsUnwritable, match="No space left"):
        folder.append(passed())
    folder.close()


def test_neither_secrets_nor_keys_get_into_any_file(tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    words = builders.refused(
        log=(
            pem,
            *pem.splitlines(),
            "Authorization: Bearer s3cr3t-of-the-user",
            "Set-Cookie: sid=s3cr3t",
        ),
        message="https://user:s3cr3t@api.acme.test failed",
    )
    result = judged(builders.trial(attack=builders.attack_phase(outcome=words)), served=pem)
    with RunFolder(tmp_path) as folder:
        folder.append(result)
        folder.finish(info(command=("pytest", "--token=s3cr3t", "--hub-password", "s3cr3t")))
    files = [path for path in folder.path.rglob("*") if path.is_file()]
    assert len(files) == len({VERDICTS, RESULTS}) + len(RENDERERS)
    for path in files:
        content = path.read_bytes()
        for secret in (*pem.splitlines(), "s3cr3t"):
            assert secret.encode() not in content, f"{secret} in {path.name}"


def test_the_page_shows_what_is_on_record(tmp_path: Path) -> None:
    with RunFolder(tmp_path) as folder:
        folder.append(passed(title="cut \ud83d short"))
        report = folder.finish(info())
    (result,) = report.results
    assert result.title == "cut \ufffd short"
    assert to_json(result) == to_json(from_json(to_json(result)))
    assert "cut \ufffd short" in (folder.path / PAGE).read_text(encoding="utf-8")
