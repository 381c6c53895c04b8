"""index.html: what it says of a class, and in a browser sorting, filtering, opening and Back."""

import re
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest
from browser import opened
from conftest import ROOT
from playwright.sync_api import expect

from grader.catalogue import ENGLISH, Reason
from grader.records import Criterion, Final, Record, Training
from grader.reports.figures import ClassFigures, first_sentence, histogram
from grader.reports.index import write_index
from grader.rubric import Rubric

ODD = ["陈 美玲 🎓", 'O\'Neil "Bo"', "100% #1?", "<img src=x onerror=alert(1)>", "a:b&c"]
CRITERIA = {"grad_w1": 14.0, "grad_b1.row": 6.0}


def criterion(id_: str, points: float, most: float, diagnosis: str | None = None) -> Criterion:
    reason = (
        Reason("rows_not_summed", {"parameter": "b1"}) if diagnosis else Reason("not_attempted")
    )
    reasons = (reason,) if points < most else (Reason("right"),)
    message = ENGLISH.of(*reasons)
    return Criterion(id_, points, most, None, message, diagnosis, reasons)


def final(student: str, *points: float, diagnosis: str | None = None, **changed: object) -> Final:
    criteria = [
        criterion(id_, earned, most, diagnosis if earned < most else None)
        for (id_, most), earned in zip(CRITERIA.items(), points, strict=False)
    ]
    fields = {
        "submission": f"{student}.py", "sha256": None, "status": "graded", "max_score": 20,
        "training": Training(None, None, 0.01), "notes": [], "flags": [], "isolation": [],
        "seed": 1, "seconds": 0.5, "grader_version": "0",
    }  # fmt: skip
    record = Record(
        student=student, score=sum(points), criteria=criteria, **{**fields, **changed}
    )  # fmt: skip
    return Final(
        record=record, attempt=1, attempts=1, late_days=0, criteria=criteria, overridden=False,
        final=record.score,
    )  # fmt: skip


def figures(*finals: Final) -> ClassFigures:
    return ClassFigures.of(finals, CRITERIA, ENGLISH)


def small(rubric: Rubric) -> Rubric:
    from msgspec.structs import replace

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
        page.get_by_role("button", name="Score").press("Enter")
        assert names_shown(page) == ["ada", "tim", "bob", "eve", "zoe"]
        assert page.locator("th[data-key=score]").get_attribute("aria-sort") == "descending"
        page.get_by_role("button", name="Score").press("Space")
        assert names_shown(page) == ["eve", "zoe", "bob", "tim", "ada"]
        page.get_by_label("Because").select_option("rows_not_summed")
        assert names_shown(page) == ["eve", "bob"]
        assert page.get_by_role("status").inner_text() == "2 of 5 students."
        page.get_by_label("Flag").select_option("autograd")
        assert names_shown(page) == ["eve"]
        page.get_by_role("searchbox").fill("nobody")
        assert names_shown(page) == []
        assert "No student is like that" in page.get_by_role("status").inner_text()
        page.get_by_role("button", name="Show all").click()
        assert len(names_shown(page)) == 5
        page.get_by_role("link", name="rows not summed").press("Enter")
        expect(page.get_by_role("status")).to_have_text("2 of 5 students.")
        assert sorted(names_shown(page)) == ["bob", "eve"]
        page.get_by_label("Lost points in").select_option("grad_w1")
        page.get_by_label("Because").select_option("")
        page.get_by_label("Status").select_option("unreadable")
        assert names_shown(page) == ["zoe"]
        assert (seen.requests, seen.dialogs, seen.errors) == ([], [], [])


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
