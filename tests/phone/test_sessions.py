"""TLS sessions that the app's HTTP client resumes, and those that it must not."""

from __future__ import annotations

import re
import ssl
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from OpenSSL import SSL

from lab.model.device import Endpoint
from lab.phone.http import HttpClient, LeafCheck
from lab.phone.sessions import MAX_SESSIONS, Sessions
from lab.phone.tls import TlsConnection
from lab.phone.verify import Judge
from lab.pki.certificates import Leaf
from lab.pki.credential import Credential
from lab.pki.hierarchy import LabPki
from tests.phone.clients import AGENT, URL, Refused
from tests.phone.conftest import HOST
from tests.phone.direct import DirectPhone
from tests.phone.peers import Server, TlsScript, server_context

Serve = Callable[..., Server]
FLAGS = {ssl.TLSVersion.TLSv1_2: "-tls1_2", ssl.TLSVersion.TLSv1_3: "-tls1_3"}
HOUR = 3600.0


def remembering(phone: DirectPhone, check: LeafCheck | None = None) -> HttpClient:
    return HttpClient(phone, user_agent=AGENT, check=check, sessions=Sessions())


@contextmanager
def openssl_server(credential: Credential, folder: Path, flag: str) -> Iterator[Endpoint]:
    """A server that nobody here wrote; its page says whether the session was resumed."""
    chain, key = credential.write(folder, "server")
    with subprocess.Popen(
        [
            *("openssl", "s_server", "-accept", "127.0.0.1:0", "-www", flag),
            *("-cert", str(chain), "-cert_chain", str(chain), "-key", str(key)),
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        try:
            assert process.stdout is not None
            said = ""
            while (found := re.search(r"ACCEPT 127\.0\.0\.1:(\d+)", said)) is None:
                line = process.stdout.readline().decode()
                assert line, said
                said += line
            yield Endpoint("127.0.0.1", int(found[1]))
        finally:
            process.kill()


def test_openssl_resumes_the_session(
    version: ssl.TLSVersion, pki: LabPki, phone: DirectPhone, tmp_path: Path
) -> None:
    chains: list[tuple[bytes, ...]] = []
    asking = remembering(phone, lambda host, port, chain: chains.append(chain))
    with openssl_server(pki.genuine(HOST), tmp_path, FLAGS[version]) as endpoint:
        phone.find({HOST: endpoint})
        pages = [asking.request(URL).body.decode() for _ in range(3)]
        alone = HttpClient(phone, user_agent=AGENT).request(URL).body.decode()
    assert [how(page) for page in (*pages, alone)] == ["New", "Reused", "Reused", "New"]
    # What a resumed session stands for is judged again, whole.
    assert len(chains) == 3
    assert len(set(chains)) == 1
    assert chains[0][0] == pki.genuine(HOST).chain_der[0]


def how(page: str) -> str:
    """Return what the page of openssl says of the session."""
    found = re.search(r"^(New|Reused), ", page, re.MULTILINE)
    assert found is not None, page
    return found[1]


def resumed(script: TlsScript, server: Server) -> list[bool]:
    server.wait()
    return [seen.resumed for seen in script.seen]


def tickets(pki: LabPki, version: ssl.TLSVersion, leaf: Credential | None = None) -> TlsScript:
    return TlsScript(server_context(leaf or pki.genuine(HOST), version=version))


def test_a_session_whose_check_failed_is_forgotten(
    version: ssl.TLSVersion, pki: LabPki, phone: DirectPhone, serve: Serve
) -> None:
    script = tickets(pki, version)
    server = serve(script)
    refusing = True

    def check(*_: object) -> None:
        if refusing:
            raise Refused

    asking = remembering(phone, check)
    for _ in range(2):
        with pytest.raises(Refused):
            asking.request(URL)
    refusing = False
    assert asking.request(URL).status == 200
    assert resumed(script, server) == [False, False, False]
    assert asking.request(URL).status == 200
    assert resumed(script, server) == [False, False, False, True]


def test_a_resumed_session_is_refused_once_its_pins_fail(
    version: ssl.TLSVersion, pki: LabPki, phone: DirectPhone, serve: Serve
) -> None:
    script = tickets(pki, version)
    server = serve(script)
    refusing = False

    def check(*_: object) -> None:
        if refusing:
            raise Refused

    asking = remembering(phone, check)
    assert asking.request(URL).status == 200
    refusing = True
    with pytest.raises(Refused):
        asking.request(URL)
    assert resumed(script, server) == [False, True]
    assert script.seen[1].application == b""


def test_a_session_is_not_offered_to_another_host(
    version: ssl.TLSVersion, pki: LabPki, phone: DirectPhone, serve: Serve
) -> None:
    other = "www.acme.test"
    script = tickets(pki, version, pki.intermediate.issue(Leaf((HOST, other))))
    server = serve(script, HOST, other)
    asking = remembering(phone)
    for host in (HOST, other, HOST, other):
        assert asking.request(f"https://{host}/").status == 200
    assert resumed(script, server) == [False, False, True, True]


@pytest.mark.parametrize("change", ["anchors", "expired", "set back"])
def test_what_the_platform_would_judge_otherwise_is_not_offered(
    change: str, version: ssl.TLSVersion, pki: LabPki, phone: DirectPhone, serve: Serve
) -> None:
    now = datetime.fromtimestamp(phone.now(), UTC)
    leaf = pki.intermediate.issue(
        Leaf((HOST,), not_before=now - timedelta(days=1), not_after=now + timedelta(hours=1))
    )
    script = tickets(pki, version, leaf)
    server = serve(script)
    asking = remembering(phone)
    assert asking.request(URL).status == 200
    if change == "anchors":
        phone.anchors += (pki.user_root.der,)
        assert asking.request(URL).status == 200
    elif change == "set back":
        phone.clock -= HOUR
        assert asking.request(URL).status == 200
    else:
        phone.clock += 2 * HOUR
        with pytest.raises(Exception, match="CertificateExpiredException"):
            asking.request(URL)
    # Whether the server learns of the refused one is the network's affair.
    least = 1 if change == "expired" else 2
    told = resumed(script, server)
    assert least <= len(told) <= 2
    assert not any(told)


NOW = datetime.now(UTC).timestamp()
GENUINE = LabPki().genuine(HOST)
END = GENUINE.certificate.not_valid_after_utc.timestamp()


@dataclass(frozen=True)
class Accepted:
    """A connection as far as sessions are concerned."""

    session: SSL.Session
    chain: tuple[bytes, ...]


Step = tuple[str, str, float]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["keep", "offer", "trust"]),
        st.sampled_from(["a", "b"]),
        st.sampled_from([-HOUR, 0.0, HOUR, 30 * 24 * HOUR]),
    ),
    max_size=30,
)


@given(steps=STEPS)
def test_a_session_is_offered_once_to_its_server_under_the_same_judgement(
    steps: list[Step],
) -> None:
    sessions, now = Sessions(), NOW
    anchors: tuple[bytes, ...] = (b"1",)
    model: dict[str, tuple[SSL.Session, tuple[bytes, ...], float]] = {}
    for step, host, later in steps:
        now += later
        judge = Judge(anchors, now)
        if step == "keep":
            made = Accepted(SSL.Session(), GENUINE.chain_der)
            sessions.keep(host, 443, judge, cast(TlsConnection, made))
            model[host] = made.session, anchors, now
        elif step == "offer":
            kept = model.pop(host, None)
            fits = kept and kept[1] == anchors and kept[2] <= now <= END
            expected = kept[0] if kept and fits else None
            assert sessions.offered_to(host, 443, judge).session is expected
            assert sessions.offered_to(host, 443, judge).session is None
        else:
            anchors = (b"1", b"2") if anchors == (b"1",) else (b"1",)


def test_the_oldest_sessions_go_first() -> None:
    sessions, judge = Sessions(), Judge((), NOW)
    for number in range(MAX_SESSIONS + 1):
        made = Accepted(SSL.Session(), GENUINE.chain_der)
        sessions.keep(f"host{number}", 443, judge, cast(TlsConnection, made))
    assert not sessions.knows("host0", 443)
    assert all(sessions.knows(f"host{n}", 443) for n in range(1, MAX_SESSIONS + 1))
