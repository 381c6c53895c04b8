"""Zip archives whose bytes depend on what is in them alone."""

import io
from collections.abc import Mapping
from pathlib import PurePosixPath
from zipfile import ZIP_STORED, ZipFile, ZipInfo

FIRST_DAY = (1980, 1, 1, 0, 0, 0)  # the earliest a zip can say
FILE, PROGRAM = 0o100644, 0o100755


def zipped(files: Mapping[PurePosixPath, bytes]) -> bytes:
    """Return an archive of these files, in order of their names; what begins with #! can be run.

    Nothing is compressed: two versions of zlib need not give the same bytes.
    """
    out = io.BytesIO()
    with ZipFile(out, "w", ZIP_STORED) as archive:
        for path in sorted(files):
            info = ZipInfo(str(path), FIRST_DAY)
            info.create_system = 3  # Unix, on whatever system this runs
            info.external_attr = (PROGRAM if files[path].startswith(b"#!") else FILE) << 16
            archive.writestr(info, files[path])
    return out.getvalue()
