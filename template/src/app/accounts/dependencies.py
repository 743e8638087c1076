"""What account routes ask of a request."""

from typing import Annotated

from fastapi import Depends, Request

from app.accounts.service import AccountService, Device
from app.kit.features import FeatureError
from app.kit.requests import client_address


def _service(request: Request) -> AccountService:
    service = request.app.state.resources.authenticator
    if not isinstance(service, AccountService):
        raise FeatureError("account routes need the authenticator of accounts")
    return service


def _device(request: Request) -> Device:
    return Device(request.headers.get("user-agent", ""), client_address(request))


AccountServiceDep = Annotated[AccountService, Depends(_service)]
DeviceDep = Annotated[Device, Depends(_device)]
