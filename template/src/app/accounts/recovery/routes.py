"""HTTP of confirmed addresses and new passwords."""

from fastapi import APIRouter, Response

from app.accounts.dependencies import DeviceDep
from app.accounts.problems import LinkRefused, LoginLocked, WrongPassword
from app.accounts.recovery import service as recovery
from app.accounts.routes import password_rate_limit
from app.accounts.schemas import EmailRequest, PasswordChange, ResetRequest, VerifyRequest
from app.accounts.tasks import RESET_PASSWORD, VERIFY_EMAIL, request_link
from app.dependencies import ResourcesDep
from app.kit.database import UnitOfWorkDep
from app.kit.identity import CurrentUser
from app.kit.openapi import problems

router = APIRouter(prefix="/v1/auth", tags=["accounts"], dependencies=[password_rate_limit])


@router.post("/verify-email", status_code=204, responses=problems(LinkRefused))
async def verify_email(body: VerifyRequest, device: DeviceDep, work: UnitOfWorkDep, resources: ResourcesDep) -> None:
    """Confirm an email address with a mailed token."""
    await recovery.verify_email(resources, work, body.token, device.address)


@router.post("/verify-email/resend", status_code=202, response_class=Response)
async def resend_verification(body: EmailRequest, work: UnitOfWorkDep, resources: ResourcesDep) -> Response:
    """Send the confirmation link again. The response does not reveal whether a user has the address."""
    request_link(work, resources, VERIFY_EMAIL, body.email)
    return Response(status_code=202)


@router.post("/password/forgot", status_code=202, response_class=Response)
async def forgot_password(body: EmailRequest, work: UnitOfWorkDep, resources: ResourcesDep) -> Response:
    """Send a link that sets a new password. The response does not reveal whether a user has the address."""
    request_link(work, resources, RESET_PASSWORD, body.email)
    return Response(status_code=202)


@router.post("/password/reset", status_code=204, responses=problems(LinkRefused))
async def reset_password(body: ResetRequest, device: DeviceDep, work: UnitOfWorkDep, resources: ResourcesDep) -> None:
    """Set a new password with a mailed token. All sessions end."""
    await recovery.reset_password(resources, work, body.token, body.password, device)


@router.post("/password", status_code=204, responses=problems(WrongPassword, LoginLocked))
async def change_password(
    body: PasswordChange, user: CurrentUser, device: DeviceDep, work: UnitOfWorkDep, resources: ResourcesDep
) -> None:
    """Set a new password with the current one. All other sessions end."""
    await recovery.change_password(resources, work, user, body.current_password, body.new_password, device.address)
