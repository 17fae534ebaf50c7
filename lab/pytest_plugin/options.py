"""What the user asked for: options, devices, and whether scenarios are run at all."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from lab.devices.settings import DeviceSettings, Settings, load

SCENARIOS = "scenarios"
GROUP = "TrustPin MITM Lab"


@dataclass(frozen=True)
class Options:
    """The lab's options, read and checked."""

    runs_scenarios: bool
    settings: Settings | None
    """devices.yaml; None where no scenario is run."""
    device_ids: tuple[str, ...]
    reports: Path
    retries: int
    """How often an inconclusive scenario is tried again. A FAIL never is."""
    inconclusive_passes: bool
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
        if settings is not None:
            ids = ids or settings.ids
            for device_id in ids:
                settings.device(device_id)
            settings.check_programs(ids)
        worker = getattr(config, "workerinput", {})
        return cls(
            runs_scenarios=runs,
            settings=settings,
            device_ids=ids,
            reports=Path(config.option.lab_reports or config.rootpath / "reports"),
            retries=config.option.lab_retries,
            inconclusive_passes=config.option.lab_inconclusive == "pass",
            run_id=worker.get("lab_run_id"),
            worker=int(worker.get("workerid", "gw0").removeprefix("gw")),
        )

    def device(self, device_id: str) -> DeviceSettings:
        """Return what devices.yaml says of ``device_id``."""
        assert self.settings is not None
        return self.settings.device(device_id)


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


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > 9:
        raise ValueError(text)
    return int(text)


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
