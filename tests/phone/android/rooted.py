"""Phones of all versions of Android and all ways to be rooted."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cryptography import x509

from lab.phone import app_view, browser
from lab.phone.activity import BaseActivity
from lab.phone.android.access import RootMode
from lab.phone.android.shell import Shell
from lab.phone.android.system import AndroidSystem
from lab.phone.installed import make_screen
from lab.phone.state import PhoneState
from lab.pki.authority import Authority
from lab.pki.store_names import subject_hash_old
from tests.phone.scripted import ScriptedSdk

APP, BROWSER = app_view.PACKAGE, browser.PACKAGE


class Rooted:
    """A phone with its shell. ``close`` ends its apps."""

    def __init__(
        self,
        folder: Path,
        *,
        android: str = "14",
        root: RootMode = RootMode.ADBD,
        factory: Sequence[x509.Certificate] = (),
    ) -> None:
        self.air = folder / "air"
        self.phone = PhoneState(folder / "home", self.air, factory_anchors=factory)
        self.screen = make_screen(self.phone, ScriptedSdk())
        self.system = AndroidSystem(self.phone, self.screen, android=android, root=root)
        self._shell = Shell(self.system)

    def __call__(self, command: str, stdin: bytes = b"") -> tuple[str, str, int]:
        """Run a command line; return output and errors as text, and the exit code."""
        ran = self._shell.run(command, stdin)
        return ran.stdout.decode(), ran.stderr.decode(), ran.code

    def done(self, command: str) -> str:
        """Run a command line that must succeed in silence, and return its output."""
        out, err, code = self(command)
        assert (err, code) == ("", 0)
        return out

    def trusted(self, package: str, *, user_store: bool = False) -> set[bytes]:
        """Return what an app trusts, which is started where it does not run."""
        if not self.screen.running(package):
            self.screen.launch(package)
        activity = self.screen.process(package)
        assert isinstance(activity, BaseActivity)
        return set(activity._phone.trust_anchors(user_store))

    def push(self, authority: Authority, folder: str) -> str:
        """Put a CA into a folder as adb does it, and return the file's path."""
        path = f"{folder}/{subject_hash_old(authority.certificate)}.0"
        self.system.access.files(self.system.access.adb_uid).write(path, authority.der)
        return path

    def close(self) -> None:
        self.screen.close()
