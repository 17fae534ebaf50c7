"""What the user asked for: options, devices, and whether scenarios are run at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from lab.devices.problems import nearest, quote
from lab.devices.settings import (
    AndroidSettings,
    DeviceSettings,
    IosSettings,
    Problem,
    Settings,
    SettingsError,
    load,
)
from lab.model.device import WifiKind
from lab.network.hardware import standing
from lab.network.kernel.check import check
from lab.network.kernel.namespace import Unavailable

SCENARIOS = "scenarios"
GROUP = "TrustPin MITM Lab"


@dataclass(frozen=True)
class Options:
    """The lab's options, read and checked."""

    runs_scenarios: bool
    settings: Settings | None
    """devices.yaml; None where no scenario is run."""
    device_ids: tuple[str, ...]
    absent: Mapping[str, str]
    """Optional devices that are left out, each with what it lacks on this machine."""
    lease_wait: float
    """Seconds to wait for a device that another run holds."""
    reports: Path
    wifi: WifiKind
    """What the networks are that devices of this machine join."""
    wifi_lacks: str
    """Why they are not the kernel's, where nobody asked for others."""
    retries: int
    """How often an inconclusive scenario is tried again. A FAIL never is."""
    inconclusive_passes: bool
    evidence_key: Path | None
    """The private key that signs the bundle; None for a fresh one."""
    timestamp_url: str | None
    """The timestamp authority (RFC 3161) that is asked when the bundle is signed."""
    selftest: Path | None
    """The ``selftest.json`` that goes into the bundle."""
    run_id: str | None
    """The run that this worker process takes part in; None where it is the only one."""
    worker: int
    """Number of this worker process, from 0."""

    @classmethod
    def of(cls, config: pytest.Config) -> Options:
        """Read the options of ``config``. Raises SettingsError."""
        runs = _names_scenarios(config) and not config.option.help
        ids: tuple[str, ...] = tuple(dict.fromkeys(config.option.lab_devices))
        settings = load(_devices_file(config)) if runs else None
        absent: Mapping[str, str] = {}
        if settings is not None:
            named = bool(ids)
            ids = _pooled(settings, ids, config.option.lab_pool)
            absent = settings.check_programs(ids, required=named)
            ids = tuple(device_id for device_id in ids if device_id not in absent)
            if not ids:
                lacking = "every device is left out: " + "; ".join(absent.values())
                raise SettingsError(str(settings.file), [Problem(0, "", lacking)])
        worker = getattr(config, "workerinput", {})
        wifi, wifi_lacks = _wifi(config, runs=runs)
        if settings is not None and wifi is WifiKind.HARDWARE:
            _check_radio(settings, ids)
        return cls(
            runs_scenarios=runs,
            settings=settings,
            device_ids=ids,
            absent=absent,
            lease_wait=config.option.lab_lease_wait,
            reports=Path(config.option.lab_reports or config.rootpath / "reports"),
            wifi=wifi,
            wifi_lacks=wifi_lacks,
            retries=config.option.lab_retries,
            inconclusive_passes=config.option.lab_inconclusive == "pass",
            evidence_key=_path(config.option.lab_evidence_key),
            timestamp_url=config.option.lab_timestamp_url,
            selftest=_path(config.option.lab_selftest),
            run_id=worker.get("lab_run_id"),
            worker=int(worker.get("workerid", "gw0").removeprefix("gw")),
        )

    def device(self, device_id: str) -> DeviceSettings:
        """Return what devices.yaml says of ``device_id``."""
        assert self.settings is not None
        return self.settings.device(device_id)

    def is_exclusive(self, device_id: str) -> bool:
        """Tell whether there is one such device only, however many worker processes there are."""
        return self.settings is not None and isinstance(
            self.device(device_id), AndroidSettings | IosSettings
        )


def add_options(parser: pytest.Parser) -> None:
    """Add the lab's options to pytest's."""
    group = parser.getgroup(GROUP)
    group.addoption(
        "--device",
        action="append",
        default=[],
        dest="lab_devices",
        metavar="ID",
        help="attack this device of devices.yaml; may be given more than once (default: all)",
    )
    group.addoption(
        "--pool",
        default=None,
        dest="lab_pool",
        metavar="NAME",
        help="attack the devices of this pool only",
    )
    group.addoption(
        "--lease-wait",
        type=_seconds,
        default=0.0,
        dest="lab_lease_wait",
        metavar="SECONDS",
        help="how long to wait for a device that another run holds (default: 0, not at all)",
    )
    group.addoption(
        "--devices-file",
        default=None,
        dest="lab_devices_file",
        metavar="PATH",
        help="the list of devices (default: devices.yaml)",
    )
    group.addoption(
        "--reports",
        default=None,
        dest="lab_reports",
        metavar="FOLDER",
        help="where each run's folder is made (default: reports)",
    )
    group.addoption(
        "--wifi",
        choices=tuple(WifiKind),
        default=None,
        dest="lab_wifi",
        help="what the networks are that virtual phones and programs join (default: the kernel's, "
        "where this machine can do that); with 'hardware' Android phones join the access point of "
        "'trustpin-lab wifi up'",
    )
    group.addoption(
        "--retries",
        type=_count,
        default=1,
        dest="lab_retries",
        metavar="N",
        help="try an inconclusive scenario again, at most so often (default: 1; a FAIL never is)",
    )
    group.addoption(
        "--inconclusive",
        choices=("fail", "pass"),
        default="fail",
        dest="lab_inconclusive",
        help="whether an inconclusive scenario fails the run with exit code 6 (default: fail)",
    )
    group.addoption(
        "--evidence-key",
        default=None,
        dest="lab_evidence_key",
        metavar="PEM",
        help="private key (Ed25519 or P-256) that signs the bundle (default: a fresh one)",
    )
    group.addoption(
        "--timestamp-url",
        default=None,
        dest="lab_timestamp_url",
        metavar="URL",
        help="timestamp authority (RFC 3161) that is asked for the time of the bundle",
    )
    group.addoption(
        "--selftest",
        default=None,
        dest="lab_selftest",
        metavar="FILE",
        help="the selftest.json of 'trustpin-lab selftest' that goes into the bundle",
    )


def _wifi(config: pytest.Config, *, runs: bool) -> tuple[WifiKind, str]:
    """Return what the networks are to be, and why they are not the kernel's where nobody asked.

    Worker processes are told: xdist hands on no option that was found out. Raises SettingsError
    where the kernel's are asked for, and this machine cannot have them.
    """
    if hasattr(config, "workerinput"):
        return WifiKind(config.workerinput.get("lab_wifi", WifiKind.SIMULATED)), ""
    wanted = config.option.lab_wifi
    if not runs or wanted in (WifiKind.SIMULATED, WifiKind.HARDWARE):
        return WifiKind(wanted or WifiKind.SIMULATED), ""
    try:
        check()
    except Unavailable as error:
        if wanted is not None:
            raise SettingsError("--wifi", [Problem(0, "", f"kernel: {error}")]) from None
        return WifiKind.SIMULATED, str(error)
    return WifiKind.KERNEL, ""


def _check_radio(settings: Settings, ids: tuple[str, ...]) -> None:
    """Raise SettingsError where the access point is not up, or phones are to join another."""
    try:
        there = standing.noted(standing.FOLDER)
    except standing.NotStanding as error:
        how = "sudo trustpin-lab wifi up --interface wlan1"
        raise SettingsError("--wifi", [Problem(0, "", f"hardware: {error}: {how}")]) from None
    joining = {
        device_id: device.routes.wifi.ssid
        for device_id in ids
        if isinstance(device := settings.device(device_id), AndroidSettings | IosSettings)
        and device.routes.wifi is not None
    }
    if not joining:
        lacking = "hardware: no phone that is attacked has a 'wifi' among its routes"
        raise SettingsError("--wifi", [Problem(0, "", lacking)])
    for device_id, ssid in joining.items():
        if ssid != there.ssid:
            told = f"{quote(ssid)}, but the access point that is up is {quote(there.ssid)}"
            place = f"devices.{device_id}.routes.wifi.ssid"
            raise SettingsError(str(settings.file), [Problem(0, place, told)])


def _path(text: str | None) -> Path | None:
    return None if text is None else Path(text)


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > 9:
        raise ValueError(text)
    return int(text)


def _seconds(text: str) -> float:
    if not text.isascii() or not text.isdigit() or len(text) > 5:
        raise ValueError(text)
    return float(text)


def _pooled(settings: Settings, ids: tuple[str, ...], pool: str | None) -> tuple[str, ...]:
    """Return the devices that are meant. Raises SettingsError where none is."""
    ids = ids or settings.ids
    for device_id in ids:
        settings.device(device_id)
    if pool is None:
        return ids
    chosen = tuple(i for i in ids if getattr(settings.device(i), "pool", None) == pool)
    if not chosen:
        known = {p for device in settings.devices if (p := getattr(device, "pool", None))}
        raise SettingsError(
            str(settings.file),
            [Problem(0, "", f"no device is in pool {quote(pool)}{nearest(pool, known)}")],
        )
    return chosen


def _devices_file(config: pytest.Config) -> Path:
    named = config.option.lab_devices_file
    if named is not None:
        return Path(named)
    file = config.rootpath / "devices.yaml"
    # Messages name the file as the user would.
    here = config.invocation_params.dir
    return file.relative_to(here) if file.is_relative_to(here) else file


def _names_scenarios(config: pytest.Config) -> bool:
    """Tell whether the folder of scenarios, or something in it, is among what is to be run."""
    folder = config.rootpath / SCENARIOS
    for argument in config.args:
        path = (config.invocation_params.dir / argument.partition("::")[0]).resolve()
        if path.is_relative_to(folder) or folder.is_relative_to(path):
            return True
    return False
