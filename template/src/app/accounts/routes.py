"""HTTP of users, logins and tokens."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Response

from app.accounts.addresses import as_stored
from app.accounts.dependencies import AccountServiceDep, ActorDep, DeviceDep
from app.accounts.login.devices import COOKIE_SECONDS
from app.accounts.problems import (
    AccountDisabled,
    EmailTaken,
    EmailUnverified,
    LoginLocked,
    RefreshRaced,
    RefreshRefused,
    WrongCredentials,
)
from app.accounts.schemas import (
    Introspection,
    JsonWebKeySet,
    LoginForm,
    ProfileChange,
    RefreshRequest,
    TokenPair,
    UserCreate,
    UserRead,
)
from app.accounts.tasks import WELCOME, request_link
from app.dependencies import ResourcesDep, SettingsDep
from app.idempotency.routing import IdempotentRoute, idempotent_by_address
from app.kit.database import UnitOfWorkDep
from app.kit.identity import CurrentUser
from app.kit.openapi import problems
from app.kit.problems import FieldFault, Invalid, Unauthorized
from app.kit.ratelimit import Limit, limited_by_address, limited_by_user

router = APIRouter(prefix="/v1", tags=["accounts"], route_class=IdempotentRoute)

# Each of these requests hashes a password.
password_rate_limit = limited_by_address(Limit("password", 60, 60))
by_user = limited_by_user(Limit("accounts", 300, 60))
_by_token = limited_by_address(Limit("token", 120, 60))


@dataclass(frozen=True, slots=True)
class Registration:
    """A registration with the hash of its password."""

    new: UserCreate
    password_hash: str


async def _registration(new: UserCreate, service: AccountServiceDep) -> Registration:
    return Registration(new, await service.passwords.hash(new.password))


_Registration = Annotated[Registration, Depends(_registration)]


# The password is hashed first: the idempotency key takes a connection, and none may be held during a hash.
@router.post(
    "/users",
    status_code=201,
    dependencies=[password_rate_limit, Depends(_registration), idempotent_by_address],
    responses=problems(EmailTaken),
)
async def register(
    registration: _Registration,
    device: DeviceDep,
    service: AccountServiceDep,
    work: UnitOfWorkDep,
    resources: ResourcesDep,
) -> UserRead:
    """Register. The worker sends a welcome message with a link that confirms the email address."""
    user = await service.register(work, registration.new, registration.password_hash, device)
    await work.session.refresh(user, ["created_at"])
    request_link(work, resources, WELCOME, user.email)
    return UserRead.of(user)


@router.get("/users/me", dependencies=[by_user])
async def read_me(user: CurrentUser, service: AccountServiceDep, work: UnitOfWorkDep) -> UserRead:
    """Return the signed-in user."""
    return UserRead.of(await service.profile(work, user))


@router.patch("/users/me", dependencies=[by_user])
async def change_me(
    change: ProfileChange,
    user: CurrentUser,
    actor: ActorDep,
    service: AccountServiceDep,
    work: UnitOfWorkDep,
    settings: SettingsDep,
) -> UserRead:
    """Change name, language or time zone. Later responses and email messages use that language."""
    codes = settings.language_codes
    if change.language is not None and change.language not in codes:
        raise Invalid([FieldFault(pointer="/body/language", detail=f"choose one of {', '.join(codes)}")])
    return UserRead.of(await service.change_profile(work, user, change, actor))


@router.post(
    "/auth/login",
    dependencies=[password_rate_limit],
    responses=problems(WrongCredentials, LoginLocked, AccountDisabled, EmailUnverified),
)
async def login(
    form: Annotated[LoginForm, Form()],
    device: DeviceDep,
    service: AccountServiceDep,
    work: UnitOfWorkDep,
    response: Response,
) -> TokenPair:
    """Log in with the email address as `username`.

    The cookie that a login sets is not a credential: it only keeps a known device from being locked out by failed
    logins of others.
    """
    pair = await service.login(work, form.username, form.password, device)
    name = as_stored(form.username)
    if not service.devices.knows(device.cookie, name):
        cookie = service.devices.new_cookie(name)
        response.set_cookie(
            service.devices.cookie_name, cookie, COOKIE_SECONDS, secure=True, httponly=True, samesite="strict"
        )
    return pair


@router.post("/auth/refresh", dependencies=[_by_token], responses=problems(RefreshRefused, RefreshRaced))
async def refresh(
    body: RefreshRequest, device: DeviceDep, service: AccountServiceDep, work: UnitOfWorkDep
) -> TokenPair:
    """Exchange a refresh token, once, for a new pair."""
    return await service.refresh(work, body.refresh_token, device)


@router.get("/auth/jwks")
async def read_keys(service: AccountServiceDep) -> JsonWebKeySet:
    """Return the public keys for verifying access tokens."""
    return JsonWebKeySet(keys=[key.document() for key in service.tokens.keys])


@router.post("/auth/introspect", response_model_exclude_none=True)
async def introspect(
    token: Annotated[str, Form(min_length=1, max_length=4_000)], service: AccountServiceDep
) -> Introspection:
    """Tell another service whether an access token is valid (RFC 7662). Anyone who has the token may ask."""
    try:
        principal = await service.authenticate(token)
    except Unauthorized:
        return Introspection(active=False)
    return Introspection(
        active=True,
        sub=principal.user_id,
        sid=principal.session_id,
        email=principal.email,
        language=principal.language,
        roles=sorted(principal.roles),
    )
