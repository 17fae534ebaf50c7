"""Root, trust stores and mount namespaces together: what it takes to make apps trust a CA."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from lab.phone.android.access import RootMode
from lab.phone.files import FileError
from lab.phone.trust import APEX_STORE, SYSTEM_STORE, USER_STORE
from lab.pki.hierarchy import LabPki
from tests.phone.android.rooted import APP, BROWSER, Rooted

Start = Callable[..., Rooted]
COPY = "/data/local/tmp/copy"
OLD, NEW = "13", "14"


@pytest.fixture
def start(tmp_path: Path, pki: LabPki) -> Iterator[Start]:
    with ExitStack() as stack:

        def started(android: str = NEW, root: RootMode = RootMode.ADBD) -> Rooted:
            factory = [pki.public_root.certificate]
            phone = Rooted(tmp_path, android=android, root=root, factory=factory)
            stack.callback(phone.close)
            return phone

        yield started


def copied(phone: Rooted, pki: LabPki, store: str) -> None:
    """Make a copy of a store with a CA added."""
    phone.done(f"mkdir -m 755 {COPY} && cp {store}/* {COPY}/")
    phone.push(pki.compromised_root, COPY)


def bind_for(phone: Rooted, *names: str) -> None:
    """Mount the copy over the APEX's store for processes of these names."""
    for name in names:
        phone.done(
            f"for p in $(pidof {name}); do "
            f"nsenter --mount=/proc/$p/ns/mnt -- mount --bind {COPY} {APEX_STORE}; done"
        )


# Which store counts.


@pytest.mark.parametrize("android", ["10", OLD])
def test_up_to_13_a_ca_pushed_into_the_system_store_is_trusted(
    android: str, start: Start, pki: LabPki
) -> None:
    phone = start(android)
    factory = {pki.public_root.der}
    assert phone.trusted(BROWSER) == phone.trusted(APP) == factory
    with pytest.raises(FileError, match="Read-only file system"):
        phone.push(pki.compromised_root, SYSTEM_STORE)
    phone.done("mount -o rw,remount /")
    path = phone.push(pki.compromised_root, SYSTEM_STORE)
    wanted = factory | {pki.compromised_root.der}
    assert phone.trusted(BROWSER) == phone.trusted(APP) == wanted
    phone.done(f"chmod 600 {path}")
    assert phone.trusted(BROWSER) == phone.trusted(APP) == factory


def test_from_14_on_the_system_store_does_nothing(start: Start, pki: LabPki) -> None:
    phone = start()
    phone.done("mount -o rw,remount /")
    phone.push(pki.compromised_root, SYSTEM_STORE)
    assert phone.trusted(APP) == phone.trusted(BROWSER) == {pki.public_root.der}
    with pytest.raises(FileError, match="Read-only file system"):
        phone.push(pki.compromised_root, APEX_STORE)
    # The image of the APEX cannot be made writable.
    out, err, code = phone(f"mount -o rw,remount {APEX_STORE.rpartition('/')[0]}")
    assert (out, code) == ("", 1)
    assert err.endswith(": Read-only file system\n")


def test_both_stores_hold_what_the_phone_ships_with(start: Start) -> None:
    phone = start()
    assert phone.done(f"ls {SYSTEM_STORE}") == phone.done(f"ls {APEX_STORE}") != ""


def test_the_user_store_is_for_who_wants_it(start: Start, pki: LabPki) -> None:
    phone = start()
    phone.push(pki.user_root, USER_STORE)
    assert phone.trusted(BROWSER) == {pki.public_root.der}
    assert phone.trusted(BROWSER, user_store=True) == {pki.public_root.der, pki.user_root.der}


# Mount namespaces.


def test_a_mount_over_the_system_store_is_seen_by_apps_that_run(start: Start, pki: LabPki) -> None:
    """Up to 13, what is mounted in init's namespace is seen in all that follow it."""
    phone = start(OLD)
    assert phone.trusted(APP) == {pki.public_root.der}
    copied(phone, pki, SYSTEM_STORE)
    phone.done(f"mount -t tmpfs tmpfs {SYSTEM_STORE}")
    assert phone.trusted(APP) == set()
    phone.done(f"cp {COPY}/* {SYSTEM_STORE}/; chmod 644 {SYSTEM_STORE}/*")
    wanted = {pki.public_root.der, pki.compromised_root.der}
    assert phone.trusted(APP) == phone.trusted(BROWSER) == wanted
    phone.done(f"umount {SYSTEM_STORE}")
    assert phone.trusted(APP) == phone.trusted(BROWSER) == {pki.public_root.der}


def test_a_mount_over_the_apex_is_seen_only_where_it_is_made(start: Start, pki: LabPki) -> None:
    phone = start()
    factory, wanted = {pki.public_root.der}, {pki.public_root.der, pki.compromised_root.der}
    assert phone.trusted(APP) == factory
    copied(phone, pki, APEX_STORE)
    phone.done(f"mount --bind {COPY} {APEX_STORE}")
    assert phone.done(f"ls {APEX_STORE}") == phone.done(f"ls {COPY}")
    assert phone.trusted(APP) == phone.trusted(BROWSER) == factory
    # In zygote's namespace: for apps that are started from now on.
    bind_for(phone, "zygote64")
    assert (phone.trusted(APP), phone.trusted(BROWSER)) == (factory, factory)
    phone.screen.stop(BROWSER)
    assert (phone.trusted(APP), phone.trusted(BROWSER)) == (factory, wanted)
    # In the app's own namespace: for the app.
    bind_for(phone, APP)
    assert phone.trusted(APP) == wanted
    phone.screen.stop(APP)
    assert phone.trusted(APP) == wanted
    for name in ("zygote64", APP, BROWSER):
        phone.done(f"nsenter -t $(pidof {name}) -m -- umount {APEX_STORE}")
    assert phone.trusted(APP) == phone.trusted(BROWSER) == factory


def test_the_known_recipe(start: Start, pki: LabPki) -> None:
    """As tools for rooted phones do it: a tmpfs over the system store, which is mounted over the
    APEX's for zygote and for all that came from it."""
    phone = start(root=RootMode.SU)
    assert phone.trusted(APP) == phone.trusted(BROWSER) == {pki.public_root.der}
    path = phone.push(pki.compromised_root, "/data/local/tmp")
    script = f"""
        mkdir -m 700 /data/local/tmp/tmp-ca
        cp {APEX_STORE}/* /data/local/tmp/tmp-ca/
        mount -t tmpfs tmpfs {SYSTEM_STORE}
        mv /data/local/tmp/tmp-ca/* {SYSTEM_STORE}/
        cp {path} {SYSTEM_STORE}/
        chown root:root {SYSTEM_STORE}/*
        chmod 644 {SYSTEM_STORE}/*
        chcon u:object_r:system_file:s0 {SYSTEM_STORE}/*
        for z in $(pidof zygote64); do
            nsenter --mount=/proc/$z/ns/mnt -- /system/bin/mount --bind {SYSTEM_STORE} {APEX_STORE}
        done
        for p in $(ps -A -o PID,PPID | grep " $(pidof zygote64)\\$" | cut -d' ' -f1) $APPS; do
            nsenter --mount=/proc/$p/ns/mnt -- mount --bind {SYSTEM_STORE} {APEX_STORE}
        done
        rm -r /data/local/tmp/tmp-ca
    """
    apps = phone.done(f"pidof {APP} {BROWSER}").split()
    phone(f"APPS='{' '.join(apps)}' su -c {quoted(script)}")
    wanted = {pki.public_root.der, pki.compromised_root.der}
    assert phone.trusted(APP) == phone.trusted(BROWSER) == wanted
    for package in (APP, BROWSER):
        phone.screen.stop(package)
        assert phone.trusted(package) == wanted


def quoted(script: str) -> str:
    return "'" + script.replace("'", "'\\''") + "'"


def test_what_processes_see_is_shown(start: Start) -> None:
    phone = start()
    phone.screen.launch(APP)
    (pid,) = phone.system.processes.pids(APP)
    phone.done(f"mkdir {COPY}; mount -t tmpfs -o mode=755,size=1M lab {COPY}")
    assert f"lab {COPY} tmpfs rw,relatime 0 0\n" in phone.done("cat /proc/mounts")
    assert f"lab on {COPY} type tmpfs (rw,relatime)\n" in phone.done("mount")
    assert phone.done(f"cat /proc/{pid}/mounts") == phone.done("cat /proc/self/mounts")
    phone.done(f"nsenter -t {pid} -m umount {COPY}")
    assert phone.done(f"grep -c {COPY} /proc/1/mountinfo") == "1\n"
    assert phone(f"grep -c {COPY} /proc/{pid}/mountinfo")[0] == "0\n"
    assert phone.done(f"stat -c %a {COPY}") == "755\n"
    ours, theirs = phone.done(f"readlink /proc/self/ns/mnt /proc/{pid}/ns/mnt").splitlines()
    assert ours != theirs
    # A daemon of the system sees what init does.
    daemon = phone.done("pidof logd").strip()
    assert phone.done(f"readlink /proc/{daemon}/ns/mnt").strip() == ours
    phone.done(f"nsenter -t {daemon} -m -- umount {COPY}")
    assert phone(f"grep -c {COPY} /proc/self/mounts")[0] == "0\n"


def test_a_file_system_in_memory_is_empty_and_goes(start: Start) -> None:
    phone = start()
    volumes = phone.phone.files.host_path("/").with_name("files-volumes")
    phone.done(f"mkdir {COPY}; echo a > {COPY}/a; mount -t tmpfs tmpfs {COPY}")
    assert phone.done(f"ls {COPY}; echo b > {COPY}/b; cat {COPY}/b; ls {COPY}") == "b\nb\n"
    assert phone(f"rm -r {COPY}")[1] == f"rm: {COPY}: Device or resource busy\n"
    assert len(list(volumes.iterdir())) == 1
    phone.done(f"umount {COPY}")
    assert phone.done(f"ls {COPY}") == "a\n"
    assert list(volumes.iterdir()) == []


def test_a_file_may_be_mounted_over_a_file(start: Start) -> None:
    phone = start()
    phone.done("echo a > /data/a; echo b > /data/b; mount --bind /data/b /data/a")
    assert phone.done(
        "cat /data/a; echo c > /data/a; cat /data/b; umount /data/a; cat /data/a"
    ) == ("b\nc\na\n")


def test_a_lazy_umount_takes_along_what_is_mounted_below(start: Start) -> None:
    phone = start()
    phone.done(
        "mkdir /data/a; mount -t tmpfs a /data/a; mkdir /data/a/b; mount -t tmpfs b /data/a/b"
    )
    assert phone("umount /data/a")[1] == "umount: /data/a: Device or resource busy\n"
    phone.done("umount -l /data/a")
    assert phone.done("ls /data/a") == ""


@pytest.mark.parametrize(
    ("line", "message", "code"),
    [
        ("mount -t tmpfs tmpfs /none", "'tmpfs'->'/none': No such file or directory", 1),
        ("mount --bind /none /data", "'/none'->'/data': No such file or directory", 1),
        ("mount --bind /data /data/file", "'/data'->'/data/file': Not a directory", 1),
        ("mount -t tmpfs tmpfs /data/file", "'tmpfs'->'/data/file': Not a directory", 1),
        ("mount -t ext4 /dev/x /data", "'/dev/x'->'/data': No such device", 1),
        ("mount -o remount,rw /data/local", "'none'->'/data/local': Invalid argument", 1),
        ("mount -o fly tmpfs /data", "this phone's mount has no option 'fly'", 1),
        ("mount -z", "Unknown option 'z'", 1),
        ("mount -o", "Missing argument to -o", 1),
        ("mount --bind", "Needs 1 argument", 1),
        ("umount /data", "/data: Device or resource busy", 1),
        ("umount /data/local", "/data/local: Invalid argument", 1),
        ("umount", "Needs 1 argument", 1),
        ("umount -x /data", "Unknown option 'x'", 1),
        ("nsenter -t 99 -m ls", "Couldn't open /proc/99/ns/mnt: No such file or directory", 1),
        ("nsenter -m ls", "-t PID -m, or --mount=/proc/PID/ns/mnt, is needed", 1),
        ("nsenter -t x -m ls", "bad pid 'x'", 1),
        ("nsenter -t 1 -n ls", "this phone's nsenter has no '-n'", 1),
        ("nsenter --mount=/etc/x ls", "/etc/x: Invalid argument", 1),
    ],
)
def test_mounts_that_cannot_be(start: Start, line: str, message: str, code: int) -> None:
    phone = start()
    phone.done("echo a > /data/file")
    assert phone(line) == ("", f"{line.split()[0]}: {message}\n", code)


def test_a_command_in_a_namespace(start: Start) -> None:
    phone = start()
    assert phone("nsenter -t 1 -m -- sh -c 'exit 3'")[2] == 3
    assert phone("nsenter -t 1 -m", b"echo a\n")[0] == "a\n"
    assert phone.done("nsenter --target=1 --mount whoami") == "root\n"


# Who one is.


def test_a_phone_without_root(start: Start) -> None:
    phone = start(root=RootMode.NONE)
    assert phone.done("id -u; whoami; id -un; id -gn") == "2000\nshell\nshell\nshell\n"
    assert phone.done("id").startswith("uid=2000(shell) gid=2000(shell) groups=1004(input),")
    assert phone("su -c id") == ("", "/system/bin/sh: su: inaccessible or not found\n", 127)
    assert phone.system.access.restart_adbd(root=True) == (
        "adbd cannot run as root in production builds\n"
    )
    assert phone.done("whoami") == "shell\n"
    assert phone.system.access.remount().startswith("Not running as root.")


DENIED = [
    ("mount -o rw,remount /", "Operation not permitted"),
    ("mount -t tmpfs tmpfs /data/local/tmp", "Operation not permitted"),
    ("umount /data", "Operation not permitted"),
    ("nsenter -t 1 -m ls", "Operation not permitted"),
    ("nsenter -t $(pidof zygote64) -m ls", "Permission denied"),
    ("date @1782907200", "Operation not permitted"),
    ("iptables -t nat -S", "Permission denied (you must be root)"),
    (f"ls {USER_STORE}", "Permission denied"),
    (f"echo a > {USER_STORE}/a", "Permission denied"),
    (f"echo a > {SYSTEM_STORE}/a", "Read-only file system"),
    (f"rm {SYSTEM_STORE}/*", "Read-only file system"),
    ("echo a > /data/a", "Permission denied"),
    ("ls /data", "Permission denied"),
    ("ls /data/misc", "Permission denied"),
    ("echo a > /data/misc/a", "Permission denied"),
    ("ls /data/data/cloud.trustpin.android.sample", "Permission denied"),
    ("ls /data/app", "Permission denied"),
    ("chmod 777 /data/local/tmp/roots", "Operation not permitted"),
    ("chown system /data/local/tmp/own", "Operation not permitted"),
    ("chcon x /data/local/tmp/own", "Operation not permitted"),
    ("cat /data/local/tmp/secret", "Permission denied"),
]


@pytest.mark.parametrize("root", [RootMode.NONE, RootMode.SU])
def test_what_the_shell_may_not(start: Start, root: RootMode) -> None:
    phone = start(root=root)
    phone.screen.launch(APP)
    files = phone.phone.files
    files.write("/data/local/tmp/roots", b"1")
    files.write("/data/local/tmp/secret", b"1")
    files.change("/data/local/tmp/secret", mode=0o600)
    phone.done("echo a > /data/local/tmp/own")
    for line, reason in DENIED:
        out, err, code = phone(line)
        assert (out, code != 0, reason in err) == ("", True, True), (line, out, err)


def test_what_the_shell_may(start: Start) -> None:
    phone = start(root=RootMode.NONE)
    for line, out in (
        ("echo a > /data/local/tmp/a; cat /data/local/tmp/a", "a\n"),
        (
            "mkdir /data/local/tmp/d; mv /data/local/tmp/a /data/local/tmp/d; ls /data/local/tmp/d",
            "a\n",
        ),
        ("stat -c '%U:%G %a' /data/local/tmp/d/a; rm -r /data/local/tmp/d", "shell:shell 644\n"),
        (
            "echo a > /sdcard/a; cat /storage/emulated/0/a; rm /storage/self/primary/a",
            "a\n",
        ),
        (f"ls {SYSTEM_STORE} | wc -l", "1\n"),
        ("settings put global a b; settings get global a", "b\n"),
        ("cmd wifi status | head -1", "Wifi is enabled\n"),
        ("date +%Y | wc -c", "5\n"),
        ("cat /proc/self/mounts | grep -c ' / '", "1\n"),
        ("cat /proc/1/mounts 2>/dev/null || echo no", "no\n"),
    ):
        assert phone.done(line) == out


@pytest.mark.parametrize(
    "line",
    [
        "su -c id",
        "su -c 'id'",
        "su -c id -u",
        "su --mount-master -c id",
        "su -mm -c id",
        "su 0 id",
        "su root id",
        "su 0 sh -c id",
        "su root -c id",
        "su - root -c id",
    ],
)
def test_su(start: Start, line: str) -> None:
    out = start(root=RootMode.SU).done(line)
    assert out == "0\n" if line.endswith("-u") else out.startswith("uid=0(root)")


def test_su_in_other_ways(start: Start) -> None:
    phone = start(root=RootMode.SU)
    assert phone("su", b"whoami; exit 4") == ("root\n", "", 4)
    assert phone.done("su shell whoami; su 2000 id -u; su -v") == "shell\n2000\n27.0:MAGISKSU\n"
    assert phone.done("su -c 'su shell -c whoami; whoami'") == "shell\nroot\n"
    assert phone.done("su -c 'echo a > /data/a'; su -c 'cat /data/a'") == "a\n"
    assert phone("su nobody7 id")[1:] == ("su: invalid uid/gid 'nobody7'\n", 1)
    assert phone("su -x")[1:] == ("su: invalid option -- 'x'\n", 2)
    assert phone("su -c")[1:] == ("su: option requires an argument -- c\n", 2)
    assert phone("su -c 'exit 5'")[2] == 5
    # The image of a phone that is sold is verified: root cannot write to it.
    assert phone("su -c 'mount -o rw,remount /'")[1].endswith("Read-only file system\n")
    assert phone("su 10100 su")[1:] == ("su: Permission denied\n", 1)


def test_a_userdebug_image(start: Start) -> None:
    phone = start()
    assert phone.done("whoami; id -u; su 0 id -u; su shell whoami") == "root\n0\n0\nshell\n"
    access = phone.system.access
    assert access.restart_adbd(root=True) == "adbd is already running as root\n"
    assert access.restart_adbd(root=False) == "restarting adbd as non root\n"
    assert access.restart_adbd(root=False) == "adbd is not running as root\n"
    assert phone.done("whoami") == "shell\n"
    assert access.may_write(f"{SYSTEM_STORE}/a", root=True) == "Read-only file system"
    assert access.restart_adbd(root=True) == "restarting adbd as root\n"
    assert access.remount() == "remount succeeded\n"
    assert access.may_write(f"{SYSTEM_STORE}/a", root=True) is None
    assert access.may_write(f"{SYSTEM_STORE}/a", root=False) == "Permission denied"
    assert access.may_write("/data/local/tmp/a", root=False) is None
