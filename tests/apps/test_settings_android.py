from __future__ import annotations

from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from lab.apps.android import NotOnScreen
from lab.apps.settings_android import PACKAGE, AndroidSettingsApp
from lab.phone.android.screen_lock import ScreenLock
from lab.phone.android.system import AndroidSystem
from lab.phone.android.user_cas import DOWNLOADS
from lab.phone.android.webdriver import WebDriver
from lab.phone.installed import make_screen
from lab.phone.trust import USER_STORE
from lab.pki.hierarchy import LabPki
from lab.pki.store_names import subject_hash_old
from tests.patience import CAP
from tests.phone.android.webdriver.rigs import Rig

NAME = "Lab User Root"


@pytest.fixture(scope="module")
def pki() -> LabPki:
    return LabPki()


class PhoneRig(Rig):
    """A phone of a given Android version."""

    def __init__(self, folder: Path, release: int) -> None:
        super().__init__(folder)
        self.screen.close()
        self.endpoint.close()
        self.screen = make_screen(self.phone, self.sdk, release=release)
        self.system = AndroidSystem(self.phone, self.screen)
        self.endpoint = WebDriver(self.system, request_cap=CAP)
        self._stack.callback(self.screen.close)
        self._stack.callback(self.endpoint.close)


def download(rig: Rig, name: str, certificate: x509.Certificate | bytes) -> None:
    content = (
        certificate if isinstance(certificate, bytes) else certificate.public_bytes(Encoding.PEM)
    )
    rig.phone.files.write(f"{DOWNLOADS}/{name}", content)


@pytest.mark.parametrize("release", [10, 11, 12, 13, 14, 16])
def test_a_ca_comes_and_goes(tmp_path: Path, pki: LabPki, release: int) -> None:
    with PhoneRig(tmp_path, release) as rig:
        root = pki.user_root
        download(rig, "lab.crt", root.certificate)
        settings = AndroidSettingsApp(rig.driver())
        assert settings.user_cas() == []
        settings.install_ca(NAME, "lab.crt")
        file = f"{USER_STORE}/{subject_hash_old(root.certificate)}.0"
        assert rig.phone.files.read(file) == root.der
        assert root.der in rig.phone.trust_anchors(user_store=True)
        assert root.der not in rig.phone.trust_anchors(user_store=False)
        assert settings.user_cas() == [NAME]
        settings.remove_ca(NAME)
        assert settings.user_cas() == []
        assert root.der not in rig.phone.trust_anchors(user_store=True)
        assert not rig.screen.running(PACKAGE)


def test_the_screen_locks_pin_is_asked_for(tmp_path: Path, pki: LabPki) -> None:
    with Rig(tmp_path) as rig:
        download(rig, "lab.pem", pki.user_root.certificate)
        ScreenLock(rig.phone.files).set("2468")
        driver = rig.driver()
        with pytest.raises(NotOnScreen, match="unlock_pin"):
            AndroidSettingsApp(driver).install_ca(NAME, "lab.pem")
        with pytest.raises(NotOnScreen, match="does not take the PIN"):
            AndroidSettingsApp(driver, pin="1111").install_ca(NAME, "lab.pem")
        AndroidSettingsApp(driver, pin="2468").install_ca(NAME, "lab.pem")
        assert pki.user_root.der in rig.phone.trust_anchors(user_store=True)


def test_several_cas_stay_apart(rig: Rig, pki: LabPki) -> None:
    settings = AndroidSettingsApp(rig.driver())
    roots = {
        "Lab User Root": pki.user_root,
        "Lab Rogue Root": pki.rogue_root,
        "Lab Public Root": pki.public_root,
    }
    for name, root in roots.items():
        download(rig, "ca.cer", root.certificate)
        settings.install_ca(name, "ca.cer")
    assert sorted(settings.user_cas()) == sorted(roots)
    settings.remove_ca("Lab Rogue Root")
    assert sorted(settings.user_cas()) == ["Lab Public Root", "Lab User Root"]
    settings.remove_ca("Lab Rogue Root")


def test_a_ca_further_down_is_found_by_scrolling(rig: Rig, pki: LabPki) -> None:
    for number in range(30):
        rig.phone.files.write(f"{USER_STORE}/{number:08}.0", pki.rogue_root.der)
    rig.phone.files.write(f"{USER_STORE}/ffffffff.0", pki.user_root.der)
    settings = AndroidSettingsApp(rig.driver())
    assert settings.user_cas() == ["Lab Rogue Root", NAME]
    settings.remove_ca(NAME)
    assert len(rig.phone.files.names(USER_STORE)) == 30


@pytest.mark.parametrize(
    ("content", "why"),
    [(b"rubbish", "no certificate"), (b"", "no certificate"), (None, "not that of a CA")],
)
def test_what_is_no_ca_is_refused(rig: Rig, pki: LabPki, content: bytes | None, why: str) -> None:
    leaf = pki.genuine("api.acme.test").certificate
    download(rig, "x.crt", leaf if content is None else content)
    settings = AndroidSettingsApp(rig.driver())
    with pytest.raises(NotOnScreen, match=why):
        settings.install_ca("api.acme.test", "x.crt")
    assert rig.phone.files.names(USER_STORE) == ()


def test_a_file_that_is_not_there_is_said_to_be_missing(rig: Rig) -> None:
    settings = AndroidSettingsApp(rig.driver())
    with pytest.raises(NotOnScreen, match=r"'lab\.crt' is not offered: .*No items"):
        settings.install_ca(NAME, "lab.crt")


def test_another_ca_than_the_one_wanted_is_not_taken_for_it(rig: Rig, pki: LabPki) -> None:
    download(rig, "lab.crt", pki.rogue_root.certificate)
    with pytest.raises(NotOnScreen, match="'Lab User Root' is not among the user's CAs"):
        AndroidSettingsApp(rig.driver()).install_ca(NAME, "lab.crt")


def test_only_certificates_are_offered(rig: Rig, pki: LabPki) -> None:
    for name in ("notes.txt", "lab.DER", "lab"):
        download(rig, name, pki.user_root.der)
    settings = AndroidSettingsApp(rig.driver())
    with pytest.raises(NotOnScreen, match=r"'notes\.txt' is not offered"):
        settings.install_ca(NAME, "notes.txt")
    settings.install_ca(NAME, "lab.DER")


def test_other_words_than_those_of_the_table_are_quoted(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lab.phone.android.settings_app.ENCRYPTION", "Verschlüsselung")
    settings = AndroidSettingsApp(rig.driver())
    with pytest.raises(NotOnScreen) as raised:
        settings.user_cas()
    said = str(raised.value)
    assert "'Encryption & credentials'" in said
    assert "Verschlüsselung" in said
    assert "settings_words.py" in said
