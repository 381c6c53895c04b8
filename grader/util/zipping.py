"""Zip archives whose bytes depend on their contents alone."""

import io
from collections.abc import Mapping
from pathlib import PurePosixPath
from zipfile import ZIP_STORED, ZipFile, ZipInfo

FIRST_DAY = (1980, 1, 1, 0, 0, 0)  # the earliest date a zip can hold
FILE, PROGRAM = 0o100644, 0o100755


def zipped(files: Mapping[PurePosixPath, bytes]) -> bytes:
    """Return an archive of these files, ordered by name; files that begin with #! are executable.

    Nothing is compressed, since two versions of zlib may not give the same bytes.
    """
    out = io.BytesIO()
    with ZipFile(out, "w", ZIP_STORED) as archive:
        for path in sorted(files):
            info = ZipInfo(str(path), FIRST_DAY)
            info.create_system = 3  # Unix, whatever system this runs on
            info.external_attr = (PROGRAM if files[path].startswith(b"#!") else FILE) << 16
            archive.writestr(info, files[path])
    return out.getvalue()
