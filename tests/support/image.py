"""The Dockerfile's image, without Docker: its steps, in a folder that crun runs.

This machine's system and Python replace its base image, and the packages of the tests' environment
replace pip's downloads.
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import container
from container import User
from installed import ROOT, fresh_environment

PYTHON = "/opt/python"  # stands in for the base image's
PIP = '#!/bin/sh\nexec python -m pip "$@"\n'
# pip has no network here, and builds with the installed setuptools.
OFFLINE = {"PIP_NO_INDEX": "1", "PIP_NO_BUILD_ISOLATION": "0"}


def instructions(dockerfile: str) -> Iterator[tuple[str, str]]:
    """Yield a Dockerfile's instructions, with their arguments unchanged."""
    for line in dockerfile.replace("\\\n", "").splitlines():
        if line and not line.startswith("#"):
            name, _, arguments = line.partition(" ")
            yield name, arguments.strip()


def context() -> set[str]:
    """Return the top-level files and folders that .dockerignore lets Docker see."""
    first, *rest = (ROOT / ".dockerignore").read_text().split()
    assert first == "*"
    return {line.removeprefix("!") for line in rest if line.startswith("!")}


class Image:
    """The Dockerfile's result in `folder`: files, an environment, a user and a command."""

    def __init__(self, folder: Path) -> None:
        self._bundle = folder
        self._root = folder / "rootfs"
        self._environment = {"PATH": f"{PYTHON}/bin:/usr/bin:/bin"}
        self._folder, self._user, self._command = "/", 0, list[str]()
        self.base = ""
        self._prepare_base()
        steps = {
            "FROM": self._from, "ARG": self._set, "ENV": self._set, "WORKDIR": self._workdir,
            "COPY": self._copy, "RUN": self._run, "USER": self._as_user, "ENTRYPOINT": self._entry,
        }  # fmt: skip
        for name, arguments in instructions((ROOT / "Dockerfile").read_text()):
            steps[name](arguments)

    def run(
        self, course: Path, *arguments: object, user: User | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run the image's command, as `docker run --volume course:FOLDER [--user N]` does."""
        user = user or User(self._user, ())
        os.chown(course, user.uid, user.uid)
        mounts = [container.bind(course, "rw", self._folder)]
        command = [*self._command, *map(str, arguments)]
        return self._start(command, user, self._environment, mounts)

    def _start(
        self, command: list[str], user: User, environment: dict[str, str], mounts: list[dict]
    ) -> subprocess.CompletedProcess[str]:
        shown = [*container.base_image(), *mounts]
        return container.start(
            self._bundle,
            container.configuration(command, user, self._folder, environment, shown),
        )

    def _prepare_base(self) -> None:
        fresh_environment(self._root / PYTHON[1:], "pip", "setuptools")
        pip = self._root / PYTHON[1:] / "bin" / "pip"
        pip.write_text(PIP)
        pip.chmod(0o755)

    def _from(self, arguments: str) -> None:
        self.base = arguments

    def _set(self, arguments: str) -> None:
        name, _, value = arguments.partition("=")
        self._environment[name] = value.strip('"')

    def _workdir(self, arguments: str) -> None:
        (self._root / arguments[1:]).mkdir(parents=True, exist_ok=True)
        self._folder = arguments

    def _copy(self, arguments: str) -> None:
        *sources, target = arguments.split()
        assert set(sources) <= context(), "which .dockerignore keeps from Docker"
        folder = self._root / self._folder[1:] / target
        for source in sources:
            if (ROOT / source).is_dir():
                no_caches = shutil.ignore_patterns("__pycache__")
                shutil.copytree(ROOT / source, folder, symlinks=True, ignore=no_caches)
            else:
                shutil.copy(ROOT / source, folder)

    def _run(self, arguments: str) -> None:
        environment = {"HOME": "/root", **self._environment, **OFFLINE}
        command = ["/bin/sh", "-c", arguments]
        done = self._start(command, container.ADMINISTRATOR, environment, [])
        assert done.returncode == 0, done.stdout + done.stderr

    def _as_user(self, arguments: str) -> None:
        assert re.fullmatch(r"\d+", arguments)  # a number needs no entry in /etc/passwd
        self._user = int(arguments)

    def _entry(self, arguments: str) -> None:
        self._command = json.loads(arguments)
