"""A phone made of what Android is made of: Linux, mksh and toybox, in namespaces of its own.

Nobody here wrote these: what the lab's scripts do under them, and to real mount namespaces and
real iptables, they do on a real phone. It has an init, a zygote, apps that zygote starts, and no
screen.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

from lab.devices.android.link import COMMAND_CAP, CommandRefused, Ran
from lab.devices.android.marks import Marked, succeeded
from lab.model.device import DeviceLost, Endpoint
from tests.patience import CAP, eventually

NEEDED = ("toybox", "mksh", "unshare", "nsenter", "pivot_root", "iptables", "ip6tables")

TOYS = """
[ cat chmod chown cp cut echo grep head id ln ls mkdir mount mv nsenter pidof ps rm rmdir sha256sum
sleep stat tail test touch true false umount wc xargs
"""

INIT = r"""
set -e
mount -t tmpfs phone "$NEW" -o mode=755
cd "$NEW"
mkdir -p proc dev data/local/tmp data/misc/user/0 data/state system/bin apex old sdcard/Download
mkdir -p system/etc/security apex/com.android.conscrypt
for dir in usr etc; do mkdir "$dir"; mount --rbind "/$dir" "$dir"; done
for dir in bin sbin lib lib32 lib64 libx32; do [ -e "/$dir" ] && cp -P "/$dir" . ; done
mount --rbind /dev dev
cp -r "$FILES/." .
# The image is not to be written to.
mkdir "$NEW/image"
mv "$NEW/factory" "$NEW/image/cacerts"
mkdir -p "$NEW/$STORE"
mount --bind "$NEW/image/cacerts" "$NEW/$STORE"
mount -o remount,bind,ro "$NEW/$STORE"
pivot_root . old
mount -t proc proc /proc
umount -l /old
mount --make-rshared /
ip link set lo up 2>/dev/null || true
export PATH=/system/bin
cd /
/usr/bin/mkfifo /data/zygote
/usr/bin/unshare --mount --propagation "$PROPAGATION" \
    sh -c 'exec -a zygote64 /system/bin/sh /zygote' &
/usr/bin/unshare --mount --propagation "$PROPAGATION" sh -c 'exec -a zygote /usr/bin/sleep 600' &
echo ready
exec -a init /system/bin/sh /forever
"""
ZYGOTE = r"""
exec 3<>/data/zygote
while read -r name <&3; do
    /usr/bin/unshare --mount --propagation private sh -c "exec -a $name /usr/bin/sleep 600" &
done
"""
FOREVER = "while true; do sleep 600; done\n"


PATH = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"
"""Not every user has the system's programs in their path."""


def missing() -> str:
    """Return why there can be no such phone here; empty where there can."""
    absent = [name for name in NEEDED if shutil.which(name, path=PATH) is None]
    if absent:
        return f"there is no {', '.join(absent)}"
    tried = subprocess.run(
        ["unshare", "--mount", "--pid", "--net", "--fork", "true"], capture_output=True, check=False
    )
    return "" if tried.returncode == 0 else "namespaces cannot be made here"


class LinuxPhone:
    """Implements ``AdbLink`` as root's shell on that phone. ``factory`` is its system store, at
    ``store``; ``propagation`` tells whether zygote sees what init mounts later, as it did up to
    Android 13."""

    serial = "linux-phone"

    def __init__(
        self,
        folder: Path,
        factory: dict[str, bytes],
        *,
        store: str,
        propagation: str = "private",
    ) -> None:
        files = folder / "files"
        for name, content in factory.items():
            file = files / "factory" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        tools = files / "system" / "bin"
        tools.mkdir(parents=True)
        for toy in TOYS.split():
            (tools / toy).symlink_to("/usr/bin/toybox")
        (tools / "sh").symlink_to("/usr/bin/mksh")
        for program in ("iptables", "ip6tables"):
            (tools / program).symlink_to(str(shutil.which(program, path=PATH)))
        (files / "zygote").write_text(ZYGOTE)
        (files / "forever").write_text(FOREVER)
        new = folder / "new"
        new.mkdir()
        namespaces = ["--mount", "--pid", "--net", "--fork", "--propagation", "private"]
        self._process = subprocess.Popen(
            ["unshare", *namespaces, "mksh", "-c", INIT],
            env={
                "PATH": PATH,
                "NEW": str(new),
                "FILES": str(files),
                "STORE": store,
                "PROPAGATION": propagation,
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            start_new_session=True,
            text=True,
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n"
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        self._init = int(children.read_text().split()[0])
        self.commands = 0

    def start_app(self, name: str) -> int:
        """Let zygote start an app and return its process id, when it has its namespace."""
        before = set(self.pids(name))
        self.shell(f"echo {name} > /data/zygote")
        assert eventually(lambda: set(self.pids(name)) - before)
        return (set(self.pids(name)) - before).pop()

    def pids(self, name: str) -> list[int]:
        return [int(pid) for pid in self.run(f"pidof {name}").output.split()]

    def as_seen_by(self, pid: int, folder: str) -> dict[str, bytes]:
        """Return what a process finds in a folder, without any of the lab's commands."""
        script = f'cd {folder} && for f in *; do [ -e $f ] && echo "== $f" && cat $f; done; true'
        inner = ["/usr/bin/nsenter", f"--mount=/proc/{pid}/ns/mnt", "/usr/bin/mksh", "-c", script]
        listed = subprocess.run([*self._enter(), *inner], capture_output=True, check=True)
        found = {}
        for part in listed.stdout.split(b"== ")[1:]:
            name, _, content = part.partition(b"\n")
            found[name.decode()] = content
        return found

    def in_network(self, *argv: str) -> str:
        """Run a program of this machine's in the phone's network, and return its output."""
        network = f"--net=/proc/{self._init}/ns/net"
        done = subprocess.run(
            ["nsenter", network, *argv], capture_output=True, check=True, text=True
        )
        return done.stdout

    def in_mounts(self, *argv: str) -> None:
        """Run a program of this machine's among init's mounts."""
        subprocess.run([*self._enter(), *argv], check=True)

    def run(self, command: str, *, cap: float = COMMAND_CAP) -> Ran:
        self.commands += 1
        marked = Marked([command])
        try:
            done = subprocess.run(
                [*self._enter(), "/system/bin/sh", "-c", marked.line],
                env={"PATH": "/system/bin"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=cap,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise DeviceLost("it did not answer") from None
        return marked.read(done.stdout)[0]

    def shell(self, command: str, *, cap: float = COMMAND_CAP) -> str:
        return succeeded(command, self.run(command, cap=cap))

    def push(self, content: bytes, path: str, *, mode: int = 0o644) -> None:
        file = self._host(path)
        file.write_bytes(content)
        file.chmod(mode)

    def pull(self, path: str, *, limit: int) -> bytes:
        try:
            return self._host(path).read_bytes()
        except OSError as error:
            raise CommandRefused(str(error)) from None

    def install(self, package: Path) -> None:
        raise CommandRefused("this phone has no apps to install")

    def reverse(self, port: int, target: Endpoint) -> None:
        raise CommandRefused("this phone has no adb")

    def reversed_ports(self) -> tuple[int, ...]:
        return ()

    def remove_reverse(self, port: int) -> None:
        return

    def reconnect(self, cap: float) -> None:
        return

    def close(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        with suppress(ProcessLookupError):
            # The end of its init is the end of everything in its namespace.
            os.kill(self._init, signal.SIGKILL)
        self._process.wait(CAP)
        if self._process.stdout is not None:
            self._process.stdout.close()

    def _enter(self) -> list[str]:
        nsenter = str(shutil.which("nsenter", path=PATH))
        return [nsenter, "--target", str(self._init), "--mount", "--pid", "--net"]

    def _host(self, path: str) -> Path:
        return Path(f"/proc/{self._init}/root") / path.lstrip("/")
