"""The rules of products: only their owner can access them, and reads use the cache."""

from datetime import UTC, datetime
from uuid import UUID

from app.composition import Resources
from app.kit.cache import Cache, ModelCache
from app.kit.database import Database, UnitOfWork
from app.kit.identity import Principal
from app.kit.ids import new_id
from app.kit.paging import Position, SortedPage, split
from app.kit.preconditions import PreconditionFailed, PreconditionRequired, check_version
from app.kit.problems import NotFound
from app.kit.queue import TaskKind
from app.products.models import Product
from app.products.parsing import check_header
from app.products.repository import ProductQuery, ProductRepository
from app.products.schemas import ImportPayload, ProductChange, ProductCreate, ProductRead
from app.tasks.service import request_task
from app.tasks.settings import TasksSettings

ProductPage = SortedPage[ProductRead]

IMPORT = TaskKind("products.import", ImportPayload, bulk=True)


def cached_products(cache: Cache) -> ModelCache[ProductRead]:
    """The cache of products. The formatted price is not cached, so an entry serves all languages."""
    return cache.of(ProductRead, "product")


def cache_key(owner_id: UUID, product_id: UUID) -> str:
    """The owner is part of the key, so that nobody can read another user's product by its id."""
    return f"{owner_id}:{product_id}"


def create_product(work: UnitOfWork, cache: Cache, owner: Principal, new: ProductCreate, currency: str) -> ProductRead:
    """Create a product of the user, with `currency` as the default."""
    product = Product(
        id=new_id(), owner_id=owner.user_id, created_at=datetime.now(UTC), version=1, **new.values(currency)
    )
    work.add(product)
    _forget_after_commit(work, cache, owner, product.id)
    return ProductRead.model_validate(product)


async def change_product(
    work: UnitOfWork, cache: Cache, owner: Principal, product_id: UUID, change: ProductChange, if_match: str | None
) -> ProductRead:
    """Change fields of a product of the user. Raises PreconditionRequired, NotFound or PreconditionFailed."""
    if if_match is None:
        raise PreconditionRequired
    product = await _locked(work, cache, owner, product_id, if_match)
    for name, value in change.model_dump(exclude_unset=True).items():
        setattr(product, name, value)
    product.version += 1
    _forget_after_commit(work, cache, owner, product_id)
    return ProductRead.model_validate(product)


async def delete_product(
    work: UnitOfWork, cache: Cache, owner: Principal, product_id: UUID, if_match: str | None
) -> None:
    """Delete a product of the user, in any version unless one is named. Raises NotFound or PreconditionFailed."""
    product = await _locked(work, cache, owner, product_id, if_match)
    await work.session.delete(product)
    _forget_after_commit(work, cache, owner, product_id)


async def _locked(work: UnitOfWork, cache: Cache, owner: Principal, product_id: UUID, if_match: str | None) -> Product:
    product = await ProductRepository(work.session).lock(owner.user_id, product_id)
    if product is None:
        raise NotFound
    try:
        check_version(if_match, product.version)
    except PreconditionFailed:
        # The caller may have read an old version from the cache, where an outage of Redis can leave one.
        await cached_products(cache).invalidate(cache_key(owner.user_id, product_id))
        raise
    return product


def _forget_after_commit(work: UnitOfWork, cache: Cache, owner: Principal, product_id: UUID) -> None:
    work.after_commit(lambda: cached_products(cache).invalidate(cache_key(owner.user_id, product_id)))


async def read_product(
    database: Database, cache: Cache, owner: Principal, product_id: UUID
) -> tuple[ProductRead, bool]:
    """Return a product of the user, and whether it came from the cache. Raises NotFound.

    A hit opens no database session.
    """

    async def fill() -> ProductRead | None:
        row = await ProductRepository.get(database, owner.user_id, product_id)
        return ProductRead.model_validate(row) if row else None

    cached = await cached_products(cache).get_or_fill(cache_key(owner.user_id, product_id), fill)
    if cached.value is None:
        raise NotFound
    return cached.value, cached.hit


async def list_products(database: Database, owner: Principal, wanted: ProductQuery, size: int) -> ProductPage:
    """A page of the user's products."""
    rows = await ProductRepository.page(database, owner.user_id, wanted, size + 1)
    shown, last = split(rows, size)
    cursor = None
    if last:
        value = last["name"] if "name" in wanted.sort else None
        cursor = Position(sort=wanted.sort, value=value, id=last["id"]).cursor()
    return ProductPage.model_validate({"items": shown, "next_cursor": cursor})


def request_import(work: UnitOfWork, resources: Resources, owner: Principal, data: bytes) -> UUID:
    """Enqueue the import of a CSV file. Return the task's id.

    Raises UnreadableImport or TooManyLines; the commit raises TooMuchQueued.
    """
    text = check_header(data)
    payload = ImportPayload(csv=text, notify=owner.email)
    quota = resources.section(TasksSettings)
    return request_task(work, resources.queue, IMPORT, payload, owner_id=owner.user_id, quota=quota)
