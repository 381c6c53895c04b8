"""Data for the commands on each page of the manual: classes as systems export them."""

import os
import shutil
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from conftest import ROOT
from lms import CORPUS, lay
from zips import dated, zipped

# A plain right solution; a wrong sign; the report's expressions, two of which are wrong.
ADA, BO, CY = "ada_lindqvist.py", "sign_of_w1.py", "report_expressions.py"
NO_HOMEWORK = b"%PDF-1.7"
WHEN = datetime(2026, 10, 30, 18, 20)

Files = Mapping[str, str | bytes]  # each path, and the sample class's file or its bytes


def _content(source: str | bytes) -> bytes:
    return source if isinstance(source, bytes) else (CORPUS / source).read_bytes()


def write_files(root: Path, files: Files) -> None:
    for name, source in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_content(source))
        os.utime(path, (WHEN.replace(tzinfo=UTC).timestamp(),) * 2)


def write_zip(path: Path, files: Files) -> None:
    zipped(path, [(dated(name, WHEN), _content(source)) for name, source in files.items()])


def a_class(folder: Path) -> None:
    write_files(folder / "class", {"ada.py": ADA, "bo.py": BO, "cy.py": CY})


def quickstart(folder: Path) -> None:
    names = (
        ADA, BO, CY, "autograd_inside.py", "factor_two_missing.py", "half_finished_notebook.ipynb",
        "syntax_error.py", "w2_not_transposed.ipynb",
    )  # fmt: skip
    write_files(folder / "class", {name: name for name in names})


def students(folder: Path) -> None:
    shutil.copytree(ROOT / "assignment", folder / "homework")
    write_files(folder / "homework", {"homework.py": CY})


def attempts(folder: Path) -> None:
    """Write Brightspace's download: two attempts of Ada's, the better one late, and one of Bo's."""
    write_zip(
        folder / "submissions.zip",
        {
            "index.html": b"",
            "11-77 - Ada Adams - Oct 30, 2026 620 PM/homework.py": BO,
            "11-77 - Ada Adams - Nov 2, 2026 905 AM/homework.py": ADA,
            "12-77 - Bo Brown - Oct 31, 2026 1130 PM/homework.py": CY,
        },
    )
    late = 'due = "2026-10-31T23:59:00+01:00"\nzone = "Europe/Berlin"'
    (folder / "course.toml").write_text(f"[late]\n{late}\n", encoding="utf-8")


def canvas(folder: Path) -> None:
    write_zip(
        folder / "submissions.zip",
        {
            "adamsada_11_901_homework.py": ADA,
            "brownbo_LATE_12_902_homework.py": BO,
            "chency_13_903_homework.py": CY,
            "diazdi_14_904_report.pdf": NO_HOMEWORK,
        },
    )
    rows = (
        "Student,ID,SIS User ID,SIS Login ID,Section,Homework 1 (7788)",
        "    Points Possible,,,,,100",
        '"Adams, Ada",11,A1,ada,Lab A,',
        '"Brown, Bo",12,A2,bo,Lab A,',
        '"Chen, Cy",13,A3,cy,Lab B,',
        '"Diaz, Di",14,A4,di,Lab B,',
        '"Evans, Eve",15,A5,eve,Lab B,',
    )
    (folder / "gradebook.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")


def moodle(folder: Path) -> None:
    write_zip(
        folder / "CS101-Homework 1-77.zip",
        {
            "Ada Adams_9001_assignsubmission_file_/homework.py": ADA,
            "Bo Brown_9002_assignsubmission_file_/homework.py": BO,
            "Cy Chen_9003_assignsubmission_file_/homework.py": CY,
        },
    )
    head = (
        "Identifier,Full name,Email address,Status,Grade,Maximum Grade,Grade can be changed,"
        "Last modified (submission),Last modified (grade),Feedback comments"
    )
    rows = (
        f"Participant {number},{name},{mail}@uni.example,Submitted for grading,,100.00,{open_},"
        '"Friday, 30 October 2026, 6:20 PM",-,'
        for number, name, mail, open_ in (
            (9001, "Ada Adams", "ada", "Yes"),
            (9002, "Bo Brown", "bo", "Yes"),
            (9003, "Cy Chen", "cy", "No"),
        )
    )
    (folder / "worksheet.csv").write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")


def gradescope(folder: Path) -> None:
    people = (("Ada Adams", "A1", "ada"), ("Bo Brown", "A2", "bo"), ("Cy Chen", "A3", "cy"))
    metadata = "".join(
        f"submission_{number}:\n  :submitters:\n  - :name: {name}\n    :sid: '{sid}'\n"
        f"    :email: {mail}@uni.example\n  :created_at: 2026-10-{number - 71} 18:20:00 Z\n"
        for number, (name, sid, mail) in enumerate(people, 101)
    )
    write_zip(
        folder / "submissions.zip",
        {
            "assignment_77_export/submission_metadata.yml": metadata.encode(),
            "assignment_77_export/submission_101/homework.py": ADA,
            "assignment_77_export/submission_102/homework.py": BO,
            "assignment_77_export/submission_103/homework.py": CY,
        },
    )


def github_classroom(folder: Path) -> None:
    for name, work in (("ada", ADA), ("bo", BO), ("cy", CY)):
        repository = f"homework-1-submissions/homework-1-{name}"
        write_files(
            folder, {f"{repository}/homework.py": work, f"{repository}/.git/config": b"[core]\n"}
        )


def nbgrader(folder: Path) -> None:
    for name, work in (("ada", ADA), ("bo", BO), ("cy", CY)):
        write_files(
            folder / "course" / "submitted" / name / "homework",
            {"homework.py": work, "timestamp.txt": b"2026-10-30 18:20:11.000000 UTC"},
        )


def blackboard(folder: Path) -> None:
    write_zip(
        folder / "gradebook.zip",
        {
            "Homework 1_aadams_attempt_2026-10-30-18-20-11_homework.py": BO,
            "Homework 1_aadams_attempt_2026-10-30-18-20-11.txt": b"Name: Ada Adams",
            "Homework 1_aadams_attempt_2026-11-01-09-05-02_homework.py": ADA,
            "Homework 1_aadams_attempt_2026-11-01-09-05-02.txt": b"Name: Ada Adams",
            "Homework 1_bbrown_attempt_2026-10-31-23-58-00_homework.py": CY,
            "Homework 1_bbrown_attempt_2026-10-31-23-58-00.txt": b"Name: Bo Brown",
            "Homework 1_cchen_attempt_2026-10-31-20-00-00.txt": b"Name: Cy Chen",
        },
    )


def sakai(folder: Path) -> None:
    attached = "Submission attachment(s)/homework.py"
    files: dict[str, str | bytes] = {"Homework 1/grades.csv": b'"Homework 1","Points"\n'}
    for name, work in (("Adams, Ada(ada)", ADA), ("Brown, Bo(bo)", BO), ("Chen, Cy(cy)", CY)):
        files[f"Homework 1/{name}/timestamp.txt"] = b"20261030182011000"
        files[f"Homework 1/{name}/{attached}"] = work
    write_zip(folder / "Homework 1.zip", files)


def submitty(folder: Path) -> None:
    files: dict[str, str | bytes] = {}
    for name, works in (("ada", (BO, ADA)), ("bo", (CY,))):
        for version, work in enumerate(works, 1):
            files[f"submissions/{name}/{version}/homework.py"] = work
    files["submissions/ada/user_assignment_settings.json"] = (
        b'{"active_version": 2, "history": ['
        b'{"version": 1, "time": "2026-10-30 11:04:00-0400 America/New_York"},'
        b'{"version": 2, "time": "2026-10-31 11:04:00-0400 America/New_York"}]}'
    )
    write_zip(folder / "submissions.zip", files)


def teams(folder: Path) -> None:
    write_files(
        folder / "Submitted files",
        {
            "Ada Adams/Homework 1/Version 1/homework.py": BO,
            "Ada Adams/Homework 1/Version 2/homework.py": ADA,
            "Bo Brown/Homework 1/Version 1/homework.py": CY,
        },
    )


def plain_folder(folder: Path) -> None:
    a_class(folder)
    lay(folder, {"names.csv": "id,student,section\nada,K7F2,Lab A\nbo,P3XM,Lab B\n"})


def one_file(folder: Path) -> None:
    write_files(folder, {"bo/homework.py": BO})


def two_assistants(folder: Path) -> None:
    write_files(folder / "monday", {"ada.py": ADA, "bo.py": BO})
    write_files(folder / "tuesday", {"cy.py": CY})


SAMPLES: dict[str, Callable[[Path], None]] = {
    "quickstart": quickstart,
    "students": students,
    "policies": attempts,
    "gradebook": a_class,
    "systems/canvas": canvas,
    "systems/moodle": moodle,
    "systems/gradescope": gradescope,
    "systems/github-classroom": github_classroom,
    "systems/nbgrader": nbgrader,
    "systems/blackboard": blackboard,
    "systems/brightspace": attempts,
    "systems/sakai": sakai,
    "systems/submitty": submitty,
    "systems/teams": teams,
    "systems/folder": plain_folder,
    "systems/ci": one_file,
    "recipes/complaint": a_class,
    "recipes/wrong-rubric": a_class,
    "recipes/two-assistants": two_assistants,
    "recipes/another-machine": a_class,
    "recipes/remove-student": a_class,
    "rubric": a_class,
}
