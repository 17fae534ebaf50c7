from __future__ import annotations

from itertools import pairwise

import h2.connection
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.adversary.classify import PREFACE, Course, FrameType, Http2Watch, Opening, opening
from lab.model.wire import LEAKED, WireClass
from tests.adversary.peers import frame

CONTROL = [2, 3, 4, 6, 7, 8, 16]
"""PRIORITY, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE, PRIORITY_UPDATE."""
REQUEST = [0, 1, 5, 9]
"""DATA, HEADERS, PUSH_PROMISE, CONTINUATION (RFC 9113 section 6)."""

control_frames = st.builds(
    frame, st.sampled_from(CONTROL), st.binary(max_size=40), st.integers(0, 255), st.integers(0, 9)
)
other_frames = st.builds(
    frame,
    st.integers(0, 255).filter(lambda kind: kind not in CONTROL),
    st.binary(max_size=40),
    st.integers(0, 255),
    st.integers(0, 9),
)


def watched(parts: list[bytes]) -> bool:
    watch = Http2Watch()
    for part in parts:
        watch.feed(part)
    return watch.request_seen


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(p % (len(data) + 1) for p in places), len(data)]
    return [data[a:b] for a, b in pairwise(edges)]


cuts = st.lists(st.integers(0, 10_000), max_size=20)


@given(st.lists(control_frames, max_size=6), cuts, st.integers(0, 60))
def test_preface_and_control_frames_are_no_request(
    frames: list[bytes], places: list[int], missing: int
) -> None:
    data = PREFACE + b"".join(frames)
    data = data[: max(0, len(data) - missing)]
    assert not watched(cut(data, places))


@given(st.lists(control_frames, max_size=6), other_frames, st.binary(max_size=30), cuts)
def test_any_other_frame_is_a_request(
    frames: list[bytes], other: bytes, behind: bytes, places: list[int]
) -> None:
    assert watched(cut(PREFACE + b"".join(frames) + other + behind, places))


@given(st.binary(max_size=120) | st.binary(max_size=60).map(PREFACE.__add__), cuts)
def test_the_answer_does_not_depend_on_the_cuts(data: bytes, places: list[int]) -> None:
    assert watched(cut(data, places)) is watched([data])
    assert watched([data[i : i + 1] for i in range(len(data))]) is watched([data])


@given(st.binary(min_size=1, max_size=40))
def test_what_is_no_preface_is_a_request(data: bytes) -> None:
    assert watched([data]) is not PREFACE.startswith(data[: len(PREFACE)]) or len(data) > len(
        PREFACE
    )


def test_a_real_clients_first_flight() -> None:
    client = h2.connection.H2Connection()
    client.initiate_connection()
    client.increment_flow_control_window(1 << 20)
    client.ping(b"12345678")
    first = client.data_to_send()
    assert not watched([first])
    names = {":method": "GET", ":scheme": "https", ":authority": "a.test", ":path": "/"}
    client.send_headers(1, list(names.items()), end_stream=True)
    assert watched([first, client.data_to_send()[:9]])


@pytest.mark.parametrize("kind", REQUEST)
def test_the_header_of_a_request_frame_is_enough(kind: int) -> None:
    assert watched([PREFACE, frame(kind, b"x" * 9)[:9]])
    assert not watched([PREFACE, frame(kind, b"x" * 9)[:8]])


def test_a_watch_keeps_nothing_of_what_it_has_skipped() -> None:
    watch = Http2Watch()
    watch.feed(PREFACE + frame(FrameType.PING, b"x" * 10_000)[:-1])
    assert len(watch._buffer) == 0


courses = st.builds(
    Course,
    hello=st.booleans(),
    relayed=st.booleans(),
    established=st.booleans(),
    client_bytes=st.integers(0, 2),
    clear=st.booleans(),
    http2=st.none() | st.builds(Http2Watch, st.booleans()),
)


@given(courses)
def test_a_class_is_what_the_course_says(course: Course) -> None:
    wire_class = course.wire_class
    assert wire_class is not WireClass.NO_ATTEMPT
    assert (wire_class is WireClass.CLEARTEXT) is course.clear
    if course.clear:
        return
    if wire_class in LEAKED:
        assert course.established
        assert course.client_bytes
        assert course.http2 is None or course.http2.request_seen
    if course.established:
        assert wire_class in {
            WireClass.ESTABLISHED_ZERO_APPDATA,
            WireClass.PREFACE_ONLY,
            WireClass.INTERCEPTED,
        }
        assert (wire_class is WireClass.ESTABLISHED_ZERO_APPDATA) is (course.client_bytes == 0)
    else:
        expected = WireClass.HANDSHAKE_REJECTED if course.hello else WireClass.TCP_ONLY
        assert wire_class is (WireClass.RELAYED if course.relayed else expected)


ORDER = [
    WireClass.TCP_ONLY,
    WireClass.HANDSHAKE_REJECTED,
    WireClass.ESTABLISHED_ZERO_APPDATA,
    WireClass.PREFACE_ONLY,
    WireClass.INTERCEPTED,
]


@given(st.booleans(), st.lists(st.binary(min_size=1, max_size=40), max_size=6))
def test_a_class_only_ever_gets_worse(http2: bool, parts: list[bytes]) -> None:
    course = Course()
    seen = [course.wire_class]
    course.hello = True
    seen.append(course.wire_class)
    course.established = True
    course.http2 = Http2Watch() if http2 else None
    seen.append(course.wire_class)
    for part in parts:
        course.plaintext(part)
        seen.append(course.wire_class)
    assert [ORDER.index(c) for c in seen] == sorted(ORDER.index(c) for c in seen)
    assert course.client_bytes == sum(map(len, parts))


@given(st.binary(max_size=8))
def test_an_opening_is_one_of_three(data: bytes) -> None:
    kind = opening(data)
    if data and data[0] in (20, 21, 22, 23):
        assert (kind is Opening.TLS) is (len(data) == 1 or data[1] == 3)
    else:
        start = data.lstrip(b"\r\n")[:1]
        assert (kind is Opening.HTTP) is (not start or start.isalpha())


@given(st.binary(max_size=3), st.binary(max_size=3))
def test_tls_is_told_from_two_bytes(start: bytes, more: bytes) -> None:
    if len(start) >= 2:
        assert (opening(start) is Opening.TLS) is (opening(start + more) is Opening.TLS)
