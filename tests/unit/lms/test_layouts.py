"""What each system hands an instructor is read as it is: whose everything is, and when it came.

The layouts are made here as the systems are documented to make them: see grader/lms/systems/.
"""

import csv
import json
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import lms
import pytest
from discovering import discover
from lms import found_in, lay
from zips import link, patched, zipped

from grader.lms.layout import Layout, Owner, Unclear
from grader.lms.moments import moment
from grader.lms.registry import SYSTEMS, layout_of, says_whose
from grader.results.policy import Zone
from grader.submissions.archives import Archives
from grader.submissions.remarks import HOW_LATE

STUB = "as it was handed out"


def layout_in(folder: Path, order: Callable[[list[str]], list[str]] = list) -> Layout | None:
    """Return the layout of a folder whose entries come in some order."""
    files = [path.name for path in folder.iterdir() if path.is_file()]
    folders = [path.name for path in folder.iterdir() if path.is_dir()]
    return layout_of(folder, order(files), order(folders))


CANVAS = (
    "doejane_11_901_homework.ipynb",
    "doejane_LATE_12_902_homework-1.py",
    "王小明_13_903_homework.py",
    "odea_14_904_notes.py",
    "odea_14_905_homework-2.py",
    "émile_15_906_work.zip",
    "_16_907_homework.py",  # of 😀, of which Canvas leaves nothing
    "_LATE_17_908_homework.py",
)
CANVAS_ANONYMOUS = (
    "anon_aB3xY_901_homework.ipynb", "anon_aB3xY_902_notes.py", "LATE_anon_12345_903_homework.py",
)  # fmt: skip
CANVAS_UNGRADABLE = (
    "ada_11_901_homework.py", "ada_11_902_report.pdf", "ben_12_903_report.pdf", "cy_13_text.html",
    "dan_LATE_14_link.html", "eve_15_904_work.rar", "README.txt",
)  # fmt: skip
# Somebody whose name is x_12, not Bob; a file that begins with a number, which is none of
# Canvas's; two of a group with one file.
CANVAS_NUMBERS = (
    "x_12_1000_900_homework.py", "bob_12_901_homework.py", "cy_13_902_4_homework.py",
    "dan_14_903_homework.py", "eve_15_903_homework.py",
)  # fmt: skip
# What Jane calls a file gives it to nobody else.
MOODLE_HOSTILE = (
    "Jane_21_assignsubmission_file_Bob_22_assignsubmission_file_homework.py",
    "Bob_22_assignsubmission_file_homework.py",
    "Cy_23_assignsubmission_onlinetext_onlinetext.html",
    "Dan_24_assignsubmission_onlinepoodll_a.mp3",
)
MOODLE_FOLDERS = (
    "Jane Doe_21_assignsubmission_file_/homework.py",
    "Jane Doe_22_assignsubmission_file_/my work/homework.ipynb",
    "王 小明_23_assignsubmission_file/hw.py",
    "Anna_Lena O'Neil_24_assignsubmission_onlinetext/onlinetext.html",
    "Anna_Lena O'Neil_24_assignsubmission_file/homework.py",
)
MOODLE_FILES = (
    "Jane Doe_21_assignsubmission_file_homework.py",
    "Participant_22_assignsubmission_file_homework_v2.ipynb",
)
NBGRADER = {
    "submitted/ada/ps1/homework.ipynb": "{}",
    "submitted/ada/ps1/timestamp.txt": "2026-10-01 09:30:00.000000 UTC",
    "submitted/ben/ps1/homework.py": "",
    "submitted/ben/ps1/timestamp.txt": "yesterday",
    "source/ps1/homework.ipynb": "{}",
}
CLASSROOM = (
    "hw-two-ada-l/.git/config", "hw-two-ada-l/homework.py", "hw-two-ada-l/tests/test_it.py",
    "hw-two-ben/.git/config", "hw-two-ben/README.md",
)  # fmt: skip

# What is laid out, whose it is by name, the system and its ids, and the files that are graded.
LAYOUTS = {
    "canvas": (
        dict.fromkeys(CANVAS, ""),
        {
            "doejane-11": ("Canvas", "11", ["doejane_11_901_homework.ipynb"]),
            "doejane-12": ("Canvas", "12", ["doejane_LATE_12_902_homework-1.py"]),
            "odea": ("Canvas", "14", ["odea_14_905_homework-2.py", "odea_14_904_notes.py"]),
            "émile": ("Canvas", "15", ["émile_15_906_work.zip"]),  # which is no archive
            "16": ("Canvas", "16", ["_16_907_homework.py"]),
            "17": ("Canvas", "17", ["_LATE_17_908_homework.py"]),
            "王小明": ("Canvas", "13", ["王小明_13_903_homework.py"]),
        },
    ),
    "canvas, anonymous": (
        dict.fromkeys(CANVAS_ANONYMOUS, ""),
        {
            "anon_12345": ("Canvas", "anon_12345", ["LATE_anon_12345_903_homework.py"]),
            "anon_aB3xY": (
                "Canvas",
                "anon_aB3xY",
                ["anon_aB3xY_901_homework.ipynb", "anon_aB3xY_902_notes.py"],
            ),
        },
    ),
    "canvas, files that nobody grades": (
        dict.fromkeys(CANVAS_UNGRADABLE, ""),
        {
            "ada": ("Canvas", "11", ["ada_11_901_homework.py"]),
            "ben": ("Canvas", "12", []),
            "cy": ("Canvas", "13", []),
            "dan": ("Canvas", "14", []),
            "eve": ("Canvas", "15", []),
        },
    ),
    "canvas, numbers in names": (
        dict.fromkeys(CANVAS_NUMBERS, ""),
        {
            "x_12": ("Canvas", "1000", [CANVAS_NUMBERS[0]]),
            "bob": ("Canvas", "12", [CANVAS_NUMBERS[1]]),
            "cy": ("Canvas", "13", ["cy_13_902_4_homework.py"]),
            "dan": ("Canvas", "14", ["dan_14_903_homework.py"]),
            "eve": ("Canvas", "15", ["eve_15_903_homework.py"]),
        },
    ),
    "moodle, names of files": (
        dict.fromkeys(MOODLE_HOSTILE, ""),
        {
            "Bob": ("Moodle", "22", [MOODLE_HOSTILE[1]]),
            "Cy": ("Moodle", "23", []),
            "Dan": ("Moodle", "24", []),
            "Jane": ("Moodle", "21", [MOODLE_HOSTILE[0]]),
        },
    ),
    "moodle, a folder each": (
        dict.fromkeys(MOODLE_FOLDERS, ""),
        {
            "Anna_Lena O'Neil": ("Moodle", "24", ["homework.py"]),
            "Jane Doe-21": ("Moodle", "21", ["homework.py"]),
            "Jane Doe-22": ("Moodle", "22", ["homework.ipynb"]),
            "王 小明": ("Moodle", "23", ["hw.py"]),
        },
    ),
    "moodle, files": (
        dict.fromkeys(MOODLE_FILES, ""),
        {
            "Jane Doe": ("Moodle", "21", [MOODLE_FILES[0]]),
            "Participant": ("Moodle", "22", [MOODLE_FILES[1]]),
        },
    ),
    "gradescope": (
        {
            "submission_metadata.yml": lms.METADATA,
            **dict.fromkeys([f"submission_{n}/homework.py" for n in (101, 102, 103)], ""),
        },
        {
            "Ada Lovelace": ("Gradescope", "007", ["homework.py"]),
            "No": ("Gradescope", "no@example.org", ["homework.py"]),
            "submission_103": ("Gradescope", "submission_103", ["homework.py"]),
            "王小明": ("Gradescope", "8", ["homework.py"]),
        },
    ),
    "nbgrader": (
        NBGRADER,
        {
            "ada": ("nbgrader", "ada", ["homework.ipynb"]),
            "ben": ("nbgrader", "ben", ["homework.py"]),
        },
    ),
    "github": (
        dict.fromkeys(CLASSROOM, ""),
        {
            "ada-l": ("GitHub", "ada-l", ["homework.py", "test_it.py"]),
            "ben": ("GitHub", "ben", []),
        },
    ),
    "brightspace": (
        lms.BRIGHTSPACE,
        {
            "Ada Adams": ("Brightspace", "12345", ["homework.ipynb"]),
            "Bo Brown-12346": ("Brightspace", "12346", ["new.py"]),
            "Bo Brown-12347": ("Brightspace", "12347", ["homework.py"]),
            "Group 1 - Cy O'Neil - 王": ("Brightspace", "12348", ["homework.py"]),
        },
    ),
    "brightspace, files": (
        lms.BRIGHTSPACE_FILES,
        {
            "Ada Adams": (
                "Brightspace",
                "39 Ada Adams",
                ["39-67890 - Ada Adams - Nov 1, 2026 905 AM - my - homework (1).py"],
            ),
            "Bo Brown": (
                "Brightspace",
                "39 Bo Brown",
                ["39-67890 - Bo Brown - Oct 31, 2026 1158 PM-homework.ipynb"],
            ),
            "Cy": ("Brightspace", "39 Cy", []),
        },
    ),
    "blackboard": (
        lms.BLACKBOARD,
        {
            "jdoe": (
                "Blackboard",
                "jdoe",
                [
                    "Home_work 1_jdoe_attempt_2026-11-01-09-05-02_homework.py",
                    "Home_work 1_jdoe_attempt_2026-11-01-09-05-02_"
                    "x_attempt_2026-12-01-09-05-02_y.py",
                ],
            ),
            "a_smith@uni.example": (
                "Blackboard",
                "a_smith@uni.example",
                ["Home_work 1_a_smith@uni.example_poging_2026-10-31-23-58-00_homework.py"],
            ),
            "nofile": (
                "Blackboard",
                "nofile",
                ["Home_work 1_nofile_attempt_2026-10-31-20-00-00.txt"],
            ),
            "pdf": ("Blackboard", "pdf", []),
        },
    ),
    "sakai": (
        lms.SAKAI,
        {
            "Doe, Jane": ("Sakai", "jdoe", ["homework.py"]),
            "Li, Ben (Benno)": ("Sakai", "bli", ["homework.ipynb"]),
            "Plato": ("Sakai", "7", ["homework.py"]),
            "Roe, 王 明": ("Sakai", "jroe", ["homework.py"]),
            "Roe, Joe": ("Sakai", "roe2", ["homework.py"]),
            "Zoe Roe": ("Sakai", "Zoe Roe", ["homework.py"]),
        },
    ),
    "sakai, files": (
        lms.SAKAI_FILES,
        {
            "Doe, Jane": (
                "Sakai",
                "jdoe",
                ["Doe, Jane(jdoe)_Submission attachment(s)_homework.py"],
            ),
            "Li, Ben": ("Sakai", "bli", ["Li, Ben(bli)_Submission attachment(s)_lab_1_2_x.ipynb"]),
            "Plato": ("Sakai", "7", []),
        },
    ),
    "submitty": (
        lms.SUBMITTY,
        {
            "ada": ("Submitty", "ada", ["homework.py"]),
            "ben": ("Submitty", "ben", ["ben"]),
            "cy": ("Submitty", "cy", ["homework.py"]),
            "dan": ("Submitty", "dan", ["homework.py"]),
        },
    ),
    "teams": (
        lms.TEAMS,
        {
            "Ben Li": ("Teams", "Ben Li", ["homework.py"]),
            "Jane Doe": ("Teams", "Jane Doe", ["homework.py"]),
            "John Smith": ("Teams", "John Smith", ["homework.py"]),
        },
    ),
}


def test_each_system_is_among_them():
    names = {row[0] for _, expected in LAYOUTS.values() for row in expected.values()}
    assert names == {system.name for system in SYSTEMS}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_whose_everything_is(tmp_path, rubric, layout):
    files, expected = LAYOUTS[layout]
    found = found_in(lay(tmp_path / "class", files), rubric)
    assert {
        s.student: (s.owner.system, s.owner.id, [path.name for path in s.files]) for s in found
    } == expected


SAKAIS = "_Submission attachment(s)_"
AT = "Oct 30, 2026 620 PM"
EARLY = "Oct 1, 2026 100 AM"
# Files of a class in which somebody chose a name that reads as another student's; whose the others
# are all the same, by id; and what is said of the rest, of which nothing is graded.
TWO_WAYS = {
    "canvas, the student's name": (
        ["lovelaceada_111_9001_x.py", "bauerben_333_9003_x.py", "lovelaceada_111_5_222_911_h1.py",
         "lovelaceada_111_5_222_912_h2.py"],
        {"111": ["lovelaceada_111_9001_x.py"], "333": ["bauerben_333_9003_x.py"]},
        "lovelaceada_111_5_222_911_h1.py is ambiguous: it may be of lovelaceada (111) "
        "or of lovelaceada_111 (5) or of lovelaceada_111_5 (222); rename it so that only one of "
        "them fits",
    ),
    "canvas, the name's end": (
        ["ada_11_9001_x.py", "ada_11_222_9002_x.py"],
        {"11": ["ada_11_9001_x.py"]},
        "ada_11_222_9002_x.py is ambiguous: it may be of ada (11) or of ada_11 (222);",
    ),
    "canvas, who has not handed in": (
        ["ben_12_9001_x.py", "ada_11_9003_222_9002_x.py"],
        {"12": ["ben_12_9001_x.py"]},
        "is ambiguous: it may be of ada (11) or of ada_11 (9003) or of ada_11_9003 (222",
    ),
    "canvas, late": (
        ["ada_11_9001_x.py", "ada_11_9003_LATE_222_9002_x.py"],
        {"11": ["ada_11_9001_x.py"]},
        "is ambiguous: it may be of ada (11) or of ada_11_9003 (222)",
    ),
    "canvas, what was typed": (
        ["ada_11_9001_x.py", "ada_11_222_text.html"],
        {"11": ["ada_11_9001_x.py"]},
        "is ambiguous: it may be of ada (11) or of ada_11 (222)",
    ),
    "canvas, a short number within": (
        ["lovelaceada_111_9001_x.py", "bauerben_333_9003_x.py", "lovelaceada_111_5_222_9101_h.py"],
        {"111": ["lovelaceada_111_9001_x.py"], "333": ["bauerben_333_9003_x.py"]},
        "lovelaceada_111_5_222_9101_h.py is ambiguous",
    ),
    "canvas, late within a name": (
        ["lovelaceada_111_9001_x.py", "bauerben_333_9003_x.py",
         "lovelaceada_LATE_111_222_9102_h.py"],
        {"111": ["lovelaceada_111_9001_x.py"], "333": ["bauerben_333_9003_x.py"]},
        "lovelaceada_LATE_111_222_9102_h.py is ambiguous",
    ),
    "canvas, later than hers": (
        ["lovelaceada_111_9001_x.py", "bauerben_333_9003_x.py",
         "lovelaceada_111_9999_222_9999_x-2.py"],
        {"111": ["lovelaceada_111_9001_x.py"], "333": ["bauerben_333_9003_x.py"]},
        "lovelaceada_111_9999_222_9999_x-2.py is ambiguous",
    ),
    "sakai, a file's name": (
        [f"Doe, Jane(jane){SAKAIS}x.py", f"Li, Ben(ben){SAKAIS}Doe, Jane(jane){SAKAIS}x.py",
         f"Roe, Zoe(zoe){SAKAIS}x.py"],
        {"jane": [f"Doe, Jane(jane){SAKAIS}x.py"],
         "ben": [f"Li, Ben(ben){SAKAIS}Doe, Jane(jane){SAKAIS}x.py"]},
        None,  # what it is then is certain: Jane has another name
    ),
    "sakai, a student's name": (
        [f"Li, Ben(ben){SAKAIS}x.py", f"Doe, Jane(jane){SAKAIS}(mallory){SAKAIS}x.py"],
        {"ben": [f"Li, Ben(ben){SAKAIS}x.py"]},
        "it may be of Doe, Jane (jane) or of Doe, Jane(jane)_Submission attachment(s)_ (mallory)",
    ),
    "brightspace, a student's name": (
        [f"3-9 - Ada - {AT} - x.py", f"3-9 - Ada - {EARLY} - Eve - {AT} - x.py"],
        {"3": [f"3-9 - Ada - {AT} - x.py"]},
        f"may be of Ada (3) or of Ada - {EARLY} - Eve (3)",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", TWO_WAYS)
def test_a_name_that_reads_as_another_students_is_nobodys(tmp_path, rubric, case):
    names, expected, told = TWO_WAYS[case]
    remarks: list[str] = []
    root = lay(tmp_path / "class", dict.fromkeys(names, ""))
    found = found_in(root, rubric, remark=remarks.append)
    graded = {s.owner.id: [path.name for path in s.files] for s in found if not s.problem}
    assert {id_: files for id_, files in graded.items() if id_ in expected} == expected
    rest = [s for s in found if s.problem]
    if told is None:
        assert not rest
    else:
        assert told in rest[0].problem
        (line,) = [line for line in remarks if "not graded, since each may be" in line]
        assert rest[0].files[0].name in line


def test_a_time_that_is_none_does_not_unmake_a_class(tmp_path, rubric):
    names = [f"3-9 - Ada - {AT} - x.py", f"4-9 - Eve - Jun 31, 2026 620 PM - y - {AT} - x.py"]
    found = found_in(lay(tmp_path / "class", dict.fromkeys(names, "")), rubric)
    assert [(s.owner.id, len(s.files)) for s in found] == [("3", 1), ("4", 1)]


def test_a_second_name_leaves_the_marks_of_the_first_alone(warm, untrained, tmp_path):
    """Somebody called lovelaceada_111_5 hands in twenty files, and is told of once."""
    best, worse = (
        (lms.CORPUS / name).read_bytes() for name in ("gbk_comments.py", "syntax_error.py")
    )
    entries = [
        ("lovelaceada_111_9001_solution.py", worse), ("bauerben_333_9003_solution.py", best),
        *((f"lovelaceada_111_5_222_91{number}_h{number}.py", best) for number in range(1, 21)),
    ]  # fmt: skip
    archive, out = zipped(tmp_path / "cv.zip", entries), tmp_path / "out"
    done = warm.run("grade", archive, "--out", out, "--rubric", untrained, "--no-pages")
    assert done.returncode == 0, done.stderr
    with (out / "grades.csv").open(encoding="utf-8-sig") as grades:
        rows = {row["student"]: (row["status"], row["final"]) for row in csv.DictReader(grades)}
    assert rows == {
        "bauerben": ("graded", f"{lms.POINTS['gbk_comments.py']:g}"),
        "lovelaceada": ("graded", f"{lms.POINTS['syntax_error.py']:g}"),
        "lovelaceada_111_5_222": ("unreadable", "0"),
    }
    told = "it may be of lovelaceada (111) or of lovelaceada_111 (5) or of lovelaceada_111_5 (222)"
    assert " ".join(done.stdout.split()).count(told) == 1
    assert told in (out / "index.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("layout", [layout for layout in LAYOUTS if layout != "github"])
def test_a_zip_of_it_is_the_same(tmp_path, rubric, layout):
    files, expected = LAYOUTS[layout]
    # Of nbgrader's course what students submitted: deeper in an archive nobody looks.
    entries = [(name, text.encode()) for name, text in files.items() if "source/" not in name]
    archive = zipped(tmp_path / "class.zip", entries)
    found = {s.student: s.owner for s in found_in(archive, rubric)}
    assert {name: (o.system, o.id) for name, o in found.items()} == {
        name: row[:2] for name, row in expected.items()
    }


@pytest.mark.parametrize("name", ["ben_12_903_report.pdf", "cy_13_text.html"])
def test_who_handed_in_what_nobody_grades_is_told(tmp_path, rubric, name):
    files = {"ada_11_901_homework.py": b"", name: b"%PDF"}
    archive = zipped(tmp_path / "class.zip", list(files.items()))
    folder = lay(tmp_path / "class", dict.fromkeys(files, ""))
    called = name.removeprefix("ben_12_903_")
    for path in (archive, folder):
        _, told = found_in(path, rubric)
        assert told.problem.startswith(f"{called} is ")
    # In an ordinary class no system knows whose such a file is.
    ordinary = found_in(zipped(tmp_path / "own.zip", [("ada.py", b""), (name, b"%PDF")]), rubric)
    assert [(s.student, s.owner) for s in ordinary] == [("ada", None), (Path(name).stem, None)]


def test_what_is_refused_of_a_class_is_told_one_by_one(tmp_path, rubric):
    """Beside what is good: a way out, links, encrypted entries, and a student's bomb."""
    x, zeros = b"x = 1\n", bytes(50_000_000)
    bomb = zipped(tmp_path / "bomb.zip", [("homework.py", zeros), ("more.py", zeros)])
    entries = [
        ("ada_11_901_homework.py", x), ("ada_11_902_more.py", x), ("dan_14_903_homework.py", x),
        ("../../ben_12_904_homework.py", x), link("cy_13_905_homework.py", "/etc/passwd"),
        link("passwd", "/etc/passwd"), ("eve_15_906_work.zip", bomb.read_bytes()),
    ]  # fmt: skip
    archive = patched(
        zipped(tmp_path / "class.zip", entries), only=("ada_11_902", "dan_14"), flags=1
    )
    told = {s.student: s.problem for s in found_in(archive, rubric)}
    assert told.pop("ada") is None
    expected = {
        "ben": "is called ../../ben_12_904_homework.py in its archive, which leads out of it",
        "cy": "is a link or a special file in its archive",
        "dan": "is encrypted in its archive",
        "eve": "is a zip bomb",
        "passwd": "is a link or a special file in its archive",
    }
    assert told.keys() == expected.keys()
    assert [student for student in told if expected[student] not in told[student]] == []


ORDINARY = [
    ["jane_1_2_homework.py", "ben.py"],  # one odd name makes no Canvas class
    ["ada_2026_10_homework.py", "ben_2026_10_homework.py"],  # nor do names with a date
    # A student's own timestamp.txt makes nobody nbgrader's.
    ["ada/homework.py", "ben/homework.py", "ben/timestamp.txt"],
    ["ada/homework.py", "ada/x/timestamp.txt", "ben/homework.py"],  # nor one student nbgrader's
    ["ada/.git/config", "ada/homework.py", "ben/homework.py"],
    ["submission_1/homework.py", "submission_2/homework.py"],
    ["Ada - Lab 1 - final.py", "Ben - Lab 1 - final.py"],
    ["12345-67890 - Ada - Oct 30, 2026 620 PM/homework.py", "ben/homework.py"],
    ["1-2 - Ada - Jun 31, 2026 620 PM/homework.py", "1-2 - Ben - Jun 30, 2026 620 PM/homework.py"],
    ["1-2 - Ada - Jun 30, 2026 1300 PM/a.py", "1-2 - Ben - Jun 30, 2026 620 PM/b.py"],
    ["x_attempt_2.py", "y_attempt_2.py"],
    ["hw_x_attempt_2026-10-30-18-20-11_a.py", "ben.py"],
    ["hw_x_attempt_2026-13-30-18-20-11_a.py", "hw_y_attempt_2026-10-30-18-20-11_b.py"],
    ["x_attempt_2026-10-30-18-20-11_a.py", "y_attempt_2026-10-30-18-20-11_b.py"],  # of no homework
    ["1/2/homework.py", "2/1/homework.py"],
    ["ada/1/homework.py", "ada/user_assignment_settings.json", "ben/x/homework.py"],
    ["ada/Version 1/homework.py", "ben/Version 1/homework.py"],
    ["ada/hw1/Version 1/homework.py", "ben/hw1/homework.py"],
    ["ada/hw1/Version 1/homework.py", "ada/hw1/notes.py", "ben/hw1/Version 1/homework.py"],
    ["Doe, Jane(1)/homework.py", "Doe, Jane(2)/homework.py"],
    ["Doe, Jane(1)/timestamp.txt", "Doe, Jane(1)/a.py", "ben/a.py"],
]


@pytest.mark.parametrize("names", ORDINARY)
def test_what_is_of_no_system_is_an_ordinary_class(tmp_path, rubric, names):
    found = found_in(lay(tmp_path / "class", dict.fromkeys(names, "")), rubric)
    assert len(found) == 2
    assert [s.owner for s in found] == [None, None]


# The folder that a system laid out, within what it hands an instructor.
WITHIN = {"sakai": "Homework 1", "submitty": "submissions", "teams": "Submitted files"}
BY_NAMES = [name for name in LAYOUTS if name not in ("gradescope", "nbgrader", "github")]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_in_whatever_order_names_come_the_layout_is_the_same(tmp_path, layout):
    folder = lay(tmp_path / "hw-two", LAYOUTS[layout][0]) / WITHIN.get(layout, "")
    expected = layout_in(folder, sorted)
    assert expected
    shuffle = random.Random(0)
    for _ in range(10):
        assert layout_in(folder, lambda names: shuffle.sample(names, len(names))) == expected


NO_ZONE = "{}'s times have no time zone: read as UTC, since [late] has neither due nor zone"
ONLY_WORK = "the newest 50 of those with a .py or .ipynb that differs from what was handed out"
# Which system it is, and what of it is decided; then what is said of each student.
SAID = {
    "brightspace": (
        "read as a download from Brightspace: 4 students, 7 attempts",
        NO_ZONE.format("Brightspace"),
        f"Ada Adams: 3 attempts, 2 graded: {ONLY_WORK}",
    ),
    "brightspace, files": (
        "read as a download from Brightspace: 3 students, 4 attempts",
        NO_ZONE.format("Brightspace"),
    ),
    "blackboard": (
        "read as a download from Blackboard: 4 students, 6 attempts",
        NO_ZONE.format("Blackboard"),
        f"a_smith@uni.example: 2 attempts, 1 graded: {ONLY_WORK}",
    ),
    "submitty": (
        "read as a download from Submitty: 4 students",
        "ada: 2 versions, the active one, 1, is graded",
        "cy: 2 versions, the newest one, 10, is graded",
    ),
    "teams": (
        "read as a download from Teams: 3 students, 5 attempts",
        f"Jane Doe: 3 attempts, 2 graded: {ONLY_WORK}",
    ),
    "sakai": ("read as a download from Sakai: 6 students",),
    "canvas": (
        "read as a download from Canvas: 7 students",
        f"Canvas marks as late: 17 and doejane-12; {HOW_LATE}",
    ),
    "canvas, anonymous": (
        "read as a download from Canvas: 2 students",
        f"Canvas marks as late: anon_12345; {HOW_LATE}",
    ),
    "moodle, files": ("read as a download from Moodle: 2 students",),
    "gradescope": ("read as a download from Gradescope: 4 students",),
    "nbgrader": ("read as a download from nbgrader: 2 students",),
    "github": ("read as a download from GitHub: 2 students",),
}
WHERE = WITHIN | {"nbgrader": "submitted"}


@pytest.mark.parametrize("layout", SAID)
def test_the_system_and_what_is_decided_is_said(tmp_path, rubric, layout):
    lines: list[str] = []
    root = lay(tmp_path / "class", LAYOUTS[layout][0])
    found_in(root, rubric, remark=lines.append)
    where = root / WHERE.get(layout, "")
    first, *others = SAID[layout]
    expected = [f"{where}: {first}", *others]
    assert [line for line in lines if "taken as a class" not in line] == expected


def test_of_a_large_class_some_are_named_and_the_others_counted(tmp_path, rubric):
    late = [f"u{n:02}_LATE_{n}_9_a.py" for n in range(1, 13)]
    lines: list[str] = []
    found_in(lay(tmp_path / "late", dict.fromkeys(late, "")), rubric, remark=lines.append)
    named = ", ".join(f"u{n:02}" for n in range(1, 11))
    assert lines[-1] == f"Canvas marks as late: {named} and 2 more; {HOW_LATE}"


PROBLEMS = {
    "blackboard": ("nofile", "no file was handed in: Blackboard has a receipt alone"),
    "submitty": ("ben", "no version is active in Submitty: nothing is handed in"),
}


@pytest.mark.parametrize("layout", PROBLEMS)
def test_who_handed_in_nothing_is_told_so(tmp_path, rubric, layout):
    student, problem = PROBLEMS[layout]
    found = {s.student: s.problem for s in found_in(lay(tmp_path, LAYOUTS[layout][0]), rubric)}
    assert found[student] == problem
    others = {name for name, told in found.items() if told is None}
    assert others == found.keys() - {student, "pdf"}


# The names of attempts within a download, what is in them, and those that are graded.
DAYS = [f"1-2 - Ada - Oct {day}, 2026 620 PM" for day in (9, 10, 30)]
VERSIONS = [f"Ada/Lab/Version {n}" for n in (2, 9, 10)]
TIMES = [f"hw_ada_attempt_2026-10-{day:02}-18-20-00_" for day in (9, 10, 30)]
OTHERS = {"hw_ben_attempt_2026-10-09-18-20-00_homework.py": "own"}
ATTEMPTS = {
    "all": (("own", "own", "own"), [0, 1, 2]),
    "all but those as handed out": (("own", STUB, "own"), [0, 2]),
    "the newest is as handed out": (("own", "own", STUB), [0, 1]),
    "no work at all": ((STUB, STUB, STUB), [2]),
    "no file of the newest": (("own", STUB, None), [0]),
    "a stub and no file": ((STUB, None, None), [0]),
    "no file": ((None, None, None), [2]),
}


@pytest.mark.parametrize("names", [DAYS, VERSIONS, TIMES], ids=["folders", "versions", "files"])
@pytest.mark.parametrize("case", ATTEMPTS)
def test_each_attempt_with_work_is_one_of_its_student(tmp_path, rubric, case, names):
    texts, expected = ATTEMPTS[case]
    between = "" if names is TIMES else "/"
    files = [
        (f"{name}{between}{'report.pdf' if text is None else 'homework.py'}", text or "")
        for name, text in zip(names, texts, strict=True)
    ]
    others = OTHERS if names is TIMES else {}
    root = "Submitted files/" if names is VERSIONS else ""
    lay(tmp_path / "class", {f"{root}{name}": text for name, text in files} | others)
    lay(tmp_path, {"zoe.py": "own"})  # else there may be nothing to grade
    with Archives(rubric.archives, rubric.limits.source_bytes) as archives:
        found = discover(
            [tmp_path / "class", tmp_path / "zoe.py"],
            archives,
            is_untouched=lambda path: path.read_text() == STUB,
        )
    (ada,) = [s for s in found if s.student.lower() == "ada"]
    assert len(ada.attempts) == len(expected)
    if names is not VERSIONS:  # of which no time is told
        days = [attempt.owner.handed_in.day for attempt in ada.attempts]
        assert days == [(9, 10, 30)[number] for number in expected]


def test_of_very_many_attempts_the_newest_are_graded(tmp_path, rubric):
    names = [f"Submitted files/Ada/Lab/Version {n}/homework.py" for n in range(1, 61)]
    lines: list[str] = []
    (ada,) = found_in(lay(tmp_path, dict.fromkeys(names, "x = 1\n")), rubric, remark=lines.append)
    assert len(ada.attempts) == 50
    assert ada.files[0].parent.name == "Version 60"
    assert lines[-1] == f"Ada: 60 attempts, 50 graded: {ONLY_WORK}"


UNCLEAR = {
    "brightspace": (
        [f"1-{n} - Ada - Oct 30, 2026 620 PM/homework.py" for n in (7, 8)],
        "holds several assignments of Brightspace (7, 8): download and grade one at a time",
    ),
    "teams": (
        ["Jane/Lab 1/Version 1/a.py", "Jane/Lab 2/Version 1/b.py"],
        "holds several assignments (Lab 1, Lab 2), and not just one with files called homework: "
        "name the folders of one, Submitted files/*/Lab 1",
    ),
}


@pytest.mark.parametrize("system", UNCLEAR)
def test_several_assignments_of_a_system_are_told(tmp_path, system):
    names, message = UNCLEAR[system]
    with pytest.raises(Unclear) as raised:
        layout_in(lay(tmp_path, dict.fromkeys(names, "")))
    assert str(raised.value) == message


def test_the_assignment_of_teams_that_is_named_is_graded(tmp_path, rubric):
    library = lay(tmp_path / "Submitted files", dict.fromkeys(UNCLEAR["teams"][0], ""))
    with Archives(rubric.archives, rubric.limits.source_bytes) as archives:
        (jane,) = discover(sorted(library.glob("*/Lab 2")), archives)
    assert (jane.student, [path.name for path in jane.files]) == ("Jane", ["b.py"])


@pytest.mark.parametrize("layout", BY_NAMES)
def test_a_name_that_says_whose_it_is_is_known_alone(layout):
    """So that an archive of them keeps it, and a class does not tell of it twice."""
    files = LAYOUTS[layout][0]
    flat = [name for name in files if "/" not in name and ("(" in name or "_" in name)]
    assert [name for name in flat if not says_whose(name)] == []
    assert not any(map(says_whose, ["homework.py", "x_attempt_2.py", "Ada - Lab 1 - final.py"]))


MOMENTS = {
    "2026-10-01 09:30:00.123456789 Z": datetime(2026, 10, 1, 9, 30, 0, 123456, UTC),
    "2026-10-01 09:30:00.5 UTC": datetime(2026, 10, 1, 9, 30, 0, 500000, UTC),
    "2026-10-01 09:30:00.123456 Europe/Berlin": datetime(2026, 10, 1, 7, 30, 0, 123456, UTC),
    "2026-10-01 09:30:00 -0400": datetime(2026, 10, 1, 13, 30, tzinfo=UTC),
    "2026-10-01 09:30:00-0400 America/New_York": datetime(2026, 10, 1, 13, 30, tzinfo=UTC),
    "2026-10-01 09:30:00-0400": datetime(2026, 10, 1, 13, 30, tzinfo=UTC),
    "2026-10-01 09:30:00": None,
    "2026-10-01 09:30:00 EDT": None,  # may be Australia's
    "2026-13-01 09:30:00 Z": None,
    "2026-10-01": None,
    "": None,
}


@pytest.mark.parametrize("text", MOMENTS)
def test_a_time_counts_with_its_zone_alone(text):
    assert moment(text) == MOMENTS[text]


HANDED_IN = {
    "gradescope": {"Ada Lovelace": datetime(2026, 10, 1, 9, 30, 0, 123456, UTC)},
    "nbgrader": {"ada": datetime(2026, 10, 1, 9, 30, tzinfo=UTC), "ben": None},
    "canvas": {"odea": None},
    "brightspace": {"Ada Adams": datetime(2026, 11, 1, 8, 5, tzinfo=UTC)},
    "blackboard": {"jdoe": datetime(2026, 11, 1, 8, 5, 2, tzinfo=UTC)},
    "sakai": {
        "Doe, Jane": datetime(2026, 10, 30, 11, 4, tzinfo=UTC),
        "Li, Ben (Benno)": datetime(2026, 10, 30, 11, 4, tzinfo=UTC),
        "Roe, Joe": datetime(2026, 10, 30, 11, 4, tzinfo=UTC),
        "Plato": None,
    },
    "submitty": {"ada": datetime(2026, 10, 30, 15, 4, tzinfo=UTC), "cy": None, "dan": None},
    "teams": {"Jane Doe": None},
}


@pytest.mark.parametrize("layout", HANDED_IN)
def test_when_it_was_handed_in_where_the_system_tells(tmp_path, rubric, layout):
    zone = Zone(timezone(timedelta(hours=1)), "that of a test")
    found = found_in(lay(tmp_path / "class", LAYOUTS[layout][0]), rubric, zone=zone)
    moments = {s.student: s.owner.handed_in for s in found}
    assert moments | HANDED_IN[layout] == moments


def test_two_archives_of_a_class_are_one_class(tmp_path, rubric):
    for name, file in (("a", "doejane_11_901_homework.py"), ("b", "doejane_11_950_homework.py")):
        lay(tmp_path / name, {file: ""})
    with Archives(rubric.archives, rubric.limits.source_bytes) as archives:
        (one,) = discover([tmp_path / "a", tmp_path / "b"], archives)
    assert (one.student, len(one.files)) == ("doejane", 2)


def test_an_owner_without_a_time_has_its_files_time(tmp_path, rubric):
    (found,) = found_in(lay(tmp_path / "class", {"doejane_11_901_homework.py": ""}), rubric)
    assert found.owner == Owner("Canvas", "11", "doejane")


def test_days_late_that_nobody_told_are_said_to_be_guessed(warm, tmp_path, untrained):
    root = lay(tmp_path / "class", {"doejane_11_901_homework.py": ""})
    due = tmp_path / "due.toml"
    text = untrained.read_text(encoding="utf-8")
    due.write_text(text.replace('due = ""', 'due = "2020-01-01T00:00:00Z"'), encoding="utf-8")
    for rubric, said in ((untrained, False), (due, True)):
        done = warm.run("grade", root, "--out", tmp_path / rubric.stem, "--rubric", rubric)
        assert ("Canvas does not say when work was handed in" in done.stdout) is said


def test_the_policy_says_which_attempt_of_a_download_counts(warm, tmp_path, untrained):
    """A better one in time, a worse one late, and one without work."""
    better, worse = "gbk_comments.py", "sign_of_w1.py"
    attempts = {"Oct 30, 2026 620 PM": better, "Nov 1, 2026 905 AM": worse}
    entries = [
        (f"7-9 - Ada L - {time}/homework.py", (lms.CORPUS / file).read_bytes())
        for time, file in attempts.items()
    ]
    entries.append(("7-9 - Ada L - Nov 2, 2026 905 AM/report.pdf", b""))
    archive, text = zipped(tmp_path / "class.zip", entries), untrained.read_text(encoding="utf-8")
    text = text.replace('due = ""', 'due = "2026-10-31T18:20:00+01:00"')
    for counts, file, days in (("best", better, 0), ("last", worse, 1)):
        score = lms.POINTS[file]
        final = round(score * (1 - days / 10), 2)
        rubric, out = tmp_path / f"{counts}.toml", tmp_path / counts
        rubric.write_text(text.replace('counts = "best"', f'counts = "{counts}"'), encoding="utf-8")
        done = warm.run("grade", archive, "--out", out, "--rubric", rubric, "--no-pages")
        assert done.returncode == 0, done.stderr
        assert "Brightspace's times have no time zone: read as +01:00, that of due in [late]" in (
            done.stdout
        )
        assert "does not say when work was handed in" not in done.stdout
        (row,) = csv.DictReader((out / "grades.csv").read_text("utf-8-sig").splitlines())
        assert (row["student"], float(row["final"])) == ("Ada L", final)
        counting = json.loads((out / "Ada L" / "result.json").read_bytes())
        assert (counting["score"], counting["final"]) == (score, final)
        shown = warm.run("history", "Ada L", "--results", out)
        assert f"from attempt {days + 1} of 2" in shown.stdout, shown.stderr
        again = warm.run("grade", archive, "--out", out, "--rubric", rubric, "--no-pages")
        assert "as graded before)" in again.stdout
        assert shown.stdout.index("2026-10-30 18:20") < shown.stdout.index("2026-11-01 09:05")
