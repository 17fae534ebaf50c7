"""The bundle of a run: what the options say of it, and when it is written."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from lab.devices.problems import Problem
from lab.devices.settings import DeviceSettings, SettingsError
from lab.evidence.bundle import Bundle
from lab.evidence.context import make_context
from lab.evidence.devices_file import secrets_of, shown
from lab.evidence.record import ScenarioResult
from lab.evidence.redaction import Concealer, redact_command
from lab.evidence.run import RunReport
from lab.evidence.signing import KeyUnusable, Seal
from lab.evidence.timestamp import TimestampAuthority, Unstamped
from lab.model.device import DeviceFacts
from lab.pytest_plugin.options import Options


class Evidence:
    """What becomes of a run's folder beside the reports: a signed bundle."""

    def __init__(self, options: Options, seal: Seal, selftest: bytes | None) -> None:
        self._options = options
        self._seal = seal
        self._selftest = selftest
        self._bundle: Bundle | None = None
        self.concealer = Concealer(secrets_of(self._devices, os.environ))
        """Takes what is known to be secret out of all that is written."""
        self.told: tuple[str, ...] = ()
        """What the user is told of the bundle at the end, line by line."""

    @classmethod
    def of(cls, options: Options) -> Evidence:
        """Read the key and the self-test that the options name. Raises SettingsError."""
        try:
            named = options.evidence_key
            seal = Seal.fresh() if named is None else Seal.load(named)
        except KeyUnusable as error:
            raise SettingsError("--evidence-key", [Problem(0, "", str(error))]) from None
        selftest = None
        if options.selftest is not None:
            try:
                selftest = options.selftest.read_bytes()
            except OSError as error:
                text = f"{options.selftest}: {error.strerror or error}"
                raise SettingsError("--selftest", [Problem(0, "", text)]) from None
        return cls(options, seal, selftest)

    @property
    def _devices(self) -> tuple[DeviceSettings, ...]:
        return tuple(map(self._options.device, self._options.device_ids))

    def begin(self, path: Path, run_id: str, command: tuple[str, ...]) -> None:
        """Write down what the run in the folder ``path`` is started with."""
        context = make_context(run_id, time.time(), redact_command(command), self._devices)
        settings = self._options.settings
        devices = None if settings is None else shown(settings.file, self.concealer)
        self._bundle = Bundle(path, self._seal, self.concealer)
        self._bundle.begin(context, devices, self._selftest)

    def add(self, data: Any, facts: DeviceFacts | None, result: ScenarioResult) -> None:
        """Make a record of a result, and of what ``to_json`` made of it."""
        assert self._bundle is not None, "no run has begun"
        self._bundle.add(data, facts, result)

    def close(self, report: RunReport) -> None:
        """Sign what is in the folder."""
        assert self._bundle is not None, "no run has begun"
        complete, because = report.info.complete, report.info.incomplete_because
        url = self._options.timestamp_url
        try:
            clock = None if url is None else TimestampAuthority(url)
            self._bundle.close(complete=complete, because=because, clock=clock)
        except Unstamped as error:
            self.told = (f"evidence: no timestamp: {error}; signed without one",)
            self._bundle.close(complete=complete, because=because)
        named = self._options.evidence_key
        whose = "a fresh key" if named is None else str(named)
        self.told += (
            f"evidence: signed with {whose}, id {self._seal.key_id}; "
            f"check it: trustpin-lab verify {self._bundle.path}",
        )
        if named is None:
            self.told += tuple(self._seal.public_pem.decode().splitlines())
