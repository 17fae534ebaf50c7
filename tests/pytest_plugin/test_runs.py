"""Whole runs: verdicts, exit codes, what is left behind. The devices are real programs."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from pathlib import Path

import jsonschema
import psutil
import pytest

from lab.evidence.verify import verify
from lab.network.kernel.check import check
from tests.network.needed import or_skip
from tests.patience import CAP
from tests.pytest_plugin.conftest import CURL, ROOT, RUN, Lab
from tests.pytest_plugin.prepared import RUN_CAP

pytestmark = pytest.mark.whole

FEW = "B1-untrusted_ca- or B4-device_trusted_ca- or A1-good_chain-"
ALONE = {
    f"{adversary} {case} {version} {title}": "PASS"
    for version in ("tls1.2", "tls1.3")
    for adversary, case, title in (
        ("rogue_ca", "B1", "Untrusted CA"),
        ("rogue_wifi", "B1", "Untrusted CA"),
        ("compromised_ca", "B4", "Device-trusted rogue CA"),
        ("rogue_wifi", "B4", "Device-trusted rogue CA"),
        ("compromised_ca", "A1", "Good chain, pinned leaf"),
        ("rogue_wifi", "A1", "Good chain, pinned leaf"),
    )
}
"""What these come to in a single process."""


def test_curl_holds(lab: Lab) -> None:
    result = lab.run("--device=curl", "-k", FEW)
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        [
            "Rogue CA",
            "*B1*Untrusted CA *PASS *PASS",
            "Compromised CA",
            "*B4*Device-trusted rogue CA *PASS *PASS",
            "Report: reports/*/index.html",
        ]
    )
    assert lab.verdicts() == ALONE
    (folder,) = lab.run_folders
    written = {p.name for p in folder.iterdir()}
    assert {"index.html", "results.json", "junit.xml", "verdicts.jsonl", "records"} <= written
    told = verify(folder)
    tried = sum(r["trial"] is not None for r in lab.results()["results"])
    assert (told.good, told.complete, told.judged) == (True, True, tried), told.findings
    assert all(r["slug"] for r in lab.results()["results"])
    results = lab.results()
    schema = json.loads((ROOT / "docs" / "results.schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(results, schema)
    assert results["info"]["complete"]
    assert results["info"]["counts"]["PASS"] == results["info"]["selected"] == len(lab.verdicts())
    assert [d["id"] for d in results["info"]["devices"]] == ["curl"]
    cases = ET.parse(folder / "junit.xml").findall(".//testcase")
    properties = {p.get("name"): p.get("value") for p in cases[0].iter("property")}
    assert properties["verdict"] == "PASS"
    assert {"scenario", "relation", "reason"} <= properties.keys()


def test_two_processes_give_the_same_verdicts(lab: Lab) -> None:
    result = lab.run("--device=curl", "-k", FEW, "-n", "2")
    assert result.ret == 0
    assert lab.verdicts() == ALONE
    assert lab.results()["info"]["complete"]


@pytest.mark.parametrize("processes", ["0", "2"])
def test_the_rogue_wifi_is_what_the_run_says_it_is(lab: Lab, processes: str) -> None:
    with or_skip():
        check()
    few = ("--device=curl", "-k", "B1-untrusted_ca-tls1.3 and rogue_wifi", "-n", processes)
    result = lab.run(*few, "--wifi=kernel")
    result.stdout.fnmatch_lines(["rogue Wi-Fi: kernel"])
    (held,) = lab.results()["results"]
    assert held["verdict"] == "PASS"
    assert any("a network of the kernel's" in fact["text"] for fact in held["trial"]["facts"])
    assert list(lab.run_folders[0].glob("captures/*.pcapng"))


def test_a_program_that_checks_nothing_is_caught(lab: Lab) -> None:
    """``curl -k``: the report says what leaked."""
    lab.program(CURL.replace('"{url}"', '"{url}", {route}').replace(", {route}", ""))
    text = (lab.folder / "devices.yaml").read_text()
    routed = 'proxy: [--proxy, "{proxy}"], wifi: [--socks5, "{socks}"]'
    lab.devices(text.replace("proxy: [], wifi: []", routed))
    result = lab.run("-k", "B1-untrusted_ca- and rogue_ca and 1.3")
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            "FAIL  B1 Untrusted CA",
            "*The adversary read * bytes inside its TLS: GET / HTTP/2.0*",
            "*1 FAIL*",
        ]
    )
    (failed,) = lab.results()["results"]
    assert failed["attempts"] == 1, "a FAIL is never tried again"


def test_a_program_that_never_connects_is_inconclusive(lab: Lab) -> None:
    lab.program('[sh, -c, "exit 60", "{url}"]')
    result = lab.run("-k", "B1-untrusted_ca- and rogue_ca and 1.3")
    assert result.ret == 6
    result.stdout.fnmatch_lines(["INCONCLUSIVE  B1 Untrusted CA", "*did not work*"])
    (unsure,) = lab.results()["results"]
    assert unsure["attempts"] == 2


def test_the_gate_can_be_left_open_for_what_is_inconclusive(lab: Lab) -> None:
    lab.program('[sh, -c, "exit 60", "{url}"]')
    options = ("--inconclusive=pass", "--retries=0")
    assert lab.run("-k", "B1-untrusted_ca- and rogue_ca and 1.3", *options).ret == 0
    (unsure,) = lab.results()["results"]
    assert (unsure["verdict"], unsure["attempts"]) == ("INCONCLUSIVE", 1)


def test_a_run_in_which_nothing_applies_passes_nothing(lab: Lab) -> None:
    result = lab.run("--device=curl", "-k", "E6")
    assert result.ret == 6
    assert set(lab.verdicts().values()) == {"NOT_APPLICABLE"}
    result.stdout.fnmatch_lines(["Nothing was tested.*"])


def test_a_program_that_vanishes_is_a_lost_device(lab: Lab) -> None:
    """Results so far are kept; the run is marked incomplete."""
    script = lab.folder / "client"
    script.write_text('#!/bin/sh\nexec curl "$@"\n')
    script.chmod(0o755)
    (lab.folder / "scenarios" / "conftest.py").write_text(
        "import pathlib, pytest\n"
        "@pytest.hookimpl(trylast=True)\n"
        "def pytest_runtest_teardown(item):\n"
        f"    pathlib.Path({str(script)!r}).unlink(missing_ok=True)\n"
    )
    text = (ROOT / "devices.yaml").read_text(encoding="utf-8")
    lab.devices(text.replace("      - curl\n", f"      - {script}\n"))
    result = lab.run("--device=curl", "-k", "B4-device_trusted_ca-")
    assert result.ret == 6
    told = " ".join(result.stdout.str().split())
    assert "The device was lost: " in told
    assert "client could not be started: No such file or directory" in told
    assert "INCOMPLETE RUN: curl was lost: " in told
    assert sorted(set(lab.verdicts().values())) == ["INCONCLUSIVE", "PASS"]
    (folder,) = lab.run_folders
    assert "curl was lost" in (folder / "INCOMPLETE").read_text()


def test_a_defect_of_the_lab_is_no_verdict(lab: Lab) -> None:
    (lab.folder / "scenarios" / "conftest.py").write_text(
        "import lab.pytest_plugin.running as running\n"
        "def broken(seat, case):\n"
        "    raise RuntimeError('oops')\n"
        "running.conduct = broken\n"
    )
    result = lab.run("--device=curl", "-k", "B1-untrusted_ca- and rogue_ca and 1.3")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*RuntimeError: oops*"])
    (unsure,) = lab.results()["results"]
    assert unsure["verdict"] == "INCONCLUSIVE"
    assert "The lab itself failed" in unsure["reasons"]["reasons"][0]["text"]


def test_servers_that_cannot_start_end_the_run_with_one_message(lab: Lab) -> None:
    """All ports are free ones, so it takes a system that has none left."""
    (lab.folder / "scenarios" / "conftest.py").write_text(
        "from lab.backend import server\n"
        "from lab.model.device import Endpoint\n"
        "def taken(self):\n"
        "    raise server.PortInUse(self.name, Endpoint('127.0.0.1', 443))\n"
        "server.TlsService._bound = taken\n"
    )
    result = lab.run("--device=curl", "-k", "B4-device_trusted_ca-")
    assert result.ret == 6
    told = result.stdout.str() + result.stderr.str()
    assert "the lab cannot start its servers: 127.0.0.1:443 is already in use" in told
    assert "Traceback" not in told
    assert not lab.results()["info"]["complete"]


def test_nothing_is_left_behind(lab: Lab) -> None:
    with Started(lab, "--device=phone", "-k", "B4-device_trusted_ca-") as run:
        wait_for_verdicts(lab, 1)
        children = run.children()
        assert children, "the phone is a process of its own"
        ports = run.ports()
        assert run.finish() == 0, run.output
    assert gone(children)
    for port in ports:
        with socket.socket() as trial:
            assert trial.connect_ex(("127.0.0.1", port)), f"port {port} is still open"


def test_a_phone_that_is_killed_ends_its_scenarios_not_the_run(lab: Lab) -> None:
    with Started(lab, "-k", "B1-untrusted_ca- or B4-device_trusted_ca- or C6-pin_stuffing-") as run:
        wait_for_verdicts(lab, 14)
        for process in run.children():
            if "lab.phone" in process.cmdline():
                process.kill()
        assert run.finish() == 6, run.output
    verdicts = {(r["device"], r["verdict"]) for r in lab.results()["results"]}
    assert verdicts == {("curl", "PASS"), ("phone", "PASS"), ("phone", "INCONCLUSIVE")}
    assert "INCOMPLETE RUN: phone was lost: " in run.output
    assert "its process ended (signal 9)" in run.output
    info = lab.results()["info"]
    assert not info["complete"]
    assert len(lab.results()["results"]) == info["selected"]
    assert (lab.run_folders[0] / "INCOMPLETE").exists()


@pytest.mark.parametrize(
    "arguments",
    [("--device=phone",), ("--device=curl", "-n", "2")],
    ids=["phone", "two processes"],
)
def test_ctrl_c_keeps_what_was_found(lab: Lab, arguments: tuple[str, ...]) -> None:
    with Started(lab, *arguments) as run:
        verdicts = wait_for_verdicts(lab, 5)
        children = run.children()
        run.interrupt()
        assert run.finish() == 2, run.output
    results = lab.results()
    assert not results["info"]["complete"]
    assert "interrupted" in results["info"]["incomplete_because"]
    assert len(results["results"]) >= verdicts >= 5
    assert (lab.run_folders[0] / "INCOMPLETE").exists()
    assert "INCOMPLETE RUN: The run was interrupted" in run.output
    assert "Traceback" not in run.output
    assert gone(children)


class Started:
    """A run of its own that is watched from outside."""

    def __init__(self, lab: Lab, *arguments: str) -> None:
        command = [sys.executable, "-m", "pytest", *RUN, *arguments]
        self._run = subprocess.Popen(
            command,
            cwd=lab.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._process = psutil.Process(self._run.pid)
        self.output = ""

    def __enter__(self) -> Started:
        return self

    def __exit__(self, *_: object) -> None:
        left = self.children()
        self._run.kill()
        self._run.communicate()
        for process in left:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()

    def children(self) -> list[psutil.Process]:
        try:
            return self._process.children(recursive=True)
        except psutil.NoSuchProcess:
            return []

    def ports(self) -> list[int]:
        family = [self._process, *self.children()]
        found = [c for p in family for c in p.net_connections("tcp")]
        return [c.laddr.port for c in found if c.status == psutil.CONN_LISTEN]

    def interrupt(self) -> None:
        """Do what Ctrl-C in a terminal does: signal every process of the terminal's session."""
        session = os.getsid(self._run.pid)
        for process in (self._process, *self.children()):
            with contextlib.suppress(psutil.NoSuchProcess, ProcessLookupError):
                if os.getsid(process.pid) == session:
                    process.send_signal(signal.SIGINT)

    def finish(self) -> int:
        self.output, _ = self._run.communicate(timeout=RUN_CAP)
        return self._run.returncode


def gone(processes: list[psutil.Process]) -> bool:
    return not psutil.wait_procs(processes, CAP)[1]


def wait_for_verdicts(lab: Lab, count: int) -> int:
    deadline = time.monotonic() + RUN_CAP
    while time.monotonic() < deadline:
        files: list[Path] = [f / "verdicts.jsonl" for f in lab.run_folders]
        lines = sum(len(f.read_bytes().splitlines()) for f in files if f.exists())
        if lines >= count:
            return lines
        time.sleep(0.02)
    raise AssertionError(f"fewer than {count} verdicts")
