"""HTTP of sessions."""

from uuid import UUID

from fastapi import APIRouter

from app.accounts.dependencies import AccountServiceDep, ActorDep
from app.accounts.routes import by_user
from app.accounts.schemas import SessionList, SessionRead
from app.kit.database import UnitOfWorkDep
from app.kit.identity import CurrentUser

router = APIRouter(prefix="/v1", tags=["accounts"], dependencies=[by_user])


@router.post("/auth/logout", status_code=204)
async def logout(user: CurrentUser, actor: ActorDep, service: AccountServiceDep, work: UnitOfWorkDep) -> None:
    """End this session."""
    await service.logout(work, actor, user.session_id)


@router.get("/auth/sessions")
async def list_sessions(user: CurrentUser, service: AccountServiceDep, work: UnitOfWorkDep) -> SessionList:
    """List the user's live sessions. The times of last use are up to five minutes old."""
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


@router.delete("/auth/sessions", status_code=204)
async def revoke_all_sessions(
    user: CurrentUser, actor: ActorDep, service: AccountServiceDep, work: UnitOfWorkDep
) -> None:
    """End all of the user's sessions, including this one."""
    await service.logout_everywhere(work, actor, user.user_id)


@router.delete("/auth/sessions/{session_id}", status_code=204)
async def revoke_session(session_id: UUID, actor: ActorDep, service: AccountServiceDep, work: UnitOfWorkDep) -> None:
    """End one of the user's sessions."""
    await service.logout(work, actor, session_id)
