"""The first program of the child: `launcher.py <plan as JSON>`, with the lifeline as standard input.

It ties this process group to the lifeline, mounts the function's files where Lambda has them, and becomes the
function's runtime. It runs on LocalStack's interpreter with `-I -S`, and imports nothing of this package.

The plan:

- `argv`: the runtime's program and arguments.
- `has_log_frames`: whether the runtime writes framed messages to `_LAMBDA_TELEMETRY_LOG_FD`.
- `code`, `layers`, `tmp`: directories to mount at /var/task and /opt, read-only, and at /tmp. Without them
  the process sees this machine's files.
- `packages`: a directory to be seen at /var/node_modules, or null.
- `over`: files and directories to mount in the code's directory, read-only, under the given names.
- `shared`: directories to mount below /mnt, writable, by the path at which they are seen.
- `kept`: directories of this machine that must stay visible: those of the runtime.
"""

import ctypes
import fcntl
import json
import os
import signal
import stat
import sys
from pathlib import Path

CODE, LAYERS, TMP, PACKAGES = Path("/var/task"), Path("/opt"), Path("/tmp"), Path("/var/node_modules")  # noqa: S108
MOUNTS = Path("/mnt")
COVERED = (LAYERS, TMP, CODE.parent, MOUNTS)
CANNOT_RUN = 126

# https://man7.org/linux/man-pages/man2/mount.2.html and statvfs.3.html
MS_RDONLY, MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE, MS_RELATIME = 1, 32, 4096, 16384, 1 << 18, 1 << 21
MS_NOSUID_NODEV_NOEXEC_NOATIME_NODIRATIME = 2 | 4 | 8 | 1024 | 2048
ST_RELATIME = 4096


def main() -> None:
    """Become the runtime, or print the reason in one line if that fails."""
    plan = json.loads(sys.argv[1])
    try:
        hold_lifeline()
        if plan.get("code"):
            enter(plan)
            os.chdir(CODE)
        if plan["has_log_frames"]:
            os.environ["_LAMBDA_TELEMETRY_LOG_FD"] = str(keep_open(sys.stdout.fileno()))
        os.execv(plan["argv"][0], plan["argv"])  # noqa: S606
    except OSError as error:
        sys.stderr.write(f"{plan['argv'][0]} can't be started: {error}\n")
        sys.exit(CANNOT_RUN)


def keep_open(descriptor: int) -> int:
    """Return a duplicate that the runtime inherits."""
    duplicate = os.dup(descriptor)
    os.set_inheritable(duplicate, True)  # noqa: FBT003 # as it is called
    return duplicate


def hold_lifeline() -> None:
    """Take the lifeline away from standard input, and have this process group end with it."""
    lifeline = keep_open(sys.stdin.fileno())
    with open(os.devnull, "rb") as nothing:  # noqa: PTH123
        os.dup2(nothing.fileno(), sys.stdin.fileno())
    if hasattr(fcntl, "F_SETSIG"):
        watch_by_kernel(lifeline)
    elif os.fork() == 0:
        watch_by_process(lifeline)


def watch_by_kernel(lifeline: int) -> None:
    """Make Linux kill this process group when the lifeline breaks, whatever runs in it by then."""
    fcntl.fcntl(lifeline, fcntl.F_SETOWN, -os.getpgrp())
    fcntl.fcntl(lifeline, fcntl.F_SETSIG, signal.SIGKILL)
    fcntl.fcntl(lifeline, fcntl.F_SETFL, fcntl.fcntl(lifeline, fcntl.F_GETFL) | os.O_ASYNC)


def watch_by_process(lifeline: int) -> None:
    """Wait until the lifeline breaks, then kill this process group."""
    while os.read(lifeline, 1):
        pass
    os.killpg(os.getpgrp(), signal.SIGKILL)


def enter(plan: dict) -> None:  # type: ignore[type-arg] # any JSON
    """Mount the directories of the plan in a mount namespace of this process."""
    unshare()
    mount(None, Path("/"), MS_REC | MS_PRIVATE)
    held = {Path(path): hold(Path(path)) for path in plan["kept"] if is_covered(Path(path))}
    code, layers, tmp = hold(Path(plan["code"])), hold(Path(plan["layers"])), hold(Path(plan["tmp"]))
    packages = {PACKAGES: hold(Path(plan["packages"]))} if plan["packages"] else {}
    shared = {Path(path): hold(Path(place)) for path, place in plan["shared"].items()}
    over = {CODE / name: hold(Path(path)) for name, path in plan["over"].items()}
    under = entries(Path(plan["code"])) if over else {}
    overlay(CODE.parent, entries(CODE.parent), {CODE: code, **packages}, held)
    if over:
        overlay(CODE, under, over, {})
    overlay(LAYERS, entries(Path(plan["layers"])), {}, held) if within(LAYERS, held) else show(layers, LAYERS)
    if shared:
        share(shared, within(MOUNTS, held))
    show(tmp, TMP, read_only=False)
    for path, descriptor in within(TMP, held).items():
        path.mkdir(parents=True, exist_ok=True)
        show(descriptor, path)


def share(shared: dict[Path, int], held: dict[Path, int]) -> None:
    """Cover /mnt by a read-only directory that has `shared`, which the function may write to, and `held`."""
    mount("tmpfs", MOUNTS, 0, kind="tmpfs")
    for path, descriptor in {**held, **shared}.items():
        show(descriptor, path, read_only=path not in shared)
    make_read_only(MOUNTS)


def unshare() -> None:
    """Create a mount namespace, with the available privileges or in a user namespace."""
    user, group = os.getuid(), os.getgid()
    try:
        os.unshare(os.CLONE_NEWNS)
    except PermissionError:
        os.unshare(os.CLONE_NEWNS | os.CLONE_NEWUSER)
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1")


def is_covered(path: Path) -> bool:
    """Return whether a path would disappear below the mounts."""
    return any(path.is_relative_to(covered) for covered in COVERED)


def within(root: Path, held: dict[Path, int]) -> dict[Path, int]:
    """Return the part of `held` that lies below `root`."""
    return {path: descriptor for path, descriptor in held.items() if path.is_relative_to(root)}


def entries(directory: Path) -> dict[str, "int | Path"]:
    """Return the entries of a directory: symbolic links as their targets, all others opened."""
    return {
        entry.name: entry.readlink() if entry.is_symlink() else hold(entry) for entry in directory.iterdir()
    }


def hold(path: Path) -> int:
    """Open a path, so that it can be mounted elsewhere even when it is covered."""
    return os.open(path, os.O_PATH | os.O_CLOEXEC)


def overlay(
    root: Path, shown: dict[str, "int | Path"], added: dict[Path, int], held: dict[Path, int]
) -> None:
    """Cover `root` by a read-only directory that has `shown` by name, and `added` and `held` by path."""
    mount("tmpfs", root, 0, kind="tmpfs")
    for name, source in shown.items():
        if isinstance(source, Path):
            (root / name).symlink_to(source)
        elif root / name not in added:
            show(source, root / name, read_only=root != CODE.parent)
    for path, descriptor in {**added, **within(root, held)}.items():
        show(descriptor, path)
    make_read_only(root)


def show(descriptor: int, target: Path, *, read_only: bool = True) -> None:
    """Mount an open descriptor at `target`, which is created if necessary."""
    if stat.S_ISDIR(os.fstat(descriptor).st_mode):
        target.mkdir(parents=True, exist_ok=True)
    else:
        target.touch()
    mount(f"/proc/self/fd/{descriptor}", target, MS_BIND | MS_REC)
    if read_only:
        make_read_only(target)


def make_read_only(target: Path) -> None:
    """Make a mount read-only, for root too.

    Its other flags may be locked and must be repeated.
    """
    now = os.statvfs(target).f_flag
    kept = (now & MS_NOSUID_NODEV_NOEXEC_NOATIME_NODIRATIME) | (MS_RELATIME if now & ST_RELATIME else 0)
    mount(None, target, MS_REMOUNT | MS_BIND | MS_RDONLY | kept)


def mount(source: "str | None", target: Path, flags: int, *, kind: "str | None" = None) -> None:
    """Mount something, as the system call of that name does.

    Raises:
        OSError: it failed.
    """
    encoded = [text and os.fsencode(text) for text in (source, str(target), kind)]
    if LIBC.mount(*encoded, ctypes.c_ulong(flags), None):
        number = ctypes.get_errno()
        raise OSError(number, f"mount at {target}: {os.strerror(number)}")


LIBC = ctypes.CDLL(None, use_errno=True)

if __name__ == "__main__":
    main()
