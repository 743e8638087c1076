"""Rate limits: exact for concurrent calls, open without Redis, and unaffected by forged headers."""

import asyncio
from types import SimpleNamespace

import pytest
from starlette.requests import Request

from app.composition import Resources
from app.kit import redis as kit_redis
from app.kit.configuration import ConfigurationError
from app.kit.ids import new_id
from app.kit.problems import TooManyRequests
from app.kit.ratelimit import AddressLimit, Limit, RateLimiter, RateLimitSettings, declare
from app.kit.requests import client_address, client_network
from tests.identity import SignedIn
from tests.metrics import moved, value

LIMIT = Limit("test", 5, 60)


async def test_of_many_at_once_exactly_the_limit_passes(resources: Resources) -> None:
    verdicts = await asyncio.gather(*(resources.limiter.take(LIMIT, "ann") for _ in range(20)))
    assert [verdict is not None and verdict.allowed for verdict in verdicts].count(True) == 5


async def test_remaining_counts_down_and_a_refusal_says_when(resources: Resources) -> None:
    verdicts = [await resources.limiter.take(LIMIT, "ann") for _ in range(6)]
    assert [verdict.remaining for verdict in verdicts if verdict] == [4, 3, 2, 1, 0, 0]
    last = verdicts[-1]
    assert last is not None
    assert 11 <= last.seconds <= 12


async def test_callers_do_not_share_an_allowance(resources: Resources) -> None:
    for _ in range(6):
        await resources.limiter.take(LIMIT, "ann")
    verdict = await resources.limiter.take(LIMIT, "bob")
    assert verdict is not None
    assert verdict.allowed


async def test_an_allowance_grows_back(resources: Resources) -> None:
    quick = Limit("quick", 10, 1)
    for _ in range(11):
        verdict = await resources.limiter.take(quick, "ann")
    assert verdict is not None
    assert not verdict.allowed
    await asyncio.sleep(0.12)
    verdict = await resources.limiter.take(quick, "ann")
    assert verdict is not None
    assert verdict.allowed


async def test_limits_are_open_without_redis() -> None:
    redis = kit_redis.connect("redis://127.0.0.1:1/0")
    with moved("rate_limit_open_total") as seen:
        assert await RateLimiter(redis).take(LIMIT, "ann") is None
    assert seen == {"rate_limit_open_total": 1}
    await redis.aclose()


def limit_faults(monkeypatch: pytest.MonkeyPatch, value: str) -> str:
    declare(LIMIT)
    monkeypatch.setenv("RATE_LIMITS", value)
    with pytest.raises(ConfigurationError) as caught:
        RateLimitSettings.load()
    return str(caught.value)


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        ('{"nothing": "1/1"}', "no limit is called 'nothing'; the limits are "),
        ('{"test": "fast"}', "'test' is 'fast'; write requests/seconds, such as 10/60"),
        ('{"test": "0/60"}', "'test' is '0/60'"),
        ("test=1/60", "is not JSON"),
        ("[]", 'expected: a JSON object of requests/seconds by limit, such as {"tasks": "60/60"}'),
    ],
)
def test_a_wrong_limit_in_the_settings_is_named(monkeypatch: pytest.MonkeyPatch, value: str, fault: str) -> None:
    text = limit_faults(monkeypatch, value)
    assert text.startswith("RATE_LIMITS: ")
    assert fault in text


async def test_a_limit_in_the_settings_wins(resources: Resources, monkeypatch: pytest.MonkeyPatch) -> None:
    declare(LIMIT)
    monkeypatch.setenv("RATE_LIMITS", '{"test": "2/60"}')
    limiter = RateLimiter(resources.redis, RateLimitSettings.load().limits())
    verdicts = [await limiter.take(LIMIT, "ann") for _ in range(3)]
    assert [verdict is not None and verdict.allowed for verdict in verdicts] == [True, True, False]


def test_two_limits_of_one_name_are_refused() -> None:
    declare(LIMIT)
    with pytest.raises(ValueError, match="two limits are called 'test'"):
        declare(Limit("test", 6, 60))


async def test_answers_tell_the_limit_and_a_refusal_tells_when_to_come_back(
    ann: SignedIn, resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resources, "limiter", RateLimiter(resources.redis, {"tasks": Limit("tasks", 1, 60)}))
    path = f"/v1/tasks/{new_id()}"
    refused = value("rate_limited_total", limit="tasks")
    answers = [await ann.get(path), await ann.get(path)]
    assert [answer.status_code for answer in answers] == [404, 429]
    assert value("rate_limited_total", limit="tasks") == refused + 1
    assert {answer.headers["ratelimit-policy"] for answer in answers} == {'"tasks";q=1;w=60'}
    assert {answer.headers["ratelimit"] for answer in answers} == {'"tasks";r=0;t=60'}
    assert answers[1].headers["retry-after"] == "60"
    assert answers[1].json()["type"] == "urn:problem:too-many-requests"


def request(trusted: int, *forwarded: str, app: SimpleNamespace | None = None) -> Request:
    app = app or SimpleNamespace(state=SimpleNamespace(settings=SimpleNamespace(trusted_proxies=trusted)))
    headers = [(b"x-forwarded-for", hops.encode()) for hops in forwarded]
    return Request({"type": "http", "app": app, "headers": headers, "client": ("10.0.0.9", 1)})


@pytest.mark.parametrize(
    ("trusted", "forwarded", "expected"),
    [
        (0, "1.1.1.1", "10.0.0.9"),
        (1, "6.6.6.6, 1.1.1.1", "1.1.1.1"),
        (2, "6.6.6.6, 1.1.1.1, 10.0.0.1", "1.1.1.1"),
        (2, "1.1.1.1", "10.0.0.9"),
        (1, "", "10.0.0.9"),
        (1, "192.0.2.1:4711", "192.0.2.1"),
        (1, "[2001:db8::1]:443", "2001:db8::1"),
        (1, "2001:DB8:0:0::1", "2001:db8::1"),
        (1, "::ffff:192.0.2.1", "192.0.2.1"),
        (1, "not an address", "10.0.0.9"),
        (1, "1" * 5_000, "10.0.0.9"),
    ],
)
def test_only_trusted_hops_name_the_caller(trusted: int, forwarded: str, expected: str) -> None:
    assert client_address(request(trusted, forwarded)) == expected


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1:4711", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("[2001:db8:1:2:ffff::]:443", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
    ],
)
def test_limits_count_by_what_one_caller_is_given(address: str, network: str) -> None:
    assert client_network(request(1, address)) == network


async def test_a_caller_with_many_addresses_has_one_allowance(resources: Resources) -> None:
    limit = AddressLimit(Limit("many", 2, 60))
    settings = SimpleNamespace(trusted_proxies=1)
    resources_of = SimpleNamespace(state=SimpleNamespace(settings=settings, resources=resources))
    for number in range(2):
        await limit(request(1, f"[2001:db8::{number:x}]:{4_000 + number}", app=resources_of))
    with pytest.raises(TooManyRequests):
        await limit(request(1, "2001:db8::ffff", app=resources_of))


def test_a_second_header_of_the_caller_hides_nothing() -> None:
    assert client_address(request(1, "6.6.6.6", "1.1.1.1")) == "1.1.1.1"
