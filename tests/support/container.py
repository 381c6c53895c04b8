"""A container like Docker's, without Docker: run by crun, under Docker's system-call filter.

This machine's Python, libraries and repository are visible in it, read-only and at the same paths.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from times import PATIENCE

ROOT = Path(__file__).parents[2]
# Podman's filter, from Debian's golang-github-containers-common; it is derived from Docker's.
PROFILE = Path("/usr/share/containers/seccomp.json")
# Calls that Podman allows to everybody, but Docker 28 only to those with CAP_SYS_ADMIN.
FOR_ADMINISTRATORS = {
    "bpf", "clone", "clone3", "fanotify_init", "fsconfig", "fsmount", "fsopen", "fspick",
    "lookup_dcookie", "mount", "mount_setattr", "move_mount", "open_tree", "perf_event_open",
    "quotactl", "quotactl_fd", "setdomainname", "sethostname", "setns", "syslog", "umount",
    "umount2", "unshare",
}  # fmt: skip
# All flags of clone that make a namespace.
NAMESPACES = 0x7E020000
# Root's capabilities in a Docker container by default.
CAPABILITIES = [
    f"CAP_{name}"
    for name in (
        "CHOWN", "DAC_OVERRIDE", "FSETID", "FOWNER", "MKNOD", "NET_RAW", "SETGID", "SETUID",
        "SETFCAP", "SETPCAP", "NET_BIND_SERVICE", "SYS_CHROOT", "KILL", "AUDIT_WRITE",
    )
]  # fmt: skip
MASKED = [
    "/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list",
    "/proc/timer_stats", "/proc/sched_debug", "/proc/scsi", "/sys/firmware",
]  # fmt: skip
READ_ONLY = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]
# crun fails if both versions of cgroups are mounted, even if told to leave them alone.
WITHOUT_CGROUPS = [
    "unshare", "--mount", "sh", "-c", 'mount -t tmpfs none /sys/fs/cgroup && exec "$@"', "sh",
]  # fmt: skip
SYSTEM = ("/usr", "/bin", "/lib", "/lib64", "/etc")


class User(NamedTuple):
    """The user who runs the grader in the container."""

    uid: int
    capabilities: Sequence[str]


ORDINARY = User(10001, ())
ADMINISTRATOR = User(0, CAPABILITIES)


def run(
    command: Sequence[object], user: User, bundle: Path, results: Path, *shown: Path
) -> subprocess.CompletedProcess[str]:
    """Run a command in a container described in `bundle`, which may write to `results`.

    It also sees the folders `shown`, besides those that the grader needs.
    """
    (bundle / "rootfs").mkdir(parents=True)
    results.mkdir(parents=True, exist_ok=True)
    os.chown(results, user.uid, user.uid)
    return start(bundle, _config(list(map(str, command)), user, results, [*_needed(), *shown]))


def start(bundle: Path, config: dict) -> subprocess.CompletedProcess[str]:
    """Run a container with this configuration, in the Open Container Initiative's format."""
    (bundle / "config.json").write_text(json.dumps(config))
    name = f"grader-{os.getpid()}-{bundle.name}"
    crun = [*WITHOUT_CGROUPS, "crun", "--cgroup-manager=disabled", "run", "--bundle", bundle, name]
    return subprocess.run(
        crun, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE
    )


def _config(command: list[str], user: User, results: Path, shown: Sequence[Path]) -> dict:
    environment = {"PATH": "/usr/bin:/bin", "HOME": "/tmp", "LANG": "C.UTF-8"}
    mounts = [*(bind(path, "ro") for path in shown), bind(results, "rw")]
    config = configuration(command, user, "/tmp", environment, mounts)
    config["root"]["readonly"] = True
    return config


def configuration(
    command: Sequence[str],
    user: User,
    folder: str,
    environment: Mapping[str, str],
    mounts: Sequence[dict],
) -> dict:
    """Return the configuration of a Docker container, without images and networks."""
    return {
        "ociVersion": "1.0.0",
        "root": {"path": "rootfs", "readonly": False},
        "process": {
            "args": command,
            "cwd": folder,
            "env": [f"{name}={value}" for name, value in environment.items()],
            "user": {"uid": user.uid, "gid": user.uid},
            "capabilities": dict.fromkeys(
                ("bounding", "permitted", "effective"), user.capabilities
            ),
            "noNewPrivileges": True,
        },
        "mounts": [*_in_memory(), *mounts],
        "linux": {
            "namespaces": [{"type": name} for name in ("mount", "pid", "ipc", "uts", "network")],
            "maskedPaths": MASKED,
            "readonlyPaths": READ_ONLY,
            "seccomp": docker_filter(user.capabilities),
        },
    }


def _needed() -> list[Path]:
    """Return this machine's visible parts: system, Python and the repository with its .venv."""
    return _outermost({*map(Path, SYSTEM), ROOT, Path(sys.base_prefix), Path(sys.prefix)})


def _outermost(folders: set[Path]) -> list[Path]:
    folders = {folder for folder in folders if folder.exists()}
    return sorted(folder for folder in folders if not folders & set(folder.parents))


def base_image() -> list[dict]:
    """Return the mounts that stand in for a base image: system and Python, without packages."""
    return [bind(path, "ro") for path in _outermost({*map(Path, SYSTEM), Path(sys.base_prefix)})]


def bind(folder: Path, access: str, target: str = "") -> dict:
    """Return a mount of a folder at `target`, or at its own path."""
    options = ["rbind", access, "nosuid"]
    where = target or str(folder)
    return {"destination": where, "source": str(folder), "type": "bind", "options": options}


def _mount(kind: str, target: str, *options: str) -> dict:
    return {"destination": target, "type": kind, "source": kind, "options": ["nosuid", *options]}


def _in_memory() -> list[dict]:
    return [
        _mount("proc", "/proc"),
        _mount("tmpfs", "/dev", "mode=755"),
        _mount("devpts", "/dev/pts", "newinstance", "ptmxmode=0666", "mode=0620"),
        _mount("tmpfs", "/dev/shm", "mode=1777", "size=64m"),
        _mount("tmpfs", "/tmp", "mode=1777"),
    ]


def docker_filter(capabilities: Sequence[str]) -> dict:
    """Return Docker's default filter in a runtime's format."""
    profile = json.loads(PROFILE.read_text())
    rules = [
        {**_rule(rule), "names": names}
        for rule in profile["syscalls"]
        if _applies(rule, capabilities)
        and (names := [name for name in rule["names"] if name not in FOR_ADMINISTRATORS])
    ]
    no_namespace = {"index": 0, "value": NAMESPACES, "valueTwo": 0, "op": "SCMP_CMP_MASKED_EQ"}
    rules += [
        {"names": ["clone"], "action": "SCMP_ACT_ALLOW", "args": [no_namespace]},
        {"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38},
    ]
    architectures = ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"]
    return {
        "defaultAction": "SCMP_ACT_ERRNO",
        "defaultErrnoRet": 1,
        "architectures": architectures,
        "syscalls": rules,
    }


def _rule(rule: dict) -> dict:
    return {key: rule[key] for key in ("action", "errnoRet", "args") if rule.get(key) is not None}


def _applies(rule: dict, capabilities: Sequence[str]) -> bool:
    """Tell whether a rule applies to this processor and these capabilities."""
    wanted, unwanted = rule.get("includes") or {}, rule.get("excludes") or {}
    return (
        "amd64" in wanted.get("arches", ["amd64"])
        and set(wanted.get("caps", [])) <= set(capabilities)
        and not set(unwanted.get("caps", [])) & set(capabilities)
    )
