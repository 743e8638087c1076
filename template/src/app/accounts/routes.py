"""HTTP of users, logins and sessions."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form

from app.accounts.dependencies import AccountServiceDep, DeviceDep
from app.accounts.models import User
from app.accounts.problems import EmailTaken, RefreshRefused, WrongCredentials
from app.accounts.schemas import (
    Introspection,
    JsonWebKeySet,
    LoginForm,
    RefreshRequest,
    SessionList,
    SessionRead,
    TokenPair,
    UserCreate,
    UserRead,
)
from app.accounts.tasks import welcome
from app.kit.database import UnitOfWorkDep
from app.kit.dependencies import QueueDep
from app.kit.idempotency import IdempotentRoute, idempotent_by_address
from app.kit.identity import CurrentUser
from app.kit.openapi import problems
from app.kit.problems import Unauthorized
from app.kit.ratelimit import Limit, limited_by_address, limited_by_user

router = APIRouter(prefix="/v1", tags=["accounts"], route_class=IdempotentRoute)

# Each costs a password hash.
_by_password = limited_by_address(Limit("password", 60, 60))
_by_token = limited_by_address(Limit("token", 120, 60))
_by_user = limited_by_user(Limit("accounts", 300, 60))


@router.post(
    "/users",
    status_code=201,
    dependencies=[_by_password, idempotent_by_address],
    responses=problems(EmailTaken),
)
async def register(new: UserCreate, service: AccountServiceDep, work: UnitOfWorkDep, queue: QueueDep) -> UserRead:
    """Register. The welcome mail is sent by the worker."""
    user = await service.register(work, new)
    await work.session.refresh(user, ["created_at"])
    welcome(work, queue, user)
    return _read(user)


@router.get("/users/me", dependencies=[_by_user])
async def read_me(user: CurrentUser, service: AccountServiceDep, work: UnitOfWorkDep) -> UserRead:
    """The signed-in user."""
    return _read(await service.profile(work, user))


@router.post("/auth/login", dependencies=[_by_password], responses=problems(WrongCredentials))
async def login(
    form: Annotated[LoginForm, Form()],
    device: DeviceDep,
    service: AccountServiceDep,
    work: UnitOfWorkDep,
) -> TokenPair:
    """Log in with the e-mail address as `username`."""
    return await service.login(work, form.username, form.password, device)


@router.post("/auth/refresh", dependencies=[_by_token], responses=problems(RefreshRefused))
async def refresh(body: RefreshRequest, service: AccountServiceDep, work: UnitOfWorkDep) -> TokenPair:
    """Exchange a refresh token, once, for a new pair."""
    return await service.refresh(work, body.refresh_token)


@router.post("/auth/logout", status_code=204, dependencies=[_by_user])
async def logout(user: CurrentUser, service: AccountServiceDep, work: UnitOfWorkDep) -> None:
    """End this session."""
    await service.logout(work, user, user.session_id)


@router.get("/auth/sessions", dependencies=[_by_user])
async def list_sessions(user: CurrentUser, service: AccountServiceDep, work: UnitOfWorkDep) -> SessionList:
    """The user's live sessions."""
    items = [
        SessionRead(
            id=session.id,
            user_agent=session.user_agent,
            address=session.address,
            created_at=session.created_at,
            last_used_at=session.last_used_at,
            current=session.id == user.session_id,
        )
        for session in await service.live_sessions(work, user)
    ]
    return SessionList(items=items)


@router.delete("/auth/sessions/{session_id}", status_code=204, dependencies=[_by_user])
async def revoke_session(session_id: UUID, user: CurrentUser, service: AccountServiceDep, work: UnitOfWorkDep) -> None:
    """End one of the user's sessions."""
    await service.logout(work, user, session_id)


@router.get("/auth/jwks")
async def read_keys(service: AccountServiceDep) -> JsonWebKeySet:
    """The public keys that may have signed an access token."""
    return JsonWebKeySet(keys=[key.document() for key in service.tokens.keys])


@router.post("/auth/introspect", response_model_exclude_none=True)
async def introspect(
    token: Annotated[str, Form(min_length=1, max_length=4_000)], service: AccountServiceDep
) -> Introspection:
    """Tell another service whether an access token stands (RFC 7662). Whoever holds the token may ask."""
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


def _read(user: User) -> UserRead:
    return UserRead(
        id=user.id,
        email=user.email,
        name=user.name,
        roles=user.roles,
        language=user.language,
        email_verified=user.email_verified_at is not None,
        created_at=user.created_at,
    )
