from __future__ import annotations

import dataclasses

import pytest

from lab.model.attack import Need, Step
from lab.model.outcome import DOCUMENTED_ERRORS, PIN_KINDS
from lab.model.profile import NEWEST, PROFILES, SDK_4_0, SDK_4_1, SDK_6, Profile, SecondSetup

EACH = pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.name)


@pytest.mark.parametrize(
    ("version", "profile"),
    [
        ("4.0", SDK_4_0),
        ("4.0.0", SDK_4_0),
        ("4", SDK_4_1),
        ("4.1", SDK_4_1),
        ("4.3.0", SDK_4_1),
        ("6", SDK_6),
        ("6.2", SDK_6),
        (" 6.4.0 ", SDK_6),
    ],
)
def test_a_version_has_the_profile_in_force(version: str, profile: Profile) -> None:
    assert Profile.named(version) is profile


@pytest.mark.parametrize("version", ["3.0", "5", "5.1", "7.1.0", "60", "40.1"])
def test_a_version_that_nothing_is_known_of_has_none(version: str) -> None:
    with pytest.raises(ValueError, match=r"no profile says .* there are 4\.0, 4\.1, 6"):
        Profile.named(version)


@pytest.mark.parametrize(
    "version", ["", "six", "4.x", "-4", "4..1", "4.", "v6", "\u00b2", "\u0664.1"]
)
def test_what_is_no_version_is_refused(version: str) -> None:
    with pytest.raises(ValueError, match="is no version of the SDK"):
        Profile.named(version)


@EACH
def test_a_profile_is_found_by_its_own_name(profile: Profile) -> None:
    assert Profile.named(profile.name) is profile


@EACH
def test_a_profile_names_only_errors_that_its_version_has(profile: Profile) -> None:
    """Contract section 3.1: seven in 4.0, three more in 4.1, the rest later."""
    assert profile.errors <= set(DOCUMENTED_ERRORS)
    named = {profile.before_setup, profile.during_setup or profile.before_setup}
    assert named | profile.unparsable <= profile.errors
    assert ("AlreadyInitialized" in profile.errors) is (profile.second_setup is SecondSetup.REFUSED)
    assert ("ConfigIntegrityError" in profile.errors) is profile.refuses_older
    told = profile.without_configuration("ErrorFetchingPinningInfo")
    assert frozenset[str]().union(*(way.codes for way in told)) <= profile.errors


def test_later_versions_have_the_errors_of_earlier_ones() -> None:
    assert SDK_4_0.errors < SDK_4_1.errors < SDK_6.errors == set(DOCUMENTED_ERRORS)


@EACH
def test_without_a_configuration_the_usual_step_comes_first(profile: Profile) -> None:
    usual, other = profile.without_configuration("ErrorFetchingPinningInfo")
    assert usual.step is profile.source_failure
    assert "ErrorFetchingPinningInfo" in usual.codes
    assert not usual.note
    assert other.step is not usual.step
    assert other.note


def test_before_6_a_request_after_a_failed_setup_has_an_error_of_its_own() -> None:
    codes = {
        profile.name: {
            way.step: way.codes for way in profile.without_configuration("ErrorFetchingPinningInfo")
        }
        for profile in (SDK_4_0, SDK_4_1)
    }
    assert codes["4.0"][Step.REQUEST] == {"InvalidProjectConfig"}
    assert codes["4.1"][Step.REQUEST] == {"NotInitialized", "SetupInProgress"}


@EACH
def test_what_no_document_promises_is_lacking(profile: Profile) -> None:
    lacking = {need for need in Need if profile.lacks(need)}
    unpromised = {Need.REPORT, Need.REFUSES_OLDER, Need.KEEPS_CONFIGURATION}
    assert lacking == (set() if profile is SDK_6 else unpromised)
    assert all("contract section" in (profile.lacks(need) or "") for need in lacking)


def test_the_newest_is_expected_where_nothing_is_said() -> None:
    assert NEWEST is PROFILES[-1]
    assert NEWEST.announces == PIN_KINDS


def test_a_profile_is_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        SDK_6.name = "7"  # type: ignore[misc]
