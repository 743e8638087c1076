"""The import of products, from the upload to the mail."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, update

from app.composition import Resources
from app.kit.configuration import Section
from app.products.parsing import check_header, parse_products
from app.products.problems import MOST_LINES, UnreadableImport, WrongLine
from app.products.schemas import ProductCreate
from app.products.tasks import BATCH
from app.tasks.models import Task
from app.tasks.retention import remove_old_tasks
from app.tasks.settings import TasksSettings
from tests.conftest import RunQueue
from tests.identity import Confirm, SignedIn, SignIn

HEADER = "name,price_minor,currency\n"


async def upload(user: SignedIn, content: bytes | str) -> tuple[int, Any, str]:
    data = content if isinstance(content, bytes) else content.encode()
    answer = await user.post("/v1/products/imports", files={"file": ("products.csv", data, "text/csv")})
    return answer.status_code, answer.json(), answer.headers.get("location", "")


async def test_an_import_runs_in_the_worker(
    ann: SignedIn, confirm: Confirm, run_queue: RunQueue, resources: Resources, caplog: pytest.LogCaptureFixture
) -> None:
    await confirm(ann)
    status, body, location = await upload(ann, HEADER + "Tea,1250,SGD\n\nCoffee,300,USD\n")
    assert status == 202
    assert location == f"{resources.settings.route_prefix}/v1/tasks/{body['task_id']}"
    assert (await ann.get(f"/v1/tasks/{body['task_id']}")).json()["status"] == "queued"
    await run_queue()
    task = (await ann.get(f"/v1/tasks/{body['task_id']}")).json()
    assert (task["status"], task["result"], task["kind"]) == ("succeeded", {"created": 2}, "products.import")
    names = [item["name"] for item in (await ann.get("/v1/products")).json()["items"]]
    assert sorted(names) == ["Coffee", "Tea"]
    assert "2 products were imported" in caplog.text


async def test_one_wrong_line_imports_nothing_and_is_named(ann: SignedIn, run_queue: RunQueue) -> None:
    _, body, _ = await upload(ann, HEADER + "Tea,1250,SGD\nCoffee,-1,USD\n")
    await run_queue()
    task = (await ann.get(f"/v1/tasks/{body['task_id']}")).json()
    assert task["status"] == "failed"
    assert task["problem"]["type"] == "urn:problem:wrong-line"
    assert task["problem"]["line"] == 3
    assert (await ann.get("/v1/products")).json()["items"] == []


@pytest.mark.parametrize("content", [b"", b"a,b\n", b"\xff\xfe", b"x" * 200_000, HEADER.encode() + b"Tea\x00,1,SGD"])
async def test_an_unreadable_file_is_refused_at_once(ann: SignedIn, content: bytes) -> None:
    status, body, _ = await upload(ann, content)
    assert status == 422
    assert body["type"] == "urn:problem:unreadable-import"


async def test_a_file_beyond_the_body_limit_is_refused(ann: SignedIn, resources: Resources) -> None:
    status, body, _ = await upload(ann, "x" * (resources.settings.max_upload_bytes + 1))
    assert status == 413
    assert body["type"] == "urn:problem:too-large"


async def test_a_body_without_a_stated_length_is_limited_too(ann: SignedIn, resources: Resources) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(resources.settings.max_upload_bytes // 65_536 + 1):
            yield b"x" * 65_536

    headers = {"Authorization": f"Bearer {ann.token}", "Content-Type": "application/json"}
    answer = await ann.client.post("/v1/products", content=chunks(), headers=headers)
    assert answer.status_code == 413
    assert answer.json()["type"] == "urn:problem:too-large"


async def test_a_run_again_import_has_its_effect_once(ann: SignedIn, run_queue: RunQueue, resources: Resources) -> None:
    _, body, _ = await upload(ann, HEADER + "Tea,1250,SGD\n")
    await run_queue()
    await resources.queue.push(body["task_id"], attempt=2)
    await run_queue()
    assert len((await ann.get("/v1/products")).json()["items"]) == 1


def test_a_header_may_carry_a_byte_order_mark_and_spaces() -> None:
    text = check_header("\ufeffname, price_minor ,currency\nTea,1,SGD".encode())
    assert [product.name for product in parse_products(text)] == ["Tea"]


def test_columns_may_be_in_any_order_and_optional_ones_absent() -> None:
    text = check_header(b"price_minor,name\n12,Tea\n")
    assert [product.model_dump(exclude_unset=True) for product in parse_products(text)] == [
        {"name": "Tea", "price_minor": 12}
    ]


@pytest.mark.parametrize("header", ["name", "name,name,price_minor", "name,price_minor,unknown", "name,price_minor,"])
def test_a_header_that_lacks_repeats_or_invents_a_column_is_refused(header: str) -> None:
    with pytest.raises(UnreadableImport):
        check_header(f"{header}\nTea,1,1\n".encode())


@pytest.mark.parametrize("row", ["Tea", "Tea,1,SGD,more", "Tea,x,SGD", "Tea,1,ZZZ", ",1,SGD", "x" * 200_000])
def test_a_line_that_is_no_product_is_refused(row: str) -> None:
    with pytest.raises(WrongLine):
        list(parse_products(HEADER + row))


def test_a_wrong_name_is_told_in_words() -> None:
    with pytest.raises(WrongLine) as raised:
        list(parse_products(HEADER + "T\x07ea,1,SGD\n"))
    reason = str(raised.value.document("en")["detail"])
    assert "name: Contains characters that are not allowed" in reason
    assert "pattern" not in reason


@pytest.mark.parametrize("price", ["12.00", "+12", "012", "1_000", "1e3", "0x1", "\uff11\uff12", "9" * 5_000, ""])
def test_a_price_is_a_whole_number_as_json_writes_it(price: str) -> None:
    with pytest.raises(WrongLine):
        list(parse_products(f"{HEADER}Tea,{price},SGD"))


def test_cells_are_trimmed_and_an_empty_currency_is_none() -> None:
    (product,) = parse_products(HEADER + ' Tea , 12 ," "\n')
    assert (product.name, product.price_minor, product.currency) == ("Tea", 12, None)


async def test_a_line_without_a_currency_has_the_services(
    ann: SignedIn, run_queue: RunQueue, resources: Resources
) -> None:
    await upload(ann, HEADER + "Tea,12,\n")
    await run_queue()
    (product,) = (await ann.get("/v1/products")).json()["items"]
    assert product["currency"] == resources.settings.currency


async def test_a_file_of_too_many_lines_is_refused_at_once(ann: SignedIn) -> None:
    """130,900 lines in 1 MB took 125 MiB and stalled the worker for seconds."""
    for line in ("a,1,\n", "\n", "\r", "\r\n"):
        status, body, _ = await upload(ann, HEADER + line * (MOST_LINES + 1))
        assert (status, body["type"]) == (422, "urn:problem:too-many-lines")


async def test_the_longest_import_leaves_the_event_loop_to_others(
    ann: SignedIn, run_queue: RunQueue, resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Count lines instead of measuring time: other tasks run after at most one batch of lines."""
    status, body, _ = await upload(ann, HEADER + "a,1,SGD\n" * (MOST_LINES - 1))
    assert status == 202
    read, longest = 0, 0

    def counted(text: str) -> Iterator[ProductCreate]:
        nonlocal read, longest
        for product in parse_products(text):
            read += 1
            longest = max(longest, read)
            yield product

    async def others() -> None:
        nonlocal read
        while True:
            read = 0
            await asyncio.sleep(0)

    monkeypatch.setattr("app.products.tasks.parse_products", counted)
    other = asyncio.create_task(others())
    await run_queue()
    other.cancel()
    assert (await ann.get(f"/v1/tasks/{body['task_id']}")).json()["result"] == {"created": MOST_LINES - 1}
    assert 0 < longest <= BATCH


async def test_a_user_has_so_many_tasks_in_the_queue(
    sign_in: SignIn, run_queue: RunQueue, resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann, bob = await sign_in("ann@example.com"), await sign_in("bob@example.com")
    await run_queue()
    limited = resources.section(TasksSettings).model_copy(update={"tasks_per_user": 2})
    sections: dict[type[Section], Section] = {**resources.sections, TasksSettings: limited}
    monkeypatch.setattr(resources, "sections", sections)
    statuses = [(await upload(ann, HEADER + "Tea,1,SGD\n"))[0] for _ in range(3)]
    assert statuses == [202, 202, 429]
    status, body, _ = await upload(ann, HEADER + "Tea,1,SGD\n")
    assert (status, body["type"]) == (429, "urn:problem:too-much-queued")
    assert (await upload(bob, HEADER + "Tea,1,SGD\n"))[0] == 202
    await run_queue()
    assert (await upload(ann, HEADER + "Tea,1,SGD\n"))[0] == 202


async def test_a_quota_holds_for_requests_with_an_idempotency_key_too(
    ann: SignedIn, run_queue: RunQueue, resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    await run_queue()
    limited = resources.section(TasksSettings).model_copy(update={"tasks_per_user": 1})
    sections: dict[type[Section], Section] = {**resources.sections, TasksSettings: limited}
    monkeypatch.setattr(resources, "sections", sections)
    statuses = []
    for key in ("first", "second", "first"):
        headers = {"Authorization": f"Bearer {ann.token}", "Idempotency-Key": key}
        files = {"file": ("products.csv", f"{HEADER}Tea,1,SGD\n".encode(), "text/csv")}
        statuses.append((await ann.client.post("/v1/products/imports", files=files, headers=headers)).status_code)
    assert statuses == [202, 429, 202]


async def test_what_a_users_failed_tasks_keep_stored_is_limited_too(
    ann: SignedIn, run_queue: RunQueue, resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    limited = resources.section(TasksSettings).model_copy(update={"task_bytes_per_user": 5_000})
    sections: dict[type[Section], Section] = {**resources.sections, TasksSettings: limited}
    monkeypatch.setattr(resources, "sections", sections)
    wrong = HEADER + f"{secrets.token_hex(4_000)},1,SGD\n"
    assert (await upload(ann, wrong))[0] == 202
    await run_queue()
    assert (await upload(ann, HEADER + "Tea,1,SGD\n"))[0] == 429
    async with resources.database.unit_of_work() as work:
        await work.session.execute(update(Task).values(finished_at=func.now() - timedelta(days=4)))
    await remove_old_tasks(resources)
    assert (await upload(ann, HEADER + "Tea,1,SGD\n"))[0] == 202


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_end_as_their_system_ends_them(end: str) -> None:
    text = check_header(f"name,price_minor,currency{end}Tea,1,SGD{end}".encode())
    assert [product.name for product in parse_products(text)] == ["Tea"]


def test_a_missing_header_is_refused() -> None:
    with pytest.raises(UnreadableImport):
        check_header(b"Tea,1,SGD\n")
