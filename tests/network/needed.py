"""What only some machines have."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from lab.network.kernel.namespace import Unavailable


@contextmanager
def or_skip() -> Iterator[None]:
    """Skip the test where this machine has no networks of the kernel's, or a program is missing."""
    try:
        yield
    except Unavailable as error:
        pytest.skip(str(error))
