from __future__ import annotations

import io
import plistlib
import zipfile

import pytest

from lab.phone.ios.lockdown.handset import InstallRefused
from lab.phone.ios.lockdown.ipa import describe
from tests.phone.ios.cable import Cable
from tests.phone.ios.peer import Message, Peer
from tests.phone.ios.plugged import OpenService

NAME = "com.apple.mobile.installation_proxy"
INFO: Message = {
    "CFBundleIdentifier": "com.acme.demo",
    "CFBundleName": "Demo",
    "CFBundleDisplayName": "The Demo",
    "CFBundleExecutable": "Demo",
    "CFBundleVersion": "12",
    "CFBundleShortVersionString": "1.2",
    "CFBundleSupportedPlatforms": ["iPhoneOS"],
    "MinimumOSVersion": "15.0",
    "UIDeviceFamily": [1],
}


def ipa(info: Message | bytes = INFO, where: str = "Payload/Demo.app/Info.plist") -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr(where, info if isinstance(info, bytes) else plistlib.dumps(info))
        archive.writestr("Payload/Demo.app/Demo", b"code")
    return content.getvalue()


def staged(cable: Cable, content: bytes) -> str:
    cable.handset.files.write("/private/var/mobile/Media/PublicStaging/a.ipa", content)
    return "PublicStaging/a.ipa"


@pytest.fixture
def proxy(service: OpenService) -> Peer:
    return service(NAME)


def told(peer: Peer, **request: object) -> list[Message]:
    """Return all answers to a request, down to the last."""
    peer.send(request)
    answers = [peer.message()]
    while "Error" not in answers[-1] and answers[-1].get("Status") != "Complete":
        answers.append(peer.message())
    return answers


def ids(answers: list[Message]) -> list[str]:
    return [app["CFBundleIdentifier"] for each in answers for app in each.get("CurrentList", [])]


def test_look_up(proxy: Peer) -> None:
    options: Message = {"BundleIDs": ["cloud.trustpin.TestApp", "none"]}
    (answer,) = told(proxy, Command="Lookup", ClientOptions=options)
    assert list(answer["LookupResult"]) == ["cloud.trustpin.TestApp"]
    app = answer["LookupResult"]["cloud.trustpin.TestApp"]
    assert (app["CFBundleShortVersionString"], app["CFBundleVersion"]) == ("1.4", "7")
    assert (app["ApplicationType"], app["CFBundleExecutable"]) == ("User", "TestApp")
    # As it comes over RemoteXPC.
    options = {
        "BundleIDs": ["com.apple.mobilesafari"],
        "returnAttributes": ["CFBundleName", "None"],
        "applicationType": "",
    }
    (answer,) = told(proxy, Command="Lookup", ClientOptions=options)
    assert answer["LookupResult"] == {"com.apple.mobilesafari": {"CFBundleName": "Safari"}}
    (answer,) = told(proxy, Command="Lookup")
    assert len(answer["LookupResult"]) == 2


def test_browse(proxy: Peer) -> None:
    user, system = "cloud.trustpin.TestApp", "com.apple.mobilesafari"
    for options, expected in (
        ({"ApplicationType": "User"}, [user]),
        ({"ApplicationType": "System"}, [system]),
        ({"ApplicationType": "Any"}, [user, system]),
        ({}, [user, system]),
    ):
        answers = told(proxy, Command="Browse", ClientOptions=options)
        assert ids(answers) == expected
        assert answers[-1] == {"Status": "Complete"}
        assert answers[0]["Total"] == len(expected)


def test_many_apps_come_in_pages(proxy: Peer, cable: Cable) -> None:
    for number in range(50):
        app = describe({**INFO, "CFBundleIdentifier": f"com.acme.n{number:02}"})
        cable.handset.apps.by_id[app.bundle_id] = app
    answers = told(proxy, Command="Browse", ClientOptions={"ApplicationType": "User"})
    assert len(ids(answers)) == 51
    assert [each["CurrentAmount"] for each in answers[:-1]] == [20, 20, 11]


@pytest.mark.parametrize("command", ["Install", "Upgrade"])
def test_install(proxy: Peer, cable: Cable, command: str) -> None:
    content = ipa()
    answers = told(proxy, Command=command, PackagePath=staged(cable, content))
    assert answers[-1] == {"Status": "Complete"}
    percents = [each["PercentComplete"] for each in answers[:-1]]
    assert percents == sorted(percents) != []
    assert cable.handset.apps.contents["com.acme.demo"] == content
    (answer,) = told(proxy, Command="Lookup", ClientOptions={"BundleIDs": ["com.acme.demo"]})
    app = answer["LookupResult"]["com.acme.demo"]
    assert (app["CFBundleDisplayName"], app["MinimumOSVersion"]) == ("The Demo", "15.0")
    assert not cable.handset.files.exists("/private/var/mobile/Media/PublicStaging/a.ipa")


def test_uninstall(proxy: Peer, cable: Cable) -> None:
    answers = told(proxy, Command="Uninstall", ApplicationIdentifier="cloud.trustpin.TestApp")
    assert answers[-1] == {"Status": "Complete"}
    assert "cloud.trustpin.TestApp" not in cable.handset.apps.by_id
    (*_, answer) = told(proxy, Command="Uninstall", ApplicationIdentifier="com.apple.mobilesafari")
    assert answer == {"Error": "APIInternalError", "ErrorDescription": "it belongs to iOS"}
    (answer,) = told(proxy, Command="Uninstall")
    assert answer["Error"] == "APIInternalError"


def encrypted() -> bytes:
    made = bytearray(ipa())
    at = made.rindex(b"PK\1\2")
    first = made.index(b"PK\1\2")
    made[first + 8] |= 1
    assert at != first
    made[6] |= 1
    return bytes(made)


REFUSED = (
    (b"no archive", "PackageExtractionFailed"),
    (ipa()[:-10], "PackageExtractionFailed"),
    (encrypted(), "PackageExtractionFailed"),
    (ipa(where="Info.plist"), "PackageInspectionFailed"),
    (ipa(where="Payload/../Demo.app/x/Info.plist"), "PackageInspectionFailed"),
    (ipa(b"no list"), "PackageInspectionFailed"),
    (ipa(bytes(2_000_000)), "PackageInspectionFailed"),
    (ipa({**INFO, "CFBundleIdentifier": "../x"}), "PackageInspectionFailed"),
    (ipa({**INFO, "CFBundleIdentifier": "a" * 300}), "PackageInspectionFailed"),
    (ipa({**INFO, "CFBundleExecutable": "a/b"}), "PackageInspectionFailed"),
    (
        ipa({k: v for k, v in INFO.items() if k != "CFBundleExecutable"}),
        "PackageInspectionFailed",
    ),
    (
        ipa({**INFO, "CFBundleSupportedPlatforms": ["iPhoneSimulator"]}),
        "DeviceNotSupportedByThinning",
    ),
    (ipa({**INFO, "CFBundleIdentifier": "not.allowed"}), "ApplicationVerificationFailed"),
)


def test_what_cannot_be_installed(proxy: Peer, cable: Cable) -> None:
    for number, (content, error) in enumerate(REFUSED):
        (*_, answer) = told(proxy, Command="Install", PackagePath=staged(cable, content))
        assert answer["Error"] == error, number
    assert len(cable.handset.apps.by_id) == 2
    # The connection is none the worse for it.
    assert told(proxy, Command="Browse")[-1] == {"Status": "Complete"}


def test_packages_that_are_not_there(proxy: Peer) -> None:
    climbing = "../../../../../etc/passwd"
    for path in ("", "/", "none.ipa", "PublicStaging", climbing, "a" * 300, "a" * 3000):
        (answer,) = told(proxy, Command="Install", PackagePath=path)
        assert answer["Error"] == "InvalidPackagePath", path


def test_a_command_that_is_none(proxy: Peer) -> None:
    assert told(proxy, Command="Dance")[0]["Error"] == "UnknownCommand"
    assert told(proxy)[0]["Error"] == "UnknownCommand"


def test_what_an_app_says_of_itself() -> None:
    least: Message = {
        "CFBundleIdentifier": "a.b",
        "CFBundleExecutable": "B",
        "CFBundleVersion": "3",
    }
    app = describe(least)
    assert (app.name, app.version, app.build, app.system) == ("a.b", "3", "3", False)
    with pytest.raises(InstallRefused, match="no CFBundleIdentifier"):
        describe({})


@pytest.fixture
def observer(service: OpenService) -> Peer:
    return service("com.apple.mobile.notification_proxy")


def test_installations_are_notified_of(
    proxy: Peer, observer: Peer, service: OpenService, cable: Cable
) -> None:
    installed = "com.apple.mobile.application_installed"
    observer.send({"Command": "ObserveNotification", "Name": installed})
    observer.send({"Command": "ObserveNotification", "Name": installed})
    assert told(proxy, Command="Install", PackagePath=staged(cable, ipa()))[-1]["Status"]
    assert observer.message() == {"Command": "RelayNotification", "Name": installed}
    # One that asks only now hears of it, too.
    late = service("com.apple.mobile.notification_proxy")
    late.send({"Command": "ObserveNotification", "Name": installed})
    assert late.message()["Name"] == installed
    # Nobody was told twice, or of something else.
    told(proxy, Command="Uninstall", ApplicationIdentifier="com.acme.demo")
    observer.send({"Command": "Shutdown"})
    assert observer.message() == {"Command": "ProxyDeath"}
    assert observer.was_closed()
