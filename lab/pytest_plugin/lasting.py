"""What a process has loaded stays until it ends: no collection of garbage is to go through it.

Python goes through everything again and again while there comes to be more. In a run of several
processes that was a tenth of all that they did.
"""

from __future__ import annotations

import gc

import pytest

from lab.pytest_plugin.keys import OPTIONS


def is_worker(config: pytest.Config) -> bool:
    """Tell whether this process was started to carry out scenarios of a run."""
    return config.stash[OPTIONS].run_id is not None


def begin_loading(config: pytest.Config) -> None:
    """Collect nothing until ``keep_loaded``."""
    if is_worker(config):
        gc.disable()


def keep_loaded(config: pytest.Config) -> None:
    """Keep what is there by now. A process that the run has to itself is one of several: in
    somebody's only one there may be garbage that somebody waits for."""
    if is_worker(config) or config.getoption("tx", None):
        gc.freeze()
        gc.enable()
