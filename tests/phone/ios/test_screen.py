from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from lab.phone.ios.screen import IPhoneActivity
from lab.phone.ios.screen_nodes import HEIGHT, SPRINGBOARD, WIDTH
from tests.phone.ios.rigs import SAFARI, SETTINGS, TEST_APP, IosRig


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[IosRig]:
    with IosRig(tmp_path) as made:
        yield made


def picture(rig: IosRig) -> Image.Image:
    return Image.open(io.BytesIO(rig.screen.picture()))


def test_begins_on_the_home_screen(rig: IosRig) -> None:
    assert rig.screen.foreground is None
    assert rig.screen.snapshot().package == SPRINGBOARD
    assert picture(rig).size == (WIDTH, HEIGHT)


def test_every_app_has_a_picture_of_its_own(rig: IosRig) -> None:
    seen = {rig.screen.picture()}
    for bundle_id in (TEST_APP, SAFARI, SETTINGS):
        rig.screen.launch(bundle_id)
        seen.add(rig.screen.picture())
    assert len(seen) == 4


def test_apps_store_in_their_containers(rig: IosRig) -> None:
    rig.screen.launch(TEST_APP)
    rig.screen.tap("setup")
    containers = [app.storage for app in rig.screen.apps]
    assert len(set(containers)) == 3
    assert all(path.startswith("/private/var/mobile/Containers/Data/") for path in containers)
    assert all(rig.phone.files.host_path(path).exists() for path in containers[:1])


def test_the_keyboard_comes_with_the_focus(rig: IosRig) -> None:
    rig.screen.launch(TEST_APP)
    app = rig.screen.foreground
    assert isinstance(app, IPhoneActivity)
    assert not rig.screen.dismiss_keyboard()
    assert rig.screen.tap("organization_id")
    assert rig.screen.type(lambda text: text + "acme")
    assert rig.screen.node("keyboard").children[0].resource_id == "Return"
    # What is behind it is not touched, whatever it is.
    left, top, right, bottom = rig.screen.node("clear").bounds
    rig.screen.touch((left + right) / 2, (top + bottom) / 2)
    assert rig.screen.node("organization_id").focused
    rig.screen.tap("return")
    assert not rig.screen.node("organization_id").focused
    with pytest.raises(LookupError):
        rig.screen.node("keyboard")
    rig.screen.tap("organization_id")
    assert rig.screen.dismiss_keyboard()
    assert rig.screen.node("organization_id").text == "acme"
