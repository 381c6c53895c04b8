"""`grader validate`: the solution and its mutants, and the pass mark."""

from contextlib import closing
from pathlib import Path

from grader.grading.pool import ScorerPool
from grader.reports.terminal import show_validations
from grader.rubric import Rubric, load_rubric
from grader.scoring.protocol import GradingSettings
from grader.util.exits import DONE, UNDER_MARK


def validate(rubric_file: Path | None, jobs: int, seed: str | None) -> int:
    """Grade them and show what each one lost; return the exit code.

    If None, the rubric is the package's, and the seed the rubric's.
    """
    own = load_rubric()
    rubric = load_rubric(rubric_file) if rubric_file else own
    cases_seed = rubric.cases.seed if seed is None else seed
    # Imported here because it needs the solution's texts and the notebook maker.
    from grader.authoring.validate import validate, validate_pairs, validate_solution

    # The result of 2000 steps with each mutant is known for the package's own homework.
    is_own = (rubric.homework, rubric.training) == (own.homework, own.training)
    untrained_rubric = rubric.untrained()
    with closing(ScorerPool(GradingSettings.of(rubric, cases_seed, strict=False), jobs)) as pool:
        validations = list(validate_solution(rubric, pool))
        validations += validate(rubric, pool) if is_own else []
    with closing(
        ScorerPool(GradingSettings.of(untrained_rubric, cases_seed, strict=False), jobs)
    ) as pool:
        validations += [] if is_own else validate(untrained_rubric, pool)
        pairs = list(validate_pairs(untrained_rubric, pool))  # training is not needed here
    show_validations(validations, pairs)
    sound = _pass_mark_holds(rubric, jobs)
    return DONE if sound and all(validation.holds for validation in validations) else UNDER_MARK


def _pass_mark_holds(rubric: Rubric, jobs: int) -> bool:
    """Measure and show the pass mark; return whether it tells right from wrong."""
    measurements = rubric.package.calibrated(rubric, jobs, only_musts=True)
    if not measurements:
        print("\nThe pass mark is not measured: the homework's package has no way to")
        return True
    from grader.reports.calibration import table_of, verdict_on  # which imports matplotlib

    print(f"\n{table_of(measurements, rubric)}\n{verdict_on(measurements)}")
    return all(each.holds for each in measurements)
