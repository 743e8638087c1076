"""HTTP of products."""

from collections.abc import Mapping
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, File, Query, Response

from app.dependencies import ResourcesDep
from app.idempotency.routing import IdempotentRoute, idempotent_by_user
from app.kit.database import UnitOfWorkDep
from app.kit.identity import CurrentUser
from app.kit.openapi import problems
from app.kit.paging import PageSize, SortedCursor, SortedPage, position
from app.kit.preconditions import IfMatch, PreconditionFailed, PreconditionRequired, etag
from app.kit.problems import TooManyRequests
from app.kit.ratelimit import Limit, limited_by_user
from app.kit.responses import json_response
from app.products import service
from app.products.problems import COLUMNS, TooManyLines, UnreadableImport
from app.products.repository import ProductQuery
from app.products.schemas import Currency, ProductChange, ProductCreate, ProductRead, ProductSort
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
    return _answer(service.create_product(work, resources.cache, user, new, currency), 201)


# Fixed paths before paths with parameters: a request tries one route after the other.
@router.post(
    "/imports",
    status_code=202,
    dependencies=[idempotent_by_user],
    responses=problems(UnreadableImport, TooManyLines, TooMuchQueued, TooManyRequests),
)
async def import_products(
    file: Annotated[bytes, File(description=f"CSV in UTF-8 with the header {','.join(COLUMNS)}")],
    user: CurrentUser,
    work: UnitOfWorkDep,
    resources: ResourcesDep,
    response: Response,
) -> TaskAccepted:
    """Import products from a file. The response names the task that runs the import."""
    task_id = service.request_import(work, resources, user, file)
    response.headers["Location"] = f"{resources.settings.route_prefix}/v1/tasks/{task_id}"
    return TaskAccepted(task_id=task_id)


@router.get("", response_model=SortedPage[ProductRead])
async def list_products(
    user: CurrentUser,
    resources: ResourcesDep,
    currency: Annotated[Currency | None, Query(description="Only products priced in it")] = None,
    sort: Annotated[ProductSort, Query(description="With `-`, from the last to the first")] = "-created_at",
    cursor: SortedCursor = None,
    limit: PageSize = 20,
) -> Response:
    """List the user's products, newest first unless `sort` names another order."""
    wanted = ProductQuery(sort, currency, position(cursor, sort))
    return json_response(await service.list_products(resources.database, user, wanted, limit))


@router.get("/{product_id:uuid}", response_model=ProductRead)
async def read_product(product_id: UUID, user: CurrentUser, resources: ResourcesDep) -> Response:
    """Return a product. `X-Cache` shows whether it came from the cache; a change needs its `ETag`."""
    product, hit = await service.read_product(resources.database, resources.cache, user, product_id)
    return _answer(product, headers={"X-Cache": "hit" if hit else "miss"})


@router.patch(
    "/{product_id:uuid}",
    response_model=ProductRead,
    dependencies=[idempotent_by_user],
    responses=problems(PreconditionFailed, PreconditionRequired),
)
async def change_product(
    product_id: UUID,
    change: ProductChange,
    user: CurrentUser,
    work: UnitOfWorkDep,
    resources: ResourcesDep,
    if_match: IfMatch = None,
) -> Response:
    """Change the given fields. `If-Match` is required, so that no change overwrites an unseen one."""
    return _answer(await service.change_product(work, resources.cache, user, product_id, change, if_match))


@router.delete("/{product_id:uuid}", status_code=204, responses=problems(PreconditionFailed))
async def delete_product(
    product_id: UUID, user: CurrentUser, work: UnitOfWorkDep, resources: ResourcesDep, if_match: IfMatch = None
) -> None:
    """Delete a product; with `If-Match`, only that version."""
    await service.delete_product(work, resources.cache, user, product_id, if_match)


def _answer(product: ProductRead, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return json_response(product, status, {**(headers or {}), "ETag": etag(product.version)})
