"""HTTP of personal data: the export of an account, and its deletion, by its user or an administrator."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, Response
from fastapi.responses import StreamingResponse

from app.accounts.administration import service as administration
from app.accounts.dependencies import AccountServiceDep, ActorDep, AdministratorDep
from app.accounts.personal_data import service as personal_data
from app.accounts.problems import LastAdministrator, LoginLocked, OwnAccount, WrongPassword
from app.accounts.routes import by_user, password_rate_limit
from app.accounts.schemas import DeletionRequest, Export
from app.dependencies import ResourcesDep
from app.kit.database import UnitOfWorkDep
from app.kit.identity import CurrentUser
from app.kit.openapi import problems
from app.kit.problems import Forbidden
from app.kit.ratelimit import Limit, limited_by_user

router = APIRouter(prefix="/v1/users", tags=["personal data"])

# Low, because each export reads everything that is stored about a user.
_exports = limited_by_user(Limit("exports", 10, 3_600))
_HEADERS = {"Content-Disposition": 'attachment; filename="export.json"'}


@router.get("/me/export", dependencies=[_exports], response_model=Export)
async def export_me(
    user: CurrentUser, actor: ActorDep, service: AccountServiceDep, work: UnitOfWorkDep, resources: ResourcesDep
) -> Response:
    """Export everything that the service stores about the signed-in user, without secrets, as one file."""
    await service.profile(work, user)
    document = personal_data.export(resources, work, actor, user.user_id)
    return StreamingResponse(document, headers=_HEADERS, media_type="application/json")


@router.post(
    "/me/delete",
    status_code=204,
    dependencies=[password_rate_limit, by_user],
    responses=problems(WrongPassword, LoginLocked, LastAdministrator),
)
async def delete_me(
    body: Annotated[DeletionRequest, Body()],
    user: CurrentUser,
    actor: ActorDep,
    work: UnitOfWorkDep,
    resources: ResourcesDep,
) -> None:
    """Permanently delete the account of the signed-in user. All sessions end, and links in messages become invalid.

    The email address is free at once. A mail confirms the deletion where the address was confirmed.
    """
    await personal_data.delete_own(resources, work, user, body.current_password, actor.address)


@router.get("/{user_id:uuid}/export", dependencies=[_exports], response_model=Export, responses=problems(Forbidden))
async def export_user(user_id: UUID, actor: AdministratorDep, work: UnitOfWorkDep, resources: ResourcesDep) -> Response:
    """Export everything that the service stores about a user. For administrators."""
    await administration.read_user(work, actor, user_id)
    document = personal_data.export(resources, work, actor, user_id)
    return StreamingResponse(document, headers=_HEADERS, media_type="application/json")


@router.delete("/{user_id:uuid}", status_code=204, dependencies=[by_user], responses=problems(Forbidden, OwnAccount))
async def delete_user(user_id: UUID, actor: AdministratorDep, work: UnitOfWorkDep, resources: ResourcesDep) -> None:
    """Permanently delete the account of another user, as the user could. For administrators."""
    await administration.delete(resources, work, actor, user_id)
