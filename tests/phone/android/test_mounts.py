"""Mount tables against a model that keeps, for every path, the stack of what is mounted there."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.phone.android.mounts import MAX_MOUNTS, Mount, MountError, MountTable, factory_mounts
from lab.phone.attributes import Place

ROOT = Mount(1, "/", Place("", "/"), "/dev/root", "ext4")
POINTS = ("/a", "/a/b", "/a/b/c", "/d", "/d/e")
PATHS = (*POINTS, "/", "/a/x", "/a/b/x/y", "/d/e/f", "/ab", "/z")


class Model:
    """A file system tree as Linux keeps it: each mount hangs at a point of another mount."""

    def __init__(self) -> None:
        self.children: dict[tuple[int, str], int] = {}
        self.sources = {1: Place("", "/")}
        self.points = {1: "/"}

    def walk(self, path: str) -> tuple[int, str]:
        """Return the mount in which a path is, and where below its point."""
        mount, inside = 1, ""
        for part in [part for part in path.split("/") if part]:
            inside = f"{inside}/{part}"
            while (mount, inside) in self.children:
                mount, inside = self.children[mount, inside], ""
        return mount, inside

    def place(self, path: str) -> Place:
        mount, inside = self.walk(path)
        source = self.sources[mount]
        return Place(source.volume, (source.path.rstrip("/") + inside) or "/")

    def mount(self, id: int, point: str, source: Place) -> None:
        self.children[self.walk(point)] = id
        self.sources[id], self.points[id] = source, point

    def unmount(self, point: str) -> bool:
        mount, inside = self.walk(point)
        if inside or mount == 1 or any(parent == mount for parent, _ in self.children):
            return False
        self.children = {where: each for where, each in self.children.items() if each != mount}
        return True


STEP = st.one_of(
    st.tuples(st.just("tmpfs"), st.sampled_from(POINTS), st.just("")),
    st.tuples(st.just("bind"), st.sampled_from(POINTS), st.sampled_from(PATHS)),
    st.tuples(st.just("umount"), st.sampled_from(PATHS), st.just("")),
)


@given(st.lists(STEP, max_size=25))
def test_mounting_and_unmounting_as_the_model_does(steps: list[tuple[str, str, str]]) -> None:
    table, model = MountTable((ROOT,)), Model()
    for id, (step, point, path) in enumerate(steps, start=2):
        if step == "tmpfs":
            source = Place(f"tmpfs-{id}", "/")
            table = table.with_mount(Mount(id, point, source, "tmpfs", "tmpfs"))
            model.mount(id, point, source)
        elif step == "bind":
            mount = table.bound(id, path, point)
            assert mount.source == model.place(path)
            table = table.with_mount(mount)
            model.mount(id, point, mount.source)
        else:
            done = True
            try:
                table, _ = table.without_mount(point)
            except MountError:
                done = False
            assert done is model.unmount(point)
        for each in PATHS:
            assert table.place(each) == model.place(each)
            found, inside = model.walk(each)
            assert (table.at(each) is not None) is (not inside)
            assert table.covering(each).id == found
    assert table.lines().count("\n") == table.info().count("\n") == len(table.mounts)


def test_how_mounts_are_shown() -> None:
    table = factory_mounts(apexes=True)
    copy = table.bound(100, "/data/local/tmp/copy", "/apex/com.android.conscrypt/cacerts")
    table = table.with_mount(copy)
    assert "/dev/block/dm-0 / ext4 ro,relatime 0 0\n" in table.lines()
    shown = table.info().splitlines()[-1].split()
    assert shown[3:5] == ["/local/tmp/copy", "/apex/com.android.conscrypt/cacerts"]
    assert shown[5:] == ["rw,relatime", "-", "f2fs", "/dev/block/dm-5", "rw,relatime"]
    ids = {line.split()[0]: line.split()[4] for line in table.info().splitlines()}
    assert ids[shown[1]] == "/apex/com.android.conscrypt"


def test_what_a_phone_mounts() -> None:
    old, new = factory_mounts(apexes=False), factory_mounts(apexes=True)
    store = "/apex/com.android.conscrypt/cacerts"
    assert old.covering(store).point == "/apex"
    assert new.covering(store).point == "/apex/com.android.conscrypt"
    for path, read_only in (
        ("/system/x", True),
        ("/vendor", True),
        (store, True),
        ("/data", False),
    ):
        assert new.covering(path).read_only is read_only
    for name in ("/sdcard", "/storage/emulated/0", "/storage/self/primary"):
        assert new.place(f"{name}/a") == Place("", "/sdcard/a")


def test_what_hangs_on_a_mount() -> None:
    table = MountTable((ROOT,))
    for id, point in enumerate(("/a", "/a/b", "/d", "/a/b"), start=2):
        table = table.with_mount(Mount(id, point, Place(f"t{id}", "/"), "tmpfs", "tmpfs"))
    assert (table.on("/a"), table.on("/a/b"), table.on("/x")) == (["/a/b", "/a/b"], [], [])
    assert (table.holds("/a"), table.holds("/a/b"), table.holds("/x")) == (True, True, False)
    with pytest.raises(MountError, match="Device or resource busy"):
        table.without_mount("/a")
    assert [each.id for each in table.without_id(3).mounts] == [1, 2, 4, 5]
    hidden = table.with_mount(Mount(9, "/a", Place("t9", "/"), "tmpfs", "tmpfs"))
    assert not hidden.holds("/a/b")
    assert [each.point for each in hidden.visible()] == ["/", "/d", "/a"]


def test_a_mount_from_elsewhere_goes_under_ones_own() -> None:
    own = Mount(5, "/a", Place("own", "/"), "tmpfs", "tmpfs")
    theirs = replace(own, id=6, source=Place("theirs", "/"))
    table = MountTable((ROOT, own)).with_mount(theirs, below=frozenset({1}))
    assert table.place("/a/x") == Place("own", "/x")
    table, _ = table.without_mount("/a")
    assert table.place("/a/x") == Place("theirs", "/x")


def test_a_table_has_its_limit() -> None:
    table = MountTable((ROOT,) * MAX_MOUNTS)
    with pytest.raises(MountError, match="No space left on device"):
        table.with_mount(ROOT)


def test_the_root_stays() -> None:
    with pytest.raises(MountError, match="Invalid argument"):
        MountTable((ROOT,)).without_mount("/")
