"""Real clients: curl, openssl, wget, Python's ssl and plain sockets, on both routes."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import ssl
import struct
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import socksio
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256, SHA384
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from dnslib import QTYPE, DNSRecord

from lab.adversary.engine import Engine
from lab.model.device import Endpoint, Network, Surroundings
from lab.model.serving import Arming, HostPlan, Serving
from lab.model.wire import ConnectionRecord, TlsVersion
from tests.patience import CAP

HOST = "api.acme.test"
WEBSITE = "www.acme.test"
ELSEWHERE = "bank.example"
"""A host that is not declared."""

_PEM = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----\n", re.DOTALL)

_STORES = ("CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")
ENVIRONMENT = {
    name: value
    for name, value in os.environ.items()
    if name not in _STORES and not name.lower().endswith("_proxy")
}

PYTHON_VERSIONS = {
    TlsVersion.TLS12: ssl.TLSVersion.TLSv1_2,
    TlsVersion.TLS13: ssl.TLSVersion.TLSv1_3,
}
RECORDED_VERSIONS = {TlsVersion.TLS12: "TLSv1.2", TlsVersion.TLS13: "TLSv1.3"}
CURL_VERSIONS = {
    TlsVersion.TLS12: ("--tlsv1.2", "--tls-max", "1.2"),
    TlsVersion.TLS13: ("--tlsv1.3",),
}


class Refused(Exception):
    """The route did not let the connection through."""


@dataclass(frozen=True)
class Attached:
    """A device as its tests see it."""

    engine: Engine
    id: str
    surroundings: Surroundings

    def arm(self, serving: Serving, *more: tuple[str, Serving], host: str = HOST) -> int:
        """Arm one plan per host."""
        plans = ((host, serving), *more)
        return self.engine.arm(
            self.id, Arming("test", tuple((h, HostPlan(plan)) for h, plan in plans))
        )

    def records(self, number: int) -> tuple[ConnectionRecord, ...]:
        """Return the connections of an arming; all of them must have ended in time."""
        records = self.engine.settle(self.id, number, CAP)
        assert all(record.closed_at is not None for record in records), records
        return records

    def record(self, number: int) -> ConnectionRecord:
        (record,) = self.records(number)
        return record


class Proxy:
    """The route over the adversary as an HTTP proxy."""

    name = "proxy"

    def __init__(self, surroundings: Surroundings) -> None:
        self._proxy = surroundings.proxy

    def open(self, host: str, port: int = 443, source: str = "") -> socket.socket:
        """Return a tunnel. Raises Refused."""
        plain = connect(self._proxy, source)
        try:
            plain.sendall(connect_request(host, port))
            head = read_head(plain)
        except BaseException:
            plain.close()
            raise
        if b" 200 " not in head.partition(b"\r\n")[0]:
            plain.close()
            raise Refused(head.decode())
        return plain

    def curl(self, host: str, port: int = 443) -> list[str]:
        """Return the arguments that make curl take this route."""
        return ["--proxy", f"http://{self._proxy}"]


class Gateway:
    """The route over a network: names are looked up at its resolver, addresses are dialled."""

    name = "gateway"

    def __init__(self, network: Network) -> None:
        self._network = network

    def open(self, host: str, port: int = 443, source: str = "") -> socket.socket:
        """Return a connection to the address of ``host``. Raises Refused."""
        return self.dial(self.resolve(host), port, source)

    def dial(self, destination: str, port: int = 443, source: str = "") -> socket.socket:
        """Return a connection to an address, or to a name that the gateway looks up. Raises
        Refused."""
        client = socksio.socks5.SOCKS5Connection()
        plain = connect(self._network.gateway, source)
        try:
            client.send(
                socksio.socks5.SOCKS5AuthMethodsRequest(
                    [socksio.socks5.SOCKS5AuthMethod.NO_AUTH_REQUIRED]
                )
            )
            plain.sendall(client.data_to_send())
            client.receive_data(receive(plain, 2))
            command = socksio.socks5.SOCKS5Command.CONNECT
            client.send(
                socksio.socks5.SOCKS5CommandRequest.from_address(command, (destination, port))
            )
            plain.sendall(client.data_to_send())
            reply = client.receive_data(receive(plain, 10))
        except BaseException:
            plain.close()
            raise
        assert isinstance(reply, socksio.socks5.SOCKS5Reply)
        if reply.reply_code is not socksio.socks5.SOCKS5ReplyCode.SUCCEEDED:
            plain.close()
            raise Refused(str(reply.reply_code))
        return plain

    def curl(self, host: str, port: int = 443) -> list[str]:
        """Return the arguments that make curl take this route, without a look-up of its own."""
        address = self.resolve(host)
        return ["--socks5", str(self._network.gateway), "--resolve", f"{host}:{port}:{address}"]

    def resolve(self, host: str) -> str:
        (address,) = look_up(self._network.resolver, host)
        return address


class Direct:
    """The route of a device that rewrites the addresses it dials (DNAT)."""

    name = "direct"

    def __init__(self, surroundings: Surroundings) -> None:
        assert surroundings.direct is not None
        assert surroundings.direct_clear is not None
        self._doors = {443: surroundings.direct, 80: surroundings.direct_clear}

    def open(self, host: str, port: int = 443, source: str = "") -> socket.socket:
        """Return a connection that is meant for ``host``."""
        return connect(self._doors[port], source)

    def curl(self, host: str, port: int = 443) -> list[str]:
        """Return the arguments that make curl take this route."""
        return ["--connect-to", f"{host}:{port}:{self._doors[port]}"]


Way = Proxy | Gateway


@dataclass(frozen=True)
class Curl:
    """curl that trusts ``root`` and nothing else."""

    root: Path

    def __call__(
        self, way: Way | Direct, url: str, *arguments: str, data: bytes = b""
    ) -> subprocess.CompletedProcess[bytes]:
        scheme, _, rest = url.partition("://")
        host, _, port = rest.partition("/")[0].partition(":")
        number = int(port) if port else {"https": 443, "http": 80}[scheme]
        return subprocess.run(
            [
                *("curl", "--silent", "--show-error", "--disable", "--max-time", str(CAP)),
                *("--cacert", str(self.root), "--capath", "/dev/null"),
                *way.curl(host.lower(), number),
                *arguments,
                url,
            ],
            env=ENVIRONMENT,
            input=data,
            capture_output=True,
            check=False,
        )


def s_client(
    proxy: Endpoint, host: str, *arguments: str, said: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    """Let openssl do a handshake, say something and end."""
    return subprocess.run(
        [
            *("openssl", "s_client", "-proxy", str(proxy), "-connect", f"{host}:443"),
            *("-servername", host, "-showcerts", *arguments),
        ],
        env=ENVIRONMENT,
        input=said,
        capture_output=True,
        timeout=CAP,
        check=False,
    )


def shown_chain(text: bytes) -> tuple[bytes, ...]:
    """Return the DER certificates that ``openssl s_client -showcerts`` shows, in order."""
    shown = text.decode().partition("Server certificate")[0]
    return tuple(ssl.PEM_cert_to_DER_cert(pem) for pem in _PEM.findall(shown))


def wget(proxy: Endpoint, root: Path, url: str) -> subprocess.CompletedProcess[bytes]:
    """Let GNU wget request ``url``. Where it is built on GnuTLS it verifies after the handshake."""
    return subprocess.run(
        [
            *("wget", "--no-config", "--tries=1", f"--timeout={CAP:g}", "--output-document=-"),
            *(f"--ca-certificate={root}", "--ca-directory=/dev/null", "--no-hsts", url),
        ],
        env={**ENVIRONMENT, "https_proxy": f"http://{proxy}"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=CAP,
        check=False,
    )


def wget_is_gnutls() -> bool:
    if shutil.which("wget") is None:
        return False
    return b"+ssl/gnutls" in subprocess.run(["wget", "--version"], capture_output=True).stdout


def connect(endpoint: Endpoint, source: str = "") -> socket.socket:
    made = socket.create_connection((endpoint.host, endpoint.port), CAP, (source, 0))
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return made


def connect_request(host: str, port: int = 443) -> bytes:
    return f"CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode()


def get_request(host: str, path: str = "/") -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: {host}\r\nX-Token: s3cret\r\n\r\n".encode()


def receive(plain: socket.socket, size: int) -> bytes:
    """Read exactly ``size`` bytes."""
    got = b""
    while len(got) < size:
        part = plain.recv(size - len(got))
        if not part:
            raise Refused(f"the connection ended after {got!r}")
        got += part
    return got


def read_head(plain: socket.socket) -> bytes:
    """Read the head of an HTTP/1.1 response."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += receive(plain, 1)
    return head


def ended(plain: socket.socket) -> bytes:
    """Read until the other side ends the connection, in whatever way; TimeoutError past CAP."""
    got = b""
    try:
        while part := plain.recv(65536):
            got += part
    except TimeoutError:
        raise
    except OSError:
        pass
    return got


def reset(plain: socket.socket) -> None:
    """Close with a TCP reset."""
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    plain.close()


def look_up(resolver: Endpoint, name: str, kind: str = "A") -> tuple[str, ...]:
    """Ask ``resolver`` for addresses. Raises TimeoutError where it is silent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as plain:
        plain.settimeout(CAP)
        plain.connect((resolver.host, resolver.port))
        plain.send(DNSRecord.question(name, kind).pack())
        reply = DNSRecord.parse(plain.recv(4096))
    return tuple(str(rr.rdata) for rr in reply.rr if rr.rtype == getattr(QTYPE, kind))


def context(
    root: Path | None = None, *alpn: str, version: TlsVersion | None = None
) -> ssl.SSLContext:
    """Return a client's context; without ``root`` it takes any certificate."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if root is None:
        made.check_hostname = False
        made.verify_mode = ssl.CERT_NONE
    else:
        made.load_verify_locations(root)
    if alpn:
        made.set_alpn_protocols(alpn)
    if version is not None:
        made.minimum_version = made.maximum_version = PYTHON_VERSIONS[version]
    return made


class Tls:
    """TLS by Python's ssl with the records in our own hands: nothing is sent unless asked for."""

    def __init__(
        self, plain: socket.socket, context: ssl.SSLContext, host: str | None = HOST
    ) -> None:
        self._plain = plain
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)
        self.sent = self.received = 0
        """Bytes on the wire."""

    def __enter__(self) -> Tls:
        return self

    def __exit__(self, *_: object) -> None:
        self._plain.close()

    def hello(self) -> bytes:
        """Return the record with the ClientHello."""
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            return self._outgoing.read()
        raise AssertionError("a client has to wait for the server")

    def send(self, data: bytes | None = None) -> None:
        """Send ``data``, or what TLS has ready."""
        ready = self._outgoing.read() if data is None else data
        self._plain.sendall(ready)
        self.sent += len(ready)

    def handshake(self, *, last_flight: bool = True) -> Tls:
        """Do the handshake; without ``last_flight`` keep what would finish it."""
        while True:
            try:
                self._tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                self.send()
                self._feed()
        if last_flight:
            self.send()
        return self

    def _feed(self) -> None:
        data = self._plain.recv(65536)
        self.received += len(data)
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()

    def write(self, *parts: bytes) -> Tls:
        """Make each part a record of its own and send them together."""
        for part in parts:
            self._tls.write(part)
        self.send()
        return self

    def read(self) -> bytes:
        """Return the next application bytes."""
        while True:
            try:
                return self._tls.read(65536)
            except ssl.SSLWantReadError:
                self._feed()

    def read_until(self, mark: bytes) -> bytes:
        """Return application bytes up to those that hold ``mark``."""
        got = b""
        while mark not in got:
            part = self.read()
            assert part, f"the connection ended after {got!r}"
            got += part
        return got

    def cipher(self) -> str:
        cipher = self._tls.cipher()
        assert cipher is not None
        return cipher[0]

    def leaf(self) -> bytes:
        """Return the DER of the server's leaf."""
        certificate = self._tls.getpeercert(binary_form=True)
        assert certificate is not None
        return certificate

    def close_notify(self) -> Tls:
        """Say goodbye as TLS asks."""
        with contextlib.suppress(ssl.SSLWantReadError):
            self._tls.unwrap()
        self.send()
        return self

    def drain(self) -> Tls:
        """Read until the other side ends the connection."""
        self.received += len(ended(self._plain))
        return self

    def reset(self) -> None:
        reset(self._plain)


_SUITES: dict[str, tuple[type[SHA256 | SHA384], type[AESGCM | ChaCha20Poly1305], int]] = {
    "TLS_AES_128_GCM_SHA256": (SHA256, AESGCM, 16),
    "TLS_AES_256_GCM_SHA384": (SHA384, AESGCM, 32),
    "TLS_CHACHA20_POLY1305_SHA256": (SHA256, ChaCha20Poly1305, 32),
}


def sealed_alert(keylog: str, code: int, suite: str) -> bytes:
    """Return the TLS 1.3 record of a fatal alert, as the first that a client sends under its
    application keys (RFC 8446 sections 5.2 and 7.3)."""
    digest, cipher, size = _SUITES[suite]
    (line,) = (w for w in keylog.splitlines() if w.startswith("CLIENT_TRAFFIC_SECRET_0"))
    secret = bytes.fromhex(line.split()[2])

    def derived(label: bytes, length: int) -> bytes:
        info = struct.pack("!H", length) + bytes([len(label) + 6]) + b"tls13 " + label + b"\0"
        return HKDFExpand(digest(), length, info).derive(secret)

    inner = bytes([2, code, 21])
    header = bytes([23, 3, 3]) + struct.pack("!H", len(inner) + 16)
    # The record's number is 0, so the nonce is the IV.
    return header + cipher(derived(b"key", size)).encrypt(derived(b"iv", 12), inner, header)


def frame(kind: int, payload: bytes = b"", flags: int = 0, stream: int = 0) -> bytes:
    """Return an HTTP/2 frame (RFC 9113 section 4.1)."""
    head = struct.pack("!I", len(payload))[1:] + bytes([kind, flags])
    return head + struct.pack("!I", stream) + payload


def size_of(frame: bytes) -> int:
    """Return the length of the payload of an HTTP/2 frame."""
    return int.from_bytes(frame[:3], "big")


def one_by_one(data: bytes) -> Iterable[bytes]:
    return (data[i : i + 1] for i in range(len(data)))
