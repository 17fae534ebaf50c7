from __future__ import annotations

import shlex
import shutil
import subprocess
import threading

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lab.phone.android.shell import Shell
from lab.phone.android.shell.budget import MAX_STEPS
from lab.phone.android.shell.flow import HUNG_UP
from lab.phone.android.shell.process import Live
from lab.phone.android.shell.streams import CommandFailed, Given, Output
from lab.phone.android.system import AndroidSystem
from lab.phone.state import PhoneState
from lab.phone.ui import Screen
from tests.patience import CAP, LONG, not_waiting
from tests.phone.android.shell.conftest import Run

SCRIPTS = [
    # Variables and what is made of them.
    ("A=1; echo $A ${A}2 \"$A\" '$A'", "1 12 1 $A\n", 0),
    ("A='x  y'; echo $A; echo \"$A\"", "x y\nx  y\n", 0),
    ("A=' x '; echo [$A]; echo a${A}b", "[ x ]\na x b\n", 0),
    ('A=; echo [$A] ["$A"]', "[] []\n", 0),
    ("A=1 B=$A; echo $B", "1\n", 0),
    ("A=1; A=2 true; echo $A", "1\n", 0),
    ("A=1; A=2 :; echo $A; unset A; echo ${A-none}", "2\nnone\n", 0),
    ("A=1; A=2 B=$A sh -c 'echo $A $B'; echo $A", "2 2\n1\n", 0),
    ("unset A; echo ${A-1} ${A:-2} [${A+3}] ${A:=4} $A ${A+5} ${A:+6}", "1 2 [] 4 4 5 6\n", 0),
    ("A=; echo [${A-1}] ${A:-2} ${A+3} [${A:+4}]", "[] 2 3 []\n", 0),
    (
        "A='1 2'; for x in ${B:-$A 3} \"${B:-$A 3}\"; do echo [$x]; done",
        "[1]\n[2]\n[3]\n[1 2 3]\n",
        0,
    ),
    (
        "A=a/b/c.d; echo ${#A} ${A#*/} ${A##*/} ${A%/*} ${A%%/*} ${A%.d}",
        "7 b/c.d c.d a/b a a/b/c\n",
        0,
    ),
    ("A=package:x.y; echo ${A#package:} ${A#none}", "x.y package:x.y\n", 0),
    ("echo a; false; echo $?; true; echo $?", "a\n1\n0\n", 0),
    ("false; A=$?; echo $A", "1\n", 0),
    ("IFS=:; A=a:b::c; for x in $A; do echo [$x]; done", "[a]\n[b]\n[]\n[c]\n", 0),
    ("IFS=; A='a b'; for x in $A; do echo [$x]; done", "[a b]\n", 0),
    ("A='*'; echo \"$A\" '?'", "* ?\n", 0),
    # Substitutions.
    ('echo $(echo a; echo b) "$(echo c; echo d)"', "a b c\nd\n", 0),
    ("echo `echo a \\`echo b\\``", "a b\n", 0),
    ("A=$(false); echo $?; A=$(true) B=$(false); echo $?", "1\n1\n", 0),
    ("A=$(exit 3); echo $?", "3\n", 0),
    ("A=1; B=$(A=2; echo $A); echo $A $B", "1 2\n", 0),
    ("for x in $(echo 'a b'; echo c); do echo [$x]; done", "[a]\n[b]\n[c]\n", 0),
    ("$(echo echo a) b; $(true)", "a b\n", 0),
    # Lists, groups, conditions.
    ("{ echo a; false; } || echo b", "a\nb\n", 0),
    ("(exit 3); echo $?; (A=1); echo [$A]", "3\n[]\n", 0),
    ("{ A=1; }; echo $A; { exit 4; }; echo no", "1\n", 4),
    ("if true; then echo a; else echo b; fi", "a\n", 0),
    ("if false; then echo a; elif true; then echo b; else echo c; fi", "b\n", 0),
    ("if false; then echo a; fi; echo $?", "0\n", 0),
    ("if true; then false; fi", "", 1),
    ("! true; echo $?; ! false; echo $?; ! true | false; echo $?", "1\n0\n0\n", 0),
    ("true || echo no && echo yes", "yes\n", 0),
    # Loops.
    ("for x in 1 2 3; do echo $x; done; echo $x", "1\n2\n3\n3\n", 0),
    ("for x in; do echo $x; done; echo $?", "0\n", 0),
    ("for x in 1 2 3; do if echo $x | grep -q 2; then continue; fi; echo $x; done", "1\n3\n", 0),
    ("for x in 1 2 3; do echo $x; break; done", "1\n", 0),
    ("for x in 1 2; do for y in a b; do echo $x$y; break 2; done; done; echo z", "1a\nz\n", 0),
    ("for x in 1 2; do for y in a b; do echo $x$y; continue 2; done; done", "1a\n2a\n", 0),
    ("A=; while ! echo $A | grep -q xxx; do A=x$A; echo $A; done", "x\nxx\nxxx\n", 0),
    ("A=; until echo $A | grep -q xx; do A=x$A; done; echo $A", "xx\n", 0),
    ("while false; do echo no; done; echo $?", "0\n", 0),
    ("echo 'a b\nc' | while read x y; do echo \"$y-$x\"; done", "b-a\n-c\n", 0),
    ("echo '  a  b  c  ' | { read x y; echo \"[$x][$y]\"; }", "[a][b  c]\n", 0),
    ("echo 'a:b:c' | { IFS=: read x y; echo \"[$x][$y]\"; }", "[a][b:c]\n", 0),
    ("echo ' a\\.b ' | { IFS= read -r x; echo \"[$x]\"; }", "[ a\\.b ]\n", 0),
    ("read x < /dev/null; echo $?", "1\n", 0),
    ("{ echo a; echo -n b; } | { read x; echo $?; read x; echo $? $x; }", "0\n1 b\n", 0),
    # Pipes and redirections.
    ("for x in b a; do echo $x; done | cat", "b\na\n", 0),
    ("{ echo a; echo b >&2; } 2>&1 | cat", "a\nb\n", 0),
    ("A=1 | true; echo [$A]", "[]\n", 0),
    ("{ echo a; echo b; } > /dev/null; echo c", "c\n", 0),
    ("(echo a; exit 2) | cat; echo $?", "a\n0\n", 0),
    # The shell itself.
    ("exec echo a; echo b", "a\n", 0),
    ("exit 7; echo a", "", 7),
    ("false; exit", "", 1),
    ("sh -c 'echo $0 $1 $2 $#' a b c; sh -c 'exit 5'; echo $?", "a b c 2\n5\n", 0),
    ("A=1; export B=2; sh -c 'echo [$A] [$B]'; C=3 sh -c 'echo $C'", "[] [2]\n3\n", 0),
    ("echo 'echo a; echo b' | sh", "a\nb\n", 0),
    ("sh -c 'for x; do echo [$x]; done; shift; echo \"$@\" $*' s 'a b' c", "[a b]\n[c]\nc c\n", 0),
    ("sh -c 'for x in \"$@\"; do echo [$x]; done' s 'a b' c ''", "[a b]\n[c]\n[]\n", 0),
    ("sh -c 'for x in $@; do echo [$x]; done' s 'a b' c ''", "[a]\n[b]\n[c]\n", 0),
    ("set -e; echo a; if false; then :; fi; false || true; ! true; false; echo b", "a\n", 1),
    ("set -e; (false); echo b", "", 1),
    ("cd /; : a b; echo $?", "0\n", 0),
]


@pytest.mark.parametrize(("script", "out", "code"), SCRIPTS)
def test_scripts(run: Run, script: str, out: str, code: int) -> None:
    assert run(script) == (out, "", code)


@pytest.mark.skipif(shutil.which("sh") is None, reason="needs a shell to compare with")
def test_other_shells_agree() -> None:
    """The table above says what a POSIX shell does, not what this one happens to do."""
    for script, out, code in SCRIPTS:
        ran = subprocess.run(["sh", "-c", script], capture_output=True, timeout=CAP, text=True)
        assert (ran.stdout, ran.stderr, ran.returncode) == (out, "", code), script


SHELL = "/system/bin/sh"


@pytest.mark.parametrize(
    ("script", "err"),
    [
        ("exec", f"{SHELL}: exec: this phone's shell needs a command there"),
        ("cd /none", f"{SHELL}: cd: /none: No such file or directory"),
        ("set -u", f"{SHELL}: set: -u: this phone's shell has -e only"),
        ("shift", f"{SHELL}: shift: nothing to shift"),
        ("exit x", f"{SHELL}: exit: x: bad number"),
        ("export 1=2", f"{SHELL}: export: 1: is not an identifier"),
        ("read a-b < /dev/null", f"{SHELL}: read: a-b: is not an identifier"),
        ("echo ${A:?}", f"{SHELL}: A: parameter not set"),
        ("echo ${A:?is missing}", f"{SHELL}: A: is missing"),
        ("echo ${1:=a}", f"{SHELL}: 1: a"),
        ("for x in ${A?}; do :; done", f"{SHELL}: A: parameter not set"),
        ("echo a > $(echo)", f"{SHELL}: : Invalid argument"),
        ("{ echo a; } > relative", f"{SHELL}: relative: Read-only file system"),
        ("sh /none", "sh: /none: No such file or directory"),
        ("sh -x", f"{SHELL}: -x: unknown option"),
        ("sh -c", f"{SHELL}: -c requires an argument"),
        ("sh -c '('", f"{SHELL}: syntax error: unexpected EOF"),
    ],
)
def test_what_goes_wrong_is_said(run: Run, script: str, err: str) -> None:
    out, said, code = run(script)
    assert (out, said) == ("", f"{err}\n")
    assert code != 0


def test_a_script_goes_on_after_what_went_wrong(run: Run) -> None:
    assert run("echo ${A:?}; none; cat /none; echo end")[::2] == ("end\n", 0)


def test_patterns_may_be_anywhere_in_a_path(run: Run) -> None:
    run("for x in a b; do echo $x > /data/own/$x/base.apk; done; echo c > /data/own/c/other")
    assert run("echo /data/own/*/base.apk")[0] == "/data/own/a/base.apk /data/own/b/base.apk\n"
    assert run("echo /*/own/[bc]/*")[0] == "/data/own/b/base.apk /data/own/c/other\n"
    assert run("echo /data/own/*/none /data/own/a/base.apk/*")[0] == (
        "/data/own/*/none /data/own/a/base.apk/*\n"
    )
    assert run("A='/data/own/*'; for x in $A; do echo ${x##*/}; done")[0] == "a\nb\nc\n"
    assert run("A='/data/own/*'; echo \"$A\"")[0] == "/data/own/*\n"
    assert run("echo dat*")[0] == "data\n"
    assert run("cd /data/own; echo */base.apk; cat b/base.apk; cd a/..; ls; pwd")[0] == (
        "a/base.apk b/base.apk\nb\na\nb\nc\n/data/own\n"
    )
    assert run("cd /data/own; (cd a; ls; ls ../c); ls c; sh -c 'ls c'; cd; pwd")[0] == (
        "base.apk\nother\nother\nother\n/\n"
    )
    assert run("cd /data/own/a/base.apk")[1:] == (
        "/system/bin/sh: cd: /data/own/a/base.apk: Not a directory\n",
        2,
    )


def test_scripts_come_from_files(run: Run, phone: PhoneState) -> None:
    phone.files.write("/data/local/tmp/a.sh", b"echo $0 $1\nexit 3\n")
    assert run("sh /data/local/tmp/a.sh x") == ("/data/local/tmp/a.sh x\n", "", 3)


@pytest.mark.parametrize(
    "script",
    [
        "while true; do :; done",
        "until false; do true; done",
        "while true; do sh -c true; done",
        "while true; do A=$(true); done",
        "A=xxxxxxxxxxxxxxxx; while true; do A=$A$A; done",
        "A=x; for a in 1 2 3 4 5 6 7 8; do A=$A$A$A$A$A$A$A$A$A$A; done; echo $A | wc -c",
        "while true; do echo aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa; done",
    ],
)
def test_no_script_runs_for_ever(run: Run, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lab.phone.android.shell.budget.MAX_STEPS", MAX_STEPS // 100)
    with not_waiting():
        run(script, cap=LONG)


def test_variables_have_a_limit(run: Run) -> None:
    value = "x" * 3_000_000
    assert run(f"A={value}; B={value}; echo $? ${{#A}} ${{#B}}; A=; B={value}; echo ${{#B}}") == (
        "1 3000000 0\n3000000\n",
        "/system/bin/sh: B: Out of memory\n",
        0,
    )
    many = ";".join(f"A{number}=1" for number in range(1100))
    assert "/system/bin/sh: A1099: too many variables\n" in run(many)[1]


def test_scripts_in_scripts_have_an_end(run: Run, phone: PhoneState) -> None:
    phone.files.write("/a.sh", b"echo in; sh /a.sh")
    out, err, code = run("sh /a.sh")
    assert out.count("in\n") < 100
    assert (err, code) == ("/system/bin/sh: nested too deep\n", 1)
    deep = "true"
    for _ in range(15):
        deep = f"sh -c {shlex.quote(deep)}"[:100_000]
    assert run("(" * 20 + "$(" + deep)[2] == 1


def test_a_command_line_ends_when_its_client_hangs_up(phone: PhoneState, screen: Screen) -> None:
    hung_up = threading.Event()
    codes: list[int] = []

    def work() -> None:
        shell = Shell(AndroidSystem(phone, screen))
        loop = "while true; do :; done; echo no"
        out = Output()
        codes.append(shell.execute(loop, Given(), out, Output(), hung_up=hung_up))
        codes.append(len(out.content))

    thread = threading.Thread(target=work)
    thread.start()
    hung_up.set()
    thread.join(CAP)
    assert codes == [HUNG_UP, 0]


def test_a_command_without_a_client_is_hung_up_on(phone: PhoneState, screen: Screen) -> None:
    ran = Shell(AndroidSystem(phone, screen)).run("while true; do :; done", cap=0.05)
    assert ran.code == HUNG_UP


def test_what_is_written_is_passed_on_at_once(phone: PhoneState, screen: Screen) -> None:
    parts: list[bytes] = []

    def note(part: bytes) -> bool:
        parts.append(part)
        return True

    line = "echo a; echo b | cat; echo c >&2; echo d | cat > /dev/null; (echo e; echo f)"
    code = Shell(AndroidSystem(phone, screen)).execute(
        line,
        Given(),
        Live(note),
        Live(lambda part: note(b"2" + part)),
        hung_up=threading.Event(),
    )
    assert (parts, code) == ([b"a\n", b"b\n", b"2c\n", b"e\n", b"f\n"], 0)


def test_a_command_ends_when_nobody_listens(phone: PhoneState, screen: Screen) -> None:
    taken: list[bytes] = []

    def take(part: bytes) -> bool:
        taken.append(part)
        return len(taken) < 3

    code = Shell(AndroidSystem(phone, screen)).execute(
        "while echo a; do :; done",
        Given(),
        Live(take),
        Output(),
        hung_up=threading.Event(),
    )
    assert (len(taken), code) == (3, 0)


class Typed:
    """An input that tells how much of it was read."""

    def __init__(self, content: bytes) -> None:
        self.left = content

    def read(self, size: int) -> bytes:
        part, self.left = self.left[:size], self.left[size:]
        return part


def test_no_more_is_read_than_is_needed(phone: PhoneState, screen: Screen) -> None:
    source = Typed(b"one\ntwo\nthree\n")
    out = Output()
    Shell(AndroidSystem(phone, screen)).execute(
        "read a; echo [$a]", source, out, Output(), hung_up=threading.Event()
    )
    assert (bytes(out.content), source.left) == (b"[one]\n", b"two\nthree\n")


def test_an_input_without_end_is_not_kept(run: Run, phone: PhoneState, screen: Screen) -> None:
    class Endless:
        def read(self, size: int) -> bytes:
            return bytes(size)

    for line in ("cat", "read a", "sh"):
        err = Output()
        code = Shell(AndroidSystem(phone, screen)).execute(
            line, Endless(), Output(), err, hung_up=threading.Event()
        )
        assert code != 0
        assert err.content


def test_commands_run_others_through_their_shell(phone: PhoneState, screen: Screen) -> None:
    from lab.phone.android.shell.builtins import BUILTINS
    from lab.phone.android.shell.evaluation import Evaluation
    from lab.phone.android.shell.flow import Streams
    from lab.phone.android.shell.process import Identity, Process
    from lab.phone.android.shell.scope import Scope

    seen: list[tuple[Identity, str]] = []

    def who(process: Process) -> int:
        seen.append((process.identity, process.environment.get("A", "")))
        process.out.write(process.read(3))
        return 4

    def other(process: Process) -> int:
        assert process.shell.knows("who")
        assert process.shell.knows("/system/bin/who")
        assert process.shell.knows("read")
        assert not process.shell.knows("none")
        assert process.call(["who"], Identity(2000, 7)) == 4
        assert process.call(["none"]) == 127
        assert process.call([]) == 0
        return process.script("who; A=$0$1 who", ["x", "y"], Identity(10))

    out, err = Output(), Output()
    evaluation = Evaluation(
        AndroidSystem(phone, screen), {"who": who, "other": other}, BUILTINS, threading.Event()
    )
    streams = Streams(Given(b"onetwothr"), out, err)
    assert evaluation.run_whole("export A=b; other", Scope(Identity(1)), streams) == 4
    assert seen == [(Identity(2000, 7), "b"), (Identity(10), "b"), (Identity(10), "xy")]
    assert out.content == b"onetwothr"
    assert err.content == b"/system/bin/sh: none: inaccessible or not found\n"


PIECES = [
    *("echo", "true", "false", "cat", "read A", "exit", "export A", "unset A", ":", "break", "sh"),
    *("A=1", "A=$A$A", "a", "/*", "*", "$A", '"$A"', "${A:-b}", "${A%%*}", "$(echo a)", "$@", "$?"),
    *(
        "; ",
        "; ",
        "; ",
        " && ",
        " || ",
        " | ",
        " ! ",
        "\n",
        " ",
        " ",
        " ",
        " > /a",
        " < /a",
        " 2>&1",
    ),
    *("(", ")", "{ ", "; }", "if ", "; then ", "; else ", "; fi", "for A in ", "; do ", "; done"),
    *("while ", "until ", "continue", "set -e", "IFS=:", "sh -c '", "'", '"', "exec "),
]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=25).map("".join), st.binary(max_size=20))
def test_no_script_is_more_than_an_exit_code(
    phone: PhoneState, screen: Screen, script: str, stdin: bytes
) -> None:
    ran = Shell(AndroidSystem(phone, screen)).run(script, stdin, cap=0.2)
    assert 0 <= ran.code <= 255


def test_complaints_need_no_room() -> None:
    full = Output()
    full.content += bytes(2)
    with pytest.raises(CommandFailed):
        full.write(bytes(2**25))
