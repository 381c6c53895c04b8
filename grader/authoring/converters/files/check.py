"""Check a student's functions with the grader's own code, which is in the same zip file.

A converted notebook loads it by path. It runs in the same process as the student's code, which can
change anything, because the tool that grades has no other place for it. But it imports nothing from
the student's folder, where the zip file lies.
"""

import os
import sys

FOLDER = os.path.realpath(os.path.dirname(__spec__.loader.archive))
FOLDERS = sys.path
sys.path = [path for path in FOLDERS if os.path.realpath(path) != FOLDER]
try:
    import json
    from collections.abc import Iterator
    from pkgutil import get_data
    from typing import Any

    from .judging.judge import Case, judge, judge_training
    from .selfcheck.checking import INTERRUPTED, Questions
    from .student_code.calls import answer
    from .student_code.contract import Outcome, Problem
    from .student_code.guards import prepare_watch
    from .student_code.loading import Program
    from .student_code.state import State, kept

    prepare_watch()
finally:
    sys.path = FOLDERS

RUBRIC = json.loads(get_data(__name__, "rubric.json"))


def check(cases: str, names: dict[str, Any]) -> None:
    """Raise AssertionError, in the grader's words, if the functions in `names` fail the cases.

    The cases are of one criterion, as JSON.
    """
    questions = Questions.of({**RUBRIC, "cases": json.loads(cases)})
    with kept():
        answers = list(ask(questions, names))
    (criterion,) = {case.criterion for case, _ in answers}
    if questions.tasks.trains(criterion):
        verdict = judge_training(*answers[0], questions.marking)
    else:
        verdict = judge(criterion, answers, questions.marking)
    assert verdict.points == verdict.max_points, verdict.message


def ask(questions: Questions, names: dict[str, Any]) -> Iterator[tuple[Case, Outcome]]:
    """Yield each case with its outcome."""
    program = Program(names, [], [], questions.tasks, state=State.fresh())
    for case in questions.cases:
        outcome = answer(case.call, program).printable()
        if outcome.problem is Problem.RAISED and outcome.detail == INTERRUPTED:
            raise KeyboardInterrupt  # by the user waiting for the check
        yield case, outcome
