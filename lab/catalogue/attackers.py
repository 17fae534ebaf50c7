"""Who carries out an attack, in the combinations that attacks are written with."""

from __future__ import annotations

from lab.model.attack import Adversary

ROGUE = (Adversary.ROGUE_CA,)
COMPROMISED = (Adversary.COMPROMISED_CA,)
WIFI = (Adversary.ROGUE_WIFI,)
ROGUE_ON_BOTH_ROUTES = (Adversary.ROGUE_CA, Adversary.ROGUE_WIFI)
COMPROMISED_ON_BOTH_ROUTES = (Adversary.COMPROMISED_CA, Adversary.ROGUE_WIFI)
