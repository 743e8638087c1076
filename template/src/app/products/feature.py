"""Products as a feature of the service."""

from app.composition import Feature, TaskHandler
from app.kit.personal_data import UserRows
from app.products.development import seed
from app.products.models import Product
from app.products.routes import router
from app.products.service import IMPORT
from app.products.tasks import import_products

feature = Feature(
    name="products",
    router=router,
    task_handlers=(TaskHandler(IMPORT, import_products),),
    personal_data=(UserRows(Product, lambda user_id: Product.owner_id == user_id),),
    seed=seed,
)
