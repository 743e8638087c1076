"""The rules of products: they are their owner's alone, and read through the cache."""

from datetime import UTC, datetime
from uuid import UUID

from app.kit.cache import Cache, ModelCache
from app.kit.database import Database, UnitOfWork
from app.kit.identity import Principal
from app.kit.ids import new_id
from app.kit.paging import Page, split
from app.kit.problems import NotFound
from app.kit.resources import Resources
from app.products.models import Product
from app.products.parsing import check_header
from app.products.repository import ProductRepository
from app.products.schemas import ProductCreate, ProductRead
from app.tasks.service import request_task
from app.tasks.settings import TasksSettings

ProductPage = Page[ProductRead]

IMPORT = "products.import"


def cached_products(cache: Cache) -> ModelCache[ProductRead]:
    """The cache of products. They are cached without their price text, so the same in all languages."""
    return cache.of(ProductRead, "product")


def cache_key(owner_id: UUID, product_id: UUID) -> str:
    """The owner is part of the key: nobody reads another's product by its id."""
    return f"{owner_id}:{product_id}"


def create_product(work: UnitOfWork, cache: Cache, owner: Principal, new: ProductCreate, currency: str) -> ProductRead:
    """Write a product of the user, priced in `currency` unless it names its own."""
    product = Product(
        id=new_id(),
        owner_id=owner.user_id,
        name=new.name,
        price_minor=new.price_minor,
        currency=new.currency or currency,
        created_at=datetime.now(UTC),
    )
    work.add(product)
    work.after_commit(lambda: cached_products(cache).invalidate(cache_key(owner.user_id, product.id)))
    return ProductRead.model_validate(product)


async def read_product(
    database: Database, cache: Cache, owner: Principal, product_id: UUID
) -> tuple[ProductRead, bool]:
    """A product of the user, and whether it came from the cache. Raises NotFound.

    A hit opens no database session.
    """

    async def fill() -> ProductRead | None:
        async with database.reading() as connection:
            row = await ProductRepository(connection).get(owner.user_id, product_id)
        return ProductRead.model_validate(row) if row else None

    cached = await cached_products(cache).get_or_fill(cache_key(owner.user_id, product_id), fill)
    if cached.value is None:
        raise NotFound
    return cached.value, cached.hit


async def list_products(database: Database, owner: Principal, cursor: UUID | None, size: int) -> Page[ProductRead]:
    """A page of the user's products, newest first."""
    async with database.reading() as connection:
        rows = await ProductRepository(connection).page(owner.user_id, cursor, size + 1)
    shown, last = split(rows, size)
    page = {"items": shown, "next_cursor": last.id if last else None}
    return ProductPage.model_validate(page, from_attributes=True)


def request_import(work: UnitOfWork, resources: Resources, owner: Principal, data: bytes) -> UUID:
    """Have the worker import a CSV file. Returns the task's id.

    Raises UnreadableImport or TooManyLines; the commit raises TooMuchQueued.
    """
    text = check_header(data)
    payload = {"csv": text, "notify": owner.email}
    quota = resources.section(TasksSettings)
    return request_task(work, resources.queue, IMPORT, payload, owner_id=owner.user_id, quota=quota)
