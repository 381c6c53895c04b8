"""Classes as systems export them, with awkward names."""

from collections.abc import Mapping
from pathlib import Path

from conftest import ROOT
from discovering import discover
from worth import MAX_UNTRAINED, worth
from zips import zipped

from grader.rubric import Rubric
from grader.submissions.archives import Archives
from grader.submissions.submission import Submission

CORPUS = ROOT / "tests" / "submissions"
CHEAP = ("gbk_comments.py", "sign_of_w1.py", "syntax_error.py")
POINTS = {  # without training
    "gbk_comments.py": MAX_UNTRAINED,
    "sign_of_w1.py": MAX_UNTRAINED - worth("grad_w1") / 2,
    "syntax_error.py": MAX_UNTRAINED - worth("grad_w2"),
}
NAMES = (
    "ada", "adalovelace", "王小明", "陳美玲", "renédescartes", "o", "日本太郎", "émile😀", "ада",
    "longname" * 12,
)  # fmt: skip
IDS = tuple(str(1000 + number) for number in range(30))

# Each system's layout: file names, and the contents of the system's own files.

# Ada handed in three times, a report last; two students are called Bo, and 12 AM is midnight.
BRIGHTSPACE = dict.fromkeys(
    [
        "index.html",
        "12345-67890 - Ada Adams - Oct 30, 2026 620 PM/homework.py",
        "12345-67890 - Ada Adams - Nov 1, 2026 905 AM/work/homework.ipynb",
        "12345-67890 - Ada Adams - Nov 2, 2026 0905 AM/report.pdf",
        "12346-67890 - Bo Brown - Oct 31, 2026 1258 AM/homework.py",
        "12346-67890 - Bo Brown - Oct 31, 2026 110 AM/new.py",
        "12347-67890 - Bo Brown - Oct 31, 2026 2358/homework.py",
        "12348-67890 - Group 1 - Cy O'Neil - 王 - Oct 31, 2026 12:01 PM/homework.py",
    ],
    "",
)
# For an assignment that takes one file; one number is the assignment's only.
BRIGHTSPACE_FILES = dict.fromkeys(
    [
        "index.html",
        "39-67890 - Ada Adams - Oct 30, 2026 620 PM - homework.py",
        "39-67890 - Ada Adams - Nov 1, 2026 905 AM - my - homework (1).py",
        "39-67890 - Bo Brown - Oct 31, 2026 1158 PM-homework.ipynb",
        "39-67890 - Cy - Oct 31, 2026 1158 PM - report.pdf",
    ],
    "",
)
# "attempt" in two languages; a student with no file, and one with none the second time.
BLACKBOARD = dict.fromkeys(
    [
        "Home_work 1_jdoe_attempt_2026-10-30-18-20-11_homework.py",
        "Home_work 1_jdoe_attempt_2026-11-01-09-05-02_homework.py",
        "Home_work 1_jdoe_attempt_2026-11-01-09-05-02_x_attempt_2026-12-01-09-05-02_y.py",
        "Home_work 1_jdoe_attempt_2026-10-30-18-20-11.txt",
        "Home_work 1_jdoe_attempt_2026-11-01-09-05-02.txt",
        "Home_work 1_a_smith@uni.example_poging_2026-10-31-23-58-00_homework.py",
        "Home_work 1_a_smith@uni.example_poging_2026-11-01-00-00-00.txt",
        "Home_work 1_nofile_attempt_2026-10-31-20-00-00.txt",
        "Home_work 1_pdf_attempt_2026-10-31-20-00-00.txt",
        "Home_work 1_pdf_attempt_2026-10-31-20-00-00_report.pdf",
    ],
    "",
)
SAKAI = {
    "Homework 1/grades.csv": '"Homework 1","Points"\n',
    "Homework 1/Doe, Jane(jdoe)/timestamp.txt": "20261030110400123",
    "Homework 1/Doe, Jane(jdoe)/Submission attachment(s)/homework.py": "",
    "Homework 1/Doe, Jane(jdoe)/Feedback Attachment(s)/solution.py": "",
    "Homework 1/Doe, Jane(jdoe)/Doe, Jane(jdoe)_submissionText.html": "",
    "Homework 1/Li, Ben (Benno)(bli)/timestamp.txt": "2026-10-30T11:04:00Z",
    "Homework 1/Li, Ben (Benno)(bli)/Abgegebene Dateien/homework.ipynb": "",
    "Homework 1/Plato,(7)/timestamp.txt": "Fri Oct 30 11:04:00 CST 2026",
    "Homework 1/Plato,(7)/Submission attachment(s)/homework.py": "",
    "Homework 1/Jane Roe/timestamp.txt": "20261030110400123",
    "Homework 1/Jane Roe/members.txt": f"{'Roe, &#29579; &#26126;(jroe); ' * 20}Roe, Joe(roe2)",
    "Homework 1/Jane Roe/Submission attachment(s)/homework.py": "",
    "Homework 1/Zoe Roe/timestamp.txt": "20261030110400123",
    "Homework 1/Zoe Roe/members.txt": "",
    "Homework 1/Zoe Roe/Submission attachment(s)/homework.py": "",
}
SAKAI_FILES = dict.fromkeys(
    [
        "grades.csv",
        "Doe, Jane(jdoe)_Submission attachment(s)_homework.py",
        "Doe, Jane(jdoe)_submissionText.html",
        "Li, Ben(bli)_Submission attachment(s)_lab_1_2_x.ipynb",
        "Plato,(7)_submissionText.html",
    ],
    "",
)
ACTIVE = (
    '{"active_version": %s, "history": [{"version": 1, "time": "2026-10-30 11:04:00-0400 '
    'America/New_York", "who": "ada"}, {"version": 2, "time": "2026-10-31 11:04:00-0400 '
    'America/New_York"}, {"version": 1, "time": "2026-11-09 11:04:00-0500 America/New_York"}]}'
)
# Ada chose an older version, Ben none, Cy's settings are lost, and Dan never had any.
SUBMITTY = {
    "submissions/ada/1/homework.py": "",
    "submissions/ada/2/homework.py": "",
    "submissions/ada/user_assignment_settings.json": ACTIVE % 1,
    "submissions/ben/1/homework.py": "",
    "submissions/ben/user_assignment_settings.json": ACTIVE % 0,
    "submissions/cy/9/homework.py": "",
    "submissions/cy/10/homework.py": "",
    "submissions/cy/user_assignment_settings.json": "{",
    "submissions/dan/1/homework.py": "",
}
# Jane's newest version has no code; Ben has another assignment, too.
TEAMS = dict.fromkeys(
    [
        "Submitted files/Jane Doe/Homework 1/Version 9/homework.py",
        "Submitted files/Jane Doe/Homework 1/Version 10/homework.py",
        "Submitted files/Jane Doe/Homework 1/Version 11/report.pdf",
        "Submitted files/John Smith/Homework 1/Version 1/homework.py",
        "Submitted files/Ben Li/Homework 1/Version 1/homework.py",
        "Submitted files/Ben Li/Essay/Version 1/essay.pdf",
    ],
    "",
)
# A group of two, one without an id; and one submission without a submitter.
METADATA = """\
submission_101:
  :submitters:
  - :name: Ada Lovelace
    :sid: '007'
    :email: ada@example.org
  :created_at: 2026-10-01 09:30:00.123456789 Z
  :score: 3.0
  :history: []
submission_102:
  :submitters:
  - :name: 'No'
    :sid:
    :email: no@example.org
  - :name: 王小明
    :sid: '8'
    :email: wang@example.org
  :created_at: 2026-10-02 00:00:00 Z
submission_103:
  :submitters: []
"""


def lay(root: Path, files: Mapping[str, str]) -> Path:
    """Write files with these texts."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def found_in(path: Path, rubric: Rubric, **options: object) -> list[Submission]:
    """Return the submissions found at a path."""
    with Archives(rubric.archives, rubric.limits.source_bytes) as archives:
        return discover([path], archives, **options)


def name_of(id_: str) -> str:
    """Return Canvas's name for an id; three ids share each name."""
    return NAMES[(int(id_) - 1000) // 3]


def file_of(id_: str) -> str:
    """Return the file of the sample class that an id hands in."""
    return CHEAP[int(id_) % 3]


def canvas_zip(folder: Path) -> Path:
    """Write the archive of "Download Submissions"; every seventh is late."""
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
