from __future__ import annotations

import threading
from contextlib import ExitStack
from pathlib import Path

import pytest

from lab.backend import API, COLLECTOR, CONFIGURATION, WEBSITE, Backend, Outage, server
from lab.loop import LabLoop
from lab.pki.hierarchy import LabPki
from tests.backend.peers import Curl, client_context, get, secure, served_chain
from tests.backend.samples import body
from tests.patience import LONG, not_waiting

HOSTS = (API, WEBSITE, CONFIGURATION, COLLECTOR)


def test_serves_its_four_hosts_each_with_its_own_genuine_certificate(
    backend: Backend, pki: LabPki
) -> None:
    assert set(backend.addresses()) == set(HOSTS)
    for host, endpoint in backend.addresses().items():
        assert endpoint.host == "127.0.0.1"
        assert served_chain(endpoint, host) == pki.genuine(host).chain_der


def test_the_origin_serves_further_hosts(backend: Backend, pki: LabPki, curl: Curl) -> None:
    backend.serve_host("leaf.acme.test")
    endpoint = backend.addresses()["leaf.acme.test"]
    assert endpoint == backend.addresses()[API]
    assert served_chain(endpoint, "leaf.acme.test") == pki.genuine("leaf.acme.test").chain_der
    assert served_chain(endpoint, API) == pki.genuine(API).chain_der
    assert curl(endpoint, "leaf.acme.test").json["served-by"] == "origin"
    assert backend.origin.hits()[-1].host == "leaf.acme.test"


@pytest.mark.parametrize("host", HOSTS)
def test_renews_one_host_and_leaves_the_others(backend: Backend, pki: LabPki, host: str) -> None:
    backend.renew(host, pki.backup(host))
    for other, endpoint in backend.addresses().items():
        due = pki.backup(other) if other == host else pki.genuine(other)
        assert served_chain(endpoint, other) == due.chain_der


def test_a_renewal_shows_without_sni_too(backend: Backend, pki: LabPki) -> None:
    backend.renew(API, pki.backup(API))
    assert served_chain(backend.addresses()[API], None) == pki.backup(API).chain_der


@pytest.mark.parametrize("host", [API, CONFIGURATION, COLLECTOR])
def test_one_service_goes_down_and_the_others_stay(backend: Backend, curl: Curl, host: str) -> None:
    backend.configuration.publish(b"token")
    addresses = backend.addresses()
    backend.set_outage(host, Outage.REFUSE)
    for other in (API, CONFIGURATION, COLLECTOR):
        assert curl(addresses[other], other).exit == (7 if other == host else 0)
    backend.set_outage(host, Outage.NONE)
    assert backend.addresses() == addresses
    assert curl(addresses[host], host).exit == 0
    assert backend.traffic(host).connections == 1


def test_unknown_hosts_are_refused(backend: Backend, pki: LabPki) -> None:
    with pytest.raises(KeyError):
        backend.renew("other.acme.test", pki.genuine("other.acme.test"))
    with pytest.raises(KeyError):
        backend.set_outage("other.acme.test", Outage.HANG)


def test_reports_of_an_earlier_run_are_still_there(
    loop: LabLoop, pki: LabPki, tmp_path: Path, curl: Curl
) -> None:
    for due in (201, 200):
        with Backend(loop, pki, tmp_path / "new" / "folder") as backend:
            endpoint = backend.addresses()[COLLECTOR]
            assert (
                curl(endpoint, COLLECTOR, path="/v1/reports", data=body(report_id=ID)).status == due
            )


ID = "6f1d2c3b-0a9e-4b7c-8d6e-5f4a3b2c1d0e"


def test_leaves_nothing_behind(loop: LabLoop, pki: LabPki, tmp_path: Path) -> None:
    """The loop fixture looks for tasks; sockets left open are warnings, which are errors."""
    before = set(threading.enumerate())
    with Backend(loop, pki, tmp_path):
        pass
    assert set(threading.enumerate()) == before
    assert {path.name for path in tmp_path.iterdir()} == {"reports.sqlite"}


def test_stops_at_once_with_clients_on_every_service(
    loop: LabLoop, pki: LabPki, tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "POLITE_CAP", LONG)
    with ExitStack() as clients, ExitStack() as running:
        backend = running.enter_context(Backend(loop, pki, tmp_path))
        for host, endpoint in backend.addresses().items():
            client = clients.enter_context(secure(endpoint, host, client_context(root)))
            get(client, host)
        with not_waiting():
            running.close()


def test_a_start_that_fails_leaves_nothing_behind(
    loop: LabLoop, pki: LabPki, tmp_path: Path
) -> None:
    before = set(threading.enumerate())
    (tmp_path / "reports.sqlite").mkdir()
    with pytest.raises(Exception, match="unable to open database file"):
        Backend(loop, pki, tmp_path).__enter__()
    assert set(threading.enumerate()) == before
