"""feedback.html: what it says for whom, that nothing hostile runs in it, and who renders it."""

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from contextlib import closing
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest
from browser import CONTRAST, opened
from conftest import GRADER, ROOT
from finals import final_of
from hostile import pages as hostile
from hypothesis import example, given
from hypothesis import strategies as st
from leftovers import assert_no_process, children, orphans_are_ours
from msgspec.structs import replace
from times import PATIENCE
from worth import MAX_UNTRAINED, out_of, worth

from grader.homework.tasks import TASKS
from grader.reports.feedback import drawings, render
from grader.reports.feedback.pages import Pages, interrupts_wait
from grader.results.record import ByHand, Final, Record, TrainingResult, TrainingRun
from grader.rubric import Rubric
from grader.rubric.rubric import PageLimits

CORPUS = ROOT / "tests" / "submissions"
W1 = worth("grad_w1")
ORDINARY = (
    "sign_of_w1.py", "syntax_error.py", "cells_that_crash.ipynb", "notebook_with_outputs.ipynb",
    "gbk_comments.py", "old_jupyter.ipynb", "half_finished.py",
)  # fmt: skip
POLICY = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>')
# No policy stops this one, so the sanitiser has to.
NOT_BY_POLICY = {"meta_refresh"}


@pytest.fixture(scope="module")
def submitted(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("class")
    hostile.write(folder)
    for name in ORDINARY:
        shutil.copy(CORPUS / name, folder)
    shutil.copy(ROOT / "solution" / "homework.py", folder / "right.py")
    (folder / "broken.ipynb").write_text('{"cells": [')
    return folder


@pytest.fixture(scope="module")
def results(warm, submitted, untrained, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("out") / "results"
    done = warm.run("grade", submitted, "--out", out, "--rubric", untrained, pages_apart=True)
    assert done.returncode == 0, done.stderr
    return out


def page_of(results: Path, student: str) -> Path:
    return results / student / "feedback.html"


def final_in(results: Path, student: str, **changes: object) -> Final:
    """Return what result.json says, but for the changes of the record."""
    text = (results / student / "result.json").read_bytes()
    record = msgspec.json.decode(text, type=Record)
    return final_of(replace(record, schema=1, **changes))


def order_of(final: Final, limits: PageLimits, source: bytes | None = None) -> render.Order:
    return render.Order(final, source, "best", "en", "digest", limits, TASKS)


# Hostile submissions


def hostile_students(results: Path) -> list[Path]:
    ordinary = {Path(name).stem for name in ORDINARY} | {"right", "broken"}
    return [page for page in results.glob("*/feedback.html") if page.parent.name not in ordinary]


def test_every_submission_has_a_page(submitted, results):
    assert len(list(results.glob("*/feedback.html"))) == len(list(submitted.iterdir()))


def test_what_is_sanitised_runs_nothing_where_there_is_no_policy(results, browser, tmp_path):
    faults = {}
    hostile_pages = hostile_students(results)
    assert len(hostile_pages) > 30
    for path in hostile_pages:
        text, removed = POLICY.subn("", path.read_text(encoding="utf-8"))
        assert removed == 1
        bare = tmp_path / "bare.html"
        bare.write_text(text, encoding="utf-8")
        with opened(browser, bare) as (page, seen):
            ran = page.evaluate("window.ran || 0")
            links = page.eval_on_selector_all("[href]", "all => all.map(one => one.href)")
            ids = page.eval_on_selector_all("[id]", "all => all.map(one => one.id)")
            named = page.locator("[name]:not(meta), script, iframe, form, main [style]").count()
            fault = (ran, seen.dialogs, seen.requests, named, len(ids) - len(set(ids)))
        bad = [link for link in links if not link.startswith(("file:", "http", "mailto:"))]
        if any(fault) or bad:
            faults[path.parent.name] = (*fault, bad)
    assert faults == {}


def test_the_policy_alone_stops_what_is_not_sanitised(results, browser, tmp_path):
    text = page_of(results, "right").read_text(encoding="utf-8")
    faults = {}
    unclean = {**hostile.HTML, "svg_output": hostile.BUNDLES["image/svg+xml"]}
    for name, html in unclean.items():
        if name in NOT_BY_POLICY:
            continue
        unsafe = tmp_path / "unsafe.html"
        unsafe.write_text(text.replace("<main>", f"<main>{html}", 1), encoding="utf-8")
        with opened(browser, unsafe) as (page, seen):
            ran = page.evaluate("window.ran || 0")
        if ran or seen.dialogs or seen.requests:
            faults[name] = (ran, seen)
    assert faults == {}


def test_without_both_the_attacks_do_run(results, browser, tmp_path):
    text = POLICY.sub("", page_of(results, "right").read_text(encoding="utf-8"))
    unsafe = tmp_path / "unsafe.html"
    unsafe.write_text(text.replace("<main>", f"<main>{hostile.HTML['script']}"), encoding="utf-8")
    with opened(browser, unsafe) as (page, seen):
        assert page.evaluate("window.ran") == 1
    assert seen.dialogs == ["1"]
    assert seen.requests == ["http://evil.test/run"]


def test_a_picture_that_a_cell_drew_is_shown(results, browser):
    with opened(browser, page_of(results, "good_image")) as (page, seen):
        widths = page.eval_on_selector_all("img[alt]", "all => all.map(one => one.naturalWidth)")
    assert widths == [1]
    assert seen.errors == []


# What it says


@pytest.mark.parametrize("student", [Path(name).stem for name in ORDINARY] + ["right", "broken"])
def test_a_page_fits_a_phone_and_has_its_headings_in_order(results, browser, student):
    with opened(browser, page_of(results, student), width=360) as (page, seen):
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        levels = page.eval_on_selector_all("h1,h2,h3,h4,h5,h6", "all => all.map(h => h.tagName)")
        unnamed = page.locator("svg:not([aria-label]), img:not([alt])").count()
        score = " ".join(page.inner_text(".score").split())
    assert score.startswith(f"{final_in(results, student).final:g} of ")
    steps = [int(after[1]) - int(before[1]) for before, after in pairwise(levels)]
    assert (levels[0], levels.count("H1"), max(steps), unnamed) == ("H1", 1, 1, 0)
    assert (seen.errors, seen.requests) == ([], [])


def test_what_to_mend_first_leads_to_the_line(results, browser):
    with opened(browser, page_of(results, "sign_of_w1")) as (page, _):
        assert "grad_w1" in page.inner_text(".first")
        page.click(".first a")
        target = page.inner_text(":target")
        label = page.get_attribute("main svg[role=img]", "aria-label")
    assert "def grad_w1" in target
    assert f"grad_w1 {out_of(W1 / 2, W1)}" in target
    assert re.fullmatch(r"grad_w1: \d+ of \d+ entries differ", label)


def test_cells_that_failed_are_marked_with_their_error(results, browser):
    with opened(browser, page_of(results, "cells_that_crash")) as (page, _):
        failed = page.locator(".cell.failed .label").all_inner_texts()
        marked = page.locator(".marked").all_inner_texts()
    notes = final_in(results, "cells_that_crash").record.notes
    assert {label.partition(" ·")[0] for label in failed} == {
        note.where.partition(",")[0] for note in notes
    }
    assert all(any(note.text in line for line in marked) for note in notes)


def test_marks_are_seen_in_print(results, browser):
    with opened(browser, page_of(results, "sign_of_w1")) as (page, _):
        page.emulate_media(media="print")
        line = page.locator(".marked").first
        width = line.evaluate("line => getComputedStyle(line).borderLeftWidth")
        assert line.locator(".why").is_visible()
        overflow = page.locator("pre").first.evaluate("pre => getComputedStyle(pre).overflowX")
    assert (width, overflow) == ("4px", "visible")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("student", ["sign_of_w1", "cells_that_crash", "notebook_with_outputs"])
def test_all_text_stands_out_from_what_is_behind_it(results, browser, student, scheme):
    with opened(browser, page_of(results, student)) as (page, _):
        page.emulate_media(color_scheme=scheme)
        assert page.evaluate(CONTRAST) >= 4.5


STATUSES = [
    ("graded", "What to mend first"),
    ("unreadable", "could not be read"),
    ("failed", "none of the functions asked for"),
    ("timeout", "took too long"),
    ("crashed", "ended before all was answered"),
]


@pytest.mark.parametrize(("status", "says"), STATUSES)
def test_a_page_says_what_became_of_the_submission(results, rubric, status, says):
    order = order_of(final_in(results, "sign_of_w1", status=status), rubric.pages)
    assert says in render.page(order, "words")


# What counts

BERLIN = ZoneInfo("Europe/Berlin")
DUE = datetime(2026, 10, 31, 23, 59, tzinfo=BERLIN)
LATER = DUE + timedelta(days=3)
SCORE = f"{MAX_UNTRAINED - W1 / 2:g}"  # of sign_of_w1
EARNED = ("Points earned", SCORE)
IN_TIME = ("Handed in: 2026-10-30 12:00:05 +00:00 (the time of the file)", "")
LATE = {"handed_in": DUE + timedelta(seconds=1), "told_by": "system", "due": DUE, "late_days": 1}
LATE_STEPS = [
    ("Handed in: 2026-10-31 23:59:01 +01:00 (as the course's system recorded it)", ""),
    ("Due: 2026-10-31 23:59:00 +01:00", ""),
]


def by_hand(criterion: str | None = None, **values: object) -> list[ByHand]:
    return [ByHand(criterion=criterion, told="We agreed.", **values)]


# What counts of a student, the steps that the page shows before the final mark, and that mark.
STANDING = {
    "as graded": ({}, [EARNED, IN_TIME], SCORE),
    "late": (
        {**LATE, "penalty": 6.8, "final": 61.2},
        [EARNED, *LATE_STEPS, ("Days late: 1", "\u22126.8")],
        "61.2",
    ),
    "late by the system's word": (
        {"due": DUE, "late_days": 1, "penalty": 6.8, "final": 61.2},
        [
            EARNED,
            IN_TIME,
            ("Due: 2026-10-31 23:59:00 +01:00", ""),
            ("Days late, as the course's system marks it: 1", "\u22126.8"),
        ],
        "61.2",
    ),
    "within the grace": (
        {**LATE, "late_days": 0},
        [EARNED, *LATE_STEPS, ("Days late: 0", "")],
        SCORE,
    ),
    "on time": (
        {"due": DUE},
        [EARNED, IN_TIME, ("Due: 2026-10-31 23:59:00 +01:00", "")],
        SCORE,
    ),
    "an extension": (
        {"due": LATER, "by_hand": by_hand(due=LATER)},
        [EARNED, IN_TIME, ("Due, with your extension: 2026-11-03 23:59:00 +01:00 We agreed.", "")],
        SCORE,
    ),
    "days late set by hand": (
        {**LATE, "late_days": 0, "by_hand": by_hand(late_days=0)},
        [EARNED, *LATE_STEPS, ("Days late, set by hand: 0 We agreed.", "")],
        SCORE,
    ),
    "the whole set by hand": (
        {**LATE, "penalty": 6.8, "final": 70, "by_hand": by_hand(points=70)},
        [EARNED, *LATE_STEPS, ("Days late: 1", "\u22126.8"), ("Set by hand We agreed.", "70")],
        "70",
    ),
    "nobody told when": (
        {"told_by": ""},
        [EARNED, ("Handed in: 2026-10-30 12:00:05 +00:00", "")],
        SCORE,
    ),
}


@pytest.mark.parametrize("case", STANDING)
def test_a_page_says_how_the_final_mark_comes_about(results, rubric, browser, tmp_path, case):
    changes, steps, mark = STANDING[case]
    final = final_of(final_in(results, "sign_of_w1").record, **changes)
    (tmp_path / "page.html").write_text(render.page(order_of(final, rubric.pages), "words"))
    with opened(browser, tmp_path / "page.html") as (page, _):
        cells = page.locator(".steps tr").evaluate_all(
            "rows => rows.map(row => [...row.cells].map(cell => cell.innerText))"
        )
        assert page.inner_text(".score strong") == mark
        assert page.title() == f"sign_of_w1: {mark} / {MAX_UNTRAINED:g}"
    shown = [tuple(" ".join(text.split()) for text in row) for row in cells]
    assert shown == [*steps, ("Final mark", mark)]


def test_a_criterion_set_by_hand_is_marked_with_what_it_was(results, rubric, browser, tmp_path):
    record = final_in(results, "sign_of_w1").record
    criteria = [replace(c, points=W1) if c.id == "grad_w1" else c for c in record.criteria]
    final = final_of(record, criteria=criteria, by_hand=by_hand("grad_w1", points=W1))
    (tmp_path / "page.html").write_text(render.page(order_of(final, rubric.pages), "words"))
    with opened(browser, tmp_path / "page.html") as (page, _):
        row = " ".join(page.locator("li:has(.by-hand)").inner_text().split())
        assert row.startswith(
            f"{W1:g} / {W1:g} grad_w1 ✓ sign set by hand; graded: {W1 / 2:g} We agreed."
        )
        assert page.inner_text(".first h2") == "Nothing to mend"
        (step,) = [s for s in page.locator(".steps tr").all_inner_texts() if "grad_w1" in s]
    assert step.startswith(f"grad_w1 was set by hand to {W1:g} points (graded: {W1 / 2:g})")


ATTEMPTS = [
    (1, "best", None),
    (3, "best", "Attempt 1 of 3 counts: it has the highest final mark."),
    (3, "last", "Attempt 1 of 3 counts: it was handed in last."),
]


@pytest.mark.parametrize(("attempts", "counts", "says"), ATTEMPTS)
def test_a_page_says_which_attempt_counts_and_why(results, rubric, attempts, counts, says):
    final = replace(final_in(results, "sign_of_w1"), attempts=attempts)
    page = render.page(replace(order_of(final, rubric.pages), counts=counts), "words")
    assert says in page if says else "Attempt" not in page


def test_a_page_is_of_what_is_in_force_and_follows_it(results, rubric, tmp_path):
    final = final_in(results, "right")
    told = replace(final, by_hand=by_hand(points=70), final=70)
    with closing(Pages(1, tmp_path, "en", rubric)) as pages:
        for each, written in ((final, 1), (final, 1), (told, 2), (told, 2), (final, 3)):
            pages.add(each, lambda: b"x = 1\n")
            pages.finish()
            assert pages.page_count == written
    assert "We agreed." not in page_of(tmp_path, "right").read_text()


def test_nothing_of_this_machine_is_shown(warm, untrained, tmp_path):
    (tmp_path / "ada.py").write_text(
        "import sys, torch, os\n"
        "def forward(x, params):\n    raise ValueError(sys.executable)\n"
        "def grad_w1(x, y, params, hs, y_pred):\n    open(torch.__file__ + 'x')\n"
        "raise ImportError(f'cannot load {os.path.expanduser(\"~\")}/own/lib.so', path='x')\n"
    )
    out = tmp_path / "results"
    done = warm.run(
        "grade", tmp_path / "ada.py", "--out", out, "--rubric", untrained, pages_apart=True
    )
    assert done.returncode == 0, done.stderr
    for name in ("feedback.html", "result.json"):
        text = (out / "ada" / name).read_text(encoding="utf-8")
        assert "raised ValueError: …" in text
        assert "raised FileNotFoundError: " in text
        assert "cannot load lib.so" in text
        for folder in (sys.prefix, sys.base_prefix, str(Path.home()), str(tmp_path)):
            assert f"{folder}/" not in text


def test_the_seed_is_not_shown(warm, results, submitted, untrained, tmp_path):
    out = tmp_path / "results"
    done = warm.run(
        "grade",
        submitted / "right.py",
        "--out",
        out,
        "--rubric",
        untrained,
        "--seed",
        2**127,
        pages_apart=True,
    )
    assert done.returncode == 0, done.stderr
    assert str(2**127) not in page_of(out, "right").read_text(encoding="utf-8")


# When it is written


def written_at(results: Path) -> dict[str, int]:
    """When each page was written. An inode would not do: a new file may get one just freed."""
    return {path.parent.name: path.stat().st_mtime_ns for path in results.glob("*/feedback.html")}


def test_a_page_is_written_again_only_where_it_is_gone_or_not_up_to_date(
    warm, submitted, results, untrained, tmp_path
):
    out = tmp_path / "results"
    shutil.copytree(results, out)
    before = written_at(out)
    page_of(out, "right").unlink()
    other = page_of(out, "syntax_error")
    digest = re.search(r'grader-digest" content="(\w+)"', other.read_text()).group(1)
    other.write_text(other.read_text().replace(digest, "0" * 64))
    done = warm.run("grade", submitted, "--out", out, "--rubric", untrained, pages_apart=True)
    assert done.returncode == 0, done.stderr
    after = written_at(out)
    assert {name for name in after if after[name] != before[name]} == {"right", "syntax_error"}
    for student in ("right", "syntax_error"):
        assert page_of(out, student).read_bytes() == page_of(results, student).read_bytes()


def test_a_class_that_has_its_pages_starts_no_process(results, rubric):
    final = final_in(results, "right")
    with closing(Pages(1, results.parent / "again", "en", rubric)) as pages:
        pages.add(final, lambda: None)
        pages.finish()
    before = children(os.getpid())
    with closing(Pages(1, results.parent / "again", "en", rubric)) as pages:
        pages.add(final, lambda: None)
        assert (pages.waiting, children(os.getpid()) - before) == (0, set())


DATA = st.lists(st.floats(-100, 100), max_size=4)
NUMBERS = st.none() | st.floats(allow_nan=False, allow_infinity=False)  # as records have them


@given(DATA, DATA, st.lists(NUMBERS, max_size=4), st.lists(NUMBERS, min_size=1, max_size=4))
@example([0.0], [1.0], [1.0], [1.5e308, 0.001])
def test_whatever_a_training_came_to_is_drawn(x, y, predictions, losses):
    run = TrainingRun(20, losses, predictions)
    training = TrainingResult({"manual": None}, 0.01, x, y, {"manual": run})
    (course,) = drawings.courses(training, (), TASKS)
    charts = [course.loss, course.fit] if course.fit else [course.loss]
    assert (course.fit is not None) == bool(predictions)
    numbers = [tick.at for chart in charts for tick in (*chart.x_ticks, *chart.y_ticks)]
    assert all(0 <= number <= drawings.WIDTH for number in numbers)


def test_pages_can_be_left_for_later(warm, tmp_path):
    (tmp_path / "ada.py").write_text("x = 1\n")
    results = tmp_path / "results"
    page, index = results / "ada" / "feedback.html", results / "index.html"
    for options, written in ((["--no-pages"], False), ([], True)):
        run = warm.run("grade", tmp_path / "ada.py", "--out", results, *options, pages_apart=True)
        assert run.returncode == 0, run.stderr
        assert page.exists() is written
        assert ("ada/feedback.html" in index.read_text()) is written


def test_ctrl_c_waits_for_processes_that_are_starting():
    finished = []

    def start() -> None:
        with interrupts_wait():
            os.kill(os.getpid(), signal.SIGINT)
            for _ in range(5_000_000):  # some 0.2 s: Python sees the signal in here
                pass
            finished.append(True)

    released = threading.Event()
    other = threading.Thread(target=released.wait)  # takes signals that this thread masks
    other.start()
    with pytest.raises(KeyboardInterrupt):
        start()
    released.set()
    other.join()
    assert finished


# Renderers that hang or die


def hung(order, form):
    """Stand in for a renderer whose source makes it hang."""
    while form == "full":
        pass
    return f"page in form {form}"


def killed(order, form):
    if form != "words":
        os.kill(os.getpid(), signal.SIGKILL)
    return "page without the source"


def greedy(order, form):
    return f"page in form {form}" if form != "full" else str(bytearray(10**10))


@pytest.mark.parametrize(
    ("renderer", "page"),
    [
        (hung, "page in form plain"),
        (killed, "page without the source"),
        (greedy, "page in form plain"),
    ],
)
def test_a_page_is_written_whatever_becomes_of_its_renderer(
    results, rubric, tmp_path, monkeypatch, renderer, page
):
    monkeypatch.setattr(render, "page", renderer)
    quick: Rubric = replace(rubric, pages=replace(rubric.pages, seconds=3))
    with closing(Pages(1, tmp_path, "en", quick)) as pages:
        pages.add(final_in(results, "right"), lambda: None)
        pages.finish()
    assert page_of(tmp_path, "right").read_text() == page


def test_a_long_source_is_cut_and_says_so(results, rubric):
    source = b"x = 1  # something\n" * 50_000
    order = order_of(final_in(results, "right", submission="long.py"), rubric.pages, source)
    for form in ("full", "plain"):
        text = render.page(order, form)
        assert "More follows" in text
        assert text.count("something") < rubric.pages.source_characters / 18


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGKILL])
def test_ended_in_the_middle_it_leaves_no_process(submitted, untrained, tmp_path, sent):
    others = children(os.getpid())
    out = tmp_path / "results"
    with orphans_are_ours():
        process = subprocess.Popen(
            [GRADER, "grade", submitted, "--out", out, "--rubric", untrained, "--jobs", "2"],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        while not list(out.glob("*/feedback.html")):
            assert process.poll() is None, process.communicate()
        process.send_signal(sent)
        _, errors = process.communicate(timeout=PATIENCE)
        assert_no_process(others)
    if sent == signal.SIGINT:
        assert process.returncode == 130
        assert len(errors.strip().splitlines()) == 1
