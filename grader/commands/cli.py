"""The command line: `grader grade`, `check`, `export`, `similar` and the others."""

import json
import math
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn

import typer

from grader import __version__
from grader.commands.epilogs import epilog
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
    epilog="The help of each command, `grader COMMAND --help`, has an example and its exit codes.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"]},  # for every command
)
autograder = typer.Typer(
    help="Write the files that run the grader in a course's CI.", no_args_is_help=True
)
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


def _seed_option(default: str | bool) -> Any:
    """Return the option of a seed, with words for the one used without it, if there is one."""
    return typer.Option(
        metavar="N",
        min=0,
        max=LARGEST_SEED,
        envvar=SEED_VARIABLE,
        show_default=default,
        help="Seed of the hidden cases, a long random number.",
    )


def _jobs_option(text: str) -> Any:
    """Return the option of how much is done at the same time."""
    return typer.Option(
        metavar="N",
        min=1,
        default_factory=lambda: (
            len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
        ),
        show_default="one per core that this process may use",
        help=text,
    )


def _rubric_option(default: str | bool) -> Any:
    """Return the option of a rubric, with words for the one used without it, if there is one."""
    return typer.Option(
        exists=True,
        dir_okay=False,
        show_default=default,
        help="Your rubric; it needs only the keys that differ from the package's rubric.",
    )


GivenSeed = Annotated[int, _seed_option(False)]
JobsOption = Annotated[int, _jobs_option("Submissions graded at the same time.")]
TrainingJobsOption = Annotated[int, _jobs_option("Batches of networks trained at the same time.")]
RubricOption = Annotated[Path | None, _rubric_option("the package's rubric")]
NewRubricOption = Annotated[Path | None, _rubric_option(False)]
SameRubricOption = Annotated[
    Path | None,
    typer.Option(
        help="Not needed; if given, it must be the rubric that the gradebook remembers.",
        exists=True,
        dir_okay=False,
    ),
]
LangOption = Annotated[
    str | None, typer.Option(help="Language of the pages and messages: en, zh_Hans or zh_Hant.")
]
StudentsOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="CSV with the columns id and student: the name to use for each LMS id. "
        "A column section is optional.",
    ),
]
WhoOption = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", help="Your name, for the history.", show_default="your login name"
    ),
]
ResultsOption = Annotated[Path, typer.Option(help="Folder of the results.")]
DatabaseOption = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        help="The gradebook, if it is not gradebook.db in the results, which remember it.",
    ),
]

# What the help of `export` says about what the systems need.
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


@app.command(
    epilog=epilog(
        "grader grade submissions.zip --out results/ --fail-under 50",
        "a score is below --fail-under",
    )
)
def grade(
    paths: Annotated[
        list[Path],
        typer.Argument(metavar="PATH...", help="A .py, an .ipynb, or a folder or zip of them."),
    ],
    out: Annotated[Path, typer.Option(help="Folder to write the results to.")],
    jobs: JobsOption,
    seed: Annotated[
        int | None, _seed_option("a secret one, drawn once and kept in the gradebook")
    ] = None,
    fail_under: Annotated[
        float | None,
        typer.Option(metavar="POINTS", help="Exit with code 1 if a score is below this."),
    ] = None,
    isolation: Annotated[
        Literal["auto", "strict"],
        typer.Option(
            help="If this machine lacks a layer of confinement: go on without it (auto) or stop."
        ),
    ] = "auto",
    format: Annotated[
        Literal["text", "json"], typer.Option(help="Print a table (text) or the records (json).")
    ] = "text",
    rubric: NewRubricOption = None,
    db: DatabaseOption = None,
    cluster: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Grade on the Dask cluster of this scheduler; local:N starts N workers here.",
        ),
    ] = None,
    no_cache: Annotated[
        bool, typer.Option("--no-cache", help="Grade again what was graded before.")
    ] = False,
    no_pages: Annotated[
        bool, typer.Option("--no-pages", help="Do not write the students' feedback.html.")
    ] = False,
    students: StudentsOption = None,
    times: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="When each student handed in: "
            f"{', '.join(times.name for times in TIMES_TABLES.values())}, "
            "or a CSV with the columns id and handed_in.",
        ),
    ] = None,
    lang: LangOption = None,
) -> None:
    """Grade submissions on hidden cases, each in a confined process of its own.

    The first run stores the rubric, the seed, the language and the table of students in the
    gradebook. Later commands use them, so that you need not repeat these options.
    """
    _need_fork()
    from grader.commands.grade import GradeRequest, grade

    if fail_under is not None and not math.isfinite(fail_under):
        raise UserError(f"--fail-under must be a number of points, not {fail_under:g}")
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
        cache=not no_cache,
        pages=not no_pages,
        times=times,
    )
    _coordinate(lambda: grade(request))


@app.command(epilog=epilog("grader settings results/ --rubric course.toml --dry-run"))
def settings(
    results: Annotated[Path, typer.Argument(help="Folder of the results.")] = Path("results"),
    *,
    jobs: JobsOption,
    rubric: NewRubricOption = None,
    seed: Annotated[
        int | None,
        typer.Option(
            help="Another seed of the hidden cases.", metavar="N", min=0, max=LARGEST_SEED
        ),
    ] = None,
    new_seed: Annotated[
        bool, typer.Option("--new-seed", help="Draw another secret seed, of 128 bits.")
    ] = False,
    lang: LangOption = None,
    students: StudentsOption = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print which marks would change, and change nothing.")
    ] = False,
    show_seed: Annotated[bool, typer.Option("--show-seed", help="Print the seed too.")] = False,
    who: WhoOption = None,
    db: DatabaseOption = None,
) -> None:
    """Show what the gradebook remembers about the assignment, or change it.

    If the new rubric or seed can change scores, every attempt is graded again. The marks that
    change are printed before anything is written.
    """
    from grader.commands.override import GradebookPlace, show_settings
    from grader.gradebook.options import login_name

    options = _options(rubric, seed, lang, students)
    if not new_seed and options == type(options)():
        if dry_run:
            raise UserError("--dry-run shows what a change would do: add the option to change")
        show_settings(GradebookPlace(results, db), show_seed)
        return
    if new_seed and seed is not None:
        raise UserError("give --seed or --new-seed, not both")
    _need_fork()
    from grader.commands.change import SettingsRequest, change_settings

    request = SettingsRequest(results, db, jobs, options, new_seed, dry_run, who or login_name())
    _coordinate(lambda: change_settings(request))


@app.command(epilog=epilog("grader regrade --status timeout"))
def regrade(
    students: Annotated[
        list[str] | None, typer.Argument(metavar="STUDENT...", help="Names as in grades.csv.")
    ] = None,
    *,
    jobs: JobsOption,
    status: Annotated[
        Literal["graded", "unreadable", "failed", "timeout", "crashed"] | None,
        typer.Option(help="Grade the attempts with this status."),
    ] = None,
    all_: Annotated[bool, typer.Option("--all", help="Grade every attempt.")] = False,
    results: ResultsOption = Path("results"),
    db: DatabaseOption = None,
) -> None:
    """Grade attempts again, from the copies in the gradebook.

    Name students, or use --status or --all.
    """
    _need_fork()
    from grader.commands.change import RegradeRequest, regrade

    request = RegradeRequest(results, db, jobs, students or [], status, all_)
    _coordinate(lambda: regrade(request))


@app.command(epilog=epilog("grader forget ada bob"))
def forget(
    students: Annotated[
        list[str], typer.Argument(metavar="STUDENT...", help="Names as in grades.csv.")
    ],
    results: ResultsOption = Path("results"),
    db: DatabaseOption = None,
    who: WhoOption = None,
) -> None:
    """Remove all data about students from the gradebook and the results; only a count is kept."""
    from grader.commands.override import GradebookPlace
    from grader.commands.override import forget as remove

    for line in remove(students, who, GradebookPlace(results, db)):
        typer.echo(line)


@app.command(
    epilog=epilog(
        "grader validate --rubric waves/rubric.toml",
        "a mutant lost other points than it should, or the pass mark does not hold",
    )
)
def validate(
    jobs: JobsOption,
    seed: Annotated[int | None, _seed_option("the rubric's")] = None,
    rubric: RubricOption = None,
) -> None:
    """Test the grader itself, and measure the pass mark.

    The solution must earn all points, and each mutant must lose exactly the points it should.
    """
    _need_fork()
    from grader.commands.validation import validate

    _coordinate(lambda: validate(rubric, jobs, None if seed is None else str(seed)))


@app.command(
    epilog=epilog("grader calibrate --rubric waves/rubric.toml", "the pass mark does not hold")
)
def calibrate(
    jobs: TrainingJobsOption,
    out: Annotated[Path, typer.Option(help="Folder for the table and the plot.")] = Path(
        "calibration"
    ),
    rubric: RubricOption = None,
) -> None:
    """Measure whether the pass mark of training tells right gradients from wrong ones."""
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


@app.command(epilog=epilog("grader new-variant waves/ --activation tanh --hidden 24"))
def new_variant(
    folder: Annotated[Path, typer.Argument(help="Folder to write rubric.toml to.")],
    jobs: TrainingJobsOption,
    activation: Annotated[
        str | None, typer.Option(help="The hidden units' activation; see activations.toml.")
    ] = None,
    hidden: Annotated[int | None, typer.Option(help="Number of hidden units.", min=2)] = None,
    target: Annotated[
        list[str] | None,
        typer.Option(help="Function to fit, like cos(3*x); repeat it for each additional output."),
    ] = None,
    noise: Annotated[
        float | None, typer.Option(help="Noise added to the target: this times U(0, 1).", min=0)
    ] = None,
    samples: Annotated[int | None, typer.Option(help="Number of data points.", min=2)] = None,
    bias: Annotated[
        Literal["both", "sample", "row"] | None,
        typer.Option(
            help="Bias conventions: one row per sample (sample), one shared row (row), or both."
        ),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(help="Seed of the data that students see.", min=0, max=LARGEST_DATA_SEED),
    ] = None,
    per_student: Annotated[
        bool,
        typer.Option("--per-student", help="Give each student their own data and hidden cases."),
    ] = False,
) -> None:
    """Write the rubric of another homework, with a pass mark measured for it.

    Options you leave out keep the default homework's values.
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


@app.command(epilog=epilog("grader check homework.ipynb --watch", "something is not right yet"))
def check(
    file: Annotated[Path, typer.Argument(help="Your homework.py or homework.ipynb.")],
    only: Annotated[
        str | None, typer.Option(metavar="NAME", help="Check one function or criterion.")
    ] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Check again at each save.")] = False,
    lang: Annotated[
        str | None,
        typer.Option(
            help="Language: en, zh_Hans or zh_Hant.", show_default="your system's language"
        ),
    ] = None,
    when_told: Annotated[float | None, typer.Option(hidden=True)] = None,
    rubric: RubricOption = None,
) -> None:
    """Check your own work on the public cases.

    FILE runs unconfined, with your rights. For the work of others, use `grader grade`.
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


@app.command(
    epilog=epilog("grader release --rubric waves/rubric.toml --root waves/ --out waves/dist/")
)
def release(
    root: Annotated[
        Path, typer.Option(help="Folder to write solution/ and assignment/ to.", file_okay=False)
    ] = Path(),
    out: Annotated[Path, typer.Option(help="Folder for the students' archive.")] = Path("dist"),
    rubric: RubricOption = None,
    students: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="CSV with a column student: write one archive per student, with their own data.",
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


@app.command(epilog=epilog("grader convert --to otter --seed N --out otter/"))
def convert(
    to: Annotated[Literal["otter", "nbgrader"], typer.Option(help="The tool that will grade it.")],
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


@autograder.command(epilog=epilog("grader autograder gradescope --seed N --out autograder.zip"))
def gradescope(
    seed: GivenSeed,
    out: Annotated[Path, typer.Option(help="The archive to upload.")] = Path("autograder.zip"),
    extra_index_url: Annotated[
        str | None, typer.Option(metavar="URL", help="Package index with the CPU build of torch.")
    ] = None,
    rubric: RubricOption = None,
) -> None:
    """Write the zip archive from which Gradescope builds its image."""
    from grader.authoring.autograders import gradescope as archive
    from grader.gradebook.options import check_long
    from grader.util.atomic import write_atomically

    check_long(seed)
    write_atomically(out, archive(seed, extra_index_url, _loaded(rubric)))
    typer.echo(f"wrote {out}")


@autograder.command(epilog=epilog("grader autograder github --repository uni/course --ref v1"))
def github(
    repository: Annotated[
        str,
        typer.Option(
            metavar="OWNER/NAME", help="The course's private repository, for the files in course/."
        ),
    ],
    ref: Annotated[str, typer.Option(help="Its tag or commit whose grader is used.")],
    out: Annotated[Path, typer.Option(help="Folder to write to.")] = Path("autograder"),
    rubric: RubricOption = None,
) -> None:
    """Write an action for the course's repository, and a workflow for the students' ones."""
    from grader.authoring.autograders import COURSE
    from grader.authoring.autograders import github as files
    from grader.util.atomic import EVERYBODY, STAFF, write_atomically

    for path, content in files(repository, ref, _loaded(rubric)).items():
        write_atomically(out / path, content, STAFF if path.is_relative_to(COURSE) else EVERYBODY)
        typer.echo(f"wrote {out / path}")


@app.command(epilog=epilog('grader override ada 85 --why "derivation on paper"'))
def override(
    student: Annotated[str, typer.Argument(help="The name in grades.csv.")],
    why: Annotated[str, typer.Option(metavar="TEXT", help="The reason, for the history.")],
    points: Annotated[
        float | None,
        typer.Argument(help="Points of the criterion, or of the whole score without --criterion."),
    ] = None,
    criterion: Annotated[
        str | None, typer.Option(metavar="ID", help="A criterion of grades.csv.")
    ] = None,
    late_days: Annotated[
        float | None,
        typer.Option(metavar="DAYS", help="Days late, for everything handed in so far."),
    ] = None,
    until: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="An extension: this student's due date, like 2026-11-05T23:59:00+01:00.",
        ),
    ] = None,
    withdraw: Annotated[bool, typer.Option("--withdraw", help="Undo what was set before.")] = False,
    tell: Annotated[
        str, typer.Option(metavar="TEXT", help="A note to the student, shown on their page.")
    ] = "",
    who: WhoOption = None,
    results: ResultsOption = Path("results"),
    db: DatabaseOption = None,
    rubric: SameRubricOption = None,
) -> None:
    """Set a student's points, late days or due date by hand, with a reason.

    All results follow. You can set an extension before the student hands anything in.
    """
    from grader.commands.override import GradebookPlace, OverrideOptions, override_by_hand

    options = OverrideOptions(criterion, points, late_days, until, withdraw, why, tell, who)
    for line in override_by_hand(student, options, GradebookPlace(results, db, rubric)):
        typer.echo(line)


@app.command(epilog=epilog("grader history ada"))
def history(
    student: Annotated[str, typer.Argument(help="The name in grades.csv.")],
    results: ResultsOption = Path("results"),
    db: DatabaseOption = None,
    rubric: SameRubricOption = None,
) -> None:
    """Show a student's attempts, which one counts and why, and what was set by hand."""
    from grader.commands.override import GradebookPlace, show_history

    show_history(student, GradebookPlace(results, db, rubric))


@app.command(
    epilog=epilog(
        "grader export --to csv --out marks.csv",
        "a mark could not be placed in the table",
    )
)
def export(
    to: Annotated[Target, typer.Option(help="The system or format to write for.")],
    results: Annotated[Path, typer.Argument(help="Folder of the results.")] = Path("results"),
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help=f"File to write; {WITHOUT_OUT} needs none."),
    ] = None,
    into: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help=f"CSV file that {who_need('into')} exported; it is not changed.",
        ),
    ] = None,
    assignment: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help=f"The column in {who_need('assignment')}, which is added if it is missing.",
        ),
    ] = None,
    groups: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help=f"The members of groups: {GROUP_TABLES}."),
    ] = None,
    db: DatabaseOption = None,
    rubric: SameRubricOption = None,
) -> None:
    """Write the marks for a learning platform, CI or a spreadsheet."""
    from grader.commands.export import export as write
    from grader.commands.override import GradebookPlace
    from grader.lms.system import ExportOptions

    options = ExportOptions(to, out, into, assignment, groups)
    problems, notes = write(options, GradebookPlace(results, db, rubric))
    for line in [*notes, *problems]:
        say(line)
    if problems:
        raise typer.Exit(UNDER_MARK)


@app.command(epilog=epilog("grader similar submissions.zip --out results/"))
def similar(
    paths: Annotated[
        list[Path], typer.Argument(metavar="PATH...", help="The same paths as for `grader grade`.")
    ],
    jobs: Annotated[int, _jobs_option("Number of processes.")],
    out: ResultsOption = Path("results"),
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


@app.command("rubric", epilog=epilog("grader rubric > own.toml"))
def print_rubric(rubric: RubricOption = None) -> None:
    """Print the whole rubric: the values of --rubric, and the package's for the rest."""
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
            raise UserError(f"{word}: is not UTF-8 text: rename it") from error
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
        check_long(seed, or_else="leave it out for a secret one, or ")
    return Options(
        rubric=str(rubric) if rubric else None,
        seed=None if seed is None else str(seed),
        lang=language_of(lang) if lang else None,
        students=str(students) if students else None,
    )


def _need_fork() -> None:
    if sys.platform != "linux":
        raise UserError("grading needs Linux; `grader check` runs here and on every system")
