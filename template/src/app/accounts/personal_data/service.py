"""The rules of exporting and deleting an account.

A deletion first removes, in one transaction, the user, its sessions and tokens, and its waiting tasks. A task then
removes the rows of other features in batches, and is retried until it succeeds.
"""

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

from pydantic import BaseModel

from app.accounts.actions import AuditAction
from app.accounts.models import User
from app.accounts.problems import LastAdministrator
from app.accounts.recovery.mailed_tokens import MailedTokens
from app.accounts.repository import AccountRepository
from app.accounts.service import accounts_of
from app.accounts.tasks import notify_of_deletion
from app.audit.log import Actor, record
from app.audit.repository import AuditFilter, AuditRepository
from app.composition import Resources, TaskHandler, TaskRun
from app.kit import personal_data
from app.kit.database import UnitOfWork
from app.kit.identity import ADMINISTRATOR, Principal
from app.kit.queue import TaskKind
from app.tasks.repository import TaskRepository
from app.tasks.service import request_task

# Every request that started before a deletion has finished after this time.
_LATE = timedelta(hours=2)
_PAGE = 100


class ErasePayload(BaseModel):
    """A deleted user."""

    user_id: UUID


ERASE = TaskKind("accounts.erase", ErasePayload)


def export(resources: Resources, work: UnitOfWork, actor: Actor, user_id: UUID) -> AsyncIterator[bytes]:
    """Yield a JSON document with everything that is stored about a user, in parts, and record the export."""
    record(work, AuditAction.EXPORTED, actor, user_id)
    return personal_data.export(resources.database, resources.personal_data, user_id)


async def delete_own(resources: Resources, work: UnitOfWork, principal: Principal, password: str, address: str) -> None:
    """Delete the account of a user who gives the password again.

    Raises WrongPassword, LoginLocked, Unauthorized, or LastAdministrator.
    """
    accounts = accounts_of(resources)
    _, user = await accounts.confirm_password(work, principal, password, address)
    if ADMINISTRATOR in user.roles and not await AccountRepository(work.session).another_administers(user.id):
        await accounts.give_back(work)
        async with resources.database.unit_of_work() as counting:
            await accounts.forget_failures(counting, principal)
        raise LastAdministrator
    await delete(resources, work, Actor(user.id, address), user)
    await accounts.forget_failures(work, principal)


async def delete(resources: Resources, work: UnitOfWork, actor: Actor, user: User) -> None:
    """Delete the account of a locked user. The audit log keeps its events, with only the user's id."""
    accounts, tasks = accounts_of(resources), TaskRepository(work.session)
    former = await MailedTokens(work.session, accounts.tokens).reserved_for(user.id)
    record(work, AuditAction.DELETED, actor, user.id)
    # The commit invalidates all copies of the sessions.
    await accounts.announce(work, user.id)
    await AccountRepository(work.session).remove_user(user.id)
    await accounts.lockout.clear(work.session, user.email)
    await tasks.remove_unfinished(user.id)
    await tasks.remove_ownerless(email=user.email, to=user.email, user_id=str(user.id))
    notify_of_deletion(work, resources, user, actor, former)
    request_task(work, resources.queue, ERASE, ErasePayload(user_id=user.id))


async def erase_rows(run: TaskRun, payload: ErasePayload) -> None:
    """Remove the rows that features store about a deleted user."""
    await personal_data.erase(run.resources.database, run.resources.personal_data, payload.user_id)


async def erase_late_rows(resources: Resources) -> None:
    """Remove rows that concurrent requests wrote after the deletion."""
    async with resources.database.unit_of_work() as work:
        repository = AuditRepository(work.session)
        since = await AccountRepository(work.session).now() - _LATE
        wanted, gone, cursor = AuditFilter(AuditAction.DELETED, since=since), set[UUID](), None
        while events := await repository.page(wanted, cursor, _PAGE):
            gone.update(event.subject_id for event in events if event.subject_id)
            cursor = events[-1].id
    for user_id in sorted(gone):
        await personal_data.erase(resources.database, resources.personal_data, user_id)


TASK_HANDLERS = (TaskHandler(ERASE, erase_rows),)
