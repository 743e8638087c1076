"""Dependencies of the account routes. They are `async`, because FastAPI runs plain functions in a thread."""

from typing import Annotated

from fastapi import Depends, Request

from app.accounts.service import AccountService, Device, accounts_of
from app.audit.log import Actor
from app.dependencies import ResourcesDep
from app.kit.database import UnitOfWorkDep
from app.kit.identity import CurrentUser
from app.kit.requests import client_address


async def _service(resources: ResourcesDep) -> AccountService:
    return accounts_of(resources)


AccountServiceDep = Annotated[AccountService, Depends(_service)]


async def _device(request: Request, service: AccountServiceDep) -> Device:
    cookie = request.cookies.get(service.devices.cookie_name, "")
    return Device(request.headers.get("user-agent", ""), client_address(request), cookie)


async def _actor(request: Request, user: CurrentUser) -> Actor:
    return Actor(user.user_id, client_address(request))


async def _administrating(
    request: Request, user: CurrentUser, service: AccountServiceDep, work: UnitOfWorkDep
) -> Actor:
    await service.administrator(work, user)
    return Actor(user.user_id, client_address(request))


DeviceDep = Annotated[Device, Depends(_device)]
# The signed-in user as an actor of the audit log. AdministratorDep also checks the role in PostgreSQL, and refuses all
# other users.
ActorDep = Annotated[Actor, Depends(_actor)]
AdministratorDep = Annotated[Actor, Depends(_administrating)]
