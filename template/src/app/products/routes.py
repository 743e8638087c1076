"""HTTP of products."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, File, Response

from app.kit.database import UnitOfWorkDep
from app.kit.dependencies import ResourcesDep
from app.kit.idempotency import IdempotentRoute, idempotent_by_user
from app.kit.identity import CurrentUser
from app.kit.openapi import problems
from app.kit.paging import Cursor, Page, PageSize
from app.kit.problems import TooManyRequests
from app.kit.ratelimit import Limit, limited_by_user
from app.kit.responses import json_response
from app.products import service
from app.products.problems import TooManyLines, UnreadableImport
from app.products.schemas import ProductCreate, ProductRead
from app.tasks.problems import TooMuchQueued
from app.tasks.schemas import TaskAccepted

router = APIRouter(
    prefix="/v1/products",
    tags=["products"],
    dependencies=[limited_by_user(Limit("products", 600, 60))],
    route_class=IdempotentRoute,
)


@router.post("", status_code=201, response_model=ProductRead, dependencies=[idempotent_by_user])
async def create_product(
    new: ProductCreate, user: CurrentUser, work: UnitOfWorkDep, resources: ResourcesDep
) -> Response:
    """Create a product."""
    currency = resources.settings.currency
    return json_response(service.create_product(work, resources.cache, user, new, currency), 201)


@router.get("", response_model=Page[ProductRead])
async def list_products(
    user: CurrentUser, resources: ResourcesDep, cursor: Cursor = None, limit: PageSize = 20
) -> Response:
    """The user's products, newest first."""
    return json_response(await service.list_products(resources.database, user, cursor, limit))


@router.get("/{product_id:uuid}", response_model=ProductRead)
async def read_product(product_id: UUID, user: CurrentUser, resources: ResourcesDep) -> Response:
    """A product. `X-Cache` says whether it came from the cache."""
    product, hit = await service.read_product(resources.database, resources.cache, user, product_id)
    return json_response(product, headers={"X-Cache": "hit" if hit else "miss"})


@router.post(
    "/imports",
    status_code=202,
    dependencies=[idempotent_by_user],
    responses=problems(UnreadableImport, TooManyLines, TooMuchQueued, TooManyRequests),
)
async def import_products(
    file: Annotated[bytes, File(description="CSV in UTF-8 with the header name,price_minor,currency")],
    user: CurrentUser,
    work: UnitOfWorkDep,
    resources: ResourcesDep,
    response: Response,
) -> TaskAccepted:
    """Import products from a file. The answer names the task that does it."""
    task_id = service.request_import(work, resources, user, file)
    response.headers["Location"] = f"{resources.settings.route_prefix}/v1/tasks/{task_id}"
    return TaskAccepted(task_id=task_id)
