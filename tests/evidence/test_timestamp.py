from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from cryptography import x509

from lab.evidence.layout import MANIFEST, TIMESTAMP
from lab.evidence.signing import Seal
from lab.evidence.timestamp import TimestampAuthority, Unstamped, stamped_at
from lab.evidence.verify import verify
from tests.evidence.bundles import make, sign_again
from tests.patience import CAP

CONFIGURATION = """
[req]
distinguished_name = name
x509_extensions = root
prompt = no
[name]
CN = Test authority
[root]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign
[leaf]
basicConstraints = CA:false
keyUsage = critical, digitalSignature
extendedKeyUsage = critical, timeStamping
[tsa]
default_tsa = stamps
[stamps]
serial = {folder}/serial
default_policy = 1.2.3.4
signer_cert = {folder}/tsa.pem
signer_key = {folder}/tsa.key
signer_digest = sha256
digests = sha256, sha512
"""


class Authority:
    """A timestamp authority made of ``openssl ts``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.configuration = folder / "openssl.cnf"
        self.configuration.write_text(CONFIGURATION.format(folder=folder))
        (folder / "serial").write_text("01\n")
        new = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
        self.run("req", "-x509", *new, "-keyout", "root.key", "-out", "root.pem", "-days", "2")
        self.run("req", *new, "-keyout", "tsa.key", "-out", "tsa.csr", "-subj", "/CN=Stamps")
        self.run(
            *("x509", "-req", "-in", "tsa.csr", "-CA", "root.pem", "-CAkey", "root.key"),
            *("-out", "tsa.pem", "-days", "2", "-extfile", "openssl.cnf", "-extensions", "leaf"),
        )
        self.roots = x509.load_pem_x509_certificates((folder / "root.pem").read_bytes())

    def run(self, command: str, *arguments: str) -> None:
        configured = ("-config", "openssl.cnf") if command in ("req", "ts") else ()
        subprocess.run(
            ["openssl", command, *configured, *arguments],
            cwd=self.folder,
            capture_output=True,
            timeout=CAP,
            check=True,
        )

    def answer(self, query: bytes) -> bytes:
        (self.folder / "query").write_bytes(query)
        self.run("ts", "-reply", "-queryfile", "query", "-out", "reply")
        return (self.folder / "reply").read_bytes()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("made") / "authority")


@pytest.fixture(scope="module")
def url(authority: Authority) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            query = self.rfile.read(int(self.headers["Content-Length"]))
            if self.path == "/odd":
                self.wfile.write(b"220 ready\r\n")
                return
            answer = b"sorry" if self.path == "/broken" else authority.answer(query)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_bundle_carries_the_time_of_an_authority(
    tmp_path: Path, authority: Authority, url: str
) -> None:
    folder = make(tmp_path, clock=TimestampAuthority(url))
    told = verify(folder, roots=authority.roots)
    assert told.good, told.findings
    assert told.stamped is not None
    assert told.stamp_trusted
    root = str(authority.folder / "root.pem")
    # By openssl, as the documentation says.
    subprocess.run(
        ["openssl", "ts", "-verify", "-in", TIMESTAMP, "-data", MANIFEST, "-CAfile", root],
        cwd=folder,
        capture_output=True,
        timeout=CAP,
        check=True,
    )
    other = Authority(tmp_path / "other")
    findings = verify(folder, roots=other.roots).findings
    assert [f.path for f in findings if f.breaks] == [TIMESTAMP]
    # Signed anew, over another manifest: the old time does not fit.
    (folder / "devices.yaml").write_text("devices: []\n")
    sign_again(folder, Seal.fresh())
    findings = verify(folder, roots=authority.roots).findings
    assert (TIMESTAMP, "it is about another content") in {(f.path, f.text) for f in findings}


def test_a_timestamp_that_is_changed_or_taken_away_is_found(tmp_path: Path, url: str) -> None:
    folder = make(tmp_path, clock=TimestampAuthority(url))
    content = bytearray((folder / TIMESTAMP).read_bytes())
    content[-1] ^= 1
    (folder / TIMESTAMP).write_bytes(content)
    assert TIMESTAMP in {f.path for f in verify(folder).findings if f.breaks}
    (folder / TIMESTAMP).unlink()
    assert f"{TIMESTAMP}: missing" in {str(f) for f in verify(folder).findings}


@pytest.mark.parametrize("where", ["/broken", "/odd", ":1", "ftp:"])
def test_an_authority_that_gives_no_time_is_told(url: str, where: str) -> None:
    address = {":1": "http://127.0.0.1:1", "ftp:": "ftp://x"}.get(where, f"{url}{where}")
    with pytest.raises(Unstamped):
        TimestampAuthority(address).stamp(b"content")


def test_what_is_no_timestamp_is_none() -> None:
    with pytest.raises(Unstamped, match="not a timestamp"):
        stamped_at(b"\x30\x00", b"content", ())
