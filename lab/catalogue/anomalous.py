"""Words that attacks on the handshake are written in."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from lab.catalogue.attackers import COMPROMISED
from lab.catalogue.ground import Ground
from lab.catalogue.make import terminate
from lab.catalogue.registry import entry
from lab.model.anomaly import Anomaly
from lab.model.attack import Concern, Control, Trust, refuse
from lab.model.outcome import ErrorKind
from lab.model.serving import Terminate
from lab.model.wire import TlsVersion

ONLY_12 = (TlsVersion.TLS12,)
ONLY_13 = (TlsVersion.TLS13,)

handshake_entry = partial(
    entry,
    adversaries=COMPROMISED,
    trust=Trust.NONE,
    expect=refuse(ErrorKind.TLS),
    control=Control.ANOMALY,
    concern=Concern.VALIDATION,
)
"""An entry in which nothing is wrong but the handshake: for a TLS library to refuse."""


def genuine(ground: Ground, anomaly: Anomaly) -> Terminate:
    """Serve the genuine chain with its key, so that chain, name and pins hold, and ``anomaly``."""
    return replace(terminate(ground.pki.genuine(ground.host)), anomaly=anomaly)


def forged(ground: Ground, anomaly: Anomaly) -> Terminate:
    """Serve a chain of the CA in the store, which only the pins refuse, and ``anomaly``."""
    return replace(terminate(ground.pki.compromised.issue(ground.host)), anomaly=anomaly)
