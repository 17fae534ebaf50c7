"""What a client of each version is documented to do, and what one of another version does not."""

from __future__ import annotations

import dataclasses
import threading

import pytest

from lab.backend import API, CONFIGURATION, Outage
from lab.model.profile import PROFILES, SDK_4_0, SDK_4_1, SDK_6, Profile, SecondSetup
from lab.phone.sdk import errors, lifecycle
from lab.phone.sdk.client import ReferenceClient, ReferenceClient40, ReferenceClient41
from lab.phone.sdk.errors import (
    AlreadyInitialized,
    ErrorFetchingPinningInfo,
    InvalidProjectConfig,
    InvalidServerCert,
    PinsMismatch,
    SetupInProgress,
    Timeout,
    TrustPinError,
)
from lab.phone.sdk.lifecycle import Lifecycle
from tests.patience import CAP
from tests.phone.sdk.conftest import World

URL = f"https://{API}/"
CLIENTS = (ReferenceClient40, ReferenceClient41, ReferenceClient)
EACH = pytest.mark.parametrize("cls", CLIENTS, ids=lambda cls: cls.profile.name)
LAST_CENTURY = 946_684_800.0


def code_of(call: object) -> str:
    """Return the code of the error that ``call`` ends with, empty where it does not."""
    assert callable(call)
    try:
        call()
    except TrustPinError as error:
        return error.code
    return ""


def test_there_is_a_client_of_each_profile() -> None:
    assert tuple(cls.profile for cls in CLIENTS) == PROFILES


@EACH
def test_every_client_pins(world: World, cls: type[ReferenceClient]) -> None:
    client = world.ready(cls)
    assert client.get(URL).status == 200
    attacker = world.attack(API)
    with pytest.raises(PinsMismatch):
        client.get(URL)
    assert attacker.wait()[0].received == b""


@EACH
def test_a_request_before_a_setup(world: World, cls: type[ReferenceClient]) -> None:
    client = world.launch(cls)
    for call in (lambda: client.get(URL), client.configuration):
        assert code_of(call) == cls.profile.before_setup


@EACH
def test_a_second_setup(world: World, cls: type[ReferenceClient]) -> None:
    """C6: where it is ignored, the new credentials do not count."""
    client = world.ready(cls)
    other = dataclasses.replace(world.settings, project_id="another", public_key="rubbish")
    refused = cls.profile.second_setup is SecondSetup.REFUSED
    assert code_of(lambda: client.setup(other)) == (AlreadyInitialized.__name__ if refused else "")
    assert client.get(URL).status == 200
    assert len(world.backend.configuration.hits()) == 1


@EACH
def test_a_source_that_is_gone(world: World, cls: type[ReferenceClient]) -> None:
    world.backend.set_outage(CONFIGURATION, Outage.REFUSE)
    client = world.launch(cls)
    at_setup = code_of(lambda: client.setup(world.settings))
    at_request = code_of(lambda: client.get(URL))
    missing = ErrorFetchingPinningInfo.__name__
    if cls.profile.setup_fetches:
        assert (at_setup, at_request) == (missing, cls.profile.before_setup)
    else:
        assert (at_setup, at_request) == ("", missing)


@EACH
def test_a_setup_soon_after_one_that_failed(world: World, cls: type[ReferenceClient]) -> None:
    world.backend.set_outage(CONFIGURATION, Outage.REFUSE)
    client = world.launch(cls)
    first = code_of(lambda: client.setup(world.settings))
    world.backend.set_outage(CONFIGURATION, Outage.NONE)
    second = code_of(lambda: client.setup(world.settings))
    if cls is ReferenceClient41:
        assert (first, second) == (ErrorFetchingPinningInfo.__name__, SetupInProgress.__name__)
    elif cls is ReferenceClient40:
        assert (first, second) == (ErrorFetchingPinningInfo.__name__, "")
    else:
        assert (first, second) == ("", AlreadyInitialized.__name__)


def test_a_cooldown_ends(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lifecycle, "COOLDOWN", 0.0)
    world.backend.set_outage(CONFIGURATION, Outage.REFUSE)
    client = world.launch(ReferenceClient41)
    with pytest.raises(ErrorFetchingPinningInfo):
        client.setup(world.settings)
    world.backend.set_outage(CONFIGURATION, Outage.NONE)
    client.setup(world.settings)
    assert client.get(URL).status == 200


@EACH
def test_bad_credentials_are_told_at_once_and_start_no_cooldown(
    world: World, cls: type[ReferenceClient]
) -> None:
    client = world.launch(cls)
    with pytest.raises(InvalidProjectConfig):
        client.setup(dataclasses.replace(world.settings, project_id=" "))
    world.set_up(client)
    assert client.get(URL).status == 200


@EACH
def test_failures_are_announced_where_there_is_a_listener(
    world: World, cls: type[ReferenceClient]
) -> None:
    client = world.ready(cls)
    world.attack(API)
    with pytest.raises(PinsMismatch):
        client.get(URL)
    world.relent()
    assert client.get(URL).status == 200
    announces = bool(cls.profile.announces)
    assert [type(event.error) for event in world.events] == (
        [PinsMismatch, type(None)] if announces else []
    )
    assert len(world.reported() if announces else client._queue) == (1 if announces else 0)


@EACH
def test_an_older_configuration(world: World, cls: type[ReferenceClient]) -> None:
    """TP-13: of 4.x nothing is documented; this client takes it."""
    world.publish(1, withdrawn__acme__test=world.pins(API))
    older = world.published
    world.publish(2)
    client = world.ready(cls)
    world.serve(older)
    world.phone.clock += 601
    assert client.configuration().version == (2 if cls.profile.refuses_older else 1)


@EACH
def test_a_certificate_that_does_not_come(
    world: World, cls: type[ReferenceClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No client fails with an error that its version does not have."""
    monkeypatch.setattr("lab.phone.sdk.client.DEFAULT_TIMEOUT", 0.2)
    world.backend.set_outage(API, Outage.HANG)
    code = code_of(lambda: world.launch(cls).fetch_certificate(API))
    has_timeout = Timeout.__name__ in cls.profile.errors
    assert code == (Timeout if has_timeout else InvalidServerCert).__name__


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.name)
def test_every_error_of_a_version_can_be_raised(profile: Profile) -> None:
    for name in profile.errors:
        assert getattr(errors, name)("something").code == name


@pytest.mark.parametrize(
    ("profile", "due"),
    [
        (SDK_4_0, InvalidProjectConfig),
        (SDK_4_1, SetupInProgress),
        (SDK_6, SetupInProgress),
    ],
    ids=["4.0", "4.1", "6"],
)
def test_a_call_while_a_setup_is_under_way(profile: Profile, due: type[TrustPinError]) -> None:
    life = Lifecycle(profile)
    assert life.begin()
    for call in (life.begin, life.require_setup):
        with pytest.raises(due):
            call()
    life.succeed()
    life.require_setup()


class Slow(ReferenceClient):
    """Fetches when it is let."""

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)  # type: ignore[arg-type]
        self.reached = threading.Event()
        self.proceed = threading.Event()

    def fetch(self, url: str, timeout: float) -> bytes:
        self.reached.set()
        assert self.proceed.wait(CAP)
        return super().fetch(url, timeout)


def test_a_setup_of_6_does_not_wait_and_the_first_request_does(world: World) -> None:
    client = world.launch(Slow)
    assert isinstance(client, Slow)
    client.setup(world.settings)
    statuses: list[int] = []
    thread = threading.Thread(target=lambda: statuses.append(client.get(URL).status))
    thread.start()
    checking = f"DEBUG TrustPin: Sanitized domain: {API}"
    world.phone.until(lambda: checking in world.phone.lines)
    assert statuses == []
    assert world.backend.origin.hits() == ()
    client.proceed.set()
    thread.join(CAP)
    assert statuses == [200]
    assert len(world.backend.configuration.hits()) == 1


def test_a_first_request_that_waits_in_vain_fails_closed(world: World) -> None:
    class Impatient(Slow):
        profile = dataclasses.replace(SDK_6, waits_for=0.05)

    client = world.launch(Impatient)
    assert isinstance(client, Slow)
    client.setup(world.settings)
    assert client.reached.wait(CAP)
    with pytest.raises(Timeout):
        client.get(URL)
    assert world.backend.origin.hits() == ()
    client.proceed.set()
    assert client._first_fetch is not None
    client._first_fetch.wait(CAP)
    assert client.get(URL).status == 200


def test_closing_ends_the_first_fetch(world: World) -> None:
    world.backend.set_outage(CONFIGURATION, Outage.HANG)
    client = world.launch()
    client.setup(world.settings)
    fetching = client._first_fetch
    assert fetching is not None
    world.phone.until(lambda: CONFIGURATION in world.phone.connected)
    client.close()
    assert not fetching._thread.is_alive()


class Broken(ReferenceClient):
    """A stand-in that fails in a way that nobody foresaw."""

    def fetch(self, url: str, timeout: float) -> bytes:
        raise RuntimeError("broken")


def test_a_stand_ins_mistake_in_the_background_is_logged(world: World) -> None:
    client = world.ready(Broken)
    assert world.phone.logged("Configuration not fetched: RuntimeError: broken") == 1
    with pytest.raises(RuntimeError):
        client.get(URL)
    assert world.backend.origin.hits() == ()
