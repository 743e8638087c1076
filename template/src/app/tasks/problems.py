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
    detail = N_("The task was not done in time.")


class UnknownKind(Problem):
    """No feature handles tasks of this kind."""

    slug = "task-unknown"
    title = N_("The task failed")
    detail = N_("No part of the service knows this kind of task.")
