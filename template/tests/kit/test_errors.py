"""Errors that the framework raises."""

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from sqlalchemy.exc import DBAPIError
from starlette.exceptions import HTTPException

from app.kit.errors import install_problem_handlers


async def test_a_refused_method_is_told_every_method_of_the_address() -> None:
    application, router = FastAPI(), APIRouter()
    install_problem_handlers(application)
    router.add_api_route("/things", lambda: None, methods=["GET"])
    router.add_api_route("/things", lambda: None, methods=["POST"])
    application.include_router(router, prefix="/v1")
    transport = httpx.ASGITransport(application)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        answer = await client.put("/v1/things")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD, POST")
    assert answer.json()["type"] == "urn:problem:method-not-allowed"


class _TooLongError(Exception):
    sqlstate = "22001"


GONE = DBAPIError("SELECT 1", None, Exception("gone"), connection_invalidated=True)


@pytest.mark.parametrize(
    ("error", "status", "slug"),
    [
        (HTTPException(401), 401, "unauthorized"),
        (HTTPException(418), 400, "malformed-request"),
        (HTTPException(502), 500, "internal-error"),
        (TimeoutError(), 503, "unavailable"),
        (GONE, 503, "unavailable"),
        (DBAPIError("INSERT", None, _TooLongError()), 422, "unstorable"),
    ],
)
async def test_an_exception_becomes_a_problem(error: Exception, status: int, slug: str) -> None:
    answer = await _raised(error)
    assert (answer.status_code, answer.json()["type"]) == (status, f"urn:problem:{slug}")


async def test_a_wrong_statement_is_a_mistake_of_the_service() -> None:
    with pytest.raises(DBAPIError):
        await _raised(DBAPIError("SELEKT 1", None, Exception("syntax error")))


async def _raised(error: Exception) -> httpx.Response:
    application = FastAPI()
    install_problem_handlers(application)

    async def fail() -> None:
        raise error

    application.add_api_route("/fails", fail)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url="http://test") as client:
        return await client.get("/fails")
