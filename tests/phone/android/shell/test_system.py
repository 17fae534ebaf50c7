from __future__ import annotations

from tests.phone.android.shell.conftest import Run


def test_who_one_is(run: Run) -> None:
    assert run("id")[0].startswith("uid=0(root)")
    assert run("id -u; whoami; id -Z")[0] == "0\nroot\nu:r:su:s0\n"
