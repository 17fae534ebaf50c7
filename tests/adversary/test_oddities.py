"""Clients that are odd, though not wrong; and records that are sensible all the same."""

from __future__ import annotations

import socket
import ssl
from contextlib import suppress
from typing import Any

import pytest

from lab.adversary import connections, watch
from lab.adversary.engine import Engine
from lab.adversary.track import Track
from lab.loop import LabLoop
from lab.model.serving import Arming, HostPlan, Plain, Terminate
from lab.model.wire import TlsVersion, WireClass
from tests.adversary import peers
from tests.adversary.peers import (
    HOST,
    Attached,
    Gateway,
    Proxy,
    Refused,
    Tls,
    Way,
)
from tests.patience import CAP


def flood(plain: socket.socket, data: bytes) -> None:
    """Send ``data`` again and again until the other side has enough."""
    for _ in range(1000):
        try:
            plain.sendall(data)
        except TimeoutError:
            raise
        except OSError:
            return
    raise AssertionError("there is no limit")


def test_finished_and_request_in_one_go(
    device: Attached, forgery: Terminate, way: Way, version: TlsVersion
) -> None:
    number = device.arm(forgery)
    with Tls(way.open(HOST), peers.context(version=version)) as client:
        client.handshake(last_flight=False).write(peers.get_request(HOST))
        client.read_until(b"adversary")
    record = device.record(number)
    assert record.wire_class is WireClass.INTERCEPTED
    assert record.client_bytes == len(peers.get_request(HOST))


def test_finished_and_goodbye_in_one_go(
    device: Attached, forgery: Terminate, way: Way, version: TlsVersion
) -> None:
    number = device.arm(forgery)
    with Tls(way.open(HOST), peers.context(version=version)) as client:
        client.handshake(last_flight=version is TlsVersion.TLS12).close_notify()
    assert device.record(number).wire_class is WireClass.ESTABLISHED_ZERO_APPDATA


@pytest.mark.parametrize("size", [1, 7, 100])
def test_a_client_hello_in_many_segments(
    device: Attached, forgery: Terminate, way: Way, size: int
) -> None:
    number = device.arm(forgery)
    with Tls(way.open(HOST), peers.context(None, "http/1.1")) as client:
        hello = client.hello()
        for start in range(0, len(hello), size):
            client.send(hello[start : start + size])
        client.handshake().write(peers.get_request(HOST)).read_until(b"adversary")
    record = device.record(number)
    assert (record.wire_class, record.sni) == (WireClass.INTERCEPTED, HOST)
    assert record.alpn_offered == ("http/1.1",)


def test_a_client_hello_in_many_records(device: Attached, forgery: Terminate, way: Way) -> None:
    """RFC 8446 section 5.1: a handshake message may be split over several records."""
    number = device.arm(forgery)
    with Tls(way.open(HOST), peers.context(version=TlsVersion.TLS13)) as client:
        message = client.hello()[5:]
        for start in range(0, len(message), 50):
            part = message[start : start + 50]
            client.send(b"\x16\x03\x01" + len(part).to_bytes(2, "big") + part)
        assert client.handshake().leaf() == forgery.chain[0]
    assert device.record(number).sni == HOST


def test_without_sni(device: Attached, forgery: Terminate, way: Way, version: TlsVersion) -> None:
    number = device.arm(forgery)
    with Tls(way.open(HOST), peers.context(version=version), None) as client:
        assert client.handshake().leaf() == forgery.chain[0]
    record = device.record(number)
    assert (record.host, record.sni) == (HOST, None)
    assert record.wire_class is WireClass.ESTABLISHED_ZERO_APPDATA


@pytest.mark.parametrize("name", ["API.Acme.TEST", "api.acme.test.", "API.ACME.TEST."])
def test_a_name_may_be_written_in_several_ways(
    device: Attached, forgery: Terminate, name: str
) -> None:
    number = device.arm(forgery)
    for way in (Proxy(device.surroundings), Gateway(device.surroundings.rogue)):
        plain = way.dial(name) if isinstance(way, Gateway) else way.open(name)
        with Tls(plain, peers.context(), name.removesuffix(".")) as client:
            assert client.handshake().leaf() == forgery.chain[0]
    assert [(r.host, r.sni) for r in device.records(number)] == [(HOST, HOST)] * 2


def test_a_host_header_in_capitals(device: Attached, forgery: Terminate) -> None:
    number = device.engine.arm(
        device.id, Arming("clear", ((HOST, HostPlan(forgery, cleartext=Plain())),))
    )
    with peers.connect(device.surroundings.proxy) as plain:
        plain.sendall(f"GET / HTTP/1.1\r\nHost: {HOST.upper()}.:80\r\n\r\n".encode())
        assert b" 200 " in peers.ended(plain)
    assert device.record(number).host == HOST


@pytest.mark.parametrize(
    "line",
    [
        b"CONNECT [::ffff:198.51.100.1]:443 HTTP/1.1",
        b"CONNECT [2001:db8::1]:443 HTTP/1.1",
        b"CONNECT [::1 HTTP/1.1",
        b"CONNECT api.acme.test HTTP/1.1",
        b"CONNECT api.acme.test:99999 HTTP/1.1",
        b"CONNECT :443 HTTP/1.1",
        b"CONNECT b\xc3\xbccher.test:443 HTTP/1.1",
        b"CONNECT " + b"a" * 3000 + b":443 HTTP/1.1",
        b"CONNECT http://api.acme.test/ HTTP/1.1",
        b"GET http://[::1]/ HTTP/1.1",
        b"GET http://\xff\xfe/ HTTP/1.1",
        b"GET ftp://api.acme.test/ HTTP/1.1",
        b"GET / HTTP/1.1",
        b"GET",
        b"PRI * HTTP/2.0",
    ],
)
def test_odd_requests_to_a_proxy(
    device: Attached, forgery: Terminate, line: bytes, dials: list[object]
) -> None:
    number = device.arm(forgery)
    with peers.connect(device.surroundings.proxy) as plain:
        plain.sendall(line + b"\r\n\r\n")
        plain.shutdown(socket.SHUT_WR)
        assert peers.ended(plain)[9:12] in (b"", b"400", b"403", b"502")
    record = device.record(number)
    assert record.wire_class in (WireClass.TCP_ONLY, WireClass.CLEARTEXT)
    assert record.host is None or len(record.host) < 300
    assert repr(record).isascii()
    assert dials == []


@pytest.mark.parametrize(
    "request_text",
    [
        b"GET /\xff\xfe\x01 HTTP/1.1\r\nX-\xc3\xbc: 1\r\nHost: api.acme.test\r\n\r\n",
        b"GET /" + b"a" * 5000 + b" HTTP/1.1\r\nHost: api.acme.test\r\n\r\n",
        b"GET http://user:s3cret@api.acme.test/?s3cret HTTP/1.1\r\nHost: a\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: api.acme.test\r\n\r\n",
        b"CONNECT bank.example:443 HTTP/1.1\r\nHost: bank.example\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GARBAGE\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 0\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
    ],
)
def test_odd_requests_inside_tls(
    device: Attached, forgery: Terminate, request_text: bytes, dials: list[object]
) -> None:
    number = device.arm(forgery)
    with Tls(Proxy(device.surroundings).open(HOST), peers.context()) as client:
        client.handshake().write(request_text)
        assert b"HTTP/1.1 " in client.read()
    record = device.record(number)
    assert record.wire_class is WireClass.INTERCEPTED
    assert record.client_bytes == len(request_text)
    assert repr(record).isascii()
    assert "s3cret" not in repr(record)
    assert record.request is None or len(record.request) <= 400
    assert dials == []


@pytest.mark.parametrize(
    "opening",
    [
        b"\x16\x03\x01\x00\x00",
        b"\x16\x03\x01\x00\x04\x01\x00\x00\x00",
        b"\x16\x03\x01\x00\x05\x02\x00\x00\x01\x00",
        b"\x16\x03\x01\x00\x08\x01\x00\x00\x04\x03\x03\x00\x00",
        b"\x16\x03\x03\x00\x02\x01\x00\x15\x03\x03\x00\x02\x01\x00",
        b"\x17\x03\x03\x00\x05hello",
        b"\x14\x03\x03\x00\x01\x01",
    ],
)
def test_records_that_hold_no_client_hello(
    device: Attached, forgery: Terminate, way: Way, opening: bytes, dials: list[object]
) -> None:
    number = device.arm(forgery)
    with way.open(HOST) as plain:
        plain.sendall(opening)
        assert peers.ended(plain) == b""
    record = device.record(number)
    assert (record.wire_class, record.host) == (WireClass.TCP_ONLY, HOST)
    assert record.note == "malformed ClientHello"
    assert dials == []


@pytest.mark.parametrize("pieces", [False, True])
def test_a_client_hello_without_an_end(
    device: Attached,
    forgery: Terminate,
    way: Way,
    pieces: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if pieces:
        monkeypatch.setattr(watch, "MAX_PIECES", 20)
    number = device.arm(forgery)
    with way.open(HOST) as plain:
        record = b"\x16\x03\x01\x40\x00" + b"\x01\xff\xff\xff" + bytes(0x3FFC)
        if pieces:
            for n in range(40):
                try:
                    plain.sendall(record[n : n + 1])
                    # Each has to be read by itself.
                    device.engine.settle(device.id, number, 0)
                except OSError:
                    break
            else:
                raise AssertionError("there is no limit")
        else:
            flood(plain, record)
    ended = device.record(number)
    assert (ended.wire_class, ended.note) == (WireClass.TCP_ONLY, "said nothing sensible")


@pytest.mark.parametrize("times", [1, 1000, 100_000])
def test_bytes_in_clear_right_behind_the_connect_request(
    device: Attached, forgery: Terminate, times: int
) -> None:
    """They are all there before anything could be decided; they are a leak nevertheless."""
    number = device.arm(forgery)
    body = b"\0secret" * times
    with peers.connect(device.surroundings.proxy) as plain:
        with suppress(OSError):
            plain.sendall(peers.connect_request(HOST) + body)
            plain.shutdown(socket.SHUT_WR)
        peers.ended(plain)
    record = device.record(number)
    assert record.wire_class is WireClass.CLEARTEXT
    assert 0 < record.client_bytes <= len(body)
    if times == 1:
        assert record.client_bytes == len(body)


def test_a_request_without_an_end(
    device: Attached, forgery: Terminate, way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "MAX_TAKEN", 1 << 20)
    number = device.arm(forgery)
    settings = peers.context()
    with settings.wrap_socket(way.open(HOST), server_hostname=HOST) as client:
        head = f"POST / HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 9999999999\r\n\r\n"
        client.sendall(head.encode())
        flood(client, bytes(65536))
    record = device.record(number)
    assert (record.wire_class, record.note) == (WireClass.INTERCEPTED, "sent too much")
    assert record.client_bytes < 2 << 20


def test_a_head_without_an_end_in_clear(
    device: Attached, forgery: Terminate, way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "MAX_TAKEN", 1 << 20)
    number = device.arm(forgery)
    with way.open(HOST, 80) as plain:
        plain.sendall(b"GET / HTTP/1.1\r\nX: ")
        flood(plain, b"x" * 65536)
    record = device.record(number)
    assert (record.wire_class, record.note) == (WireClass.CLEARTEXT, "sent too much")


def test_strangers_make_room_first(
    engine: Engine, forgery: Terminate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever they have said: else they could lock the device out."""
    monkeypatch.setattr(connections, "MAX_CONNECTIONS", 2)
    device = Attached(engine, "phone", engine.attach("phone", source="127.0.0.5"))
    number = device.arm(forgery)
    way = Proxy(device.surroundings)
    plain = way.open(HOST, 80, source="127.0.0.6")
    with plain, Tls(way.open(HOST, source="127.0.0.5"), peers.context()) as first:
        plain.sendall(b"GET / HTTP/1.1\r\n")
        assert engine.wait_for(
            device.id, number, lambda r: r.wire_class is WireClass.CLEARTEXT, CAP
        )
        with Tls(way.open(HOST, source="127.0.0.5"), peers.context()) as second:
            assert peers.ended(plain) == b""
            for client in (first, second):
                client.handshake().write(peers.get_request(HOST)).read_until(b"adversary")


@pytest.mark.parametrize("opening", [b"", b"GET http://api.acme.te"])
def test_who_says_nothing_is_shown_the_door(
    device: Attached, forgery: Terminate, opening: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "OPENING_CAP", 0.1)
    number = device.arm(forgery)
    with peers.connect(device.surroundings.proxy) as plain:
        plain.sendall(opening)
        assert peers.ended(plain) == b""
    record = device.record(number)
    assert (record.wire_class, record.host) == (WireClass.TCP_ONLY, None)
    assert record.note == "said nothing for 0.1 seconds"


def test_who_has_said_something_may_take_his_time(
    loop: LabLoop,
    device: Attached,
    forgery: Terminate,
    way: Way,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What is done when his time is up is done here once he has spoken."""
    held: list[connections.Open] = []
    taken = connections.Open

    def take(*arguments: Any) -> connections.Open:
        held.append(taken(*arguments))
        return held[-1]

    monkeypatch.setattr(connections, "Open", take)
    device.arm(forgery)
    with Tls(way.open(HOST), peers.context()) as client:
        with pytest.raises(Refused):
            way.open("bank.example") if isinstance(way, Proxy) else way.dial("bank.example")
        loop.loop.call_soon_threadsafe(lambda: [*map(connections._end_silence, held)])
        client.handshake().write(peers.get_request(HOST)).read_until(b"adversary")


def test_the_oldest_that_counts_for_little_makes_room(
    device: Attached, forgery: Terminate, way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "MAX_CONNECTIONS", 3)
    number = device.arm(forgery)
    idle = [peers.connect(device.surroundings.proxy) for _ in range(2)]
    with Tls(way.open(HOST), peers.context()) as first:
        first.handshake()
        with Tls(way.open(HOST), peers.context()) as second:
            assert peers.ended(idle[0]) == b""
            second.handshake()
            with Tls(way.open(HOST), peers.context()) as third:
                assert peers.ended(idle[1]) == b""
                third.handshake()
                # Now all of them have something to say.
                with pytest.raises((Refused, OSError)):
                    way.open(HOST)
                device.arm(forgery)
                way.open(HOST).close()
                for client in (second, third):
                    client.write(peers.get_request(HOST)).read_until(b"adversary")
                with pytest.raises((ssl.SSLError, OSError)):
                    first.write(peers.get_request(HOST)).read()
    for plain in idle:
        plain.close()
    classes = [record.wire_class for record in device.records(number)]
    assert classes.count(WireClass.INTERCEPTED) == 2
    counters = device.engine.counters()
    assert (counters["made room"], counters["turned away"]) == (3, 1)


def test_a_track_is_told_of_by_its_sni() -> None:
    track = Track(1, "phone", 1, "127.0.0.1:1", False, 0.0, lambda: None)
    assert (track.target, track.told) == (None, False)
    track.sni = "Api.Acme.Test."
    assert (track.target, track.told) == (HOST, True)
