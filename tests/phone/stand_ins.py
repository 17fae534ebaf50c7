"""Stand-ins for the SDK that a phone's process is told to use."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

from lab.phone.sdk.client import ReferenceClient
from lab.phone.services import DEFAULT_TIMEOUT, Headers, HttpResponse, PhoneServices, SdkSettings


class Quiet:
    """Is set up with anything, and answers everything with 200."""

    def __init__(self, phone: PhoneServices, storage: Path) -> None:
        self.phone = phone
        self.storage = storage

    def setup(self, settings: SdkSettings) -> None:
        (self.storage / "settings").write_text(repr(settings))

    def get(
        self, url: str, timeout: float = DEFAULT_TIMEOUT, headers: Headers = ()
    ) -> HttpResponse:
        return HttpResponse(200, "OK", (), b"{}", "HTTP/1.1")

    def fetch_certificate(self, host: str, port: int = 443) -> str:
        return "PEM"

    def close(self) -> None:
        return


class Unpinned(Quiet):
    """The platform's HTTP client, without pins."""

    def get(
        self, url: str, timeout: float = DEFAULT_TIMEOUT, headers: Headers = ()
    ) -> HttpResponse:
        # Here: a phone that is told to use another class need not load this.
        from lab.phone.http import HttpClient

        return HttpClient(self.phone, user_agent="Unpinned/1.0").request(url)


class Talkative(Quiet):
    """Prints wherever it can."""

    def __init__(self, phone: PhoneServices, storage: Path) -> None:
        super().__init__(phone, storage)
        print("on the standard output")  # noqa: T201 - that is what it is for
        sys.stderr.write("on the standard error\n")
        sys.stderr.flush()


class Environment(Quiet):
    """Answers with the names of the environment's variables."""

    def get(
        self, url: str, timeout: float = DEFAULT_TIMEOUT, headers: Headers = ()
    ) -> HttpResponse:
        return HttpResponse(200, "OK", (), " ".join(os.environ).encode(), "HTTP/1.1")


class Stubborn(Quiet):
    """Never lets go: neither of a request nor of itself, and starts things."""

    def setup(self, settings: SdkSettings) -> None:
        child = subprocess.Popen(["sleep", "300"])
        (self.storage / "child").write_text(str(child.pid))
        threading.Thread(target=self.close).start()

    def get(
        self, url: str, timeout: float = DEFAULT_TIMEOUT, headers: Headers = ()
    ) -> HttpResponse:
        self.close()
        raise AssertionError("unreachable")

    def close(self) -> None:
        threading.Event().wait()


class Crashing(Quiet):
    """Takes the whole process down when it is asked for something."""

    def get(
        self, url: str, timeout: float = DEFAULT_TIMEOUT, headers: Headers = ()
    ) -> HttpResponse:
        sys.stderr.write("Segmentation fault, so to speak\n")
        sys.stderr.flush()
        os._exit(139)


NOT_A_CLASS = 1


class DebugBuild(ReferenceClient):
    """What a debug build often is: it trusts what its user trusts."""

    user_store = True
