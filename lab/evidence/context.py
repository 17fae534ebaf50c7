"""What a run was started with: tools, place, person. Told once, before the first scenario."""

from __future__ import annotations

import getpass
import hashlib
import importlib.util
import os
import platform
import shutil
import ssl
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

from pydantic import TypeAdapter

import lab
from lab.devices.settings import (
    CommandSettings,
    DeviceSettings,
    VirtualIosSettings,
    VirtualSettings,
)
from lab.evidence.record import validated

FORMAT: Literal["trustpin-lab-context/1"] = "trustpin-lab-context/1"

TOOLS = (
    "mitmproxy", "cryptography", "pyopenssl", "Appium-Python-Client", "adb-shell", "pytest",
    "jinja2", "pillow", "lxml", "xlsxwriter",
)  # fmt: skip
"""Packages whose version is part of the evidence."""
CI_RUNS = ("CI_JOB_URL", "BUILD_URL")
"""Environment variables in which CI systems say where a run can be looked at."""


@dataclass(frozen=True, slots=True)
class Build:
    """What stands for the app under test, by its digest."""

    sha256: str
    what: str
    """``app package``, ``program`` or ``source of the SDK``."""
    name: str


@dataclass(frozen=True, slots=True)
class Checkout:
    """What a CI system says that it had checked out for the run."""

    repository: str
    """Where it can be looked at, as a URI."""
    revision: str | None
    branch: str | None
    """Branch or tag."""


@dataclass(frozen=True, slots=True)
class Context:
    """What a run was started with."""

    run_id: str
    started_at: float
    """Epoch seconds on the lab's clock."""
    lab: str
    """Version of the lab."""
    lab_commit: str | None
    """Commit of the lab's source; None where it does not run from a checkout."""
    tools: Mapping[str, str]
    """Versions of what the lab is made of, by name."""
    platform: str
    """Operating system and machine that the lab ran on."""
    command: tuple[str, ...]
    executed_by: str | None
    """Where the CI system shows the run, else the user's name."""
    builds: Mapping[str, Build] = field(default_factory=dict)
    """What stands for the app, for each device of which the lab can tell before it is started."""
    checkout: Checkout | None = None
    """The sources that were under test; None outside of the CI systems that the lab knows."""
    format: Literal["trustpin-lab-context/1"] = FORMAT


def make_context(
    run_id: str, started_at: float, command: tuple[str, ...], devices: Iterable[DeviceSettings] = ()
) -> Context:
    """Return the context of a run that starts now, on this machine."""
    tools = {name: _version(name) for name in TOOLS}
    tools |= {"python": platform.python_version(), "openssl": ssl.OPENSSL_VERSION}
    builds = {device.id: build for device in devices if (build := build_of(device)) is not None}
    return Context(
        run_id=run_id,
        started_at=started_at,
        lab=lab.__version__,
        lab_commit=commit(),
        tools=tools,
        platform=platform.platform(),
        command=command,
        executed_by=_executed_by(os.environ),
        builds=builds,
        checkout=_checkout(os.environ),
    )


def build_of(settings: DeviceSettings) -> Build | None:
    """Return what stands for the app of a device: the package that is installed, the program that
    is started, or the source of the SDK in the virtual phone's app. None where that is only known
    once the device is there, or not at all."""
    match settings:
        case CommandSettings():
            program = shutil.which(settings.argv[0].source)
            return _build("program", Path(program)) if program else None
        case VirtualSettings() | VirtualIosSettings():
            try:
                found = importlib.util.find_spec(settings.client.partition(":")[0])
            except (ImportError, ValueError):
                return None
            source = None if found is None else found.origin
            return _build("source of the SDK", Path(source)) if source else None
        case _:
            package = settings.app.build
            return None if package is None else _build("app package", package)


def context_from_json(data: object) -> Context:
    """Return the context that ``to_json`` made ``data`` of. Raises RecordInvalid."""
    return validated(_contexts(), data)


@cache
def _contexts() -> TypeAdapter[Context]:
    return TypeAdapter(Context)


def _build(what: str, path: Path) -> Build | None:
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None
    return Build(digest, what, path.name)


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


@cache
def commit() -> str | None:
    """Return the commit of the lab's source; None where it does not run from a checkout."""
    folder = Path(lab.__file__).parents[1]
    if not (folder / ".git").exists():
        return None
    try:
        command = ["git", "-C", str(folder), "rev-parse", "HEAD"]
        told = subprocess.run(command, capture_output=True, text=True, timeout=5, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return told.stdout.strip() or None


def _checkout(environ: Mapping[str, str]) -> Checkout | None:
    if environ.get("GITHUB_REPOSITORY"):
        server = environ.get("GITHUB_SERVER_URL", "https://github.com")
        repository = f"{server}/{environ['GITHUB_REPOSITORY']}"
        names = "GITHUB_SHA", "GITHUB_REF_NAME"
    elif environ.get("CI_PROJECT_URL"):
        repository = environ["CI_PROJECT_URL"]
        names = "CI_COMMIT_SHA", "CI_COMMIT_REF_NAME"
    else:
        return None
    revision, branch = (environ.get(name) or None for name in names)
    return Checkout(repository, revision, branch)


def _executed_by(environ: Mapping[str, str]) -> str | None:
    if "GITHUB_RUN_ID" in environ:
        parts = [environ.get(f"GITHUB_{name}", "") for name in ("SERVER_URL", "REPOSITORY")]
        return "/".join([*parts, "actions/runs", environ["GITHUB_RUN_ID"]])
    for name in CI_RUNS:
        if environ.get(name):
            return environ[name]
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return None
