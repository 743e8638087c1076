"""The rules of products: they are their owner's alone, and read through the cache."""

from uuid import UUID

from app.kit.cache import Cache, Cached
from app.kit.database import Database, UnitOfWork
from app.kit.identity import Principal
from app.kit.paging import Page, split
from app.kit.problems import NotFound
from app.kit.queue import Queue
from app.products.models import Product
from app.products.parsing import check_header
from app.products.repository import ProductRepository
from app.products.schemas import ProductCreate, ProductRead
from app.tasks.service import request_task

IMPORT = "products.import"


def cache_key(owner_id: UUID, product_id: UUID) -> str:
    """The owner is part of the key: nobody reads another's product by its id."""
    return f"product:{owner_id}:{product_id}"


async def create_product(work: UnitOfWork, cache: Cache, owner: Principal, new: ProductCreate) -> ProductRead:
    """Write a product of the user."""
    product = Product(owner_id=owner.user_id, **new.model_dump())
    await ProductRepository(work.session).add(product)
    work.after_commit(lambda: cache.invalidate(cache_key(owner.user_id, product.id)))
    return ProductRead.model_validate(product)


async def read_product(database: Database, cache: Cache, owner: Principal, product_id: UUID) -> Cached:
    """A product of the user as JSON, from the cache where it is there. Raises NotFound.

    A hit opens no database session.
    """

    async def fill() -> bytes | None:
        async with database.unit_of_work() as work:
            product = await ProductRepository(work.session).get(owner.user_id, product_id)
        return ProductRead.model_validate(product).model_dump_json().encode() if product else None

    cached = await cache.get_or_fill(cache_key(owner.user_id, product_id), fill)
    if cached.value is None:
        raise NotFound
    return cached


async def list_products(work: UnitOfWork, owner: Principal, cursor: UUID | None, size: int) -> Page[ProductRead]:
    """A page of the user's products, newest first."""
    rows = await ProductRepository(work.session).page(owner.user_id, cursor, size + 1)
    shown, last = split(rows, size)
    return Page(items=[ProductRead.model_validate(row) for row in shown], next_cursor=last.id if last else None)


def request_import(work: UnitOfWork, queue: Queue, owner: Principal, data: bytes) -> UUID:
    """Have the worker import a CSV file. Returns the task's id. Raises UnreadableImport."""
    text = check_header(data)
    payload = {"csv": text, "notify": owner.email}
    return request_task(work, queue, IMPORT, payload, owner_id=owner.user_id)
