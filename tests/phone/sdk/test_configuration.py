from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from lab.model.pins import PinConfiguration
from lab.model.profile import PROFILES, Profile
from lab.phone.sdk import configuration
from lab.phone.sdk.configuration import COLD_CAP, REFRESH_CAP, ConfigurationKeeper, Held
from lab.phone.sdk.errors import (
    ConfigIntegrityError,
    ConfigurationValidationFailed,
    ErrorFetchingPinningInfo,
    PinsMismatch,
    Timeout,
    TrustPinError,
)
from lab.phone.sdk.storage import STATE, TOKEN, ConfigurationFiles
from lab.phone.services import Cancelled, ConnectError
from tests.patience import CAP
from tests.phone.sdk import tokens
from tests.phone.sdk.phones import NOON, TestPhone
from tests.phone.sdk.tokens import PROJECT, SOURCE, numbered, right


class Source:
    """A configuration service of one function: ``answer`` is what is fetched, or raised."""

    def __init__(self, answer: bytes | Exception) -> None:
        self.answer = answer
        self.fetched: list[tuple[str, float]] = []

    def __call__(self, url: str, timeout: float) -> bytes:
        self.fetched.append((url, timeout))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    @property
    def fetches(self) -> int:
        return len(self.fetched)


DOWN = ConnectError("Failed to connect to config.acme.test")


@pytest.fixture
def phone() -> TestPhone:
    return TestPhone()


@pytest.fixture
def source() -> Source:
    return Source(right(5))


Start = Callable[[], ConfigurationKeeper]


@pytest.fixture
def launch(phone: TestPhone, source: Source, tmp_path: Path) -> Start:
    """Make a keeper as the app does at each start of its process."""

    def start() -> ConfigurationKeeper:
        files = ConfigurationFiles(tmp_path, PROJECT.scope, lambda text: phone.log("f", "W", text))
        return ConfigurationKeeper(PROJECT, files, phone, source)

    return start


@pytest.fixture
def keeper(launch: Start) -> ConfigurationKeeper:
    keeper = launch()
    keeper.start()
    return keeper


def test_a_start_fetches_and_the_cache_lasts_ten_minutes(
    keeper: ConfigurationKeeper, phone: TestPhone, source: Source
) -> None:
    assert source.fetches == 1
    for clock in (NOON, NOON + 599):
        phone.clock = clock
        assert keeper.current() == numbered(5)
    assert source.fetches == 1
    assert phone.logged("Using cached configuration") == 2
    source.answer = right(6)
    phone.clock = NOON + 601
    assert keeper.current() == numbered(6)
    assert source.fetches == 2


def test_a_fetch_that_succeeds_starts_ten_new_minutes(
    keeper: ConfigurationKeeper, phone: TestPhone, source: Source
) -> None:
    phone.clock += 601
    keeper.current()
    phone.clock += 599
    keeper.current()
    assert source.fetches == 2


def test_the_list_of_sources_is_tried_twice(launch: Start, source: Source) -> None:
    source.answer = DOWN
    with pytest.raises(ErrorFetchingPinningInfo):
        launch().start()
    assert [url for url, _ in source.fetched] == [SOURCE, SOURCE]


def test_one_pass_may_fail(launch: Start, phone: TestPhone, source: Source) -> None:
    def second_time(url: str, timeout: float) -> bytes:
        token = source(url, timeout)
        if source.fetches == 1:
            raise DOWN
        return token

    keeper = launch()
    keeper._fetch = second_time
    keeper.start()
    assert keeper.current() == numbered(5)
    assert phone.logged("Failed to fetch configuration from config.acme.test") == 1


@pytest.mark.parametrize(
    "token",
    [
        tokens.tampered(5),
        tokens.foreign(5),
        tokens.future(5),
        tokens.without_domains(5),
        right(5)[:-5],
        right(5) + b"\n",
        b"<!doctype html><title>Welcome</title>",
        b"",
    ],
)
def test_a_start_with_what_the_owner_did_not_sign_fails(
    launch: Start, source: Source, tmp_path: Path, token: bytes
) -> None:
    source.answer = token
    with pytest.raises(ConfigurationValidationFailed):
        launch().start()
    assert source.fetches == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "failure", [DOWN, ErrorFetchingPinningInfo("HTTP 404"), PinsMismatch("config.acme.test")]
)
def test_a_cold_start_needs_a_source(launch: Start, source: Source, failure: Exception) -> None:
    source.answer = failure
    with pytest.raises(ErrorFetchingPinningInfo):
        launch().start()


def test_a_refusal_counts_for_more_than_silence(launch: Start, source: Source) -> None:
    """First tampered, then gone: what was seen is said."""

    def fetch(url: str, timeout: float) -> bytes:
        source(url, timeout)
        if source.fetches == 1:
            return tokens.tampered(5)
        raise DOWN

    keeper = launch()
    keeper._fetch = fetch
    with pytest.raises(ConfigurationValidationFailed):
        keeper.start()


def test_each_start_fetches(keeper: ConfigurationKeeper, launch: Start, source: Source) -> None:
    source.answer = right(6)
    again = launch()
    again.start()
    assert source.fetches == 2
    assert again.current() == numbered(6)


def test_a_start_without_network_uses_what_an_earlier_one_left(
    keeper: ConfigurationKeeper, launch: Start, phone: TestPhone, source: Source
) -> None:
    source.answer = DOWN
    phone.clock = NOON + 86_399
    again = launch()
    again.start()
    assert again.current() == numbered(5)
    phone.clock = NOON + 86_400
    with pytest.raises(ErrorFetchingPinningInfo):
        again.current()
    with pytest.raises(ErrorFetchingPinningInfo):
        launch().start()


def test_what_was_left_is_never_fresh(
    keeper: ConfigurationKeeper, launch: Start, phone: TestPhone, source: Source
) -> None:
    source.answer = DOWN
    again = launch()
    again.start()
    source.answer = right(6)
    phone.clock += 6
    assert again.current() == numbered(6)


def test_what_was_left_is_verified_again(
    keeper: ConfigurationKeeper, launch: Start, source: Source, phone: TestPhone, tmp_path: Path
) -> None:
    source.answer = DOWN
    for token in (tokens.tampered(9), tokens.foreign(9), tokens.future(9), b"rubbish", right(4)):
        (tmp_path / TOKEN).write_bytes(token)
        with pytest.raises(ErrorFetchingPinningInfo):
            launch().start()
    assert phone.logged("The stored configuration is ignored") == 5


def test_a_damaged_state_means_a_cold_start(
    keeper: ConfigurationKeeper, launch: Start, source: Source, tmp_path: Path
) -> None:
    (tmp_path / STATE).write_bytes(b"{")
    source.answer = DOWN
    with pytest.raises(ErrorFetchingPinningInfo):
        launch().start()
    source.answer = right(5)
    launch().start()


def test_an_older_version_is_refused_and_the_newer_stays(
    keeper: ConfigurationKeeper, launch: Start, phone: TestPhone, source: Source
) -> None:
    """TP-13, while running and at the next start, with and without the source."""
    source.answer = right(4)
    phone.clock += 601
    assert keeper.current() == numbered(5)
    again = launch()
    with pytest.raises(ConfigIntegrityError) as caught:
        again.start()
    assert "version" not in str(caught.value)
    source.answer = DOWN
    last = launch()
    last.start()
    assert last.current() == numbered(5)


def test_the_version_outlives_a_configuration_that_cannot_be_used(
    keeper: ConfigurationKeeper, launch: Start, source: Source, tmp_path: Path
) -> None:
    (tmp_path / TOKEN).unlink()
    source.answer = right(4)
    with pytest.raises(ConfigIntegrityError):
        launch().start()
    source.answer = right(5)
    launch().start()


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (DOWN, ErrorFetchingPinningInfo),
        (PinsMismatch("x"), ErrorFetchingPinningInfo),
        (tokens.tampered(9), ConfigurationValidationFailed),
        (tokens.future(9), ConfigurationValidationFailed),
        (b"rubbish", ConfigurationValidationFailed),
        (right(4), ConfigIntegrityError),
    ],
)
def test_whatever_a_refresh_fails_for_the_old_one_stays_for_a_day(
    keeper: ConfigurationKeeper,
    phone: TestPhone,
    source: Source,
    answer: bytes | Exception,
    error: type[TrustPinError],
) -> None:
    source.answer = answer
    for elapsed in (601.0, 86_399.0):
        phone.clock = NOON + elapsed
        assert keeper.current() == numbered(5)
    assert phone.logged("Configuration not refreshed") == 2
    phone.clock = NOON + 86_400
    with pytest.raises(error):
        keeper.current()
    source.answer = right(6)
    assert keeper.current() == numbered(6)


def test_a_failed_refresh_is_not_repeated_for_five_seconds(
    keeper: ConfigurationKeeper, phone: TestPhone, source: Source
) -> None:
    source.answer = DOWN
    phone.clock += 601
    for clock, fetches in ((0.0, 3), (4.9, 3), (5.1, 5), (0.0, 7)):
        phone.clock = NOON + 601 + clock
        assert keeper.current() == numbered(5)
        assert source.fetches == fetches


def test_a_failure_is_forgotten_with_the_next_success(
    keeper: ConfigurationKeeper, phone: TestPhone, source: Source
) -> None:
    source.answer = DOWN
    phone.clock += 90_000
    with pytest.raises(ErrorFetchingPinningInfo):
        keeper.current()
    phone.clock += 2
    source.answer = right(6)
    assert keeper.current() == numbered(6)
    phone.clock -= 1
    source.answer = right(7)
    assert keeper.current() == numbered(7)


def test_without_a_usable_configuration_each_request_tries(
    keeper: ConfigurationKeeper, phone: TestPhone, source: Source
) -> None:
    source.answer = DOWN
    phone.clock += 90_000
    for fetches in (3, 5):
        with pytest.raises(ErrorFetchingPinningInfo):
            keeper.current()
        assert source.fetches == fetches


def test_a_clock_that_goes_backwards_makes_nothing_fresh_and_nothing_old(
    keeper: ConfigurationKeeper, phone: TestPhone, source: Source
) -> None:
    phone.clock = NOON - 3 * 365 * 86_400
    source.answer = DOWN
    assert keeper.current() == numbered(5)
    assert source.fetches == 3
    source.answer = right(6)
    phone.clock += 6
    assert keeper.current() == numbered(6)
    phone.clock = NOON
    assert keeper.current() == numbered(6)
    assert source.fetches == 5


def test_a_disk_that_fails_only_costs_the_memory_of_the_next_start(
    phone: TestPhone, source: Source, tmp_path: Path
) -> None:
    blocked = tmp_path / "file"
    blocked.write_bytes(b"")
    files = ConfigurationFiles(blocked, PROJECT.scope, lambda text: phone.log("f", "W", text))
    keeper = ConfigurationKeeper(PROJECT, files, phone, source)
    keeper.start()
    assert keeper.current() == numbered(5)
    assert phone.logged("could not be stored") == 1


def test_a_cancelled_fetch_is_not_tried_again(launch: Start, source: Source) -> None:
    source.answer = Cancelled("Canceled")
    with pytest.raises(Cancelled):
        launch().start()
    assert source.fetches == 1


class Watch:
    """Stands for the module that tells the time: only who is waited for takes any."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Watch:
    made = Watch()
    monkeypatch.setattr(configuration, "time", made)
    monkeypatch.setattr(configuration, "REFRESH_CAP", REFRESH_CAP)
    monkeypatch.setattr(configuration, "COLD_CAP", COLD_CAP)
    return made


@pytest.mark.usefixtures("watch")
def test_a_fetch_shares_its_time_among_the_tries(
    keeper: ConfigurationKeeper, launch: Start, phone: TestPhone, source: Source
) -> None:
    source.answer = DOWN
    phone.clock += 601
    keeper.current()
    assert [timeout for _, timeout in source.fetched[1:]] == [REFRESH_CAP / 2, REFRESH_CAP]
    phone.clock += 90_000
    with pytest.raises(ErrorFetchingPinningInfo):
        launch().start()
    assert source.fetched[3][1] == COLD_CAP / 2


def test_a_source_that_hangs_does_not_get_more_time_than_there_is(
    keeper: ConfigurationKeeper, phone: TestPhone, watch: Watch
) -> None:
    fetched = []

    def hang(url: str, timeout: float) -> bytes:
        fetched.append(timeout)
        watch.now += timeout
        raise DOWN

    keeper._fetch = hang
    phone.clock += 601
    assert keeper.current() == numbered(5)
    assert watch.now == REFRESH_CAP
    assert fetched == [REFRESH_CAP / 2] * 2


def test_a_try_that_took_all_the_time_is_the_last(
    keeper: ConfigurationKeeper, phone: TestPhone, watch: Watch
) -> None:
    fetched = []

    def late(url: str, timeout: float) -> bytes:
        fetched.append(timeout)
        watch.now += REFRESH_CAP
        raise DOWN

    keeper._fetch = late
    phone.clock += 601
    assert keeper.current() == numbered(5)
    assert len(fetched) == 1


@pytest.mark.parametrize("healthy", [True, False])
@pytest.mark.parametrize("elapsed", [601.0, 90_000.0])
def test_one_thread_fetches_for_all(
    keeper: ConfigurationKeeper, phone: TestPhone, source: Source, healthy: bool, elapsed: float
) -> None:
    """Those who wait get what came of it, also where nothing did."""
    source.answer = right(6) if healthy else DOWN
    phone.clock += elapsed
    came, done = threading.Semaphore(0), []

    class Lock:
        """A lock that lets it be known when somebody comes to it."""

        def __init__(self) -> None:
            self.lock = threading.Lock()

        def acquire(self, timeout: float) -> bool:
            came.release()
            return self.lock.acquire(timeout=timeout)

        def release(self) -> None:
            self.lock.release()

    def slow(url: str, timeout: float) -> bytes:
        for _ in range(8 if source.fetches == 1 else 0):
            assert came.acquire(timeout=CAP)
        return source(url, timeout)

    def ask() -> None:
        try:
            done.append(keeper.current().version)
        except TrustPinError:
            done.append(0)

    keeper._fetch = slow
    keeper._fetching = Lock()  # type: ignore[assignment]
    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(CAP)
    usable = 5 if elapsed < 86_400 else 0
    assert done == [6 if healthy else usable] * 8
    assert source.fetches == (2 if healthy else 3)


def test_the_first_fetch_can_be_left_to_the_background(
    launch: Start, phone: TestPhone, source: Source
) -> None:
    keeper = launch()
    keeper.take_up()
    assert source.fetches == 0
    keeper.prefetch()
    assert keeper.current() == numbered(5)
    assert source.fetches == 1


def test_a_request_that_was_quicker_has_fetched(launch: Start, source: Source) -> None:
    keeper = launch()
    keeper.take_up()
    assert keeper.current() == numbered(5)
    keeper.prefetch()
    assert source.fetches == 1


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (DOWN, ErrorFetchingPinningInfo),
        (tokens.foreign(5), ConfigurationValidationFailed),
        (right(4), ConfigIntegrityError),
    ],
)
def test_what_the_background_failed_for_is_told_to_who_asks(
    keeper: ConfigurationKeeper,
    launch: Start,
    source: Source,
    tmp_path: Path,
    answer: bytes | Exception,
    error: type[TrustPinError],
) -> None:
    (tmp_path / TOKEN).unlink()
    source.answer = answer
    again = launch()
    again.take_up()
    again.prefetch()
    for _ in range(2):
        with pytest.raises(error):
            again.current()
    source.answer = right(5)
    assert again.current() == numbered(5)


def test_an_older_one_in_the_background_leaves_what_is_held(
    keeper: ConfigurationKeeper, launch: Start, source: Source, phone: TestPhone
) -> None:
    source.answer = right(4)
    again = launch()
    again.take_up()
    again.prefetch()
    assert again.current() == numbered(5)
    assert phone.logged("Configuration not refreshed: ConfigIntegrityError") == 1


def test_who_waits_for_a_fetch_does_not_wait_for_ever(launch: Start, source: Source) -> None:
    keeper = launch()
    fetching, proceed = threading.Event(), threading.Event()

    def slow(url: str, timeout: float) -> bytes:
        fetching.set()
        assert proceed.wait(CAP)
        return source(url, timeout)

    keeper._fetch = slow
    thread = threading.Thread(target=keeper.prefetch)
    thread.start()
    assert fetching.wait(CAP)
    with pytest.raises(Timeout):
        keeper.current(0.01)
    proceed.set()
    assert keeper.current(CAP) == numbered(5)
    thread.join(CAP)
    assert source.fetches == 1


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.name)
def test_an_older_one_is_taken_where_no_document_speaks_of_replay(
    phone: TestPhone, source: Source, tmp_path: Path, profile: Profile
) -> None:
    files = ConfigurationFiles(tmp_path, PROJECT.scope, lambda text: phone.log("f", "W", text))
    keeper = ConfigurationKeeper(PROJECT, files, phone, source, profile)
    keeper.start()
    source.answer = right(4)
    phone.clock += 601
    assert keeper.current() == numbered(5 if profile.refuses_older else 4)


class Lenient(ConfigurationKeeper):
    """A wrong client: believes everything, old versions too, for as long as it lives."""

    def verify(self, token: bytes) -> PinConfiguration:
        return numbered(int(token))

    def accepts(self, version: int, highest: int) -> bool:
        return True

    def is_fresh(self, held: Held, now: float) -> bool:
        return held.configuration.version == 3


def test_a_wrong_client_overrides_what_it_gets_wrong(
    phone: TestPhone, source: Source, tmp_path: Path
) -> None:
    files = ConfigurationFiles(tmp_path, PROJECT.scope, lambda text: phone.log("f", "W", text))
    keeper = Lenient(PROJECT, files, phone, source)
    for version in (9, 3):
        source.answer = b"%d" % version
        keeper.start()
        assert keeper.current() == numbered(version)
    phone.clock += 1e9
    source.answer = b"4"
    assert keeper.current() == numbered(3)
