"""When work was handed in, and who says so: never a student's own archive, nor this machine's zone.

Whoever zips says in the entries when files were changed: the student EARLY, which is not believed,
the system RIGHT. All that lies on disk is of LATER.
"""

import io
import os
import time
import zipfile
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import lms
import pytest
import readback
from discovering import discover
from zips import dated, zipped

from grader.errors import UserError
from grader.grading.batch import work_of
from grader.lms.layout import Owner
from grader.lms.systems.github import UNTIMED
from grader.results.policy import NO_DUE, Zone
from grader.rubric import Rubric, load_rubric
from grader.submissions.archives import Archives
from grader.submissions.remarks import HOW_LATE
from grader.submissions.students.times import NO_TIMES, Moment, Times
from grader.submissions.submission import Submission

ZONE = Zone(timezone(timedelta(hours=1)), "+01:00, that of a test")
EARLY, RIGHT, LATER = (datetime(2026, month, 1, 12, tzinfo=ZONE.info) for month in (9, 10, 11))
UNKNOWN = datetime(1980, 1, 1)  # what a tool writes that knows no time
WHOLE = "".join(f"def {name}(x):\n    pass\n" for name in ("forward", "grad_w1", "grad_b1"))
IMPORTS = "from utils import f\n" + WHOLE


def archive(*entries: tuple[str, datetime, bytes | str], utc: datetime | None = None) -> bytes:
    """Return a zip archive of these names, local times and contents."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as file:
        for name, moment, content in entries:
            file.writestr(dated(name, moment, utc), content)
    return data.getvalue()


def both(moment: datetime, utc: datetime | None = None) -> bytes:
    """Return a class's archive of two students."""
    names = ("ada/homework.py", "ben/homework.py")
    return archive(*((name, moment, WHOLE) for name in names), utc=utc)


def found_in(
    root: Path, files: dict[str, bytes | str], named: str, rubric: Rubric, **options: object
) -> list[Submission]:
    """Lay files out, all of LATER, and find the submissions in one of them."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        os.utime(path, (LATER.timestamp(), LATER.timestamp()))
    with Archives(rubric.archives, rubric.limits.source_bytes) as archives:
        found = discover([root / named], archives, **{"zone": ZONE, **options})
        for submission in found:  # as long as there are files
            submission.handed_in(submission.files)
        return [*found]


def moments(found: list[Submission]) -> dict[str, Moment]:
    return {each.student: each.handed_in(each.files) for each in found}


ADAS = archive(("homework.py", EARLY, WHOLE))
BENS = ("ben/homework.py", RIGHT, WHOLE)
BY_ARCHIVE, BY_FILE = Moment(RIGHT, "archive", is_local=True), Moment(LATER, "file")
IN_UTC = Moment(RIGHT, "archive")
# What there is, what of it is named, and when the work of each student was handed in.
TOLD = {
    "files": ({"c/ada.py": WHOLE, "c/ben.py": WHOLE}, "c", {"ada": BY_FILE, "ben": BY_FILE}),
    "a_class": ({"c.zip": both(RIGHT)}, "c.zip", {"ada": BY_ARCHIVE, "ben": BY_ARCHIVE}),
    "a_class_in_a_folder": ({"x/c.zip": both(RIGHT)}, "x", {"ada": BY_ARCHIVE, "ben": BY_ARCHIVE}),
    "a_class_in_an_archive": (
        {"x.zip": archive(("c.zip", EARLY, both(RIGHT)))},
        "x.zip",
        {"ada": BY_ARCHIVE, "ben": BY_ARCHIVE},
    ),
    "an_archive_in_a_class": (
        {"c.zip": archive(("ada/hw.zip", RIGHT, ADAS), BENS)},
        "c.zip",
        {"ada": BY_ARCHIVE, "ben": BY_ARCHIVE},
    ),
    "a_loose_archive_in_a_class": (
        {"c.zip": archive(("ada.zip", RIGHT, ADAS), ("ben.py", RIGHT, WHOLE))},
        "c.zip",
        {"ada": BY_ARCHIVE, "ben": BY_ARCHIVE},
    ),
    "an_archive_of_a_system": (
        {"c.zip": archive(("ada_11_901_hw.zip", RIGHT, ADAS), ("ben_12_902_hw.py", RIGHT, WHOLE))},
        "c.zip",
        {"ada": BY_ARCHIVE, "ben": BY_ARCHIVE},
    ),
    "archives_in_a_folder": (
        {"c/ada.zip": ADAS, "c/ben.zip": ADAS},
        "c",
        {"ada": BY_FILE, "ben": BY_FILE},
    ),
    "an_archive_in_a_folder": ({"c/ada.zip": ADAS}, "c", {"ada": BY_FILE}),
    "an_archive_in_a_students_folder": ({"c/ada/x.zip": ADAS}, "c", {"ada": BY_FILE}),
    "a_students_archive": ({"ada.zip": ADAS}, "ada.zip", {"ada": BY_FILE}),
    "one_file": ({"x.zip": archive(("ada.py", EARLY, WHOLE))}, "x.zip", {"ada": BY_FILE}),
    "several_files": (
        {"ada.zip": archive(("hw.py", EARLY, IMPORTS), ("utils.py", EARLY, ""))},
        "ada.zip",
        {"ada": BY_FILE},
    ),
    "a_folder": ({"x.zip": archive(("ada/hw.py", EARLY, WHOLE))}, "x.zip", {"hw": BY_FILE}),
    "an_archive_in_a_students": (
        {"x.zip": archive(("ada.zip", EARLY, ADAS))},
        "x.zip",
        {"ada": BY_FILE},
    ),
    "no_time": ({"c.zip": both(UNKNOWN)}, "c.zip", {"ada": BY_FILE, "ben": BY_FILE}),
    "a_time_in_utc": (
        {"c.zip": both(EARLY, utc=RIGHT)},
        "c.zip",
        {"ada": IN_UTC, "ben": IN_UTC},
    ),
    "nothing_to_read": (
        {"c.zip": archive(("ada/report.pdf", RIGHT, ""), ("ada/x.rar", RIGHT, ""), BENS)},
        "c.zip",
        {"ada": BY_ARCHIVE, "ben": BY_ARCHIVE},
    ),
    "nothing_to_read_in_a_folder": ({"c/ada.pdf": "", "c/ben.py": ""}, "c", {"ada": BY_FILE}),
    "a_broken_archive": (
        {"c.zip": archive(("ada.zip", RIGHT, "no archive"), BENS)},
        "c.zip",
        {"ada": BY_ARCHIVE, "ben": BY_ARCHIVE},
    ),
}


@pytest.fixture(params=["Europe/Berlin", "UTC", "Asia/Taipei"])
def machine_zone(monkeypatch, request):
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize("case", TOLD)
@pytest.mark.usefixtures("machine_zone")
def test_who_says_when_work_was_handed_in(tmp_path, rubric, case):
    files, named, expected = TOLD[case]
    found = moments(found_in(tmp_path, files, named, rubric))
    assert found | expected == found


def test_of_no_file_the_system_tells_or_nobody():
    for is_local in (False, True):
        owner = Owner("Submitty", "ada", "ada", RIGHT, is_local)
        submission = Submission("ada", (), "nothing", owner)
        assert submission.handed_in([]) == (RIGHT, "system", is_local)
    before = datetime.now(UTC)
    moment = Submission("ada", (), "nothing").handed_in([])
    assert before <= moment.at <= datetime.now(UTC)
    assert moment.told_by == "file"


def test_the_last_of_the_files_counts(tmp_path, rubric):
    entries = (("ada/hw.py", RIGHT, WHOLE), ("ada/utils.py", LATER, ""), BENS)
    ada, ben = found_in(tmp_path, {"c.zip": archive(*entries)}, "c.zip", rubric)
    assert {ada.names[path]: ada.handed_in([path]).at for path in ada.files} == {
        "hw.py": RIGHT, "utils.py": LATER,
    }  # fmt: skip
    assert ada.handed_in(ada.files).at == LATER
    assert ben.handed_in(ben.files).at == RIGHT


READ_AS = "the archive's times have no time zone: read as +01:00, that of a test"


@pytest.mark.parametrize(("utc", "said"), [(None, [READ_AS]), (RIGHT, [])])
def test_the_zone_of_an_archives_times_is_said(tmp_path, rubric, utc, said):
    lines: list[str] = []
    found_in(tmp_path, {"c.zip": both(RIGHT, utc)}, "c.zip", rubric, remark=lines.append)
    assert [line for line in lines if "zone" in line] == said


# What Canvas marks


LATE = {
    "some": (["", "LATE_"], [False, True]),
    "all": (["LATE_", "LATE_"], [True, True]),
    "none": (["", ""], [None, None]),
}


@pytest.mark.parametrize("case", LATE)
def test_whom_canvas_marks_as_late_is_known(tmp_path, rubric, case):
    marks, expected = LATE[case]
    entries = [
        (f"{name}_{mark}1{number}_9{number}_homework.py", RIGHT, WHOLE)
        for number, (name, mark) in enumerate(zip(("ada", "ben"), marks, strict=True))
    ]
    lines: list[str] = []
    found = found_in(
        tmp_path,
        {"c.zip": archive(*entries)},
        "c.zip",
        rubric,
        name_of=lambda owner: {"10": "p1", "11": "p2"}[owner.id],
        remark=lines.append,
    )
    assert [each.late for each in found] == expected
    late = [each.student for each in found if each.late]
    said = [f"Canvas marks as late: {' and '.join(late)}; {HOW_LATE}"] if late else []
    assert [line for line in lines if line.startswith("Canvas")] == said


def test_other_systems_mark_nobody(tmp_path, rubric):
    files = {f"hw-{name}/.git/config": "" for name in ("ada", "ben")}
    found = found_in(tmp_path / "c", files | {"hw-ada/hw.py": WHOLE}, ".", rubric)
    assert [each.late for each in found] == [None, None]


# What a table says


def table(system: str, times: dict[str, datetime]) -> Times:
    return Times("times.csv", system, {id_: Moment(at, "system") for id_, at in times.items()})


CANVAS = {"ada_11_901_hw.py": WHOLE, "ben_12_902_hw.py": WHOLE}
BRIGHTSPACE = {
    f"7-9 - Ada - Oct {day}, 2026 620 PM/homework.py": WHOLE + str(day) for day in (1, 2)
}
SECOND = datetime(2026, 10, 2, 18, 20, tzinfo=ZONE.info)
TEAMS = {f"Submitted files/Ada/Lab/Version {n}/homework.py": WHOLE for n in (1, 2)}
NOVEMBER = datetime(2026, 11, 20, tzinfo=UTC)
TABLES = {
    "no_table": (CANVAS, NO_TIMES, [("ada", LATER, "file"), ("ben", LATER, "file")]),
    "by_id": (
        CANVAS,
        table("Canvas", {"11": NOVEMBER}),
        [("ada", NOVEMBER, "system"), ("ben", LATER, "file")],
    ),
    "of_no_system": (
        {"Ada.py": WHOLE, "ben.py": WHOLE},
        table("", {"ada": NOVEMBER}),
        [("Ada", NOVEMBER, "system"), ("ben", LATER, "file")],
    ),
    "the_newest_attempt": (
        BRIGHTSPACE,
        table("", {"7": NOVEMBER}),
        [("Ada", SECOND - timedelta(days=1), "system"), ("Ada", NOVEMBER, "system")],
    ),
    "attempts_without_times": (
        TEAMS,
        table("", {"ada": NOVEMBER}),
        [("Ada", NOVEMBER, "system"), ("Ada", NOVEMBER, "system")],
    ),
}


@pytest.mark.parametrize("case", TABLES)
def test_a_table_is_believed_first(tmp_path, rubric, case):
    files, times, expected = TABLES[case]
    found = found_in(tmp_path / "c", files, ".", rubric, times=times)
    told = [(a.student, *a.handed_in(a.files)[:2]) for each in found for a in each.attempts]
    assert told == expected
    assert all(
        each.owner.handed_in == each.handed_in(each.files).at
        for each in found
        if each.owner and each.handed_in(each.files).told_by == "system"
    )


def test_no_attempt_is_before_those_that_the_system_numbers_before_it(tmp_path, rubric):
    """It has their time then, which moves with the zone if theirs does."""
    (ada,) = found_in(tmp_path / "c", BRIGHTSPACE, ".", rubric, times=table("", {"7": RIGHT}))
    first = SECOND - timedelta(days=1)
    told = [hand_in.handed_in([]) for hand_in in work_of(ada, rubric.limits.source_bytes)]
    assert told == [Moment(first, "system", is_local=True)] * 2


def test_ids_of_nobody_are_said_and_what_else_a_table_says(tmp_path, rubric):
    told = table("", dict.fromkeys(["11", "98", "99"], RIGHT))
    times = told._replace(remarks=["times.csv, line 3: ?"])
    lines: list[str] = []
    found_in(tmp_path / "c", CANVAS, ".", rubric, times=times, remark=lines.append)
    assert [line for line in lines if line.startswith("times.csv")] == [
        "times.csv, line 3: ?", "times.csv: nobody in this class has the id 98 and 99",
    ]  # fmt: skip


@pytest.mark.parametrize("system", ["", "Moodle"])
def test_a_table_of_another_class_is_refused(tmp_path, rubric, system):
    times = table(system, {"11" if system else "98": RIGHT})
    with pytest.raises(UserError, match=r"^times\.csv: none of its ids is in this class$"):
        found_in(tmp_path / "c", CANVAS, ".", rubric, times=times)


# GitHub


@pytest.mark.parametrize(
    ("zone", "times", "said"),
    [
        (ZONE, NO_TIMES, True),
        (NO_DUE, NO_TIMES, False),
        (ZONE, table("GitHub", {"ada-l": RIGHT}), False),
    ],
)
def test_a_clone_tells_no_time_that_is_not_the_students(tmp_path, rubric, zone, times, said):
    files = {"hw-Ada-L/.git/config": "", "hw-Ada-L/.git/HEAD": "", "hw-Ada-L/homework.py": WHOLE}
    lines: list[str] = []
    found = found_in(
        tmp_path / "hw", files, ".", rubric, zone=zone, times=times, remark=lines.append
    )
    expected = BY_FILE if times is NO_TIMES else Moment(RIGHT, "system")
    assert moments(found) == {"Ada-L": expected}
    assert (f"GitHub: {UNTIMED}" in lines) is said


# Whose archive it is taken for: what is said, and whether its own time counts

HELPED = (("hw.py", EARLY, IMPORTS), ("utils.py", EARLY, ""))
SAID = {
    "a_file": (("ny.py", EARLY, WHOLE),),
    "of_one_name": (("ny.py", EARLY, WHOLE), ("ny.ipynb", EARLY, "")),
    "with_helpers": HELPED,
    "homework": (("homework.py", EARLY, WHOLE),),
}


@pytest.mark.parametrize("case", SAID)
def test_of_one_students_archive_it_is_said_that_its_own_time_counts(tmp_path, rubric, case):
    entries = SAID[case]
    lines: list[str] = []
    files = {"ny.zip": archive(*entries)}
    (moment,) = moments(found_in(tmp_path, files, "ny.zip", rubric, remark=lines.append)).values()
    assert moment == BY_FILE
    what = " and ".join(sorted(name for name, *_ in entries))
    assert lines == [
        f"{tmp_path}/ny.zip: taken as one student's archive, whose own time counts: {what}"
    ]


def test_of_a_class_or_a_folder_it_is_not_said(tmp_path, rubric):
    lines: list[str] = []
    two = archive(("ny.py", RIGHT, WHOLE), BENS)
    for files, named in (({"c.zip": two}, "c.zip"), ({"c/ny.py": WHOLE}, "c")):
        found_in(tmp_path, files, named, rubric, remark=lines.append)
    assert [line.partition(": ")[2] for line in lines if "taken" in line] == [
        "taken as a class: 1 file and 1 folder, one student each",
        "taken as a class: 1 file, one student each",
    ]


# A due date or a zone that is set later

HALF = (lms.CORPUS / "half_finished.py").read_bytes()
NOON, IN_THE_ZONE, KNOWN = datetime(2026, 10, 31, 12), "in the zone", "known"
DAYS = {"2026-10-31T11:00:00-05:00": "", "2026-10-31T11:00:00": "Europe/Berlin"}
GRADESCOPE = """\
submission_1:
  :submitters:
  - :name: gus
    :sid: '7'
  :created_at: 2026-10-31 12:00:00 Z
"""
# Of each student, how the time is told that work was handed in: noon.
TELLS = {
    "ada": IN_THE_ZONE, "ben": KNOWN, "eve": IN_THE_ZONE, "fay": KNOWN, "gus": KNOWN,
    "hal": IN_THE_ZONE, "ida": IN_THE_ZONE, "jan": KNOWN,
}  # fmt: skip


def lay_class(root: Path) -> list[Path]:
    """Lay out what eight students handed in at noon; return what is to be graded."""
    noon = NOON.replace(tzinfo=UTC)
    entries = [
        (dated("ada/homework.py", NOON), HALF),
        (dated("ben/homework.py", NOON - timedelta(hours=5), noon), HALF),
        (dated("eve/homework.zip", NOON), archive(("homework.py", EARLY, HALF))),
    ]
    brightspace = [
        ("7-9 - hal - Oct 31, 2026 1200 PM/homework.py", HALF),
        ("8-9 - ida - Oct 31, 2026 1200 PM/report.pdf", b""),
    ]
    paths = [
        zipped(root / "class.zip", entries),
        zipped(root / "brightspace.zip", brightspace),
        root / "files",
        root / "gradescope",
        root / "jan.zip",
    ]
    lms.lay(root / "gradescope", {"submission_metadata.yml": GRADESCOPE})
    for path in (root / "files" / "fay.py", root / "gradescope" / "submission_1" / "homework.py"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(HALF)
    zipped(root / "jan.zip", [(dated("jan.py", NOON - timedelta(days=9)), HALF)])
    for path in (root / "files" / "fay.py", root / "jan.zip"):
        os.utime(path, (noon.timestamp(), noon.timestamp()))
    return paths


def with_due(path: Path, rubric: Path, due: str, zone: str = "") -> Path:
    """Write a rubric with a due date and a zone."""
    text = rubric.read_text(encoding="utf-8").replace('due = ""', f'due = "{due}"')
    path.write_text(text.replace('zone = ""', f'zone = "{zone}"'), encoding="utf-8")
    return path


def told(results: Path) -> dict[str, tuple[object, ...]]:
    """Return what the results say of each student's time."""
    keys = ("handed_in", "told_by", "due", "late_days", "final")
    return {
        student: tuple(outcome[key] for key in keys)
        for student, outcome in readback.outcomes(results).items()
    }


def handed_in_at(results: Path) -> dict[str, datetime]:
    return {
        student: datetime.fromisoformat(outcome["handed_in"])
        for student, outcome in readback.outcomes(results).items()
    }


@pytest.mark.parametrize("due", DAYS)
def test_a_due_date_that_is_set_later_is_as_if_it_had_been_there(warm, untrained, tmp_path, due):
    paths = lay_class(tmp_path / "class")
    rubric = with_due(tmp_path / "due.toml", untrained, due, DAYS[due])
    later, from_the_beginning = tmp_path / "later", tmp_path / "beginning"

    def run(*arguments: object) -> str:
        done = warm.run(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    run("grade", *paths, "--out", from_the_beginning, "--rubric", rubric, "--no-pages")
    run("grade", *paths, "--out", later, "--rubric", untrained, "--no-pages")
    noon = NOON.replace(tzinfo=UTC)
    assert handed_in_at(later) == dict.fromkeys(TELLS, noon)
    before = told(later)
    run("settings", later, "--rubric", rubric, "--dry-run")
    assert told(later) == before
    run("settings", later, "--rubric", rubric)
    assert told(later) == told(from_the_beginning)
    zone = load_rubric(rubric).late.time_zone.info
    in_zone = NOON.replace(tzinfo=zone)
    assert handed_in_at(later) == {
        student: in_zone if tells is IN_THE_ZONE else noon for student, tells in TELLS.items()
    }
    # The same work again is nothing new, and neither is another grading of it.
    run("grade", *paths, "--out", later, "--no-pages")
    run("regrade", "--all", "--results", later)
    assert told(later) == told(from_the_beginning)
    # And back: nothing is lost by it.
    run("settings", later, "--rubric", untrained)
    assert told(later) == before


# A table that says that the same work was handed in later than another one said

FIRST, SECOND_TIME = "2026-10-30T12:00:00Z", "2026-11-05T12:00:00Z"


def test_an_earlier_time_of_the_same_work_counts_and_is_said(warm, untrained, tmp_path):
    root, out = tmp_path / "class", tmp_path / "results"
    lms.lay(root, {"ada.py": "x = 1\n", "ben.py": "x = 2\n"})
    rubric = with_due(tmp_path / "due.toml", untrained, "2026-10-31T23:59:00+01:00")
    times = tmp_path / "times.csv"

    def grade(ada: str, *more: object) -> list[str]:
        """Grade with a table of ada's time; return the lines of the table."""
        times.write_text(f"id,handed_in\nada,{ada}\n", encoding="utf-8")
        done = warm.run("grade", root, "--out", out, "--times", times, "--no-pages", *more)
        assert done.returncode == 0, done.stderr
        return [line for line in done.stdout.splitlines() if line.startswith(str(times))]

    def of_ada() -> tuple[datetime, int]:
        return handed_in_at(out)["ada"], readback.outcomes(out)["ada"]["late_days"]

    assert grade(SECOND_TIME, "--rubric", rubric) == []
    assert of_ada() == (datetime.fromisoformat(SECOND_TIME), 5)
    assert grade(FIRST) == []
    assert of_ada() == (datetime.fromisoformat(FIRST), 0)
    # ben's file is newer now, of which no table says anything.
    os.utime(root / "ben.py", (LATER.timestamp() + 10**8,) * 2)
    assert grade(SECOND_TIME) == [
        f"{times}: an earlier time of the same work is known, and counts, for ada; if it is wrong: "
        "grader override STUDENT --late-days N --why TEXT"
    ]
    assert of_ada() == (datetime.fromisoformat(FIRST), 0)
