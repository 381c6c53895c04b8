"""The benchmark's own parts at a tiny size, without otter-grader and nbgrader: that they work."""

import subprocess
import sys
from pathlib import Path

import bench_confinement
import bench_peers
import pytest
from bench_peers import graded, set_up
from homeworks import CHECKS, FAILS, TRAININGS, cells_of, make_class, passes
from measure import Command, Failed, Memory, Run, run
from measured import FLOOR, NBGRADER, OURS, PYTEST, TWO_JOBS, Key, Measured, Sizes
from ours import check_of, write_rubric
from peers import Pytest, course_checks, needs
from report import markdown, promises, tables, write

from grader.confined import zygote
from grader.rubric import load_rubric

ALL = CHECKS + TRAININGS
SIZES = Sizes(growth=(2, 3, 4), ours=3, training=3, peers=3)


@pytest.fixture(scope="module")
def homeworks(tmp_path_factory):
    """A submission of each kind, as the names that its cells define."""
    folder = tmp_path_factory.mktemp("bench") / "class"
    make_class(folder, len(FAILS))
    defined = {}
    for path in sorted(folder.iterdir()):
        defined[path.stem] = {"__name__": "homework"}
        for cell in cells_of(path):
            exec(cell, defined[path.stem])
    return defined


def test_a_class_is_every_kind_in_turn(homeworks):
    assert [student.partition("-")[2] for student in homeworks] == list(FAILS)


@pytest.mark.parametrize("check", ALL)
def test_a_check_tells_the_right_submissions_from_the_wrong_ones(homeworks, check):
    course = {}
    exec(course_checks(), course)
    passed = set()
    for student, namespace in homeworks.items():
        try:
            course[f"check_{check}"](*(namespace[name] for name in needs(check)))
        except (AssertionError, NotImplementedError):
            continue
        passed.add(student)
    assert passed == {student for student in homeworks if check in passes(student, ALL)}
    assert 0 < len(passed) < len(homeworks)


def test_every_criterion_of_the_grader_has_its_check(rubric):
    assert {check_of(criterion) for criterion in rubric.points} == set(ALL)


def test_a_rubric_without_training_is_the_graders_but_for_those_points(tmp_path, rubric):
    assert load_rubric(write_rubric(tmp_path / "all.toml", ALL)) == rubric
    plain = load_rubric(write_rubric(tmp_path / "plain.toml", CHECKS))
    assert {*rubric.points} - {*plain.points} == {"train.manual", "train.net"}


@pytest.mark.alone  # all imports of torch are counted, whoever's they are
def test_tools_take_turns_and_tell_right_from_wrong(tmp_path, monkeypatch):
    asked = {SIZES.key(FLOOR, False), SIZES.key(OURS, True), SIZES.key(PYTEST, False)}

    def set_up_some(*given):
        return ((key, tool) for key, tool in set_up(*given) if key in asked)

    monkeypatch.setattr(bench_peers, "set_up", set_up_some)
    measured = bench_peers.measure(tmp_path, SIZES, 1, {PYTEST: Pytest})
    (runs,) = measured.rounds
    assert set(runs) == asked
    for key, taken in runs.items():
        assert taken.size == key.size
        assert 0 < taken.first < taken.last <= taken.seconds
        assert taken.peak > 100e6  # torch's libraries alone are more
    assert measured.imports == 1
    assert 0 < measured.memory.worker < measured.memory.zygote < measured.memory.together


def made_up(size: int, each: float) -> Run:
    last = 3 + each * (size - 1)
    return Run(size, last, 3.0, last, 100_000_000, 2 * last)


def made_up_runs(**each: float) -> dict[Key, Run]:
    """Runs of the tools that take so many seconds a submission."""
    tools = {"floor": FLOOR, "ours": OURS, "two_jobs": TWO_JOBS, "nbgrader": NBGRADER}
    compared = [
        (SIZES.key(tools[name], training), seconds)
        for name, seconds in each.items()
        for training in (False, True)
    ]
    grown = [(Key(OURS, False, size), each["ours"]) for size in SIZES.growth]
    return {key: made_up(key.size, seconds) for key, seconds in compared + grown}


def test_the_report_holds_every_table_and_the_plot(tmp_path):
    runs = made_up_runs(floor=0.002, ours=0.012, two_jobs=0.006, nbgrader=2.4)
    measured = Measured(SIZES, [runs, runs], [1.0, 1.2], 1, Memory(1, 1, 1), 0.5)
    write(measured, tmp_path)
    text = (tmp_path / "latest.md").read_text()
    assert all(markdown(table) in text for table in tables(measured))
    assert "| nbgrader | 3 | 2400.0 | 2400 to 2400 | 200 | 1200 |" in text
    assert (tmp_path / "latest.png").read_bytes().startswith(b"\x89PNG")


def test_a_ratio_is_the_median_of_the_rounds_ratios():
    one, two = Key(OURS, False, 11), Key(PYTEST, False, 11)
    seconds = [(1.0, 2.0), (2.0, 6.0), (4.0, 40.0)]  # a machine that slows down meanwhile
    rounds = [{one: made_up(11, a), two: made_up(11, b)} for a, b in seconds]
    measured = Measured(SIZES, rounds, [1.0], 1, Memory(1, 1, 1), 0.0)
    assert (measured.of(one), measured.of(two)) == (2.0, 6.0)
    assert measured.ratio(two, one) == pytest.approx(3.0)


@pytest.mark.parametrize(
    ("ours", "two_jobs", "reached"),
    [
        (0.012, 0.006, {"above the floor": "yes", "two jobs": "yes", "nbgrader": "yes"}),
        (0.025, 0.018, {"above the floor": "no", "two jobs": "no", "nbgrader, without": "no"}),
    ],
)
def test_a_target_is_reached_or_not_by_what_was_measured(ours, two_jobs, reached):
    runs = made_up_runs(floor=0.002, ours=ours, two_jobs=two_jobs, nbgrader=2.4)
    table = promises(Measured(SIZES, [runs], [1.0], 1, Memory(1, 1, 1), 0.0))
    for what, told in reached.items():
        assert {row[-1] for row in table.rows if row[0].startswith(what)} == {told}


def test_a_tool_that_finds_everything_right_fails_the_benchmark(tmp_path):
    class Generous:
        def grade(self) -> Run:
            return made_up(len(FAILS), 1.0)

        def passed(self) -> dict[str, set[str]]:
            return {f"{number:05}-{kind}": set(CHECKS) for number, kind in enumerate(FAILS)}

    with pytest.raises(Failed, match=r"these wrongly: .*w1_sign"):
        graded(Key(PYTEST, False, len(FAILS)), Generous())


def test_a_command_that_fails_is_shown_with_what_it_said():
    with pytest.raises(Failed, match=r"(?s)exit code 3.*nothing to grade"):
        run(Command([sys.executable, "-c", "print('nothing to grade'); raise SystemExit(3)"]))


def test_memory_is_that_of_the_largest_process_whoever_started_it():
    # The child holds 300 MB, its parent does not. In a process of its own, as the benchmark is:
    # what is started from this one begins with the memory of this one on its account.
    program = (
        "import sys\n"
        "from measure import Command, run_each\n"
        "child = \"b'1' * 300_000_000\"\n"
        "parent = f'import subprocess, sys; subprocess.run([sys.executable, \"-c\", {child!r}])'\n"
        "commands = [Command([sys.executable, '-c', code]) for code in ('', parent)]\n"
        "both = run_each(commands)\n"
        "print(both.size, both.peak)\n"
    )
    benchmarks = Path(bench_peers.__file__).parent
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=benchmarks, capture_output=True, text=True, check=True
    )
    size, peak = map(int, done.stdout.split())
    assert size == 2
    assert 300_000_000 < peak < 400_000_000


def test_confinement_is_timed_beside_none_and_stays_in_force():
    confinement = zygote.Confinement
    confined, free = bench_confinement.measure(block=1, blocks=1)
    assert confined > 0
    assert free > 0
    assert zygote.Confinement is confinement
