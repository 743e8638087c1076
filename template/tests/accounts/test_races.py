"""Concurrent requests about one user: sequential requests could always have produced the same outcome.

Each request is stopped before each of its statements in turn, while another one runs. `-m exhaustive` runs every pair,
which makes several hundred interleavings.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from itertools import count
from uuid import UUID

import asyncpg
import httpx
import pytest
from sqlalchemy import select

from app.accounts.administration.service import set_roles
from app.accounts.models import Purpose, User
from app.accounts.recovery.mailed_tokens import MailedTokens
from app.accounts.schemas import UserCreate
from app.accounts.service import AccountService
from app.audit.log import OPERATOR
from app.composition import Resources
from app.kit.database import connector
from tests.accounts.fixtures import DEVICE, PASSWORD, log_in
from tests.accounts.interleaving import before_commits, gated, interleave
from tests.identity import SignedIn, SignIn

BY_CHANGE, BY_RESET, BY_RESTORE = "a password by change", "a password by reset", "a password by restore"
# Purposes of links that are not sent to the user's current address.
OTHER_ADDRESSES = {Purpose.CHANGE_EMAIL, Purpose.RESTORE_EMAIL}
# More than any request has.
MOST_STATEMENTS = 40


@dataclass
class World:
    """A user with an open session and mailed links, an administrator, and the tokens that requests were given."""

    client: httpx.AsyncClient
    resources: Resources
    accounts: AccountService
    ann: SignedIn
    root: SignedIn
    refresh_token: str
    links: dict[Purpose, str]
    given: list[str]


Act = Callable[[World], Awaitable[httpx.Response]]


async def login(world: World) -> httpx.Response:
    answer = await log_in(world.client, world.ann.email)
    world.given.extend([answer.json()["access_token"]] if answer.is_success else [])
    return answer


async def change(world: World) -> httpx.Response:
    return await world.ann.post("/v1/auth/password", {"current_password": PASSWORD, "new_password": BY_CHANGE})


async def reset(world: World) -> httpx.Response:
    body = {"token": world.links[Purpose.RESET_PASSWORD], "password": BY_RESET}
    return await world.client.post("/v1/auth/password/reset", json=body)


async def confirm(world: World) -> httpx.Response:
    return await world.client.post("/v1/auth/verify-email", json={"token": world.links[Purpose.VERIFY_EMAIL]})


async def disable(world: World) -> httpx.Response:
    return await world.root.post(f"/v1/users/{world.ann.user_id}/disable")


async def enable(world: World) -> httpx.Response:
    return await world.root.post(f"/v1/users/{world.ann.user_id}/enable")


async def promote(world: World) -> httpx.Response:
    return await world.root.patch(f"/v1/users/{world.ann.user_id}/roles", {"roles": ["support"]})


async def delete(world: World) -> httpx.Response:
    return await world.ann.post("/v1/users/me/delete", {"current_password": PASSWORD})


async def ask_to_move(world: World) -> httpx.Response:
    body = {"email": f"third-{world.ann.email}", "current_password": PASSWORD}
    return await world.ann.post("/v1/auth/email", body)


async def move(world: World) -> httpx.Response:
    return await world.client.post("/v1/auth/email/confirm", json={"token": world.links[Purpose.CHANGE_EMAIL]})


async def restore(world: World) -> httpx.Response:
    body = {"token": world.links[Purpose.RESTORE_EMAIL], "password": BY_RESTORE}
    return await world.client.post("/v1/auth/email/restore", json=body)


async def refresh(world: World) -> httpx.Response:
    answer = await world.client.post("/v1/auth/refresh", json={"refresh_token": world.refresh_token})
    world.given.extend([answer.json()["access_token"]] if answer.is_success else [])
    return answer


ACTS: list[Act] = [login, change, reset, confirm, disable, enable, promote, refresh, delete, ask_to_move, move, restore]
# Pairs that run with all other tests: passwords, a revocation, a role, a deletion and another address.
ALWAYS = {(login, change), (change, reset), (refresh, disable), (promote, refresh), (delete, login), (reset, delete)}
ALWAYS |= {(delete, promote), (login, move)}
PAIRS = [
    pytest.param(one, other, marks=() if (one, other) in ALWAYS else pytest.mark.exhaustive)
    for one in ACTS
    for other in ACTS
]


@pytest.fixture
async def watcher(resources: Resources) -> AsyncIterator[asyncpg.Connection]:
    """Yield a connection for watching the others."""
    connection = await connector(resources.settings)()
    yield connection
    await connection.close()


MakeWorld = Callable[[bool], Awaitable[World]]


@pytest.fixture
async def make_world(
    sign_in: SignIn, client: httpx.AsyncClient, resources: Resources, accounts: AccountService, open_limits: None
) -> MakeWorld:
    """Return a function that creates a world with a new user for each race."""
    root, numbers = await sign_in("root@example.com", role="admin"), count()
    password_hash = await accounts.passwords.hash(PASSWORD)

    async def make(disabled: bool) -> World:
        # One unit of work: separate requests would take most of the time of these tests.
        number = next(numbers)
        email, links = f"ann{number}@example.com", {}
        async with resources.database.unit_of_work() as work:
            new = UserCreate(email=email, password=PASSWORD, name="Ann")
            user = await accounts.register(work, new, password_hash, DEVICE)
            tokens, pair = [await accounts._open(work, user.id, DEVICE) for _ in range(2)]
            ann = SignedIn(client, str(user.id), email, tokens.access_token)
            for purpose in Purpose:
                own = f"{purpose}-{number}@x.com" if purpose in OTHER_ADDRESSES else email
                links[purpose], _ = await MailedTokens(work.session, accounts.tokens).issue(user, purpose, own)
        world = World(client, resources, accounts, ann, root, pair.refresh_token, links, [pair.access_token])
        if disabled:
            await disable(world)
        return world

    return make


async def outcome(world: World, *answers: httpx.Response) -> tuple[object, ...]:
    """Return everything that can differ afterwards: the answers, the row, and the tokens that work."""
    assert all(answer.status_code < 500 for answer in answers)
    read = await world.root.get(f"/v1/users/{world.ann.user_id}")
    if read.is_success and read.json()["disabled"]:
        # Enable the account again: the outcome includes everything that an enabled account accepts and a disabled one
        # refuses.
        await enable(world)
    tokens = [world.ann.token, *world.given]
    alive = [(await world.client.get("/v1/users/me", headers=bearer(token))).is_success for token in tokens]
    renewed = await world.client.post("/v1/auth/refresh", json={"refresh_token": world.refresh_token})
    done = tuple(answer.is_success for answer in answers)
    if not read.is_success:
        assert not any([*alive, renewed.is_success, (await login(world)).is_success, (await reset(world)).is_success])
        # A login may have received tokens before the deletion ended its session. They are worthless.
        return (*done, "deleted")
    seen = read.json()
    async with world.resources.database.unit_of_work() as work:
        password_hash = (await work.session.get_one(User, UUID(world.ann.user_id))).password_hash
    passwords = [
        (await world.accounts.passwords.check(password, password_hash)).right
        for password in (PASSWORD, BY_CHANGE, BY_RESET, BY_RESTORE)
    ]
    links = [(await use(world)).is_success for use in (reset, move, restore)]
    # Addresses of different worlds differ only in their number.
    address = seen["email"].partition("@")[0].rstrip("0123456789")
    shown = [address, *(seen[name] for name in ("roles", "disabled", "email_verified"))]
    return (*done, shown, alive, renewed.is_success, passwords, links)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@pytest.mark.parametrize(("first", "second"), PAIRS, ids=lambda act: act.__name__)
async def test_at_once_is_one_after_the_other(
    make_world: MakeWorld, resources: Resources, watcher: asyncpg.Connection, first: Act, second: Act
) -> None:
    disabled = enable in (first, second)
    serial = []
    for swapped in (False, True):
        world = await make_world(disabled)
        answers = [await act(world) for act in ((second, first) if swapped else (first, second))]
        serial.append(await outcome(world, *(reversed(answers) if swapped else answers)))
    for number in range(1, MOST_STATEMENTS):
        world = await make_world(disabled)
        with gated(resources.database):
            one, other, stopped = await interleave(watcher, partial(first, world), partial(second, world), number)
        assert await outcome(world, one, other) in serial, f"stopped before statement {number}"
        if not stopped:
            break
    assert number > 1


async def mail_a_link(world: World) -> httpx.Response:
    """Issue a link as the worker does."""
    async with world.resources.database.unit_of_work() as work:
        user = await work.session.get_one(User, UUID(world.ann.user_id))
        await MailedTokens(work.session, world.accounts.tokens).issue(user, Purpose.VERIFY_EMAIL)
    return httpx.Response(200)


# A deletion or a change of the unique address: for these, PostgreSQL itself locks the row against references.
OF_THE_KEY = {delete, move, restore}


@pytest.mark.parametrize("act", [*(act for act in ACTS if act not in OF_THE_KEY), mail_a_link])
async def test_rows_that_refer_to_a_locked_user_can_be_written(
    make_world: MakeWorld, resources: Resources, watcher: asyncpg.Connection, act: Act
) -> None:
    """`FOR KEY SHARE` is the lock that a foreign key takes. `FOR UPDATE` would make it wait."""
    world = await make_world(act is enable)
    held = 0

    async def refer() -> None:
        nonlocal held
        await watcher.execute("SELECT FROM users WHERE id = $1 FOR KEY SHARE NOWAIT", UUID(world.ann.user_id))
        held += 1

    with before_commits(resources.database, refer):
        assert (await act(world)).is_success
    assert held


async def demote(actor: SignedIn, target: SignedIn) -> int:
    return (await actor.patch(f"/v1/users/{target.user_id}/roles", {"roles": []})).status_code


async def close(actor: SignedIn, target: SignedIn) -> int:
    return (await actor.post(f"/v1/users/{target.user_id}/disable")).status_code


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (demote, demote),
        pytest.param(demote, close, marks=pytest.mark.exhaustive),
        pytest.param(close, close, marks=pytest.mark.exhaustive),
        pytest.param(close, demote, marks=pytest.mark.exhaustive),
    ],
)
async def test_of_two_administrators_who_demote_or_disable_each_other_one_remains(
    sign_in: SignIn,
    resources: Resources,
    accounts: AccountService,
    watcher: asyncpg.Connection,
    open_limits: None,
    one: Callable[[SignedIn, SignedIn], Awaitable[int]],
    other: Callable[[SignedIn, SignedIn], Awaitable[int]],
) -> None:
    pair = await sign_in("root@example.com", role="admin"), await sign_in("ada@example.com", role="admin")
    for number in range(1, MOST_STATEMENTS):
        ann, bob = [await sign_in(user.email, role="admin") for user in pair]
        with gated(resources.database):
            first, second, stopped = await interleave(watcher, partial(one, ann, bob), partial(other, bob, ann), number)
        assert sorted((first, second)) in ([200, 401], [200, 403]), f"stopped before statement {number}"
        async with resources.database.unit_of_work() as work:
            users = (await work.session.execute(select(User))).scalars().all()
            assert [user.email for user in users if "admin" in user.roles and not user.disabled_at]
            for user in users:
                user.disabled_at = None
                await set_roles(accounts, work, OPERATOR, user.id, {"admin"})
        if not stopped:
            break
    assert number > 3
