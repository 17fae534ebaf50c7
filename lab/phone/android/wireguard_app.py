"""The WireGuard app that the phone plays: tunnels that are brought up and down by intents.

It is the real thing below: a tunnel is a WireGuard client in a network namespace, and all that the
phone opens while it is up is opened in there. Where the machine cannot do that, the app says so in
the log, and the tunnel stays down.
"""

from __future__ import annotations

import threading

from lab.network.kernel.namespace import Unavailable
from lab.network.kernel.wireguard import BadProfile, Profile, WireGuardClient
from lab.phone.android.apk import Manifest
from lab.phone.files import FileError
from lab.phone.means import Wire
from lab.phone.state import PhoneState

PACKAGE = "com.wireguard.android"
MANIFEST = Manifest(PACKAGE, 508, "1.0.20231018", min_sdk=21, target_sdk=33)
FOLDER = f"/data/data/{PACKAGE}/files"
"""Where the app keeps its tunnels' profiles, one file each."""
UP = f"{PACKAGE}.action.SET_TUNNEL_UP"
DOWN = f"{PACKAGE}.action.SET_TUNNEL_DOWN"
MAX_PROFILE = 16 * 1024


class WireGuardApp:
    """Has one tunnel up at most, as the system allows one VPN. May be used from any thread."""

    def __init__(self, phone: PhoneState) -> None:
        self._phone = phone
        self._lock = threading.RLock()
        self._client: WireGuardClient | None = None

    @property
    def up(self) -> WireGuardClient | None:
        """The tunnel that is up."""
        return self._client

    def receive(self, action: str, tunnel: str) -> None:
        """Do what a broadcast asks for; like the app, without a word to whom sent it."""
        with self._lock:
            if action == UP:
                self._bring_up(tunnel)
            elif action == DOWN and self._client is not None and self._client.name == tunnel:
                self.take_down()

    def take_down(self) -> None:
        """End the tunnel that is up, if one is."""
        with self._lock:
            client, self._client = self._client, None
            if client is not None:
                self._phone.use_tunnel(None)
                client.close()
                self._log("INFO", f"tunnel {client.name} is down")

    def _bring_up(self, tunnel: str) -> None:
        if self._client is not None and self._client.name == tunnel:
            return
        try:
            profile = Profile.parse(self._read(tunnel))
            self.take_down()
            self._client = WireGuardClient(tunnel, profile)
            self._phone.use_tunnel(Wire(self._client.namespace, self._client.resolver))
        except FileError:
            self._log("WARN", f"there is no tunnel {tunnel}")
        except (BadProfile, Unavailable, OSError) as error:
            self._log("ERROR", f"tunnel {tunnel}: {error}")
        else:
            self._log("INFO", f"tunnel {tunnel} is up")

    def _read(self, tunnel: str) -> str:
        content = self._phone.files.read(f"{FOLDER}/{tunnel}.conf")
        return content[:MAX_PROFILE].decode("utf-8", "replace")

    def _log(self, level: str, text: str) -> None:
        self._phone.log("WireGuard", level, text)
