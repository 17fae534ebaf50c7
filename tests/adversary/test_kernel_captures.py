"""What Wireshark's own dissectors find in the captures is what the records say."""

from __future__ import annotations

import hashlib
import re
import subprocess
from pathlib import Path

import pytest

from lab.model.serving import HostPlan, Terminate
from lab.model.wire import ConnectionRecord, TlsVersion, WireClass
from tests.adversary.inhabitants import Inhabitant
from tests.adversary.peers import HOST

pytestmark = pytest.mark.whole

_HEX = re.compile("(?:[0-9a-f]{2})+")


class Capture:
    """A capture, read by tshark."""

    def __init__(self, inhabitant: Inhabitant, since: int, folder: Path) -> None:
        content = inhabitant.engine.capture(inhabitant.id, since)
        assert content is not None
        self.file = folder / "seen.pcapng"
        self.file.write_bytes(content)

    def fields(self, wanted: str, where: str) -> list[str]:
        """Return every value of a field in the packets that ``where`` selects."""
        told = self._tshark("-Y", where, "-T", "fields", "-E", "aggregator=;", "-e", wanted)
        return [value for line in told.split() for value in line.split(";")]

    def from_client(self) -> bytes:
        """Return the application bytes that the client sent, decrypted."""
        told = self._tshark("-z", "follow,tls,raw,0").partition("\nNode 0: ")[2]
        first, _, rest = told.partition("\n")
        # Who spoke first is told without a tab in front.
        is_first = not first.endswith(":443")
        lines = [line for line in rest.splitlines() if line.startswith("\t") is not is_first]
        return b"".join(bytes.fromhex(line) for line in lines if _HEX.fullmatch(line.strip()))

    def _tshark(self, *arguments: str) -> str:
        # A "q" would leave the fields out.
        argv = ["tshark", "-n", "-r", str(self.file), *arguments]
        return subprocess.run(argv, capture_output=True, text=True, check=True).stdout


def one(inhabitant: Inhabitant, number: int) -> ConnectionRecord:
    (record,) = inhabitant.seen(number)
    return record


@pytest.mark.parametrize("version", list(TlsVersion))
def test_an_interception_is_there_to_read(
    inhabitant: Inhabitant,
    forgery: Terminate,
    fooled_root: Path,
    tmp_path: Path,
    version: TlsVersion,
) -> None:
    number = inhabitant.arm(HostPlan(forgery))
    most = ("--tls-max", version.removeprefix("tls"), "--http1.1")
    secret = ("-H", "Authorization: Bearer of-the-tests")
    assert inhabitant.curl(f"https://{HOST}/", "--cacert", str(fooled_root), *most, *secret) == 0
    record = one(inhabitant, number)
    assert record.wire_class is WireClass.INTERCEPTED
    seen = Capture(inhabitant, number, tmp_path)
    assert seen.fields("tls.handshake.extensions_server_name", "tls.handshake.type == 1") == [HOST]
    certificates = seen.fields("tls.handshake.certificate", "tls.handshake.type == 11")
    hashed = tuple(hashlib.sha256(bytes.fromhex(each)).hexdigest() for each in certificates)
    assert hashed == record.served_chain
    sent = seen.from_client()
    assert b"Bearer of-the-tests" in sent
    assert len(sent) == record.client_bytes


def test_a_refusal_is_there_with_its_alert(
    inhabitant: Inhabitant, forgery: Terminate, root: Path, tmp_path: Path
) -> None:
    number = inhabitant.arm(HostPlan(forgery))
    assert inhabitant.curl(f"https://{HOST}/", "--cacert", str(root)) == 60
    record = one(inhabitant, number)
    seen = Capture(inhabitant, number, tmp_path)
    assert record.alert is not None
    assert seen.fields("tls.alert_message.desc", "tls.alert_message") == [str(record.alert.code)]
    assert seen.from_client() == b""


def test_packets_of_other_armings_are_left_out(
    inhabitant: Inhabitant, forgery: Terminate, root: Path, tmp_path: Path
) -> None:
    inhabitant.arm(HostPlan(forgery))
    assert inhabitant.curl(f"https://{HOST}/", "--cacert", str(root)) == 60
    number = inhabitant.arm(HostPlan(forgery))
    seen = Capture(inhabitant, number, tmp_path)
    assert seen.fields("tls.handshake.type", "tls.handshake") == []
