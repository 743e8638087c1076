"""Health as a feature of the service."""

from app.health.routes import router
from app.kit.features import Feature

feature = Feature(name="health", router=router)
