"""HTTP of products."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, File, Request, Response

from app.kit.database import UnitOfWorkDep
from app.kit.dependencies import CacheDep, QueueDep
from app.kit.idempotency import IdempotentRoute, idempotent_by_user
from app.kit.identity import CurrentUser
from app.kit.paging import Cursor, Page, PageSize
from app.kit.ratelimit import Limit, limited_by_user
from app.products import service
from app.products.schemas import ProductCreate, ProductRead
from app.tasks.schemas import TaskAccepted

router = APIRouter(
    prefix="/v1/products",
    tags=["products"],
    dependencies=[limited_by_user(Limit("products", 600, 60))],
    route_class=IdempotentRoute,
)


@router.post("", status_code=201, dependencies=[idempotent_by_user])
async def create_product(new: ProductCreate, user: CurrentUser, work: UnitOfWorkDep, cache: CacheDep) -> ProductRead:
    """Create a product."""
    return await service.create_product(work, cache, user, new)


@router.get("")
async def list_products(
    user: CurrentUser, work: UnitOfWorkDep, cursor: Cursor = None, limit: PageSize = 20
) -> Page[ProductRead]:
    """The user's products, newest first."""
    return await service.list_products(work, user, cursor, limit)


@router.get("/{product_id:uuid}", response_model=ProductRead)
async def read_product(product_id: UUID, user: CurrentUser, request: Request, cache: CacheDep) -> Response:
    """A product. `X-Cache` says whether it came from the cache."""
    cached = await service.read_product(request.app.state.resources.database, cache, user, product_id)
    headers = {"X-Cache": "hit" if cached.hit else "miss"}
    return Response(cached.value, media_type="application/json", headers=headers)


@router.post("/imports", status_code=202, dependencies=[idempotent_by_user])
async def import_products(
    file: Annotated[bytes, File(description="CSV in UTF-8 with the header name,price_minor,currency")],
    user: CurrentUser,
    work: UnitOfWorkDep,
    queue: QueueDep,
    request: Request,
    response: Response,
) -> TaskAccepted:
    """Import products from a file. The answer names the task that does it."""
    task_id = service.request_import(work, queue, user, file)
    response.headers["Location"] = f"{request.app.state.settings.route_prefix}/v1/tasks/{task_id}"
    return TaskAccepted(task_id=task_id)
