"""Tasks as a feature of the service."""

from app.kit.features import Feature
from app.tasks.mail import SEND_MAIL, send_mail
from app.tasks.routes import router
from app.tasks.sweeper import sweeper

feature = Feature(name="tasks", router=router, task_handlers={SEND_MAIL: send_mail}, cron=(sweeper,))
