"""What account routes ask of a request. `async`, or FastAPI would hand them to a thread."""

from typing import Annotated

from fastapi import Depends, Request

from app.accounts.audit import Actor
from app.accounts.service import AccountService, Device, accounts_of
from app.kit.identity import ADMINISTRATOR, CurrentUser, Principal
from app.kit.problems import Forbidden
from app.kit.requests import client_address


async def _service(request: Request) -> AccountService:
    return accounts_of(request.app.state.resources)


async def _device(request: Request) -> Device:
    return Device(request.headers.get("user-agent", ""), client_address(request))


async def _actor(request: Request, user: CurrentUser) -> Actor:
    return Actor(user.user_id, client_address(request))


async def _administrator(user: CurrentUser) -> Principal:
    if ADMINISTRATOR not in user.roles:
        raise Forbidden
    return user


async def _administrating(request: Request, user: "Administrator") -> Actor:
    return Actor(user.user_id, client_address(request))


Administrator = Annotated[Principal, Depends(_administrator)]

AccountServiceDep = Annotated[AccountService, Depends(_service)]
DeviceDep = Annotated[Device, Depends(_device)]
# The signed-in user as the audit log writes it; the second is an administrator, everybody else is refused.
ActorDep = Annotated[Actor, Depends(_actor)]
AdministratorDep = Annotated[Actor, Depends(_administrating)]
