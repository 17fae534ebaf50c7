"""One phone has one owner, whoever asks for it; several phones are attacked side by side."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from lab.devices.lease import Holder, Lease
from tests.boundary.standing import Standing, devices_file, differences, standing_phone
from tests.pytest_plugin.conftest import RUN, Lab
from tests.pytest_plugin.prepared import RUN_CAP

pytestmark = pytest.mark.whole

ONE = "B4-device_trusted_ca- and compromised and tls1.3"
"""A single scenario of each phone."""


@pytest.fixture
def phones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lab: Lab
) -> Iterator[tuple[Standing, Standing]]:
    """Two phones, ``one`` and ``two``, in the lab's devices.yaml."""
    monkeypatch.setenv("TRUSTPIN_LAB_STATE", str(tmp_path / "state"))
    with ExitStack() as stack:
        one, two = (
            stack.enter_context(standing_phone(tmp_path / name, name=name))
            for name in ("one", "two")
        )
        file = devices_file(tmp_path, one.entry("one"), two.entry("two"))
        shutil.copy(file, lab.folder / "devices.yaml")
        yield one, two


def verdicts(lab: Lab, device: str) -> dict[str, str]:
    return {
        f"{r['adversary']} {r['case']} {r['variant']}": r["verdict"]
        for r in lab.results()["results"]
        if r["device"] == device
    }


def test_a_phone_in_use_is_not_touched_and_its_user_is_told(
    lab: Lab, phones: tuple[Standing, Standing]
) -> None:
    before = phones[0].seen()
    holder = Holder(4711, "ada", "her-run", "pytest -m mitm")
    with Lease.take("one", holder):
        result = lab.run("--device=one", "-k", ONE, "--retries=0")
    assert result.ret == 6
    told = " ".join(result.stdout.str().split())
    assert "device 'one' is in use by process 4711 of ada" in told
    assert "run her-run: pytest -m mitm" in told
    assert set(verdicts(lab, "one").values()) == {"INCONCLUSIVE"}
    after = phones[0].seen()
    after["clock"] = before["clock"]
    assert after == before


def test_who_waits_has_the_phone_once_it_is_free(
    lab: Lab, phones: tuple[Standing, Standing]
) -> None:
    lease = Lease.take("one", Holder(4711, "ada", "her-run", "pytest -m mitm"))
    with subprocess.Popen(
        [
            sys.executable,
            "-m",
            "pytest",
            *RUN,
            "--device=one",
            "-k",
            ONE,
            "--lease-wait=60",
        ],
        cwd=lab.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as run:
        assert run.stdout is not None
        # It says whom it waits for before it has the phone.
        said = ""
        while "waiting for device" not in said and run.poll() is None:
            said += run.stdout.readline()
        assert "waiting for device 'one', in use by process 4711 of ada" in said
        lease.release()
        said += run.communicate(timeout=RUN_CAP)[0]
    assert run.returncode == 0, said
    assert set(verdicts(lab, "one").values()) == {"PASS"}


def test_two_phones_side_by_side_get_the_verdicts_of_one_after_the_other(
    lab: Lab, phones: tuple[Standing, Standing]
) -> None:
    chosen = ("-k", "(B4-device_trusted_ca- or clock_behind) and compromised and tls1.3")
    assert lab.run(*chosen).ret == 0
    alone = [verdicts(lab, name) for name in ("one", "two")]
    assert alone[0] == alone[1]
    assert set(alone[0].values()) == {"PASS"}
    shutil.rmtree(lab.folder / "reports")
    assert lab.run(*chosen, "-n", "2").ret == 0
    assert [verdicts(lab, name) for name in ("one", "two")] == alone
    # Each phone was one process's: none had to wait, none was lost.
    assert all(r["attempts"] == 1 for r in lab.results()["results"])
    assert json.dumps(lab.results()["info"]["complete"]) == "true"


def test_a_build_is_installed_for_the_run_and_gone_afterwards(
    lab: Lab, phones: tuple[Standing, Standing], tmp_path: Path
) -> None:
    one, two = phones
    package = "cloud.trustpin.android.sample"
    build = tmp_path / "build.apk"
    build.write_bytes(one.pull(f"/data/app/{package}/base.apk"))
    one.shell(f"pm uninstall {package}")
    before = one.seen()
    app = {"package": package, "build": str(build)}
    file = devices_file(
        tmp_path, one.entry("one", app=app, pool="office"), two.entry("two", pool="shelf")
    )
    shutil.copy(file, lab.folder / "devices.yaml")
    assert lab.run("--pool=office", "-k", ONE).ret == 0
    assert verdicts(lab, "two") == {}
    assert set(verdicts(lab, "one").values()) == {"PASS"}
    assert not differences(before, one.seen())
    (told,) = lab.results()["info"]["devices"]
    assert told["details"]["app_sha256"] == hashlib.sha256(build.read_bytes()).hexdigest()


def test_a_pool_that_there_is_not(lab: Lab, phones: tuple[Standing, Standing]) -> None:
    result = lab.run_here("--pool=offise")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["ERROR: devices.yaml: no device is in pool 'offise'*"])
