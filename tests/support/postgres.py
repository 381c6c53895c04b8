"""A PostgreSQL server for the tests: Debian's programs, a temporary folder, a local socket."""

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from times import PATIENCE

DEBIAN = Path("/usr/lib/postgresql")
DATABASE = "postgres"
USER = "postgres"  # runs the server if the tests run as root, which PostgreSQL refuses


def programs() -> Path | None:
    """Return the folder of the newest initdb and pg_ctl, or None if PostgreSQL is missing."""
    found = [path.parent for path in DEBIAN.glob("*/bin/pg_ctl")]
    return max(found, key=lambda folder: int(folder.parent.name), default=None)


class Server:
    """A running server; its databases are deleted with it."""

    def __init__(self, bin_: Path, folder: Path) -> None:
        self._bin = bin_
        self._folder = folder
        self._count = 0

    def new_database(self) -> str:
        """Return the URL of an empty schema, since a new database takes 300 files."""
        self._count += 1
        name = f"gradebook{self._count}"
        command = ("-h", self._folder, "-U", USER, "-c", f"CREATE SCHEMA {name}")
        self.run("psql", *command, DATABASE)
        options = f"options=-csearch_path%3D{name}"
        return f"postgresql://{USER}@/{DATABASE}?host={self._folder}&{options}"

    def run(self, program: str, *arguments: object) -> None:
        """Run a PostgreSQL program as the user that owns the folder."""
        # A file, not a pipe: the server that pg_ctl starts would hold a pipe open.
        with (self._folder / "output").open("w+") as output:
            done = subprocess.run(
                [str(self._bin / program), *map(str, arguments)],
                user=USER if os.geteuid() == 0 else None,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                timeout=PATIENCE,
            )
            output.seek(0)
            assert done.returncode == 0, output.read()


@contextlib.contextmanager
def server(bin_: Path) -> Iterator[Server]:
    """Run a server on a socket in a temporary folder, without a port."""
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))  # a socket's path has 107 bytes
    try:
        if os.geteuid() == 0:
            os.chown(folder, pwd.getpwnam(USER).pw_uid, -1)
        started = Server(bin_, folder)
        data = folder / "data"
        # trust: the socket's folder is closed to everybody else.
        started.run("initdb", "--auth=trust", "--no-sync", f"--username={USER}", "-D", data)
        options = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off"
        log = folder / "log"
        started.run("pg_ctl", "start", "--wait", "-D", data, "-l", log, "-o", options)
        try:
            yield started
        finally:
            started.run("pg_ctl", "stop", "--wait", "-D", data, "--mode=immediate")
    finally:
        shutil.rmtree(folder)
