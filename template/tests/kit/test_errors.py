"""Errors that the framework raises."""

import httpx
from fastapi import APIRouter, FastAPI

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
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST")
    assert answer.json()["type"] == "urn:problem:method-not-allowed"
