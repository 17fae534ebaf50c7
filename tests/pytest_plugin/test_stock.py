"""A phone as it is sold: no root, a build that trusts what its user trusts, CAs by a hand in
Settings."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.boundary.standing import devices_file, differences, standing_phone
from tests.pytest_plugin.conftest import Lab

pytestmark = pytest.mark.whole


def test_what_can_be_shown_is_shown_and_settings_are_put_back(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRUSTPIN_LAB_STATE", str(tmp_path / "state"))
    folder = tmp_path / "phone"
    build = "tests.phone.stand_ins:DebugBuild"
    with standing_phone(folder, root="none", sdk=build, name="R58N123") as phone:
        before = phone.seen()
        store = folder / "phone/files/data/misc/user/0/cacerts-added"
        entry = phone.entry("galaxy", app={"trusts_user_store": True})
        shutil.copy(devices_file(tmp_path, entry), lab.folder / "devices.yaml")
        lab.run(
            "-k", "user_store or clock_behind or (B4-device_trusted_ca- and tls1.3)", "--retries=0"
        )
        assert not differences(before, phone.seen())
        assert list(store.iterdir()) == []
    results = lab.results()["results"]
    shown = {r["case"] + r["variant"]: r["verdict"] for r in results if r["trial"] is not None}
    # The attacker's CA is the user's: only the pins are left to refuse it, and they do.
    assert shown == {"B5tls1.2": "PASS", "B5tls1.3": "PASS"}
    rest = {r["reasons"]["reasons"][0]["text"] for r in results if r["trial"] is None}
    assert rest == {
        "the phone is not rooted: nobody can add a CA to its system store",
        "the phone is not rooted: its clock cannot be moved",
    }
