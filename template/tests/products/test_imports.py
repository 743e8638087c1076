"""The import of products, from the upload to the mail."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from app.kit.resources import Resources
from app.products.parsing import check_header, parse_products
from app.products.problems import UnreadableImport, WrongLine
from tests.conftest import RunQueue
from tests.identity import Confirm, SignedIn

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


@pytest.mark.parametrize("row", ["Tea", "Tea,1,SGD,more", "Tea,x,SGD", "Tea,1,ZZZ", ",1,SGD", "x" * 200_000])
def test_a_line_that_is_no_product_is_refused(row: str) -> None:
    with pytest.raises(WrongLine):
        list(parse_products(HEADER + row))


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_end_as_their_system_ends_them(end: str) -> None:
    text = check_header(f"name,price_minor,currency{end}Tea,1,SGD{end}".encode())
    assert [product.name for product in parse_products(text)] == ["Tea"]


def test_a_missing_header_is_refused() -> None:
    with pytest.raises(UnreadableImport):
        check_header(b"Tea,1,SGD\n")
