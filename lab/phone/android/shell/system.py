"""Most commands of the shell, from all the modules that have some."""

from __future__ import annotations

from lab.phone.android.shell import (
    conditions,
    device,
    digests,
    dumps,
    editing,
    finding,
    keys,
    logs,
    processes,
    properties,
    services,
    values,
)
from lab.phone.android.shell.process import Command

COMMANDS: dict[str, Command] = {
    **conditions.COMMANDS,
    **device.COMMANDS,
    **digests.COMMANDS,
    **dumps.COMMANDS,
    **editing.COMMANDS,
    **finding.COMMANDS,
    **keys.COMMANDS,
    **logs.COMMANDS,
    **processes.COMMANDS,
    **properties.COMMANDS,
    **services.COMMANDS,
    **values.COMMANDS,
}
