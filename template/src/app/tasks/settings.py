"""Settings of tasks."""

from pydantic import Field

from app.kit.configuration import Section


class TasksSettings(Section):
    """How long tasks are tried, held and kept, and how many a user may have."""

    # The pauses are 2, 4, 8 ... 512 s, so an outage of a quarter of an hour leaves no dead tasks.
    task_attempts: int = Field(default=10, ge=1, le=50, description="attempts at a task before it is dead, 1 to 50")
    task_lease: int = Field(
        default=30, ge=3, le=3600, description="seconds without a sign of life after which an attempt is repeated"
    )
    task_retention_days: int = Field(
        default=30, ge=1, le=3650, description="days that finished tasks are kept, 1 to 3650"
    )
    task_payload_days: int = Field(
        default=3, ge=1, le=3650, description="days that a given-up task can be replayed, 1 to 3650"
    )
    dead_task_retention_days: int = Field(
        default=90, ge=1, le=3650, description="days that dead tasks are kept, 1 to 3650"
    )
    tasks_per_user: int = Field(
        default=50, ge=1, le=1_000_000, description="unfinished tasks that one user may have, 1 to 1000000"
    )
    task_bytes_per_user: int = Field(
        default=16_777_216, ge=1_024, description="bytes that the tasks of one user may keep stored"
    )
