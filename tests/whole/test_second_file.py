"""A Net in a second file of a submission: when it counts, what it is told as, what is kept."""

import json
import os
from pathlib import Path

import pytest
from conftest import ROOT
from worth import MAX_UNTRAINED, worth

from grader.gradebook import Gradebook, default_url
from grader.gradebook.attempts import StoredAttempt
from grader.homework.tasks import TASKS
from grader.judging.messages import Reason
from grader.results.record import (
    CriterionResult,
    Record,
    TrainingResult,
    TrainingRun,
    best,
    network_file_of,
)

CORPUS = ROOT / "tests" / "submissions"
LATER = 4e9
COMPLETE = (CORPUS / "ada_lindqvist.py").read_text(encoding="utf-8")
FLAT, _, NET = (
    (CORPUS / "report_in_one_script.py").read_text(encoding="utf-8").partition("# ---- task 1")
)
NET = "import torch\n" + NET[NET.index("class Net") : NET.index("torch.manual_seed")]
WRONG_NET = NET.replace("sigmoid", "tanh")


def record(file: str, gradient: float, net: float, *reasons: str, status: str = "graded") -> Record:
    """Return a record with a gradient, a Net and its training; `reasons` are of the last two."""
    values = {"detail": "Net", "function": "net", "place": " (cell 2, line 3)", "reason": ""}
    why = tuple(Reason(one, values) for one in reasons or ("right",))
    return Record(
        student="s", submission=file, sha256=f"of {file}", status=status, score=gradient + net,
        max_score=36, seconds=1.5, grader_version="0", notes=[], flags=[], isolation=[],
        criteria=[
            CriterionResult("grad_w1", gradient, 14, None, "", None),
            CriterionResult("net", net, 12, None, "", None, why),
            CriterionResult("train.net", 0, 10, None, "", None, why),
        ],
        training=TrainingResult(
            {"manual": None, "net": 0.5 if net else None}, 0.1,
            runs={"net": TrainingRun(1, [net], [])},
        ),
    )  # fmt: skip


LACKS = record("a.py", 14, 0, "missing")
# Records of a submission's files; the file and the score that count, and the file of its Net.
COUNTS = [
    ([LACKS, record("b.py", 0, 12)], "a.py", 26, "b.py"),
    ([record("b.py", 0, 12), LACKS], "a.py", 26, "b.py"),
    ([LACKS, record("b.py", 0, 0), record("c.py", 0, 12)], "a.py", 26, "c.py"),
    ([LACKS, record("b.py", 0, 0, "raised")], "a.py", 14, "b.py"),
    ([LACKS, record("b.py", 0, 12, "right", status="crashed")], "a.py", 26, "b.py"),
    ([record("a.py", 14, 12), record("b.py", 14, 12)], "a.py", 26, None),
    ([record("a.py", 14, 0), record("b.py", 0, 12)], "a.py", 14, None),
    ([record("a.py", 14, 0, "not_attempted"), record("b.py", 0, 12)], "a.py", 14, None),
    ([LACKS, record("b.py", 14, 12)], "a.py", 26, "b.py"),
    ([LACKS, record("b.py", 0, 0, "missing")], "a.py", 14, None),
    ([LACKS, record("b.py", 0, 0, "unreadable", status="unreadable")], "a.py", 14, None),
    ([LACKS, record("b.py", 0, 0, "nothing_defined", status="failed")], "a.py", 14, None),
    ([LACKS, record("b.py", 0, 0, "crashed", status="crashed")], "a.py", 14, None),
    ([LACKS], "a.py", 14, None),
]


@pytest.mark.parametrize(("records", "file", "points", "net"), COUNTS)
def test_which_file_counts_and_whose_net(records, file, points, net):
    counted = best(records, TASKS)
    assert (counted.submission, counted.score) == (file, points)
    assert network_file_of(counted) == (net and (net, f"of {net}"))
    assert sum(criterion.points for criterion in counted.criteria) == points


def test_what_is_taken_over_says_so_with_its_places():
    counted = best([LACKS, record("b.ipynb", 0, 0, "raised")], TASKS)
    told = counted.criteria[1].message
    assert told.startswith("This file defines no Net; the one in b.ipynb counts. net raised")
    assert told.endswith("(b.ipynb, cell 2, line 3)")
    assert counted.seconds == 3
    counted = best([LACKS, record("b.py", 0, 12)], TASKS)
    assert (counted.training.losses["net"], counted.training.runs["net"].losses) == (0.5, [12])


@pytest.fixture
def handed_in(warm, tmp_path, untrained):
    """Write files of one student, grade them, and return the record and what the screen says."""
    folder, results = tmp_path / "class" / "ada", tmp_path / "results"
    folder.mkdir(parents=True)

    def graded(**files: str) -> tuple[dict, str]:
        for name, source in files.items():
            (folder / f"{name}.py").write_text(source, encoding="utf-8")
        done = warm.run("grade", folder.parent, "--out", results, "--rubric", untrained)
        assert done.returncode == 0, done.stderr
        return json.loads((results / "ada" / "result.json").read_bytes()), done.stdout

    return graded


def test_what_is_kept_depends_on_all_files(handed_in, tmp_path):
    of_both = MAX_UNTRAINED - worth("grad_b1.row", "grad_b2.row")
    first, screen = handed_in(gradients=FLAT, network=NET)
    assert (first["submission"], first["score"]) == ("gradients.py", of_both)
    assert "as graded before" not in screen
    again, screen = handed_in()
    assert "1 as graded before" in screen
    assert again == first
    _, screen = handed_in(network=WRONG_NET)
    assert "as graded before" not in screen
    scores = [attempt.score for attempt in attempts(tmp_path / "results")]
    assert scores == [of_both, of_both - worth("net")]
    _, screen = handed_in(network=NET)
    assert "1 as graded before" in screen
    complete, _ = handed_in(network=COMPLETE)
    assert (complete["submission"], complete["score"]) == ("network.py", MAX_UNTRAINED)


@pytest.mark.parametrize("later", ["gradients", "network"])
def test_it_was_handed_in_when_the_later_file_was(handed_in, tmp_path, later):
    folder = tmp_path / "class" / "ada"
    for name, source in (("gradients", FLAT), ("network", NET)):
        (folder / f"{name}.py").write_text(source, encoding="utf-8")
    os.utime(folder / f"{later}.py", (LATER, LATER))
    handed_in()
    (attempt,) = attempts(tmp_path / "results")
    assert attempt.handed_in.timestamp() == LATER


def test_another_net_is_another_attempt(handed_in, tmp_path):
    for source, often in ((NET, 1), (WRONG_NET, 2), (NET, 2)):
        handed_in(gradients=FLAT, network=source)
        assert len(attempts(tmp_path / "results")) == often
    handed_in(gradients=COMPLETE)
    assert len(attempts(tmp_path / "results")) == 3
    handed_in(network=WRONG_NET)  # which counts for nothing, and was handed in all the same
    assert len(attempts(tmp_path / "results")) == 4


def attempts(results: Path) -> list[StoredAttempt]:
    with Gradebook(default_url(results)) as book:
        return [attempt.file for attempt in book.history("ada").attempts]


def test_the_page_links_no_line_of_the_other_file(handed_in, tmp_path):
    record, _ = handed_in(gradients=FLAT, network=NET.replace("torch.sigmoid", "nowhere"))
    (net,) = (c for c in record["criteria"] if c["id"] == "net")
    assert "network.py" in net["message"]
    page = (tmp_path / "results" / "ada" / "feedback.html").read_text(encoding="utf-8")
    assert "the one in network.py counts" in page
    assert 'aria-label="net: the line in your source"' not in page
