"""The command line: `grader grade`, `check`, `export`, `similar` and the others."""

import json
import math
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NoReturn

import typer

from grader import __version__
from grader.commands.hiding import forget_secrets
from grader.errors import UserError
from grader.lms.registry import EXPORTS, SYSTEMS_EXPORTS, TIMES_TABLES, either, who_need
from grader.util.exits import (
    UNDER_MARK,
    exit_code_of,
    interrupt_at_signals,
    run_and_exit,
    say,
    status_after,
)

if TYPE_CHECKING:
    from grader.gradebook.options import Options
    from grader.rubric import Rubric

app = typer.Typer(
    help="Grade the two-layer sigmoid network homework.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"]},  # for every command
)
autograder = typer.Typer(help="Write what grades in a course's CI.", no_args_is_help=True)
app.add_typer(autograder, name="autograder")

LARGEST_SEED = 2**128 - 1  # as large as a secret seed
LARGEST_DATA_SEED = 2**63 - 1  # as allowed in a rubric
FOLDER_LISTS = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH")
UNCONFINED = (
    "grader: the file runs unconfined, with your rights: check only work that you trust, and grade "
    "other work with `grader grade`"
)
# While this thread records a result, others must pass on the next submissions, because scorers wait
# for them.
SWITCH_SECONDS = 0.0005
SEED_VARIABLE = "GRADER_SEED"  # for CI, which reads a secret: kept off the command line
SeedOption = Annotated[
    int | None,
    typer.Option(
        help="Seed of the hidden cases, if it is not to be a secret one of the gradebook's own.",
        min=0,
        max=LARGEST_SEED,
        envvar=SEED_VARIABLE,
    ),
]
GivenSeed = Annotated[
    int,
    typer.Option(help="Seed of the hidden cases.", min=0, max=LARGEST_SEED, envvar=SEED_VARIABLE),
]
JobsOption = Annotated[
    int,
    typer.Option(
        min=1,
        default_factory=lambda: (
            len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
        ),
        show_default="the cores this process may use",
        help="Submissions graded at the same time.",
    ),
]
SameRubricOption = Annotated[
    Path | None,
    typer.Option(
        help="Not needed; if given, it must be the rubric that the gradebook remembers.",
        exists=True,
        dir_okay=False,
    ),
]
LangOption = Annotated[
    str | None,
    typer.Option(help="Language of the pages and messages: en (at first), zh_Hans or zh_Hant."),
]
StudentsOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="A CSV file of what to call whom: id (the system's), student and, if any, section.",
    ),
]
WhoOption = Annotated[
    str | None, typer.Option(metavar="NAME", help="Your name.", show_default="login name")
]
ResultsOption = Annotated[Path, typer.Option(help="Folder of the results, as in --out.")]
DatabaseOption = Annotated[
    str | None,
    typer.Option(metavar="URL", help="The gradebook, if it is not gradebook.db in the results."),
]
RubricOption = Annotated[
    Path | None,
    typer.Option(
        help="A rubric of your own: what differs from the package's.", exists=True, dir_okay=False
    ),
]

# Phrases in the help of `export`, from the systems' needs.
WITHOUT_OUT = either([name for name, each in EXPORTS.items() if "out" not in each.needs])
GROUP_TABLES = either(
    [f"{name}'s {each.groups}" for name, each in SYSTEMS_EXPORTS.items() if each.groups]
)
if TYPE_CHECKING:
    Target = str
else:
    Target = Literal[tuple(EXPORTS)]  # typer lists and checks them


def _print_version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(f"grader {__version__}")
        raise typer.Exit


@app.callback()
def before_a_command(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Take the options that stand before a command."""


@app.command()
def grade(
    paths: Annotated[
        list[Path],
        typer.Argument(metavar="PATH...", help="A .py, an .ipynb, or a folder or zip of them."),
    ],
    out: Annotated[Path, typer.Option(help="Folder that the results are written to.")],
    jobs: JobsOption,
    seed: SeedOption = None,
    fail_under: Annotated[
        float | None,
        typer.Option(metavar="POINTS", help="Exit with 1 when any score is under this."),
    ] = None,
    isolation: Annotated[
        Literal["auto", "strict"],
        typer.Option(help="Whether to go on where this machine lacks a layer of confinement."),
    ] = "auto",
    format: Annotated[
        Literal["text", "json"], typer.Option(help="What is printed: a table, or the records.")
    ] = "text",
    rubric: RubricOption = None,
    db: DatabaseOption = None,
    cluster: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS", help="A Dask scheduler to grade with; local:N starts one here."
        ),
    ] = None,
    cache: Annotated[
        bool, typer.Option(" /--no-cache", help="Grade anew what was graded before.")
    ] = True,
    pages: Annotated[
        bool, typer.Option(" /--no-pages", help="Leave the students' feedback.html as they are.")
    ] = True,
    students: StudentsOption = None,
    times: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help=f"When who handed in: {', '.join(times.name for times in TIMES_TABLES.values())}, "
            "or a CSV file of id and handed_in.",
        ),
    ] = None,
    lang: LangOption = None,
) -> None:
    """Grade submissions against hidden cases, each in a confined process of its own.

    The first time, the gradebook in the results remembers the rubric, the seed, the language and
    the table of students. Later commands go by them, and need none of these options.
    """
    _need_fork()
    from grader.commands.grade import GradeRequest, grade

    if fail_under is not None and not math.isfinite(fail_under):
        raise UserError(f"--fail-under must be points, not {fail_under:g}")
    request = GradeRequest(
        paths=paths,
        out=out,
        jobs=jobs,
        options=_options(rubric, seed, lang, students),
        fail_under=fail_under,
        isolation=isolation,
        format=format,
        db=db,
        cluster=cluster,
        cache=cache,
        pages=pages,
        times=times,
    )
    _coordinate(lambda: grade(request))


@app.command()
def settings(
    results: Annotated[Path, typer.Argument(help="Folder of the results.")] = Path("results"),
    *,
    jobs: JobsOption,
    rubric: RubricOption = None,
    seed: Annotated[
        int | None,
        typer.Option(
            help="Another seed of the hidden cases.", metavar="N", min=0, max=LARGEST_SEED
        ),
    ] = None,
    new_seed: Annotated[
        bool, typer.Option("--new-seed", help="Another seed, a secret one of 128 bits.")
    ] = False,
    lang: LangOption = None,
    students: StudentsOption = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say which marks would change, and change none.")
    ] = False,
    show_seed: Annotated[bool, typer.Option("--show-seed", help="Print the seed, too.")] = False,
    who: WhoOption = None,
    db: DatabaseOption = None,
) -> None:
    """Show what the gradebook remembers of the assignment, or change it.

    Every attempt that was handed in is graded again if the rubric or the seed needs that. The marks
    that change are printed before anything is written.
    """
    from grader.commands.override import GradebookPlace, show_settings
    from grader.gradebook.options import login_name

    options = _options(rubric, seed, lang, students)
    if not new_seed and options == type(options)():
        if dry_run:
            raise UserError("--dry-run is of a change: name what to change")
        show_settings(GradebookPlace(results, db), show_seed)
        return
    if new_seed and seed is not None:
        raise UserError("give --seed or --new-seed, not both")
    _need_fork()
    from grader.commands.change import SettingsRequest, change_settings

    request = SettingsRequest(results, db, jobs, options, new_seed, dry_run, who or login_name())
    _coordinate(lambda: change_settings(request))


@app.command()
def regrade(
    students: Annotated[
        list[str] | None, typer.Argument(metavar="STUDENT...", help="As in grades.csv.")
    ] = None,
    *,
    jobs: JobsOption,
    status: Annotated[
        Literal["graded", "unreadable", "failed", "timeout", "crashed"] | None,
        typer.Option(help="Those whose attempts have this status."),
    ] = None,
    all_: Annotated[bool, typer.Option("--all", help="Everybody.")] = False,
    results: ResultsOption = Path("results"),
    db: DatabaseOption = None,
) -> None:
    """Grade attempts again that the gradebook keeps; their files are not needed."""
    _need_fork()
    from grader.commands.change import RegradeRequest, regrade

    request = RegradeRequest(results, db, jobs, students or [], status, all_)
    _coordinate(lambda: regrade(request))


@app.command()
def forget(
    students: Annotated[list[str], typer.Argument(metavar="STUDENT...", help="As in grades.csv.")],
    results: ResultsOption = Path("results"),
    db: DatabaseOption = None,
    who: WhoOption = None,
) -> None:
    """Remove everything of students from the gradebook and the results; only a count is kept."""
    from grader.commands.override import GradebookPlace
    from grader.commands.override import forget as remove

    for line in remove(students, who, GradebookPlace(results, db)):
        typer.echo(line)


@app.command()
def validate(
    jobs: JobsOption,
    seed: SeedOption = None,
    rubric: RubricOption = None,
) -> None:
    """Grade the solution, which earns all, and mutants, which lose their own; measure the mark."""
    _need_fork()
    from grader.commands.validation import validate

    _coordinate(lambda: validate(rubric, jobs, None if seed is None else str(seed)))


@app.command()
def calibrate(
    jobs: JobsOption,
    out: Annotated[Path, typer.Option(help="Folder for the table and the plot.")] = Path(
        "calibration"
    ),
    rubric: RubricOption = None,
) -> None:
    """Measure whether the training's pass mark tells right gradients from wrong ones."""
    homework_rubric = _loaded(rubric)
    from grader.reports.calibration import table_of, verdict_on, write_calibration

    measurements = homework_rubric.package.calibrated(homework_rubric, jobs, only_musts=False)
    if not measurements:
        raise UserError("this homework's package has nothing to measure its pass mark by")
    typer.echo(table_of(measurements, homework_rubric))
    typer.echo(verdict_on(measurements))
    for path in write_calibration(measurements, homework_rubric, out):
        typer.echo(f"wrote {path}")
    if not all(each.holds for each in measurements):
        raise typer.Exit(UNDER_MARK)


@app.command()
def new_variant(
    folder: Annotated[Path, typer.Argument(help="Where rubric.toml is written.")],
    jobs: JobsOption,
    activation: Annotated[str | None, typer.Option(help="One of activations.toml.")] = None,
    hidden: Annotated[int | None, typer.Option(help="Hidden units.", min=2)] = None,
    target: Annotated[
        list[str] | None,
        typer.Option(help="What is to be fitted, like cos(3*x); an output each time it is given."),
    ] = None,
    noise: Annotated[float | None, typer.Option(help="Times U(0, 1), added to it.", min=0)] = None,
    samples: Annotated[int | None, typer.Option(help="Points of the data.", min=2)] = None,
    bias: Annotated[
        Literal["both", "sample", "row"] | None,
        typer.Option(help="Bias conventions: a row a sample, one shared row."),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(help="Of the data that students see.", min=0, max=LARGEST_DATA_SEED),
    ] = None,
    per_student: Annotated[
        bool, typer.Option("--per-student", help="Data and hidden cases of each student's own.")
    ] = False,
) -> None:
    """Write the rubric of another homework, with a pass mark measured for it.

    What is not said is as in the package's own homework.
    """
    from msgspec.structs import replace

    from grader.homework.settings import own_rubric
    from grader.homework.variants import new_variant as write
    from grader.reports.calibration import table_of, verdict_on
    from grader.rubric import RUBRIC_FILE

    options = {
        "activation": activation,
        "n_hidden": hidden,
        "targets": target or None,
        "noise": noise,
        "n_samples": samples,
        "biases": ["sample", "row"] if bias == "both" else bias and [bias],
        "seed": seed,
        "per_student": per_student or None,
    }
    changes = {name: value for name, value in options.items() if value is not None}
    homework = replace(own_rubric().homework, **changes)
    rubric, measurements = write(homework, folder / RUBRIC_FILE.name, jobs)
    typer.echo(table_of(measurements, rubric))
    typer.echo(verdict_on(measurements))
    typer.echo(f"wrote {folder / RUBRIC_FILE.name}")


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="Your homework.py or homework.ipynb.")],
    only: Annotated[
        str | None, typer.Option(metavar="NAME", help="One function or criterion.")
    ] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Check again at each save.")] = False,
    lang: Annotated[
        str | None, typer.Option(help="en, zh_Hans or zh_Hant; else as your system's language is.")
    ] = None,
    when_told: Annotated[float | None, typer.Option(hidden=True)] = None,
    rubric: RubricOption = None,
) -> None:
    """Check your own work against the public cases, on your own machine.

    FILE runs unconfined and can do whatever you can. For the work of others, use `grader grade`.
    """
    forget_secrets()
    homework_rubric = _loaded(rubric)
    from grader.rubric.cases import public_cases_json
    from grader.selfcheck.checking import Questions
    from grader.selfcheck.running import CheckRequest, run

    questions = Questions.of(
        json.loads(public_cases_json(homework_rubric)), homework_rubric.package.final_loss()
    )
    command = [sys.executable, "-m", "grader", "check"]
    command += ["--rubric", str(rubric)] if rubric else []
    notice = UNCONFINED if when_told is None else ""
    request = CheckRequest(file, only, watch, lang, when_told, notice)
    raise typer.Exit(run(request, questions, command))


@app.command()
def release(
    root: Annotated[
        Path, typer.Option(help="Where solution/ and assignment/ are written.", file_okay=False)
    ] = Path(),
    out: Annotated[Path, typer.Option(help="Folder for the students' archive.")] = Path("dist"),
    rubric: RubricOption = None,
    students: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="A CSV file with a column student: an archive for each, with data of their own.",
        ),
    ] = None,
) -> None:
    """Generate solution/, assignment/ and the students' zip from a rubric."""
    homework_rubric = _loaded(rubric)
    from grader.authoring.release import release as write
    from grader.submissions.students.roster import students_of

    names = students_of(students) if students else []
    for path in write(homework_rubric, root, out, names):
        typer.echo(f"wrote {path}")


@app.command()
def convert(
    to: Annotated[Literal["otter", "nbgrader"], typer.Option(help="The tool that grades.")],
    seed: GivenSeed,
    out: Annotated[Path, typer.Option(help="Folder to write to.")],
    rubric: RubricOption = None,
) -> None:
    """Write the homework as an assignment of otter-grader or nbgrader."""
    homework_rubric = _loaded(rubric)
    from grader.authoring.converters import convert as files_of
    from grader.gradebook.options import check_long
    from grader.util.atomic import write_atomically

    check_long(seed)
    for path, content in files_of(homework_rubric, to, seed).items():
        write_atomically(out / path, content)
        typer.echo(f"wrote {out / path}")


@autograder.command()
def gradescope(
    seed: GivenSeed,
    out: Annotated[Path, typer.Option(help="The archive to upload.")] = Path("autograder.zip"),
    extra_index_url: Annotated[
        str | None, typer.Option(metavar="URL", help="Where pip finds the CPU build of torch.")
    ] = None,
    rubric: RubricOption = None,
) -> None:
    """Write the zip archive that Gradescope makes its image from."""
    from grader.authoring.autograders import gradescope as archive
    from grader.gradebook.options import check_long
    from grader.util.atomic import write_atomically

    check_long(seed)
    write_atomically(out, archive(seed, extra_index_url, _loaded(rubric)))
    typer.echo(f"wrote {out}")


@autograder.command()
def github(
    repository: Annotated[
        str,
        typer.Option(metavar="OWNER/NAME", help="The course's private repository for course/."),
    ],
    ref: Annotated[str, typer.Option(help="The commit of it that grades.")],
    out: Annotated[Path, typer.Option(help="Folder to write to.")] = Path("autograder"),
    rubric: RubricOption = None,
) -> None:
    """Write a composite action for the course's repository, and a workflow for the students'."""
    from grader.authoring.autograders import COURSE
    from grader.authoring.autograders import github as files
    from grader.util.atomic import EVERYBODY, STAFF, write_atomically

    for path, content in files(repository, ref, _loaded(rubric)).items():
        write_atomically(out / path, content, STAFF if path.is_relative_to(COURSE) else EVERYBODY)
        typer.echo(f"wrote {out / path}")


@app.command()
def override(
    student: Annotated[str, typer.Argument(help="As in grades.csv.")],
    why: Annotated[
        str, typer.Option(metavar="TEXT", help="The reason, for the staff: see `history`.")
    ],
    points: Annotated[
        float | None, typer.Argument(help="Points of the criterion, else the final score.")
    ] = None,
    criterion: Annotated[
        str | None, typer.Option(metavar="ID", help="A criterion, as in grades.csv.")
    ] = None,
    late_days: Annotated[
        float | None,
        typer.Option(metavar="DAYS", help="Days late of what is handed in by now."),
    ] = None,
    until: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="An extension: a due date of this student's own, like 2026-11-05T23:59:00+01:00.",
        ),
    ] = None,
    withdraw: Annotated[
        bool, typer.Option("--withdraw", help="Take back what was set before.")
    ] = False,
    tell: Annotated[
        str, typer.Option(metavar="TEXT", help="What the student reads about it on their page.")
    ] = "",
    who: WhoOption = None,
    results: ResultsOption = Path("results"),
    db: DatabaseOption = None,
    rubric: SameRubricOption = None,
) -> None:
    """Set points, late days or a due date of a student by hand, with a reason.

    All results follow. An extension may be set before anything is handed in.
    """
    from grader.commands.override import GradebookPlace, OverrideOptions, override_by_hand

    options = OverrideOptions(criterion, points, late_days, until, withdraw, why, tell, who)
    for line in override_by_hand(student, options, GradebookPlace(results, db, rubric)):
        typer.echo(line)


@app.command()
def history(
    student: Annotated[str, typer.Argument(help="As in grades.csv.")],
    results: ResultsOption = Path("results"),
    db: DatabaseOption = None,
    rubric: SameRubricOption = None,
) -> None:
    """Show a student's attempts, what of them counts and why, and what was set by hand."""
    from grader.commands.override import GradebookPlace, show_history

    show_history(student, GradebookPlace(results, db, rubric))


@app.command()
def export(
    to: Annotated[Target, typer.Option(help="What reads it.")],
    results: Annotated[Path, typer.Argument(help="Folder of the results, as of grade.")] = Path(
        "results"
    ),
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help=f"What is written; {WITHOUT_OUT} needs none."),
    ] = None,
    into: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help=f"What {who_need('into')} exported: its CSV, which stays as it is.",
        ),
    ] = None,
    assignment: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help=f"{who_need('assignment')}'s column; a new one where none is."
        ),
    ] = None,
    groups: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help=f"{GROUP_TABLES}: who is in which group."),
    ] = None,
    db: DatabaseOption = None,
    rubric: SameRubricOption = None,
) -> None:
    """Write the marks as a course's system, CI or a spreadsheet reads them."""
    from grader.commands.export import export as write
    from grader.commands.override import GradebookPlace
    from grader.lms.system import ExportOptions

    options = ExportOptions(to, out, into, assignment, groups)
    problems, notes = write(options, GradebookPlace(results, db, rubric))
    for line in [*notes, *problems]:
        say(line)
    if problems:
        raise typer.Exit(UNDER_MARK)


@app.command()
def similar(
    paths: Annotated[
        list[Path], typer.Argument(metavar="PATH...", help="What was graded, as for grade.")
    ],
    jobs: JobsOption,
    out: Annotated[Path, typer.Option(help="Folder of the results, as of grade.")] = Path(
        "results"
    ),
    db: DatabaseOption = None,
    rubric: SameRubricOption = None,
) -> None:
    """Report pairs of submissions that are suspiciously alike: places to look, not verdicts."""
    # copydetect compares by Python's hash(), which varies between processes without this variable.
    if os.environ.get("PYTHONHASHSEED") != "0":
        from grader.grading.launch import PYTHON

        arguments = [*PYTHON, "grader", *sys.argv[1:]]
        os.execve(sys.executable, arguments, {**os.environ, "PYTHONHASHSEED": "0"})
    from grader.commands.override import GradebookPlace
    from grader.commands.similar import compare_submissions

    typer.echo(compare_submissions(paths, GradebookPlace(out, db, rubric), jobs))


@app.command("rubric")
def print_rubric(rubric: RubricOption = None) -> None:
    """Print the whole rubric that is in force: a file's values, and the package's for the rest."""
    from grader.rubric import to_toml

    typer.echo(to_toml(_loaded(rubric)), nl=False)


def main() -> NoReturn:
    """Run the command line; each problem that a user can fix is one line."""
    leave_the_current_folder_out()
    run_and_exit(lambda: exit_code_of(_run))


def _run() -> int:
    for word in sys.argv[1:]:
        try:
            word.encode()
        except UnicodeEncodeError as error:
            raise UserError(f"{word}: is not text in UTF-8: name it otherwise") from error
    status: int = app(prog_name="grader")
    return status


def leave_the_current_folder_out() -> None:
    """Keep processes started here from using modules and programs of the current folder.

    That folder may be a student's. Empty and relative entries in lists of folders refer to it.
    """
    os.environ["PYTHONSAFEPATH"] = "1"  # like python -P, also for processes that a library starts
    for name in FOLDER_LISTS:
        if folders := os.environ.get(name):
            os.environ[name] = os.pathsep.join(filter(os.path.isabs, folders.split(os.pathsep)))


def _coordinate(command: Callable[[], int]) -> NoReturn:
    """Run a command that grades, with this process as coordinator, and exit with its code."""
    forget_secrets()
    sys.setswitchinterval(SWITCH_SECONDS)
    try:
        interrupt_at_signals()
        code = exit_code_of(command, remark="; what was written is kept")
    except KeyboardInterrupt as interrupt:
        say("interrupted")
        code = status_after(interrupt)
    raise typer.Exit(code)


def _loaded(path: Path | None) -> "Rubric":
    """Return the rubric to use; raise UserError before anything is written or torch imported."""
    from grader.rubric import RUBRIC_FILE, load_rubric

    return load_rubric(path or RUBRIC_FILE)


def _options(
    rubric: Path | None, seed: int | None, lang: str | None, students: Path | None
) -> "Options":
    from grader.gradebook.options import Options, check_long
    from grader.judging.messages import language_of

    if seed is not None:
        check_long(seed, or_else="leave it out, and the gradebook has a secret one; or ")
    return Options(
        rubric=str(rubric) if rubric else None,
        seed=None if seed is None else str(seed),
        lang=language_of(lang) if lang else None,
        students=str(students) if students else None,
    )


def _need_fork() -> None:
    if sys.platform != "linux":
        raise UserError("grading needs Linux; `grader check` runs here and on every system")
