"""Check your own work against public cases: `check()` in a notebook, `python -m selfcheck FILE`.

Everything runs on your own machine; only torch is needed.
"""

import linecache
import sys
from typing import Any

from ..judging.messages import Texts, language_of
from ..source.files import Cell, File
from ..student_code.guards import guarded
from ..student_code.loading import Program
from ..student_code.modules import Namespace
from ..student_code.state import State, kept
from .cautions import helpers_of, of_imports, of_python
from .checking import CheckedWork, stored_questions
from .running import look_of, main, print_report, reports
from .timing import Stopwatch

__all__ = ["check", "main"]


def check(only: str | None = None, lang: str = "en") -> None:
    """Check the functions defined in this notebook (or in the calling module) and show a report.

    `only` names one function or criterion, as the report calls it; `lang` is en,
    zh_Hans or zh_Hant. Raises UserError if they name nothing.
    """
    namespace = sys._getframe(1).f_globals
    questions, look = stored_questions(), look_of(Texts(language_of(lang)))
    cells = _cells_of(namespace)
    main = File("", "notebook", tuple(cells))
    stopwatch = Stopwatch(questions.limits.here(), stops=False)  # a notebook's timers are its own
    display = _display()
    texts = look.texts
    cautions = [*of_python(questions, texts), *of_imports(cells, questions, texts)]
    with kept(), guarded():
        state = State.fresh()
        homework = Program(namespace, [], cells, questions.tasks, helpers_of(cells), state)
        work = CheckedWork.of(main, homework, (), {}, questions, stopwatch)
        if display is None:
            print_report(work, only, questions, look, cautions)
            return
        handle = None
        for report in reports(work, only, questions, look, cautions):
            if handle:
                handle.update(report)
            else:
                handle = display(report, display_id=True)


def _display() -> Any:
    """Return IPython's display if a notebook's kernel runs this, else None."""
    ipython = sys.modules.get("IPython")
    if ipython is None or not hasattr(ipython.get_ipython(), "kernel"):
        return None
    return ipython.display.display


def _cells_of(namespace: Namespace) -> list[Cell]:
    """Return a notebook's code, as far as it ran, or a module's."""
    if "In" in namespace:  # IPython keeps what it ran
        return [Cell(f"In [{n}]", source) for n, source in enumerate(namespace["In"])]
    path = str(namespace.get("__file__", ""))
    return [Cell(path, "".join(linecache.getlines(path)))]
