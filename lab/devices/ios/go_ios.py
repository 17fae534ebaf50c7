"""go-ios (https://github.com/danielpaulus/go-ios, MIT): profiles for supervised iPhones, installed
by a program of somebody else's."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from lab.devices.android.link import CommandRefused
from lab.devices.journal_entry import shown

CAP = 60.0
"""Seconds that it may take."""
PACKAGE = "node_modules/go-ios/dist"
_MACHINES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


def find_go_ios(project: Path, environ: Mapping[str, str]) -> Path | None:
    """Return the program: the user's own, else the one of the npm package ``go-ios`` in the folder
    ``project``; None where there is neither."""
    found = shutil.which("ios", path=environ.get("PATH"))
    if found is not None:
        return Path(found)
    system = platform.system().lower()
    name = f"{system}-{_MACHINES.get(platform.machine().lower(), '')}"
    packed = project / PACKAGE / f"go-ios-{name}_{name.replace('-', '_')}" / "ios"
    return packed if os.access(packed, os.X_OK) else None


def add_profile(
    program: Path,
    profile: Path,
    *,
    udid: str,
    usbmuxd: str,
    p12: Path | None,
    password: str,
) -> None:
    """Hand a profile to an iPhone: silently as its supervisor, whom a PKCS #12 file is about, else
    for its user to install. Raises CommandRefused with what the program said."""
    command = [str(program), "profile", "add", str(profile), f"--udid={udid}"]
    if p12 is not None:
        command.append(f"--p12file={p12}")
    # In the environment: other users of this machine can read a command line.
    environment = {
        **os.environ,
        "P12_PASSWORD": password,
        "USBMUXD_SOCKET_ADDRESS": usbmuxd,
    }
    try:
        ran = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=CAP,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CommandRefused(f"go-ios cannot be run: {shown(str(error))}") from None
    if ran.returncode:
        said = shown(" ".join((ran.stdout + ran.stderr).split())) or "and it said nothing"
        raise CommandRefused(f"go-ios ended with exit code {ran.returncode}: {said}")
