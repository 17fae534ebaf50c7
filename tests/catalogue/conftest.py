from __future__ import annotations

import pytest

from lab.catalogue import hosts
from lab.pki.hierarchy import LabPki


@pytest.fixture(scope="session")
def pki() -> LabPki:
    return LabPki((hosts.DOMAIN,))
