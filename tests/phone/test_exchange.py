from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hpack import Decoder, Encoder
from hyperframe.frame import (
    DataFrame,
    Frame,
    GoAwayFrame,
    HeadersFrame,
    PingFrame,
    PushPromiseFrame,
    RstStreamFrame,
    SettingsFrame,
    WindowUpdateFrame,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.phone.exchange import MAX_BODY, Request, exchange
from lab.phone.services import ConnectionLost, HttpProtocolError, HttpResponse, PlatformError
from lab.phone.url import parse_url

URL = parse_url("https://api.acme.test/path?q=1")


@dataclass
class Tape:
    """A channel whose other side says what is on the tape, whatever it is asked."""

    answer: bytes
    part: int = 64 * 1024
    sent: bytes = b""
    closed: int = 0
    at: int = field(default=0)

    def receive(self) -> bytes:
        assert not self.closed
        part = self.answer[self.at : self.at + self.part]
        self.at += len(part)
        return part

    def send(self, content: bytes) -> None:
        assert not self.closed
        self.sent += content

    def close(self) -> None:
        self.closed += 1


def get(answer: bytes, *, http2: bool = False, part: int = 64 * 1024) -> HttpResponse:
    tape = Tape(answer, part)
    try:
        return exchange(tape, Request("GET", URL), http2=http2)
    finally:
        assert tape.closed


def headers(*pairs: tuple[str, str], stream: int = 1, end: bool = False) -> Frame:
    frame = HeadersFrame(stream, data=Encoder().encode(pairs))
    frame.flags.add("END_HEADERS")
    if end:
        frame.flags.add("END_STREAM")
    return frame


def data(content: bytes, *, end: bool = False) -> Frame:
    frame = DataFrame(1, data=content)
    if end:
        frame.flags.add("END_STREAM")
    return frame


def frames(*parts: Frame) -> bytes:
    return b"".join(frame.serialize() for frame in (SettingsFrame(0), *parts))


STATUS = (":status", "200")


# HTTP/1.1.

CHUNKED = b"HTTP/1.1 200 \r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize("part", [1, 7, 65536])
@pytest.mark.parametrize(
    ("answer", "status", "body"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", 200, b"hi"),
        (
            b"HTTP/1.1 200 \r\nTransfer-Encoding: chunked\r\n\r\n1\r\nh\r\n1\r\ni\r\n0\r\n\r\n",
            200,
            b"hi",
        ),
        (b"HTTP/1.1 200 OK\r\n\r\nhi", 200, b"hi"),
        (b"HTTP/1.0 200 OK\r\n\r\nhi", 200, b"hi"),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 None\r\n\r\n", 204, b""),
        (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", 304, b""),
        (b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", 503, b""),
    ],
)
def test_answers(answer: bytes, status: int, body: bytes, part: int) -> None:
    response = get(answer, part=part)
    assert (response.status, response.body) == (status, body)
    assert response.http_version.startswith("HTTP/1.")


def test_headers_keep_their_order_and_what_they_say() -> None:
    head = b"HTTP/1.1 200 OK\r\nB: 1\r\na: caf\xc3\xa9 \xff\r\nB:  2 \r\nContent-Length: 0\r\n\r\n"
    response = get(head)
    assert response.headers == (
        ("b", "1"),
        ("a", "caf\N{LATIN SMALL LETTER E WITH ACUTE} \N{REPLACEMENT CHARACTER}"),
        ("b", "2"),
        ("content-length", "0"),
    )
    assert (response.header("B"), response.header("nothing")) == ("1", None)


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 99 Low\r\n\r\n",
        b"HTTP/9.9 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"x" * 5000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        CHUNKED + b"xyz\r\n",
        CHUNKED + b"5\r\nab",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000,
        b"\x00" * 200_000,
        b"<html>" * 50_000,
    ],
)
def test_malformed_answers(answer: bytes) -> None:
    with pytest.raises(HttpProtocolError) as raised:
        get(answer)
    message = str(raised.value)
    assert message.startswith("Unexpected ")
    assert len(message) < 300
    assert "\n" not in message


def test_no_answer_is_a_lost_connection() -> None:
    for http2 in (False, True):
        with pytest.raises(ConnectionLost, match=r"\Aunexpected end of stream on https"):
            get(b"", http2=http2)


def test_a_body_has_its_limit() -> None:
    head = b"HTTP/1.1 200 OK\r\n\r\n"
    assert len(get(head + bytes(MAX_BODY)).body) == MAX_BODY
    with pytest.raises(HttpProtocolError, match="longer than"):
        get(head + bytes(MAX_BODY + 1))


def test_the_whole_url_for_a_proxy() -> None:
    tape = Tape(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    request = Request("GET", parse_url("http://api.acme.test:8080/path?q=1"))
    exchange(tape, request, http2=False, absolute_form=True)
    assert tape.sent.startswith(
        b"GET http://api.acme.test:8080/path?q=1 HTTP/1.1\r\nhost: api.acme.test:8080\r\n"
    )


def test_a_request_leaves_in_one_piece() -> None:
    @dataclass
    class Counting(Tape):
        sends: int = 0

        def send(self, content: bytes) -> None:
            super().send(content)
            self.sends += bool(content)

    answers = {
        False: b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        True: frames(headers(STATUS, end=True)),
    }
    for http2, answer in answers.items():
        tape = Counting(answer)
        exchange(tape, Request("POST", URL, body=b"text"), http2=http2)
        assert tape.sends == 1


def test_an_early_answer_is_read_where_the_server_stops_listening() -> None:
    class Deaf(Tape):
        def send(self, content: bytes) -> None:
            super().send(content)
            raise ConnectionLost("Connection reset")

    tape = Deaf(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
    assert exchange(tape, Request("POST", URL, body=bytes(200_000)), http2=False).status == 413


# HTTP/2.


def test_what_is_sent_over_http2() -> None:
    tape = Tape(frames(headers(STATUS, end=True)))
    request = Request("POST", URL, (("X-Mine", "1"),), b"text")
    exchange(tape, request, http2=True)
    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    assert tape.sent.startswith(preface)
    assert _headers_sent(tape.sent[len(preface) :]) == [
        (":method", "POST"),
        (":authority", "api.acme.test"),
        (":scheme", "https"),
        (":path", "/path?q=1"),
        ("content-length", "4"),
        ("x-mine", "1"),
    ]


def _headers_sent(sent: bytes) -> list[tuple[str, str]]:
    while sent:
        frame, length = Frame.parse_frame_header(memoryview(sent[:9]))
        frame.parse_body(memoryview(sent[9 : 9 + length]))
        if isinstance(frame, HeadersFrame):
            return [(str(name), str(value)) for name, value in Decoder().decode(frame.data)]
        sent = sent[9 + length :]
    return []


@pytest.mark.parametrize("part", [1, 65536])
def test_answers_over_http2(part: int) -> None:
    answer = frames(
        headers((":status", "100")),
        headers((":status", "404"), ("x-a", "1")),
        data(b"not "),
        data(b"here"),
        headers(("x-trailer", "1"), end=True),
    )
    response = get(answer, http2=True, part=part)
    assert (response.status, response.reason, response.body) == (404, "", b"not here")
    assert response.headers == (("x-a", "1"),)
    assert response.http_version == "HTTP/2"


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        bytes(1000),
        frames(headers(("x-a", "1"), end=True)),
        frames(headers((":status", "abc"), end=True)),
        frames(headers((":status", "200"), (":status", "201"), end=True)),
        frames(headers(("x-a", "1"), STATUS, end=True)),
        frames(headers(STATUS, ("X-Upper", "1"), end=True)),
        frames(headers(STATUS, ("connection", "close"), end=True)),
        frames(headers(STATUS, ("content-length", "9")), data(b"short", end=True)),
        frames(headers(STATUS), data(b"and then nothing")),
        frames(data(b"early", end=True)),
        frames(RstStreamFrame(1, error_code=7)),
        frames(headers(STATUS), RstStreamFrame(1, error_code=2)),
        frames(GoAwayFrame(0, last_stream_id=0, error_code=11)),
        frames(GoAwayFrame(0, last_stream_id=1, error_code=1)),
        frames(WindowUpdateFrame(0, window_increment=2**31 - 1)) * 3,
        frames(headers(STATUS, stream=2)),
        frames(headers(STATUS, stream=3)),
        frames(PushPromiseFrame(1, promised_stream_id=2, data=Encoder().encode([STATUS]))),
        frames(HeadersFrame(1, data=b"\xff" * 50, flags=["END_HEADERS"])),
        frames(headers(STATUS, *((f"x-{number}", "v" * 1000) for number in range(100)))),
    ],
)
def test_malformed_answers_over_http2(answer: bytes) -> None:
    with pytest.raises(HttpProtocolError) as raised:
        get(answer, http2=True)
    assert len(str(raised.value)) < 300


def test_a_body_over_http2_has_its_limit() -> None:
    whole = [data(bytes(16384)) for _ in range(MAX_BODY // 16384)]
    answer = frames(headers(STATUS), *whole, data(b"", end=True))
    assert len(get(answer, http2=True).body) == MAX_BODY
    answer = frames(headers(STATUS), *whole, data(b"x", end=True))
    with pytest.raises(HttpProtocolError, match="longer than"):
        get(answer, http2=True)


def test_a_flood_of_pings_ends() -> None:
    with pytest.raises(HttpProtocolError):
        get(frames(*[PingFrame(0, opaque_data=b"12345678")] * 20_000), http2=True)


# Whatever is answered.

HTTP1 = st.lists(
    st.sampled_from(
        [
            b"HTTP/1.1 200 OK\r\n",
            b"HTTP/1.1 101 Switching\r\n",
            b"HTTP/1.1 100 \r\n",
            b"Content-Length: 5\r\n",
            b"Transfer-Encoding: chunked\r\n",
            b"Connection: close\r\n",
            b"Location: /\r\n",
            b"\r\n",
            b"5\r\nhello\r\n",
            b"0\r\n\r\n",
            b"hello",
            b"\n",
            b" ",
        ]
    )
    | st.binary(max_size=8),
    max_size=12,
).map(b"".join)

PAIRS = st.lists(
    st.tuples(
        st.sampled_from([":status", ":path", "x-a", "content-length", "", "te"])
        | st.text(max_size=3),
        st.sampled_from(["200", "100", "5", "", "abc"]) | st.text(max_size=3),
    ),
    max_size=4,
)


@st.composite
def odd_frames(draw: st.DrawFn) -> bytes:
    """Frames of every type with flags, streams and payloads that need not fit."""
    kind = draw(st.integers(0, 11))
    flags = draw(st.integers(0, 255))
    stream = draw(st.sampled_from([0, 1, 2, 3, 2**31 - 1]))
    payload = draw(st.binary(max_size=20) | PAIRS.map(Encoder().encode))
    length = draw(st.just(len(payload)) | st.integers(0, 2**24 - 1))
    head = length.to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big")
    return head + payload


HTTP2 = st.tuples(
    st.sampled_from([b"", frames(), frames(headers(STATUS)), frames(data(b"x"))]),
    st.lists(odd_frames(), max_size=6).map(b"".join),
).map(b"".join)


PARTS = st.sampled_from([1, 5, 65536])
BODIES = st.sampled_from([b"", b"x" * 70_000])


def outcome(tape: Tape, request: Request, *, http2: bool) -> HttpResponse | PlatformError:
    try:
        return exchange(tape, request, http2=http2)
    except PlatformError as error:
        return error
    finally:
        assert tape.closed


@given(answer=HTTP1, part=PARTS, method=st.sampled_from(["GET", "HEAD"]))
@settings(max_examples=200, deadline=None)
def test_nothing_but_platform_errors(answer: bytes, part: int, method: str) -> None:
    came = outcome(Tape(answer, part), Request(method, URL), http2=False)
    assert isinstance(came, HttpResponse) or len(str(came)) < 300


@given(answer=HTTP2, part=PARTS, body=BODIES)
@settings(max_examples=200, deadline=None)
def test_nothing_but_platform_errors_over_http2(answer: bytes, part: int, body: bytes) -> None:
    came = outcome(Tape(answer, part), Request("POST", URL, body=body), http2=True)
    assert isinstance(came, HttpResponse) or len(str(came)) < 300
