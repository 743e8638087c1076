"""Products as a feature of the service."""

from app.composition import Feature, TaskHandler
from app.products.development import seed
from app.products.routes import router
from app.products.service import IMPORT
from app.products.tasks import import_products

feature = Feature(name="products", router=router, task_handlers=(TaskHandler(IMPORT, import_products),), seed=seed)
