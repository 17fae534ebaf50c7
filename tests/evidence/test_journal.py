from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from lab.evidence.canonical import digest_of
from lab.evidence.journal import Journal, read_journal
from lab.evidence.layout import ATTESTATION, JOURNAL, MARKER, RECORDS
from lab.evidence.signing import NotSigned, Seal, Verifier
from lab.evidence.verify import NoBundle, verify
from tests.evidence.bundles import make
from tests.killing import ROOT, moments_of, run_and_kill
from tests.patience import CAP


def journal(tmp_path: Path, seal: Seal, lines: int = 3) -> bytes:
    path = tmp_path / "journal"
    kept = Journal(path, "run", seal)
    for number in range(lines):
        kept.add({f"file-{number}": digest_of(b"%d" % number)})
    return path.read_bytes()


def test_a_journal_vouches_for_all_that_was_added(tmp_path: Path) -> None:
    seal = Seal.fresh()
    told = read_journal(journal(tmp_path, seal), Verifier(seal.public_pem))
    assert told.files == {f"file-{n}": digest_of(b"%d" % n) for n in range(3)}
    assert (told.lines, told.torn) == (3, False)


def test_a_torn_last_line_is_told(tmp_path: Path) -> None:
    seal = Seal.fresh()
    content = journal(tmp_path, seal)
    told = read_journal(content[:-40], Verifier(seal.public_pem))
    assert (told.lines, told.torn) == (2, True)


@pytest.mark.parametrize("damage", ["left out", "exchanged", "repeated", "another key", "changed"])
def test_lines_follow_from_each_other(tmp_path: Path, damage: str) -> None:
    seal = Seal.fresh()
    one, two, three = journal(tmp_path, seal).splitlines(keepends=True)
    content = {
        "left out": one + three,
        "exchanged": two + one + three,
        "repeated": one + one + two,
        "another key": one + two + three,
        "changed": one + two.replace(b"A", b"B", 1) + three,
    }[damage]
    verifier = Verifier((Seal.fresh() if damage == "another key" else seal).public_pem)
    with pytest.raises(NotSigned, match=r"line [12]: "):
        read_journal(content, verifier)


def killed(folder: Path) -> Path:
    """Make a whole bundle look like one whose run was killed before its end."""
    (folder / MARKER).write_text("The run has not finished.\n")
    (folder / ATTESTATION).unlink()
    (folder / "manifest.json").unlink()
    return folder


def test_what_a_killed_run_got_to_verifies_as_such(tmp_path: Path) -> None:
    told = verify(killed(make(tmp_path)))
    assert (told.good, told.complete, told.judged) == (True, False, 3)
    assert {"results.json", "index.html"} <= {f.path for f in told.findings}


def test_what_a_killed_run_got_to_cannot_be_changed(tmp_path: Path) -> None:
    folder = killed(make(tmp_path))
    path = sorted((folder / RECORDS).iterdir())[1]
    path.write_bytes(path.read_bytes().replace(b'"FAIL"', b'"PASS"'))
    named = {f.path for f in verify(folder).findings if f.breaks}
    assert named == {f"{RECORDS}/{path.name}"}


def test_without_the_mark_of_a_killed_run_the_attestation_is_missing(tmp_path: Path) -> None:
    folder = killed(make(tmp_path))
    (folder / MARKER).unlink()
    assert {f.path for f in verify(folder).findings if f.breaks} == {ATTESTATION, "signer.pem"}


WRITES = """
import sys
from pathlib import Path
from tests.evidence.bundles import make
from tests.evidence.builders import passed, failed
print("ready", flush=True)
for number in range(100):
    make(Path(sys.argv[1]) / str(number), told=[passed(), failed()] * 4)
"""


def test_a_kill_at_any_moment_leaves_a_bundle_whole_or_marked(tmp_path: Path) -> None:
    kill_and_check(tmp_path, rounds=2)


def kill_and_check(root: Path, rounds: int) -> None:
    """Kill a process that writes bundles at random moments, and check what it left."""
    chance = moments_of("bundles")
    for number in range(rounds):
        place = root / str(number)
        command = [sys.executable, "-c", WRITES, str(place)]
        end = run_and_kill(command, after=chance.uniform(0.0, 0.5), ready="ready")
        assert end.killed, end.output
        for folder in place.glob("*/run"):
            check_killed(folder)


def check_killed(folder: Path) -> None:
    """Check what a killed process left: a whole bundle, or one that is marked."""
    try:
        told = verify(folder)
    except NoBundle:
        # It had not even begun: no line of the journal yet.
        assert (folder / MARKER).exists()
        assert not (folder / JOURNAL).exists() or not (folder / "signer.pem").exists()
        return
    assert told.good, [str(f) for f in told.findings if f.breaks]
    assert told.complete != (folder / MARKER).exists()
    for record in (folder / RECORDS).iterdir():
        if not record.name.startswith("."):
            json.loads(record.read_bytes())


FULL = """
import subprocess, sys
from pathlib import Path
from lab.evidence.verify import NoBundle, verify
from lab.evidence.writer import ReportsUnwritable
from tests.evidence.bundles import make
place = Path(sys.argv[1])
for kilobytes in range(24, 400, 24):
    mount = ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(place)]
    subprocess.run(mount, check=True)
    try:
        make(place)
        word = "written"
    except ReportsUnwritable as error:
        word = "full" if "No space left" in str(error) else str(error)
    try:
        told = verify(place / "run")
        state = "broken" if not told.good else "whole" if told.complete else "incomplete"
    except NoBundle:
        state = "none"
    print(word, state)
    subprocess.run(["umount", str(place)], check=True)
    if state == "whole":
        break
"""


def test_a_full_disk_never_leaves_half_a_bundle(tmp_path: Path) -> None:
    namespace = ["unshare", "--user", "--map-root-user", "--mount"]
    if subprocess.run([*namespace, "true"], capture_output=True, check=False).returncode:
        pytest.skip("needs namespaces of one's own")
    command = [*namespace, sys.executable, "-c", FULL, str(tmp_path)]
    told = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=CAP, check=True
    ).stdout
    words = set(told.splitlines())
    assert words <= {"full none", "full incomplete", "written whole"}
    assert "full incomplete" in words
    assert words & {"written whole"}
