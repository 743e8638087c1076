"""Why a task was given up."""

from app.kit.i18n import N_
from app.kit.problems import Problem


class TaskGaveUp(Problem):
    """Every attempt at the task failed."""

    slug = "task-gave-up"
    title = N_("The task failed")
    detail = N_("The task failed %(attempts)s times and was given up.")


class TaskExpired(Problem):
    """The deadline of the task passed before an attempt succeeded."""

    slug = "task-expired"
    title = N_("The task failed")
    detail = N_("The task did not finish in time.")


class TaskLost(Problem):
    """The workers that ran the task died or lost their connection too often."""

    slug = "task-lost"
    title = N_("The task failed")
    detail = N_("The process that ran the task stopped unexpectedly %(losses)s times.")


class TooMuchQueued(Problem):
    """The caller's unfinished tasks, or their stored data, have reached a limit."""

    status = 429
    slug = "too-much-queued"
    title = N_("Too many queued tasks")
    detail = N_("Wait until your earlier tasks are done, then try again.")

    def __init__(self) -> None:
        super().__init__({"Retry-After": "30"})


class UnknownKind(Problem):
    """No feature handles tasks of this kind."""

    slug = "task-unknown"
    title = N_("The task failed")
    detail = N_("This service has no handler for this kind of task.")
