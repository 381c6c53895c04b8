"""index.html: what it says of a class, and in a browser sorting, filtering, opening and Back."""

import re
from contextlib import closing
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from browser import CONTRAST, opened
from conftest import ROOT
from finals import final_of
from msgspec.structs import replace
from playwright.sync_api import expect

from grader.judging.messages import ENGLISH, KINDS, OUTCOMES, Reason
from grader.reports.figures import ClassFigures, first_sentence, histogram
from grader.reports.index import write_index
from grader.reports.terminal import GradeScreen
from grader.results.record import ByHand, CriterionResult, Final, Record, TrainingResult
from grader.rubric import Rubric

ODD = ["陈 美玲 🎓", 'O\'Neil "Bo"', "100% #1?", "<img src=x onerror=alert(1)>", "a:b&c"]
CRITERIA = {"grad_w1": 14.0, "grad_b1.row": 6.0}


def criterion(
    id_: str, points: float, most: float, diagnosis: str | None = None
) -> CriterionResult:
    reason = (
        Reason("rows_not_summed", {"parameter": "b1"}) if diagnosis else Reason("not_attempted")
    )
    reasons = (reason,) if points < most else (Reason("right"),)
    message = ENGLISH.of(*reasons)
    return CriterionResult(id_, points, most, None, message, diagnosis, reasons)


OF_FINAL = (
    "section", "due", "handed_in", "late_days", "penalty", "final", "by_hand", "attempt",
    "attempts",
)  # fmt: skip


def final(student: str, *points: float, diagnosis: str | None = None, **changed: object) -> Final:
    criteria = [
        criterion(id_, earned, most, diagnosis if earned < most else None)
        for (id_, most), earned in zip(CRITERIA.items(), points, strict=False)
    ]
    fields = {
        "submission": f"{student}.py", "sha256": None, "status": "graded", "max_score": 20,
        "training": TrainingResult({"manual": None, "net": None}, 0.01), "notes": [], "flags": [],
        "isolation": [], "seconds": 0.5, "grader_version": "0",
    }  # fmt: skip
    standing = {name: changed.pop(name) for name in OF_FINAL if name in changed}
    record = Record(
        student=student, score=sum(points), criteria=criteria, **{**fields, **changed}
    )  # fmt: skip
    return final_of(record, **standing)


def figures(*finals: Final) -> ClassFigures:
    return ClassFigures.of(finals, CRITERIA, ENGLISH)


def small(rubric: Rubric) -> Rubric:
    return replace(rubric, points=CRITERIA)


CLASS = [
    final("ada", 14, 6),
    final("bob", 7, 0, diagnosis="rows_not_summed"),
    final("eve", 0, 0, diagnosis="sign+rows_not_summed", flags=["autograd: backward, line 3"]),
    final("tim", 14, 0, status="timeout", seconds=9.0),
    final("zoe", 0, 0, status="unreadable"),
]


def test_items_are_of_what_ran():
    w1, row = figures(*CLASS).items()
    assert (w1.asked, w1.full, w1.share) == (4, 2, pytest.approx(35 / 56))
    assert (row.asked, row.full, row.share) == (4, 1, pytest.approx(6 / 24))
    # Of (14, 7, 0, 14) with (6, 0, 0, 0).
    assert w1.discrimination == row.discrimination == pytest.approx(0.522, abs=0.001)
    assert (w1.reason, w1.reason_count) == ("rows_not_summed", 1)


@pytest.mark.parametrize("finals", [[], CLASS[:1], [final("a", 7, 6), final("b", 7, 0)]])
def test_without_variance_there_is_no_discrimination(finals):
    assert figures(*finals).items()[0].discrimination is None


def test_causes_are_counted_by_student_and_misconceptions_come_first():
    causes = figures(*CLASS).causes()
    assert [(c.id, c.is_misconception, c.students) for c in causes] == [
        ("rows_not_summed", True, 2),
        ("sign", True, 1),
        ("not_attempted", False, 1),
    ]
    assert causes[0].criteria == {"grad_w1": 2, "grad_b1.row": 2}


def test_the_last_bin_holds_full_marks():
    bins = histogram([0, 4.9, 5, 99, 100], 100)
    assert [(low, high, count) for low, high, count in bins if count] == [
        (0, 5, 2),
        (5, 10, 1),
        (95, 100, 2),
    ]


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("The sign is wrong. See (3.6).", "The sign is wrong."),
        ("derive (3.3) to (3.6): by hand", "derive (3.3) to (3.6): by hand"),
        ("符号错了。请看 (3.6)。", "符号错了。"),
        ("x" * 300, "x" * 199 + "…"),
    ],
)
def test_the_first_sentence(text, first):
    assert first_sentence(text) == first


def names_shown(page) -> list[str]:
    return page.locator("#table tbody tr:visible th").all_inner_texts()


def write(tmp_path: Path, rubric: Rubric, finals: list[Final]) -> Path:
    write_index(iter(finals), small(rubric), tmp_path, ENGLISH)
    return tmp_path / "index.html"


def test_sorting_and_filtering_by_keyboard(browser, tmp_path, rubric):
    index = write(tmp_path, rubric, CLASS)
    with opened(browser, index) as (page, seen):
        page.get_by_role("button", name="Final").press("Enter")
        assert names_shown(page) == ["ada", "tim", "bob", "eve", "zoe"]
        assert page.locator("th[data-key=final]").get_attribute("aria-sort") == "descending"
        page.get_by_role("button", name="Final").press("Space")
        assert names_shown(page) == ["eve", "zoe", "bob", "tim", "ada"]
        page.get_by_label("Because").select_option("rows_not_summed")
        assert names_shown(page) == ["eve", "bob"]
        assert page.get_by_role("status").inner_text() == "2 of 5 students."
        page.get_by_label("Flag").select_option("autograd")
        assert names_shown(page) == ["eve"]
        page.get_by_role("searchbox").fill("nobody")
        assert names_shown(page) == []
        assert "No student matches" in page.get_by_role("status").inner_text()
        page.get_by_role("button", name="Show all").click()
        assert len(names_shown(page)) == 5
        page.get_by_role("link", name="rows not summed").press("Enter")
        expect(page.get_by_role("status")).to_have_text("2 of 5 students.")
        assert sorted(names_shown(page)) == ["bob", "eve"]
        page.get_by_label("Because").select_option("")
        page.get_by_label("Status").select_option("unreadable")
        assert names_shown(page) == ["zoe"]
        page.get_by_label("Lost points in").select_option("grad_w1")
        assert names_shown(page) == []  # criteria are of what ran
        assert (seen.requests, seen.dialogs, seen.errors) == ([], [], [])


def by_hand(**set_to: object) -> list[ByHand]:
    return [ByHand(criterion=None, **set_to)]


DUE = datetime(2026, 10, 25, 12, 0, tzinfo=ZoneInfo("Europe/Berlin"))
HANDED_IN = DUE.replace(hour=2, minute=50)  # an hour that comes twice that night
AGAIN = HANDED_IN.replace(minute=10, fold=1)  # 20 minutes later
VARIED = [
    final(
        "s10", 14, 6, section="B", due=DUE, handed_in=AGAIN, late_days=0, attempts=2,
        seconds=10.0, training=TrainingResult({"manual": 1e-5, "net": None}, 0.01),
    ),
    final(
        "s9", 7, 0, diagnosis="sign", section="A", due=DUE, handed_in=HANDED_IN, late_days=2,
        penalty=1.4, final=5.6, seconds=9.5,
        training=TrainingResult({"manual": 0.25, "net": 3.0}, 0.01),
    ),
    final(
        "S8", 0, 6, diagnosis="rows_not_summed", section="A", due=DUE, handed_in=DUE,
        late_days=0.5, final=100.5, by_hand=by_hand(points=100.5), attempt=2, attempts=2,
        seconds=0.1,
    ),
    final(
        "é", 0, 0, section="Tutorial \"3\"", due=DUE, status="unreadable", handed_in=DUE,
        late_days=0, by_hand=by_hand(due=DUE), attempt=3, attempts=10, seconds=0.2,
        flags=["autograd: backward"],
    ),
]  # fmt: skip
# By column: the students in the order of what is sorted by it first, then the other way round.
# What has no value comes last in either.
SORTED = {
    "Student": ("é S8 s9 s10", "s10 s9 S8 é"),
    "Section": ("s9 S8 s10 é", "é s10 s9 S8"),
    "Final": ("S8 s10 s9 é", "é s9 s10 S8"),
    "Score": ("s10 s9 S8 é", "é S8 s9 s10"),
    "grad_w1": ("s10 s9 S8 é", "S8 é s9 s10"),
    "Flags": ("é s10 s9 S8", "é s10 s9 S8"),
    "Attempt": ("é S8 s10 s9", "s10 s9 S8 é"),
    "Handed in": ("s9 s10 S8 é", "S8 é s10 s9"),
    "Days late": ("s9 S8 é s10", "é S8 s9 s10"),
    "Seconds": ("s10 s9 é S8", "S8 é s9 s10"),
    "Loss, by hand": ("s9 s10 S8 é", "s10 s9 S8 é"),
    "Loss, Net": ("s9 s10 S8 é", "s9 s10 S8 é"),
}


def test_every_column_sorts_by_what_it_means(browser, tmp_path, rubric):
    with opened(browser, write(tmp_path, rubric, VARIED)) as (page, _):
        orders = {}
        for column in SORTED:
            button = page.locator("#table thead").get_by_role("button", name=column)
            orders[column] = tuple(
                " ".join((button.click(), names_shown(page))[1]) for _ in range(2)
            )
    assert orders == SORTED


def test_a_count_is_of_what_its_link_or_filter_shows(browser, tmp_path, rubric):
    counted = re.compile(r"(.*?)(?:: | \()(\d+)\)?")
    finals = VARIED + CLASS
    with opened(browser, write(tmp_path, rubric, finals)) as (page, _):

        def shows(count: str) -> None:
            text = f"{count} of {len(finals)} students."
            expect(page.get_by_role("status")).to_have_text(text)
            assert len(names_shown(page)) == int(count)
            page.get_by_role("button", name="Show all").click()

        tried = []
        for option in page.locator("#filters option").all():
            if match := counted.fullmatch(option.inner_text()):
                option.locator("..").select_option(option.get_attribute("value"))
                shows(match[2])
                tried.append(match[1])
        for link in page.locator("main > p a, .columns p a").all():
            if match := counted.fullmatch(link.inner_text()):
                link.click()
                shows(match[2])
                tried.append(match[1])
        for row in page.locator("table:not(#table) tr:has(a[href^='#why='])").all():
            row.locator("a").click()
            shows(row.locator("td").nth(0).inner_text())
            tried.append(row.locator("a").inner_text())
    assert {"graded", "late", "extension", "by hand", "A", "autograd was used"} <= {*tried}
    assert tried.count("sign") == 2


def test_its_figures_are_of_the_final_marks_and_the_terminals_are_the_same(
    tmp_path, rubric, capsys
):
    finals = VARIED[:3]
    html = write(tmp_path, rubric, finals).read_text()
    found = re.findall(r"<div><dt>([^<]*)</dt><dd>([^<]*)</dd></div>", html)
    figures_shown = dict(found)
    assert figures_shown == {
        "students": "3", "graded": "3", "mean of 20 points": "42.0", "median": "20",
        "full marks": "2", "half the points or more": "2",
    }  # fmt: skip
    with GradeScreen(1, small(rubric), tmp_path, quiet=False) as screen:
        screen.add([finals[1].record], were_known=False)
        figures = ClassFigures.of(finals, small(rubric).points, ENGLISH)
        screen.show_class(figures, [final for final in finals if final.student == "s9"])
    lines = capsys.readouterr().out.splitlines()
    assert "1 submission in this run: 1 graded." in lines
    assert "3 students in the class: final mark mean 42.0, median 20 of 20." in lines
    assert [line.split()[:3] for line in lines if line.startswith(("s9", "s10"))] == [
        ["s9", "5.6", "7"]
    ]


def test_a_reason_is_told_without_what_is_one_students():
    reason = Reason("missing_near", {"detail": "grad_w1", "name": "grad_own", "there": ""})
    sign = Reason("sign", {"equation": "(3.6)", "function": "grad_w1"})
    finals = [
        replaced(final("ada", 0, 0), reason, None),
        replaced(final("bob", 0, 0), sign, "sign"),
    ]
    told = figures(*finals)
    words = {cause.id: (told.name_of(cause.id), told.outline(cause.id)) for cause in told.causes()}
    assert words == {
        "missing_near": ("not defined, but a similar name is", ""),
        "sign": ("sign", "The sign of your gradient is flipped: descent would climb."),
    }


def replaced(final: Final, reason: Reason, diagnosis: str | None) -> Final:
    criteria = [replace(c, reasons=(reason,), diagnosis=diagnosis) for c in final.criteria]
    return replace(final, criteria=criteria)


def test_every_outcome_that_costs_points_has_a_name_for_a_class():
    told_of_many = OUTCOMES.keys() - {"right", "trained", "mostly_missing", "alarm"}
    assert {id_ for id_ in told_of_many if not id_.startswith(("flag_", "ended_"))} <= KINDS.keys()


def test_points_that_somebody_set_are_no_mistake_of_the_student():
    right = final("ada", 14, 6)
    lowered = replace(
        right,
        criteria=[replace(right.criteria[0], points=2), right.criteria[1]],
        by_hand=[ByHand(criterion="grad_w1", points=2)],
    )
    (cause,) = figures(lowered).causes()
    assert (cause.id, cause.criteria) == ("by_hand", {"grad_w1": 1})


def test_what_cannot_be_read_says_why(tmp_path, rubric):
    why = Reason("unreadable", {"reason": "ada.ipynb is not a notebook: it is JSON without cells"})
    html = write(tmp_path, rubric, [replaced_record(final("ada", 0, 0, status="unreadable"), why)])
    assert html.read_text().count("ada.ipynb is not a notebook: it is JSON without cells") == 2


def replaced_record(final: Final, reason: Reason) -> Final:
    criteria = [replace(c, reasons=(reason,)) for c in final.criteria]
    return replace(final, criteria=criteria, record=replace(final.record, criteria=criteria))


LONG = ["x" * 250, "Maximiliane " * 20, "陈" * 80]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_long_names_fit_a_phone_and_text_stands_out(browser, tmp_path, rubric, scheme):
    finals = [final(name, 7, 0, diagnosis="sign", section=name, due=DUE) for name in LONG]
    index = write(tmp_path, rubric, finals + VARIED)
    with opened(browser, index, width=360) as (page, seen):
        page.emulate_media(color_scheme=scheme)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        assert page.evaluate(CONTRAST) >= 4.5
        widths = page.locator("#table tbody th").evaluate_all("all => all.map(c => c.clientWidth)")
        assert max(widths) < 180
    assert seen.errors == []


def test_print_repeats_the_heads_of_the_table(browser, tmp_path, rubric):
    with opened(browser, write(tmp_path, rubric, VARIED)) as (page, _):
        page.emulate_media(media="print", color_scheme="dark")
        style = "node => { const s = getComputedStyle(node); return [s.display, s.breakInside]; }"
        assert page.locator("#table thead").evaluate(style) == ["table-header-group", "avoid"]
        # Chromium leaves the buttons of a repeated head blank.
        button = page.locator("#table thead button").first
        assert button.evaluate(style)[0] == "contents"
        white = "rgba(0, 0, 0, 0)", "rgb(255, 255, 255)"
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") in white


def test_every_name_opens_its_page_and_back_restores_the_rows(browser, tmp_path, rubric):
    finals = [final(name, 7, 0, diagnosis="sign") for name in ODD] + CLASS[:1]
    for name in ODD:
        (tmp_path / name).mkdir()
        (tmp_path / name / "feedback.html").write_text("<title>feedback</title>")
    index = write(tmp_path, rubric, finals)
    with closing(browser.new_page()) as page:
        dialogs = []
        page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
        page.goto(index.as_uri())
        page.get_by_label("Because").select_option("sign")
        page.get_by_role("button", name="Student").click()
        shown = names_shown(page)
        assert sorted(shown) == sorted(ODD)
        for name in ODD:
            page.locator("#table").get_by_role("link", name=name, exact=True).click()
            page.wait_for_url("**/feedback.html")
            assert page.title() == "feedback"
            page.go_back()
            assert names_shown(page) == shown
            assert page.get_by_label("Because").input_value() == "sign"
        assert dialogs == []


def test_a_long_class_shows_its_first_rows_and_all_on_demand(browser, tmp_path, rubric):
    finals = [final(f"s{number:04d}", number % 15, 6) for number in range(1000)]
    index = write(tmp_path, rubric, finals)
    with opened(browser, index) as (page, seen):
        assert page.locator("#table tbody tr:visible").count() == 200
        page.get_by_role("button", name="Show all 1000 rows").click()
        assert page.locator("#table tbody tr:visible").count() == 1000
        assert seen.errors == []


@pytest.mark.parametrize("finals", [[], CLASS[:1], CLASS[4:]], ids=["none", "one", "unreadable"])
def test_other_classes_have_a_page_too(browser, tmp_path, rubric, finals):
    index = write(tmp_path, rubric, finals)
    with opened(browser, index, width=800) as (page, seen):
        assert page.inner_text("h1") == "Class results"
        assert page.evaluate("document.documentElement.scrollWidth") <= 800
        assert seen.errors == []


def test_it_can_be_read_without_colour_mouse_or_script(tmp_path, rubric):
    html = write(tmp_path, rubric, CLASS).read_text()
    levels = [int(level) for level in re.findall(r"<h(\d)", html)]
    assert levels[0] == 1
    assert all(b - a <= 1 for a, b in pairwise(levels))
    assert html.count("<table") == html.count("<caption")
    assert all("scope=" in tag for tag in re.findall(r"<th\b[^>]*>", html))
    assert all(f">{student.student}</a>" in html for student in CLASS)
    assert html.index('class="skip"') < html.index("<main>")


def test_grade_writes_it_and_override_rewrites_it(warm, tmp_path, untrained):
    submission = ROOT / "tests" / "submissions" / "sign_of_w1.py"
    done = warm.run("grade", submission, "--out", tmp_path, "--rubric", untrained)
    assert done.returncode == 0, done.stderr
    before = (tmp_path / "index.html").read_text()
    assert "sign_of_w1/feedback.html" in before
    assert "by hand</span>" not in before
    done = warm.run(
        "override", "sign_of_w1", 3, "--why", "oral exam", "--who", "W", "--results", tmp_path,
        "--rubric", untrained,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "by hand</span>" in (tmp_path / "index.html").read_text()
