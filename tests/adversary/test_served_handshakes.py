"""Every anomaly that can be served is on the wire as it is described, and in the record."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from lab.adversary.engine import Engine
from lab.adversary.oddities import SERVERS
from lab.loop import LabLoop
from lab.model.anomaly import Anomaly
from lab.model.serving import Terminate
from lab.model.wire import ConnectionRecord, TlsVersion, WireClass
from lab.pki.credential import Credential
from lab.pki.hierarchy import LabPki
from lab.pki.kept_keys import kept_key
from lab.pki.keys import KeyType
from tests.adversary import served
from tests.adversary.peers import (
    HOST,
    Attached,
    Curl,
    Proxy,
    Tls,
    context,
    ended,
    shown_chain,
)
from tests.adversary.served import RSA_ONLY, Talk, chosen, records, talk

TLS12, TLS13 = TlsVersion.TLS12, TlsVersion.TLS13


@pytest.fixture(scope="session")
def genuine(pki: LabPki) -> Credential:
    return pki.genuine(HOST)


@pytest.fixture(scope="session")
def with_rsa(pki: LabPki) -> Credential:
    return pki.intermediate.issue(HOST, key=kept_key(KeyType.RSA2048))


@pytest.fixture(scope="module")
def phone() -> Iterator[Attached]:
    """One engine for all: arming is what is meant to be cheap."""
    with LabLoop() as loop, Engine(loop, lambda _: None, (HOST,)) as engine:
        yield Attached(engine, "phone", engine.attach("phone"))


@pytest.fixture
def arm(phone: Attached, genuine: Credential, with_rsa: Credential) -> Armed:
    return Armed(phone, genuine, with_rsa)


class Armed:
    """The adversary, ready to serve one anomaly after the other to one connection each."""

    def __init__(self, device: Attached, genuine: Credential, with_rsa: Credential) -> None:
        self.device = device
        self.proxy = device.surroundings.proxy
        self._credentials = genuine, with_rsa
        self._number = 0
        self.hello = b""
        """The record of the ClientHello that ``raw`` sent."""

    def __call__(self, anomaly: Anomaly, *protocols: str) -> None:
        credential = self._credentials[anomaly in RSA_ONLY]
        serving = Terminate(credential.chain_der, credential.key_der, anomaly=anomaly)
        if protocols:
            serving = replace(serving, protocols=() if protocols == ("none",) else protocols)
        self._number = self.device.arm(serving)

    def record(self) -> ConnectionRecord:
        return self.device.record(self._number)

    def talk(self, anomaly: Anomaly, *arguments: str) -> Talk:
        """Let openssl connect, which must refuse, and see that the record says what was served."""
        self(anomaly)
        said = talk(self.proxy, *arguments)
        record = self.record()
        assert record.anomaly is anomaly, (record, said.text)
        assert record.client_bytes == 0
        assert record.wire_class is WireClass.HANDSHAKE_REJECTED
        return said

    def raw(self, anomaly: Anomaly) -> list[tuple[int, bytes]]:
        """Send a ClientHello of TLS 1.2 and no more; return the records that come back."""
        self(anomaly)
        plain = Proxy(self.device.surroundings).open(HOST)
        with Tls(plain, context(version=TLS12)) as tls:
            self.hello = tls.hello()
            tls.send(self.hello)
            answer = plain.recv(65536)
            while not _is_whole(answer):
                part = plain.recv(65536)
                if not part:
                    break
                answer += part
        assert self.record().anomaly is anomaly
        return records(answer)


def _is_whole(answer: bytes) -> bool:
    """Tell whether the server's first flight is there, whose end is ServerHelloDone."""
    said = b"".join(content for kind, content in records(answer) if kind == served.HANDSHAKE)
    return said.endswith(b"\x0e\0\0\0")


def by_client(record: ConnectionRecord) -> int | None:
    """Return the code of the client's alert."""
    return record.alert.code if record.alert and record.alert.sent_by_client else None


# -- versions, suites, groups -------------------------------------------------------------


@pytest.mark.parametrize(
    ("anomaly", "version"),
    [
        (Anomaly.SSL3, b"\x03\x00"),
        (Anomaly.TLS10, b"\x03\x01"),
        (Anomaly.TLS11, b"\x03\x02"),
    ],
)
def test_old_versions(arm: Armed, anomaly: Anomaly, version: bytes) -> None:
    said = arm.talk(anomaly)
    hello = chosen(said.one(served.SERVER_HELLO))
    assert hello.version == version
    assert 43 not in hello.extensions, "supported_versions is of TLS 1.3"
    assert by_client(arm.record()) is not None


@pytest.mark.parametrize(
    ("anomaly", "argument", "name"),
    [(Anomaly.TLS10, "-tls1", "TLSv1"), (Anomaly.TLS11, "-tls1_1", "TLSv1.1")],
)
def test_who_speaks_an_old_version_gets_through(
    arm: Armed, anomaly: Anomaly, argument: str, name: str
) -> None:
    arm(anomaly)
    assert "Cipher is ECDHE-ECDSA-AES" in talk(arm.proxy, argument, *served.LAX).text
    assert arm.record().tls_version == name
    assert arm.record().wire_class is WireClass.ESTABLISHED_ZERO_APPDATA


@pytest.mark.parametrize(
    ("anomaly", "suite"),
    [
        (Anomaly.NULL_SUITE, 0xC006),
        (Anomaly.RC4_SUITE, 0xC007),
        (Anomaly.TRIPLE_DES_SUITE, 0xC008),
        (Anomaly.ANONYMOUS, 0xC018),
    ],
)
def test_weak_suites(arm: Armed, anomaly: Anomaly, suite: int) -> None:
    said = arm.talk(anomaly)
    hello = chosen(said.one(served.SERVER_HELLO))
    assert hello.version == b"\x03\x03"
    assert hello.suite == suite
    assert by_client(arm.record()) is not None


@pytest.mark.parametrize(
    ("anomaly", "kinds"),
    [
        (Anomaly.NULL_SUITE, [2, served.CERTIFICATE, 12, 14]),
        (Anomaly.ANONYMOUS, [2, 12, 14]),
    ],
)
def test_whether_a_certificate_is_shown(arm: Armed, anomaly: Anomaly, kinds: list[int]) -> None:
    said = [content for kind, content in arm.raw(anomaly) if kind == served.HANDSHAKE]
    assert [message[0] for message in served.messages(b"".join(said))] == kinds


@pytest.mark.parametrize(
    ("anomaly", "name"),
    [(Anomaly.NULL_SUITE, "ECDHE-ECDSA-NULL-SHA"), (Anomaly.ANONYMOUS, "AECDH-AES128-SHA")],
)
def test_who_takes_a_weak_suite_gets_through(arm: Armed, anomaly: Anomaly, name: str) -> None:
    arm(anomaly)
    said = talk(arm.proxy, "-tls1_2", *served.LAX)
    assert f"Cipher is {name}" in said.text
    record = arm.record()
    assert record.wire_class is WireClass.ESTABLISHED_ZERO_APPDATA
    assert bool(record.served_chain) is (anomaly is not Anomaly.ANONYMOUS)


@pytest.mark.parametrize("version", [TLS12, TLS13])
def test_a_suite_that_was_not_offered(arm: Armed, version: TlsVersion) -> None:
    said = arm.talk(Anomaly.UNOFFERED_SUITE, served.VERSION[version])
    suite = chosen(said.one(served.SERVER_HELLO)).suite
    assert suite in (0x1304, 0xC0AC)
    assert suite not in served.offered_suites(said.hello())
    assert by_client(arm.record()) == 47


def test_where_every_suite_is_offered_none_is_odd(arm: Armed) -> None:
    """The record must not say of an anomaly that it was there where it was not."""
    arm(Anomaly.UNOFFERED_SUITE)
    talk(arm.proxy, "-tls1_2", *served.LAX)
    assert arm.record().anomaly is None


def test_a_weak_curve(arm: Armed) -> None:
    said = arm.talk(Anomaly.WEAK_CURVE)
    assert said.one(served.SERVER_KEY_EXCHANGE)[:3] == b"\x03\x00\x13", "named_curve, secp192r1"


@pytest.mark.parametrize(("anomaly", "size"), [(Anomaly.DH512, 512), (Anomaly.DH1024, 1024)])
def test_short_groups(arm: Armed, anomaly: Anomaly, size: int) -> None:
    said = arm.talk(anomaly)
    assert chosen(said.one(served.SERVER_HELLO)).suite == 0x9E
    exchange = said.one(served.SERVER_KEY_EXCHANGE)
    length = int.from_bytes(exchange[:2], "big")
    prime = int.from_bytes(exchange[2 : 2 + length], "big")
    assert prime.bit_length() == size
    assert pow(2, prime - 1, prime) == 1
    assert "dh key too small" in said.text


def test_an_export_key(arm: Armed, with_rsa: Credential) -> None:
    flight = arm.raw(Anomaly.EXPORT_KEY)
    said = served.messages(b"".join(c for kind, c in flight if kind == served.HANDSHAKE))
    assert [message[0] for message in said] == [2, 11, 12, 14]
    hello = chosen(said[0][4:])
    assert hello.suite == 0x9C, "RSA key exchange, no export suite"
    exchange = said[2][4:]
    assert exchange[:2] == b"\0\x40", "512 bits"
    parameters, signature = exchange[:71], exchange[75:]
    key = with_rsa.key.public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    randoms = arm.hello[11:43] + hello.random
    key.verify(signature, randoms + parameters, padding.PKCS1v15(), hashes.SHA256())
    assert "unexpected message" in arm.talk(Anomaly.EXPORT_KEY).text
    assert by_client(arm.record()) == 10


# -- downgrades ---------------------------------------------------------------------------


def test_the_mark_of_a_downgrade(arm: Armed) -> None:
    said = arm.talk(Anomaly.SENTINEL)
    hello = chosen(said.one(served.SERVER_HELLO))
    assert hello.version == b"\x03\x03"
    assert 43 not in hello.extensions
    assert hello.random.endswith(b"DOWNGRD\x01")
    assert by_client(arm.record()) == 47


def test_the_mark_says_nothing_to_who_offers_no_tls13(arm: Armed) -> None:
    arm(Anomaly.SENTINEL)
    assert "Cipher is ECDHE" in talk(arm.proxy, "-tls1_2").text
    assert arm.record().anomaly is None


@pytest.mark.parametrize("anomaly", [Anomaly.ALERTS_MODERN, Anomaly.DROPS_MODERN])
@pytest.mark.parametrize("arguments", [(), ("-tls1_2",)])
def test_modern_hellos_fail(arm: Armed, anomaly: Anomaly, arguments: tuple[str, ...]) -> None:
    said = arm.talk(anomaly, *arguments)
    assert said.received == ()
    alerts = (b"\x02\x28",) if anomaly is Anomaly.ALERTS_MODERN else ()
    assert said.alerts == alerts
    assert by_client(arm.record()) is None


@pytest.mark.parametrize("anomaly", [Anomaly.ALERTS_MODERN, Anomaly.DROPS_MODERN])
def test_older_hellos_do_not(arm: Armed, anomaly: Anomaly) -> None:
    arm(anomaly)
    talk(arm.proxy, "-tls1_1", *served.LAX)
    record = arm.record()
    assert (record.wire_class, record.tls_version) == (
        WireClass.ESTABLISHED_ZERO_APPDATA,
        "TLSv1.1",
    )
    assert record.anomaly is None


# -- possession ---------------------------------------------------------------------------


def _verifies(said: Talk, version: TlsVersion, leaf: Credential, *, flipped: bool) -> bool:
    """Tell whether the signature of a handshake is the leaf's, with or without its last bit
    flipped."""
    if version is TLS13:
        body = said.one(served.CERTIFICATE_VERIFY)
        transcript = hashlib.sha256(said.transcript(served.CERTIFICATE_VERIFY)).digest()
        signed = b" " * 64 + b"TLS 1.3, server CertificateVerify\0" + transcript
        assert body[:2] == b"\x04\x03", "ecdsa_secp256r1_sha256"
        digest: hashes.HashAlgorithm = hashes.SHA256()
        signature = bytearray(body[4:])
    else:
        exchange = said.one(served.SERVER_KEY_EXCHANGE)
        end = 4 + exchange[3]
        randoms = said.hello()[2:34] + chosen(said.one(served.SERVER_HELLO)).random
        signed = randoms + exchange[:end]
        digest = {4: hashes.SHA256(), 5: hashes.SHA384(), 6: hashes.SHA512()}[exchange[end]]
        signature = bytearray(exchange[end + 4 :])
    signature[-1] ^= flipped
    key = leaf.key.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    try:
        key.verify(bytes(signature), signed, ec.ECDSA(digest))
    except InvalidSignature:
        return False
    return True


# Of the two suites, the one whose hash is SHA-256.
_ONE_SUITE = ("-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256")


@pytest.mark.parametrize("version", [TLS12, TLS13])
@pytest.mark.parametrize(
    ("anomaly", "flipped"), [(Anomaly.OTHER_KEY, False), (Anomaly.BAD_SIGNATURE, True)]
)
def test_signatures(
    arm: Armed, genuine: Credential, version: TlsVersion, anomaly: Anomaly, flipped: bool
) -> None:
    said = arm.talk(anomaly, served.VERSION[version], *_ONE_SUITE)
    assert arm.record().served_chain == genuine.digests
    assert said.one(served.CERTIFICATE).count(genuine.chain_der[0]) == 1
    assert not _verifies(said, version, genuine, flipped=False)
    assert _verifies(said, version, genuine, flipped=True) is flipped
    assert by_client(arm.record()) == 51
    assert "bad signature" in said.text


def test_certificate_verify_left_out(arm: Armed) -> None:
    said = arm.talk(Anomaly.NO_SIGNATURE, "-tls1_3")
    assert said.kinds == [served.SERVER_HELLO, served.ENCRYPTED_EXTENSIONS, served.CERTIFICATE]
    assert "unexpected message" in said.text, "what openssl was not willing to show"
    assert by_client(arm.record()) == 10


@pytest.mark.parametrize("version", [TLS12, TLS13])
def test_finished(arm: Armed, genuine: Credential, version: TlsVersion) -> None:
    arm(Anomaly.BAD_FINISHED)
    said = talk(arm.proxy, served.VERSION[version], *_ONE_SUITE)
    assert _verifies(said, version, genuine, flipped=False), "nothing else is wrong"
    assert "digest check failed" in said.text
    record = arm.record()
    assert record.anomaly is Anomaly.BAD_FINISHED
    assert record.wire_class is not WireClass.INTERCEPTED
    assert by_client(record) == 51


# -- messages out of place ----------------------------------------------------------------


def test_early_change_cipher_spec(arm: Armed) -> None:
    kinds = [kind for kind, _ in arm.raw(Anomaly.EARLY_CCS)]
    assert kinds[-2:] == [served.CHANGE_CIPHER_SPEC, served.HANDSHAKE]


def test_heartbeat(arm: Armed) -> None:
    beats = [content for kind, content in arm.raw(Anomaly.HEARTBEAT) if kind == served.HEARTBEAT]
    assert beats == [b"\x01\x40\x00"]
    assert arm.record().misstep is None


def test_a_heartbeat_that_is_answered(arm: Armed) -> None:
    arm(Anomaly.HEARTBEAT)
    plain = Proxy(arm.device.surroundings).open(HOST)
    with Tls(plain, context(version=TLS12)) as tls:
        tls.send(tls.hello())
        plain.recv(1)
        tls.send(b"\x18\x03\x03\x00\x1d" + b"\x02\x00\x0a" + b"secret9876" + bytes(16))
        plain.recv(65536)
    assert arm.record().misstep == "answered the heartbeat request with 10 bytes of its memory"


def test_compression(arm: Armed) -> None:
    said = arm.talk(Anomaly.COMPRESSION)
    assert chosen(said.one(served.SERVER_HELLO)).compression == 1


@pytest.mark.parametrize("version", [TLS12, TLS13])
def test_a_protocol_that_was_not_offered(arm: Armed, version: TlsVersion) -> None:
    arm(Anomaly.UNOFFERED_PROTOCOL, "none")
    said = talk(arm.proxy, "-alpn", "h2,http/1.1", served.VERSION[version])
    if version is TLS13:
        found = dict(served.extensions(said.one(served.ENCRYPTED_EXTENSIONS)[2:]))
    else:
        found = chosen(said.one(served.SERVER_HELLO)).extensions
    assert found[16] == b"\0\x06\x05lab/1"
    assert arm.record().anomaly is Anomaly.UNOFFERED_PROTOCOL


def test_a_name_warning(arm: Armed) -> None:
    alerts = [content for kind, content in arm.raw(Anomaly.NAME_WARNING) if kind == served.ALERT]
    assert alerts == [b"\x01\x70"], "a warning, unrecognized_name"


@pytest.mark.parametrize("version", [TLS12, TLS13])
def test_a_client_certificate_is_asked_for(arm: Armed, version: TlsVersion) -> None:
    arm(Anomaly.ASKS_CERTIFICATE)
    said = talk(arm.proxy, served.VERSION[version])
    assert said.kinds.count(served.CERTIFICATE_REQUEST) == 1
    assert arm.record().wire_class is WireClass.ESTABLISHED_ZERO_APPDATA


# -- transport ----------------------------------------------------------------------------


def test_records_of_one_byte(arm: Armed) -> None:
    sizes = {len(content) for kind, content in arm.raw(Anomaly.ONE_BYTE_RECORDS)}
    assert sizes == {1}


def test_cut_off(arm: Armed) -> None:
    arm(Anomaly.CUT_OFF)
    plain = Proxy(arm.device.surroundings).open(HOST)
    with Tls(plain, context(version=TLS12)) as tls:
        tls.send(tls.hello())
        content = ended(plain)
    assert len(content) > 100
    assert not _is_whole(content)
    assert arm.record().anomaly is Anomaly.CUT_OFF
    assert arm.record().wire_class is WireClass.HANDSHAKE_REJECTED


@pytest.mark.parametrize(
    "anomaly", [Anomaly.SMALL_PIECES, Anomaly.ONE_BYTE_RECORDS, Anomaly.READS_HELLO]
)
@pytest.mark.parametrize("version", ["--http1.1", "--http2"])
def test_what_is_rough_but_right_is_answered(
    arm: Armed, curl: Curl, anomaly: Anomaly, version: str
) -> None:
    arm(anomaly)
    done = curl(Proxy(arm.device.surroundings), f"https://{HOST}/", version)
    assert done.returncode == 0, done.stderr
    assert done.stdout == b'{"status":"ok","served-by":"adversary"}'
    record = arm.record()
    assert record.anomaly is anomaly
    assert record.wire_class is WireClass.INTERCEPTED
    assert record.request is not None


def test_what_is_offered_is_read(arm: Armed) -> None:
    arm(Anomaly.READS_HELLO)
    talk(arm.proxy, "-tls1_2", *served.LAX)
    assert arm.record().misstep == "offers anonymous suites, suites without encryption"
    arm(Anomaly.READS_HELLO)
    talk(arm.proxy, "-tls1_2", "-cipher", "ECDHE+AESGCM")
    assert arm.record().misstep is None


def test_the_chain_is_the_one_that_was_asked_for(arm: Armed, genuine: Credential) -> None:
    arm(Anomaly.READS_HELLO)
    said = talk(arm.proxy)
    assert shown_chain(said.chain_text + b"\n") == genuine.chain_der
    assert arm.record().served_chain == genuine.digests


def test_every_anomaly_has_a_server() -> None:
    assert set(SERVERS) == set(Anomaly)
