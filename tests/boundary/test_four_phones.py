"""Two iPhones and two Android phones in one run: no verdict crosses devices, and nothing listens on
anything but loopback."""

from __future__ import annotations

import ipaddress
import json
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests.boundary.standing import devices_file

pytestmark = pytest.mark.whole

ROOT = Path(__file__).parents[2]
LAX = "lab.mutants.trust:TrustAll"
PHONES: dict[str, dict[str, object]] = {
    "iphone-a": {"platform": "virtual-ios"},
    "iphone-b": {"platform": "virtual-ios", "sdk": LAX},
    "android-a": {"platform": "virtual"},
    "android-b": {"platform": "virtual", "sdk": LAX},
}
CAP = 120.0
"""Seconds that the run may take; it takes some ten."""
LOOK = 1.0
"""Seconds between two looks at who listens: what listens does so for as long as the run."""


def outside(process: psutil.Process) -> set[str]:
    """Return the addresses that are not loopback's at which a process, or what it started,
    listens."""
    found = set()
    with suppress(psutil.NoSuchProcess):
        for each in (process, *process.children(recursive=True)):
            with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                found |= {
                    f"{each.name()}: {connection.laddr}"
                    for connection in each.net_connections("inet")
                    if connection.status == psutil.CONN_LISTEN
                    and not ipaddress.ip_address(connection.laddr.ip).is_loopback
                }
    return found


def test_no_verdict_crosses_phones_and_all_stays_on_loopback(tmp_path: Path) -> None:
    entries: list[dict[str, object]] = [{"id": name, **more} for name, more in PHONES.items()]
    file = devices_file(tmp_path, *entries)
    command = [sys.executable, "-m", "pytest", "-m", "mitm", "-n", "2", "-q"]
    command += [f"--devices-file={file}", f"--reports={tmp_path / 'reports'}"]
    command += ["-k", "B1-untrusted_ca-tls1.3 and rogue_ca", "-p", "no:cacheprovider"]
    seen: set[str] = set()
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as run:
        watched = psutil.Process(run.pid)
        waited = 0.0
        while run.poll() is None and waited < CAP:
            seen |= outside(watched)
            with suppress(subprocess.TimeoutExpired):
                run.wait(LOOK)
            waited += LOOK
        run.kill()
        said = run.stdout.read() if run.stdout is not None else ""
    assert run.returncode == 1, said
    (results,) = (tmp_path / "reports").glob("*/results.json")
    verdicts = {
        result["device"]: result["verdict"]
        for result in json.loads(results.read_text(encoding="utf-8"))["results"]
    }
    assert verdicts == {
        "iphone-a": "PASS",
        "iphone-b": "FAIL",
        "android-a": "PASS",
        "android-b": "FAIL",
    }
    assert seen == set()
