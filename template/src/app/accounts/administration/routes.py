"""HTTP of administrators: users, and the audit log."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from app.accounts.actions import AuditAction
from app.accounts.administration import service as administration
from app.accounts.dependencies import AccountServiceDep, AdministratorDep
from app.accounts.problems import OwnAccount
from app.accounts.routes import by_user
from app.accounts.schemas import RolesChange, UserRead
from app.audit.repository import AuditFilter
from app.audit.schemas import AuditEventRead
from app.kit.database import UnitOfWorkDep
from app.kit.openapi import problems
from app.kit.paging import Cursor, Page, PageSize, split
from app.kit.problems import Forbidden
from app.kit.text import ONE_LINE
from app.kit.times import Moment

router = APIRouter(prefix="/v1", tags=["administration"], dependencies=[by_user], responses=problems(Forbidden))

_Prefix = Annotated[str, Query(max_length=320, pattern=ONE_LINE, description="what the address starts with")]


@router.get("/users")
async def list_users(
    actor: AdministratorDep, work: UnitOfWorkDep, email: _Prefix = "", cursor: Cursor = None, limit: PageSize = 20
) -> Page[UserRead]:
    """List users, newest first."""
    rows, last = split(await administration.list_users(work, actor, email, cursor, limit), limit)
    return Page(items=[UserRead.of(user) for user in rows], next_cursor=last.id if last else None)


@router.get("/users/{user_id:uuid}")
async def read_user(user_id: UUID, actor: AdministratorDep, work: UnitOfWorkDep) -> UserRead:
    """Return a user."""
    return UserRead.of(await administration.read_user(work, actor, user_id))


@router.patch("/users/{user_id:uuid}/roles", responses=problems(OwnAccount))
async def change_roles(
    user_id: UUID, change: RolesChange, actor: AdministratorDep, service: AccountServiceDep, work: UnitOfWorkDep
) -> UserRead:
    """Replace the roles of a user. The change applies at once, also to open sessions."""
    return UserRead.of(await administration.set_roles(service, work, actor, user_id, change.roles))


@router.post("/users/{user_id:uuid}/disable", responses=problems(OwnAccount))
async def disable_user(
    user_id: UUID, actor: AdministratorDep, service: AccountServiceDep, work: UnitOfWorkDep
) -> UserRead:
    """Disable an account and end its sessions."""
    return UserRead.of(await administration.disable(service, work, actor, user_id))


@router.post("/users/{user_id:uuid}/enable")
async def enable_user(
    user_id: UUID, actor: AdministratorDep, service: AccountServiceDep, work: UnitOfWorkDep
) -> UserRead:
    """Enable a disabled account."""
    return UserRead.of(await administration.enable(service, work, actor, user_id))


@router.get("/audit-events")
async def list_audit_events(
    actor: AdministratorDep,
    work: UnitOfWorkDep,
    action: AuditAction | None = None,
    actor_id: UUID | None = None,
    subject_id: UUID | None = None,
    since: Moment | None = None,
    until: Moment | None = None,
    cursor: Cursor = None,
    limit: PageSize = 20,
) -> Page[AuditEventRead]:
    """List the audit log, newest first. Reading it is recorded as an event."""
    wanted = AuditFilter(action, actor_id, subject_id, since, until)
    rows, last = split(await administration.list_events(work, actor, wanted, cursor, limit), limit)
    items = [AuditEventRead.model_validate(event) for event in rows]
    return Page(items=items, next_cursor=last.id if last else None)
