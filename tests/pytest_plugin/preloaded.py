"""Imported by the process from which runs are forked: what each of them would import."""

import lab.adversary.engine
import lab.devices.registry
import lab.evidence.verify
import lab.evidence.writer
import lab.gate.deciding
import lab.trial.bench
import lab.trial.conductor  # noqa: F401
from lab.catalogue import entries

entries()
