from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import IO, Any

import pytest

from lab.model.device import Endpoint
from lab.network.kernel.wireguard import BadProfile, Profile
from lab.network.wireguard import BadKeys, Keys, kept_keys, profile, tunnel

PLACE = Endpoint("192.0.2.10", 51820)


def test_keys_are_kept_for_their_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "wireguard" / "pixel.json"
    keys = kept_keys(file)
    assert kept_keys(file) == keys
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert keys != kept_keys(tmp_path / "another.json")


def test_who_comes_in_the_middle_of_the_first_use_gets_the_same_keys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, others, fdopen = tmp_path / "pixel.json", list[Keys](), os.fdopen

    def interrupted(descriptor: int, *args: Any, **options: Any) -> IO[Any]:
        monkeypatch.undo()
        others.append(kept_keys(file))
        opened: IO[Any] = fdopen(descriptor, *args, **options)
        return opened

    monkeypatch.setattr(os, "fdopen", interrupted)
    assert [kept_keys(file)] == others
    assert [*tmp_path.iterdir()] == [file]


def test_a_first_use_that_is_killed_leaves_no_keys_that_are_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "pixel.json"

    def killed(descriptor: int, *args: Any, **options: Any) -> IO[Any]:
        os.close(descriptor)
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fdopen", killed)
    with pytest.raises(KeyboardInterrupt):
        kept_keys(file)
    monkeypatch.undo()
    assert kept_keys(file) == kept_keys(file)


def test_the_public_key_of_rfc_7748(tmp_path: Path) -> None:
    # RFC 7748 section 6.1, Alice's pair.
    private = "dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo="
    assert Keys(private, private).client_public == "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo="


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"server": "AA==", "client": "AA=="}', '{"server": 1}', "\xff"]
)
def test_what_are_no_keys_is_said(tmp_path: Path, content: str) -> None:
    file = tmp_path / "pixel.json"
    file.write_text(content, encoding="latin-1")
    with pytest.raises(BadKeys, match="remove the file"):
        kept_keys(file)


def test_no_key_is_shown() -> None:
    keys = Keys.fresh()
    shown = f"{keys!r} {tunnel(keys, PLACE)!r}"
    assert keys.server not in shown
    assert keys.client not in shown


def test_a_profile_is_what_clients_read() -> None:
    keys = Keys.fresh()
    read = Profile.parse(profile(tunnel(keys, PLACE)))
    assert (read.private_key, read.peer_key) == (keys.client, keys.server_public)
    assert (read.peer, read.address, read.resolver) == (PLACE, "10.77.0.2/32", "10.77.0.53")


@pytest.mark.parametrize(
    "text",
    ["", "PrivateKey = x", "[Interface]\nPrivateKey = x\n", "[Interface]\n[Interface]\n"],
)
def test_what_is_no_profile_is_said(text: str) -> None:
    with pytest.raises(BadProfile, match="no WireGuard profile"):
        Profile.parse(text)
