"""A user's mistake: one clear message with file and line, exit code 4, no traceback."""

from __future__ import annotations

import pytest

from tests.pytest_plugin.conftest import Lab

USAGE = 4

PHONE = "  - id: phone\n    platform: virtual\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("devices:\n  - id: a\n    platfrom: virtual\n", "devices.yaml:3: *'platfrom'*platform*"),
        ("devices:\n  - id: 5\n    platform: virtual\n", "devices.yaml:2: *must be text, not 5*"),
        (f"devices:\n{PHONE}{PHONE}", "devices.yaml:4: *duplicate id 'phone'*line 2*"),
        ("devices:\n  - id: a\n    platform: symbian\n", "devices.yaml:3: *unknown platform*"),
        ("devices: [\n", "devices.yaml:*not valid YAML*"),
    ],
    ids=["wrong key", "wrong type", "duplicate id", "unknown platform", "no YAML"],
)
def test_a_mistake_in_devices_yaml(lab: Lab, text: str, message: str) -> None:
    lab.devices(text)
    result = lab.run_here()
    assert result.ret == USAGE
    result.stderr.fnmatch_lines([f"ERROR: {message}"])
    assert "Traceback" not in result.stderr.str() + result.stdout.str()
    assert not lab.run_folders


def test_a_program_that_is_missing(lab: Lab) -> None:
    lab.program('[no-such-program, "{url}"]')
    result = lab.run_here()
    assert result.ret == USAGE
    result.stderr.fnmatch_lines(["ERROR: devices.yaml:5: *'no-such-program' not found*"])


def test_a_device_that_is_missing(lab: Lab) -> None:
    result = lab.run_here("--device=fone")
    assert result.ret == USAGE
    result.stderr.fnmatch_lines(["ERROR: devices.yaml: there is no device 'fone'*'phone'*"])


def test_a_list_of_devices_that_is_missing(lab: Lab) -> None:
    result = lab.run_here("--devices-file=elsewhere.yaml")
    assert result.ret == USAGE
    result.stderr.fnmatch_lines(["ERROR: elsewhere.yaml: no such file*"])


def test_reports_that_cannot_be_written(lab: Lab) -> None:
    (lab.folder / "reports").write_text("a file")
    result = lab.run_here("--device=curl")
    assert result.ret == USAGE
    result.stderr.fnmatch_lines(["ERROR: reports cannot be written to *reports*Not a directory"])


def test_two_processes_give_one_message(lab: Lab) -> None:
    lab.devices("devices:\n  - id: a\n    platfrom: virtual\n")
    result = lab.run("-n", "2")
    assert result.ret == USAGE
    assert result.stderr.str().count("devices.yaml:3") == 1


def test_a_number_that_is_none(lab: Lab) -> None:
    result = lab.run_here("--retries=many")
    assert result.ret == USAGE
    result.stderr.fnmatch_lines(["*--retries*many*"])


def test_looking_at_what_there_is_writes_nothing(lab: Lab) -> None:
    result = lab.run("--collect-only", "-q", "--device=curl")
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        ["scenarios/test_compromised_ca.py::*[[]curl-B4-device_trusted_ca-tls1.3[]]"]
    )
    assert not lab.run_folders


def test_other_tests_need_no_devices(lab: Lab) -> None:
    lab.devices("rubbish")
    (lab.folder / "test_other.py").write_text("def test_one():\n    pass\n")
    result = lab.pytester.runpytest_inprocess("test_other.py")
    result.assert_outcomes(passed=1)
    assert not lab.run_folders


def test_nothing_selected_leaves_nothing(lab: Lab) -> None:
    result = lab.run("--device=curl", "-k", "nonesuch")
    assert result.ret == pytest.ExitCode.NO_TESTS_COLLECTED
    assert not lab.run_folders


def test_a_key_that_cannot_sign(lab: Lab) -> None:
    (lab.folder / "rsa.pem").write_text("-----BEGIN PRIVATE KEY-----\n")
    lab.devices(f"devices:\n{PHONE}")
    for name, why in {"gone.pem": "No such file*", "rsa.pem": "not a private key in PEM*"}.items():
        result = lab.run_here(f"--evidence-key={name}")
        assert result.ret == USAGE
        result.stderr.fnmatch_lines([f"ERROR: --evidence-key: {name}: {why}"])
    assert not lab.run_folders


def test_a_self_test_that_is_missing(lab: Lab) -> None:
    lab.devices(f"devices:\n{PHONE}")
    result = lab.run_here("--selftest=gone.json")
    assert result.ret == USAGE
    result.stderr.fnmatch_lines(["ERROR: --selftest: gone.json: No such file*"])
