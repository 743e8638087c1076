"""Idempotency keys as a feature of the service."""

from app.composition import Feature
from app.idempotency.retention import old_answers
from app.idempotency.settings import IdempotencySettings

feature = Feature(name="idempotency", settings=IdempotencySettings, cron=(old_answers,))
