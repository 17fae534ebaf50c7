"""The shipped curl device and the examples beside it, against real TLS servers."""

from __future__ import annotations

import dataclasses
import re
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lab.devices.command import CommandDevice
from lab.devices.registry import source_address
from lab.devices.settings import CommandSettings, load
from lab.devices.template import Template
from lab.model.attack import Control, RouteKind, Trust
from lab.model.outcome import Answer, ErrorKind
from lab.pki.authority import Authority, Leaf, self_signed
from lab.pki.credential import Credential
from lab.pki.hierarchy import LabPki
from tests.devices import peers
from tests.devices.conftest import with_examples
from tests.devices.peers import ADDRESS, Surrounds
from tests.devices.test_command import HOST, URL, setup

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl here")

Client = Callable[[str], CommandDevice]
ROUTES = list(RouteKind)
SOURCE = source_address(9)


@pytest.fixture
def client(around: Surrounds, pki: LabPki, tmp_path: Path) -> Iterator[Client]:
    running: list[CommandDevice] = []
    file = tmp_path / "devices.yaml"
    file.write_text(with_examples())

    def make(name: str) -> CommandDevice:
        if shutil.which(name.removeprefix("careless-")) is None:
            pytest.skip(f"there is no {name} here")
        settings = load(file).device(name)
        assert isinstance(settings, CommandSettings)
        quick = settings.model_copy(update={"timeout": 1})
        device = CommandDevice(
            quick,
            around.surroundings,
            tmp_path / name,
            factory_anchors=(pki.public_root.der,),
            source=SOURCE,
        )
        running.append(device)
        device.set_up(setup(pki))
        device.take_route(RouteKind.PROXY)
        return device

    yield make
    for device in running:
        device.close()


def leaf(
    pki: LabPki, start: int = -1, end: int = 1, host: str = HOST, cn: str | None = None
) -> Credential:
    """Return a certificate with the pinned key, valid from and to so many days from now."""
    now = datetime.now(UTC)
    wanted = Leaf(
        (host,) if host else (),
        common_name=cn,
        not_before=now + timedelta(days=start),
        not_after=now + timedelta(days=end),
    )
    return pki.intermediate.issue(wanted, key=pki.genuine(HOST).key)


SERVED: dict[str, tuple[Callable[[LabPki], Credential], set[ErrorKind]]] = {
    "mis-issued": (lambda pki: pki.intermediate.issue(HOST), {ErrorKind.PIN}),
    "untrusted CA": (
        lambda pki: pki.rogue.issue(HOST, key=pki.genuine(HOST).key),
        {ErrorKind.CHAIN},
    ),
    "self-signed": (
        lambda pki: self_signed(Leaf((HOST,)), key=pki.genuine(HOST).key),
        {ErrorKind.CHAIN},
    ),
    "without its intermediate": (
        lambda pki: dataclasses.replace(pki.genuine(HOST), issuers=()),
        {ErrorKind.CHAIN},
    ),
    "issued by a leaf": (
        lambda pki: Authority.from_credential(pki.intermediate.issue(HOST)).issue(
            HOST, key=pki.genuine(HOST).key
        ),
        {ErrorKind.CHAIN},
    ),
    "issued by a root's namesake": (
        # With the same key identifier, so that only the signature tells; curl: exit code 35.
        lambda pki: pki.public_root.imitation().issue(HOST, key=pki.genuine(HOST).key),
        {ErrorKind.CHAIN},
    ),
    "expired": (lambda pki: leaf(pki, -9, -1), {ErrorKind.TIME}),
    "not yet valid": (lambda pki: leaf(pki, 1, 9), {ErrorKind.TIME}),
    "another host": (lambda pki: leaf(pki, host="evil.acme.test"), {ErrorKind.NAME}),
    "no name at all": (lambda pki: leaf(pki, host=""), {ErrorKind.NAME}),
}


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("served", ["genuine", "backup"])
def test_curl_accepts_what_its_pins_vouch_for(
    client: Client, around: Surrounds, pki: LabPki, served: str, route: RouteKind
) -> None:
    curl = client("curl")
    curl.take_route(route)
    around.serve(getattr(pki, served)(HOST))
    outcome = curl.request(URL)
    assert (outcome.answer, outcome.code, outcome.log) == (Answer.ACCEPTED, "exit 0", ())
    host = HOST if route is RouteKind.PROXY else ADDRESS
    assert around.arrivals == [peers.Arrival(route, host, 443, curl.source or "127.0.0.1")]
    assert curl.source == SOURCE
    assert around.requests[0].startswith(b"GET / ")


@pytest.mark.parametrize("name", ["curl", "wget"])
@pytest.mark.parametrize("served", SERVED)
def test_the_reason_of_a_refusal_is_told(
    client: Client, around: Surrounds, pki: LabPki, name: str, served: str
) -> None:
    credential, kinds = SERVED[served]
    around.serve(credential(pki))
    outcome = client(name).request(URL)
    assert outcome.answer is Answer.REFUSED
    assert kinds <= outcome.kinds, outcome
    # wget says "not trusted" beside every other complaint.
    assert outcome.kinds <= kinds | ({ErrorKind.CHAIN} if name == "wget" else set()), outcome
    assert around.arrivals
    assert not around.requests


@pytest.mark.parametrize("name", ["curl", "wget"])
@pytest.mark.parametrize(
    ("handler", "kind"),
    [
        (peers.reset, ErrorKind.NETWORK),
        (peers.end, ErrorKind.NETWORK),
        (peers.black_hole, ErrorKind.NETWORK),
        (peers.garbage, ErrorKind.TLS),
        (peers.handshake_failure, ErrorKind.TLS),
    ],
)
def test_a_failed_handshake_is_told_from_a_broken_network(
    client: Client, around: Surrounds, name: str, handler: peers.Serve, kind: ErrorKind
) -> None:
    around.behave(handler)
    outcome = client(name).request(URL)
    assert outcome.answer is Answer.REFUSED
    assert kind in outcome.kinds
    assert outcome.kinds <= {ErrorKind.NETWORK, ErrorKind.TLS}
    if name == "curl":
        assert outcome.kinds == {kind}, outcome


@pytest.mark.parametrize("route", ROUTES)
def test_a_refused_connection_is_a_network_error(
    client: Client, around: Surrounds, route: RouteKind
) -> None:
    curl = client("curl")
    curl.take_route(route)
    around.refuse = True
    outcome = curl.request(URL)
    assert outcome.answer is Answer.REFUSED
    # curl --fail tells the proxy's status 502 no differently from the server's.
    by_proxy = {ErrorKind.HTTP} if route is RouteKind.PROXY else set()
    assert outcome.kinds == {ErrorKind.NETWORK} | by_proxy, outcome
    assert not around.arrivals


@pytest.mark.parametrize("name", ["curl", "wget"])
def test_an_error_page_is_not_accepted(
    client: Client, around: Surrounds, pki: LabPki, name: str
) -> None:
    around.serve(pki.genuine(HOST), "511 Network Authentication Required")
    outcome = client(name).request(URL)
    assert outcome.answer is Answer.REFUSED
    assert ErrorKind.HTTP in outcome.kinds
    assert outcome.kinds <= {ErrorKind.HTTP, ErrorKind.NETWORK}


@pytest.mark.parametrize("name", ["curl", "wget"])
def test_the_name_is_taken_from_the_cn_as_the_settings_say(
    client: Client, around: Surrounds, pki: LabPki, name: str
) -> None:
    around.serve(leaf(pki, host="", cn=HOST))
    assert client(name).request(URL).answer is Answer.ACCEPTED


@pytest.mark.parametrize("route", ROUTES)
def test_the_unpinned_control_falls_for_a_ca_of_the_system_store(
    client: Client, around: Surrounds, pki: LabPki, route: RouteKind
) -> None:
    curl = client("curl")
    curl.take_route(route)
    around.serve(pki.compromised.issue(HOST))
    assert curl.control(URL, Control.UNPINNED).answer is Answer.REFUSED
    curl.trust(Trust.SYSTEM, (pki.compromised_root.der,))
    assert curl.control(URL, Control.UNPINNED).answer is Answer.ACCEPTED
    assert curl.request(URL).kinds == {ErrorKind.PIN}
    around.serve(pki.genuine(HOST))
    assert curl.request(URL).answer is Answer.ACCEPTED
    around.serve(pki.compromised.issue(HOST))
    curl.trust(Trust.NONE, ())
    assert curl.control(URL, Control.UNPINNED).answer is Answer.REFUSED
    assert len(around.requests) == 2


@pytest.mark.parametrize("route", ROUTES)
def test_the_careless_control_falls_for_anything(
    client: Client, around: Surrounds, pki: LabPki, route: RouteKind
) -> None:
    curl = client("curl")
    curl.take_route(route)
    around.serve(self_signed(Leaf(("evil.acme.test",))))
    assert curl.control(URL, Control.CARELESS).answer is Answer.ACCEPTED
    assert len(around.requests) == 1


@pytest.mark.parametrize("route", ROUTES)
def test_the_cleartext_control_is_seen_in_clear(
    client: Client, around: Surrounds, route: RouteKind
) -> None:
    curl = client("curl")
    curl.take_route(route)
    assert curl.control(f"http://{HOST}/", Control.CLEARTEXT).answer is Answer.ACCEPTED
    assert around.requests[0].startswith(b"GET ")


def test_the_careless_example_is_wrong(client: Client, around: Surrounds, pki: LabPki) -> None:
    """curl --insecure still checks its pin: right key, untrusted issuer is what it falls for."""
    around.serve(pki.rogue.issue(HOST, key=pki.genuine(HOST).key))
    assert client("careless-curl").request(URL).answer is Answer.ACCEPTED


def test_wget_takes_the_proxy_alone(client: Client, around: Surrounds, pki: LabPki) -> None:
    wget = client("wget")
    around.serve(pki.genuine(HOST))
    outcome = wget.request(URL)
    assert outcome.answer is Answer.ACCEPTED, outcome
    assert around.arrivals == [peers.Arrival("proxy", HOST, 443, SOURCE or "127.0.0.1")]
    with pytest.raises(ValueError, match="no route wifi"):
        wget.take_route(RouteKind.WIFI)


def test_only_the_labs_trust_store_counts(client: Client, around: Surrounds, pki: LabPki) -> None:
    """Without --capath curl would look into the system's folder of CAs as well."""
    curl = client("curl")
    curl.take_route(RouteKind.WIFI)
    around.serve(pki.genuine(HOST))
    settings = curl._settings
    for argv in (settings.argv, settings.control.unpinned):
        loud = (*argv[:2], Template.parse("--verbose", frozenset()), *argv[2:])
        told = {0: frozenset({ErrorKind.UNKNOWN})}
        curl._settings = settings.model_copy(update={"argv": loud, "exits": told})
        words = [line.split() for line in curl.request(URL).log]
        assert ["*", "CApath:", "/dev/null"] in words
        assert ["*", "CAfile:", str(curl._trust_store)] in words


def test_facts_name_the_version(client: Client) -> None:
    facts = client("curl").facts
    assert re.match(r"curl \d+\.\d+", facts.app_version)
    assert (facts.id, facts.platform, facts.app) == ("curl", "command", "curl")
    assert "--pinnedpubkey '{pinnedpubkey}'" in facts.details["argv"]
