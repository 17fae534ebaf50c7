"""What Wireshark's dissectors find in captures, connection by connection."""

from __future__ import annotations

import hashlib
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.patience import CAP

_FIELDS = (
    "frame.interface_id",
    "tcp.stream",
    "tcp.flags.syn",
    "ip.src",
    "ipv6.src",
    "tcp.srcport",
    "tls.handshake.extensions_server_name",
    "tls.handshake.certificate",
    "tls.alert_message.desc",
)
_SHOWN = "tcp.flags.syn == 1 && tcp.flags.ack == 0 || tls.handshake || tls.alert_message"
_FOLLOWED = re.compile(
    r"Follow: (tls|tcp),raw\nFilter: tcp\.stream eq (\d+)\nNode 0: (\S+)\nNode 1: \S+\n(.*?)=====",
    re.DOTALL,
)
_CLOSE_NOTIFY = "0"


@dataclass
class Dissected:
    """What Wireshark shows of a connection."""

    name: str | None = None
    chain: tuple[str, ...] = ()
    """SHA-256 of each certificate."""
    alerts: list[int] = field(default_factory=list)
    """Codes, without those of a close_notify."""
    said: bytes = b""
    """From the client, decrypted."""
    sent: bytes = b""
    """From the client, as it came."""


def dissect(captures: Sequence[Path], folder: Path, streams: int) -> list[dict[str, Dissected]]:
    """Return what is found in each capture, by the client's ``address:port``. ``streams``: how many
    connections there are at most."""
    # One file, an interface for each capture: to start tshark takes longer than to read.
    merged = folder / "merged.pcapng"
    _run(["mergecap", "-a", "-I", "none", "-w", str(merged), *map(str, captures)])
    wanted = [part for name in _FIELDS for part in ("-e", name)]
    follow = [
        part
        for n in range(streams)
        for kind in ("tls", "tcp")
        for part in ("-z", f"follow,{kind},raw,{n}")
    ]
    fields = ["-Y", _SHOWN, "-T", "fields", "-E", "separator=|", *wanted]
    told = _run(["tshark", "-n", "-r", str(merged), *fields, *follow])
    found: list[dict[str, Dissected]] = [{} for _ in captures]
    by_stream: dict[str, Dissected] = {}
    for line in told.splitlines():
        columns = line.split("|")
        if len(columns) == len(_FIELDS):
            _take(columns, found, by_stream)
    for kind, stream, first, lines in _FOLLOWED.findall(told):
        if stream in by_stream:
            _say(by_stream[stream], kind, first, lines)
    return found


def _take(
    columns: list[str], found: list[dict[str, Dissected]], by_stream: dict[str, Dissected]
) -> None:
    interface, stream, opens, old, new, port, name, chain, alert = columns
    if stream not in by_stream:
        assert opens in ("1", "True"), columns
        by_stream[stream] = found[int(interface)][f"{old or new}:{port}"] = Dissected()
    there = by_stream[stream]
    if name:
        there.name = name.split(",")[0]
    if chain:
        ders = (bytes.fromhex(each.replace(":", "")) for each in chain.split(","))
        there.chain = tuple(hashlib.sha256(der).hexdigest() for der in ders)
    there.alerts += [int(code) for code in alert.split(",") if code and code != _CLOSE_NOTIFY]


def _say(there: Dissected, kind: str, first: str, lines: str) -> None:
    # Who spoke first is told without a tab in front; the client has the high port.
    is_first = int(first.rpartition(":")[2]) > 1023
    own = [line for line in lines.splitlines() if line.startswith("\t") is not is_first]
    content = b"".join(bytes.fromhex(line.strip()) for line in own)
    if kind == "tls":
        there.said = content
    else:
        there.sent = content


def _run(argv: list[str]) -> str:
    return subprocess.run(argv, capture_output=True, text=True, timeout=CAP, check=True).stdout
