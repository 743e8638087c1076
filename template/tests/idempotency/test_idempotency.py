"""Idempotency-Key: a repeated request has one effect and the same response."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Annotated

import httpx
import pytest
from fastapi import APIRouter, FastAPI, File, Request, Response
from sqlalchemy import func, select, update
from starlette.requests import ClientDisconnect

from app.composition import FeatureError, Resources
from app.dependencies import QueueDep
from app.idempotency import retention, routing
from app.idempotency.models import StoredAnswer
from app.idempotency.retention import forget_answers
from app.idempotency.routing import IdempotentRoute, _once, idempotent_by_address, idempotent_by_user
from app.idempotency.settings import IdempotencySettings
from app.kit.database import UnitOfWorkDep
from app.kit.problems import Malformed, NotFound
from app.kit.queue import NoPayload, TaskKind
from app.main import create_app
from app.settings import Settings
from app.tasks.models import Task
from app.tasks.service import request_task
from tests.identity import SignedIn, SignIn

entered, open_door, wrong = asyncio.Event(), asyncio.Event(), APIRouter()
EFFECT = TaskKind("effect", NoPayload)
router = APIRouter(route_class=IdempotentRoute)


@router.post("/open", status_code=201, dependencies=[idempotent_by_address])
async def make(request: Request, response: Response, work: UnitOfWorkDep, queue: QueueDep) -> dict[str, str]:
    """Write a row, which counts the effects."""
    if request.headers.get("fail"):
        raise NotFound
    task_id = request_task(work, queue, EFFECT, NoPayload())
    response.headers["Location"] = f"/made/{task_id}"
    return {"id": str(task_id)}


@router.post("/open/slow", dependencies=[idempotent_by_address])
async def make_slowly(work: UnitOfWorkDep, queue: QueueDep) -> None:
    """Write a row once the door is open."""
    request_task(work, queue, EFFECT, NoPayload())
    entered.set()
    await open_door.wait()


@router.post("/open/files", status_code=202, dependencies=[idempotent_by_address])
async def take_file(file: Annotated[bytes, File()], work: UnitOfWorkDep, queue: QueueDep) -> dict[str, int]:
    """Write a row of a file."""
    request_task(work, queue, EFFECT, NoPayload())
    return {"size": len(file)}


@router.post("/open/elsewhere", dependencies=[idempotent_by_address])
async def send_elsewhere(work: UnitOfWorkDep, queue: QueueDep) -> Response:
    """Write a row, and answer with a failure."""
    request_task(work, queue, EFFECT, NoPayload())
    return Response(status_code=303, headers={"Location": "/"})


@router.post("/mine", status_code=201, dependencies=[idempotent_by_user])
async def make_mine(work: UnitOfWorkDep, queue: QueueDep) -> dict[str, str]:
    """Write a row for a user."""
    return {"id": str(request_task(work, queue, EFFECT, NoPayload()))}


@wrong.post("/wrong", dependencies=[idempotent_by_address])
async def forgets_the_class() -> None:
    """Do nothing."""


@pytest.fixture(scope="module")
def with_routes(settings: Settings) -> FastAPI:
    """The service with the routes above."""
    application = create_app(settings)
    application.include_router(router)
    application.include_router(wrong)
    return application


@pytest.fixture
async def http(with_routes: FastAPI, resources: Resources) -> AsyncIterator[httpx.AsyncClient]:
    """A caller of that service."""
    with_routes.state.resources = resources
    transport = httpx.ASGITransport(with_routes, client=("192.0.2.1", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


async def effects(resources: Resources) -> int:
    async with resources.database.unit_of_work() as work:
        return await work.session.scalar(select(func.count()).where(Task.kind == "effect")) or 0


async def post(http: httpx.AsyncClient, path: str = "/open", key: str = "k-1", **options: object) -> httpx.Response:
    headers = {"Idempotency-Key": key, **options.pop("headers", {})}  # type: ignore[dict-item]  # headers are text
    return await http.post(path, headers=headers, **options)  # type: ignore[arg-type]  # passed on as given


def slug(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, answer.json()["type"].removeprefix("urn:problem:")


async def test_the_same_request_is_done_once_and_answered_twice_the_same(
    http: httpx.AsyncClient, resources: Resources
) -> None:
    first, second = [await post(http, json={"a": 1}) for _ in range(2)]
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.content == second.content
    assert "idempotency-replayed" not in first.headers
    assert second.headers["idempotency-replayed"] == "true"
    for name in ("location", "content-type", "content-length"):
        assert second.headers[name] == first.headers[name]
    assert await effects(resources) == 1


async def test_without_a_key_every_request_counts(http: httpx.AsyncClient, resources: Resources) -> None:
    for _ in range(2):
        assert (await http.post("/open", json={})).status_code == 201
    assert await effects(resources) == 2


@pytest.mark.parametrize(
    "changed", [{"json": {"a": 2}}, {"path": "/open?a=1"}, {"path": "/open/slow"}, {"content": b'{"a": 1} '}]
)
async def test_another_request_with_the_key_is_refused(
    http: httpx.AsyncClient, resources: Resources, changed: dict[str, object]
) -> None:
    open_door.set()
    assert (await post(http, json={"a": 1})).status_code == 201
    options = {"json": {"a": 1}, **changed}
    if "content" in options:
        del options["json"]
    assert slug(await post(http, **options)) == (422, "idempotency-key-reused")  # type: ignore[arg-type]  # as given
    assert await effects(resources) == 1


async def test_a_second_request_meanwhile_is_told_to_wait(http: httpx.AsyncClient, resources: Resources) -> None:
    open_door.clear()
    entered.clear()
    first = asyncio.create_task(post(http, "/open/slow"))
    await entered.wait()
    second = await post(http, "/open/slow")
    assert slug(second) == (409, "idempotency-key-in-use")
    assert second.headers["retry-after"] == "1"
    open_door.set()
    assert (await first).status_code == 200
    assert (await post(http, "/open/slow")).headers["idempotency-replayed"] == "true"
    assert await effects(resources) == 1


async def test_many_at_once_have_one_effect(http: httpx.AsyncClient, resources: Resources) -> None:
    open_door.set()
    answers = await asyncio.gather(*(post(http, "/open/slow") for _ in range(8)))
    assert {answer.status_code for answer in answers} <= {200, 409}
    assert await effects(resources) == 1


async def test_a_failure_is_not_kept(http: httpx.AsyncClient, resources: Resources) -> None:
    assert (await post(http, headers={"fail": "yes"})).status_code == 404
    again = await post(http)
    assert (again.status_code, again.headers.get("idempotency-replayed")) == (201, None)
    assert await effects(resources) == 1


async def test_only_successes_are_kept(http: httpx.AsyncClient, resources: Resources) -> None:
    assert [(await post(http, "/open/elsewhere")).status_code for _ in range(2)] == [303, 303]
    assert await effects(resources) == 2


async def test_a_form_built_anew_is_the_same_request(http: httpx.AsyncClient, resources: Resources) -> None:
    first, second = [await post(http, "/open/files", files={"file": ("a.csv", b"x" * 9_000)}) for _ in range(2)]
    assert first.request.headers["content-type"] != second.request.headers["content-type"]
    assert (second.status_code, second.json(), second.headers["idempotency-replayed"]) == (202, {"size": 9_000}, "true")
    other = await post(http, "/open/files", files={"file": ("a.csv", b"y" * 9_000)})
    assert slug(other) == (422, "idempotency-key-reused")
    assert await effects(resources) == 1


async def test_a_file_that_holds_the_boundary_is_another_file(http: httpx.AsyncClient, resources: Resources) -> None:
    def form(content: str) -> bytes:
        head = 'Content-Disposition: form-data; name="file"; filename="a.csv"'
        return f"--x\r\n{head}\r\n\r\n{content}\r\n--x--\r\n".encode()

    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    assert (await post(http, "/open/files", content=form("a--xb"), headers=headers)).status_code == 202
    other = await post(http, "/open/files", content=form("a--b"), headers=headers)
    assert slug(other) == (422, "idempotency-key-reused")


@pytest.mark.parametrize("key", ["", "a" * 256, "two words", "ümlaut"])
async def test_a_key_of_another_form_is_refused(http: httpx.AsyncClient, resources: Resources, key: str) -> None:
    answer = await http.post("/open", headers=[(b"Idempotency-Key", key.encode())])
    assert slug(answer) == (422, "invalid")
    assert await effects(resources) == 0


async def test_keys_are_the_users_own(http: httpx.AsyncClient, resources: Resources, sign_in: SignIn) -> None:
    ids = []
    for user in [await sign_in("ann@example.com"), await sign_in("bob@example.com"), await sign_in("bob@example.com")]:
        answer = await post(http, "/mine", headers={"Authorization": f"Bearer {user.token}"})
        ids.append(answer.json()["id"])
    assert ids[0] != ids[1] == ids[2]  # the second login of bob is the same user
    assert await effects(resources) == 2


async def test_a_stored_answer_is_for_those_who_are_signed_in(http: httpx.AsyncClient, ann: SignedIn) -> None:
    assert (await post(http, "/mine", headers={"Authorization": f"Bearer {ann.token}"})).status_code == 201
    assert slug(await post(http, "/mine")) == (401, "unauthorized")


async def test_an_answer_is_repeated_for_a_day_and_then_removed(
    http: httpx.AsyncClient, resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    await post(http)
    await post(http, key="k-2")
    await post(http, key="k-3")
    then = datetime.now(UTC) - timedelta(hours=resources.section(IdempotencySettings).idempotency_hours, minutes=1)
    async with resources.database.unit_of_work() as work:
        await work.session.execute(update(StoredAnswer).values(created_at=then))
    assert "idempotency-replayed" not in (await post(http)).headers
    assert await effects(resources) == 4
    monkeypatch.setattr(retention, "_BATCH", 1)
    await forget_answers(resources)
    async with resources.database.unit_of_work() as work:
        assert await work.session.scalar(select(func.count()).select_from(StoredAnswer)) == 1
    assert (await post(http)).headers["idempotency-replayed"] == "true"


async def test_neither_key_nor_body_is_stored(http: httpx.AsyncClient, resources: Resources) -> None:
    await post(http, key="secret-key", json={"password": "hunter2-hunter2"})
    async with resources.database.unit_of_work() as work:
        row = (await work.session.execute(select(StoredAnswer.__table__))).one()
    assert "secret" not in str(tuple(row))
    assert "hunter2" not in str(tuple(row))


async def test_a_route_outside_an_idempotent_router_is_a_mistake(http: httpx.AsyncClient) -> None:
    assert (await http.post("/wrong")).status_code == 200
    with pytest.raises(FeatureError, match="route_class"):
        await routing._claim(Request({"type": "http"}), None, "x", "k")  # type: ignore[arg-type]  # not reached


async def test_a_caller_who_hangs_up_is_no_mistake_of_the_service() -> None:
    async def gone() -> dict[str, str]:
        return {"type": "http.disconnect"}

    async def unreached(_request: Request) -> Response:
        raise ClientDisconnect

    with pytest.raises(Malformed):
        await _once(unreached, Request({"type": "http", "headers": []}, gone))


def test_every_route_that_takes_a_key_keeps_answers_and_says_so(application: FastAPI) -> None:
    taking = 0
    for path, operations in application.openapi()["paths"].items():
        for operation in operations.values():
            if any(parameter["name"] == "Idempotency-Key" for parameter in operation.get("parameters", ())):
                taking += 1
                assert "409" in operation["responses"], path
                assert "idempotency-key-reused" in operation["responses"]["422"]["description"], path
    posts = [route for route in router.routes if isinstance(route, IdempotentRoute)]
    assert taking + len(posts) > 0


async def test_no_key_costs_no_statement(http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routing, "_claim", None)
    assert (await http.post("/open", json={})).status_code == 201
