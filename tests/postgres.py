"""A PostgreSQL server of the tests' own: Debian's programs, a temporary folder, a local socket."""

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

DEBIAN = Path("/usr/lib/postgresql")
USER = "postgres"  # as which a server runs where the tests run as root; it refuses root


def programs() -> Path:
    """Return the folder of initdb and pg_ctl, of the newest version; skip where there is none."""
    found = [path.parent for path in DEBIAN.glob("*/bin/pg_ctl")]
    if not found:
        pytest.skip("no PostgreSQL here: apt-get install postgresql")
    return max(found, key=lambda folder: int(folder.parent.name))


@contextlib.contextmanager
def server() -> Iterator[str]:
    """Run a server; give the URL of a database in it. Its folder is gone afterwards."""
    bin_ = programs()
    folder = Path(tempfile.mkdtemp(prefix="pg-"))  # short: the path of a socket has 107 bytes
    data = folder / "data"
    try:
        if os.geteuid() == 0:
            os.chown(folder, pwd.getpwnam(USER).pw_uid, -1)
        # trust: whoever reaches the socket, which lies in a folder that is the server's alone.
        run(bin_ / "initdb", "--auth=trust", "--no-sync", f"--username={USER}", data)
        # No port at all: listen_addresses is empty, and nothing is fsynced.
        options = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off"
        log = folder / "log"
        run(bin_ / "pg_ctl", "start", "-D", data, "-l", log, "-o", options, "--wait")
        try:
            yield f"postgresql://{USER}@/postgres?host={folder}"
        finally:
            run(bin_ / "pg_ctl", "stop", "-D", data, "--mode=immediate", "--wait")
    finally:
        shutil.rmtree(folder)


def run(*command: object) -> None:
    """Run a program of the server as the user that it accepts."""
    user = USER if os.geteuid() == 0 else None
    log = subprocess.run(
        [str(part) for part in command],
        user=user,
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,  # not a pipe: the server that pg_ctl starts would hold it open
        stderr=subprocess.DEVNULL,
        timeout=60,
    )
    assert log.returncode == 0, command
