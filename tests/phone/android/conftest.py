from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.phone.android.system import AndroidSystem
from lab.phone.installed import make_screen
from lab.phone.state import PhoneState
from lab.phone.ui import Screen
from tests.phone.scripted import ScriptedSdk, make_phone


@pytest.fixture
def phone(tmp_path: Path) -> PhoneState:
    return make_phone(tmp_path)


@pytest.fixture
def screen(phone: PhoneState) -> Iterator[Screen]:
    made = make_screen(phone, ScriptedSdk())
    yield made
    made.close()


@pytest.fixture
def system(phone: PhoneState, screen: Screen) -> AndroidSystem:
    return AndroidSystem(phone, screen)
