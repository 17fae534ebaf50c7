"""What a gate is given beside bundles, read: builds to be released, a self-test in a file."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from lab.devices.problems import Problem, SettingsError
from lab.evidence.canonical import digest_of_file
from lab.gate.policy import BUNDLE, PolicyFile
from lab.gate.requirements import Inputs


def read_inputs(policy: PolicyFile, file: Path, apps: Iterable[Path], now: datetime) -> Inputs:
    """Return what a decision by ``policy``, which was read from ``file``, depends on. Raises
    SettingsError where a build cannot be read; a self-test that is not there is for the gate to
    tell."""
    builds = {}
    for app in apps:
        try:
            builds[str(app)] = digest_of_file(app).sha256
        except OSError as error:
            text = f"{error.strerror or error}; give the file of a build"
            raise SettingsError(str(app), [Problem(0, "", text)]) from None
    return Inputs(now, builds, _selftest(policy, file))


def _selftest(policy: PolicyFile, file: Path) -> bytes | None:
    named = policy.evidence.selftest
    if named is None or named == BUNDLE:
        return None
    try:
        return (file.parent / named).read_bytes()
    except OSError:
        return None
