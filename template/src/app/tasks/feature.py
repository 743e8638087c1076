"""Tasks as a feature of the service."""

from app.composition import Feature, TaskHandler
from app.tasks.mail import SEND_MAIL, send_mail
from app.tasks.retention import old_tasks
from app.tasks.routes import router
from app.tasks.settings import TasksSettings
from app.tasks.sweeper import sweeper

feature = Feature(
    name="tasks",
    router=router,
    settings=TasksSettings,
    task_handlers=(TaskHandler(SEND_MAIL, send_mail),),
    cron=(sweeper, old_tasks),
)
