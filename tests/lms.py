"""A class as Canvas hands it out: thirty students with awkward names."""

from pathlib import Path

from conftest import ROOT
from zips import zipped

CORPUS = ROOT / "tests" / "submissions"
CHEAP = ("gbk_comments.py", "sign_of_w1.py", "syntax_error.py")
POINTS = {"gbk_comments.py": 75, "sign_of_w1.py": 68, "syntax_error.py": 65}  # without training
NAMES = (
    "ada", "adalovelace", "王小明", "陳美玲", "renédescartes", "o", "日本太郎", "émile😀", "ада",
    "longname" * 12,
)  # fmt: skip
IDS = tuple(str(1000 + number) for number in range(30))


def name_of(id_: str) -> str:
    """Return the name that Canvas has for an id; three share each."""
    return NAMES[(int(id_) - 1000) // 3]


def file_of(id_: str) -> str:
    """Return the file of the sample class that one hands in."""
    return CHEAP[int(id_) % 3]


def canvas_zip(folder: Path) -> Path:
    """Write what "Download Submissions" gives; every seventh is late."""
    return zipped(
        folder / "submissions.zip",
        [
            (
                f"{name_of(id_)}_{'LATE_' if int(id_) % 7 == 0 else ''}{id_}_5{id_}_homework.py",
                (CORPUS / file_of(id_)).read_bytes(),
            )
            for id_ in IDS
        ],
    )
