"""HTTP of a change of email address."""

from fastapi import APIRouter, Response

from app.accounts.dependencies import DeviceDep
from app.accounts.email_change import service as email_change
from app.accounts.problems import LinkRefused, LoginLocked, WrongPassword
from app.accounts.routes import password_rate_limit
from app.accounts.schemas import EmailChange, ResetRequest, VerifyRequest
from app.dependencies import ResourcesDep
from app.kit.database import UnitOfWorkDep
from app.kit.identity import CurrentUser
from app.kit.openapi import problems
from app.kit.ratelimit import Limit, limited_by_user

router = APIRouter(prefix="/v1/auth/email", tags=["accounts"], dependencies=[password_rate_limit])

# Each request may send a message to another address.
_changes = limited_by_user(Limit("email-changes", 10, 3_600))


@router.post(
    "",
    status_code=202,
    response_class=Response,
    dependencies=[_changes],
    responses=problems(WrongPassword, LoginLocked),
)
async def request_change(
    body: EmailChange, user: CurrentUser, device: DeviceDep, work: UnitOfWorkDep, resources: ResourcesDep
) -> Response:
    """Send a link to a new email address. The present address stays until the link is used.

    The answer is the same whether or not another user has the address.
    """
    await email_change.request_change(resources, work, user, body.current_password, body.email, device.address)
    return Response(status_code=202)


@router.post("/confirm", status_code=204, responses=problems(LinkRefused))
async def confirm_change(body: VerifyRequest, device: DeviceDep, work: UnitOfWorkDep, resources: ResourcesDep) -> None:
    """Change the email address with a mailed token. All sessions end except the requesting one."""
    await email_change.confirm_change(resources, work, body.token, device.address)


@router.post("/restore", status_code=204, responses=problems(LinkRefused))
async def restore(body: ResetRequest, device: DeviceDep, work: UnitOfWorkDep, resources: ResourcesDep) -> None:
    """Undo a change with the token that was mailed to the former address, and set a new password.

    All sessions end, and all other links become invalid.
    """
    await email_change.restore(resources, work, body.token, body.password, device)
