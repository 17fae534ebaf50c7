"""``dumpsys``: what the services tell of themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from lab.phone.android.accounts import name_of
from lab.phone.android.shell.arguments import first
from lab.phone.android.shell.battery import battery
from lab.phone.android.shell.packages import dump
from lab.phone.android.shell.process import CommandFailed, Process
from lab.phone.android.shell.services import SERVICES
from lab.phone.android.wireguard_app import PACKAGE
from lab.phone.node import DENSITY, EDIT, HEIGHT, LAUNCHER, WIDTH

Rest = Sequence[str]
Lines = Iterable[str]
HOME = ".Launcher"
"""Activity of the home screen."""


def front_of(process: Process) -> tuple[str, str]:
    """Return package and activity of what is in front."""
    front = process.screen.foreground
    return (LAUNCHER, HOME) if front is None else (front.package, front.name)


def _package(process: Process, rest: Rest) -> Lines:
    names = [name for name in rest if not name.startswith("-")]
    for name in names or [each.name for each in process.system.packages.all()]:
        yield from dump(process.system, name)


def _window(process: Process, _: Rest) -> Lines:
    package, activity = front_of(process)
    awake = str(process.system.power.awake).lower()
    full = package + activity if activity.startswith(".") else activity
    return [
        "WINDOW MANAGER POLICY STATE (dumpsys window policy)",
        f"    mAwake={awake} mScreenOnEarly={awake} mScreenOnFully={awake}",
        "    mShowingLockscreen=false mShowingDream=false mDreamingLockscreen=false",
        "    KeyguardServiceDelegate",
        "      showing=false",
        "WINDOW MANAGER DISPLAY CONTENTS (dumpsys window displays)",
        "  Display: mDisplayId=0",
        f"    init={WIDTH}x{HEIGHT} {DENSITY}dpi cur={WIDTH}x{HEIGHT} app={WIDTH}x{HEIGHT}",
        f"  mCurrentFocus=Window{{1 u0 {package}/{full}}}",
        f"  mFocusedApp=ActivityRecord{{1 u0 {package}/{activity} t1}}",
    ]


def _activity(process: Process, rest: Rest) -> Lines:
    what, rest = first(rest)
    shown = _ACTIVITY.get(what or "activities")
    if shown is None:
        return [f"Bad activity command, or no activities match: {what[:200]}"]
    return shown(process, rest)


def _services(process: Process, rest: Rest) -> Lines:
    wanted, _ = first(rest)
    package, _, service = wanted.partition("/")
    heading = "ACTIVITY MANAGER SERVICES (dumpsys activity services)"
    # What it would record with is not played: no service of that name ever runs.
    recorder = service.rpartition(".")[2] == "RecorderService"
    if recorder or not process.system.background.running(package):
        return [heading, "  (nothing)"]
    pid = process.system.processes.pids(package)[0]
    return [
        heading,
        f"  * ServiceRecord{{1 u0 {package}/.ForegroundService}}",
        f"    app=ProcessRecord{{1 {pid}:{package}/{_user(process, package)}}}",
        "    isForeground=true foregroundId=1",
    ]


def _processes(process: Process, _: Rest) -> Lines:
    yield "ACTIVITY MANAGER RUNNING PROCESSES (dumpsys activity processes)"
    for task in process.system.processes.all():
        if process.system.packages.get(task.name) is None:
            continue
        user = name_of(task.uid).replace("_", "")
        yield f"  *APP* UID {task.uid} ProcessRecord{{1 {task.pid}:{task.name}/{user}}}"
        if process.system.faults.frozen(task.name):
            yield "    mNotResponding=true"


def _activities(process: Process, _: Rest) -> Lines:
    package, activity = front_of(process)
    record = f"ActivityRecord{{1 u0 {package}/{activity} t1}}"
    return [
        "ACTIVITY MANAGER ACTIVITIES (dumpsys activity activities)",
        f"  mResumedActivity: {record}",
        f"  topResumedActivity={record}",
        f"  ResumedActivity: {record}",
    ]


def _top(process: Process, _: Rest) -> Lines:
    package, activity = front_of(process)
    pids = process.system.processes.pids(package)
    return [
        f"TASK {package} id=1 userId=0",
        f"  ACTIVITY {package}/{activity} 1 pid={pids[-1] if pids else '(not running)'}",
    ]


_ACTIVITY: dict[str, Callable[[Process, Rest], Lines]] = {
    "a": _activities,
    "activities": _activities,
    "p": _processes,
    "processes": _processes,
    "s": _services,
    "services": _services,
    "top": _top,
}


def _user(process: Process, package: str) -> str:
    return name_of(process.system.packages.uid(package)).replace("_", "")


def _power(process: Process, _: Rest) -> Lines:
    power = process.system.power
    plugged = power.battery.ac or power.battery.usb or power.battery.wireless
    stay_on = process.phone.setting("global", "stay_on_while_plugged_in") or "0"
    return [
        "POWER MANAGER (dumpsys power)",
        "Power Manager State:",
        f"  mWakefulness={'Awake' if power.awake else 'Asleep'}",
        "  mWakefulnessChanging=false",
        f"  mIsPowered={str(plugged).lower()}",
        f"  mBatteryLevel={power.battery.level}",
        f"  mStayOnWhilePluggedInSetting={stay_on}",
        f"Display Power: state={'ON' if power.awake else 'OFF'}",
    ]


def _device_idle(process: Process, rest: Rest) -> Lines:
    what, names = first(rest)
    if what != "whitelist":
        return ["  mState=ACTIVE", "  mLightState=ACTIVE"]
    return [_whitelisted(process, name) for name in names]


def _whitelisted(process: Process, name: str) -> str:
    """Answer ``+PACKAGE`` and ``-PACKAGE``: this phone never idles, so that is all."""
    package = name.lstrip("+-=")
    if process.system.packages.get(package) is None:
        return f"Unknown package: {package}"
    return f"{'Removed' if name.startswith('-') else 'Added'}: {package}"


def _input_method(process: Process, _: Rest) -> Lines:
    nodes = process.screen.snapshot().walk()
    served = any(node.focused and node.class_name == EDIT for node in nodes)
    return [
        "Current Input Method Manager state:",
        f"  mServedView={'EditText' if served else 'null'}",
        # Text comes without one, as from a keyboard that is plugged in.
        "  mInputShown=false",
        "  mIsInputViewShown=false",
    ]


def _wifi(process: Process, _: Rest) -> Lines:
    joined = process.phone.joined
    ssid = "<none>" if joined is None else f'"{joined.ssid}"'
    return ["Wi-Fi is enabled", f"mWifiInfo SSID: {ssid}"]


def _connectivity(process: Process, _: Rest) -> Lines:
    joined = process.phone.joined
    proxy = process.phone.setting("global", "http_proxy") or ""
    network = "none" if joined is None else f'100 [WIFI CONNECTED "{joined.ssid}"]'
    tunnel = process.system.wireguard.up
    vpn = [] if tunnel is None else [f"  101 [VPN CONNECTED] {PACKAGE} ({tunnel.name})"]
    return [
        f"Active default network: {network}",
        *vpn,
        f"Global HTTP proxy: {'none' if proxy in ('', ':0') else proxy}",
    ]


def _display(process: Process, _: Rest) -> Lines:
    state = "ON" if process.system.power.awake else "OFF"
    return [
        "DISPLAY MANAGER (dumpsys display)",
        f"  mGlobalDisplayState={state}",
        f"  mBaseDisplayInfo=DisplayInfo{{Built-in Screen, real {WIDTH} x {HEIGHT}, "
        f"rotation 0, density {DENSITY}, state {state}}}",
        "  mCurrentOrientation=0",
    ]


def _bluetooth(process: Process, _: Rest) -> Lines:
    return ["Bluetooth Status", "  enabled: false", f"  name: {process.phone.name}"]


_DUMPS: dict[str, Callable[[Process, Rest], Lines]] = {
    "activity": _activity,
    "bluetooth_manager": _bluetooth,
    "connectivity": _connectivity,
    "deviceidle": _device_idle,
    "display": _display,
    "input_method": _input_method,
    "package": _package,
    "power": _power,
    "wifi": _wifi,
    "window": _window,
}


def _dumpsys(process: Process) -> int:
    service, rest = first(process.arguments)
    if service == "-l":
        process.print_lines(["Currently running services:", *(f"  {name}" for name in SERVICES)])
        return 0
    if service == "battery":
        return battery(process, rest)
    shown = _DUMPS.get(service)
    if shown is None:
        raise CommandFailed(f"Can't find service: {service}")
    process.print_lines(shown(process, rest))
    return 0


COMMANDS = {"dumpsys": _dumpsys}
