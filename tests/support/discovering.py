"""Discovery for tests: by this homework's names, in this process."""

from functools import partial

from grader.homework.tasks import TASKS
from grader.submissions import discover as module
from grader.submissions.ownership import look_at

discover = partial(module.discover, look=partial(look_at, tasks=TASKS))
