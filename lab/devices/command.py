"""The command device: any program of this machine as a device under test."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import platform
import shlex
import shutil
import ssl
import tempfile
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from urllib.parse import urlsplit

from lab.devices.capabilities import lack, program_of
from lab.devices.exits import read_exit
from lab.devices.fields import PIN_BLANKS
from lab.devices.lodging import Lodging
from lab.devices.lookup import NotFound, look_up
from lab.devices.models import Argv, CommandSettings, Routes
from lab.devices.pin_blanks import pin_values
from lab.devices.process import CAP, CannotStart, Ended, Stream, run
from lab.devices.template import Template, Unset
from lab.model.attack import Control, Need, RouteKind, Trust
from lab.model.device import (
    AppSetup,
    DeviceFacts,
    DeviceLost,
    LoggedLine,
    Surroundings,
)
from lab.model.failure_report import ReportWay
from lab.model.outcome import Answer, AppOutcome, ErrorKind
from lab.model.pins import PinConfiguration
from lab.model.profile import NEWEST, Profile
from lab.network.kernel.wifi import Place

LOOPBACK = "127.0.0.1"

_CONTROL_EXITS: Mapping[int, frozenset[ErrorKind]] = {0: frozenset()}

_PASSED_ON = ("PATH", "SYSTEMROOT")
"""All that a program gets of the lab's own environment: no proxies, no certificate stores."""


class NoUsablePin(LookupError):
    """The configuration has no pin for the host that the program could be given."""


class CommandDevice:
    """Runs the program anew for every request: it has no state but its trust store's file."""

    def __init__(
        self,
        settings: CommandSettings,
        surroundings: Surroundings,
        home: Path,
        *,
        factory_anchors: tuple[bytes, ...],
        source: str | None,
        place: Place | None = None,
        cap: float = CAP,
    ) -> None:
        """``place`` is where it lives, where its networks are the kernel's: what it runs there
        need not know that there is a rogue Wi-Fi."""
        self._cap = cap
        self._settings = settings
        self._surroundings = surroundings
        self._home = home
        self._factory_anchors = factory_anchors
        self._source = source if settings.binds_source else None
        self._lodging = None if place is None else Lodging(place)
        self._route: RouteKind | None = None
        self._configuration = PinConfiguration(())
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._trust_store = home / "trust-store.pem"
        self.trust(Trust.NONE, ())

    @property
    def id(self) -> str:
        return self._settings.id

    @property
    def source(self) -> str | None:
        return self._source

    @property
    def profile(self) -> Profile:
        return NEWEST

    @property
    def reports(self) -> frozenset[ErrorKind]:
        return frozenset()

    @cached_property
    def facts(self) -> DeviceFacts:
        return DeviceFacts(
            id=self.id,
            platform="command",
            model=platform.machine(),
            os=f"{platform.system()} {platform.release()}",
            app=program_of(self._settings),
            app_version=self._version(),
            sdk="the program itself",
            details={"argv": shlex.join(text.source for text in self._settings.argv)},
        )

    @property
    def report_way(self) -> ReportWay:
        return ReportWay.HTTP

    @property
    def names(self) -> frozenset[str]:
        return frozenset({self.id})

    @property
    def clock_error(self) -> float:
        return 0.0

    def lacks(self, need: Need) -> str | None:
        return lack(self._settings, need, lodged=self._lodging is not None)

    def take_route(self, kind: RouteKind) -> None:
        """Take ``kind`` from now on. Raises ValueError where devices.yaml has no such route,
        NotReady where the network does not let it in."""
        joins = kind is RouteKind.WIFI and self._lodging is not None
        if self._settings.routes.argv(kind) is None and not joins:
            raise ValueError(f"devices.yaml gives {self.id} no route {kind}")
        if self._lodging is not None and kind is not self._route:
            # Until it is there it is nowhere, which is where it stays if this fails.
            self._route = None
            self._lodging.move(in_=joins)
        self._route = kind

    def trust(self, store: Trust, certificates: tuple[bytes, ...]) -> None:
        """Write the trust store. Raises ValueError for the user's: a program has none."""
        if store is Trust.USER:
            raise ValueError(self.lacks(Need.USER_STORE))
        added = certificates if store is Trust.SYSTEM else ()
        content = "".join(map(ssl.DER_cert_to_PEM_cert, (*self._factory_anchors, *added)))
        self._trust_store.write_text(content, encoding="ascii")

    def set_clock_offset(self, seconds: float) -> None:
        """Raises ValueError for anything but zero."""
        if seconds:
            raise ValueError(self.lacks(Need.CLOCK))

    def set_up(self, setup: AppSetup, *, fresh: bool = True) -> AppOutcome:
        """Remember the pins; the program gets those of the host with each request."""
        self._configuration = setup.configuration
        return AppOutcome(Answer.ACCEPTED, message="the pins are given with each request")

    def request(self, url: str) -> AppOutcome:
        """Run the program. Raises NoUsablePin where it takes pins and the host has none."""
        host, _ = _target(url)
        pins = pin_values(self._configuration.pins_for(host), self._settings.pin_kinds)
        if self._settings.pin_kinds and not any(pins.values()):
            kinds = ", ".join(sorted(self._settings.pin_kinds))
            raise NoUsablePin(
                f"{host} has no pin of the kind that {self.id} can use ({kinds}): it is not "
                "registered, or pinned in another way"
            )
        return self._run(self._settings.argv, self._settings.routes, url, pins, own=True)

    def control(self, url: str, kind: Control) -> AppOutcome:
        clients = self._settings.control
        routes = clients.routes or self._settings.routes
        return self._run(clients.argv(kind), routes, url, dict.fromkeys(PIN_BLANKS, ""), own=False)

    def log_moment(self) -> str:
        return ""

    def log_lines(self, since: str) -> tuple[LoggedLine, ...]:
        return ()

    def screenshot(self) -> bytes | None:
        return None

    def recover(self) -> None:
        """Every request starts the program anew: look only whether that can succeed."""
        try:
            program = self._settings.argv[0].fill({}, os.environ)
        except Unset as error:
            raise DeviceLost(f"the environment variable {error} is not set any more") from None
        if shutil.which(program) is None:
            raise DeviceLost(f"{program} could not be started: No such file or directory")

    def close(self) -> None:
        """Remove the device's files; the folder, too, if nothing else is in it."""
        if self._lodging is not None:
            self._lodging.close()
        self._trust_store.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            self._home.rmdir()

    def _run(
        self, argv: Argv, routes: Routes, url: str, pins: Mapping[str, str], *, own: bool
    ) -> AppOutcome:
        if self._route is None:
            raise ValueError("no route taken yet: the request would leave the lab")
        try:
            values = {**self._values(url), **pins}
        except NotFound as error:
            return AppOutcome(
                Answer.REFUSED,
                frozenset({ErrorKind.NETWORK}),
                message=f"the network's resolver has no address for the host ({error}); "
                "the program was not started",
            )
        extra = () if self._joined else routes.argv(self._route) or ()
        ended = self._start(_joined(argv, extra), values, Stream.ERR)
        secrets = self._secrets((*argv, *extra))
        if not own:
            return read_exit(ended, _CONTROL_EXITS, (), secrets)
        return read_exit(ended, self._settings.exits, self._settings.errors, secrets)

    def _values(self, url: str) -> dict[str, str]:
        """Return what the placeholders stand for on the route taken. Raises NotFound."""
        host, port = _target(url)
        around = self._surroundings
        wifi = self._route is RouteKind.WIFI and not self._joined
        return {
            "url": url,
            "host": host,
            "port": str(port),
            "trust_store": str(self._trust_store),
            "timeout": str(self._settings.timeout),
            "source": self._joined or self._source or LOOPBACK,
            "proxy": f"http://{around.proxy}" if self._route is RouteKind.PROXY else "",
            "socks": str(around.rogue.gateway) if wifi else "",
            "address": self._address(host) if wifi else "",
        }

    @property
    def _joined(self) -> str | None:
        """The program's address on the rogue Wi-Fi, where that is the kernel's and joined."""
        return None if self._lodging is None else self._lodging.address

    def _address(self, host: str) -> str:
        with contextlib.suppress(ValueError):
            return str(ipaddress.ip_address(host))
        return look_up(self._surroundings.rogue.resolver, host, source=self._source)

    def _start(self, argv: Sequence[Template], values: Mapping[str, str], keep: Stream) -> Ended:
        """Run a command in a new, empty home. Raises DeviceLost where it cannot be started."""
        try:
            filled = [text.fill(values, os.environ) for text in argv]
            wanted = {
                name: text.fill(values, os.environ) for name, text in self._settings.env.items()
            }
        except Unset as error:
            raise DeviceLost(f"the environment variable {error} is not set any more") from None
        kept = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        home = tempfile.mkdtemp(prefix="home-", dir=self._home)
        own = {"HOME": home, "TMPDIR": home, "LC_ALL": "C"}
        try:
            env = {**kept, **own, **{name: value for name, value in wanted.items() if value}}
            enter = () if self._lodging is None else self._lodging.enter
            return run(filled, env=env, folder=Path(home), keep=keep, cap=self._cap, enter=enter)
        except CannotStart as error:
            raise DeviceLost(str(error)) from None
        finally:
            shutil.rmtree(home, ignore_errors=True)

    def _secrets(self, argv: Sequence[Template]) -> frozenset[str]:
        """Return the values of all environment variables that the program was given."""
        texts = (*argv, *self._settings.env.values())
        names = frozenset(name for text in texts for name in text.variables)
        return frozenset(os.environ[name] for name in names if name in os.environ)

    def _version(self) -> str:
        if self._settings.version is None:
            return ""
        no_request = dict.fromkeys(("url", "host", "port", "proxy", "socks", "address"), "")
        values = {**no_request, "trust_store": str(self._trust_store), "timeout": "", "source": ""}
        ended = self._start(self._settings.version, values, Stream.OUT)
        outcome = read_exit(ended, _CONTROL_EXITS, (), self._secrets(self._settings.version))
        return outcome.log[0] if outcome.log else f"unknown ({outcome.message})"


def _target(url: str) -> tuple[str, int]:
    """Return host (lower case) and port. Raises ValueError where ``url`` has no such thing."""
    parts = urlsplit(url)
    if not parts.hostname or parts.scheme not in ("http", "https"):
        raise ValueError(f"not an http or https address: {url!r}")
    return parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)


def _joined(argv: Argv, extra: Argv) -> Argv:
    """Put the route's arguments where ``{route}`` stands, else at the end."""
    for index, text in enumerate(argv):
        if "route" in text.blanks:
            return (*argv[:index], *extra, *argv[index + 1 :])
    return (*argv, *extra)
