"""Settings of tasks."""

from pydantic import Field

from app.kit.configuration import Section


class TasksSettings(Section):
    """How long tasks are tried, held and kept."""

    # 2, 4, 8 ... 512 s between them: an outage of a quarter of an hour makes no dead letters.
    task_attempts: int = Field(default=10, ge=1, le=50, description="attempts at a task before it is dead, 1 to 50")
    task_lease: int = Field(
        default=30, ge=3, le=3600, description="seconds without a sign of life after which an attempt is repeated"
    )
    task_retention_days: int = Field(
        default=30, ge=1, le=3650, description="days that finished tasks are kept, 1 to 3650"
    )
