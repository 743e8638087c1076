"""Products over HTTP."""

import json

import pytest
from fastapi import FastAPI

from app.composition import Resources
from tests.cached import entries, put
from tests.identity import SignedIn, SignIn

TEA = {"name": "Tea", "price_minor": 1250, "currency": "SGD"}


async def test_a_product_is_created_and_read(ann: SignedIn) -> None:
    created = await ann.post("/v1/products", TEA)
    assert created.status_code == 201
    read = await ann.get(f"/v1/products/{created.json()['id']}")
    assert read.json() == created.json()
    assert {name: read.json()[name] for name in TEA} == TEA


async def test_a_price_is_shown_as_readers_write_it_cached_or_not(ann: SignedIn) -> None:
    path = f"/v1/products/{(await ann.post('/v1/products', TEA)).json()['id']}"
    for language, price in [("en", "SGD12.50"), ("en", "SGD12.50")]:
        answer = await ann.get(path, **{"Accept-Language": language})
        assert answer.json()["price"].replace("\xa0", "") == price
        assert answer.json()["price_minor"] == 1250
    listed = (await ann.get("/v1/products")).json()["items"]
    assert listed[0]["price"].replace("\xa0", "") == "SGD12.50"


async def test_a_product_without_a_currency_has_the_services(ann: SignedIn, resources: Resources) -> None:
    created = await ann.post("/v1/products", {"name": "Tea", "price_minor": 1250})
    assert created.json()["currency"] == resources.settings.currency


async def test_an_absent_product_is_remembered_as_absent(ann: SignedIn, resources: Resources) -> None:
    path = "/v1/products/018f0000-0000-7000-8000-000000000000"
    assert [(await ann.get(path)).status_code for _ in range(2)] == [404, 404]
    key = f"cache:2:{{product:{ann.user_id}:018f0000-0000-7000-8000-000000000000}}"
    assert list((await entries(resources, key)).values()) == [b""]


async def test_the_second_read_comes_from_the_cache(ann: SignedIn) -> None:
    product = (await ann.post("/v1/products", TEA)).json()["id"]
    first, second = [await ann.get(f"/v1/products/{product}") for _ in range(2)]
    assert (first.headers["x-cache"], second.headers["x-cache"]) == ("miss", "hit")
    assert first.content == second.content


async def test_an_entry_of_another_schema_is_a_miss(ann: SignedIn, resources: Resources) -> None:
    """A release that adds a field must not answer 500 until the entries of the previous release have expired."""
    path = f"/v1/products/{(await ann.post('/v1/products', TEA)).json()['id']}"
    read = await ann.get(path)
    key = f"cache:2:{{product:{ann.user_id}:{read.json()['id']}}}"
    for field, entry in (await entries(resources, key)).items():
        await put(resources, key, field.decode(), without_name(entry))
    again = await ann.get(path)
    assert (again.status_code, again.headers["x-cache"], again.json()) == (200, "miss", read.json())
    assert (await ann.get(path)).headers["x-cache"] == "hit"


def without_name(entry: bytes) -> bytes:
    fields = json.loads(entry)
    del fields["name"]
    return json.dumps(fields).encode()


async def test_a_read_works_when_the_cache_is_empty_again(ann: SignedIn, resources: Resources) -> None:
    product = (await ann.post("/v1/products", TEA)).json()["id"]
    await ann.get(f"/v1/products/{product}")
    await resources.redis.flushdb()
    assert (await ann.get(f"/v1/products/{product}")).headers["x-cache"] == "miss"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "x" * 201),
        ("name", "a\x00"),
        ("price_minor", -1),
        ("price_minor", 2**53),
        ("price_minor", 1.5),
        ("price_minor", True),
        ("price_minor", "1"),
        ("currency", "sgd"),
        ("currency", "XYZ"),
    ],
)
async def test_a_wrong_field_is_refused(ann: SignedIn, field: str, value: object) -> None:
    answer = await ann.post("/v1/products", {**TEA, field: value})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == f"/body/{field}"


async def test_another_users_product_is_not_found_even_when_cached(sign_in: SignIn) -> None:
    ann, bob = await sign_in("ann@example.com"), await sign_in("bob@example.com")
    product = (await ann.post("/v1/products", TEA)).json()["id"]
    await ann.get(f"/v1/products/{product}")
    answer = await bob.get(f"/v1/products/{product}")
    assert answer.status_code == 404
    assert (await bob.get("/v1/products")).json() == {"items": [], "next_cursor": None}


async def test_pages_follow_each_other_newest_first(ann: SignedIn) -> None:
    for number in range(5):
        await ann.post("/v1/products", {**TEA, "name": f"Tea {number}"})
    names: list[str] = []
    cursor, pages = "", 0
    while cursor is not None:
        page = (await ann.get(f"/v1/products?limit=2{cursor and '&cursor=' + cursor}")).json()
        names += [item["name"] for item in page["items"]]
        cursor, pages = page["next_cursor"], pages + 1
    assert names == ["Tea 4", "Tea 3", "Tea 2", "Tea 1", "Tea 0"]
    assert pages == 3


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "cursor=x"])
async def test_a_wrong_page_is_refused(ann: SignedIn, query: str) -> None:
    assert (await ann.get(f"/v1/products?{query}")).status_code == 422


@pytest.mark.parametrize("path", ["/v1/products", "/v1/products/018f0000-0000-7000-8000-000000000000"])
async def test_products_need_a_signed_in_user(ann: SignedIn, path: str) -> None:
    answer = await ann.client.get(path)
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"


async def test_the_document_shows_the_price_that_is_sent(ann: SignedIn, application: FastAPI) -> None:
    schemas = application.openapi()["components"]["schemas"]
    new = schemas["ProductCreate"]["properties"]
    (price_minor,), (currency,) = new["price_minor"]["examples"], new["currency"]["anyOf"][0]["examples"]
    created = await ann.post("/v1/products", {"name": "Tea", "price_minor": price_minor, "currency": currency})
    assert schemas["ProductRead"]["properties"]["price"]["examples"] == [created.json()["price"].replace("\xa0", "")]
