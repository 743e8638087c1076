"""A possible deadlock fails at once, and every request finishes on one connection."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import APIRouter, FastAPI, Response
from sqlalchemy import text

from app.composition import Resources, discover, open_resources
from app.dependencies import ResourcesDep
from app.kit.context import request_context
from app.kit.database import Database, UnitOfWorkDep
from app.kit.lock_order import LockOrderError, Rank, about_to_wait, check_order
from app.main import create_app
from app.settings import Settings
from tests.conftest import open_limiter
from tests.identity import SignIn
from tests.security.operations import operations

router = APIRouter()


@pytest.fixture(autouse=True)
def checked() -> None:
    """The order is checked, whichever test came before."""
    check_order(True)


@router.get("/nested")
async def nested(work: UnitOfWorkDep, resources: ResourcesDep) -> Response:
    """Ask for a second connection while holding one."""
    await work.session.connection()
    await resources.database.read(text("SELECT 1"))
    return Response()


@router.get("/filled")
async def filled(work: UnitOfWorkDep, resources: ResourcesDep) -> Response:
    """Wait for a fill while holding a connection."""

    async def fill() -> bytes:
        return b"x"

    await work.session.connection()
    await resources.cache.get_or_fill("lock-order", fill)
    return Response()


@pytest.fixture
async def application_of_one(settings: Settings) -> AsyncIterator[FastAPI]:
    """The service with one connection."""
    own = settings.model_copy(update={"database_pool_size": 1})
    application = create_app(own)
    application.include_router(router)
    async with open_resources(own, discover()) as resources:
        resources.limiter = open_limiter(resources.redis)
        application.state.resources = resources
        yield application


@pytest.fixture
async def one(application_of_one: FastAPI, settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A caller of that service."""
    transport = httpx.ASGITransport(application_of_one, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=f"http://test{settings.route_prefix}") as client:
        yield client


async def test_every_operation_finishes_on_one_connection_three_at_once(
    application_of_one: FastAPI, one: httpx.AsyncClient, settings: Settings, resources: Resources, sign_in: SignIn
) -> None:
    root = await sign_in("root@example.com", role="admin")
    for operation in operations(application_of_one):
        requests = [operation.request(one, settings.route_prefix, root.token) for _ in range(3)]
        for number, request in enumerate(requests):
            request.headers["Idempotency-Key"] = f"key-{number % 2}"
        async with asyncio.timeout(30):
            answers = await asyncio.gather(*(one.send(request) for request in requests))
        assert {answer.status_code for answer in answers} & {500, 503} == set(), str(operation)


async def test_a_second_connection_in_one_request_is_an_error_and_not_a_deadlock(
    application_of_one: FastAPI, resources: Resources
) -> None:
    transport = httpx.ASGITransport(application_of_one)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        for path in ("/nested", "/filled"):
            # The middleware answers 500 and logs the reason.
            assert (await client.get(path)).status_code == 500


@pytest.mark.parametrize("later", list(Rank))
@pytest.mark.parametrize("earlier", list(Rank))
async def test_what_comes_earlier_is_taken_first(earlier: Rank, later: Rank) -> None:
    with request_context("lock-order", "en"):
        held = about_to_wait(earlier)
        assert held is not None
        held.take(earlier)
        if later > earlier:
            assert about_to_wait(later) is held
        else:
            with pytest.raises(LockOrderError, match=f"waits for {later.name} while holding {earlier.name}"):
                about_to_wait(later)
        held.give_back(earlier)
        assert about_to_wait(later) is held


async def test_another_task_of_a_request_holds_nothing_of_its_parents(resources: Resources) -> None:
    with request_context("lock-order", "en"):
        held = about_to_wait(Rank.CONNECTION)
        assert held is not None
        held.take(Rank.CONNECTION)

        async def elsewhere() -> bool:
            return about_to_wait(Rank.CONNECTION) is not held

        assert await asyncio.create_task(elsewhere())


async def test_a_connection_that_is_returned_is_held_no_more(resources: Resources, settings: Settings) -> None:
    database = Database(settings.model_copy(update={"database_pool_size": 1}))
    with request_context("lock-order", "en"):
        for _ in range(3):
            async with database.unit_of_work() as work:
                await work.session.connection()
            await database.read(text("SELECT 1"))
    await database.close()


def test_production_checks_nothing(resources: Resources) -> None:
    check_order(False)
    with request_context("lock-order", "en"):
        assert about_to_wait(Rank.HASHING) is None
    check_order(True)
