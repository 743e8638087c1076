"""Bodies: a request that is not allowed is refused before a byte of its body is read. And CORS on refusals."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

import httpx
import pytest
from fastapi import APIRouter, FastAPI, File, Form
from pydantic import BaseModel
from redis.exceptions import ResponseError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from app.composition import Resources
from app.kit.identity import CurrentUser, Principal
from app.kit.problems import Unavailable
from app.kit.ratelimit import Limit, RateLimiter, limited_by_address, limited_by_user
from app.main import create_app
from app.settings import Settings
from tests.identity import SignedIn

ORIGIN = "https://www.example.com"
FORM_HEADERS = {"Content-Type": "application/x-www-form-urlencoded"}

router = APIRouter(prefix="/bodies")


class Body(BaseModel):
    """A body."""

    text: str


@router.post("/form", dependencies=[limited_by_address(Limit("bodies-form", 2, 60))])
async def take_form(text: Annotated[str, Form()]) -> int:
    """Take a form."""
    return len(text)


@router.post("/json", dependencies=[limited_by_user(Limit("bodies-json", 2, 60))])
async def take_json(body: Body, user: CurrentUser) -> int:
    """Take JSON of a user."""
    return len(body.text)


@router.post("/file")
async def take_file(file: Annotated[bytes, File()]) -> int:
    """Take a file."""
    return len(file)


@router.get("/crash")
async def crash() -> None:
    """Fail."""
    raise RuntimeError


@pytest.fixture(scope="module")
def with_routes(settings: Settings) -> FastAPI:
    """The application with the routes above."""
    application = create_app(settings.model_copy(update={"cors_origins": [ORIGIN]}))
    application.include_router(router)
    return application


@pytest.fixture
async def bodies(with_routes: FastAPI, resources: Resources) -> AsyncIterator[httpx.AsyncClient]:
    """A caller of that application."""
    with_routes.state.resources = resources
    transport = httpx.ASGITransport(with_routes, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test/bodies") as client:
        yield client


class Sent:
    """A body in pieces of 1 kB, and how many were taken."""

    def __init__(self, kilobytes: int, start: bytes = b"") -> None:
        self.kilobytes, self.start, self.taken = kilobytes, start, 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for _ in range(self.kilobytes):
            self.taken += 1
            yield self.start + b"%" * 1_024
            self.start = b""


async def test_a_form_over_the_limit_of_its_address_is_not_read(bodies: httpx.AsyncClient) -> None:
    answers = [await bodies.post("/form", data={"text": "x"}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    # Each request is counted once, although the limit is checked before the body and as a dependency.
    assert [answer.headers["ratelimit"].partition(";t=")[0] for answer in answers] == [
        '"bodies-form";r=1',
        '"bodies-form";r=0',
    ]
    body = Sent(10)
    refused = await bodies.post("/form", content=body, headers=FORM_HEADERS)
    assert (refused.status_code, body.taken) == (429, 0)
    assert refused.json()["type"] == "urn:problem:too-many-requests"
    assert int(refused.headers["retry-after"]) > 0


async def test_json_of_nobody_is_not_read(bodies: httpx.AsyncClient) -> None:
    for headers in ({}, {"Authorization": "Bearer x"}):
        body = Sent(10)
        refused = await bodies.post("/json", content=body, headers={"Content-Type": "application/json", **headers})
        assert (refused.status_code, body.taken) == (401, 0)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Unavailable(), 503),
        (PoolTimeoutError("no connection was free"), 503),
        (TimeoutError(), 503),
        (ResponseError("MISCONF"), 503),
        (DBAPIError("SELECT", {}, OSError(), connection_invalidated=True), 503),
        (RuntimeError("a mistake"), 500),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
async def test_a_failure_before_the_body_is_no_fault_of_the_body(
    bodies: httpx.AsyncClient, resources: Resources, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int
) -> None:
    class Failing:
        async def authenticate(self, _token: str) -> Principal:
            raise error

    monkeypatch.setattr(resources, "authenticator", Failing())
    answer = await bodies.post("/json", json={"text": "x"}, headers={"Authorization": "Bearer x"})
    assert answer.status_code == status


async def test_json_over_the_limit_of_its_user_is_not_read(bodies: httpx.AsyncClient, ann: SignedIn) -> None:
    headers = {"Authorization": f"Bearer {ann.token}"}
    answers = [await bodies.post("/json", json={"text": "x"}, headers=headers) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    body = Sent(10)
    refused = await bodies.post("/json", content=body, headers={"Content-Type": "application/json", **headers})
    assert (refused.status_code, body.taken) == (429, 0)


@pytest.mark.parametrize(
    ("path", "headers", "most"), [("/form", FORM_HEADERS, 16), ("/json", {"Content-Type": "application/json"}, 64)]
)
async def test_only_files_may_be_large(
    bodies: httpx.AsyncClient, ann: SignedIn, path: str, headers: dict[str, str], most: int
) -> None:
    headers = {**headers, "Authorization": f"Bearer {ann.token}"}
    hidden = Sent(200, b"text=")
    refused = await bodies.post(path, content=hidden, headers=headers)
    assert (refused.status_code, hidden.taken) == (413, most)
    stated = Sent(200)
    length = {"Content-Length": str(200 * 1_024)}
    refused = await bodies.post(path, content=stated, headers={**headers, **length})
    assert (refused.status_code, stated.taken) == (413, 0)
    answer = await bodies.post("/file", files={"file": b"x" * 1_000_000})
    assert (answer.status_code, answer.json()) == (200, 1_000_000)


@pytest.mark.parametrize(
    ("path", "content_type", "wanted"),
    [
        ("/form", "application/json", "application/x-www-form-urlencoded"),
        ("/form", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded"),
        ("/form", "", "application/x-www-form-urlencoded"),
        ("/json", "application/x-www-form-urlencoded", "application/json"),
        ("/json", "text/json", "application/json"),
        ("/file", "text/csv", "multipart/form-data"),
    ],
)
async def test_a_body_in_another_format_is_refused_with_the_right_one(
    bodies: httpx.AsyncClient, ann: SignedIn, path: str, content_type: str, wanted: str
) -> None:
    body = Sent(10)
    headers = {"Content-Type": content_type, "Authorization": f"Bearer {ann.token}"}
    answer = await bodies.post(path, content=body, headers=headers)
    assert (answer.status_code, body.taken) == (415, 0)
    assert (answer.headers["accept"], answer.json()["type"]) == (wanted, "urn:problem:unsupported-media-type")
    assert wanted in answer.json()["detail"]


async def test_json_may_have_a_type_of_its_own(bodies: httpx.AsyncClient, ann: SignedIn) -> None:
    headers = {"Content-Type": "application/merge-patch+json; charset=utf-8", "Authorization": f"Bearer {ann.token}"}
    assert (await bodies.post("/json", content=b'{"text": "x"}', headers=headers)).status_code == 200


async def test_every_refusal_may_be_read_by_a_browsers_script(
    bodies: httpx.AsyncClient, resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit = Limit("bodies-form", 2, 60)
    monkeypatch.setattr(resources, "limiter", RateLimiter(resources.redis, {limit.name: limit}))
    origin = {"Origin": ORIGIN}
    requests: list[tuple[str, str, dict[str, Any]]] = [
        ("GET", "/crash", {}),
        ("POST", "/form", {"content": b"x" * 2_000_000}),
        ("POST", "/form", {"content": b"x"}),
        ("POST", "/form", {"content": b"x" * 20_000, "headers": FORM_HEADERS}),
        ("POST", "/form", {"data": {}, "headers": FORM_HEADERS}),
        ("POST", "/form", {"data": {"text": "x"}}),
        ("POST", "/json", {"json": {}}),
        ("DELETE", "/json", {}),
        ("GET", "/nothing", {}),
    ]
    statuses = []
    for method, path, options in requests:
        headers = {**origin, **options.pop("headers", {})}
        answer = await bodies.request(method, path, headers=headers, **options)
        assert answer.headers.get("access-control-allow-origin") == ORIGIN, (path, answer.status_code)
        statuses.append(answer.status_code)
    assert statuses == [500, 413, 415, 413, 422, 429, 401, 405, 404]
