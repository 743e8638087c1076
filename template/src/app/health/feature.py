"""Health as a feature of the service."""

from app.composition import Feature
from app.health.routes import router

feature = Feature(name="health", router=router)
