from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.phone.android.screen_lock import ScreenLock
from lab.phone.android.settings_app import INSTALL, SECURITY, SETTINGS, TRUSTED, SettingsActivity
from lab.phone.android.user_cas import DOWNLOADS, NoAuthority, UserCas
from lab.phone.files import PhoneFiles
from lab.phone.installed import make_screen
from lab.phone.node import HEIGHT, Node
from lab.phone.state import PhoneState
from lab.phone.trust import USER_STORE
from lab.phone.ui import Screen
from lab.pki.hierarchy import LabPki
from lab.pki.store_names import subject_hash_old
from tests.phone.scripted import ScriptedSdk, make_phone

PACKAGE = "com.android.settings"
PICKER = "com.google.android.documentsui"


@pytest.fixture(scope="module")
def pki() -> LabPki:
    return LabPki()


@pytest.fixture
def phone(tmp_path: Path) -> PhoneState:
    return make_phone(tmp_path)


@pytest.fixture
def screen(phone: PhoneState) -> Iterator[Screen]:
    screen = make_screen(phone, ScriptedSdk())
    yield screen
    screen.close()


def seen(screen: Screen) -> list[str]:
    return [n.text or n.content_desc for n in screen.snapshot().walk() if n.text or n.content_desc]


def parents(root: Node) -> Iterator[tuple[Node, Node | None]]:
    """Yield each node with the nearest one at or around it that takes touches."""

    def below(node: Node, taker: Node | None) -> Iterator[tuple[Node, Node | None]]:
        taker = node if node.clickable else taker
        yield node, taker
        for child in node.children:
            yield from below(child, taker)

    yield from below(root, None)


def tap(screen: Screen, text: str) -> None:
    """Touch what reads like ``text``, the way that a finger does."""
    for node, taker in parents(screen.snapshot()):
        if text in (node.text, node.content_desc) and taker is not None:
            assert screen.tap(taker.key)
            return
    raise AssertionError(f"{text!r} is not among {seen(screen)}")


def download(phone: PhoneState, name: str, certificate: x509.Certificate) -> None:
    phone.files.write(f"{DOWNLOADS}/{name}", certificate.public_bytes(Encoding.PEM))


def to_warning(screen: Screen) -> None:
    screen.launch("", action=SECURITY)
    for text in ("More security & privacy", "Encryption & credentials"):
        tap(screen, text)
    tap(screen, "Install a certificate")
    tap(screen, "CA certificate")
    assert "Your data won't be private" in seen(screen)


def to_file(screen: Screen, name: str) -> None:
    to_warning(screen)
    tap(screen, "Install anyway")
    tap(screen, "Show roots")
    tap(screen, "Downloads")
    assert screen.snapshot().package == PICKER
    tap(screen, name)


@pytest.mark.parametrize("component", [PACKAGE, f"{PACKAGE}/.Settings", ""])
def test_it_is_opened_like_any_settings(screen: Screen, component: str) -> None:
    screen.launch(component, action="" if component else SETTINGS)
    front = screen.foreground
    assert type(front) is SettingsActivity
    assert seen(screen)[:2] == ["Settings", "Network & internet"]


def test_what_does_not_fit_is_scrolled_to(screen: Screen) -> None:
    screen.launch(PACKAGE)
    assert "About phone" not in seen(screen)
    assert any(node.scrollable for node in screen.snapshot().walk())
    while screen.scroll(down=True):
        pass
    assert "About phone" in seen(screen)
    tap(screen, "Security & privacy")
    screen.back()
    assert screen.scroll(down=False) is False
    assert seen(screen)[1] == "Network & internet"
    assert all(0 <= n.bounds[1] <= n.bounds[3] <= HEIGHT for n in screen.snapshot().walk())


def test_a_ca_is_installed_by_hand(screen: Screen, phone: PhoneState, pki: LabPki) -> None:
    download(phone, "lab.crt", pki.user_root.certificate)
    to_file(screen, "lab.crt")
    front = screen.foreground
    assert front is not None
    assert front.toast == "CA certificate installed"
    assert phone.files.names(USER_STORE) == (f"{subject_hash_old(pki.user_root.certificate)}.0",)
    assert pki.user_root.der in phone.trust_anchors(user_store=True)
    # A second time it is there already.
    to_file(screen, "lab.crt")
    assert len(phone.files.names(USER_STORE)) == 1


def test_certificates_of_one_name_get_numbers(phone: PhoneState, pki: LabPki) -> None:
    other = LabPki()
    cas = UserCas(phone.files)
    for name, root in (("a.crt", pki.user_root), ("b.crt", other.user_root)):
        download(phone, name, root.certificate)
        cas.install(name)
    stem = subject_hash_old(pki.user_root.certificate)
    assert phone.files.names(USER_STORE) == (f"{stem}.0", f"{stem}.1")
    both = {pki.user_root.der, other.user_root.der}
    assert both <= set(phone.trust_anchors(user_store=True))


def test_a_removed_ca_leaves_no_gap(phone: PhoneState) -> None:
    """Numbers are read up to the first gap: the others must not go with it."""
    roots = [LabPki().user_root for _ in range(3)]
    cas = UserCas(phone.files)
    for root in roots:
        download(phone, "a.crt", root.certificate)
        cas.install("a.crt")
    stem = f"{subject_hash_old(roots[0].certificate)}"
    entries = cas.installed()
    assert [entry.path for entry in entries] == [f"{USER_STORE}/{stem}.{n}" for n in range(3)]
    cas.remove(entries[1])
    trusted = phone.trust_anchors(user_store=True)
    assert [root.der in trusted for root in roots] == [True, False, True]
    assert len(cas.installed()) == 2
    cas.remove(entries[2])
    assert phone.files.names(USER_STORE) == (f"{stem}.0",)
    cas.remove(entries[2])
    cas.remove(entries[0])
    assert phone.files.names(USER_STORE) == ()


def test_a_ca_is_removed_by_hand(screen: Screen, phone: PhoneState, pki: LabPki) -> None:
    download(phone, "lab.crt", pki.user_root.certificate)
    UserCas(phone.files).install("lab.crt")
    screen.launch(PACKAGE, action=TRUSTED)
    assert seen(screen)[-2:] == ["TrustPin MITM Lab", "Lab User Root"]
    tap(screen, "Lab User Root")
    shown = " ".join(seen(screen))
    assert "Issued to: Lab User Root" in shown
    tap(screen, "OK")
    assert phone.files.names(USER_STORE) != ()
    tap(screen, "Lab User Root")
    tap(screen, "Uninstall")
    tap(screen, "Cancel")
    tap(screen, "Uninstall")
    tap(screen, "OK")
    assert phone.files.names(USER_STORE) == ()
    assert seen(screen)[-1] == "User"


def test_the_systems_cas_are_listed_and_stay(tmp_path: Path, pki: LabPki) -> None:
    phone = PhoneState(
        tmp_path / "home", tmp_path / "air", factory_anchors=[pki.public_root.certificate]
    )
    screen = make_screen(phone, ScriptedSdk())
    screen.launch(PACKAGE, action=TRUSTED)
    tap(screen, "System")
    assert seen(screen)[-1] == "Lab Public Root"
    row = next(t for n, t in parents(screen.snapshot()) if n.text == "Lab Public Root")
    assert row is None
    screen.close()


def test_one_can_decide_otherwise(screen: Screen, phone: PhoneState) -> None:
    to_warning(screen)
    tap(screen, "Don't install")
    assert "CA certificate" in seen(screen)
    to_warning(screen)
    tap(screen, "Install anyway")
    screen.back()
    assert "CA certificate" in seen(screen)
    for _ in range(4):
        screen.back()
    assert seen(screen)[0] == "Settings"
    screen.back()
    assert screen.foreground is None
    assert phone.files.names(USER_STORE) == ()


def test_up_is_back(screen: Screen) -> None:
    screen.launch("", action=SECURITY)
    tap(screen, "More security & privacy")
    tap(screen, "Navigate up")
    assert "Security & privacy" in seen(screen)
    tap(screen, "Navigate up")
    assert seen(screen)[0] == "Settings"


def test_the_pin_is_asked_for(screen: Screen, phone: PhoneState, pki: LabPki) -> None:
    download(phone, "lab.crt", pki.user_root.certificate)
    ScreenLock(phone.files).set("1357")
    to_warning(screen)
    tap(screen, "Install anyway")
    field = next(n for n in screen.snapshot().walk() if n.password)
    screen.set_text(field.key, "9999")
    screen.enter()
    front = screen.foreground
    assert front is not None
    assert front.toast == "Wrong PIN"
    assert screen.node(field.key).text == ""
    screen.set_text(field.key, "1357")
    screen.enter()
    assert screen.snapshot().package == PICKER


@pytest.mark.parametrize("pin", ["", "123", "1" * 18, "12a4", "１２３４"])  # noqa: RUF001
def test_what_is_no_pin(phone: PhoneState, pin: str) -> None:
    lock = ScreenLock(phone.files)
    with pytest.raises(ValueError, match="4 to 17 digits"):
        lock.set(pin)
    assert not lock.is_set
    assert lock.fits("")


def test_a_pin_stays_and_goes(phone: PhoneState) -> None:
    ScreenLock(phone.files).set("2468")
    lock = ScreenLock(phone.files)
    assert lock.is_set
    assert lock.fits("2468")
    assert not lock.fits("")
    assert not lock.fits("2469")
    lock.clear()
    lock.clear()
    assert not lock.is_set


def test_other_apps_may_not_install_a_ca(screen: Screen, tmp_path: Path, pki: LabPki) -> None:
    screen.launch("", action=INSTALL)
    said = "CA certificates can put your privacy at risk and must be installed in Settings"
    assert said in seen(screen)
    tap(screen, "Close")
    assert seen(screen)[0] == "Settings"
    # On Android 10 they may.
    phone = make_phone(tmp_path / "old")
    download(phone, "lab.crt", pki.user_root.certificate)
    old = make_screen(phone, ScriptedSdk(), release=10)
    old.launch("", action=INSTALL)
    tap(old, "Show roots")
    tap(old, "Downloads")
    tap(old, "lab.crt")
    assert "Name the certificate" in seen(old)
    tap(old, "OK")
    assert len(phone.files.names(USER_STORE)) == 1
    old.close()


CONTENTS = st.one_of(
    st.binary(max_size=60),
    st.sampled_from(
        [
            b"-----BEGIN CERTIFICATE-----\n",
            b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            b"\x30\x82\x00\x00",
        ]
    ),
)


@settings(max_examples=50, deadline=None)
@given(CONTENTS)
def test_no_file_breaks_the_installer(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    files = PhoneFiles(tmp_path_factory.mktemp("phone"))
    files.write(f"{DOWNLOADS}/x.crt", content)
    files.write(f"{USER_STORE}/x.0", content)
    cas = UserCas(files)
    with pytest.raises(NoAuthority):
        cas.install("x.crt")
    assert cas.installed() == []


def test_a_leaf_is_no_ca(screen: Screen, phone: PhoneState, pki: LabPki) -> None:
    download(phone, "leaf.crt", pki.genuine("api.acme.test").certificate)
    to_file(screen, "leaf.crt")
    assert seen(screen)[:2] == [
        "Can't install CA certificate",
        "The certificate is not that of a CA.",
    ]
    tap(screen, "OK")
    assert "CA certificate" in seen(screen)
    assert phone.files.names(USER_STORE) == ()


def test_a_store_full_of_one_name_is_said_to_be(
    phone: PhoneState, pki: LabPki, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lab.phone.android.user_cas.MAX_ANCHORS", 2)
    stem = subject_hash_old(pki.user_root.certificate)
    for number in range(2):
        phone.files.write(f"{USER_STORE}/{stem}.{number}", pki.rogue_root.der)
    download(phone, "a.crt", pki.user_root.certificate)
    with pytest.raises(NoAuthority, match="too many"):
        UserCas(phone.files).install("a.crt")
