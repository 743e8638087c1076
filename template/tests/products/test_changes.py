"""Changes of products, and lists of them."""

import asyncio
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI

from app.composition import Resources
from app.products import service
from app.products.schemas import ProductChange, ProductCreate, ProductRead
from tests.identity import SignedIn, SignIn

TEA = {"name": "Tea", "price_minor": 1250, "currency": "SGD"}


async def send(user: SignedIn, method: str, path: str, body: object = None, **headers: str) -> httpx.Response:
    authorised = {"Authorization": f"Bearer {user.token}", **headers}
    return await user.client.request(method, path, json=body, headers=authorised)


async def make(user: SignedIn, **fields: object) -> tuple[str, str]:
    """A new product: its path and its tag."""
    created = await user.post("/v1/products", TEA | fields)
    assert created.status_code == 201
    return f"/v1/products/{created.json()['id']}", created.headers["etag"]


async def names(user: SignedIn, query: str = "") -> list[str]:
    """The names of all pages of two."""
    found: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = (await user.get(f"/v1/products?limit=2{query}{cursor and '&cursor=' + cursor}")).json()
        found += [item["name"] for item in page["items"]]
        cursor = page["next_cursor"]
    return found


async def test_a_change_is_read_at_once_although_the_product_was_cached(ann: SignedIn) -> None:
    path, tag = await make(ann)
    assert (await ann.get(path)).headers["etag"] == tag
    changed = await send(ann, "PATCH", path, {"name": "Green tea"}, **{"If-Match": tag})
    assert changed.status_code == 200
    assert changed.headers["etag"] != tag
    assert changed.json() | {"version": 1} == (await ann.get(path)).json() | {"version": 1}
    assert {name: changed.json()[name] for name in TEA} == TEA | {"name": "Green tea"}
    assert (await ann.get(path)).headers["etag"] == changed.headers["etag"]


async def test_a_change_without_a_version_is_refused(ann: SignedIn) -> None:
    path, _ = await make(ann)
    answer = await send(ann, "PATCH", path, {"name": "Green tea"})
    assert (answer.status_code, answer.json()["type"]) == (428, "urn:problem:precondition-required")
    assert (await ann.get(path)).json()["name"] == "Tea"


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
async def test_an_old_version_is_refused_and_the_cached_one_is_read_anew(ann: SignedIn, method: str) -> None:
    path, tag = await make(ann)
    await send(ann, "PATCH", path, {"name": "Green tea"}, **{"If-Match": tag})
    await ann.get(path)
    answer = await send(ann, method, path, {"name": "Black tea"}, **{"If-Match": tag})
    assert (answer.status_code, answer.json()["type"]) == (412, "urn:problem:precondition-failed")
    read = await ann.get(path)
    assert (read.json()["name"], read.headers["x-cache"]) == ("Green tea", "miss")


async def test_of_two_changes_at_once_one_wins(ann: SignedIn) -> None:
    path, tag = await make(ann)
    changes = [send(ann, "PATCH", path, {"name": name}, **{"If-Match": tag}) for name in ("Green", "Black")]
    answers = await asyncio.gather(*changes)
    assert sorted(answer.status_code for answer in answers) == [200, 412]
    (won,) = [answer.json() for answer in answers if answer.status_code == 200]
    assert (await ann.get(path)).json() == won


async def test_a_tag_holds_in_every_language(ann: SignedIn) -> None:
    path, tag = await make(ann)
    other = (await ann.get(path, **{"Accept-Language": "id"})).headers["etag"]
    assert (await send(ann, "PATCH", path, {"name": "Teh"}, **{"If-Match": other})).status_code == 200
    assert (await send(ann, "PATCH", path, {"name": "Teh"}, **{"If-Match": tag})).status_code == 412


async def test_a_star_changes_whichever_version_there_is(ann: SignedIn) -> None:
    path, _ = await make(ann)
    for _ in range(2):
        assert (await send(ann, "PATCH", path, {"price_minor": 1}, **{"If-Match": "*"})).status_code == 200


@pytest.mark.parametrize("change", [{"name": None}, {"name": ""}, {"price_minor": -1}, {"currency": None}, [], None])
async def test_a_wrong_change_is_refused(ann: SignedIn, change: object) -> None:
    path, tag = await make(ann)
    assert (await send(ann, "PATCH", path, change, **{"If-Match": tag})).status_code == 422
    assert (await ann.get(path)).headers["etag"] == tag


async def test_a_change_that_is_sent_again_with_its_key_has_its_first_answer(ann: SignedIn) -> None:
    path, tag = await make(ann)
    headers = {"If-Match": tag, "Idempotency-Key": "once"}
    first, again = [await send(ann, "PATCH", path, {"name": "Green tea"}, **headers) for _ in range(2)]
    assert (first.status_code, first.content, first.headers["etag"]) == (200, again.content, again.headers["etag"])
    other = await send(ann, "PATCH", path, {"name": "Green tea"}, **headers | {"If-Match": first.headers["etag"]})
    assert other.json()["type"] == "urn:problem:idempotency-key-reused"


async def test_a_deleted_product_is_gone_although_it_was_cached(ann: SignedIn) -> None:
    path, tag = await make(ann)
    await ann.get(path)
    answer = await send(ann, "DELETE", path, **{"If-Match": tag})
    assert (answer.status_code, answer.content) == (204, b"")
    assert (await ann.get(path)).status_code == 404
    assert (await send(ann, "DELETE", path)).status_code == 404
    assert (await ann.get("/v1/products")).json()["items"] == []


async def test_a_deletion_needs_no_version(ann: SignedIn) -> None:
    path, _ = await make(ann)
    assert (await send(ann, "DELETE", path)).status_code == 204


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
async def test_only_the_owner_changes_a_product(sign_in: SignIn, method: str) -> None:
    ann, bob = await sign_in("ann@example.com"), await sign_in("bob@example.com")
    path, tag = await make(ann)
    assert (await send(bob, method, path, {"name": "Mine"}, **{"If-Match": "*"})).status_code == 404
    assert (await send(bob, method, path, {"name": "Mine"}, Authorization="", **{"If-Match": "*"})).status_code == 401
    assert (await ann.get(path)).headers["etag"] == tag


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("-created_at", ["Cake", "Bun", "Apple", "Bun", "Date"]),
        ("created_at", ["Date", "Bun", "Apple", "Bun", "Cake"]),
        ("name", ["Apple", "Bun", "Bun", "Cake", "Date"]),
        ("-name", ["Date", "Cake", "Bun", "Bun", "Apple"]),
    ],
)
async def test_every_order_pages_through_all_products_once(ann: SignedIn, sort: str, expected: list[str]) -> None:
    """Two have the same name, at the border of two pages."""
    for name in ("Date", "Bun", "Apple", "Bun", "Cake"):
        await make(ann, name=name)
    assert await names(ann, f"&sort={sort}") == expected


async def test_a_page_follows_a_row_that_is_gone(ann: SignedIn) -> None:
    paths = {name: (await make(ann, name=name))[0] for name in ("Apple", "Bun", "Cake")}
    page = (await ann.get("/v1/products?sort=name&limit=2")).json()
    await send(ann, "DELETE", paths["Bun"])
    rest = (await ann.get(f"/v1/products?sort=name&limit=2&cursor={page['next_cursor']}")).json()
    assert [item["name"] for item in rest["items"]] == ["Cake"]


async def test_a_list_shows_one_currency(ann: SignedIn) -> None:
    for name, currency in [("Apple", "SGD"), ("Bun", "USD"), ("Cake", "SGD"), ("Date", "SGD")]:
        await make(ann, name=name, currency=currency)
    assert await names(ann, "&currency=SGD&sort=name") == ["Apple", "Cake", "Date"]


@pytest.mark.parametrize("query", ["sort=price", "currency=sgd", "currency=ZZZ", "sort=name&cursor=x"])
async def test_a_wrong_list_is_refused(ann: SignedIn, query: str) -> None:
    assert (await ann.get(f"/v1/products?{query}")).status_code == 422


async def test_a_cursor_of_another_order_is_refused(ann: SignedIn) -> None:
    for _ in range(2):
        await make(ann)
    cursor = (await ann.get("/v1/products?limit=1")).json()["next_cursor"]
    answer = await ann.get(f"/v1/products?limit=1&sort=name&cursor={cursor}")
    assert [fault["pointer"] for fault in answer.json()["errors"]] == ["/query/cursor"]


def test_each_field_of_a_new_product_can_be_read_and_changed() -> None:
    fields = set(ProductCreate.model_fields)
    assert fields == set(ProductChange.model_fields)
    assert fields <= set(ProductRead.model_fields)


def test_the_document_names_each_answer(application: FastAPI) -> None:
    paths: dict[str, Any] = application.openapi()["paths"]
    (one,) = [operations for path, operations in paths.items() if path.endswith("/v1/products/{product_id}")]
    common = {"401", "404", "422", "429", "503"}
    assert set(one["get"]["responses"]) == common | {"200"}
    assert set(one["patch"]["responses"]) == common | {"200", "400", "409", "412", "413", "415", "428"}
    assert set(one["delete"]["responses"]) == common | {"204", "412"}


async def test_a_change_that_the_cache_does_not_hear_of_is_refused_once(ann: SignedIn, resources: Resources) -> None:
    """An outage of Redis loses an invalidation: after a refusal, the next read shows the current version."""
    path, tag = await make(ann)
    await send(ann, "PATCH", path, {"name": "Green tea"}, **{"If-Match": tag})
    stale = ProductRead.model_validate((await ann.get(path)).json() | {"version": 1, "name": "Tea"})

    async def old() -> ProductRead:
        return stale

    key = service.cache_key(UUID(ann.user_id), stale.id)
    cached = service.cached_products(resources.cache)
    await cached.invalidate(key)
    await cached.get_or_fill(key, old)
    read = await ann.get(path)
    assert read.json()["name"] == "Tea"
    refused = await send(ann, "PATCH", path, {"name": "Black tea"}, **{"If-Match": read.headers["etag"]})
    assert refused.status_code == 412
    assert (await ann.get(path)).json()["name"] == "Green tea"
