"""The grader as it is installed: its metadata, and a wheel of it with a rubric of one's own.

Both are the same in a checkout, which pip has installed as editable, and from a wheel.
"""

from base64 import urlsafe_b64encode
from collections.abc import Iterator, Mapping
from hashlib import sha256
from importlib.metadata import Distribution, distributions
from pathlib import Path, PurePosixPath

from grader import __version__
from grader.errors import UserError
from grader.rubric import RUBRIC_FILE, Rubric, to_toml
from grader.util.zipping import zipped

DISTRIBUTION = "sigmoid-homework-grader"  # as in pyproject.toml
LICENSE = "licenses/LICENSE"
PACKAGE = Path(__file__).parents[1]
# What depends on the project alone, and not on how it was installed.
METADATA = ("METADATA", "WHEEL", "entry_points.txt", LICENSE)
NOT_INSTALLED = (".pyc", ".po")  # made again by Python, and the source of the .mo


def installed_license() -> str:
    """Return the grader's licence; raise UserError if the grader is not installed as a whole."""
    return _metadata(LICENSE, _installed())


def wheel_of(rubric: Rubric) -> dict[PurePosixPath, bytes]:
    """Return a wheel of the grader as it is here, with `rubric` as its own: file name and bytes.

    Format: packaging.python.org, "Binary distribution format". Raises UserError if the grader is
    not installed, or if the homework has a package of its own, which a wheel does not hold.
    """
    if rubric.homework.package:
        raise UserError("homework.package: a homework with a package of its own cannot be packed")
    grader = _installed()
    name = f"{DISTRIBUTION.replace('-', '_')}-{grader.version}"
    info = PurePosixPath(f"{name}.dist-info")
    files = {PurePosixPath("grader", path): content for path, content in _package(rubric)}
    files |= {info / each: _metadata(each, grader).encode() for each in METADATA}
    record = info / "RECORD"
    files[record] = _record(files, record).encode()
    return {PurePosixPath(f"{name}-py3-none-any.whl"): zipped(files)}


def _installed() -> Distribution:
    """Return this grader as pip installed it; an egg-info that a build left behind is not that."""
    for each in distributions(name=DISTRIBUTION):
        if each.version == __version__ and each.read_text("METADATA"):
            return each
    raise UserError(f"grader {__version__} is not installed: pip install {PACKAGE.parent}")


def _metadata(name: str, grader: Distribution) -> str:
    text = grader.read_text(name)
    if text is None:
        raise UserError(f"the installed grader has no {name}: install it again with pip")
    return text


def _package(rubric: Rubric) -> Iterator[tuple[Path, bytes]]:
    for path in sorted(PACKAGE.rglob("*")):
        if path.is_file() and path.suffix not in NOT_INSTALLED:
            content = to_toml(rubric).encode() if path == RUBRIC_FILE else path.read_bytes()
            yield path.relative_to(PACKAGE), content


def _record(files: Mapping[PurePosixPath, bytes], record: PurePosixPath) -> str:
    rows = [f"{path},sha256={_digest(files[path])},{len(files[path])}" for path in files]
    return "\n".join([*rows, f"{record},,"]) + "\n"


def _digest(content: bytes) -> str:
    return urlsafe_b64encode(sha256(content).digest()).decode().rstrip("=")
