"""WireGuard as a route: the keys of a device's tunnel, and the profile that its app is given.

The adversary is the tunnel's other end (``lab.adversary.wireguard``): everything that a phone sends
goes through it, also what ignores a proxy, and no access point is needed.
"""

from __future__ import annotations

import json
import os
import secrets
from base64 import b64decode
from binascii import Error as NotBase64
from dataclasses import dataclass, field
from pathlib import Path

import mitmproxy_rs

from lab.model.device import Endpoint, Tunnel
from lab.pki.credential import write_private

CLIENT_ADDRESS = "10.77.0.2"
RESOLVER_ADDRESS = "10.77.0.53"
DNS_PORT = 53
KEY_SIZE = 32

CONTENT = "WireGuard keys"


class BadKeys(Exception):
    """A file with a tunnel's keys is none; the message says which, and what to do."""


@dataclass(frozen=True, slots=True)
class Keys:
    """The private keys of both ends, base64 of 32 bytes each."""

    server: str = field(repr=False)
    client: str = field(repr=False)

    @classmethod
    def fresh(cls) -> Keys:
        """Return new ones."""
        return cls(mitmproxy_rs.wireguard.genkey(), mitmproxy_rs.wireguard.genkey())

    @property
    def server_public(self) -> str:
        return mitmproxy_rs.wireguard.pubkey(self.server)

    @property
    def client_public(self) -> str:
        return mitmproxy_rs.wireguard.pubkey(self.client)


@dataclass(frozen=True, slots=True)
class TunnelPlan:
    """A tunnel that is to be: its keys, and where the adversary is to listen for it."""

    keys: Keys
    listen: Endpoint
    """As the device reaches it; port 0 for any that is free."""


def kept_keys(file: Path) -> Keys:
    """Return the keys in ``file``, which is made where it is missing: a phone whose app has the
    profile once is to be led by it in every run. Raises BadKeys, OSError."""
    try:
        text = file.read_text(encoding="ascii")
    except FileNotFoundError:
        return _keep(file, Keys.fresh())
    except ValueError:
        raise _bad(file) from None
    try:
        told = json.loads(text)
        keys = Keys(_key(told["server"]), _key(told["client"]))
    except (ValueError, LookupError, TypeError):
        raise _bad(file) from None
    return keys


def profile(tunnel: Tunnel) -> str:
    """Return the profile in the format of wg-quick, which the WireGuard apps import. It holds the
    client's private key.

    All traffic goes through the tunnel: what the lab does not know is refused there, and never
    opened.
    """
    lines = (
        "[Interface]",
        f"PrivateKey = {tunnel.client_key}",
        f"Address = {tunnel.address}/32",
        f"DNS = {tunnel.resolver}",
        "",
        "[Peer]",
        f"PublicKey = {tunnel.server_key}",
        "AllowedIPs = 0.0.0.0/0, ::/0",
        f"Endpoint = {tunnel.endpoint}",
    )
    return "".join(f"{line}\n" for line in lines)


def tunnel(keys: Keys, endpoint: Endpoint) -> Tunnel:
    """Return what a client needs to know of a tunnel that ends at ``endpoint``."""
    return Tunnel(endpoint, keys.server_public, keys.client, CLIENT_ADDRESS, RESOLVER_ADDRESS)


def _keep(file: Path, keys: Keys) -> Keys:
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    told = json.dumps({"what": CONTENT, "server": keys.server, "client": keys.client}, indent=2)
    begun = file.with_name(f"{file.name}.{secrets.token_hex(8)}")
    try:
        write_private(begun, told.encode())
        # Not replaced where another process was faster, and whole at once.
        os.link(begun, file)
    except FileExistsError:
        return kept_keys(file)
    finally:
        begun.unlink(missing_ok=True)
    return keys


def _key(text: object) -> str:
    try:
        raw = b64decode(str(text), validate=True)
    except NotBase64 as error:
        raise ValueError(str(error)) from None
    if len(raw) != KEY_SIZE:
        raise ValueError(f"{len(raw)} bytes are no key")
    return str(text)


def _bad(file: Path) -> BadKeys:
    return BadKeys(
        f"{file}: these are no {CONTENT}; remove the file, and give the phone its new profile"
    )
