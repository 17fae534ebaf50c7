from __future__ import annotations

import asyncio
import json
import signal
import socket
import sqlite3
import ssl
import subprocess
import sys
import threading
import time
import uuid
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from lab.backend import COLLECTOR, Backend
from lab.backend.collector import PATH
from lab.backend.report_format import MAX_SIZE
from lab.backend.store import ReportStore
from lab.model.device import Endpoint
from lab.model.failure_report import FailureReport
from tests.backend.peers import Answered, Curl, client_context, secure
from tests.backend.samples import PINS, SERVED, body, fields
from tests.patience import CAP

HTTP = pytest.mark.parametrize("flag", ["--http1.1", "--http2"])


def post(backend: Backend, curl: Curl, data: bytes, *flags: str, path: str = PATH) -> Answered:
    return curl(backend.addresses()[COLLECTOR], COLLECTOR, *flags, path=path, data=data)


@HTTP
def test_takes_a_report(backend: Backend, curl: Curl, flag: str) -> None:
    sent = fields()
    before = time.time()
    answered = post(backend, curl, json.dumps(sent).encode(), flag)
    assert (answered.status, answered.json) == (201, {"report-id": sent["report-id"]})
    (report,) = backend.collector.reports()
    assert report.id == sent["report-id"]
    assert (report.host, report.port, report.error) == ("api.acme.test", 443, "PinsMismatch")
    assert (report.served_chain, report.known_pins) == (SERVED.digests, tuple(PINS))
    assert report.device == "phone-1"
    assert before <= report.received_at <= time.time()


def test_a_repeated_report_is_taken_once(backend: Backend, curl: Curl) -> None:
    sent = body()
    assert [post(backend, curl, sent).status for _ in range(3)] == [201, 200, 200]
    assert backend.collector.count() == 1


def test_reports_since_a_moment(backend: Backend, curl: Curl) -> None:
    post(backend, curl, body(device="early"))
    moment = time.time()
    post(backend, curl, body(device="late"))
    assert [report.device for report in backend.collector.reports(since=moment)] == ["late"]


@HTTP
@pytest.mark.parametrize(
    ("sent", "status", "field"),
    [
        (b"not JSON", 400, "body"),
        (b"[]", 400, "body"),
        (body(port=None), 422, "port"),
        (body(known_pins=["md5=AAAA"]), 422, "known-pins"),
        (body(served_certificate_chain=["no PEM"]), 422, "served-certificate-chain"),
    ],
)
def test_says_what_is_wrong_with_a_report(
    backend: Backend, curl: Curl, flag: str, sent: bytes, status: int, field: str
) -> None:
    answered = post(backend, curl, sent, flag)
    assert answered.status == status
    assert answered.json["field"] == field
    assert answered.json["why"] in answered.json["error"]
    assert backend.collector.count() == 0


def test_an_empty_body_is_no_report(backend: Backend, curl: Curl) -> None:
    endpoint = backend.addresses()[COLLECTOR]
    assert curl(endpoint, COLLECTOR, "--request", "POST", path=PATH).status == 400


@HTTP
def test_a_report_has_a_largest_size(backend: Backend, curl: Curl, flag: str) -> None:
    right = body()
    assert post(backend, curl, right.ljust(MAX_SIZE), flag).status == 201
    assert post(backend, curl, right.ljust(MAX_SIZE + 1), flag).status == 413


def test_only_post_is_taken(backend: Backend, curl: Curl) -> None:
    answered = post(backend, curl, b"", "--include")
    assert answered.status == 405
    assert b"\r\nallow: POST\r\n" in answered.body
    assert post(backend, curl, body(), "--request", "PUT").status == 405
    assert backend.collector.count() == 0


@pytest.mark.parametrize("path", ["/", "/v1/reports/", "/v1/reports/7", "/v2/reports"])
def test_only_one_path_is_there(backend: Backend, curl: Curl, path: str) -> None:
    assert post(backend, curl, body(), path=path).status == 404
    assert backend.collector.count() == 0


def test_a_query_changes_nothing(backend: Backend, curl: Curl) -> None:
    assert post(backend, curl, body(), path=PATH + "?app=7").status == 201


def test_attempts_are_counted_too(backend: Backend, curl: Curl) -> None:
    post(backend, curl, b"malformed")
    assert [(hit.method, hit.path) for hit in backend.collector.hits()] == [("POST", PATH)]


def test_wait_for_sees_a_report_arrive(backend: Backend, curl: Curl) -> None:
    found: list[FailureReport | None] = []
    looked = threading.Event()

    def right(report: FailureReport) -> bool:
        looked.set()
        return report.device == "right"

    post(backend, curl, body(device="wrong"))
    waiter = threading.Thread(target=lambda: found.append(backend.collector.wait_for(right, CAP)))
    waiter.start()
    assert looked.wait(CAP)
    post(backend, curl, body(device="right"))
    waiter.join(CAP / 2)
    assert [report and report.device for report in found] == ["right"]


def test_wait_for_gives_up(backend: Backend) -> None:
    assert backend.collector.wait_for(lambda _: True, 0.05) is None


def test_a_disk_that_fails_is_admitted(
    backend: Backend, curl: Curl, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_store: ReportStore, _report: FailureReport) -> Future[bool]:
        failed: Future[bool] = Future()
        failed.set_exception(sqlite3.OperationalError("disk full"))
        return failed

    monkeypatch.setattr(ReportStore, "add", fail)
    answered = post(backend, curl, body())
    assert answered.status == 503
    assert "disk full" in answered.json["error"]


def test_the_loop_goes_on_while_the_disk_is_busy(backend: Backend, curl: Curl, root: Path) -> None:
    """Neither the other requests nor the other services wait for SQLite."""
    busy, proceed = threading.Event(), threading.Event()
    store = backend.collector._store

    def block() -> None:
        busy.set()
        proceed.wait(CAP)

    store._thread.submit(block)
    assert busy.wait(CAP)
    with secure(backend.addresses()[COLLECTOR], COLLECTOR, client_context(root)) as client:
        client.sendall(request(body()))
        assert curl(backend.addresses()["api.acme.test"], "api.acme.test").status == 200
        assert post(backend, curl, b"malformed").status == 400
        client.settimeout(0.05)
        with pytest.raises(TimeoutError):
            client.recv(1)
        proceed.set()
        client.settimeout(CAP)
        assert client.recv(4096).startswith(b"HTTP/1.1 201")


def request(sent: bytes) -> bytes:
    head = f"POST {PATH} HTTP/1.1\r\nHost: {COLLECTOR}\r\nContent-Length: {len(sent)}\r\n\r\n"
    return head.encode() + sent


def test_a_report_is_kept_even_if_its_client_does_not_wait(backend: Backend, root: Path) -> None:
    with secure(backend.addresses()[COLLECTOR], COLLECTOR, client_context(root)) as client:
        client.sendall(request(body(device="hasty")))
        client.shutdown(socket.SHUT_WR)
        found = backend.collector.wait_for(lambda report: report.device == "hasty", CAP)
    assert found is not None


async def _post(endpoint: Endpoint, context: ssl.SSLContext, sent: bytes) -> int:
    reader, writer = await asyncio.open_connection(
        endpoint.host, endpoint.port, ssl=context, server_hostname=COLLECTOR
    )
    writer.write(request(sent))
    answer = await reader.readuntil(b"}")
    writer.close()
    await writer.wait_closed()
    return int(answer.split()[1])


def test_many_posts_at_once_end_with_the_distinct_reports(backend: Backend, root: Path) -> None:
    identifiers = [str(uuid.uuid4()) for _ in range(150)]
    sent = [body(report_id=one) for one in identifiers + identifiers[:50]]
    endpoint, context = backend.addresses()[COLLECTOR], client_context(root)

    async def post_all() -> list[int]:
        return await asyncio.gather(*(_post(endpoint, context, one) for one in sent))

    statuses = asyncio.run(asyncio.wait_for(post_all(), 3 * CAP))
    assert (statuses.count(201), statuses.count(200)) == (150, 50)
    assert {report.id for report in backend.collector.reports()} == set(identifiers)
    assert backend.collector.count() == 150


def test_an_acknowledged_report_survives_the_collector(tmp_path: Path) -> None:
    """Killed the moment its 201 arrives, the process has the report on disk."""
    directory, root = tmp_path / "reports", tmp_path / "root.pem"
    module = "tests.backend.collector_process"
    command = [sys.executable, "-m", module, str(directory), str(root)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            endpoint = Endpoint("127.0.0.1", int(process.stdout.readline()))
            acknowledged = []
            with secure(endpoint, COLLECTOR, client_context(root)) as client:
                for _ in range(20):
                    sent: dict[str, Any] = fields()
                    client.sendall(request(json.dumps(sent).encode()))
                    assert client.recv(12) == b"HTTP/1.1 201"
                    acknowledged.append(sent["report-id"])
                    if len(acknowledged) < 20:
                        _read_rest(client)
                process.send_signal(signal.SIGKILL)
            assert process.wait(CAP) == -signal.SIGKILL
        finally:
            process.kill()
    with ReportStore(directory / "reports.sqlite") as store:
        assert [report.id for report in store.reports()] == acknowledged


def _read_rest(client: socket.socket) -> None:
    """Read up to the end of an answer; the collector's are JSON objects without nesting."""
    while not client.recv(4096).endswith(b"}"):
        pass
